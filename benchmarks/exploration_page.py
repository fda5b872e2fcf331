"""The page and the picture of benchmarks/exploration.py."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib

from lmu_hw._support.svg_pictures import picture_style, svg_of
from lmu_hw.explore.exploration import Exploration
from lmu_hw.explore.explored_point import ExploredPoint

matplotlib.use("Agg")
DOCS = Path(__file__).resolve().parent.parent / "docs"
Rows = dict[str, Any]


def write_page(rows: Rows, found: Exploration) -> None:
    """Write docs/results/exploration.md and docs/images/exploration.svg."""
    (DOCS / "images" / "exploration.svg").write_bytes(picture(found))
    (DOCS / "results" / "exploration.md").write_text(page(rows, found), encoding="utf-8")


def page(rows: Rows, found: Exploration) -> str:
    """Return the text of the page; what was not measured yet is left out."""
    repeat = "PYTHONPATH=. LMU_HW_DATA=... python benchmarks/exploration.py"
    text = f"""# Explorations

`lmu-hw explore` on Dask, on two cores. Durations are compared within one run.

Repeat: `{repeat} --write`.

## The digits network

{found.counts.points} points of `examples/models/digits.npz`: weights of 3 to 8 bits, layer outputs
of 5 to 16 bits, two widths of states, 8 to 32 lanes; for `ecp5-25k` and `c-m4`; judged by the 300
recordings that `examples/digits.py` tunes by.

| | |
|---|---|
{chr(10).join(f"| {name} | {value} |" for name, value in digits_rows(rows, found))}

![Loss against the share of an ECP5, and against flash](../images/exploration.svg)
"""
    if "chosen" in rows:
        text += f"""
The cheapest point that loses at most 0.5 %, by exploration, by `tune` (with the best number of
lanes) and by hand (weights of 8 bits, all else of 16); figures are estimates:

{chosen_table(rows["chosen"])}
"""
    if "measured" in rows:
        text += f"""
Measured on the FPGA, with the estimates in brackets, for the three designs of the front that were
measured:

{measured_table(rows["measured"]["ecp5-25k"])}

{clock_error(rows["measured"]["ecp5-25k"])}

Largest errors of the estimates for the {rows["measured"]["c-m4"]["points"]} points of `c-m4`:
{flash_errors(rows["measured"]["c-m4"])}.
"""
    if "many" in rows:
        sizes = rows["many"]["bytes"]
        text += f"""
## 10,000 points

Memories of d = 2 and 3, five widths, 125 windows, 1 to 8 lanes, estimated for both targets by a
scheduler and two workers, each a process of its own. A task is a design with all its lanes. The
last thousand includes putting all points together and writing the CSV file and the page.

{many_table(rows["many"]["rows"])}

