"""Cycles of the hardware against those that its lanes need, words checked in Icarus.

Writes docs/results/rtl_cycles.md.

    PYTHONPATH=. python benchmarks/rtl_cycles.py

Each design of tests/factories/configurations.py, as Verilog in Icarus under cocotb: all steps
without stalls, then the same words under random stalls and with resets in flight.

It measures the schedule search, so it imports the scheduler.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lmu_hw.rtl.schedule import WINDOW, Schedule, schedule
from lmu_hw.verify.backends import icarus
from tests.factories.builds import write_rtl_build
from tests.factories.configurations import CONFIGURATIONS, layer_times

CYCLES = 30_000
"""Clock cycles of each design without stalls."""
TABLE = Path(__file__).parent.parent / "docs" / "results" / "rtl_cycles.md"
HEAD = """# Cycles of the hardware

`lanes x cycles` is what the lanes could have multiplied in a step, busy the share of it that they
did. The adaptors of a memory have a multiplier of their own, so busy can pass 100 %. Steps and
words are those of the run without stalls, which must keep the published cycles exactly; under
random stalls and with resets in flight the same words must come, or there is no line. Latency is
from the last input word of a step to its last output word; it too is asserted in every step.

| configuration | lanes | multiplies | cycles | busy | latency | steps | words | mismatches |
|---|---|---|---|---|---|---|---|---|
"""
LAYERS = """
## Layers

Of all {n_layers} layers of 16 rows and more in these designs {n_own} take at most 1.05 multiplies /
lanes + 16 cycles once the words that they read are there, {n_short} with all their waits for other
operations. The others, all of few words in a row:

- "own": cycles with every word there and nothing in the way. The head of 48 rows has 48 words to
  give to a stream that takes one a cycle: no number of lanes makes that fewer than 48 cycles.
- "chain": the memory whose states a layer is the first to read. Every adaptor of a cascade needs
  the one before it; a window of {window} cycles for each, shared by two channels, is what the loop
  of multiply, add and round takes at the clock rates of [synthesis.md](synthesis.md). The words are
  multiplied as they come, for two groups of rows in turns.
- "results": one requantizer rounds one row after the other.
- "lanes": groups of as many rows as there are lanes, some lanes of the last one idle.

| configuration | layer | cycles | own | bound | lanes | chain | results |
|---|---|---|---|---|---|---|---|
"""


def line(name: str, plan: Schedule) -> str:
    """Return a row of the table."""
    program, lanes = plan.program, plan.lanes
    multiplies = program.multiplies_per_step + program.multiplies_per_output
    every = max(1, program.output_every)
    steps = max(6, 2 * every, min(400, CYCLES // plan.cycles_per_step))
    with tempfile.TemporaryDirectory() as place:
        build_dir = write_rtl_build(program, Path(place), n_steps=steps, lanes=lanes)
        build = build_dir / "build"
        build.mkdir()
        result = icarus.run(build_dir, build_dir / "vectors", build, seed=1)
    if result.cycles_per_step not in (None, plan.cycles_per_step):
        sys.exit(f"{name}: {result.cycles_per_step} cycles, {plan.cycles_per_step} published")
    busy = 100 * multiplies / (lanes * plan.cycles_per_step)
    return (
        f"| {name} | {lanes} | {multiplies:,} | {plan.cycles_per_step:,} | {busy:.0f} % | "
        f"{plan.latency:,} | {result.steps} | {result.words:,} | {result.mismatches} |"
    )


def main() -> None:
    """Print and write the table."""
    lines, layers = [], []
    for name, configuration in CONFIGURATIONS.items():
        plan = schedule(configuration.make(), configuration.lanes)
        lines.append(line(name, plan))
        layers += [(name, layer) for layer in layer_times(plan)]
        print(lines[-1], flush=True)
    longer = [
        f"| {name} | {layer.name} | {layer.cycles} | {layer.own} | {layer.bound:.1f} | "
        f"{layer.lanes} | {layer.chain} | {layer.results} |"
        for name, layer in layers
        if layer.cycles > layer.bound
    ]
    n_own = sum(layer.own <= layer.bound for _, layer in layers)
    about = LAYERS.format(
        n_layers=len(layers), n_own=n_own, n_short=len(layers) - len(longer), window=WINDOW
    )
    text = HEAD + "\n".join(lines) + "\n" + about + "\n".join(longer) + "\n"
    TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
