"""Area and clock of designs on FPGAs: writes docs/results/synthesis.md.

    PYTHONPATH=. python benchmarks/synthesis.py [--only dense,ladder,...] [--resume FILE]

Every figure is that of `lmu-hw synth` on a build directory. Takes two hours. --resume keeps
finished designs in a file, so that an interrupted run can continue. --only writes the sections of
some parts. The digits network is calibrated with the recordings in the folder that LMU_HW_DATA
names. The list of devices is internal: it heads the columns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

from synthesis_designs import Point, digits, memory, network
from synthesis_styles import (
    draw,
    full_style,
    ring_style,
    style_lines,
    style_points,
    style_writer,
)

import lmu_hw as lh
from benchmarks.results_file import with_section
from lmu_hw.errors import ToolError
from lmu_hw.measure.synthesis.devices import TARGETS

PAGE = Path(__file__).parent.parent / "docs" / "results" / "synthesis.md"
ORDERS = (16, 32, 64, 128, 256)
LANES = (1, 2, 4, 8, 16)
LADDER = {"discretizer": "bilinear", "realization": "ladder"}
HEAD = (
    "| | cycles | LUTs | flip-flops | multipliers | block RAMs | clock [MHz] | steps/s "
    "| critical path |"
)
RULE = "|---" * 9 + "|"


Rows = dict[str, dict[str, Any]]
SEEDS = (1, 2, 3)
"""Placements of the part *clock*."""


def _memory(lanes: int = 1, **keys: object) -> Callable[[Path], Path]:
    return lambda build_dir: memory(build_dir, lanes, **keys)


def dense_points() -> Iterable[Point]:
    """Yield dense and cascade memories on the same targets."""
    for target in ("ecp5-25k", "ice40-hx8k"):
        for d, output in ((16, "memory"), (64, "memory"), (64, "state")):
            for kind in ("dense", "cascade"):
                make = _memory(d=d, output=output, realization=kind)
                yield Point(f"d = {d}, output {output}, {kind}", target, make)


def ladder_points() -> Iterable[Point]:
    """Yield memories that output m itself, as a cascade and as a ladder."""
    for target in ("ice40-up5k", "ecp5-25k"):
        yield Point("d = 64, cascade", target, _memory(d=64, realization="cascade"))
        for d in (16, 64, 256):
            yield Point(f"d = {d}, ladder", target, _memory(d=d, **LADDER))
        yield Point("d = 64, ladder, 4 substeps", target, _memory(d=64, substeps=4, **LADDER))


def order_points() -> Iterable[Point]:
    """Yield memories of several orders."""
    for output in ("state", "memory"):
        for d in ORDERS:
            make = _memory(d=d, output=output, realization="cascade")
            yield Point(f"d = {d}, output {output}", "ecp5-85k", make)


def lane_points() -> Iterable[Point]:
    """Yield a memory with several numbers of lanes."""
    for lanes in LANES:
        make = _memory(lanes, d=64, realization="cascade")
        yield Point(f"P = {lanes}", "ecp5-85k", make)


def goal_points() -> Iterable[Point]:
    """Yield the example configurations."""
    yield Point(
        "psMNIST: d = 256, n = 212, 10 outputs, 8-bit weights, P = 8",
        "ecp5-85k",
        lambda f: network(f, order=256, hidden=212, theta=784, lanes=8, classes=10),
    )
    yield Point(
        "d = 64, n = 32, 8-bit weights, P = 1",
        "ice40-up5k",
        lambda f: network(f, order=64, hidden=32, theta=256),
    )
    for target in ("ice40-hx8k", "ecp5-25k"):
        yield Point(
            "memory only, d = 64, 16 bits, output state", target, _memory(d=64, output="state")
        )


def clock_points() -> Iterable[Point]:
    """Yield the designs whose clock is measured with several placements."""
    make = _memory(d=64, output="memory", realization="cascade")
    yield Point("memory, d = 64, 16 bits, output memory", "ecp5-25k", make)
    yield Point(
        "network, d = 64, n = 32, 8-bit weights, P = 1",
        "ice40-up5k",
        lambda f: network(f, order=64, hidden=32, theta=256),
    )
    yield Point("digits, weights of 3 bits, outputs of 5, P = 8", "ecp5-25k", digits)
    for d, (style, hardware), target in (
        (64, ring_style(6), "ecp5-25k"),
        (16, full_style(5, 10), "ecp5-85k"),
    ):
        yield Point(f"memory, d = {d}, {style}", target, style_writer(d, hardware))


PARTS = {
    "dense": (dense_points, "Dense against cascade"),
    "ladder": (ladder_points, "Ladder against cascade, output memory"),
    "order": (order_points, "Scaling in the order d"),
    "lanes": (lane_points, "Scaling in lanes P"),
    "goals": (goal_points, "Example configurations"),
    "clock": (clock_points, "Clock of three placements"),
    "styles": (style_points, "From the smallest to the fastest"),
}


def measure(point: Point, seed: int, rows: Rows) -> dict[str, Any]:
    """Return the figures of a design, or the reason why it does not fit.

    Verilog that an earlier row has measured on the same target is not measured again.
    """
    with tempfile.TemporaryDirectory() as temporary:
        build_dir = point.make(Path(temporary) / "design")
        texts = [file.read_bytes() for file in sorted((build_dir / "rtl").iterdir())]
        digest = hashlib.sha256(b"".join(texts)).hexdigest()
        same = {"verilog": digest, "target": point.target, "seed": seed}
        for found in rows.values():
            if same.items() <= found.items():
                return found
        try:
            result = lh.open_build(build_dir).synth(point.target, seed=seed)
        except ToolError as error:
            if "does not fit" not in str(error):
                raise
            return {"refused": str(error), **same}
    return {"cycles": result.cycles_per_step, **result.targets[0].to_dict(), **same}


def row(label: str, found: dict[str, Any]) -> str:
    """Return a row of a table."""
    if "refused" in found:
        return f"| {label} | {found['refused']} |" + " |" * 7
    path = [b["block"] for b in found["critical_path"]["blocks"]]
    ends = path[0] if path[0] == path[-1] else f"{path[0]} to {path[-1]}"
    columns = (
        label,
        f"{found['cycles']:,}",
        *(f"{found[k]['used']:,}" for k in ("luts", "ffs", "dsps", "block_rams")),
        f"{found['fmax_mhz']:.1f}",
        f"{found['steps_per_second']:,.0f}",
        ends,
    )
    return "| " + " | ".join(columns) + " |"


def ratio(dense: dict[str, Any], cascade: dict[str, Any]) -> str:
    """Return the row of the ratios dense / cascade."""
    if "refused" in dense or "refused" in cascade:
        return ""

    def of(a: float, b: float) -> str:
        return f"{a / b:.2f}" if b else "-"

    columns = [of(dense["cycles"], cascade["cycles"])]
    for key in ("luts", "ffs", "dsps", "block_rams"):
        columns.append(of(dense[key]["used"], cascade[key]["used"]))
    for key in ("fmax_mhz", "steps_per_second"):
        columns.append(of(dense[key], cascade[key]))
    return "| *dense / cascade* | " + " | ".join(columns) + " | |"


def section(part: str, rows: Rows) -> list[str]:
    """Return the lines of one part, without its title."""
    if part == "clock":
        return clock_lines(rows)
    if part == "styles":
        own = {name.removeprefix("styles: "): found for name, found in rows.items()}
        draw(own)
        return style_lines(own)
    return tables(part, rows)


def tables(part: str, rows: Rows) -> list[str]:
    """Return a table for each target."""
    points = list(PARTS[part][0]())
    lines: list[str] = []
    for target in dict.fromkeys(p.target for p in points):
        t = TARGETS[target]
        units = f"multipliers {t.dsp_unit}, " if t.dsp_unit else ""
        lines += [f"{target} ({t.device}; {units}block RAMs of {t.ram_unit}):", "", HEAD, RULE]
        own = [p for p in points if p.target == target]
        for number, p in enumerate(own):
            lines.append(row(p.label, rows[key(part, p)]))
            if part == "dense" and number % 2:
                pair = (rows[key(part, q)] for q in own[number - 1 : number + 1])
                lines += filter(None, [ratio(*pair)])
        lines.append("")
    return lines


def clock_lines(rows: Rows) -> list[str]:
    """Return the table of the part *clock*: median, lowest and highest clock of the placements."""
    points = list(clock_points())
    lines = [
        f"Seeds {', '.join(map(str, SEEDS))}; the critical path is that of the median. The digits",
        "network is that of [exploration.md](exploration.md), of `examples/models/digits.npz`.",
        "",
        "| | device | cycles | LUTs | flip-flops | clock [MHz] | lowest to highest | steps/s "
        "| critical path |",
        "|---" * 9 + "|",
    ]
    for p in points:
        found = sorted((rows[key("clock", p, s)] for s in SEEDS), key=lambda r: r["fmax_mhz"])
        middle = found[len(found) // 2]
        blocks = [b["block"] for b in middle["critical_path"]["blocks"]]
        columns = (
            p.label,
            p.target,
            f"{middle['cycles']:,}",
            *(f"{middle[k]['used']:,}" for k in ("luts", "ffs")),
            f"{middle['fmax_mhz']:.1f}",
            f"{found[0]['fmax_mhz']:.1f} to {found[-1]['fmax_mhz']:.1f}",
            f"{middle['steps_per_second']:,.0f}",
            blocks[0] if blocks[0] == blocks[-1] else f"{blocks[0]} to {blocks[-1]}",
        )
        lines.append("| " + " | ".join(columns) + " |")
    return [*lines, ""]


def key(part: str, point: Point, seed: int = 1) -> str:
    """Return the name of a result."""
    name = f"{part}: {point.label} on {point.target}"
    return f"{name}, seed {seed}" if part == "clock" else name


def main() -> None:
    """Measure, and write the sections of the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--only", default=",".join(PARTS), help="parts, whose sections are written"
    )
    options.add_argument("--resume", type=Path, help="file of finished designs")
    args = options.parse_args()
    parts = args.only.split(",")
    rows: Rows = {}
    if args.resume is not None and args.resume.exists():
        rows = json.loads(args.resume.read_text())
    for part in parts:
        for point, seed in product(PARTS[part][0](), SEEDS if part == "clock" else SEEDS[:1]):
            name = key(part, point, seed)
            if name not in rows:
                rows[name] = measure(point, seed, rows)
                if args.resume is not None:
                    args.resume.write_text(json.dumps(rows))
            print(f"{point.target:12}", row(point.label, rows[name]), file=sys.stderr, flush=True)
        page = PAGE.read_text(encoding="utf-8")
        text = "\n".join(section(part, rows))
        PAGE.write_text(with_section(page, PARTS[part][1], text), encoding="utf-8")


if __name__ == "__main__":
    main()