The store takes {sizes["sqlite"] / 1e6:.1f} MB, the page {sizes["html"] / 1e6:.1f} MB.
"""
    return text


def digits_rows(rows: Rows, found: Exploration) -> list[tuple[str, str]]:
    """Return what was measured of the digits network."""
    known: list[tuple[str, str]] = []
    if {"workers: 1", "workers: 2"} <= rows.keys():
        one, two = (rows[f"workers: {n}"]["seconds"] for n in (1, 2))
        known.append(
            (
                f"speed of two workers against one, {rows['workers: 1']['tasks']} designs",
                f"{one / two:.2f} times",
            )
        )
    if {"killed", "resumed"} <= rows.keys():
        kept, resumed = sum(rows["killed"].values()), rows["resumed"]
        known += [
            ("results in the store when workers and client were killed", f"{kept}"),
            ("results computed after that", f"{resumed['computed']}"),
            ("results computed twice", f"{kept - resumed['known']}"),
        ]
    if "again" in rows:
        again = rows["again"]
        what = "results computed when the exploration is repeated"
        known.append((what, f"{again['computed']} of {again['known']}"))
    for target in found.targets:
        known.append((f"points on the front of `{target}`", f"{len(found.front(target))}"))
    if "measured" in rows:
        points = rows["measured"]["c-m4"]["points"]
        known.append(("points measured until the front of `c-m4` was", f"{points}"))
    return known


def chosen_table(rows: Rows) -> str:
    """Return the points that are compared."""
    names = ("", "widths", "lanes", "right", "LUTs", "multipliers", "block RAM", "of device")
    names = (*names, "steps/s", "flash")
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for name in ("explore", "tune", "by hand"):
        row = rows[name]
        if row is None:
            lines.append(f"| {name} | no point keeps the loss | | | | | | | | |")
            continue
        widths = ", ".join(f"{k.removesuffix('_bits')} {v}" for k, v in row["settings"].items())
        widths, _, lanes = widths.partition(", lanes ")
        lines.append(
            f"| {name} | {widths} | {lanes} | {100 * row['score']:.2f} % | {row['luts']:,} | "
            f"{row['dsps']} | {row['block_rams']} | {100 * row['share']:.0f} % | "
            f"{row['steps_per_second']:,.0f} | {row['flash']:,} |"
        )
    return "\n".join(lines)


def measured_table(rows: Rows) -> str:
    """Return estimates beside what the tools measured."""
    names = ("weights", "layer outputs", "states", "lanes")
    fields = {"LUTs": "luts", "flip-flops": "ffs", "multipliers": "dsps", "block RAM": "block_rams"}
    fields = {**fields, "clock [MHz]": "clock_mhz"}
    lines = [f"| {' | '.join((*names, *fields))} |", f"|{'---|' * (len(names) + len(fields))}"]
    for pair in rows["pairs"]:
        cells = [str(value) for value in pair["settings"].values()]
        for field in fields.values():
            guess, real = pair["estimated"][field], pair["measured"][field]
            cells.append("does not fit" if pair["measured"]["refused"] else f"{real:,} ({guess:,})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def clock_error(rows: Rows) -> str:
    """Return how far estimates of the clock were off."""
    pairs = [(pair["estimated"], pair["measured"]) for pair in rows["pairs"]]
    ratios = [a["clock_mhz"] / b["clock_mhz"] for a, b in pairs if not b["refused"]]
    return (
        f"The clock was estimated {min(ratios):.2f} to {max(ratios):.2f} times as fast as it is: "
        "the designs of the\n[fit](estimates.md) have no such slow path, here from the sequencer "
        "through the FIFO of the inputs."
    )


def flash_errors(rows: Rows) -> str:
    """Return how far estimates of a microcontroller were off, in percent."""
    worst = []
    for field in ("flash", "ram", "instructions"):
        ratios = [pair["estimated"][field] / pair["measured"][field] - 1 for pair in rows["pairs"]]
        worst.append(100 * max(ratios, key=abs))
    return "flash {:+.1f} %, RAM {:+.1f} %, instructions {:+.1f} %".format(*worst)


def many_table(rows: list[Rows]) -> str:
    """Return processor time of all four processes, rate and memory by thousands of points."""
    names = ("points", "processor time of a point of this thousand [ms]", "points a second")
    names = (*names, "scheduler [MiB]", "client [MiB]")
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for before, row in pairwise(rows):
        count = row["points"] - before["points"]
        spent = row["processor_seconds"] - before["processor_seconds"]
        lines.append(
            f"| {row['points']:,} | {1000 * spent / count:.1f} | "
            f"{count / (row['seconds'] - before['seconds']):.0f} | "
            f"{row['scheduler_mib']:.0f} | {row['client_mib']:.0f} |"
        )
    return "\n".join(lines)


def picture(found: Exploration) -> bytes:
    """Return the fronts as SVG."""
    import matplotlib.pyplot as plt

    with picture_style():
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        for axis, target, field, label in (
            (axes[0], "ecp5-25k", "share", "largest share of the device"),
            (axes[1], "c-m4", "flash", "flash [KiB]"),
        ):
            scale = 1024 if field == "flash" else 1
            points = [(cost(p, target, field) / scale, loss(p)) for p in found.points]
            front = sorted((cost(p, target, field) / scale, loss(p)) for p in found.front(target))
            axis.plot(*zip(*points, strict=True), ".", color="0.6", label="points")
            axis.plot(*zip(*front, strict=True), "o", color="C0", ms=4, label="front")
            best = found.best
            if best is not None:
                at = cost(best, target, field) / scale, loss(best)
                axis.plot(*at, "D", color="C3", ms=7, label="picked")
            axis.set_xlabel(f"{target}: {label}")
            axis.set_ylabel("loss of accuracy [%]")
            axis.set_xscale("log")
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].legend(frameon=False)
        text = svg_of(figure)
    plt.close(figure)
    return text


def loss(point: ExploredPoint) -> float:
    """Return the loss in percent."""
    return 100 * point.quality.loss if point.quality else 0.0


def cost(point: ExploredPoint, target: str, field: str) -> float:
    """Return a figure of a target."""
    return float(next(getattr(f, field) for f in point.figures if f.target == target))
