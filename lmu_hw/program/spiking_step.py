"""Spikes of a step in words: integrate-and-fire neurons, Poisson neurons, their random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from .fixedpoint import Overflow, Rounding, overflow, round_shift
from .integer_program import Program, Spiking
from .memory_step import ZeroRun, chain
from .spiking_update import DRAW_BITS

TAPS = (13, -17, 5)
"""Shifts of a draw, left positive: xorshift32 (Marsaglia, Xorshift RNGs, 2003)."""


class Spikes(NamedTuple):
    """What the neurons of a step send and keep.

    Attributes
    ----------
    counts : int64 array, shape (n_streams, n_channels, order)
        Spikes of each state, with its sign.
    sent : int64 array, shape (n_streams, n_channels, order)
        The word that the sections read for each state.
    kept : int64 array, shape (n_streams, length)
        New words of the membranes or generators.
    fired : bool array or None, shape (n_streams, n_channels, order, H)
        Which neurons fired, for Poisson neurons: those of the sign of the state.
    """

    counts: Words
    sent: Words
    kept: Words
    fired: npt.NDArray[np.bool_] | None


def spikes(
    program: Program,
    op: Spiking,
    words: Mapping[str, Words],
    silent: ZeroRun,
    *,
    which: bool = False,
) -> Spikes:
    """Return the spikes for the states in ``words``, each of shape (n_streams, length).

    ``silent`` is the rounding of the step, see `ZeroRun`. With ``which``, also say which Poisson
    neurons fired.
    """
    z = states(op, words, program.channels(op))
    quiet = silent is Rounding.TRN_ZERO if isinstance(silent, Rounding) else silent
    quiet = np.broadcast_to(quiet, z.shape[:2])
    s = np.array(op.quanta)
    limit = 1 << (s + op.population)
    clipped = np.clip(z, -limit, limit)
    fired = None
    if op.membrane:
        v = words[op.membrane].reshape(z.shape) + clipped
        counts = v + (1 << s >> 1) >> s
        rest = np.where(quiet[:, :, None], 0, v - (counts << s))
        kept = rest.reshape(len(z), -1)
    else:
        counts, kept, fired = _poisson(op, clipped, words[op.generators], quiet, which)
    counts = np.where(quiet[:, :, None], 0, counts)
    sent = _limited(program, op, counts << s)
    return Spikes(counts, np.where(quiet[:, :, None], z, sent), kept, fired)


def spiking_step(
    program: Program, op: Spiking, words: Mapping[str, Words], silent: ZeroRun
) -> dict[str, Words]:
    """Return the new words of the vectors that the operation writes, without the counter."""
    fired = spikes(program, op, words, silent)
    z = states(op, words, program.channels(op))
    sent = vectors(op, fired.sent)
    after: list[Words] = []
    for section in chain(program, op.cascade, {op.source: words[op.source], **sent}, silent):
        after += [section.inner] if section.outer is None else [section.outer, section.inner]
    new = _limited(program, op, z + np.stack(after, axis=2) - fired.sent)
    total = np.abs(fired.counts).sum(axis=2)
    return {**vectors(op, new), op.membrane or op.generators: fired.kept, op.spikes: total}


def states(op: Spiking, words: Mapping[str, Words], n_channels: int) -> Words:
    """Return the states in the order of the quanta, shape (n_streams, n_channels, order)."""
    parts = {name: words[name].reshape(-1, n_channels, _width(op, name)) for name in _names(op)}
    return np.stack([parts[name][:, :, k] for name, k in op.places], axis=2)


def vectors(op: Spiking, values: Words) -> dict[str, Words]:
    """Return words in the order of the quanta as the vectors of the states."""
    found = {}
    for name in _names(op):
        own = [i for i, (owner, _) in enumerate(op.places) if owner == name]
        found[name] = values[:, :, own].reshape(len(values), -1)
    return found


def draws(x: npt.NDArray[np.uint32], n: int) -> npt.NDArray[np.uint32]:
    """Return the next n states of generators, a power of two, shape (*x.shape, n).

    Marsaglia's step is linear over GF(2): a block of states and the jump by its length give the
    next block.
    """
    block = _draw(x)[..., None]
    while block.shape[-1] < n:
        tables = _jump(block.shape[-1])
        ahead = np.zeros_like(block)
        for byte, table in enumerate(tables):
            ahead ^= table[block >> np.uint32(8 * byte) & np.uint32(255)]
        block = np.concatenate([block, ahead], axis=-1)
    return block


def _poisson(
    op: Spiking,
    z: Words,
    generators: Words,
    quiet: npt.NDArray[np.bool_],
    which: bool,
) -> tuple[Words, Words, npt.NDArray[np.bool_] | None]:
    seeds = np.array(op.seeds, dtype=np.uint32)
    x = generators.astype(np.uint32) ^ seeds
    population, rounds = 1 << op.population, (1 << op.population) // len(seeds)
    counts = np.zeros_like(z)
    fired = np.zeros((*z.shape, population), dtype=np.bool_) if which else None
    for c in range(z.shape[1]):
        loud = ~quiet[:, c]
        for k, s in enumerate(op.quanta):
            threshold = _threshold(np.abs(z[:, c, k]), s + op.population)
            block = draws(x, rounds)
            # neuron j takes stream j mod S
            numbers = (block >> np.uint32(32 - DRAW_BITS)).swapaxes(1, 2).reshape(len(z), -1)
            hits = (numbers < threshold[:, None]) & loud[:, None]
            counts[:, c, k] = np.sign(z[:, c, k]) * hits.sum(axis=1)
            x = np.where(loud[:, None], block[:, :, -1], x)
            if fired is not None:
                fired[:, c, k] = hits
    return counts, (x ^ seeds).astype(np.int64), fired


def _threshold(magnitude: Words, full: int) -> Words:
    """Return a magnitude of at most ``2**full`` as a probability in units of a draw."""
    if full >= DRAW_BITS:
        return round_shift(magnitude, full - DRAW_BITS, Rounding.RND)
    return magnitude << (DRAW_BITS - full)


def _draw(x: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return the next states of generators."""
    for shift in TAPS:
        x = x ^ (x << np.uint32(shift) if shift > 0 else x >> np.uint32(-shift))
    return x


@cache
def _jump(n: int) -> npt.NDArray[np.uint32]:
    """Return the effect of n draws, a power of two, on each byte of a state, shape (4, 256)."""
    values = np.arange(256, dtype=np.uint32)
    tables = np.stack([values << np.uint32(8 * byte) for byte in range(4)])
    return np.asarray(draws(tables, n)[..., -1])


def _limited(program: Program, op: Spiking, values: Words) -> Words:
    """Saturate words in the order of the quanta to the formats of their states."""
    out = np.empty_like(values)
    for name in _names(op):
        own = [i for i, (owner, _) in enumerate(op.places) if owner == name]
        out[:, :, own] = overflow(values[:, :, own], program.vector(name).fmt, Overflow.SAT)
    return out


def _names(op: Spiking) -> tuple[str, ...]:
    return op.cascade.states


def _width(op: Spiking, name: str) -> int:
    return sum(owner == name for owner, _ in op.places)
