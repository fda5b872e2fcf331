"""The Wishbone kit's slave in the SoC of the litex kit, for soc_cycles.py."""

from __future__ import annotations

import shutil
from pathlib import Path

BASE = 0x90000000
"""Address of the slave, where no cache is."""
STEPS = 40
"""Steps of a block: their output fits the FIFO."""
SLAVE = f'''\
"""Adds the slave to a SoC."""
from pathlib import Path

from litex.gen import *
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import wishbone
from migen import *

BUS = Path(__file__).resolve().parent / "bus"


def add_slave(soc):
    bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word")
    soc.specials += Instance(
        "lmu_wb", p_MEM_DIR=str(BUS / "core"), p_IN_LOG2=6, p_OUT_LOG2=7,
        i_clk=ClockSignal(), i_rst=ResetSignal(), i_wb_cyc_i=bus.cyc, i_wb_stb_i=bus.stb,
        i_wb_we_i=bus.we, i_wb_adr_i=bus.adr[:5], i_wb_dat_i=bus.dat_w, i_wb_sel_i=bus.sel,
        o_wb_dat_o=bus.dat_r, o_wb_ack_o=bus.ack, o_wb_err_o=bus.err,
    )
    soc.bus.add_slave("slave", bus, SoCRegion(origin=0x{BASE:x}, size=0x1000, cached=False))
    soc.platform.add_sources(str(BUS), "lmu_wb.v", "lmu_registers.v", "lmu_bus_fifo.v")
'''
MAIN = f"""\
#define main main_of_the_kit
#include "main_of_the_kit.c"
#undef main
#include "lmu_driver.h"

static size_t ready(const lmu_device *device)
{{
    return LMU_DEVICE_READ(device->base, LMU_REGS_LEVEL) & LMU_REGS_LEVEL_OUT_WORDS_MASK;
}}

int main(void)
{{
    lmu_device device;
    uint32_t start, cycles = 0;

    expect(lmu_device_open(&device, 0x{BASE:x}u) == LMU_DEVICE_OK, "no device");
    start = now();
    expect(lmu_device_run(&device, input, N_STEPS, got, N_STEPS) == LMU_DEVICE_OK, "run");
    report("streamed", since(start));
    compare("streamed", got, 0, N_GOT);
    forget();
    lmu_device_reset(&device);
    for (size_t k = 0; k < N_STEPS; k += {STEPS}) {{
        const size_t n = N_STEPS - k < {STEPS} ? N_STEPS - k : {STEPS};

        start = now();
        lmu_device_write(&device, input + k * N_IN, n * N_IN);
        cycles += since(start);
        while (ready(&device) < n * N_OUT) {{
        }}
        start = now();
        lmu_device_read(&device, got + k * N_OUT, n * N_OUT);
        cycles += since(start);
    }}
    report("transfers", cycles);
    compare("transfers", got, 0, N_GOT);
    text(n_failed == 0 ? "PASS\\n" : "FAIL\\n");
    put('\\4');
    for (;;) {{
    }}
}}
"""


def with_slave(build: Path) -> Path:
    """Return a copy of the litex kit of a build directory whose SoC has the slave too.

    Its firmware reports the cycles of the slave as ``streamed`` and ``transfers``. The design is
    called lmu, and every step has an output.
    """
    kit = build / "slave" / "litex"
    shutil.rmtree(kit, ignore_errors=True)
    shutil.copytree(build / "litex", kit)
    shutil.copytree(build / "bus", kit / "bus")
    for header in ("lmu_driver.h", "lmu_regs.h"):
        shutil.copy(build / "bus" / header, kit)
    (kit / "main.c").rename(kit / "main_of_the_kit.c")
    (kit / "main.c").write_text(MAIN)
    (kit / "slave.py").write_text(SLAVE)
    script = (kit / "sim.py").read_text()
    added = "        add_lmu(self, depth=depth)\n"
    if added not in script:
        raise SystemExit("sim.py of the litex kit has changed: edit with_slave")
    script = script.replace(added, f"{added}        add_slave(self)\n")
    script = script.replace("import litex\n", "import litex\nfrom slave import add_slave\n")
    (kit / "sim.py").write_text(script)
    return kit
