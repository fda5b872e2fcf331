"""Instructions of spiking memories on microcontrollers: docs/results/spiking_firmware.md.

    PYTHONPATH=. python benchmarks/spiking_firmware.py

Needs cross compilers and QEMU. Every run compares the words of its steps with the interpreter's.
The counts of executed instructions are exact; QEMU does not model a pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.firmware import counted, mean, row
from benchmarks.firmware_programs import memory
from lmu_hw.program.integer_program import Program

TABLE = Path(__file__).parent.parent / "docs" / "results" / "spiking_firmware.md"
CORES = {"M4": "c-m4", "M0": "c-m0", "RV32": "c-rv32"}
POISSON, INTEGRATING = "poisson", "integrate-fire"
ORDER = 6
POPULATIONS = tuple(1 << h for h in range(2, 15, 2))
"""Neurons for one sign of one state."""
LARGE = 256
"""Smallest population in the fit of the exponent over m."""
ORDERS = (3, 6, 12, 24, 48, 96)
FITTED = range(12, 49)
"""Orders in the fit of the exponent over d; a sum of more has 64 bits."""
FIXED = 64
"""Population of the sweep over d."""
GENERATORS = (1, 4, 16, 64)


@cache
def spiking(model: str, d: int, population: int, generators: int = 1) -> Program:
    """Return a memory that only updates itself in most steps."""
    keys: dict[str, Any] = {"neuron_model": model, "neurons": 2 * d * population}
    if generators > 1:
        keys["generators"] = generators
    return memory(order=d, theta=10 * d, realization="spiking", **keys)


def instructions(program: Program) -> dict[str, float]:
    """Return the instructions of a step without an output on each core."""
    return {
        core: mean(counted(program, name).instructions.without_output)
        for core, name in CORES.items()
    }


def exponent(x: Sequence[int], y: Sequence[float]) -> float:
    """Return the slope of log y over log x, by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def counts(found: Mapping[str, float]) -> list[str]:
    """Return the cells of a row."""
    return [f"{found[core]:,.0f}" for core in CORES]


def over_neurons() -> list[str]:
    """Return the table of Poisson neurons over m."""
    lines = [row("H", "m", "draws", *CORES), row(*["---"] * (3 + len(CORES)))]
    found = {h: instructions(spiking(POISSON, ORDER, h)) for h in POPULATIONS}
    for h, each in found.items():
        lines.append(row(f"{h:,}", f"{2 * ORDER * h:,}", f"{ORDER * h:,}", *counts(each)))
    large = [h for h in POPULATIONS if h >= LARGE]
    fits = (exponent(large, [found[h][core] for h in large]) for core in CORES)
    lines.append(row(f"exponent, H >= {LARGE}", "", "", *(f"{n:.3f}" for n in fits)))
    first, last = large[0], large[-1]
    slopes = (
        (found[last][core] - found[first][core]) / (2 * ORDER * (last - first)) for core in CORES
    )
    lines.append(row("instructions a neuron", "", "", *(f"{n:.2f}" for n in slopes)))
    return lines


def over_generators() -> list[str]:
    """Return the table of Poisson neurons over the number of generators."""
    lines = [row("generators", *CORES, "state [bytes]"), row(*["---"] * (2 + len(CORES)))]
    for s in GENERATORS:
        program = spiking(POISSON, ORDER, 1024, s)
        lines.append(row(s, *counts(instructions(program)), state_bytes(program)))
    return lines


def state_bytes(program: Program) -> int:
    """Return the RAM of an instance on the M4."""
    return counted(program, CORES["M4"]).ram.state


def over_orders() -> list[str]:
    """Return the table of integrate-and-fire neurons over d, beside the plain cascade."""
    heads = [f"{core}{what}" for what in ("", ", plain cascade") for core in CORES]
    lines = [row("d", "m", *heads), row(*["---"] * (2 + len(heads)))]
    found = {d: instructions(spiking(INTEGRATING, d, FIXED)) for d in ORDERS}
    plain = {d: instructions(memory(order=d, theta=10 * d, realization="cascade")) for d in ORDERS}
    for d in ORDERS:
        lines.append(row(d, f"{2 * d * FIXED:,}", *counts(found[d]), *counts(plain[d])))
    large = [d for d in ORDERS if d in FITTED]
    fits = (
        exponent(large, [each[d][core] for d in large]) for each in (found, plain) for core in CORES
    )
    span = f"exponent, d = {FITTED[0]} to {FITTED[-1]}"
    return [*lines, row(span, "", *(f"{n:.3f}" for n in fits))]


def over_populations() -> list[str]:
    """Return the table of integrate-and-fire neurons over m."""
    lines = [row("H", "m", *CORES), row(*["---"] * (2 + len(CORES)))]
    for h in POPULATIONS:
        each = instructions(spiking(INTEGRATING, ORDER, h))
        lines.append(row(f"{h:,}", f"{2 * ORDER * h:,}", *counts(each)))
    return lines


def memory_use() -> list[str]:
    """Return the table of flash and RAM."""
    heads = ("design", "core", "code", "tables", "state", "stack")
    lines = [row(*heads), row(*["---"] * len(heads))]
    designs = {
        "plain cascade": memory(order=ORDER, theta=10 * ORDER, realization="cascade"),
        "integrate-and-fire": spiking(INTEGRATING, ORDER, FIXED),
        "Poisson, 1 generator": spiking(POISSON, ORDER, FIXED),
        "Poisson, 16 generators": spiking(POISSON, ORDER, FIXED, 16),
    }
    for what, program in designs.items():
        for core, name in CORES.items():
            found = counted(program, name)
            flash, ram = found.flash, found.ram
            sizes = flash.code, flash.tables, ram.state, ram.stack
            lines.append(row(what, core, *(f"{n:,}" for n in sizes)))
    return lines


def main() -> None:
    """Count everything and write the table."""
    lines = [HEAD, *over_neurons(), STREAMS, *over_generators(), COLLAPSED, *over_orders()]
    lines += [CONSTANT, *over_populations(), SIZES, *memory_use()]
    TABLE.write_text("\n".join(lines) + "\n")
    print(TABLE.read_text())


HEAD = f"""# Spiking memories on microcontrollers

Executed instructions of the generated C, counted in QEMU; they are not cycles. gcc 12, -O2. The
words of every step equal the interpreter's. A step updates the memory and has no output; it is not
in a zero-input run. 16-bit input, theta = 10 d; H neurons for either sign of each of the d states,
m = 2 d H.

Repeat: `PYTHONPATH=. python benchmarks/spiking_firmware.py` (a few minutes).

## Poisson neurons: O(m)

d = {ORDER}, one generator. Only the neurons of the state's sign draw, H for each state, so the
draws are half of m.
"""
STREAMS = f"""
A draw is three shifts with exclusive or, a comparison and a sum, without a branch. Each generator
draws for all of its neurons with its state in a register; more generators cost their loads and
stores. d = {ORDER}, H = 1,024:
"""
COLLAPSED = f"""
## Integrate-and-fire neurons: O(d)

The population of a state is one accumulator, whatever its H. H = {FIXED}; at d = 96 a membrane and
a state add up to more than 32 bits, which costs twice as much.
"""
CONSTANT = f"""
d = {ORDER}, over the number of neurons:
"""
SIZES = f"""
The neurons come on top of the cascade, whose d multiplications stay: on a processor that
multiplies, they save nothing.

## Flash and RAM

Bytes, d = {ORDER}, H = {FIXED}. Code is that of all functions; state is the structure of an
instance; stack is that of a step.
"""


if __name__ == "__main__":
    main()
