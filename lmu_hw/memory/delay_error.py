"""Error of decoded delays of band-limited input, computed from the frequency response.

A memory decodes ``u(t - r theta + lead)`` from m for every tap r in [0, 1] (equation 3). For a
frequency w the error of a tap is ``E(r) = P(r) M(w) - exp(-jw (r theta - lead))``, with P the
decoder and M the memory's frequency response. The NRMSE of input whose spectrum is flat up to a
bandwidth is the root of the mean of ``|E|^2`` over frequencies and taps.

The mean over all taps has a closed form. The exponential has the Legendre coefficients ``(2i + 1)
c_i`` with ``c_i = exp(-jw (theta/2 - lead)) (-j)^i j_i(w theta / 2)``, j_i being the spherical
Bessel functions; by Parseval

    mean_r |E|^2 = sum_i |M_i - (2i + 1) c_i|^2 / (2i + 1)  +  1 - sum_i (2i + 1) |c_i|^2.

The first sum is the error of the coefficients, the rest the part of the window beyond order d.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import spherical_jn

from .._support.array_types import Array
from .frequency_response import memory_response
from .legendre import decoder
from .spec import LMUSpec, check_bandwidth


def delay_error(spec: LMUSpec, bandwidth: float, taps: Sequence[float] = ()) -> float:
    """Return the NRMSE of decoded delays of band-limited input, in float64.

    Parameters
    ----------
    spec : LMUSpec
        Its order, theta, discretizer and substeps count. The constant `LMUSpec.lead` is no error.
    bandwidth : float
        Highest frequency of the input [cycles/sample], > 0 and <= 0.5; the spectrum is flat.
    taps : sequence of float, optional
        Fractions of theta, 0 to 1. Default: the mean over the whole window.

    Raises
    ------
    SpecError
        If the bandwidth is out of range.
    UnstableError
        If the discretized memory is not stable.
    """
    top = 2.0 * math.pi * check_bandwidth(bandwidth)
    nodes, weights = np.polynomial.legendre.leggauss(_points(spec, bandwidth))
    omega, weights = top * (1.0 + nodes) / 2.0, weights / 2.0
    m = memory_response(spec.order, spec.theta, spec.discretizer, spec.substeps, np.exp(1j * omega))
    squares = _at_taps(spec, m, omega, taps) if len(taps) else _over_window(spec, m, omega)
    return math.sqrt(float(weights @ squares))


def _points(spec: LMUSpec, bandwidth: float) -> int:
    """Return the number of frequencies: the error may oscillate with every period in the window."""
    return min(256, 64 + 2 * math.ceil(bandwidth * spec.theta))


def _over_window(spec: LMUSpec, m: np.ndarray, omega: Array) -> Array:
    """Return the mean of the squared error over all taps, shape (n_frequencies,)."""
    i = np.arange(spec.order)[:, None]
    gain = 2.0 * i + 1.0
    phase = np.exp(-1j * omega * (spec.theta / 2.0 - spec.lead))
    c = phase * (-1j) ** (i % 4) * spherical_jn(i, omega * spec.theta / 2.0)
    beyond = 1.0 - np.sum(gain * np.abs(c) ** 2, axis=0)
    return np.asarray(np.sum(np.abs(m - gain * c) ** 2 / gain, axis=0) + np.maximum(beyond, 0.0))


def _at_taps(spec: LMUSpec, m: np.ndarray, omega: Array, taps: Sequence[float]) -> Array:
    """Return the mean of the squared error over some taps, shape (n_frequencies,)."""
    delays = np.asarray(taps, dtype=np.float64)[:, None] * spec.theta - spec.lead
    error = decoder(spec.order, taps) @ m - np.exp(-1j * omega * delays)
    return np.asarray(np.mean(np.abs(error) ** 2, axis=0))


def percent(share: float, *, up: bool = False) -> str:
    """Return a share in percent to three digits; rounded up, so that it is an accuracy to ask for.

    Examples
    --------
    >>> percent(0.010004), percent(0.010004, up=True)
    ('1 %', '1.01 %')
    """
    value = 100.0 * share
    if up and float(f"{value:.3g}") < value:
        # half a unit of the third digit, or more
        value *= 1.005
    return f"{value:.3g} %"
