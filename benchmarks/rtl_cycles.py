"""Clock cycles of the hardware, and how busy its lanes are; words are checked in Icarus.

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

Clock cycles of a step of the generated Verilog, measured in Icarus, with all words checked.

- *Busy*: multiplies divided by `lanes x cycles`, the most that the lanes could do in a step. The
  adaptors of a memory have a multiplier of their own, so it can pass 100 %.
- *Cycles* and *latency* (from the last input word of a step to its last output word) are asserted
  in every step of a run without stalls. *Steps* and *words* count that run.
- The same words must also come under random stalls and with resets in flight, or the row is
  missing.

Repeat: `PYTHONPATH=. python benchmarks/rtl_cycles.py`.

| configuration | lanes | multiplies | cycles | busy | latency | steps | words | mismatches |
|---|---|---|---|---|---|---|---|---|
"""
LAYERS = """
## Layers

How close a layer comes to its *bound*, which is 1.05 multiplies / lanes + 16 cycles. These designs
have {n_layers} layers with 16 rows or more. {n_own} of them keep the bound once the words that they
read are there, {n_short} including all waits for other operations. The table lists the others; all
have few words in a row.

- *own*: cycles when every word is there and no unit is busy. The head of 48 rows sends 48 words to
  a stream that takes one per cycle: no number of lanes makes that fewer than 48 cycles.
- *lanes*: the groups of rows, as many rows as lanes in a group; the last group leaves lanes idle.
- *chain*: the memory whose states this layer is the first to read. Every adaptor of a cascade needs
  the result of the one before it. Each takes a window of {window} cycles, shared by two channels:
  the length of the loop of multiply, add and round at the clock rates of
  [synthesis.md](synthesis.md). The layer multiplies the words as they arrive, for two groups of
  rows alternately.
- *results*: the one requantizer rounds one row after the other.

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
