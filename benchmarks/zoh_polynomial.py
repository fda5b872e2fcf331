"""The zoh memory as a polynomial in A: the integer rule of docs/results/zoh_memory.md.

`fit` finds the polynomial, `PolynomialMemory` computes it in integers, `zoh_errors.py` measures.
"""

from __future__ import annotations

import math

import numpy as np

from lmu_hw.memory.discretize import expm1
from lmu_hw.memory.legendre import state_space

Array = np.ndarray

LSB = 2.0**-15
FLOAT_ERROR = 0.2
"""RMS error for white noise of the polynomial in float64 that decides its degree [LSB]."""


def continuous(order: int, theta: float) -> Array:
    """Return A / theta in orthonormal coordinates m / sqrt(2i+1)."""
    return np.asarray(state_space(order).balanced().A / theta)


def scale(order: int) -> Array:
    """Return sqrt(2i+1): Legendre coordinates are these times the orthonormal ones."""
    return np.asarray(np.sqrt(2.0 * np.arange(order) + 1.0))


def polynomial(z: Array, c: Array) -> Array:
    """Return ``sum_j c[j] z^j`` by Horner's rule."""
    eye = np.eye(len(z))
    value = c[-1] * eye
    for factor in c[-2::-1]:
        value = factor * eye + z @ value
    return np.asarray(value)


