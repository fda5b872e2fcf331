// Adapter for a design compiled by `verilator --prefix Vdut`.
// Port names (I_VALID and so on) and the level of RESET are macros from the command line.

#include <cstdint>
#include <memory>

#include "Vdut.h"
#include "verilated.h"

class Model {
 public:
  // Registers without an initial value are random, so words that depend on them differ by seed.
  explicit Model(uint64_t seed) : context_(new VerilatedContext) {
    context_->randReset(2);
    context_->randSeed(int(seed & 0x7fffffff) | 1);
    dut_.reset(new Vdut(context_.get(), "dut"));
    dut_->CLK = 0;
    drive(false, false, 0, false, false);
#ifdef STATE_COMMAND_VALID
    dut_->STATE_COMMAND_VALID = 0;
#endif
    dut_->eval();
  }
  ~Model() { dut_->final(); }

  void drive(bool rst, bool i_valid, uint64_t i_payload, bool i_last, bool o_ready) {
    dut_->RST = rst == RESET;
    dut_->I_VALID = i_valid;
    dut_->I_PAYLOAD = i_payload;
    dut_->O_READY = o_ready;
#ifdef I_LAST
    dut_->I_LAST = i_last;
#else
    (void)i_last;
#endif
  }

  // Evaluates the combinational logic before the next rising edge.
  bool settle() {
    dut_->CLK = 0;
    dut_->eval();
    return true;
  }

  void edge() {
    dut_->CLK = 1;
    dut_->eval();
  }

  bool i_ready() const { return dut_->I_READY; }
  bool o_valid() const { return dut_->O_VALID; }
  bool o_last() const { return dut_->O_LAST; }
  // The bits of the payload from `low` on, `width` of them.
  uint64_t o_word(uint64_t low, uint64_t width) const { return bits(dut_->O_PAYLOAD, low, width); }

 private:
  static uint64_t bits(uint64_t payload, uint64_t low, uint64_t width) {
    return payload >> low & ~uint64_t(0) >> (64 - width);
  }
  template <std::size_t N>
  static uint64_t bits(const VlWide<N>& payload, uint64_t low, uint64_t width) {
    uint64_t word = 0;
    for (uint64_t k = 0; k < width; ++k) {
      const uint64_t at = low + k;
      word |= uint64_t(payload[at / 32] >> at % 32 & 1) << k;
    }
    return word;
  }

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vdut> dut_;
};
