"""A compiled model of an emitted design plays steps: what `cxxrtl` and `verilator` share."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..._support.array_types import Words
from ...errors import ToolError
from ...program.integer_program import Program
from ...rtl.schedule import Schedule
from .compiled_model import FREE, SAID, Fault, Harness, Pattern, Record, Stall, Steps
from .icarus import Divergence

CALL_CYCLES = 400_000
"""Clock cycles between two looks at Ctrl-C: well under a second."""
MIN_CALL_STEPS = 4
"""Steps of a call at least: the cycles of all of them but the last are measured."""
REST_CYCLES = 100
"""Cycles, beyond a step, after which no word comes any more."""
MEASURED = 2
"""One sequence of as many plays without stalls: their cycles are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """What became of the words.

    Attributes
    ----------
    steps, words, mismatches : int
    cycles_per_step : int or None
        The most that a step with an output took without stalls; None where none was measured.
    cycles : int
        Simulated.
    first : Divergence or None
        Its step counts from reset.
    """

    steps: int
    words: int
    mismatches: int
    cycles_per_step: int | None
    cycles: int
    first: Divergence | None


def run(
    library: ctypes.CDLL,
    program: Program,
    plan: Schedule,
    sequences: Iterable[Steps],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> BenchResult:
    """Play sequences: every other one without stalls, the others with stalls of either side.

    Between two sequences there is a reset in the middle of a step.

    Parameters
    ----------
    library : CDLL
        The harness with a model of the design.
    program, plan : Program, Schedule
        That the design was made from.
    sequences : iterable of Sequence
    seed : int
        Of stalls, resets and, in Verilator, of what has no initial value.
    advance : callable
        Told of every few steps that are done.

    Returns
    -------
    BenchResult
        A word that differs is a result, not an exception.

    Raises
    ------
    ToolError
        If the design breaks a rule of the streams, or takes other cycles than the schedule says.
    """
    rng = np.random.default_rng(seed)
    patterns = list(_stalls(plan))
    tally = _Tally()
    start = 0
    with Harness(library, program, plan, seed) as bench:
        for number, sequence in enumerate(sequences):
            if number and sequence.from_reset:
                bench.reset()
                bench.abandon(sequence, int(rng.integers(1, 3 * plan.due.cycles)))
                bench.reset()
                start = 0
            stalled = number % MEASURED == MEASURED - 1
            pattern = patterns[number // MEASURED % len(patterns)] if stalled else FREE
            bench.stall(pattern, int(rng.integers(1 << 63)))
            for part in _parts(sequence, plan):
                got = bench.play(part)
                tally.compare(part, got, start, number)
                if len(got) < len(part.outputs):
                    return tally.result(bench.record())
                start += len(part.inputs)
                advance(len(part.inputs))
        bench.rest(plan.due.cycles + REST_CYCLES)
        return tally.result(bench.record())


class _Tally:
    """Counts words and remembers the first that differs."""

    def __init__(self) -> None:
        self.steps = self.words = self.mismatches = 0
        self.first: Divergence | None = None

    def compare(self, part: Steps, got: Words, start: int, number: int) -> None:
        """Compare the words of steps that begin with step ``start`` of a sequence."""
        wrong = np.argwhere(got != part.outputs[: len(got)])
        if len(wrong) and self.first is None:
            row, index = (int(i) for i in wrong[0])
            self.first = Divergence(
                step=start + int(np.flatnonzero(part.due)[row]),
                index=index,
                expected=int(part.outputs[row, index]),
                got=int(got[row, index]),
                stream=number,
            )
        self.steps += len(part.inputs)
        self.words += got.size
        self.mismatches += len(wrong)

    def result(self, record: Record) -> BenchResult:
        """Return what there is to say, unless a rule was broken and no word says more."""
        if self.first is None:
            if record.fault:
                raise ToolError(
                    f"the design broke a rule: {SAID[Fault(record.fault)]}, {record.steps} steps "
                    f"and {record.words} words after a reset"
                )
            if record.wrong_steps:
                raise ToolError(
                    f"step {record.wrong_step} took {record.wrong_cycles} cycles, "
                    f"not {record.wrong_published}"
                )
        return BenchResult(
            steps=self.steps,
            words=self.words,
            mismatches=self.mismatches,
            cycles_per_step=record.most_cycles or None,
            cycles=record.cycles,
            first=self.first,
        )


def _stalls(plan: Schedule) -> Iterator[Pattern]:
    """Yield a slow source, a slow sink, both at random, and bursts of up to two steps."""
    cycles = plan.due.cycles

    def sometimes(probability: float) -> Stall:
        return Stall(1, int(probability * (1 << 32)))

    # a step's words come, or are taken, in about two steps' time
    yield sometimes(1 - plan.n_in / (plan.n_in + cycles) / 2), Stall()
    yield Stall(), sometimes(1 - plan.n_out / (plan.n_out + cycles) / 2)
    yield sometimes(0.5), sometimes(0.5)
    yield Stall(2, 2 * cycles), Stall(2, 2 * cycles)


def _parts(sequence: Steps, plan: Schedule) -> Iterator[Steps]:
    """Yield a sequence in pieces of some hundred thousand cycles."""
    size = max(MIN_CALL_STEPS, CALL_CYCLES // plan.due.cycles)
    row = 0
    for start in range(0, len(sequence.inputs), size):
        due = sequence.due[start : start + size]
        end = row + int(np.count_nonzero(due))
        yield Steps(
            inputs=sequence.inputs[start : start + size],
            due=due,
            outputs=sequence.outputs[row:end],
            from_reset=sequence.from_reset and start == 0,
        )
        row = end
