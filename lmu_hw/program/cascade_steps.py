"""All steps of a cascade: neighbouring sections work on neighbouring steps at the same time.

A section needs its own words of the step before and the word that its neighbour passes on. So
while section k computes step t, section k + 1 computes step t - 1: NumPy handles a whole diagonal
of (step, section) at once, with the adaptors of `lmu_hw.program.memory_step`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .._support.array_types import AnyArray, Words
from ..errors import FormatError
from .fixedpoint import QFormat, Rounding, requantize
from .memory_step import ZeroRun, adaptor, zero_run
from .memory_updates import Adaptor, Cascade, check_adaptor
from .operations import MemoryUpdate
from .word_vectors import Lookup


class AdaptorRow(NamedTuple):
    """Adaptors of several sections, with one shift for all.

    Attributes
    ----------
    coef : int64 array, shape (n_sections,)
    shift : int
    """

    coef: Words
    shift: int

    def part(self, sections: slice) -> AdaptorRow:
        """Return the adaptors of some sections."""
        return AdaptorRow(self.coef[sections], self.shift)


class _Run(NamedTuple):
    """Consecutive sections that work at the same time: their first, and their rows of adaptors."""

    start: int
    rows: tuple[AdaptorRow, ...]

    @property
    def n_sections(self) -> int:
        return len(self.rows[0].coef)


class _Formats(NamedTuple):
    chain: QFormat
    inner: QFormat
    outer: QFormat

    def ports(self, n_adaptors: int) -> list[tuple[QFormat, QFormat]]:
        """Return the formats of the two ports of each adaptor of a section."""
        pair = [(self.chain, self.outer), (self.inner, self.outer)]
        return pair if n_adaptors == 2 else [(self.inner, self.chain)]


def cascade_steps(
    vector: Lookup, op: Cascade, source: Words, before: Mapping[str, Words]
) -> dict[str, Words]:
    """Return the states of a cascade after every step.

    Parameters
    ----------
    vector : callable
        Returns a vector of the program by name.
    op : Cascade
    source : int64 array, shape (n_streams, n_steps, n_channels)
        Input words.
    before : mapping of str to int64 array, shape (n_streams, length)
        Words of the operation's states before the first step.

    Returns
    -------
    dict of str to int64 array, shape (n_streams, n_steps, length)
        Words of everything that the operation writes.
    """
    n_streams, n_steps, channels = source.shape
    u = np.ascontiguousarray(source.swapaxes(0, 1))
    counts, quiet = zero_runs(op, u, before[op.silence])
    inner = before[op.z_inner].reshape(n_streams, channels, -1)
    fmts = _Formats(op.chain_fmt, vector(op.z_inner).fmt, vector(op.states[0]).fmt)
    outer = before[op.states[0]].reshape(n_streams, channels, -1) if op.n_pairs else inner
    w = requantize(u, vector(op.source).fmt, op.chain_fmt, Rounding.RND)
    inners, outers, pair = [], [], 0
    for run in _runs(op, fmts):
        z = inner[:, :, run.start : run.start + run.n_sections]
        o = None
        if len(run.rows) == 2:
            o = outer[:, :, pair : pair + run.n_sections]
            pair += run.n_sections
        w, z_steps, o_steps = _diagonals(run, fmts, w, z, o, quiet)
        inners.append(z_steps)
        outers += [] if o_steps is None else [o_steps]
    found = {op.silence: counts, op.z_inner: np.concatenate(inners, axis=3)}
    if outers:
        found[op.z_outer] = np.concatenate(outers, axis=3)
    return {
        name: words.swapaxes(0, 1).reshape(n_streams, n_steps, -1) for name, words in found.items()
    }


def zero_runs(op: MemoryUpdate, u: Words, count: Words) -> tuple[Words, AnyArray]:
    """Return the zero-run counters after every step, and where a zero-input run is.

    Parameters
    ----------
    op : MemoryUpdate
    u : int64 array, shape (n_steps, n_streams, n_channels)
        Input words.
    count : int64 array, shape (n_streams, n_channels)
        Counters before the first step.
    """
    counts = np.empty_like(u)
    for t, words in enumerate(u):
        counts[t] = count = zero_run(count, words, op.window)
    return counts, counts == op.window


def _runs(op: Cascade, fmts: _Formats) -> Iterator[_Run]:
    """Yield the longest runs of alike sections whose coefficients fit with a common shift."""
    start = 0
    while start < len(op.sections):
        end, rows = start + 1, _rows(op.sections[start : start + 1], fmts)
        while end < len(op.sections) and (more := _rows(op.sections[start : end + 1], fmts)):
            end, rows = end + 1, more
        yield _Run(start, rows)
        start = end


def _rows(sections: Sequence[tuple[Adaptor, ...]], fmts: _Formats) -> tuple[AdaptorRow, ...]:
    """Return rows of adaptors with a common shift, or nothing if they do not fit."""
    if len({len(section) for section in sections}) > 1:
        return ()
    rows = []
    for adaptors, ports in zip(
        zip(*sections, strict=True), fmts.ports(len(sections[0])), strict=True
    ):
        shift = max(e.shift for e in adaptors)
        coefs = [e.coef << (shift - e.shift) for e in adaptors]
        try:
            check_adaptor(Adaptor(max(coefs), shift), *ports)
        except FormatError:
            return ()
        rows.append(AdaptorRow(np.array(coefs, dtype=np.int64), shift))
    return tuple(rows)


def _diagonals(
    run: _Run, fmts: _Formats, w: Words, inner: Words, outer: Words | None, quiet: AnyArray
) -> tuple[Words, Words, Words | None]:
    """Return what a run of sections passes on and its states, at all steps.

    Parameters
    ----------
    run : _Run
    fmts : _Formats
    w : int64 array, shape (n_steps, n_streams, n_channels)
        What the run is passed.
    inner, outer : int64 array, shape (n_streams, n_channels, n_sections)
        States before the first step; no outer ones in sections with one adaptor.
    quiet : bool array, shape (n_steps, n_streams, n_channels)
        Where a zero-input run is.
    """
    n_steps, k = len(w), run.n_sections
    n_diagonals = n_steps + k - 1
    inner, outer = inner.copy(), None if outer is None else outer.copy()
    passed = np.zeros((*w.shape[1:], k + 1), dtype=np.int64)
    result, quiets = np.empty_like(w), _skewed(quiet, k) if quiet.any() else None
    inners = np.empty((n_diagonals, *inner.shape), dtype=np.int64)
    outers = None if outer is None else np.empty_like(inners)
    for s in range(n_diagonals):
        at = slice(max(0, s - n_steps + 1), min(k, s + 1))
        after = slice(at.start + 1, at.stop + 1)
        if s < n_steps:
            passed[:, :, 0] = w[s]
        silent: ZeroRun = Rounding.RND
        if quiets is not None and quiets[s].any():
            silent = quiets[s][:, :, at]
        x, z = passed[:, :, at], inner[:, :, at]
        first, *second = (row.part(at) for row in run.rows)
        if outer is None or outers is None:
            z, x = adaptor(first, z, fmts.inner, x, fmts.chain, silent)
        else:
            x, f = adaptor(first, x, fmts.chain, outer[:, :, at], fmts.outer, silent)
            z, outer[:, :, at] = adaptor(second[0], z, fmts.inner, f, fmts.outer, silent)
            outers[s] = outer
        inner[:, :, at], passed[:, :, after] = z, x
        inners[s] = inner
        if s >= k - 1:
            result[s - k + 1] = passed[:, :, k]
    return result, _steps(inners, n_steps), None if outers is None else _steps(outers, n_steps)


def _skewed(quiet: AnyArray, n_sections: int) -> AnyArray:
    """Return masks by diagonal, shape (n_diagonals, n_streams, n_channels, n_sections)."""
    n_steps = len(quiet)
    found = np.zeros((n_steps + n_sections - 1, *quiet.shape[1:], n_sections), dtype=bool)
    for k in range(n_sections):
        found[k : k + n_steps, :, :, k] = quiet
    return found


def _steps(diagonals: Words, n_steps: int) -> Words:
    """Return words by step: those of section k are k diagonals later."""
    step, *others, section = diagonals.strides
    shape = (n_steps, *diagonals.shape[1:])
    return np.lib.stride_tricks.as_strided(diagonals, shape, (step, *others, section + step))
