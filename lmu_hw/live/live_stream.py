"""`LiveStream`: recordings run through a design step by step, with what a page draws."""

from __future__ import annotations

import time

import numpy as np

from .._support.array_types import Array, Words
from ..firmware.bulk import BulkEngine
from ..memory.legendre import decoder
from ..memory.spec import LMUSpec, OutputKind
from ..program.integer_program import Role
from ..program.interpreter import Interpreter
from .float_reference import MemoryReference
from .live_design import LiveDesign
from .live_frame import LiveFrame, LiveHistory, LiveWindow
from .live_input import LiveInput

PIECE = 32
"""Steps that run without a look at the clock."""
BUDGET = 0.15
"""Longest time that a call of `LiveStream.advance` takes, or one piece [s]."""
DIGITS = 6
"""Decimals of what is drawn."""
QUIET = 1e-6
"""RMS of a window that counts as silent."""


class LiveStream:
    """Runs recordings, each from reset, one after the other and then again.

    Parameters
    ----------
    design : LiveDesign
    live_input : LiveInput
    """

    def __init__(self, design: LiveDesign, live_input: LiveInput) -> None:
        self._design, self._input = design, live_input
        spec = design.spec
        self._rows: Array | None = None
        if spec is not None:
            fractions = np.linspace(0, 1, len(design.ages))
            self._rows = decoder(spec.order, fractions)
        self._recording = 0
        self.restart()

    def restart(self) -> None:
        """Go back to the start of the recording, from reset."""
        design = self._design
        self._step = 0
        self._machine: BulkEngine | Interpreter = design.machine()
        self._reference = design.reference()
        n_out = len(design.word_lsb)
        self._latest: Words | None = None
        self._latest_float = np.full(n_out, np.nan)
        # the last steps: output words as real values, floats, RMS and largest error
        self._past_outputs = np.zeros((0, n_out))
        self._past_floats = np.zeros((0, n_out))
        self._past_errors = np.zeros((0, 2))
        self._squares, self._n_errors, self._worst = 0.0, 0, 0.0

    def advance(self, n_steps: int) -> None:
        """Run up to ``n_steps`` steps: less at the end of a recording, or if they take long.

        After the end of a recording, start the next one from reset.
        """
        if self._step == len(self._input.recordings[self._recording]):
            self._recording = (self._recording + 1) % len(self._input.recordings)
            self.restart()
        end = min(self._step + n_steps, len(self._input.recordings[self._recording]))
        latest = time.monotonic() + BUDGET
        self._run(min(PIECE, end - self._step))
        while self._step < end and time.monotonic() < latest:
            self._run(min(PIECE, end - self._step))

    def _run(self, n_steps: int) -> None:
        """Run some steps of the recording."""
        piece = slice(self._step, self._step + n_steps)
        words = self._input.recordings[self._recording][piece]
        real = self._input.values[self._recording][piece]
        self._step += n_steps
        on_demand = self._design.program.output_every == 0
        # asked at every step, a classifier says what it thinks so far
        due = np.ones(n_steps, dtype=np.bool_) if on_demand else self._due(n_steps)
        outputs = self._machine.run(words[:, None], due=due if on_demand else None)[:, 0]
        floats = None if self._reference is None else self._reference.run(real)
        self._note(outputs, due, floats)

    def _due(self, n_steps: int) -> np.ndarray:
        if self._design.program.output_every == 1:
            return np.ones(n_steps, dtype=np.bool_)
        every = self._design.program.output_every
        steps = np.arange(self._step - n_steps + 1, self._step + 1)
        return np.asarray(steps % every == 0)

    def _note(self, outputs: Words, due: np.ndarray, floats: Array | None) -> None:
        """Keep what charts over time show."""
        lsb, n_steps = self._design.word_lsb, len(due)
        real = np.full((n_steps, len(lsb)), np.nan)
        real[due] = outputs * np.where(lsb > 0, lsb, 1.0)
        beside = np.full((n_steps, len(lsb)), np.nan)
        if floats is not None:
            beside[:, lsb > 0] = floats
        errors = np.full((n_steps, 2), np.nan)
        if floats is not None and due.any():
            off = (real[due][:, lsb > 0] - beside[due][:, lsb > 0]) / lsb[lsb > 0]
            errors[due] = np.stack(
                [np.sqrt(np.mean(off**2, axis=1)), np.max(np.abs(off), axis=1)], axis=1
            )
            self._squares += float(np.sum(off**2))
            self._n_errors += off.size
            self._worst = max(self._worst, float(np.max(np.abs(off))))
        if due.any():
            self._latest, self._latest_float = outputs[-1], beside[due][-1]
        keep = self._design.history
        self._past_outputs = np.concatenate([self._past_outputs, real])[-keep:]
        self._past_floats = np.concatenate([self._past_floats, beside])[-keep:]
        self._past_errors = np.concatenate([self._past_errors, errors])[-keep:]

    def frame(self, output: int = 0, channel: int = 0) -> LiveFrame:
        """Return the design after the last step.

        Parameters
        ----------
        output : int
            Output word of the chart over time, from 0.
        channel : int
            Channel of the window and the input, from 0.
        """
        recording = self._input.recordings[self._recording]
        n_out = len(self._design.word_lsb)
        latest = np.zeros(n_out, dtype=np.int64) if self._latest is None else self._latest
        known = self._reference is not None and not np.all(np.isnan(self._latest_float))
        measured = self._n_errors > 0
        return LiveFrame(
            recording=self._recording,
            step=self._step,
            ended=self._step == len(recording),
            input_words=tuple(recording[max(0, self._step - 1)].tolist()),
            states=self._split(self._machine.save()[0], Role.STATE),
            outputs=self._split(latest, Role.OUTPUT),
            floats=_numbers(self._latest_float) if known else (),
            due=self._latest is not None,
            rms_error=(self._squares / self._n_errors) ** 0.5 if measured else None,
            worst_error=self._worst if measured else None,
            window=self._window(channel),
            history=self._history(output, channel),
        )

    def _split(self, words: Words, role: Role) -> tuple[tuple[int, ...], ...]:
        vectors = self._design.program.with_role(role)
        ends = np.cumsum([v.length for v in vectors])
        return tuple(tuple(part.tolist()) for part in np.split(words, ends[:-1]))

    def _history(self, output: int, channel: int) -> LiveHistory:
        n = len(self._past_errors)
        values = self._input.values[self._recording][self._step - n : self._step]
        return LiveHistory(
            input=tuple(values[:, channel].round(DIGITS).tolist()),
            output=_numbers(self._past_outputs[:, output]),
            output_float=_numbers(self._past_floats[:, output]),
            rms=_numbers(self._past_errors[:, 0]),
            worst=_numbers(self._past_errors[:, 1]),
        )

    def _window(self, channel: int) -> LiveWindow | None:
        spec = self._design.spec
        if spec is None or self._rows is None or not isinstance(self._reference, MemoryReference):
            return None
        signal = self._input.values[self._recording][:, channel]
        floats = self._rows @ self._reference.m[channel]
        words = self._decoded(spec, channel)
        return LiveWindow(
            true=_rounded(self._sampled(signal, self._design.past)),
            words=_rounded(words),
            floats=_rounded(floats),
            words_error=self._off(signal, words, self._design.word_ages),
            floats_error=self._off(signal, floats, self._design.ages),
        )

    def _decoded(self, spec: LMUSpec, channel: int) -> Array:
        """Return the window that output words give, at `LiveDesign.word_ages`."""
        if self._rows is None or not len(self._design.word_ages):
            return np.zeros(0)
        taps = spec.output is OutputKind.TAPS
        each = len(spec.taps) if taps else spec.order
        if self._latest is None:
            return np.zeros(len(self._design.word_ages))
        words = self._latest[each * channel : each * (channel + 1)] * self._design.word_lsb[0]
        return words if taps else np.asarray(self._rows @ words)

    def _sampled(self, signal: Array, ages: Array) -> Array:
        """Return the recording some samples before now, in between by lines; 0 before its start."""
        at = self._step - 1 - np.asarray(ages, dtype=np.float64)
        start = max(0, int(np.floor(at.min())) if at.size else 0)
        part = signal[start : self._step + 1]
        return np.interp(at, np.arange(start, start + len(part)), part, left=0.0)

    def _off(self, signal: Array, decoded: Array, ages: Array) -> float | None:
        # what is not past yet is not known
        past = ages >= 0
        true = self._sampled(signal, ages[past])
        power = float(np.mean(true**2)) if true.size else 0.0
        if power < QUIET**2:
            return None
        return round(float(np.sqrt(np.mean((decoded[past] - true) ** 2) / power)), DIGITS)


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=np.float64).round(DIGITS).tolist())


def _numbers(values: Array) -> tuple[float | None, ...]:
    """Return values, None in place of those that are not known."""
    return tuple(None if x != x else x for x in values.round(DIGITS).tolist())
