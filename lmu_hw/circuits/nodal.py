"""Linear model of a circuit: modified nodal analysis, its poles, responses and simulation.

Unknowns are the voltages x of all nodes. Each node has one equation of

    E x' = F x + G w

- the input node: ``x_u = w``;
- the output of an amplifier: ``x_o' = 2 pi bandwidth (x_+ + v - x_- - x_o / gain)`` with v the
  voltage of a source in series with the + input; of an ideal amplifier ``x_+ + v = x_-``;
- any other node: Kirchhoff's current law.

E is singular. Its range and null space do not depend on the values of the parts, hence one
decomposition of the circuit as drawn serves all draws of tolerances: with V a basis of the row
space of E, ``z = V' x`` are the states, and the rest of x follows from z and w.

Limits of the output, slew rate and the open-loop output resistance are not in this model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy.linalg

from .._support.array_types import Array
from ..errors import SpecError
from .circuit import GROUND, INPUT, Circuit
from .circuit_stamps import CircuitStamps, circuit_stamps, offset_gain, part_values
from .sparse_elimination import EliminationPlan, elimination_plan, solve_all
from .state_equations import StateEquations

RANK = 1e-9
"""Singular values of E, its rows scaled to 1, count as zero below this share of the largest."""
SYSTEMS = 400
"""Systems that are solved at once: an entry of all of them stays in the cache."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearCircuit:
    """Equations of a circuit as drawn, or of draws of it.

    Attributes
    ----------
    nodes : tuple of str
        The n nodes but ground, the input first.
    E, F : float arrays, shape (n, n), or (n_draws, n, n)
        In the units of the module's equations: amperes at nodes, volts elsewhere.
    G : float array, shape (n,)
        Column of the input.
    stamps : CircuitStamps
        What E and F are made from.
    offset_gain : float
        What 1 V in series with the + input of an amplifier adds to the row of its output.
    bases : pair of float arrays, shapes (n, n)
        Left and right bases that split E, the first `rank` columns those of its range; the left
        includes the scaling of the rows.
    rank : int
        Number of states r.
    plans : dict
        Orders of elimination by frequencies, of this circuit and all draws of it.
    """

    nodes: tuple[str, ...]
    E: Array
    F: Array
    G: Array
    stamps: CircuitStamps
    offset_gain: float
    bases: tuple[Array, Array]
    rank: int
    plans: dict[tuple[float, ...], EliminationPlan] = field(default_factory=dict, repr=False)

    def draws(self, values: Array) -> LinearCircuit:
        """Return the equations of draws of this circuit.

        Parameters
        ----------
        values : float array, shape (n_draws, n_parts)
            Values of all parts in the order of `Circuit.parts`, in ohm, farad or siemens; those at
            amplifiers are not used.
        """
        E, F = self.stamps.matrices(values)
        return replace(self, E=E, F=F)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each node."""
        return {node: i for i, node in enumerate(self.nodes)}

    @cached_property
    def equations(self) -> StateEquations:
        """State equations from the input to all nodes."""
        left, right = self.bases
        r = self.rank
        E11 = left[:, :r].T @ self.E @ right[:, :r]
        F, G = left.T @ self.F @ right, left.T @ self.G
        # the other unknowns: y = Y z + y_w w
        known = np.concatenate(
            [F[..., r:, :r], np.broadcast_to(G[r:, None], (*F.shape[:-2], len(G) - r, 1))], axis=-1
        )
        solved = -np.linalg.solve(F[..., r:, r:], known)
        Y, y_w = solved[..., :r], solved[..., r]
        rate = np.concatenate(
            [
                F[..., :r, :r] + F[..., :r, r:] @ Y,
                (G[:r] + np.einsum("...ij,...j->...i", F[..., :r, r:], y_w))[..., None],
            ],
            axis=-1,
        )
        slopes = np.linalg.solve(E11, rate)
        return StateEquations(
            A=slopes[..., :r],
            B=slopes[..., r],
            C=right[:, :r] + right[:, r:] @ Y,
            D=np.einsum("ij,...j->...i", right[:, r:], y_w),
        )

    @cached_property
    def poles(self) -> np.ndarray:
        """Poles [1/s], shape (..., r), those of the amplifiers included."""
        return np.linalg.eigvals(self.equations.A)

    @property
    def stable(self) -> np.ndarray:
        """Whether all poles are in the left half plane, for each draw."""
        return np.asarray(np.all(self.poles.real < 0.0, axis=-1))

    def simulate(self, u: Array, dt: float) -> Array:
        """Return the voltages of all nodes for an input, as `StateEquations.simulate`."""
        return self.equations.simulate(u, dt)

    def l1_norms(self) -> Array:
        """Return the largest voltage of each node for |u| <= 1 V, shape (n,)."""
        return self.equations.l1_norms()

    def response(self, f: Array, nodes: Iterable[str] | None = None) -> np.ndarray:
        """Return the responses from the input to nodes.

        Parameters
        ----------
        f : float array, shape (n_f,)
            Frequencies [Hz].
        nodes : iterable of str, optional
            Default: all, in the order of `nodes`.

        Returns
        -------
        complex array, shape (..., n_f, n_nodes)
        """
        kept = [self.index[node] for node in (self.nodes if nodes is None else nodes)]
        jw = 2j * np.pi * np.asarray(f, dtype=np.float64)
        if self.E.ndim == 2:
            matrices = jw[:, None, None] * self.E - self.F
            right = np.broadcast_to(self.G[:, None], (*matrices.shape[:-1], 1))
            return np.asarray(np.linalg.solve(matrices, right)[:, kept, 0])
        plan = self._plan(jw)
        E, F = (m[:, plan.rows, plan.columns].T[:, :, None] for m in (self.E, self.F))
        out = np.empty((len(self.E), len(jw), len(kept)), dtype=np.complex128)
        n = max(1, SYSTEMS // len(jw))
        for k in range(0, len(out), n):
            entries = jw * E[:, k : k + n] - F[:, k : k + n]
            solved = solve_all(plan, entries.reshape(len(entries), -1))[kept]
            out[k : k + n] = np.moveaxis(solved.reshape(len(kept), -1, len(jw)), 0, -1)
        return out

    def _plan(self, jw: np.ndarray) -> EliminationPlan:
        """Return an order of elimination for draws at these frequencies."""
        # the highest, the lowest and a middle one are samples enough
        samples = np.array([jw[0], jw[len(jw) // 2], jw[-1]])
        key = tuple(samples.imag.tolist())
        if key not in self.plans:
            matrices = samples[:, None, None] * self.E[0] - self.F[0]
            self.plans[key] = elimination_plan(matrices, self.G)
        return self.plans[key]

    def transfers(self, f: Array, sources: Array, nodes: Sequence[str]) -> np.ndarray:
        """Return the responses from any sources to some nodes, by one adjoint solution a node.

        Parameters
        ----------
        f : float array, shape (n_f,)
            Frequencies [Hz]; 0 for gains at DC.
        sources : float array, shape (n, n_sources)
            Columns as of `current` and `offset`.
        nodes : sequence of str

        Returns
        -------
        complex array, shape (n_f, n_nodes, n_sources)
        """
        picks = np.zeros((len(self.nodes), len(nodes)))
        for k, node in enumerate(nodes):
            picks[self.index[node], k] = 1.0
        out = np.empty((len(f), len(nodes), sources.shape[1]), dtype=np.complex128)
        for k, omega in enumerate(2.0 * np.pi * np.asarray(f, dtype=np.float64)):
            adjoint = np.linalg.solve((1j * omega * self.E - self.F).T, picks.astype(complex))
            out[k] = adjoint.T @ sources
        return out

    def current(self, source: str, target: str) -> Array:
        """Return the column of a current of 1 A that flows out of ``source`` into ``target``."""
        column = np.zeros(len(self.nodes))
        for node, sign in ((source, -1.0), (target, 1.0)):
            # a current into the output of a source of voltage changes nothing
            if node not in (GROUND, INPUT) and node not in self.stamps.driven.values():
                column[self.index[node]] += sign
        return column

    def offset(self, amplifier: str) -> Array:
        """Return the column of a source of 1 V in series with the + input of an amplifier."""
        column = np.zeros(len(self.nodes))
        column[self.index[self.stamps.driven[amplifier]]] = self.offset_gain
        return column


def linear_circuit(circuit: Circuit, values: Array | None = None) -> LinearCircuit:
    """Return the linear model of a circuit.

    Parameters
    ----------
    circuit : Circuit
    values : float array, shape (n_draws, n_parts), optional
        As of `LinearCircuit.draws`. Default: the circuit as drawn, with no axis of draws.

    Raises
    ------
    SpecError
        If the circuit has no unique solution, or two sources at a node.
    """
    stamps = circuit_stamps(circuit)
    E, F = stamps.matrices(part_values(circuit))
    bases, rank = _split(E, F, circuit.title)
    drawn = LinearCircuit(
        nodes=circuit.nodes,
        E=E,
        F=F,
        G=stamps.G,
        stamps=stamps,
        offset_gain=offset_gain(circuit),
        bases=bases,
        rank=rank,
    )
    return drawn if values is None else drawn.draws(values)


def _split(E: Array, F: Array, title: str) -> tuple[tuple[Array, Array], int]:
    """Return bases of the ranges and null spaces of E, and its rank.

    Raises
    ------
    SpecError
        If the unknowns that are no states have no unique solution.
    """
    size = np.max(np.abs(E), axis=1)
    scale = 1.0 / np.where(size > 0.0, size, np.maximum(np.max(np.abs(F), axis=1), 1e-300))
    left, singular, right = scipy.linalg.svd(scale[:, None] * E)
    rank = int(np.sum(singular > RANK * singular[0])) if singular[0] > 0.0 else 0
    bases = scale[:, None] * left, np.ascontiguousarray(right.T)
    rest = bases[0][:, rank:].T @ F @ bases[1][:, rank:]
    if rest.size and not np.linalg.cond(rest) < 1.0 / RANK:
        raise SpecError(
            f"{title} has no unique solution; look for a node without a path to ground, and for "
            "an amplifier without feedback"
        )
    return bases, rank
