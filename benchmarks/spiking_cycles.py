"""Clock cycles of a memory on spiking neurons: writes docs/results/spiking_cycles.md.

    PYTHONPATH=. python benchmarks/spiking_cycles.py

Every row is read from the schedule: tests/rtl/test_neuron_unit.py asserts its cycles in simulation.
It measures the scheduler, so it imports it. Takes a minute.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Program, Spiking
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl.schedule import Schedule, schedule

TABLE = Path(__file__).parent.parent / "docs" / "results" / "spiking_cycles.md"
ORDERS = (6, 12, 24)
NEURONS = tuple(1 << k for k in range(6, 18))
GENERATORS = (1, 4, 16)
LARGE = 1 << 12
"""Neurons for each generator from which exponents are fitted: below, the rest of a step counts."""
HEAD = """# Cycles of spiking neurons

Clock cycles of a step of a memory with `--realization spiking --output state`, one lane, against
the number of neurons m. The figures are those of the schedule; simulation asserts them.

With H = m / 2 d neurons for either sign of a state, a state takes

- one cycle with integrate-and-fire neurons, whatever m is: equal neurons with staggered phases are
  one accumulator;
- H / S cycles with Poisson neurons and S random number generators, one draw for each neuron. H is a
  power of two, at least S.

A step takes the cycles of the plain cascade, those of the states and a constant:

    integrate-and-fire: cycles = plain + d + {d_integrate}
    Poisson:            cycles = plain + d H / S + {d_poisson} = plain + m / 2 S + {d_poisson}

with plain = {plain} cycles for d = {orders}: the cascade of the same order, without neurons. Of
the constant, 1 cycle sends the spike count, 4 return to each state what did not travel as spikes,
and the rest is the pipeline of the neurons. So time is O(m) with Poisson neurons and O(d) with
integrate-and-fire neurons; the plain cascade needs neither neurons nor their cycles.

Exponents are fitted to log cycles over log m, for m >= {large:,} S (integrate-and-fire:
{large:,}), where the draws are most of a step.

Repeat: `PYTHONPATH=. python benchmarks/spiking_cycles.py`.

"""


@cache
def plan(order: int, neurons: int = 0, generators: int = 0) -> Schedule:
    """Return the schedule of a memory; without neurons, of the plain cascade."""
    keys: dict[str, object] = {
        "d": order,
        "theta": 256,
        "output": "state",
        "realization": "cascade",
    }
    if neurons:
        keys |= {"realization": "spiking", "neurons": neurons, "neuron_model": "integrate-fire"}
    if generators:
        keys |= {"neuron_model": "poisson", "generators": generators}
    return schedule(quantize_memory(parse(keys)).program)


def neurons_of(program: Program) -> int:
    """Return the neurons that a program has: H is a power of two."""
    return sum(op.neurons(program.vector) for op in program.ops if isinstance(op, Spiking))


def fits(order: int, neurons: int, generators: int) -> bool:
    """Return whether every generator has a neuron."""
    return neurons // (2 * order) >= max(1, generators)


def exponent(order: int, generators: int) -> float:
    """Return the fitted exponent of cycles against neurons, for many neurons."""
    plans = [plan(order, m, generators) for m in NEURONS if m >= LARGE * max(1, generators)]
    m = [neurons_of(p.program) for p in plans]
    return float(np.polyfit(np.log(m), np.log([p.cycles_per_step for p in plans]), 1)[0])


def constant(order: int, generators: int) -> int:
    """Return what a step takes beside the cycles of the cascade and of the draws."""
    (chain,) = plan(order, NEURONS[-1], generators).chains
    assert chain.neurons is not None
    drawn = len(chain.neurons.states) * chain.neurons.rounds
    total = plan(order, NEURONS[-1], generators).cycles_per_step
    return total - drawn - plan(order).cycles_per_step


def table(order: int) -> str:
    """Return the rows of an order."""
    head = "| neurons m | integrate-and-fire |" + "".join(f" Poisson S = {s} |" for s in GENERATORS)
    lines = [f"## d = {order}\n", head, "|---" * (2 + len(GENERATORS)) + "|"]
    for m in NEURONS:
        if not fits(order, m, 0):
            continue
        cells = [f"{plan(order, m).cycles_per_step:,}"]
        for s in GENERATORS:
            possible = fits(order, m, s)
            cells.append(f"{plan(order, m, s).cycles_per_step:,}" if possible else "")
        lines.append(f"| {neurons_of(plan(order, m).program):,} | {' | '.join(cells)} |")
    slopes = [f"{exponent(order, s):.2f}" for s in (0, *GENERATORS)]
    lines.append(f"| exponent | {' | '.join(slope.replace('-0.00', '0.00') for slope in slopes)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    integrate = {constant(d, 0) for d in ORDERS}
    poisson = {constant(d, s) for d in ORDERS for s in GENERATORS}
    assert len(integrate) == len(poisson) == 1, (integrate, poisson)
    plain = [str(plan(d).cycles_per_step) for d in ORDERS]
    text = HEAD.format(
        large=LARGE,
        d_integrate=integrate.pop(),
        d_poisson=poisson.pop(),
        plain=", ".join(plain),
        orders=", ".join(map(str, ORDERS)),
    )
    TABLE.write_text(text + "\n".join(map(table, ORDERS)))
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
