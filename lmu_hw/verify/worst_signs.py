"""Signs of the inputs that drive the signals of a memory to their bounds, without rounding.

The input for a signal is the time-reversed sign of its impulse response.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array, Words
from ..program.codec import to_data
from ..program.integer_program import Cascade, Ladder
from ..proof.ladder_gains import LadderResponse
from ..proof.lossless import sections_of
from ..proof.lossless_ladder import ladder_of
from ..proof.response import Response, block_size
from .rounding_search import Goal

COVERED_SHARE = 0.999
"""Part of a signal's l1 norm that its input covers."""
MAX_STEPS = 1 << 18
"""Longest input for a signal [steps]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Pattern:
    """The signal with the largest l1 norm of those with the same claim, and its input.

    Attributes
    ----------
    signal : str
        Name of the claim.
    goal : Goal
    signs : int64 array, shape (n_steps,)
        Signs of the input.
    """

    signal: str
    goal: Goal
    signs: Words


def chain_patterns(op: Cascade) -> list[Pattern]:
    """Return a pattern for each format of a chain."""
    sections = sections_of([[(e.coef, e.shift) for e in section] for section in op.sections])
    response = Response(sections, block_size(op.window))
    # the response of a section late in the chain is delayed
    recorded = _until_quiet(response.blocks(), 2 * op.window + len(sections))
    found: dict[str, list[tuple[str, int]]] = {f"chain of {op.z_inner}": []}
    for k, section in enumerate(sections):
        found[f"chain of {op.z_inner}"].append(("w", k))
        if section.e2 is None:
            found.setdefault(op.z_inner, []).append(("o", k))
        else:
            found.setdefault(op.z_outer, []).extend([("o", k), ("f", k)])
            found.setdefault(op.z_inner, []).append(("i", k))
    return [_pattern(signal, kinds, recorded) for signal, kinds in found.items()]


def ladder_patterns(op: Ladder) -> list[Pattern]:
    """Return a pattern for the state and one for the waves of a ladder, in the last substep."""
    d, K = len(op.sections), op.substeps
    response = LadderResponse(ladder_of(to_data(op)), max(K, block_size(op.window)))
    units = np.exp2(np.array(response.exponents, dtype=np.float64))
    kinds = {"state": 0, "left": d, "source": 2 * d, "right": 2 * d + 1}
    sizes = {"state": d, "left": d, "source": 1, "right": d}
    blocks = (
        {kind: (h[:, 0] * units)[:, k : k + sizes[kind]] for kind, k in kinds.items()}
        for h in response.blocks()
    )
    by_substep = _until_quiet(blocks, 2 * op.window * K)
    recorded = {kind: _of_samples(h, K) for kind, h in by_substep.items()}
    found = {
        op.state: [("state", k) for k in range(d)],
        f"waves of {op.state}": [
            (kind, k) for kind in kinds if kind != "state" for k in range(sizes[kind])
        ],
    }
    return [_pattern(signal, at, recorded) for signal, at in found.items()]


def _until_quiet(blocks: Iterable[Mapping[str, Words | Array]], least: int) -> dict[str, Array]:
    """Return responses by kind, shape (n_steps, n), once their l1 norms are covered."""
    recorded: list[Mapping[str, Words | Array]] = []
    total: dict[str, Array] = {}
    n_steps = 0
    for block in blocks:
        sums = {kind: np.abs(h).sum(axis=0, dtype=np.float64) for kind, h in block.items()}
        before, total = total, {kind: total.get(kind, 0.0) + x for kind, x in sums.items()}
        recorded.append(block)
        n_steps += len(next(iter(block.values())))
        quiet = bool(before) and all(
            np.all(before[kind] >= COVERED_SHARE * total[kind]) for kind in total
        )
        if (quiet and n_steps >= least) or n_steps >= MAX_STEPS:
            break
    return {kind: np.concatenate([block[kind] for block in recorded]) for kind in total}


def _of_samples(h: Array, substeps: int) -> Array:
    """Return the response of the last substep to the input words, from that to the source's x.

    A substep j = 0 .. K-1 has ``x = (2 - c) previous + c u`` with ``c = (2 j + 1) / K``.
    """
    K = substeps
    if K == 1:
        return h
    c = (2 * np.arange(K) + 1) / K
    # axis 1 counts the substeps of a step
    by_step = h.reshape(-1, K, h.shape[1])[:, ::-1]
    out = np.einsum("nkc,k->nc", by_step, c)
    out[1:] += np.einsum("nkc,k->nc", by_step[:-1], 2 - c)
    return np.asarray(out)


def _pattern(signal: str, kinds: list[tuple[str, int]], recorded: Mapping[str, Array]) -> Pattern:
    """Return the input for the signal with the largest l1 norm, by kind and section."""
    totals = {kind: np.abs(h).sum(axis=0, dtype=np.float64) for kind, h in recorded.items()}
    kind, section = max(kinds, key=lambda at: totals[at[0]][at[1]])
    h = recorded[kind][:, section]
    covered = np.cumsum(np.abs(h).astype(np.float64))
    length = int(np.searchsorted(covered, COVERED_SHARE * covered[-1])) + 1
    # the smallest word has a larger magnitude than the largest one
    sign = -1 if np.sum(h, dtype=np.float64) > 0 else 1
    return Pattern(
        signal=signal,
        goal=Goal(kind=kind, section=section, sign=sign),
        signs=np.sign(h[:length][::-1]).astype(np.int64),
    )
