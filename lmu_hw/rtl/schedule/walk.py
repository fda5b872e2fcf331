"""What the sequencer does with a listing, cycle by cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .plan import ACCUMULATES, ACROSS, SUMS, Key, Kind, RomRun, Stride


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle of a run.

    Parameters
    ----------
    time : int
    run : RomRun
    turn : int
        Of its loop.
    offset : int
        Cycle within the run.
    """

    time: int
    run: RomRun
    turn: int
    offset: int

    def words(self, lanes: int) -> list[int]:
        """Return the words that are read, without those of other vectors."""
        run = self.run
        turn = self.turn if run.stride is Stride.WORD else 0
        if run.kind in ACROSS:
            row = run.word // lanes + turn + self.offset
            return list(range(row * lanes, (row + 1) * lanes))
        start = run.word + turn
        return [start + (self.offset // 2 if run.twofold else self.offset)]


def walk(runs: Sequence[RomRun]) -> Iterator[Cycle]:
    """Yield every cycle of some runs, loops unrolled."""
    time = turn = position = 0
    while position < len(runs):
        run = runs[position]
        for offset in range(run.cycles):
            yield Cycle(time, run, turn, offset)
            time += 1
        turn += 1
        if turn < run.times and run.times > 1:
            position -= run.body - 1
        elif run.times > 1:
            turn, position = 0, position + 1
        else:
            # inside a loop the turn is that of its last run
            turn, position = turn - 1, position + 1


def length(runs: Sequence[RomRun]) -> int:
    """Return the cycles of some runs."""
    total = 0
    for end, run in enumerate(runs):
        total += run.cycles
        if run.times > 1:
            body = sum(r.cycles for r in runs[end - run.body + 1 : end + 1])
            total += (run.times - 1) * body
    return total


def formula(runs: Sequence[RomRun]) -> str:
    """Return the cycles of some runs as an expression."""
    terms: list[str] = []
    for run in runs:
        terms.append(str(run.cycles))
        if run.times > 1:
            body = terms[-run.body :]
            inner = f"({' + '.join(body)})" if len(body) > 1 else body[0]
            # a loop counts as one run from here on
            terms[-run.body :] = [f"{run.times} * {inner}"]
    return " + ".join(terms)


@dataclass(frozen=True, slots=True)
class LaneSum:
    """The end of a sum: its last cycle, how many lanes hold one, whether all hold parts of it."""

    time: int
    results: int
    one_row: bool


def reads(
    runs: Sequence[RomRun], lanes: int, lengths: dict[Key, int]
) -> dict[tuple[Key, int], int]:
    """Return the first cycle in which each word is read."""
    found: dict[tuple[Key, int], int] = {}
    for cycle in walk(runs):
        source = cycle.run.source
        if source is not None:
            for word in cycle.words(lanes):
                if word < lengths[source]:
                    found.setdefault((source, word), cycle.time)
    return found


def sums_pause(runs: Sequence[RomRun]) -> bool:
    """Return whether in some cycle within a sum nothing is added to it."""
    summing = False
    for cycle in walk(runs):
        adds = cycle.run.kind in ACCUMULATES
        if summing and not adds:
            return True
        ends = cycle.run.last and cycle.offset == cycle.run.cycles - 1
        # a second sum that takes the first's place is not yet complete
        summing = (summing or adds or cycle.run.kind is Kind.SECOND) and not ends
    return False


def sums(runs: Sequence[RomRun]) -> list[LaneSum]:
    """Return every sum that some runs end."""
    return [
        LaneSum(c.time, c.run.results, c.run.kind is Kind.COLUMNS)
        for c in walk(runs)
        if c.run.last and c.run.kind in SUMS and c.offset == c.run.cycles - 1
    ]
