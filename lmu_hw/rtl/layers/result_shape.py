"""Constants, widths and latency of a lane that turns sums into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

from ...program.fixedpoint import QFormat
from ...program.integer_program import Function
from ..function_width import sum_width
from .lane_turns import LaneTurns

PRODUCT_CYCLES = 2
"""Registers behind a multiplier, which placers put far from the adders."""
LOW_BITS = 17
"""Bits of a word without a sign that one multiplier of 18 x 18 bits takes."""


def product_cycles(width: int) -> int:
    """Return the cycles of a product with a signed word of some bits.

    A word that is too wide for one multiplier has two products, which are added.
    """
    return PRODUCT_CYCLES + (width > LOW_BITS + 1)


def function_cycles(function: Function) -> int:
    """Return the cycles of a function: look up the piece; multiply and add; limit."""
    return 2 + len(function.shifts) * (product_cycles(sum_width(function)) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultShape:
    """A lane: ``word = sat(floor(2**-shift * (total * factor + constant)))``, then the function.

    One shift serves all rows of a lane: a row with a smaller shift has a factor that is larger by
    the same power of two, which changes no word. The constant holds bias and rounding.

    Parameters
    ----------
    turns : LaneTurns
    factors, constants : tuple of int
        Of each turn; 0 where it is idle.
    shift : int
    peak : int
        Largest magnitude of a sum.
    fmt : QFormat
        Format of the word, or of the function's argument.
    function : Function or None
    out_fmt : QFormat
        Format of the result.
    wait : int
        Cycles that the words are delayed, so that no lane is a step ahead of another one.
    """

    turns: LaneTurns
    factors: tuple[int, ...]
    constants: tuple[int, ...]
    shift: int
    peak: int
    fmt: QFormat
    function: Function | None
    out_fmt: QFormat
    wait: int = 0

    @property
    def picks(self) -> bool:
        """Whether a register holds the sum that is chosen among several sources."""
        return len(self.turns.sources) > 1

    @property
    def first(self) -> int:
        """Cycle of turn 0 in which its factor meets its sum."""
        return self.turns.start + self.picks

    @property
    def total_width(self) -> int:
        """Width of a sum."""
        return self.peak.bit_length() + 1

    @property
    def scales(self) -> bool:
        """Whether there is a multiplication."""
        return set(self.factors) - {0, 1} != set()

    @property
    def exact_width(self) -> int:
        """Width of a scaled sum with its constant."""
        factor, constant = max(map(abs, self.factors)), max(map(abs, self.constants))
        width = (self.peak * factor + constant).bit_length() + 1
        # at least a sign above the word remains, to tell what saturates
        return max(width, self.shift + self.fmt.width + 1)

    @property
    def scale_cycles(self) -> int:
        """Cycles of the multiplication."""
        return product_cycles(self.total_width) if self.scales else 0

    @property
    def latency(self) -> int:
        """Cycles from the sum to its word: multiply, add the constant, saturate, function, wait."""
        function = 0 if self.function is None else function_cycles(self.function)
        return self.scale_cycles + 2 + function + self.wait

    @property
    def arrivals(self) -> tuple[int, ...]:
        """Cycles in which the words are in the registers of the result."""
        turns = self.turns.turns
        return tuple(
            self.first + turn + self.latency + 1
            for turn, entry in enumerate(turns)
            if entry is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScale:
    """What happens to the sum of a row: ``rnd((total + bias) * multiplier * 2**-shift)``."""

    bias: int
    multiplier: int
    shift: int


def result_shape(
    turns: LaneTurns,
    scales: Sequence[RowScale],
    *,
    peak: int,
    fmt: QFormat,
    function: Function | None,
    out_fmt: QFormat,
) -> ResultShape:
    """Return a lane.

    Parameters
    ----------
    turns : LaneTurns
    scales : sequence of RowScale
        Of each word of the result.
    peak, fmt, function, out_fmt
        As in `ResultShape`.
    """
    used = {turn.word: _reduced(scales[turn.word]) for turn in turns.turns if turn is not None}
    shift = max(scale.shift for scale in used.values())
    half = (1 << shift) >> 1
    factors, constants = [], []
    for turn in turns.turns:
        if turn is None:
            factors.append(0)
            constants.append(0)
            continue
        scale = used[turn.word]
        factor = scale.multiplier << (shift - scale.shift)
        factors.append(factor)
        constants.append(scale.bias * factor + half)
    return ResultShape(
        turns=turns,
        factors=tuple(factors),
        constants=tuple(constants),
        shift=shift,
        peak=peak,
        fmt=fmt,
        function=function,
        out_fmt=out_fmt,
    )


def in_step(lanes: Sequence[ResultShape], interval: int) -> tuple[ResultShape, ...]:
    """Return the lanes with words delayed so that a step's last word meets its first one."""
    end = max(max(lane.arrivals) for lane in lanes)
    return tuple(
        replace(lane, wait=max(0, end - (interval - 1) - min(lane.arrivals))) for lane in lanes
    )


def _reduced(scale: RowScale) -> RowScale:
    """Return the same scale with the smallest multiplier."""
    common = gcd(scale.multiplier, 1 << scale.shift) if scale.multiplier else 1
    return RowScale(
        bias=scale.bias,
        multiplier=scale.multiplier // common,
        shift=scale.shift - (common.bit_length() - 1),
    )
