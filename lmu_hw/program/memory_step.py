"""A step of a memory in words: sections of a cascade, waves of a ladder, their rounding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from .fixedpoint import (
    MAX_WORD_BITS,
    Overflow,
    QFormat,
    Rounding,
    overflow,
    requantize,
    round_shift,
    round_sum,
)
from .integer_program import Adaptor, Cascade, Ladder, Program

ZeroRun = npt.NDArray[np.bool_] | Rounding
"""Mask of the streams and channels in a zero-input run, or the rounding that all of them use."""


class Coefficients(Protocol):
    """One adaptor, or adaptors of several sections along the last axis of their words."""

    @property
    def coef(self) -> int | Words:
        """Coefficient before its shift."""

    @property
    def shift(self) -> int:
        """Right shift."""


class SectionWords(NamedTuple):
    """New words of a section, each of shape (n_streams, n_channels).

    Attributes
    ----------
    w : int64 array
        Output of the section to the chain.
    f : int64 array or None
        Signal between the two adaptors; None for a section with one adaptor.
    inner : int64 array
        State of the inner adaptor.
    outer : int64 array or None
        State of the outer adaptor; None for a section with one adaptor.
    """

    w: Words
    f: Words | None
    inner: Words
    outer: Words | None


def chain(
    program: Program, op: Cascade, words: Mapping[str, Words], silent: ZeroRun
) -> Iterator[SectionWords]:
    """Yield the new words of each section of a cascade.

    Parameters
    ----------
    program : Program
    op : Cascade
    words : mapping of str to int64 array
        Input words of the step and state words before it, shape (n_streams, length).
    silent : ZeroRun
        Rounding of the step; see `ZeroRun`.
    """
    source, source_fmt = words[op.source], program.vector(op.source).fmt
    shape = (*source.shape, -1)
    inner, inner_fmt = words[op.z_inner].reshape(shape), program.vector(op.z_inner).fmt
    # a placeholder if there are no pairs
    outer_name = op.z_outer if op.n_pairs else op.z_inner
    outer, outer_fmt = words[outer_name].reshape(shape), program.vector(outer_name).fmt
    w = requantize(source, source_fmt, op.chain_fmt, Rounding.RND)
    pair = 0
    for k, section in enumerate(op.sections):
        z = inner[:, :, k]
        if len(section) == 1:
            z, w = adaptor(section[0], z, inner_fmt, w, op.chain_fmt, silent)
            yield SectionWords(w, None, z, None)
            continue
        w, f = adaptor(section[0], w, op.chain_fmt, outer[:, :, pair], outer_fmt, silent)
        z, o = adaptor(section[1], z, inner_fmt, f, outer_fmt, silent)
        yield SectionWords(w, f, z, o)
        pair += 1


def zero_run(count: Words, u: Words, window: int) -> Words:
    """Return the counters of zero-input runs after a step with the input words ``u``."""
    return np.where(u == 0, np.minimum(count + 1, window), 0)


def adaptor(
    e: Coefficients, a: Words, a_fmt: QFormat, b: Words, b_fmt: QFormat, silent: ZeroRun
) -> tuple[Words, Words]:
    """Return the two-port's new (a, b); see `lmu_hw.program.integer_program`."""
    align = max(a_fmt.frac_bits, b_fmt.frac_bits)
    a_wide, b_wide = a << (align - a_fmt.frac_bits), b << (align - b_fmt.frac_bits)
    t = e.coef * (b_wide - a_wide)

    def port(x: Words, fmt: QFormat) -> Words:
        drop = align - fmt.frac_bits
        rest = ((x & ((1 << drop) - 1)) << e.shift) + t
        return round_and_saturate(x >> drop, rest, e.shift + drop, silent, fmt)

    return port(a_wide, a_fmt), port(2 * a_wide - b_wide, b_fmt)


class LadderWaves(NamedTuple):
    """Waves of a ladder in one substep, each of shape (n_streams, n_channels, order).

    Attributes
    ----------
    state : int64 array
        The new state.
    left, right : int64 array
        The wave that each section sent to its left and right neighbour.
    """

    state: Words
    left: Words
    right: Words


def ladder_substep(
    program: Program, op: Ladder, words: Mapping[str, Words], silent: ZeroRun, substep: int
) -> LadderWaves:
    """Return the waves of a substep of a ladder, counted from 0.

    Parameters
    ----------
    program : Program
    op : Ladder
    words : mapping of str to int64 array
        Input words of the step and state words before the substep, shape (n_streams, length).
    silent : ZeroRun
        Rounding of the step; see `ZeroRun`.
    substep : int
    """
    fmt = program.vector(op.state).fmt

    def wave(base: Words, e: Adaptor, x: Words) -> Words:
        return round_and_saturate(base, e.coef * x, e.shift, silent, fmt)

    source = words[op.source]
    w = np.moveaxis(words[op.state].reshape(*source.shape, -1), 2, 0)
    new, left, right = np.empty_like(w), np.empty_like(w), np.empty_like(w)
    from_right = np.zeros((len(w) + 1, *source.shape), dtype=np.int64)
    for i in reversed(range(len(w))):
        a, e = from_right[i + 1], op.sections[i]
        left[i] = wave(a, e, w[i] - a) if i % 2 else overflow(a + w[i], fmt, Overflow.SAT)
        from_right[i] = left[i]
    x = _ladder_input(program, op, words, substep)
    wave_in = wave(x, op.reflection, x - from_right[0])
    for i, e in enumerate(op.sections):
        a = from_right[i + 1]
        if i % 2:
            t = w[i] - a
            right[i] = wave(wave_in, e, t)
            new[i] = _negated(wave_in + a - w[i], e, t, silent, fmt)
        else:
            t = left[i] - wave_in
            right[i] = wave(wave_in - w[i], e, t)
            new[i] = _negated(-w[i], e, t, silent, fmt)
        wave_in = right[i]
    return LadderWaves(*(np.moveaxis(x, 0, 2) for x in (new, left, right)))


def _ladder_input(program: Program, op: Ladder, words: Mapping[str, Words], substep: int) -> Words:
    """Return x, twice the input of a substep, as a wave."""
    u, shift = words[op.source], op.input_shift(program.vector)
    x = 2 * u
    if op.previous:
        previous = words[op.previous]
        x = 2 * op.substeps * previous + (2 * substep + 1) * (u - previous)
    x = round_shift(x, shift, Rounding.RND) if shift >= 0 else x << -shift
    return overflow(x, program.vector(op.state).fmt, Overflow.SAT)


def _negated(base: Words, e: Adaptor, x: Words, silent: ZeroRun, fmt: QFormat) -> Words:
    """Return minus the rounded ``base + e x``, saturated."""
    unlimited = QFormat(MAX_WORD_BITS, 0)
    rounded = round_and_saturate(base, e.coef * x, e.shift, silent, unlimited)
    return overflow(-rounded, fmt, Overflow.SAT)


def round_and_saturate(base: Words, x: Words, shift: int, silent: ZeroRun, fmt: QFormat) -> Words:
    """Return ``base + x * 2**-shift``, rounded as the zero-run mask selects, and saturated."""
    if isinstance(silent, Rounding):
        return overflow(round_sum(base, x, shift, silent), fmt, Overflow.SAT)
    loud = round_sum(base, x, shift, Rounding.RND)
    quiet = round_sum(base, x, shift, Rounding.TRN_ZERO)
    return overflow(np.where(silent, quiet, loud), fmt, Overflow.SAT)
