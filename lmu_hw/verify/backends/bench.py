"""Test sequence for compiled models of an emitted design, used by `cxxrtl` and `verilator`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..._support.array_types import Words
from ...errors import ToolError
from ...program.integer_program import Program
from ...rtl.hardware_plan import HardwarePlan
from .compiled_model import FREE, SAID, Fault, Harness, Pattern, Record, Stall, Steps
from .icarus import Divergence

CALL_CYCLES = 400_000
"""Clock cycles between two checks for Ctrl-C: well under a second."""
MIN_CALL_STEPS = 4
"""Least steps of a call; the cycles of all but the last one are measured."""
REST_CYCLES = 100
"""Cycles after the last step in which no word may arrive, in addition to those of a step."""
MEASURED = 2
"""One of this many sequences runs without stalls, and its cycles are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """Result of a comparison.

    Attributes
    ----------
    steps, words, mismatches : int
    cycles_per_step : int or None
        Most cycles of a step with an output, without stalls; None if none was measured.
    cycles : int
        Simulated clock cycles.
    first : Divergence or None
        First mismatch; its step counts from reset.
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
    plan: HardwarePlan,
    sequences: Iterable[Steps],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> BenchResult:
    """Run sequences, alternately without stalls and with stalls of source and sink.

    Between two sequences there is a reset in the middle of a step, and one while the design waits.

    Parameters
    ----------
    library : CDLL
        The harness with a model of the design.
    program, plan : Program, HardwarePlan
        Program and plan of the design.
    sequences : iterable of Steps
    seed : int
        Seed of stalls, resets and, in Verilator, of registers without an initial value.
    advance : callable
        Called with the number of steps done since the last call.

    Returns
    -------
    BenchResult
        Mismatches are a result, not an exception.

    Raises
    ------
    ToolError
        If the design breaks a rule of the streams, or its cycles differ from the plan.
    """
    rng = np.random.default_rng(seed)
    patterns = list(_stalls(plan))
    tally = _Tally()
    start = 0
    with Harness(library, program, plan, seed) as bench:
        for number, sequence in enumerate(sequences):
            if number and sequence.from_reset:
                bench.reset()
                bench.abandon(sequence, int(rng.integers(1, 3 * plan.cycles_per_step)))
                bench.reset()
                # once more when it is ready: the word that a reset offers must not be taken
                bench.rest(plan.cycles_per_step + REST_CYCLES)
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
        bench.rest(plan.cycles_per_step + REST_CYCLES)
        return tally.result(bench.record())


class _Tally:
    """Counts words and mismatches, and records the first mismatch."""

    def __init__(self) -> None:
        self.steps = self.words = self.mismatches = 0
        self.first: Divergence | None = None

    def compare(self, part: Steps, got: Words, start: int, number: int) -> None:
        """Compare the words of a part that starts with step ``start`` of a sequence."""
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
        """Return the result; raise `ToolError` for a broken rule if no word differs."""
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


def _stalls(plan: HardwarePlan) -> Iterator[Pattern]:
    """Yield stall patterns: slow source, slow sink, both at random, bursts of up to two steps."""
    cycles = plan.cycles_per_step

    def sometimes(probability: float) -> Stall:
        return Stall(1, int(probability * (1 << 32)))

    # the words of a step take about the time of two steps
    yield sometimes(1 - plan.n_in / (plan.n_in + cycles) / 2), Stall()
    yield Stall(), sometimes(1 - plan.n_out / (plan.n_out + cycles) / 2)
    yield sometimes(0.5), sometimes(0.5)
    yield Stall(2, 2 * cycles), Stall(2, 2 * cycles)


def _parts(sequence: Steps, plan: HardwarePlan) -> Iterator[Steps]:
    """Yield a sequence in parts of some hundred thousand cycles."""
    size = max(MIN_CALL_STEPS, CALL_CYCLES // plan.cycles_per_step)
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
