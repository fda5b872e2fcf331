"""Spans of cycles in which the units of a design work, and a step as all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

INPUT, CONTROL, NEURONS, CHAIN, LADDER = "input", "control", "neurons", "chain", "ladder"
LANES, ARGMAX, SERIALIZER = "lanes", "argmax", "result serializer"
REQUANTIZER, FUNCTION, WRITES, OUTPUT = "requantizer", "function", "memory writes", "output"
"""Names of the units, along the data flow."""


class WorkKind(Enum):
    """What a unit works on."""

    MEMORY = "memory update"
    MATRIX = "matrix rows"
    ELEMENTS = "element by element"
    MOVE = "words in and out"
    WAIT = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Cycles in which a unit works on one thing.

    Attributes
    ----------
    start, end : int
        First cycle, and the one after the last.
    kind : WorkKind
    label : str
    group : str
        What spans have in common that are joined; empty: their label.
    level : float
        Share of the unit that works, 0 to 1: active lanes of all lanes.
    """

    start: int
    end: int
    kind: WorkKind
    label: str = ""
    group: str = ""
    level: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The work of one unit.

    Attributes
    ----------
    unit : str
    spans : tuple of Span
        In order of time.
    pulses : bool
        Each cycle is an event of its own, such as the write of a word.
    """

    unit: str
    spans: tuple[Span, ...]
    pulses: bool = False

    @property
    def busy(self) -> int:
        """Cycles in which the unit works; those of waits do not count."""
        cycles = {c for s in self.spans if s.kind is not WorkKind.WAIT for c in _cycles(s)}
        return len(cycles)

    @property
    def work(self) -> float:
        """Cycles times the share of the unit that works."""
        spans = (s for s in self.spans if s.kind is not WorkKind.WAIT)
        return sum(s.level * (s.end - s.start) for s in spans)


def _cycles(span: Span) -> range:
    return range(span.start, span.end)


@dataclass(frozen=True, kw_only=True)
class StepTimeline:
    """The work of all units in one step.

    Attributes
    ----------
    n_in : int
        Input words, which are taken before cycle 0.
    cycles : int
        Cycles from step to step, input included.
    latency : int
        Cycles from the transfer of the last input word to that of the last output word; 0 for a
        step without an output.
    tracks : tuple of Track
        Along the data flow.
    """

    n_in: int
    cycles: int
    latency: int
    tracks: tuple[Track, ...]

    @property
    def next_step(self) -> int:
        """Cycle in which the next step can take its first input word."""
        return self.cycles - self.n_in

    @property
    def end(self) -> int:
        """The cycle after the last one in which a unit works, or the start of the next step."""
        return max(self.next_step, *(s.end for t in self.tracks for s in t.spans))

    @cached_property
    def busiest(self) -> Track:
        """The unit that works in the most cycles."""
        return max((t for t in self.tracks if t.unit != CONTROL), key=lambda t: t.busy)

    def track(self, unit: str) -> Track:
        """Return the track of a unit."""
        return next(t for t in self.tracks if t.unit == unit)

    def share(self, track: Track) -> float:
        """Return the share of the step's cycles in which a unit works, at most 1."""
        return min(1.0, track.busy / self.cycles)
