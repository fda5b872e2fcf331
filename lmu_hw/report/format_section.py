"""Section of a report: formats of all signals, their worst cases, and what these rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._support.svg_pictures import (
    BLUE,
    GREEN,
    GREY_FILL,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    RED,
    page_style,
)
from ..manifest import NetworkManifest
from ..proof.certificate import load_certificate
from ..proof.claims import Basis, SignalClaim
from .plotting import canvas, picture, short
from .report_source import ReportSource
from .section import DataTable, Paragraph, Picture, Section

MOST_BARS = 40
"""Most signals that are drawn; the table has all."""
BEYOND = 1.3
"""Where bars of what may exceed its format end [full scale]."""
SEEN = 0.004
"""Smallest part of a bar that can be seen [full scale]."""
COLOURS = {"proven": BLUE, "input": MUTED, "calibrated": ORANGE, "may saturate": RED}
HATCHES = {"proven": "", "input": "-", "calibrated": "//", "may saturate": "x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReach:
    """How far a signal reaches in its format.

    Attributes
    ----------
    name : str
    claim : SignalClaim
    rests_on : str
        ``proven``, ``input``, ``calibrated`` or ``may saturate``.
    share : float
        Worst case over full scale; of a calibrated signal, the largest value seen over it.
    rounding : float
        Part of that due to rounding errors.
    """

    name: str
    claim: SignalClaim
    rests_on: str
    share: float
    rounding: float

    @property
    def why(self) -> str:
        """What the worst case rests on, in words."""
        claim = self.claim
        texts = {
            Basis.INPUT: "any word is legal",
            Basis.L1: "l1 norm of the impulse response",
            Basis.ENERGY: "energy that the sections preserve",
            Basis.INTERVAL: "range of the exact result",
            Basis.COUNT: "a counter that stops",
        }
        if self.rests_on == "calibrated":
            return f"largest seen on data; no proof{f': {claim.reason}' if claim.reason else ''}"
        return claim.reason or texts.get(claim.basis, claim.basis.value)


def format_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section on formats."""
    reaches = signal_reaches(source)
    counts = {kind: sum(r.rests_on == kind for r in reaches) for kind in COLOURS}
    said = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    proven = source.manifest.certificate.proven
    lead = f"{len(reaches)} signals: {said}." if said else f"{len(reaches)} signals."
    lead += (
        " No recurrent signal can leave its format."
        if proven
        else " What may saturate does so at the ends of its format; it never wraps."
    )
    with page_style():
        drawn = _bars(reaches)
    return (
        Section(
            key="formats",
            title="Formats and worst cases",
            lead=lead,
            blocks=(
                drawn,
                Paragraph(
                    text="`Qi.f` has i bits before the binary point, the sign included, and f "
                    "after it. Words are rounded first, then saturated."
                ),
                _table(reaches),
            ),
            data={
                r.name: {
                    "format": r.claim.format,
                    "words": r.claim.length,
                    "role": r.claim.role,
                    "low": r.claim.low,
                    "high": r.claim.high,
                    "of_full_scale": short(r.share),
                    "rests_on": r.rests_on,
                    "basis": r.claim.basis.value,
                }
                for r in reaches
            },
        ),
    )


def signal_reaches(source: ReportSource) -> list[SignalReach]:
    """Return how far every signal of the certificate reaches in its format."""
    design = source.manifest.design
    seen = design.signals if isinstance(design, NetworkManifest) else {}
    found = []
    for name, claim in load_certificate(source.path).claims.signals.items():
        low, high = _ends(claim.format)
        share = max(claim.high / high if high else 0.0, claim.low / low if low else 0.0)
        rests_on = "proven"
        if claim.basis is Basis.INPUT:
            rests_on = "input"
        elif claim.basis is Basis.SATURATION:
            rests_on = "may saturate"
            if name in seen and seen[name].basis != "proven":
                rests_on = "calibrated"
                share = seen[name].peak / (high * _lsb(claim.format))
        rounding = (claim.rounding or 0.0) / high if high else 0.0
        found.append(
            SignalReach(name=name, claim=claim, rests_on=rests_on, share=share, rounding=rounding)
        )
    return found


