"""Kits ``axil`` and ``wishbone``: the core as a slave of a bus, with registers and a C driver."""

from __future__ import annotations

from typing import Any

from .bus_registers import (
    ADDRESS_BITS,
    BUS_BITS,
    IDENTIFIER,
    PAIRED_BITS,
    Register,
    RegisterField,
    n_state,
    registers_of,
    word_shapes,
)
from .bus_vectors import bus_vectors
from .core_files import core_files, core_of, rom_files
from .kit import Files, Kit, KitDesign, placed, render

FEWEST_LOG2, MOST_LOG2 = 4, 10
"""Depths of the FIFOs by default: `STEPS_AHEAD` steps, within these limits."""
STEPS_AHEAD = 8


def fifo_log2(n_words: int) -> int:
    """Return the depth of a FIFO for steps of ``n_words``, as a power of two."""
    return min(max((STEPS_AHEAD * n_words - 1).bit_length(), FEWEST_LOG2), MOST_LOG2)


def c_bits(bits: int, signed: bool) -> int:
    """Return the bits of the signed C type that holds a word."""
    return next(size for size in (16, 32, 64) if bits + (not signed) <= size)


def concatenation(register: Register) -> str:
    """Return what a read of a register gives, in Verilog."""
    parts: list[str] = []
    filled = 0
    for f in sorted(register.fields, key=lambda f: f.low):
        if f.low > filled:
            parts.append(f"{f.low - filled}'d0")
        parts.append(_read_value(register, f))
        filled = f.high + 1
    if filled < BUS_BITS:
        parts.append(f"{BUS_BITS - filled}'d0")
    return parts[0] if len(parts) == 1 else "{" + ", ".join(reversed(parts)) + "}"


def _read_value(register: Register, field: RegisterField) -> str:
    if register.access == "constant" or field.name == "RESET":
        return f"{field.width}'h{field.value or 0:x}"
    return register.signal(field)


def context(design: KitDesign) -> dict[str, Any]:
    """Return what the templates of the bus kits see."""
    program, plan = design.program, design.schedule
    registers = registers_of(design)
    settings = [
        (r, f)
        for r in registers
        if r.access == "rw"
        for f in r.fields
        if (r.name, f.name) != ("CONTROL", "RESET")
    ]
    (in_bits, in_signed), (out_bits, out_signed), (state_bits, state_signed) = word_shapes(design)
    return {
        "p": f"{design.name}_regs".upper(),
        "p_device": f"{design.name}_device".upper(),
        "registers": registers,
        "identifier": IDENTIFIER,
        "strobes": {r.name: r.strobes for r in registers},
        "settings": settings,
        "concatenation": concatenation,
        "address_bits": ADDRESS_BITS,
        "core": core_of(design).module,
        "roms": rom_files(design),
        "on_demand": program.output_every == 0,
        "every": program.output_every,
        "n_in": plan.n_in,
        "n_out": plan.n_out,
        "n_state": n_state(design),
        "in_bits": in_bits,
        "in_signed": in_signed,
        "out_bits": out_bits,
        "out_signed": out_signed,
        "state_bits": state_bits,
        "state_signed": state_signed,
        "in_log2": fifo_log2(plan.n_in),
        "out_log2": fifo_log2(plan.n_out),
        "in_mask": f"0x{(1 << in_bits) - 1:x}",
        "in_c": c_bits(in_bits, in_signed),
        "out_c": c_bits(out_bits, out_signed),
        "state_c": c_bits(state_bits, state_signed),
        "cycles": plan.cycles_per_step,
        "transfers": {
            f"{way}_{name}": transfers(n, bits, steps)
            for way, n, bits in (("in", plan.n_in, in_bits), ("out", plan.n_out, out_bits))
            for name, steps in (("one", 1), ("many", 2))
        },
    }


def transfers(n_words: int, bits: int, steps: int) -> str:
    """Return the transfers for the words of a step, in runs of ``steps``."""
    words = n_words * steps
    count = -(-words // 2) if bits <= PAIRED_BITS else words
    return f"{count / steps:g}"


TESTED = (
    "Icarus 11, Verilator 5.006 (lint), cocotbext-axi 0.1.28, Yosys 0.70, PeakRDL 1.5, gcc, clang"
)
NOT_RUN = "a vendor's tool, and on a board"


def _files(design: KitDesign) -> Files:
    name, tests, seen = design.name, bus_vectors(design), context(design)
    seen |= {"steps": tests.steps, "outputs": tests.outputs, "not_run": NOT_RUN}
    templates = {
        "README.md": "README.md.j2",
        "Makefile": "Makefile.j2",
        f"{name}_axil.v": "axil.v.j2",
        f"{name}_wb.v": "wb.v.j2",
        f"{name}_registers.v": "registers.v.j2",
        f"{name}_bus_fifo.v": "bus_fifo.v.j2",
        f"{name}_regs.h": "regs.h.j2",
        f"{name}_regs.rdl": "regs.rdl.j2",
        f"{name}_regs.md": "regs.md.j2",
        f"{name}_driver.h": "driver.h.j2",
        f"test/tb_{name}_bus.v": "tb.v.j2",
        f"test/test_{name}_driver.c": "test_driver.c.j2",
    }
    files = {file: render(f"bus/{source}", design, **seen) for file, source in templates.items()}
    for bus in ("axil", "wb"):
        files[f"{name}_{bus}.f"] = render("bus/files.f.j2", design, bus=bus)
    core = {**core_files(design), f"{name}.vlt": design.rtl[f"{name}.vlt"]}
    return {**files, **placed("core", core), **placed("test/vectors", tests.files)}


def _kit(name: str, bus: str) -> Kit:
    return Kit(
        name=name,
        summary=f"{bus} slave with registers, interrupts and FIFOs; C driver",
        tested=TESTED,
        not_run=NOT_RUN,
        files=_files,
        directory="bus",
        verilog=True,
        state_port=True,
    )


AXIL, WISHBONE = _kit("axil", "AXI4-Lite"), _kit("wishbone", "Wishbone B4")
