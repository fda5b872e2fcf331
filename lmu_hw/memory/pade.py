"""Compute the poles of the continuous memory to full float64 accuracy.

The transfer function from u to the oldest sample of the window is the [d-1/d] Padé approximant of
the delay ``exp(-s)``; its poles are the zeros of

    D(s) = sum_j (2d-1-j)! d! / ((d-1)! j! (d-j)!) s^j

(Voelker and Eliasmith, "Improving spiking dynamical networks", Neural Computation 30(3), 2018).
Computing them as eigenvalues of A in float64 fails, because they are ill-conditioned: a correct
solver is 15 % off at d = 32 and 60 % at d = 64. Integer arithmetic with about 3 d bits gives all of
them.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

FRACTION = 64
"""Fractional bits of a pole divided by 2 d, which bounds the magnitude of all poles."""
START = 8
"""Highest order for which points on a circle are good enough initial estimates."""


@cache
def poles(order: int) -> np.ndarray:
    """Return the eigenvalues of A for theta = 1, one of each pair (imag >= 0).

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, >= 1.

    Returns
    -------
    complex array, shape ((order + 1) // 2,)
        In order of imaginary part; the first is real if the order is odd. Accurate to float64.
    """
    start = _circle(order) if order <= START else _curve(order)
    x, y = _refine(_scaled_denominator(order), start / (2 * order))
    out = _float(2 * order * x) + 1j * _float(2 * order * y)
    out.setflags(write=False)
    return np.asarray(out)


def denominator(order: int) -> tuple[int, ...]:
    """Return the exact coefficients of D(s), lowest power first; the highest is 1.

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, >= 1.
    """
    exact = [1]
    for j in range(order, 0, -1):
        exact.append(exact[-1] * (2 * order - j) * j // (order - j + 1))
    return tuple(reversed(exact))


def _circle(order: int) -> np.ndarray:
    """Return initial estimates on a half circle with about the radius of the poles."""
    angles = np.pi * (1 - (np.arange(order % 2 == 0, order + 1, 2) / (2 * order)))
    return np.asarray(_real_first(1.5 * order * np.exp(1j * angles), order))


def _curve(order: int) -> np.ndarray:
    """Return initial estimates from the poles of half the order: s / d tends to a limit curve."""
    half = (order + 1) // 2
    t, q = _places(half)
    known = poles(half)[t > 0] / half
    t, q = t[t > 0], q[t > 0]
    degree = min(8, len(t) - 1)
    real, slope = np.polyfit(q, known.real, degree), np.polyfit(q, known.imag / t, degree)
    t, q = _places(order)
    return _real_first(order * (np.polyval(real, q) + 1j * t * np.polyval(slope, q)), order)


def _places(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions t of the upper poles along the limit curve, 0 to 1, and (1 - t^2)^(2/3).

    The poles are a smooth function of the latter, because the distance to the end of the curve is
    proportional to the power 2/3 of 1 - t.
    """
    t = (2 * np.arange(order // 2, order) + 1) / order - 1
    return t, (1 - t * t) ** (2 / 3)


def _real_first(points: np.ndarray, order: int) -> np.ndarray:
    if order % 2:
        points[0] = points[0].real
    return points


def _scaled_denominator(order: int) -> list[int]:
    """Return the coefficients of D(2 d s), lowest first, scaled to enough bits for the zeros."""
    scaled = [c * (2 * order) ** j for j, c in enumerate(denominator(order))]
    # cancellation at the zeros loses at most 2 bits for each order
    shift = max(scaled).bit_length() - (3 * order + 128)
    return [c >> shift if shift > 0 else c << -shift for c in scaled]


def _refine(coefficients: list[int], start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all zeros of a real polynomial, by Weierstrass (Durand-Kerner) iteration.

    Parameters
    ----------
    coefficients : list of int
        Coefficients, lowest first.
    start : complex array, shape (n,)
        Estimates of the zeros with imag >= 0.

    Returns
    -------
    int arrays, shape (n,)
        Real and imaginary parts with ``FRACTION`` fractional bits.
    """
    x, y = _fixed(start.real), _fixed(start.imag)
    while True:
        z = _float(x) + 1j * _float(y)
        everywhere = np.concatenate([z, z[z.imag > 0].conj()])
        re, im = _value(coefficients, x, y)
        step = np.zeros_like(z)
        for i, point in enumerate(z):
            others = np.delete(point - everywhere, i)
            size = _log(re[i], im[i]) - math.log(coefficients[-1]) - np.sum(np.log(others))
            step[i] = np.exp(size)
        # keep a real zero on the real axis, despite rounding in the logarithms
        step[y == 0] = step[y == 0].real
        x, y = x - _fixed(step.real), y - _fixed(step.imag)
        # convergence is quadratic: the next step would be below 1e-21
        if np.max(np.abs(step)) < 1e-12:
            return x, y


def _fixed(values: np.ndarray) -> np.ndarray:
    """Return values as Python integers with ``FRACTION`` fractional bits."""
    return np.array([round(v * 2.0**FRACTION) for v in values], dtype=object)


def _float(values: np.ndarray) -> np.ndarray:
    return np.asarray((values / 2**FRACTION).astype(np.float64))


def _value(coefficients: list[int], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the polynomial at ``x + i y`` by Horner's rule, in integers."""
    re, im = np.full(len(x), coefficients[-1], dtype=object), np.zeros(len(x), dtype=object)
    for c in reversed(coefficients[:-1]):
        re, im = ((re * x - im * y) >> FRACTION) + c, (re * y + im * x) >> FRACTION
    return re, im


def _log(re: int, im: int) -> complex:
    """Return the logarithm of a complex integer, which may exceed float64."""
    shift = max(re.bit_length(), im.bit_length(), 64) - 64
    value = complex(re >> shift, im >> shift)
    return complex(np.log(value)) + shift * math.log(2.0) if value else complex(-math.inf, 0.0)
