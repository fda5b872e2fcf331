// A design with a state port, compiled by Yosys `write_cxxrtl` into dut.cc, one clock cycle at a time.
// The order of the pins is that of IN and OUT in rtl.py.

#include <cstdint>

#include "dut.cc"

#define EXPORT extern "C" __attribute__((visibility("default")))

typedef cxxrtl_design::p_dut Dut;

EXPORT void* core_open() {
  Dut* dut = new Dut;
  dut->step();
  return dut;
}

EXPORT void core_close(void* core) { delete static_cast<Dut*>(core); }

// Shows what the next rising edge will see, and lets it come.
EXPORT void core_cycle(void* core, const uint64_t* in, uint64_t* out) {
  Dut& dut = *static_cast<Dut*>(core);
  dut.p_rst.set(in[0]);
  dut.p_i__valid.set(in[1]);
  dut.p_i__data.set(in[2]);
#ifdef I_LAST
  dut.p_i__last.set(in[3]);
#endif
  dut.p_o__ready.set(in[4]);
  dut.p_state__command__valid.set(in[5]);
  dut.p_state__command__data.set(in[6]);
  dut.p_state__i__valid.set(in[7]);
  dut.p_state__i__data.set(in[8]);
  dut.p_state__o__ready.set(in[9]);
  dut.p_clk.set(true);
  dut.eval();
  out[0] = dut.p_i__ready.get<uint64_t>();
  out[1] = dut.p_o__valid.get<uint64_t>();
  out[2] = dut.p_o__data.get<uint64_t>();
  out[3] = dut.p_o__last.get<uint64_t>();
  out[4] = dut.p_state__command__ready.get<uint64_t>();
  out[5] = dut.p_state__i__ready.get<uint64_t>();
  out[6] = dut.p_state__o__valid.get<uint64_t>();
  out[7] = dut.p_state__o__data.get<uint64_t>();
  out[8] = dut.p_state__o__last.get<uint64_t>();
  dut.commit();
  dut.p_clk.set(false);
  dut.commit();
}