def fit(z: Array, theta: float, degree: int) -> tuple[Array, float]:
    """Return c, c[0] = 1, that makes the memory's impulse response closest to that of exp(z).

    The second value is the error that this leaves: the worst row's RMS error [LSB] for white noise
    at full scale, uniform.

    To first order in ``p(z) - exp(z)`` the response t steps after an impulse that made the state n
    differs by ``t exp(z)^(t-1) (p(z) - exp(z)) n``: a linear least-squares problem in c.
    """
    exact = np.eye(len(z)) + expm1(z)
    n_steps = int(2.5 * theta)
    stride = max(1, n_steps // 600)
    # makes the columns about equally long
    unit = np.linalg.norm(z, 2) / 2.5
    first = np.eye(len(z))[:, 0] - exact[:, 0]
    powers = [first]
    for _ in range(degree):
        powers.append(z @ powers[-1] / unit)
    X, leap = np.column_stack([*powers, exact @ first]), np.linalg.matrix_power(exact, stride)
    rows = []
    for t in range(1, n_steps, stride):
        rows.append(t * scale(len(z))[:, None] * X)
        X = leap @ X
    table = np.concatenate(rows)
    columns, wanted = table[:, 1:-1], table[:, -1] - table[:, 0]
    norms = np.linalg.norm(columns, axis=0)
    c = np.linalg.lstsq(columns / norms, wanted, rcond=1e-15)[0] / norms
    rest = (wanted - columns @ c).reshape(-1, len(z))
    error = float(np.sqrt((rest**2).sum(axis=0).max() * stride / 3) / LSB)
    return np.concatenate([[1.0], c]) / unit ** np.arange(degree + 1.0), error


def cheapest(z: Array, theta: int) -> Array:
    """Return the polynomial of the lowest degree whose float error is small enough."""
    for degree in range(2, 40):
        c, error = fit(z, theta, degree)
        if error <= FLOAT_ERROR and np.abs(np.linalg.eigvals(polynomial(z, c))).max() < 1:
            return c
    raise SystemExit(f"no polynomial is close enough for theta = {theta}")


class PolynomialMemory:
    """The integer memory: words of one format, one rounding for each product.

    Parameters
    ----------
    c : float array, shape (k + 1,)
        Polynomial; c[0] = 1.
    order, theta, frac_bits : int
    bits : int
        Significant bits of a coefficient; with ``table`` false the width of the largest, and all
        coefficients of a stage are 2i+1 times one integer.
    """

    def __init__(
        self, c: Array, order: int, theta: int, frac_bits: int, bits: int, table: bool = True
    ) -> None:
        self.frac_bits = frac_bits
        self.gain = 2 * np.arange(order) + 1
        wanted = (c[1:] / c[:-1] / theta)[:, None] * self.gain
        largest = wanted if table else np.repeat(wanted[:, -1:], order, axis=1)
        self.shifts = bits - np.ceil(np.log2(largest) + 1e-9).astype(np.int64)
        unit = 2.0**self.shifts
        self.coefs = np.rint(wanted * unit).astype(np.int64)
        if not table:
            self.coefs = self.gain * np.rint(wanted / self.gain * unit).astype(np.int64)
        error = self.rounding_error()
        self.guard = self.gain * (math.floor(float((error / self.gain).max())) + 1)
        balance = scale(order)
        self.norm = float(np.linalg.norm(self.matrix() * balance / balance[:, None], 2))
        # the smallest loss that makes a zero-input step contract; far above float64's error
        self.loss = next(s for s in range(20, 0, -1) if (1 - 2.0**-s) * self.norm <= 1 - 1e-9)

    def stages(self) -> list[Array]:
        """Return the matrix of each stage, the last computed first in the list."""
        minus_sums = differences(np.eye(len(self.gain))).T
        return [
            -(q / 2.0**s)[:, None] * minus_sums
            for q, s in zip(self.coefs, self.shifts, strict=True)
        ]

    def matrix(self) -> Array:
        """Return M of the rounded coefficients: a step without roundings is ``n' = M n``."""
        value = eye = np.eye(len(self.gain))
        for stage in reversed(self.stages()):
            value = eye + stage @ value
        return value

    def width(self, n_steps: int) -> int:
        """Return the bits that hold every word and every sum S - 2 P, for every input.

        The largest value is the sum of the magnitudes of its impulse response; rounding adds less
        than the distance to the next power of two.
        """
        m = np.zeros((1, len(self.gain)))
        peaks = np.zeros((len(self.coefs), len(self.gain)))
        for t in range(n_steps):
            n = x = m - (t == 0) * np.eye(1, len(self.gain))
            for j in reversed(range(len(self.coefs))):
                sums = differences(x)
                peaks[j] += np.abs(sums[0])
                x = n - self.coefs[j] / 2.0 ** self.shifts[j] * sums
            m = x + (t == 0) * np.eye(1, len(self.gain))
        return 1 + math.ceil(math.log2(peaks.max())) + self.frac_bits

    def rounding_error(self) -> Array:
        """Return the largest error of each word of a step against ``M n`` [its LSB]."""
        reach, error = np.eye(len(self.gain)), np.zeros(len(self.gain))
        for stage in self.stages():
            error += np.abs(reach).sum(axis=1) / 2
            reach = reach @ stage
        return error

    def apply(self, n: Array) -> Array:
        """Return ``M n`` of integer words (n_streams, d), every product rounded half up."""
        x = n
        for q, s in zip(self.coefs[::-1], self.shifts[::-1], strict=True):
            x = n - ((q * differences(x) + (1 << (s - 1))) >> s)
        return x

    def step(self, m: Array, u: Array) -> Array:
        """Return the next state for input words u of 15 fractional bits."""
        n, held = m.copy(), u << (self.frac_bits - 15)
        n[:, 0] -= held
        out = self.apply(n)
        out[:, 0] += held
        return out

    def zero_step(self, m: Array) -> Array:
        """Return the next state in a zero-input run: every word strictly nearer to zero."""
        x = self.apply(m)
        size = np.abs(x)
        size -= -(-size >> self.loss) + self.guard
        return np.asarray(np.sign(x) * np.maximum(size, 0))

    def energy(self, m: Array) -> Array:
        """Return what every zero-input step decreases, for each stream."""
        return np.asarray((m.astype(np.float64) ** 2 / self.gain).sum(axis=1))


def differences(x: Array) -> Array:
    """Return ``S - 2 P_i`` for rows of x: S sums all, P_i those before i of the other parity.

    ``(A x)_i = -(2i+1) (S - 2 P_i)``: the memory's A costs one product a row.
    """
    even, odd = x.copy(), x.copy()
    even[:, 1::2] = 0
    odd[:, 0::2] = 0
    before = np.empty_like(x)
    before[:, 0::2] = np.cumsum(odd, axis=1)[:, 0::2]
    before[:, 1::2] = np.cumsum(even, axis=1)[:, 1::2]
    return np.asarray(x.sum(axis=1, keepdims=True) - 2 * before)
