"""The part *styles* of `synthesis.py`: memories from one multiplier to one for each coefficient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from synthesis_designs import Point, memory

import lmu_hw as lh
from lmu_hw._support.svg_pictures import picture_style, svg_of
from lmu_hw.measure.synthesis.devices import TARGETS

matplotlib.use("Agg")
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "synthesis_styles.svg"
SHARED, RING, FULL, INTERLEAVED = "shared", "ring", "full", "full, interleaved"
COLORS = {8: "C0", 16: "C1", 64: "C2"}
"""Of each order."""
MARKERS = {SHARED: "s", RING: "o", FULL: "^", INTERLEAVED: "v"}
LUT_TICKS = (500, 1000, 2000, 5000)
RATE_TICKS = (10**6, 10**7, 10**8)
COLUMNS = (
    *("d", "style", "cycles", "LUTs", "flip-flops", "multipliers", "block RAMs", "clock [MHz]"),
    *("steps/s", "steps/s per LUT", "steps/s per multiplier"),
)


def ring_style(sections: int, pipeline: int = 5) -> tuple[str, lh.Hardware]:
    """Return name and options of a ring."""
    hardware = lh.Hardware(parallel="ring", sections_per_multiplier=sections, pipeline=pipeline)
    return f"{RING}, K = {sections}", hardware


def full_style(pipeline: int, signals: int = 1) -> tuple[str, lh.Hardware]:
    """Return name and options of a full design."""
    hardware = lh.Hardware(parallel="full", pipeline=pipeline, interleave=signals)
    if signals > 1:
        return f"{INTERLEAVED}, L = {pipeline}, S = {signals}", hardware
    return f"{FULL}, L = {pipeline}", hardware


ONE = (SHARED, lh.Hardware())
STYLES = {
    "ice40-up5k": {
        8: (ONE, ring_style(4)),
        16: (ONE, ring_style(8), ring_style(4)),
        64: (ONE,),
    },
    "ice40-hx8k": {
        8: (ONE, ring_style(4), full_style(1)),
        16: (ONE, ring_style(8), ring_style(4)),
        64: (ONE, ring_style(32), ring_style(11)),
    },
    "ecp5-25k": {
        8: (ONE, ring_style(4), full_style(1), full_style(5, 10)),
        16: (ONE, ring_style(8), ring_style(4), ring_style(2)),
        64: (ONE, ring_style(32), ring_style(12), ring_style(6)),
    },
    "ecp5-85k": {
        16: (ONE, ring_style(8), ring_style(4), full_style(1), full_style(5, 10)),
        64: (ONE, ring_style(32), ring_style(6), ring_style(2)),
    },
}
"""The designs of each device, by order; smaller devices have too few cells for the others."""


def style_points() -> Iterable[Point]:
    """Yield memories that output their state, in each style that fits a device."""
    for target, by_order in STYLES.items():
        for d, found in by_order.items():
            for style, hardware in found:
                yield Point(f"d = {d}, {style}", target, style_writer(d, hardware))


def style_writer(d: int, hardware: lh.Hardware) -> Callable[[Path], Path]:
    """Return what writes a memory that outputs its state."""
    return partial(memory, hardware=hardware, d=d, output="state", realization="cascade")


def style_lines(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Return a table for each device. Rows have the names of points: ``label on target``."""
    lines = [
        "K is the most sections of a multiplier, L the registers of an adaptor, S the number of",
        "signals, whose steps are counted together.",
        "",
        "![Steps a second over LUTs, a panel for each device](../images/synthesis_styles.svg)",
        "",
    ]
    for target in STYLES:
        device = TARGETS[target]
        lines += [f"{target} ({device.device}):", "", f"| {' | '.join(COLUMNS)} |"]
        lines.append("|---" * len(COLUMNS) + "|")
        for p in style_points():
            if p.target == target:
                lines.append(style_row(p.label, rows[f"{p.label} on {target}"]))
        lines.append("")
    return lines


def style_row(label: str, found: dict[str, Any]) -> str:
    """Return the row of a design."""
    order, style = label.removeprefix("d = ").split(", ", 1)
    if "refused" in found:
        return f"| {order} | {style} | does not fit |" + " |" * (len(COLUMNS) - 3)
    rate, luts, dsps = found["steps_per_second"], found["luts"]["used"], found["dsps"]["used"]
    cells = (
        *(order, style, f"{found['cycles']:,}"),
        *(f"{found[k]['used']:,}" for k in ("luts", "ffs", "dsps", "block_rams")),
        f"{found['fmax_mhz']:.1f}",
        f"{rate:,.0f}",
        f"{rate / luts:,.0f}",
        f"{rate / dsps:,.0f}" if dsps else "",
    )
    return f"| {' | '.join(cells)} |"


def draw(rows: dict[str, dict[str, Any]]) -> None:
    """Draw steps a second over LUTs."""
    import matplotlib.pyplot as plt

    with picture_style():
        size = (9, 6.4)
        figure, axes = plt.subplots(
            2, 2, figsize=size, sharex=True, sharey=True, layout="constrained"
        )
        for axis, target in zip(axes.flat, STYLES, strict=True):
            for d in STYLES[target]:
                color = COLORS[d]
                at = []
                for style, _ in STYLES[target][d]:
                    found = rows[f"d = {d}, {style} on {target}"]
                    if "refused" not in found:
                        kind = style.split(", L")[0].split(", K")[0]
                        at.append((found["luts"]["used"], found["steps_per_second"], kind))
                axis.plot([x for x, _, _ in at], [y for _, y, _ in at], color=color, lw=1)
                for x, y, kind in at:
                    axis.plot(x, y, MARKERS[kind], color=color, ms=6)
            axis.set(title=target, xscale="log", yscale="log")
        axes[0, 0].set_xticks(LUT_TICKS, [f"{luts:,}" for luts in LUT_TICKS])
        axes[0, 0].set_xticks([], minor=True)
        axes[0, 0].set_yticks(RATE_TICKS, [f"{rate // 10**6} M" for rate in RATE_TICKS])
        for axis in axes[:, 0]:
            axis.set_ylabel("steps a second")
        for axis in axes[1]:
            axis.set_xlabel("LUTs")
        for d, color in COLORS.items():
            axes[0, 0].plot([], [], color=color, label=f"d = {d}")
        for kind, marker in MARKERS.items():
            axes[0, 1].plot([], [], marker, color="0.4", label=kind)
        axes[0, 0].legend(fontsize="small")
        axes[0, 1].legend(fontsize="small")
        PICTURE.write_bytes(svg_of(figure))
        plt.close(figure)
