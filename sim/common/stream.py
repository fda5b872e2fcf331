"""Drivers and monitors for ready/valid streams, and stall patterns."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, ValueChange

Stalls = Callable[[], bool]
"""Called once per cycle; returns whether to stall."""


def never() -> bool:
    """Return False: never stall."""
    return False


def sometimes(rng: random.Random, probability: float) -> Stalls:
    """Return a pattern that stalls at random, with a probability in each cycle."""
    return lambda: rng.random() < probability


def bursts(rng: random.Random, longest: int) -> Stalls:
    """Return a pattern of runs with and without stalls, each of random length."""

    def pattern() -> Iterator[bool]:
        while True:
            yield from [False] * rng.randint(1, longest)
            yield from [True] * rng.randint(1, longest)

    return pattern().__next__


class Source:
    """Drives words in order; a valid word is held until it is accepted.

    Signals change at the falling edge, half a cycle before the rising edge that samples them.

    Parameters
    ----------
    clock, payload, valid, ready : cocotb handles
    words : sequence of int
    stalls : callable
    on_word : callable
        Called at the clock edge of every transfer.
    last : cocotb handle, optional
        Signal driven with the payload.
    marks : sequence of int
        Values of ``last``, one for each word.
    """

    def __init__(
        self,
        clock: Any,
        payload: Any,
        valid: Any,
        ready: Any,
        words: Sequence[int],
        stalls: Stalls,
        on_word: Callable[[], None] = lambda: None,
        last: Any = None,
        marks: Sequence[int] = (),
    ) -> None:
        self.clock, self.payload, self.valid, self.ready = clock, payload, valid, ready
        self.words, self.marks, self.last = deque(words), deque(marks), last
        self.stalls, self.on_word = stalls, on_word

    async def run(self) -> None:
        """Drive until every word has been accepted."""
        mask = (1 << len(self.payload)) - 1
        while self.words:
            await FallingEdge(self.clock)
            while self.stalls():
                self.valid.value = 0
                await FallingEdge(self.clock)
            self.payload.value = self.words[0] & mask
            if self.last is not None:
                self.last.value = self.marks[0]
            self.valid.value = 1
            while True:
                if self.ready.value != 1:
                    # skip the cycles in which nothing can happen
                    await RisingEdge(self.ready)
                await RisingEdge(self.clock)
                if self.ready.value == 1:
                    break
            self.words.popleft()
            if self.last is not None:
                self.marks.popleft()
            self.on_word()
        await FallingEdge(self.clock)
        self.valid.value = 0


class Sink:
    """Accepts words, calls ``on_word`` for each, and checks the rules of the stream.

    Parameters
    ----------
    clock, payload, last, valid, ready : cocotb handles
    on_word : callable
        Called at the clock edge of every transfer.
    stalls : callable
    late : bool
        Whether ``ready`` follows ``valid`` by a cycle, which blocks a design whose ``valid`` waits
        for ``ready``.
    """

    def __init__(
        self,
        clock: Any,
        payload: Any,
        last: Any,
        valid: Any,
        ready: Any,
        on_word: Callable[[], None],
        stalls: Stalls,
        late: bool = False,
    ) -> None:
        self.clock, self.payload, self.last = clock, payload, last
        self.valid, self.ready = valid, ready
        self.on_word, self.stalls, self.late = on_word, stalls, late

    async def run(self) -> None:
        """Accept words for ever."""
        held = None
        while True:
            if self.stalls is never and self.valid.value != 1:
                self.ready.value = int(not self.late)
                await RisingEdge(self.valid)
            await FallingEdge(self.clock)
            ready = not self.stalls() and (held is not None or not self.late)
            self.ready.value = int(ready)
            await RisingEdge(self.clock)
            valid = self.valid.value == 1
            word = (self.payload.value, self.last.value)
            if held is not None and not (valid and word == held):
                raise AssertionError(f"{self.payload._name} changed while it was stalled")
            held = word if valid and not ready else None
            if valid and ready:
                self.on_word()


def no_x(*signals: Any, but_when: Any = None) -> None:
    """Fail if any signal has a bit other than 0 or 1 from now on.

    Values are not checked while ``but_when`` is 1.
    """

    async def watch(signal: Any) -> None:
        while True:
            await ReadOnly()  # other signals change in the same instant
            excused = but_when is not None and but_when.value == 1
            if not excused and not signal.value.is_resolvable:
                raise AssertionError(f"{signal._name} is {signal.value}: X or Z on an output")
            await ValueChange(signal)

    for signal in signals:
        cocotb.start_soon(watch(signal))
