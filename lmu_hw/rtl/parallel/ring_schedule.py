"""Slots of the adaptors of a cascade whose neighbouring sections share multipliers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import gcd


class SlotKind(Enum):
    """Adaptor of a slot."""

    IDLE = "idle"
    OUTER = "outer"
    """The first one of two, between the chain word and the outer state."""
    INNER = "inner"
    """The second one, between the inner state and the result of the first."""
    REAL = "real"
    """The only one of its section, between the inner state and the chain word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What a unit does in one slot of its turn.

    Parameters
    ----------
    kind : SlotKind
    section : int
        Index of the section; -1 if idle.
    """

    kind: SlotKind = SlotKind.IDLE
    section: int = -1


@dataclass(frozen=True, kw_only=True)
class RingSchedule:
    """When and where each adaptor of a cascade works, with a turn of ``interval`` slots.

    A unit is one adaptor of L registers. Each section has two slots of the turn, half a turn apart:
    its first adaptor takes the one, its second adaptor the other. So the states of a section are
    back in time for its next step if half a turn, H, is at least L.

    Section k starts k L + floor(k / (c U)) cycles after the first one, where c = H / gcd(H, L): at
    once after the section before it, except for one cycle of wait after every c U sections. Runs of
    c neighbouring sections go to the U units in turn.

    No two sections share a slot. Let section k be number j of the run of its unit in round r, where
    c U sections are a round. As c L is a multiple of H, k starts j L + r cycles after a multiple
    of H. For j = 0 .. c - 1 the terms j L are different multiples of gcd(H, L) modulo H, and r is
    smaller than gcd(H, L), because a unit has no more than H sections. So no two sections of a unit
    start at the same place of half a turn.

    Parameters
    ----------
    adaptors : tuple of int
        Adaptors of each section, 1 or 2.
    per_unit : int
        Most sections of a unit, K.
    pipeline : int
        Registers of an adaptor, L.
    """

    adaptors: tuple[int, ...]
    per_unit: int
    pipeline: int

    @property
    def n_units(self) -> int:
        """Units, U."""
        return -(-len(self.adaptors) // self.per_unit)

    @cached_property
    def half(self) -> int:
        """Half a turn [cycles], H: as many as the sections of a unit, but no fewer than L."""
        return max(-(-len(self.adaptors) // self.n_units), self.pipeline)

    @property
    def interval(self) -> int:
        """A turn [cycles]: from a step to the next one."""
        return 2 * self.half

    @cached_property
    def run(self) -> int:
        """Neighbouring sections in a unit, c."""
        return self.half // gcd(self.half, self.pipeline)

    @property
    def round(self) -> int:
        """Sections until a wait."""
        return self.run * self.n_units

    def unit(self, section: int) -> int:
        """Return the unit of a section."""
        return section // self.run % self.n_units

    def start(self, section: int) -> int:
        """Return the cycles from the start of a step to its first adaptor in a section."""
        return section * self.pipeline + section // self.round

    def end(self, section: int) -> int:
        """Return the cycles from the start of a step to the last result of a section."""
        wait = self.half if self.adaptors[section] == 2 else 0
        return self.start(section) + wait + self.pipeline

    def hands_over(self, section: int) -> bool:
        """Return whether the chain word of a section comes from the section's own unit at once."""
        return section % self.run != 0

    @cached_property
    def slots(self) -> tuple[tuple[Slot, ...], ...]:
        """Slots of a turn of each unit; slot 0 is that of the first section's start."""
        found = [[Slot()] * self.interval for _ in range(self.n_units)]
        for section, adaptors in enumerate(self.adaptors):
            unit, start = found[self.unit(section)], self.start(section)
            kinds = (SlotKind.REAL,) if adaptors == 1 else (SlotKind.OUTER, SlotKind.INNER)
            for number, kind in enumerate(kinds):
                place = (start + number * self.half) % self.interval
                assert unit[place].kind is SlotKind.IDLE, "two adaptors in a slot"
                unit[place] = Slot(kind=kind, section=section)
        return tuple(map(tuple, found))

    def sections(self, unit: int) -> tuple[int, ...]:
        """Return the sections of a unit, in order."""
        return tuple(k for k in range(len(self.adaptors)) if self.unit(k) == unit)
