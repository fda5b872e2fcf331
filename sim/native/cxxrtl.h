// Adapter for a design converted by Yosys `write_cxxrtl` to dut.cc, with top module `dut`.
// Port names (I_VALID and so on) and the level of RESET are macros from the command line.

#include <cstdint>

#include "dut.cc"

class Model {
 public:
  explicit Model(uint64_t) {
    drive(false, false, 0, false, false);
    dut_.step();
  }

  void drive(bool rst, bool i_valid, uint64_t i_payload, bool i_last, bool o_ready) {
    dut_.RST.set(rst == RESET);
    dut_.I_VALID.set(i_valid);
    dut_.I_PAYLOAD.set(i_payload);
    dut_.O_READY.set(o_ready);
#ifdef I_LAST
    dut_.I_LAST.set(i_last);
#else
    (void)i_last;
#endif
  }

  // Evaluates the combinational logic before the next rising edge. The same pass computes the new
  // register values, which `edge` commits. Returns whether the design has no combinational loop.
  bool settle() {
    dut_.CLK.set(true);
    return dut_.eval();
  }

  void edge() {
    dut_.commit();
    dut_.CLK.set(false);
    dut_.commit();
  }

  bool i_ready() const { return dut_.I_READY.template get<bool>(); }
  bool o_valid() const { return dut_.O_VALID.template get<bool>(); }
  bool o_last() const { return dut_.O_LAST.template get<bool>(); }
  // The bits of the payload from `low` on, `width` of them.
  uint64_t o_word(uint64_t low, uint64_t width) const { return bits(dut_.O_PAYLOAD, low, width); }

 private:
  template <size_t N>
  static uint64_t bits(const cxxrtl::value<N>& payload, uint64_t low, uint64_t width) {
    uint64_t word = 0;
    for (uint64_t k = 0; k < width; ++k) {
      const uint64_t at = low + k;
      word |= uint64_t(payload.data[at / 32] >> at % 32 & 1) << k;
    }
    return word;
  }
  template <size_t N>
  static uint64_t bits(const cxxrtl::wire<N>& payload, uint64_t low, uint64_t width) {
    return bits(payload.curr, low, width);
  }

  cxxrtl_design::p_dut dut_;
};
