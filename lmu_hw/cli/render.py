"""Text and JSON of the points of a tune run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .._support.tables import columns
from ..measure.evaluation import NRMSE

if TYPE_CHECKING:
    from ..measure.tune import DesignPoint, Tuner


def point_text(number: int, point: DesignPoint) -> str:
    """Return the progress line of a point."""
    w = point.widths
    return (
        f"{number:3}  weights {w.weights_text:5} acts {w.act_bits:2} "
        f"state {w.state_bits or 0:2} coefs {w.coef_bits:2}  {point.cost[0] / 8192:8.2f} KiB  "
        f"{100 * point.score:6.2f} %  {'keeps' if point.keeps else 'loses'}"
    )


def tuner_text(tuner: Tuner) -> str:
    """Return the Pareto-optimal points as text, cheapest first."""
    head = ("weights", "acts", "state", "coefs", "ROM KiB", "RAM KiB", "multiplies", "score %")
    rows: list[tuple[str, ...]] = [(*head, "loss %", "")]
    for p in tuner.pareto():
        w = p.widths
        bits = (w.act_bits, w.state_bits or 0, w.coef_bits)
        kib = (f"{p.rom_bits / 8192:.2f}", f"{p.ram_bits / 8192:.2f}")
        score = (f"{100 * p.score:.2f}", f"{100 * p.loss:.2f}", "" if p.keeps else "too much")
        rows.append((w.weights_text, *map(str, bits), *kib, f"{p.multiplies:,}", *score))
    first = f"float: {100 * tuner.target:.2f} %; Pareto-optimal points, cheapest first:"
    if tuner.dataset.labels is None:
        first = f"scores are NRMSE: {NRMSE}\n{first}"
    engine = f"engine: {tuner.ran}"
    return "\n".join([first, *(f"  {line}" for line in columns(rows, n_left=0)), engine])


def point_data(point: DesignPoint) -> dict[str, Any]:
    """Return a point as data."""
    return {
        **asdict(point.widths),
        "score": point.score,
        "loss": point.loss,
        "rom_bits": point.rom_bits,
        "ram_bits": point.ram_bits,
        "multiplies": point.multiplies,
        "keeps": point.keeps,
    }
