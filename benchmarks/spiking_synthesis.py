"""Spiking neurons on FPGAs beside the plain cascade: docs/results/spiking_synthesis.md.

    python benchmarks/spiking_synthesis.py

Every figure is that of `lmu-hw synth` on a build directory. Takes ten minutes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from synthesis_designs import memory

import lmu_hw as lh
from lmu_hw.program.integer_program import Spiking

TABLE = Path(__file__).parent.parent / "docs" / "results" / "spiking_synthesis.md"
TARGETS = ("ice40-up5k", "ecp5-25k")
NEURONS = 768
SPIKING = {"realization": "spiking", "neurons": NEURONS}
DESIGNS: dict[str, dict[str, object]] = {
    "plain cascade": {"realization": "cascade"},
    "integrate-and-fire": {**SPIKING, "neuron_model": "integrate-fire"},
    "Poisson, S = 16": {**SPIKING, "neuron_model": "poisson", "generators": 16},
}
HEAD = f"""# Spiking neurons on FPGAs

A memory of d = 6 (theta = 48, 16 bits, output memory, one lane) on {NEURONS} neurons, placed and
routed, beside the plain cascade. All of these compute the same memory; the plain cascade is the
smallest, the fastest and the most accurate. *Neurons/s* is neurons times steps a second; every
neuron takes part in every step. S is the number of random number generators. `lmu-hw synth` reports
these figures, seed 1.

Repeat: `python benchmarks/spiking_synthesis.py` (ten minutes).

"""
COLUMNS = (
    "| | cycles | LUTs | flip-flops | multipliers | block RAMs | clock [MHz] | steps/s "
    "| neurons/s |"
)


def row(label: str, keys: dict[str, object], target: str) -> str:
    """Return the figures of a design on a target."""
    with tempfile.TemporaryDirectory() as place:
        build = lh.open_build(memory(Path(place) / "out", d=6, **keys))
        program = build.program
        report = build.synth(target)
    (found,) = report.targets
    assert found.routed is not None
    steps = found.routed.steps_per_second
    neurons = sum(op.neurons(program.vector) for op in program.ops if isinstance(op, Spiking))
    columns = [
        label,
        f"{report.cycles_per_step:,}",
        *(f"{usage.used:,}" for usage in (found.luts, found.ffs, found.dsps, found.block_rams)),
        f"{found.routed.fmax_mhz:.1f}",
        f"{steps:,.0f}",
        f"{neurons * steps / 1e6:,.0f} million" if neurons else "",
    ]
    return f"| {' | '.join(columns)} |"


def main() -> None:
    """Write the page."""
    lines = []
    for target in TARGETS:
        lines += [f"## {target}", "", COLUMNS, "|---" * 9 + "|"]
        for label, keys in DESIGNS.items():
            lines.append(row(label, keys, target))
            print(target, lines[-1], flush=True)
        lines.append("")
    TABLE.write_text(HEAD + "\n".join(lines))


if __name__ == "__main__":
    main()
