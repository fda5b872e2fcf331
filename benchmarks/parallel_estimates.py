"""Measures designs with ``--parallel ring`` and ``full``, and fits their estimates.

    PYTHONPATH=. python benchmarks/parallel_estimates.py [--only NUMBER,..] [--fit]

Keeps what benchmarks/parallel_estimates.json holds; delete a row to measure it again. All of it
takes an hour. Writes docs/results/parallel_estimates.md and the factors.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from estimate_error import FACTORS, HEAD, Sample, designs_of, fit, round_to, rows_of
from layered_designs import DESIGNS as NETWORKS
from layered_designs import LAYERS, MatrixLayer
from layered_estimates import LARGE, Layered
from layered_estimates import fitted as layers_fitted
from layered_estimates import samples as layer_samples
from layered_estimates import unseen as layers_unseen
from results_file import Results

import lmu_hw as lh
from lmu_hw.explore.fitted_sums import PARALLEL_FILE, FittedSum
from lmu_hw.explore.parallel_parts import parallel_parts, parallel_terms
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.flow import synth
from lmu_hw.rtl.parallel.cascade_plan import CascadePlan

HERE = Path(__file__).parent
ROWS = HERE / "parallel_estimates.json"
PAGE = HERE.parent / "docs" / "results" / "parallel_estimates.md"
NAMES = {"luts": "LUTs", "ffs": "flip-flops", "period_ns": "clock period"}


@dataclass(frozen=True, kw_only=True)
class ParallelDesign:
    """A memory of a style, and the device on which it is measured.

    ``per_unit`` is the ring's sections a multiplier, 0 for ``full``.
    """

    order: int
    bits: int = 16
    target: str = "ecp5-25k"
    pipeline: int = 5
    interleave: int = 1
    per_unit: int = 0
    state_port: bool = False
    routed: bool = True
    name: str = field(init=False)

    def __post_init__(self) -> None:
        port = " state port" if self.state_port else ""
        own = f"K={self.per_unit}" if self.per_unit else f"S={self.interleave}"
        text = f"d={self.order} {self.bits} bits L={self.pipeline} {own}{port}"
        object.__setattr__(self, "name", text)

    @property
    def style(self) -> str:
        """Its style."""
        return "ring" if self.per_unit else "full"

    @property
    def key(self) -> str:
        """Name of its row."""
        return f"{self.name} on {self.target}"

    @property
    def hardware(self) -> lh.Hardware:
        """Its options."""
        return lh.Hardware(
            parallel=self.style,
            pipeline=self.pipeline,
            interleave=self.interleave,
            sections_per_multiplier=self.per_unit or None,
            state_port=self.state_port,
        )

    def make(self) -> lh.Design:
        """Return the design."""
        return lh.compile(lh.Memory(self.order), bits=self.bits, output="state")


def ring(order: int, bits: int, per_unit: int, pipeline: int = 5, **keys: Any) -> ParallelDesign:
    """Return a design with a multiplier for a few sections."""
    return ParallelDesign(order=order, bits=bits, per_unit=per_unit, pipeline=pipeline, **keys)


def full(order: int, bits: int = 16, pipeline: int = 5, **keys: Any) -> ParallelDesign:
    """Return a design with a multiplier for each coefficient."""
    return ParallelDesign(order=order, bits=bits, pipeline=pipeline, **keys)


UP5K, HX8K, GOWIN = "ice40-up5k", "ice40-hx8k", "gowin-gw1n9"
DESIGNS = [
    full(8, pipeline=1),
    full(8, pipeline=2),
    full(8, interleave=10),
    full(4, 8, 1, target=UP5K),
    full(4, 12, 3),
    full(3, 8, interleave=10, state_port=True, target=HX8K),
    full(6, 10, 4, interleave=8, state_port=True),
    full(4, 12, target=GOWIN),
    full(4, 12, 6, interleave=12),
    full(4, 12, 2, interleave=4, target=UP5K),
    full(4, 8, 5, target=UP5K),
    full(16, interleave=10, target="ecp5-85k"),
    full(8, target="xc7", routed=False),
    ring(64, 16, 6),
    ring(16, 8, 6, target=UP5K),
    ring(8, 16, 3),
    ring(16, 12, 3, 2),
    ring(32, 10, 6, 4),
    ring(24, 16, 12, state_port=True),
    ring(20, 12, 6, 3),
    ring(128, 14, 12),
    ring(12, 8, 3, 3, target=UP5K),
    ring(32, 10, 12, 6, target=UP5K),
    ring(8, 12, 6, 2, target=UP5K),
    ring(6, 8, 3, 4, target=HX8K),
    ring(8, 10, 6, 3, target=HX8K),
    ring(8, 12, 6, target=GOWIN),
    ring(16, 12, 6, target="xc7", routed=False),
]


def measured(design: ParallelDesign | Layered) -> dict[str, Any]:
    """Return the figures of a design on its device."""
    if isinstance(design, MatrixLayer):
        return design.measured()
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
    """Return the measured figures by kind; both styles are fitted together."""
    found: dict[str, list[Sample]] = {name: [] for name in NAMES}
    for design in DESIGNS:
        row = rows.get(design.key)
        if row is None:
            continue
        plan = design.make().schedule(design.hardware)
        assert isinstance(plan, CascadePlan)
        family = TARGETS[design.target].family
        for kind, terms in parallel_terms(parallel_parts(plan), family).items():
            clock = kind == "period_ns"
            if clock and not row["fmax_mhz"]:
                continue
            one = Sample(
                design=design.name,
                target=design.target,
                key=design.target if clock else family.name,
                terms=terms,
                value=1e3 / row["fmax_mhz"] if clock else row[kind],
            )
            found[kind].append(one)
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


def unseen(kind: str, samples: list[Sample]) -> list[float]:
    """Return the relative error of each sample, from a fit to all other designs."""
    errors = []
    for s in samples:
        others = [o for o in samples if o.design != s.design]
        found = completed(kind, fit(others, scaled=True))
        errors.append(found.of(s.terms, s.key) / s.value - 1)
    return errors


INTRO = """# Errors of the estimates of `--parallel ring` and `full`

