"""Choose formats of recurrent signals: integer bits cover the worst case, so no overflow occurs.

The worst case of a signal is the l1 norm of its impulse response plus the largest sum of rounding
errors. Each rounding counts as one full LSB: rounding errs by half an LSB, truncation by up to one,
and a zero-input run may begin and end at any time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._support.array_types import Array
from ..errors import SpecError
from ..program.fixedpoint import QFormat
from .bounds import noise_size
from .rounded_memory import MemorySignal, RoundedMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The worst case of a signal for inputs |u| <= 1, roundoff included, and its format."""

    signal: str
    peak: float
    fmt: QFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class PeakModel:
    """Worst case of the signals of one format, as a function of the LSBs.

    Attributes
    ----------
    fmt_name : str
    input_peak : float array, shape (n,)
        l1 norms of the impulse responses.
    error_sums : dict of str to float array
        For each format, the largest sum of errors from roundings to it [LSB of that format].
    """

    fmt_name: str
    input_peak: Array
    error_sums: dict[str, Array]

    def peaks(self, lsb: Mapping[str, float]) -> Array:
        """Return the worst case of each signal, given the LSB of each format."""
        rounding = sum((lsb[name] * e for name, e in self.error_sums.items()), np.zeros(1))
        return np.asarray(self.input_peak + rounding)


def peak_models(memory: RoundedMemory, signals: Sequence[MemorySignal]) -> tuple[PeakModel, ...]:
    """Return the peak model of each signal group, with fast upper bounds as error sums."""
    recurrence, rows = memory.recurrence, np.vstack([s.rows for s in signals])
    direct = np.concatenate([s.direct for s in signals])
    peaks = recurrence.peaks(rows, direct)
    decay = recurrence.decay_sums(rows)
    noises = _noise_by_format(memory)
    sizes = {name: noise_size(noise) for name, noise in noises.items()}
    cut = np.cumsum([len(s.rows) for s in signals])[:-1]
    parts = zip(*(np.split(x, cut) for x in (peaks, decay)), strict=True)
    return tuple(
        PeakModel(
            fmt_name=signal.fmt_name,
            input_peak=peak,
            error_sums={
                name: size * d + _same_step(signal, name, noises[name])
                for name, size in sizes.items()
            },
        )
        for signal, (peak, d) in zip(signals, parts, strict=True)
    )


def tighten(
    memory: RoundedMemory, signals: Sequence[MemorySignal], models: Sequence[PeakModel]
) -> tuple[PeakModel, ...]:
    """Return the peak models with error sums computed term by term, which are tight."""
    noises = _noise_by_format(memory)
    rows, noise = np.vstack([s.rows for s in signals]), np.hstack(list(noises.values()))
    table = memory.recurrence.error_sums(rows, noise)
    at_rows = np.cumsum([len(s.rows) for s in signals])[:-1]
    at_kinds = np.cumsum([n.shape[1] for n in noises.values()])[:-1]
    out = []
    for signal, model, part in zip(signals, models, np.split(table, at_rows), strict=True):
        kinds = zip(noises.items(), np.split(part, at_kinds, axis=1), strict=True)
        sums = {name: e.sum(axis=1) + _same_step(signal, name, n) for (name, n), e in kinds}
        out.append(replace(model, error_sums=sums))
    return tuple(out)


def _noise_by_format(memory: RoundedMemory) -> dict[str, Array]:
    """Return the effect on z of one-LSB errors from roundings to each format."""
    names = sorted({s.fmt_name for s in memory.signals})
    noises = {n: memory.worst_noise({other: float(other == n) for other in names}) for n in names}
    return {name: noise[:, noise.any(axis=0)] for name, noise in noises.items()}


def _same_step(signal: MemorySignal, name: str, noise: Array) -> float | Array:
    """Return the bound on errors that roundings within a step add to each row of a signal [LSB].

    In a chain, each preceding rounding of w contributes with a gain of at most 1 to w and, because
    f = (2 - e) w - ..., of at most 2 to f; the rounding of the signal itself adds one LSB.
    """
    if signal.same_step is not None:
        return signal.same_step[name]
    if not signal.direct.any():
        return 0.0
    own = 1.0 if name == signal.fmt_name else 0.0
    return own + (2.0 * noise.shape[1] if name == "chain" else 0.0)


def choose_formats(models: tuple[PeakModel, ...], state_bits: int) -> tuple[Bound, ...]:
    """Return format and worst case of every recurrent signal at width ``state_bits``.

    Raises
    ------
    SpecError
        If the worst case, rounding errors included, does not fit the width.
    """
    peaks: dict[str, float] = {}
    for model in models:
        peak = float(np.max(model.input_peak))
        peaks[model.fmt_name] = max(peaks.get(model.fmt_name, 0.0), peak)
    # more integer bits give coarser LSBs and larger errors: iterate to a fixed point
    while True:
        formats = {name: fit(peak, state_bits) for name, peak in peaks.items()}
        lsb = {name: fmt.lsb for name, fmt in formats.items()}
        for model in models:
            peak = float(np.max(model.peaks(lsb)))
            peaks[model.fmt_name] = max(peaks[model.fmt_name], peak)
        if all(fit(peaks[name], state_bits) == fmt for name, fmt in formats.items()):
            return tuple(Bound(signal=n, peak=peaks[n], fmt=fmt) for n, fmt in formats.items())


def fit(peak: float, width: int) -> QFormat:
    """Return the signed format of ``width`` bits with the finest LSB that holds +-``peak``.

    Raises
    ------
    SpecError
        If the integer bits alone exceed ``width``.
    """
    int_bits = max(1, math.frexp(peak)[1])
    while peak > 2.0 ** (int_bits - 1) - 2.0 ** (int_bits - width):
        int_bits += 1
        if int_bits > width:
            raise SpecError(
                f"{width} bits cannot hold a signal that reaches {peak:.4g}: "
                f"use {math.ceil(math.log2(peak + 1)) + 1} or more"
            )
    return QFormat(int_bits, width - int_bits)
