"""Realize the memory as a wave digital cascade: the same dynamics with d multiplies a step.

`cascade` converts any stable single-input (Abar, Bbar) of order d into a chain of d lossless
two-port adaptors and a readout T:

1. Compute the poles of Abar: from the Padé approximant behind the Legendre memory (`pade`), or as
   eigenvalues in orthonormal coordinates. (Eigenvectors are unusable: their condition number
   exceeds 1e15 at d = 32.)
2. Realize a conjugate pair l, l* as a second-order all-pass lattice: an outer adaptor with
   coefficient ``1 - |l|**2`` around an inner one with ``|1 - l|**2 / (1 + |l|**2)``. Realize a real
   pole as one adaptor with ``1 - l``. Each adaptor costs one multiply: d in total, against d**2 for
   a full matrix.
3. Chain the sections, highest frequency first (1 to 2 dB less roundoff than lowest first). Every
   state is orthonormal up to a known positive weight, because each adaptor preserves a weighted
   energy for *every* value of its coefficient: rounding a coefficient moves a pole but keeps the
   chain lossless.
4. Fit ``m = T z``, an identity in exact arithmetic. T = S X with X from the Stein equation
   ``X = Abar X Ac' + Bbar bc'``. The chain's Gramian is the identity, so that the same formula on
   the *rounded* chain is a least-squares fit: coefficient errors count only to second order.

References
----------
Fettweis, "Wave digital filters: theory and practice", Proc. IEEE 74(2), 1986 (adaptors, passivity
under rounding). Gray, Markel, "Digital lattice and ladder filter synthesis", IEEE Trans. Audio
Electroacoust. 21(6), 1973 (one-multiplier lattice). Heuberger, Van den Hof, Bosgra, "A generalized
orthonormal basis for linear dynamical systems", IEEE Trans. Autom. Control 40(3), 1995 (chained
all-pass sections).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._support.array_types import Array
from ..errors import UnstableError
from .legendre import StateSpace

Sections = tuple[tuple[float, ...], ...]
"""Adaptor coefficients: (outer, inner) for a conjugate pair, (inner,) for a real pole."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptorChain:
    """A chain of all-pass sections in orthonormal coordinates: ``z' - z = A z + b u``.

    For white input of unit power the states are uncorrelated with unit power. They are in section
    order; a pair has its outer state first. A state of the integer chain has the real value ``z /
    weight``.

    Attributes
    ----------
    sections : Sections
    A, b : float array, shapes (d, d), (d,)
        A is the transition matrix minus I.
    weight : float array, shape (d,)
        Square root of each state's energy weight, relative to the chain signal w.
    is_outer : bool array, shape (d,)
    w_rows, w_direct : float array, shapes (n_sections, d), (n_sections,)
        ``w_k = w_rows[k] @ z(t-1) + w_direct[k] * u``, the output of section k.
    f_rows, f_direct : float array, shapes (n_pairs, d), (n_pairs,)
        The same for the signal between the adaptors of a pair, in units of the outer state.
    noise : float array, shape (d, n_sources)
        Effect on z, within the step, of a rounding error at each source. Sources: w_0, then for
        each section its f (pairs only), states and w.
    noise_kind : tuple of str
        Format that sets the LSB of each source: ``chain``, ``outer`` or ``inner``.
    """

    sections: Sections
    A: Array
    b: Array
    weight: Array
    is_outer: np.ndarray
    w_rows: Array
    w_direct: Array
    f_rows: Array
    f_direct: Array
    noise: Array
    noise_kind: tuple[str, ...]

    @property
    def order(self) -> int:
        """Number of states d."""
        return len(self.b)

    @cached_property
    def squarings(self) -> list[Array]:
        """I + A, (I + A)^2, (I + A)^4, ...; see `squarings`."""
        return squarings(self.A)

    def response(self, z: np.ndarray) -> np.ndarray:
        """Return the transfer functions from u to every state at the points ``z``.

        Parameters
        ----------
        z : complex array, shape (n,)
            Points on the unit circle.

        Returns
        -------
        complex array, shape (d, n)
        """
        out = np.empty((self.order, len(z)), dtype=np.complex128)
        w = np.ones(len(z), dtype=np.complex128)
        row = 0
        for section in self.sections:
            n = len(section)
            a, b, c, d = _section(section)
            x = _resolvent(a, b, z)
            out[row : row + n] = x * w
            # x is the state after the step; the section's output reads the state before it
            w = w * (c @ (x / z) + d)
            row += n
        return out


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptorCascade:
    """The cascade realization: ``m = T z``.

    Attributes
    ----------
    chain : AdaptorChain
    T : float array, shape (d, d)
        Readout from the chain's orthonormal states to the Legendre coefficients.
    """

    chain: AdaptorChain
    T: Array