Multipliers, block RAMs and cycles are exact. LUTs, flip-flops and the clock are sums of a design's
sizes, such as the bits of its adaptors' registers, times factors that were fitted to the designs
below. The errors are those of designs that the fit has not seen, as
[for shared multipliers](estimates.md).

Both styles have the same factors. A device without any design has the figures of the ECP5 times the
ratio of both for shared multipliers. The clock of `full` on ice40-up5k had an error of 54 % here
while one design was measured on that device: a fit without it had no factor for the device.

Repeat: `PYTHONPATH=. python benchmarks/parallel_estimates.py` (an hour).
"""
OF_LAYERS = """\
A network has the estimates of its memory, plus those of its layers: of lanes
[as for shared multipliers](estimates.md), of a pipeline by sums of its own. Its clock is that of
the slowest of them. The factors of the memory and of lanes are those of above and of shared
multipliers; those of a pipeline were fitted to the small networks below and to
[two layers alone](constant_matrix.md). The [large networks](network_throughput.md) are in no fit.
From 12,000 LUTs on `lmu-hw synth` takes another placer, which the estimates of the clock do not
know: psMNIST has less than half of it. Multipliers, block RAMs and cycles of all are exact.

Weights of 8 bits; *bits* are those of the words between layers. Rings with 3 sections a multiplier.
"""
TITLES = {"ring": "A multiplier for a few sections", "full": "A multiplier for each coefficient"}
ROW_HEAD = "| design | target | LUTs | error | flip-flops | error | clock [MHz] | error |"
Found = dict[str, tuple[list[Sample], list[float]]]


def page(found: Found, networks: Found) -> str:
    """Return the page."""
    lines = [INTRO]
    styles = {design.name: design.style for design in DESIGNS}
    for style, title in TITLES.items():
        own = {
            kind: ([p[0] for p in pairs], [p[1] for p in pairs])
            for kind, (each, errors) in found.items()
            if (
                pairs := [p for p in zip(each, errors, strict=True) if styles[p[0].design] == style]
            )
        }
        lines += [f"## {title}", "", *HEAD]
        for kind, name in NAMES.items():
            lines += rows_of(*own[kind], name)
        lines += ["", ROW_HEAD, "|---" * 8 + "|", *designs_of(own), ""]
    lines += ["## Layers behind a memory", "", OF_LAYERS, *HEAD]
    for kind, name in NAMES.items():
        lines += rows_of(*networks[kind], name)
    lines += ["", ROW_HEAD, "|---" * 8 + "|", *designs_of(networks), ""]
    return "\n".join(lines)


def main() -> None:
    """Measure what the file does not hold, fit, and write the factors and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="measure these designs, numbered from 0, and fit nothing")
    parser.add_argument("--fit", action="store_true", help="measure nothing")
    args = parser.parse_args()
    results = Results(ROWS)
    every = [*DESIGNS, *NETWORKS, *LAYERS, *LARGE]
    chosen = map(int, args.only.split(",")) if args.only else range(len(every))
    for number in () if args.fit else chosen:
        design = every[number]
        results.add(design.key, lambda d=design: measured(d))
    if args.only:
        return
    found: Found = {}
    sums = {}
    for kind, each in samples(results.rows).items():
        found[kind] = each, unseen(kind, each)
        sums[kind] = completed(kind, fit(each, scaled=True))
    factors = {f"parallel {kind}": asdict(own) for kind, own in sums.items()}
    networks: Found = {}
    large = layer_samples(results.rows, sums, large=True)
    for kind, own in layer_samples(results.rows, sums).items():
        errors = layers_unseen(kind, own, sums[kind], large[kind])
        networks[kind] = [one.sample for one in (*own, *large[kind])], errors
        factors[f"layers {kind}"] = asdict(layers_fitted(kind, own, sums[kind]))
    text = json.dumps(factors, indent=1, sort_keys=True) + "\n"
    FACTORS.with_name(PARALLEL_FILE).write_text(text)
    PAGE.write_text(page(found, networks))


if __name__ == "__main__":
    main()
