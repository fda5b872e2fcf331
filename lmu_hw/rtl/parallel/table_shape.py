"""Formats, widths and registers of an adaptor with coefficients from a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from ...program.fixedpoint import QFormat
from ..adaptor import LOW_BITS
from .coefficient_table import CoefficientTable
from .ring_schedule import SlotKind


class TableStage(IntEnum):
    """A place for registers, between two parts of an adaptor."""

    READ = 0
    """Words and coefficient as they are selected."""
    OPERAND = 1
    """The factor ``b - a``."""
    FACTOR = 2
    """The factor again: these registers can be placed beside a multiplier far from the adders."""
    PRODUCT = 3
    """Partial products."""
    SHIFT = 4
    """Their sum, cut at the binary point."""
    ROUND = 5
    """Rounded sums, not yet saturated."""


def table_stages(pipeline: int, *, limits: bool) -> frozenset[TableStage]:
    """Return the places of the registers before the results, ``pipeline`` - 1 of them.

    Parameters
    ----------
    pipeline : int
        Registers of an adaptor, 2 to 6.
    limits : bool
        Results are saturated, which takes time after rounding.
    """
    by_need = [TableStage.OPERAND, TableStage.SHIFT, TableStage.PRODUCT]
    by_need += [TableStage.ROUND] * limits + [TableStage.FACTOR, TableStage.READ]
    return frozenset(by_need[: pipeline - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class PortWord:
    """A word at a port of an adaptor: its format, and whether it is saturated."""

    fmt: QFormat
    limited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """Formats, widths and registers of an adaptor whose coefficients are in a table.

    Parameters
    ----------
    table : CoefficientTable
    ports : mapping of SlotKind to (PortWord, PortWord)
        The words at both ports, for each kind of slot that there is.
    grid : int
        Fractional bits of the words inside.
    pipeline : int
        Registers, 2 to 6.
    """

    table: CoefficientTable
    ports: Mapping[SlotKind, tuple[PortWord, PortWord]]
    grid: int
    pipeline: int

    @property
    def cuts(self) -> frozenset[TableStage]:
        """Places of the registers before the results."""
        limits = any(word.limited for pair in self.ports.values() for word in pair)
        return table_stages(self.pipeline, limits=limits)

    @property
    def a_width(self) -> int:
        """Width of port a."""
        return self._aligned(0)

    @property
    def b_width(self) -> int:
        """Width of port b."""
        return self._aligned(1)

    def _aligned(self, port: int) -> int:
        words = [pair[port].fmt for pair in self.ports.values()]
        return max(fmt.width + self.grid - fmt.frac_bits for fmt in words)

    def words(self, port: int) -> list[PortWord]:
        """Return the words of a port: a state, and a chain word, if the unit has both."""
        chain_kind = (SlotKind.OUTER, SlotKind.REAL)[port]
        states = [pair[port] for kind, pair in self.ports.items() if kind is not chain_kind]
        chains = [pair[port] for kind, pair in self.ports.items() if kind is chain_kind]
        return states[:1] + chains[:1]

    @property
    def width(self) -> int:
        """Width of the wider port."""
        return max(self.a_width, self.b_width)

    @property
    def base_width(self) -> int:
        """Width of ``2 a - b``."""
        return self.width + 2

    @property
    def product_width(self) -> int:
        """Width of the product."""
        return max(self.width + 1 + self.table.width, self.table.shifts[-1] + 1)

    @property
    def low_bits(self) -> int:
        """Bits of x in the lower of its two products."""
        return LOW_BITS if self.width + 1 > LOW_BITS + 1 else 0

    @property
    def products(self) -> list[tuple[int, int]]:
        """Widths of the factors of each product, the coefficient second."""
        # beside a factor with a sign the coefficient has one too
        high = (self.width + 1 - self.low_bits, self.table.width + 1)
        return [high, (self.low_bits, self.table.width)] if self.low_bits else [high]
