"""A job of a schedule in time: when each unit works on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnitBusy:
    """Cycles in which the chain or the ladder works for a job.

    Parameters
    ----------
    ladder : bool
        The unit is the ladder, not the chain.
    start, cycles : int
        First cycle, and number of cycles until it can start again.
    feed : int
        Index of the first feed into the schedule's feeds.
    """

    ladder: bool
    start: int
    cycles: int
    feed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedJob:
    """A job with its start, and the cycles of its events.

    Cycles count from the one after the last input word, as in `Phase`.

    Parameters
    ----------
    name : str
    op : int or None
        Index of the operation; None for a job that only sends words.
    start, length : int
        Cycle in which the control ROM issues its first run, and number of cycles of all its runs.
    job : int or None
        Index into the schedule's jobs; None for a job that only moves words.
    loads : tuple of (int, int)
        Cycles in which the result serializer loads sums, each with the number of results.
    results : tuple of int
        Cycles in which the result serializer outputs a result.
    writes : tuple of int
        Cycles in which words of the lanes' memory are written.
    streamed : tuple of int
        Cycles in which words go to the output FIFO.
    unit : UnitBusy or None
        The chain or the ladder, if the job starts it.
    """

    name: str
    op: int | None
    start: int
    length: int
    job: int | None
    loads: tuple[tuple[int, int], ...] = ()
    results: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    streamed: tuple[int, ...] = ()
    unit: UnitBusy | None = None