def _ends(fmt: str) -> tuple[int, int]:
    """Return the smallest and the largest word of a format such as ``Q1.15`` or ``UQ0.8``."""
    int_bits, frac_bits = _bits(fmt)
    width = int_bits + frac_bits
    if fmt.startswith("U"):
        return 0, (1 << width) - 1
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


def _lsb(fmt: str) -> float:
    return 2.0 ** -_bits(fmt)[1]


def _bits(fmt: str) -> tuple[int, int]:
    int_bits, frac_bits = fmt.lstrip("UQ").split(".")
    return int(int_bits), int(frac_bits)


def _bars(reaches: list[SignalReach]) -> Picture:
    shown = reaches[:MOST_BARS]
    figure, axes = canvas(0.9 + 0.27 * len(shown))
    ax = axes[0, 0]
    y = np.arange(len(shown))
    for kind, colour in COLOURS.items():
        at = [k for k, r in enumerate(shown) if r.rests_on == kind]
        if at:
            ax.barh(
                at,
                [100.0 * min(shown[k].share, BEYOND) for k in at],
                height=0.62,
                color=colour,
                edgecolor=PAPER,
                hatch=HATCHES[kind],
                linewidth=0.0,
                label=kind,
            )
    rounded = [k for k, r in enumerate(shown) if r.rounding > SEEN and r.rests_on == "proven"]
    if rounded:
        ax.barh(
            rounded,
            [100.0 * shown[k].rounding for k in rounded],
            left=[100.0 * (shown[k].share - shown[k].rounding) for k in rounded],
            height=0.62,
            color=GREEN,
            edgecolor=PAPER,
            hatch="\\\\\\\\",
            linewidth=0.0,
            label="of that, rounding",
        )
    for k, r in enumerate(shown):
        text = f"{100.0 * r.share:.3g} %"
        ax.text(
            100.0 * min(r.share, BEYOND) + 1.0, k, text, va="center", color=INK, fontsize="small"
        )
    ax.axvline(100.0, color=INK, ls="-", lw=1.2)
    ax.axvspan(100.0, 100.0 * BEYOND + 12.0, color=GREY_FILL, zorder=0, lw=0.0)
    ax.set_yticks(y, [f"{r.name}  {r.claim.format}" for r in shown])
    ax.tick_params(axis="y", labelcolor=INK, length=0)
    ax.grid(visible=False, axis="y")
    ax.set(
        xlim=(0.0, 100.0 * BEYOND + 12.0),
        ylim=(len(shown) - 0.4, -0.6),
        xlabel="worst case [% of the format's full scale]",
    )
    figure.legend(loc="outside upper left", ncols=5)
    rest = f" The first {MOST_BARS} of {len(reaches)} signals." if len(reaches) > MOST_BARS else ""
    return picture(
        "formats",
        figure,
        alt="Worst case of each signal in its format: "
        + ", ".join(f"{r.name} {100.0 * r.share:.3g} % ({r.rests_on})" for r in shown[:12])
        + ("." if len(shown) <= 12 else " and more."),
        caption="Worst case of every signal before saturation, over any input: beyond 100 % (grey) "
        f"it would saturate. Calibrated: the largest value on data, which is no proof.{rest}",
    )


def _table(reaches: list[SignalReach]) -> DataTable:
    return DataTable(
        caption="Signals, their worst cases in words, and what these rest on",
        head=(
            "signal",
            "format",
            "words",
            "role",
            "lowest",
            "highest",
            "of full scale",
            "rests on",
        ),
        rows=tuple(
            (
                r.name,
                r.claim.format,
                f"{r.claim.length:,}",
                r.claim.role + (", recurrent" if r.claim.recurrent else ""),
                f"{r.claim.low:,}",
                f"{r.claim.high:,}",
                f"{100.0 * r.share:.3g} %",
                f"{r.rests_on}: {r.why}",
            )
            for r in reaches
        ),
    )
