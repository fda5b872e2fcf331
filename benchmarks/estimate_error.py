"""Fits the estimates to measured designs: writes docs/results/estimates.md and the factors.

    python benchmarks/estimate_error.py

Reads benchmarks/estimate_devices.json and estimate_boards.json, which
benchmarks/measure_estimates.py fills, and takes the sizes of every design from its program and
schedule (minutes). The errors on the page are of designs that a fit has not seen: each design is
estimated with factors that were fitted to all others, on every target.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from estimate_designs import DESIGNS
from scipy.optimize import nnls

from lmu_hw.explore.design_parts import DesignParts, design_parts
from lmu_hw.explore.fitted_sums import FILE, FittedSum
from lmu_hw.explore.logic_terms import clock_terms, logic_terms
from lmu_hw.explore.program_terms import ProgramTerms, program_terms
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.rtl.schedule import schedule

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "results" / "estimates.md"
FACTORS = HERE.parent / "lmu_hw" / "explore" / FILE
CORES = ("c-m0", "c-m3", "c-m4", "c-m7", "c-rv32", "c-avr")
ROUNDS = 5
"""Alternating fits of factors and scales."""
DIGITS = 6
RIDGE = 0.02
"""Weight of the pull towards zero: keeps factors small that few designs decide."""

Terms = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A measured figure of a design.

    Attributes
    ----------
    design, target : str
    key : str
        Device, family or core, which may have a scale.
    terms : dict of str to float
        Sizes of the design.
    value : float
        The part of the figure that is fitted.
    exact : float
        The part that is known, such as tables; errors are those of the sum.
    """

    design: str
    target: str
    key: str
    terms: Terms
    value: float
    exact: float = 0.0


def fit(samples: list[Sample], *, scaled: bool) -> FittedSum:
    """Return the sum that fits the samples best by relative error, with no factor below zero.

    Parameters
    ----------
    samples : list of Sample
    scaled : bool
        Fit a scale for each key; else all keys are alike.
    """
    names = sorted({name for s in samples for name, value in s.terms.items() if value})
    matrix = np.array([[s.terms.get(name, 0.0) for name in names] for s in samples])
    values = np.array([s.value for s in samples])
    whole = np.array([s.value + s.exact for s in samples])
    keys = sorted({s.key for s in samples})
    own = [np.array([s.key == key for s in samples]) for key in keys]
    scales = np.ones(len(keys))
    size = np.maximum(matrix.max(axis=0), 1e-12)
    for _ in range(ROUNDS if scaled else 1):
        scale = sum(scales[k] * own[k] for k in range(len(keys)))
        relative = matrix * (scale / whole)[:, None]
        # the pull: each factor times its largest term, as a share of a median figure
        pull = RIDGE * np.diag(size) / np.median(values)
        system = np.vstack([relative, pull])
        factors, _ = nnls(system, np.concatenate([values / whole, np.zeros(len(names))]))
        if scaled:
            ratio = values / np.maximum(matrix @ factors, 1e-9)
            scales = np.array([float(np.exp(np.mean(np.log(ratio[mine])))) for mine in own])
    kept = {n: round_to(f) for n, f in zip(names, factors, strict=True) if f}
    return FittedSum(
        factors=kept,
        scales={k: round_to(s) for k, s in zip(keys, scales, strict=True)} if scaled else {},
    )


def round_to(value: float) -> float:
    """Return a number with few digits, the same on every machine."""
    return float(f"{value:.{DIGITS}g}")


def unseen(samples: list[Sample], *, scaled: bool) -> list[float]:
    """Return the relative error of each sample, from a fit to all other designs."""
    fits = {
        design: fit([o for o in samples if o.design != design], scaled=scaled)
        for design in {s.design for s in samples}
    }
    return [(fits[s.design].of(s.terms, s.key) - s.value) / (s.value + s.exact) for s in samples]


def device_samples(parts: dict[str, DesignParts]) -> dict[str, list[Sample]]:
    """Return the measured figures of FPGAs by kind."""
    found: dict[str, list[Sample]] = {"luts": [], "ffs": [], "period_ns": []}
    rows = json.loads((HERE / "estimate_devices.json").read_text())
    for name, row in rows.items():
        design, _, target = name.rpartition(" on ")
        device = TARGETS[target]
        terms = logic_terms(parts[design], device.family)
        for kind in ("luts", "ffs"):
            found[kind].append(
                Sample(
                    design=design,
                    target=target,
                    key=device.family.name,
                    terms=terms,
                    value=row[kind],
                )
            )
        if row["fmax_mhz"]:
            found["period_ns"].append(
                Sample(
                    design=design,
                    target=target,
                    key=target,
                    terms=clock_terms(parts[design], device.family),
                    value=1e3 / row["fmax_mhz"],
                )
            )
    return found


def board_samples(terms: dict[str, ProgramTerms]) -> dict[str, list[Sample]]:
    """Return the measured figures of microcontrollers by kind and core."""
    found: dict[str, list[Sample]] = {}
    rows = json.loads((HERE / "estimate_boards.json").read_text())
    for design, boards in rows.items():
        one = terms[design]
        for core, row in boards.items():
            if "refused" in row:
                continue
            kept = one.state + one.scratch
            figures = {
                "instructions": (one.step, row["instructions"], 0),
                "code": (one.code, row["flash"] - one.tables, one.tables),
                "stack": (one.code, row["ram"] - kept, kept),
            }
            for kind, (sizes, value, exact) in figures.items():
                sample = Sample(
                    design=design,
                    target=core,
                    key=core,
                    terms=dict(sizes),
                    value=max(1, value),
                    exact=exact,
                )
                found.setdefault(f"{kind} {core}", []).append(sample)
    return found