def cascade(system: StateSpace) -> AdaptorCascade:
    """Realize a discrete memory as a chain of adaptors.

    Parameters
    ----------
    system : StateSpace
        Discrete and stable.

    Raises
    ------
    UnstableError
        If a pole lies on or outside the unit circle.
    """
    chain = build_chain(sections_of(poles(system)))
    return AdaptorCascade(chain=chain, T=fit_readout(system, chain))


def poles(system: StateSpace) -> np.ndarray:
    """Return the poles minus 1 of a discrete memory, highest frequency first, one of each pair.

    Raises
    ------
    UnstableError
        If a pole lies on or outside the unit circle.
    """
    offsets = system.eigenvalues()
    damping = _damping(offsets)
    if not np.all(damping > 0):
        radius = float(np.sqrt(np.max(1.0 - damping)))
        raise UnstableError(f"the memory has a pole of magnitude {radius:.9g}: must be < 1")
    return np.asarray(offsets[np.lexsort((damping, -offsets.imag))])


def _damping(offsets: np.ndarray) -> Array:
    """Return 1 - |1 + offset|**2 without cancellation."""
    return np.asarray(-2.0 * offsets.real - np.abs(offsets) ** 2)


def sections_of(offsets: Sequence[complex] | np.ndarray) -> Sections:
    """Return adaptor coefficients for poles minus 1 (imag > 0: a pair; imag == 0: a real pole)."""
    values = np.asarray(offsets)
    return tuple(
        (float(-x.real),) if x.imag == 0 else (float(d), float(abs(x) ** 2 / (2.0 - d)))
        for x, d in zip(values, _damping(values), strict=True)
    )


def _rotation(e: float) -> tuple[float, float]:
    """Return c, s of the adaptor in energy coordinates: [a', b'] = [[c, s], [s, -c]] [a, b]."""
    return 1.0 - e, float(np.sqrt(e * (2.0 - e)))


def _section(section: tuple[float, ...]) -> tuple[Array, Array, Array, float]:
    """Return the orthogonal state space (a, b, c, d) of one section."""
    if len(section) == 1:
        c, s = _rotation(section[0])
        return np.array([[c]]), np.array([s]), np.array([s]), -c
    (c2, s2), (c1, s1) = map(_rotation, section)
    # w' = c2 w + s2 z1, f = s2 w - c2 z1; z2' = c1 z2 + s1 f, z1' = s1 z2 - c1 f
    a = np.array([[c1 * c2, s1], [-s1 * c2, c1]])
    return a, np.array([-c1 * s2, s1 * s2]), np.array([s2, 0.0]), c2


def _less_identity(section: tuple[float, ...], a: Array) -> Array:
    """Return a - I of a section without cancellation."""
    out: Array = a.copy()
    if len(section) == 1:
        out[0, 0] = -section[0]
    else:
        outer, inner = section
        out[0, 0], out[1, 1] = outer * inner - outer - inner, -inner
    return out


def _resolvent(a: Array, b: Array, z: np.ndarray) -> np.ndarray:
    """Return ``(I - a / z)^-1 b``, the state after the step for the input z**t."""
    if len(b) == 1:
        return np.asarray((b[0] / (1.0 - a[0, 0] / z))[None, :])
    trace, det = a[0, 0] + a[1, 1], a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    adj = np.array([[a[1, 1], -a[0, 1]], [-a[1, 0], a[0, 0]]])
    return np.asarray((b[:, None] - np.outer(adj @ b, 1.0 / z)) / (1.0 - trace / z + det / z**2))


