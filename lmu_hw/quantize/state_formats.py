"""Word formats of recurrent signals: integer bits from worst cases, so that nothing can overflow.

A signal's worst case is the l1 norm of its impulse response plus what rounding errors can add up
to, every rounding erring by a whole LSB: rounding errs by half of one, truncation by up to one, and
a silence may come and go at any time.
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
    """The most a signal can reach for inputs |u| <= 1, rounding included, and its format."""

    signal: str
    peak: float
    fmt: QFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class Reach:
    """How far the signals of one format go, per unit of input and per unit of rounding error.

    Attributes
    ----------
    fmt_name : str
    input_peak : float array, shape (n,)
        l1 norms of the impulse responses.
    error_sums : dict of str to float array
        Format name -> what roundings to it can add up to, LSB 1.
    """

    fmt_name: str
    input_peak: Array
    error_sums: dict[str, Array]

    def peaks(self, lsb: Mapping[str, float]) -> Array:
        """Return the worst cases for the LSB of each format."""
        rounding = sum((lsb[name] * e for name, e in self.error_sums.items()), np.zeros(1))
        return np.asarray(self.input_peak + rounding)


def reaches_of(memory: RoundedMemory, signals: Sequence[MemorySignal]) -> tuple[Reach, ...]:
    """Return the reach of groups of signals, their error sums as quick upper bounds."""
    recurrence, rows = memory.recurrence, np.vstack([s.rows for s in signals])
    direct = np.concatenate([s.direct for s in signals])
    peaks = recurrence.peaks(rows, direct)
    decay = recurrence.decay_sums(rows)
    noises = _noise_by_format(memory)
    sizes = {name: noise_size(noise) for name, noise in noises.items()}
    cut = np.cumsum([len(s.rows) for s in signals])[:-1]
    parts = zip(*(np.split(x, cut) for x in (peaks, decay)), strict=True)
    return tuple(
        Reach(
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
    memory: RoundedMemory, signals: Sequence[MemorySignal], reaches: Sequence[Reach]
) -> tuple[Reach, ...]:
    """Return reaches with error sums taken term by term."""
    noises = _noise_by_format(memory)
    rows, noise = np.vstack([s.rows for s in signals]), np.hstack(list(noises.values()))
    table = memory.recurrence.error_sums(rows, noise)
    at_rows = np.cumsum([len(s.rows) for s in signals])[:-1]
    at_kinds = np.cumsum([n.shape[1] for n in noises.values()])[:-1]
    out = []
    for signal, reach, part in zip(signals, reaches, np.split(table, at_rows), strict=True):
        kinds = zip(noises.items(), np.split(part, at_kinds, axis=1), strict=True)
        sums = {name: e.sum(axis=1) + _same_step(signal, name, n) for (name, n), e in kinds}
        out.append(replace(reach, error_sums=sums))
    return tuple(out)


def _noise_by_format(memory: RoundedMemory) -> dict[str, Array]:
    """Return how roundings to each format enter z, LSB 1."""
    names = sorted({s.fmt_name for s in memory.signals})
    noises = {n: memory.noise({other: float(other == n) for other in names}) for n in names}
    return {name: noise[:, noise.any(axis=0)] for name, noise in noises.items()}


def _same_step(signal: MemorySignal, name: str, noise: Array) -> float:
    """Return what roundings of the same step add to a signal inside the chain, LSB 1.

    Every rounding of w before it reaches w with a gain of at most 1, and f = (2 - e) w - ... with
    at most 2; its own rounding comes on top.
    """
    if not signal.direct.any():
        return 0.0
    own = 1.0 if name == signal.fmt_name else 0.0
    return own + (2.0 * noise.shape[1] if name == "chain" else 0.0)


def choose_formats(signals: tuple[Reach, ...], state_bits: int) -> tuple[Bound, ...]:
    """Return the format of every recurrent signal, ``state_bits`` wide, and what it rests on.

    Raises
    ------
    SpecError
        If rounding errors alone could fill words this narrow.
    """
    peaks: dict[str, float] = {}
    for reach in signals:
        peak = float(np.max(reach.input_peak))
        peaks[reach.fmt_name] = max(peaks.get(reach.fmt_name, 0.0), peak)
    # wider integers make coarser LSBs and larger errors: iterate to the fixed point
    while True:
        formats = {name: fit(peak, state_bits) for name, peak in peaks.items()}
        lsb = {name: fmt.lsb for name, fmt in formats.items()}
        for reach in signals:
            peak = float(np.max(reach.peaks(lsb)))
            peaks[reach.fmt_name] = max(peaks[reach.fmt_name], peak)
        if all(fit(peaks[name], state_bits) == fmt for name, fmt in formats.items()):
            return tuple(Bound(signal=n, peak=peaks[n], fmt=fmt) for n, fmt in formats.items())


def fit(peak: float, width: int) -> QFormat:
    """Return the signed format of ``width`` bits and the finest LSB that holds +-``peak``.

    Raises
    ------
    SpecError
        If the integer part alone is wider.
    """
    int_bits = max(1, math.frexp(peak)[1])
    while peak > 2.0 ** (int_bits - 1) - 2.0 ** (int_bits - width):
        int_bits += 1
        if int_bits > width:
            raise SpecError(
                f"{width} bits cannot hold a signal that reaches {peak:.4g}: "
                f"it takes {math.ceil(math.log2(peak + 1)) + 1} or more"
            )
    return QFormat(int_bits, width - int_bits)