def sizes() -> tuple[dict[str, DesignParts], dict[str, ProgramTerms]]:
    """Return the sizes of all measured designs, in hardware and in C."""
    devices = json.loads((HERE / "estimate_devices.json").read_text())
    boards = json.loads((HERE / "estimate_boards.json").read_text())
    parts, terms = {}, {}
    for name, design in DESIGNS.items():
        in_hardware = any(row.startswith(f"{name} on ") for row in devices)
        if not in_hardware and name not in boards:
            continue
        print(name, file=sys.stderr, flush=True)
        program = design.make().program
        terms[name] = program_terms(program)
        if in_hardware:
            parts[name] = design_parts(schedule(program, design.lanes))
    return parts, terms


def summary(errors: Iterable[float]) -> str:
    """Return the median, the 90th percentile and the worst error as table cells."""
    found = 100 * np.abs(np.array(list(errors)))
    return f"{np.median(found):.1f} % | {np.percentile(found, 90):.0f} % | {found.max():.0f} %"


def rows_of(samples: list[Sample], errors: list[float], what: str) -> list[str]:
    """Return a row of the table for each target of a kind."""
    lines = []
    for target in dict.fromkeys(s.target for s in samples):
        own = [(s, e) for s, e in zip(samples, errors, strict=True) if s.target == target]
        worst, _ = max(own, key=lambda pair: abs(pair[1]))
        count = f"{what} | {target} | {len(own)}"
        lines.append(f"| {count} | {summary(e for _, e in own)} | {worst.design} |")
    return lines


HEAD = [
    "| | target | designs | median | 90 % below | worst | the worst |",
    "|---|---|---|---|---|---|---|",
]
NAMES = {"luts": "LUTs", "ffs": "flip-flops", "period_ns": "clock period"}
INTRO = """# Errors of the estimates of `lmu-hw explore`

`lmu-hw explore` estimates every point before any tool runs. Multipliers, block RAMs, cycles, tables
and state are exact: they follow from the schedule and the program. The rest is a sum of sizes of
the design, such as the bits of all lanes' sums, times factors that were fitted to measured designs.

The errors are those of designs that the fit has not seen: each design is estimated with factors
that were fitted to all others. An error of 10 % says that the estimate is 10 % above or below what
the tool reports. The clock that a placer reaches itself varies by several per cent from seed to
seed. Designs without a clock in the table were synthesized, but not routed.

Repeat: `PYTHONPATH=. python benchmarks/estimate_error.py` (minutes), on the figures in
`benchmarks/estimate_devices.json` and `benchmarks/estimate_boards.json`, which
`benchmarks/measure_estimates.py` measures with the real tools (an hour)."""


def page(found: dict[str, tuple[list[Sample], list[float]]]) -> str:
    """Return the page."""
    lines = [INTRO, "", "## FPGAs", "", *HEAD]
    for kind, name in NAMES.items():
        lines += rows_of(*found[kind], name)
    lines += ["", "Every design on its own:", ""]
    lines += ["| design | target | LUTs | error | flip-flops | error | clock [MHz] | error |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    lines += designs_of(found)
    lines += ["", "## Microcontrollers", "", *HEAD]
    for kind, name in {"instructions": "instructions", "code": "flash", "stack": "RAM"}.items():
        for core in CORES:
            if f"{kind} {core}" in found:
                lines += rows_of(*found[f"{kind} {core}"], name)
    lines += [
        "",
        "Instructions of a step with an output, in the mean over noise. Of flash and RAM, the code",
        "and the stack beyond the arrays that the header states are estimated. The largest errors",
        "are those of the smallest designs, and of designs that alone use a kernel.",
    ]
    return "\n".join(lines) + "\n"


def designs_of(found: dict[str, tuple[list[Sample], list[float]]]) -> list[str]:
    """Return a row for each design, with its figures and their errors."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for kind in NAMES:
        for s, error in zip(*found[kind], strict=True):
            clock = kind == "period_ns"
            value = f"{1e3 / s.value:.1f}" if clock else f"{s.value:,.0f}"
            # an error of the clock rate, not of its period
            error = 1 / (1 + error) - 1 if clock else error
            own = cells.setdefault((s.design, s.target), {})
            own[kind] = f"{value} | {100 * error:+.0f} %"
    return [
        f"| {design} | {target} | {' | '.join(own.get(kind, ' | ') for kind in NAMES)} |"
        for (design, target), own in cells.items()
    ]


def main() -> None:
    """Fit, and write the factors and the page."""
    parts, terms = sizes()
    kinds = {**device_samples(parts), **board_samples(terms)}
    found, factors = {}, {}
    for kind, samples in kinds.items():
        scaled = kind in NAMES
        found[kind] = samples, unseen(samples, scaled=scaled)
        factors[kind] = asdict(fit(samples, scaled=scaled))
        print(f"{kind}: {summary(found[kind][1])}", file=sys.stderr)
    FACTORS.write_text(json.dumps(factors, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
