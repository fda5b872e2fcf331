"""Which lane rounds which sum, and when."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSum:
    """A sum of a step: from which source, for which word of the result, and when it is there.

    Parameters
    ----------
    source : int
        Number of the source, which has one sum after the other.
    word : int
        Index of the result in its vector.
    release, deadline : int
        First and last cycle in which the source shows the sum.
    """

    source: int
    word: int
    release: int
    deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTurns:
    """The sums that a lane takes in a step, one at most in a cycle.

    Parameters
    ----------
    start : int
        Cycle of turn 0, counted from the transfer of the inputs.
    turns : tuple of ExpectedSum or None
        The sum of each turn.
    """

    start: int
    turns: tuple[ExpectedSum | None, ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """The sources that the lane takes sums from, ascending."""
        return tuple(sorted({turn.source for turn in self.turns if turn is not None}))


def lane_turns(sums: Sequence[ExpectedSum], interval: int) -> LaneTurns | None:
    """Return when a lane takes the sums, the one with the earliest deadline first.

    Returns
    -------
    LaneTurns or None
        None if one lane is too few, at a step every ``interval`` cycles.
    """
    waiting: list[tuple[int, int, ExpectedSum]] = []
    left = sorted(sums, key=lambda s: (s.release, s.deadline, s.word))
    start = cycle = left[0].release
    turns: list[ExpectedSum | None] = []
    while left or waiting:
        while left and left[0].release <= cycle:
            entry = left.pop(0)
            heapq.heappush(waiting, (entry.deadline, entry.word, entry))
        chosen = heapq.heappop(waiting)[2] if waiting else None
        if len(turns) == interval or (chosen is not None and chosen.deadline < cycle):
            return None
        turns.append(chosen)
        cycle += 1
    return LaneTurns(start=start, turns=tuple(turns))


def lanes_of(sources: Sequence[Sequence[ExpectedSum]], interval: int) -> tuple[LaneTurns, ...]:
    """Return the turns of as few lanes as are found, each with all sums of its sources."""
    shared: list[list[ExpectedSum]] = []
    for sums in sorted(sources, key=len, reverse=True):
        for lane in shared:
            if lane_turns([*lane, *sums], interval) is not None:
                lane += sums
                break
        else:
            shared.append(list(sums))
    found = [lane_turns(lane, interval) for lane in shared]
    assert None not in found
    return tuple(turns for turns in found if turns is not None)
