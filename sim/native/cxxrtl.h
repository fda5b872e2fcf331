// A design compiled by Yosys `write_cxxrtl` into dut.cc, top module `dut`, as the harness uses it.
// The names of ports (I_VALID and so on), and the level of a RESET, are macros of the command line.

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

  // Computes what the next rising edge will see. One pass does both that and the new registers,
  // which `commit` of `edge` makes visible, in any design without combinational loops; returns
  // whether this is one.
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
  uint64_t o_payload() const { return dut_.O_PAYLOAD.template get<uint64_t>(); }

 private:
  cxxrtl_design::p_dut dut_;
};
