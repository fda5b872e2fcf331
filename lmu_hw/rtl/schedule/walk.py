"""Cycle-by-cycle model of the sequencer."""

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
        Cycle of the step.
    run : RomRun
    turn : int
        Turn of its loop.
    offset : int
        Cycle of the run.
    """

    time: int
    run: RomRun
    turn: int
    offset: int

    def words(self, lanes: int) -> list[int]:
        """Return the indices of the words read; they may lie beyond the vector's end."""
        run = self.run
        turn = self.turn if run.stride is Stride.WORD else 0
        if run.kind in ACROSS:
            row = run.word // lanes + turn + self.offset
            return list(range(row * lanes, (row + 1) * lanes))
        start = run.word + turn
        return [start + (self.offset // 2 if run.dual_group else self.offset)]


def walk(runs: Sequence[RomRun]) -> Iterator[Cycle]:
    """Yield every cycle of the runs, with loops unrolled."""
    for start, run, turn in turns(runs):
        for offset in range(run.cycles):
            yield Cycle(start + offset, run, turn, offset)


def turns(runs: Sequence[RomRun]) -> Iterator[tuple[int, RomRun, int]]:
    """Yield every turn of every run, with loops unrolled: its first cycle, the run, its turn."""
    time = turn = position = 0
    while position < len(runs):
        run = runs[position]
        yield time, run, turn
        time += run.cycles
        turn += 1
        if turn < run.times and run.times > 1:
            position -= run.body - 1
        elif run.times > 1:
            turn, position = 0, position + 1
        else:
            # runs inside a loop use the turn of its last run
            turn, position = turn - 1, position + 1


def length(runs: Sequence[RomRun]) -> int:
    """Return the number of cycles of the runs."""
    total = 0
    for end, run in enumerate(runs):
        total += run.cycles
        if run.times > 1:
            body = sum(r.cycles for r in runs[end - run.body + 1 : end + 1])
            total += (run.times - 1) * body
    return total


def formula(runs: Sequence[RomRun]) -> str:
    """Return the number of cycles of the runs as an expression."""
    terms: list[str] = []
    for run in runs:
        terms.append(str(run.cycles))
        if run.times > 1:
            body = terms[-run.body :]
            inner = f"({' + '.join(body)})" if len(body) > 1 else body[0]
            # from here on the loop counts as one run
            terms[-run.body :] = [f"{run.times} * {inner}"]
    return " + ".join(terms)


@dataclass(frozen=True, slots=True)
class LaneSum:
    """End of a sum: last cycle, number of results, and whether the lanes hold parts of one row."""

    time: int
    results: int
    one_row: bool


def reads(
    runs: Sequence[RomRun], lanes: int, lengths: dict[Key, int]
) -> dict[tuple[Key, int], int]:
    """Return the first cycle in which each word is read."""
    found: dict[tuple[Key, int], int] = {}
    for start, run, turn in turns(runs):
        # a run without a stride reads the same words in all turns
        if run.source is None or (turn and run.stride is not Stride.WORD):
            continue
        for offset in range(run.cycles):
            for word in Cycle(start + offset, run, turn, offset).words(lanes):
                if word < lengths[run.source]:
                    found.setdefault((run.source, word), start + offset)
    return found


def sums_pause(runs: Sequence[RomRun]) -> bool:
    """Return whether a sum has a cycle that adds nothing."""
    summing = False
    for cycle in walk(runs):
        adds = cycle.run.kind in ACCUMULATES
        if summing and not adds:
            return True
        ends = cycle.run.last and cycle.offset == cycle.run.cycles - 1
        # the second group's sum, swapped in, is not complete yet
        summing = (summing or adds or cycle.run.kind is Kind.SECOND) and not ends
    return False


def sums(runs: Sequence[RomRun]) -> list[LaneSum]:
    """Return the sums that the runs end."""
    return [
        LaneSum(start + run.cycles - 1, run.results, run.kind is Kind.COLUMNS)
        for start, run, _ in turns(runs)
        if run.last and run.kind in SUMS and run.cycles
    ]
