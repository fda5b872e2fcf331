"""Measures designs with ``--parallel full`` and fits their estimates.

    PYTHONPATH=. python benchmarks/full_estimates.py [--only NUMBER,..] [--fit]

Keeps what benchmarks/full_estimates.json holds; delete a row to measure it again. All of it takes
half an hour. Writes docs/results/full_estimates.md and the factors.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from estimate_error import FACTORS, HEAD, Sample, fit, round_to, rows_of, unseen
from results_file import Results

import lmu_hw as lh
from lmu_hw.explore.fitted_sums import FULL_FILE, FittedSum
from lmu_hw.explore.full_parts import full_clock_terms, full_ff_terms, full_lut_terms, full_parts
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.flow import synth
from lmu_hw.rtl.parallel.full_plan import FullPlan

HERE = Path(__file__).parent
ROWS = HERE / "full_estimates.json"
PAGE = HERE.parent / "docs" / "results" / "full_estimates.md"
NAMES = {"luts": "LUTs", "ffs": "flip-flops", "period_ns": "clock period"}


@dataclass(frozen=True, kw_only=True)
class FullDesign:
    """A memory with a multiplier for each coefficient, and the device on which it is measured."""

    order: int
    bits: int = 16
    target: str = "ecp5-25k"
    pipeline: int = 5
    interleave: int = 1
    state_port: bool = False
    routed: bool = True
    name: str = field(init=False)

    def __post_init__(self) -> None:
        port = " state port" if self.state_port else ""
        text = f"d={self.order} {self.bits} bits L={self.pipeline} S={self.interleave}{port}"
        object.__setattr__(self, "name", text)

    @property
    def hardware(self) -> lh.Hardware:
        """Its options."""
        return lh.Hardware(
            parallel="full",
            pipeline=self.pipeline,
            interleave=self.interleave,
            state_port=self.state_port,
        )

    def make(self) -> lh.Design:
        """Return the design."""
        return lh.compile(lh.Memory(self.order), bits=self.bits, output="state")


DESIGNS = [
    FullDesign(order=8, pipeline=1),
    FullDesign(order=8, pipeline=2),
    FullDesign(order=8, pipeline=5, interleave=10),
    FullDesign(order=4, bits=8, pipeline=1, target="ice40-up5k"),
    FullDesign(order=4, bits=12, pipeline=3),
    FullDesign(order=3, bits=8, interleave=10, state_port=True, target="ice40-hx8k"),
    FullDesign(order=6, bits=10, pipeline=4, interleave=8, state_port=True),
    FullDesign(order=4, bits=12, pipeline=5, target="gowin-gw1n9"),
    FullDesign(order=4, bits=12, pipeline=6, interleave=12),
    FullDesign(order=5, bits=12, pipeline=2, interleave=4, target="ice40-up5k"),
    FullDesign(order=16, pipeline=1, target="ecp5-85k"),
    FullDesign(order=16, pipeline=5, interleave=10, target="ecp5-85k"),
    FullDesign(order=8, pipeline=5, target="xc7", routed=False),
]


def measured(design: FullDesign) -> dict[str, Any]:
    """Return the figures of a design on its device."""
    with tempfile.TemporaryDirectory() as directory:
        build = design.make().write(Path(directory) / "design", design.hardware)
        device = TARGETS[design.target]
        report = synth(build.path, (device if design.routed else replace(device, placer=None),))
    found = report.targets[0]
    row: dict[str, Any] = {
        name: getattr(found, name).used for name in ("luts", "ffs", "dsps", "block_rams")
    }
    row["cycles"] = report.cycles_per_step
    row["fmax_mhz"] = found.routed.fmax_mhz if found.routed is not None else None
    return row


def samples(rows: dict[str, dict[str, Any]]) -> dict[str, list[Sample]]:
    """Return the measured figures by kind."""
    found: dict[str, list[Sample]] = {name: [] for name in NAMES}
    for design in DESIGNS:
        row = rows.get(f"{design.name} on {design.target}")
        if row is None:
            continue
        plan = design.make().schedule(design.hardware)
        assert isinstance(plan, FullPlan)
        parts, family = full_parts(plan), TARGETS[design.target].family
        sizes = {"luts": full_lut_terms, "ffs": full_ff_terms}
        one = Sample(design=design.name, target=design.target, key=family.name, terms={}, value=0)
        for kind, terms in sizes.items():
            found[kind].append(replace(one, terms=terms(parts, family), value=row[kind]))
        if row["fmax_mhz"]:
            clock = replace(one, key=design.target, terms=full_clock_terms(parts))
            found["period_ns"].append(replace(clock, value=1e3 / row["fmax_mhz"]))
    return found


def completed(kind: str, found: FittedSum) -> FittedSum:
    """Return a sum with a scale for each target.

    One without a measured design has that of ECP5 times the ratio of both in the estimates of
    shared multipliers.
    """
    known = json.loads(FACTORS.read_text())[kind]["scales"]
    first = "ecp5-25k" if kind == "period_ns" else "ecp5"
    scales = {
        key: found.scales.get(key, round_to(found.scales[first] * scale / known[first]))
        for key, scale in known.items()
    }
    return FittedSum(factors=found.factors, scales=scales)


INTRO = """# Errors of the estimates of `--parallel full`

Multipliers, block RAMs and cycles are exact. LUTs, flip-flops and the clock are sums of a design's
sizes, such as the bits of its adaptors' registers, times factors that were fitted to the designs
below. The errors are those of designs that the fit has not seen, as
[for shared multipliers](estimates.md). A device without a row has the clock of the ECP5 times their
ratio for shared multipliers.

Repeat: `PYTHONPATH=. python benchmarks/full_estimates.py` (half an hour).
"""


def page(found: dict[str, tuple[list[Sample], list[float]]]) -> str:
    """Return the page."""
    lines = [INTRO, *HEAD]
    for kind, name in NAMES.items():
        lines += rows_of(*found[kind], name)
    lines += ["", "| design | target | figure | measured | error |", "|---|---|---|---|---|"]
    for kind, name in NAMES.items():
        for s, error in zip(*found[kind], strict=True):
            value = f"{s.value:,.1f} ns" if kind == "period_ns" else f"{s.value:,.0f}"
            lines.append(f"| {s.design} | {s.target} | {name} | {value} | {100 * error:+.0f} % |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what the file does not hold, fit, and write the factors and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="measure these designs, numbered from 0, and fit nothing")
    parser.add_argument("--fit", action="store_true", help="measure nothing")
    args = parser.parse_args()
    results = Results(ROWS)
    chosen = map(int, args.only.split(",")) if args.only else range(len(DESIGNS))
    for number in () if args.fit else chosen:
        design = DESIGNS[number]
        results.add(f"{design.name} on {design.target}", lambda d=design: measured(d))
    if args.only:
        return
    kinds, found, factors = samples(results.rows), {}, {}
    for kind, each in kinds.items():
        found[kind] = each, unseen(each, scaled=True)
        factors[f"full {kind}"] = asdict(completed(kind, fit(each, scaled=True)))
    FACTORS.with_name(FULL_FILE).write_text(json.dumps(factors, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