def build_chain(sections: Sections) -> AdaptorChain:
    """Return the state space of a chain of sections in orthonormal coordinates."""
    d, n, pairs = sum(map(len, sections)), len(sections), sum(len(s) == 2 for s in sections)
    A, b, weight, is_outer = np.zeros((d, d)), np.zeros(d), np.ones(d), np.zeros(d, dtype=bool)
    w_rows, w_direct = np.zeros((n, d)), np.zeros(n)
    f_rows, f_direct = np.zeros((pairs, d)), np.zeros(pairs)
    noise = np.zeros((d, 1 + 2 * d + pairs - 1))
    kinds = ["chain"]
    # gains to w from the old states, from u, and from each rounding error so far
    w_state, w_input, w_noise = np.zeros(d), 1.0, np.zeros(noise.shape[1])
    w_noise[0] = 1.0
    row = pair = 0
    for k, section in enumerate(sections):
        at = slice(row, row + len(section))
        a_k, b_k, c_k, d_k = _section(section)
        A[at] = np.outer(b_k, w_state)
        A[at, at] += _less_identity(section, a_k)
        b[at] = b_k * w_input
        noise[at] = np.outer(b_k, w_noise)
        if len(section) == 2:
            (c2, s2), (c1, s1) = map(_rotation, section)
            outer = np.sqrt(section[0] / (2.0 - section[0]))
            weight[at] = outer, outer * np.sqrt((2.0 - section[1]) / section[1])
            is_outer[row] = True
            f_rows[pair], f_direct[pair] = s2 * w_state / outer, s2 * w_input / outer
            f_rows[pair, row] -= c2 / outer
            noise[at, len(kinds)] = -c1 * outer, s1 * outer
            kinds.append("outer")
            noise[row, len(kinds)] = weight[row]
            kinds.append("outer")
            pair += 1
        else:
            weight[row] = np.sqrt((2.0 - section[0]) / section[0])
        last = at.stop - 1
        noise[last, len(kinds)] = weight[last]
        kinds.append("inner")
        w_state, w_input, w_noise = d_k * w_state, d_k * w_input, d_k * w_noise
        w_state[at] += c_k
        w_rows[k], w_direct[k] = w_state, w_input
        if k < n - 1:
            w_noise[len(kinds)] = 1.0
            kinds.append("chain")
        row = at.stop
    return AdaptorChain(
        sections=sections,
        A=A,
        b=b,
        weight=weight,
        is_outer=is_outer,
        w_rows=w_rows,
        w_direct=w_direct,
        f_rows=f_rows,
        f_direct=f_direct,
        noise=noise[:, : len(kinds)],
        noise_kind=tuple(kinds),
    )


def squarings(delta: Array) -> list[Array]:
    """Return A, A^2, A^4, ... for A = I + delta, until the norm is below 1e-18 or diverges.

    Squaring operates on A - I, so that rounding does not hide a slow decay.
    """
    eye = np.eye(len(delta))
    out = [eye + delta]
    while 1e-18 < np.linalg.norm(out[-1]) < 1e12 and len(out) < 64:
        delta = 2.0 * delta + delta @ delta
        out.append(eye + delta)
    return out


def stein(left: list[Array], Q: Array, right: list[Array]) -> Array:
    """Solve ``X = L X R' + Q`` by doubling, from the squarings of L and R.

    Parameters
    ----------
    left, right : list of float array
        `squarings` of L, shape (d, d), and R, shape (e, e).
    Q : float array, shape (d, e)
    """
    X = Q
    for L, R in zip(left, right, strict=False):
        X = X + L @ X @ R.T
    return X


def fit_readout(system: StateSpace, chain: AdaptorChain) -> Array:
    """Return T with ``m ~ T z``, the least-squares fit for white input.

    The chain may be exact or rounded. Its states are orthonormal, so that no Gramian is inverted.
    """
    balanced = system.balanced()
    X = stein(squarings(balanced.A), np.outer(balanced.B, chain.b), chain.squarings)
    return system.scale[:, None] * X
