"""Round the coefficients of a ladder: lossless whatever they become."""

from __future__ import annotations

import numpy as np

from ..memory.ladder import WaveErrors, WaveLadder, Waves, wave_scale
from ..program.integer_program import Ladder
from . import coefficients
from .bounds import Recurrence
from .rounded_memory import Formats, MemorySignal, RoundedMemory, state_signals

STALL_SIGMAS = 2.25
"""Constant rounding errors of a settled ladder that the error budget allows [sigma].

Settled under a constant input, most sections round a t near 0, not a random one. The largest of
thousands of constants have errors of 2.04 sigma (d = 4), 1.9 (d = 5 to 12) and less for larger d.
"""


def round_ladder(order: int, theta: float, substeps: int, coef_bits: int) -> RoundedMemory:
    """Round the ladder of a bilinear memory; z are its waves in orthonormal coordinates.

    A substep is the step of the recurrence: the interpolated input stays within the input's range,
    so that bounds for |u| <= 1 hold for every substep.

    Parameters
    ----------
    order : int
    theta : float
        Window length [samples], > 0.
    substeps : int
    coef_bits : int
        Width of the coefficients, sign included.
    """
    sections, reflection = coefficients.ladder_coefficients(order, theta * substeps, coef_bits)
    rounded = coefficients.real_ladder(sections, reflection)
    weight, n = rounded.weight, order
    steps = rounded.substep(np.eye(n), np.zeros(n))
    driven = rounded.substep(np.zeros((n, 1)), np.ones(1))
    A = (steps.state - np.eye(n)) * (weight[:, None] / weight[None, :])
    recurrence = Recurrence(A=A, b=weight * driven.state[:, 0])
    states = {"w": np.diag(1.0 / weight)}
    worst = _ladder_errors(rounded, independent=True)
    white = weight[:, None] * _ladder_errors(rounded, independent=False).state
    # by one LSB at each source
    same_step = np.vstack([worst.left, worst.right])
    waves = MemorySignal(
        fmt_name="w",
        rows=np.vstack([steps.left, steps.right]) / weight,
        direct=np.concatenate([driven.left, driven.right])[:, 0],
        same_step={"w": np.abs(same_step).sum(axis=1)},
    )

    def operation(formats: Formats, window: int) -> Ladder:
        return Ladder(
            source="u",
            state="w",
            previous="previous" if substeps > 1 else "",
            silence="silence",
            window=window,
            substeps=substeps,
            sections=sections,
            reflection=reflection,
        )

    return RoundedMemory(
        recurrence=recurrence,
        states=states,
        signals=(*state_signals(states), waves),
        noise=lambda lsb: lsb["w"] * white,
        worst_noise=lambda lsb: lsb["w"] * weight[:, None] * worst.state,
        readout=np.diag(wave_scale(order, theta * substeps) / weight),
        response=lambda z: weight[:, None] * rounded.response(z, substeps),
        operation=operation,
        decay="proven",
        multiplies=(order + 1) * substeps,
        stall_sigmas=STALL_SIGMAS,
    )


def _ladder_errors(rounded: WaveLadder, *, independent: bool) -> Waves:
    """Return the effect on the waves of an error of 1 at every rounding, a column each.

    Rounded half up, the sums of a section err together, by the error of t; toward zero, each errs
    by itself. The last columns are the source and the rounding of its input.
    """
    n = rounded.order
    eye, odd, none = np.eye(n), np.diag(np.arange(n) % 2).astype(np.float64), np.zeros((n, n))
    if independent:
        parts = [[odd, none, none], [none, eye, none], [none, none, eye]]
    else:
        parts = [[odd], [eye], [-eye]]
    left, right, state = (np.hstack([*part, np.zeros((n, 2))]) for part in parts)
    source = np.zeros((1, left.shape[1]))
    source[0, -2:] = 1.0, 1.0 + rounded.reflection
    errors = WaveErrors(left=left, right=right, state=state, source=source)
    return rounded.substep(np.zeros_like(left), np.zeros(left.shape[1]), errors)
