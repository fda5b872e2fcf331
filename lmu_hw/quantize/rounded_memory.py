"""Round the coefficients of a memory; all realizations share one interface.

`round_cascade`, `round_dense` and `lmu_hw.quantize.rounded_ladder.round_ladder` return a
`RoundedMemory`: a recurrence in orthonormal coordinates, the state vectors and their meaning, the
signals that need a format, the entry points of rounding errors, and the program operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..memory.legendre import StateSpace
from ..memory.wave_digital import AdaptorChain, build_chain, fit_readout
from ..program.fixedpoint import QFormat
from ..program.integer_program import Cascade, DenseUpdate, MemoryUpdate
from .bounds import Recurrence
from .coefficients import real_sections, round_rows, round_sections

NOT_PROVEN = "not proven (the rounded matrix has a norm of 1 or more)"
Formats = Mapping[str, QFormat]


@dataclass(frozen=True, eq=False, kw_only=True)
class MemorySignal:
    """A recurrent signal in real units: ``rows @ z + direct * u``.

    If ``direct`` is zero, z is the state after the step, otherwise before it. ``same_step`` bounds,
    for the LSB of each format, the errors that roundings within a step add to each row; None for
    the bound of a chain, see `lmu_hw.quantize.state_formats`.
    """

    fmt_name: str
    rows: Array
    direct: Array
    same_step: Mapping[str, Array] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundedMemory:
    """A memory with rounded coefficients, before word formats are chosen.

    Attributes
    ----------
    recurrence : Recurrence
        The recurrence in orthonormal coordinates z.
    states : dict of str to float array
        For each state vector, rows with ``value = row @ z`` for the real value of each word.
    signals : tuple of MemorySignal
        All signals that need a format, the states included.
    noise : callable
        Maps the LSB of each format to the effect on z of a one-LSB rounding error at each source,
        shape (d, n_sources).
    worst_noise : callable
        The same for roundings that err independently of each other, as in a zero-input run.
    readout : float array, shape (d, d)
        ``m = readout @ z``.
    response : callable
        Maps points on the unit circle to the transfer functions from u to z.
    operation : callable
        Returns the program's operation for given formats and zero-run window.
    decay : str
        ``proven``, or why a zero-input run is not proven to reach zero.
    multiplies : int
        Multiplies of a step in each channel.
    stall_sigmas : float
        Constant rounding errors of the settled recursion that the error budget allows [sigma].
    """

    recurrence: Recurrence
    states: dict[str, Array]
    signals: tuple[MemorySignal, ...]
    noise: Callable[[Mapping[str, float]], Array]
    worst_noise: Callable[[Mapping[str, float]], Array]
    readout: Array
    response: Callable[[np.ndarray], np.ndarray]
    operation: Callable[[Formats, int], MemoryUpdate]
    decay: str
    multiplies: int
    stall_sigmas: float = 3.0


def round_cascade(system: StateSpace, ideal: AdaptorChain, coef_bits: int) -> RoundedMemory:
    """Round the adaptors of ``ideal`` and refit the readout to the rounded chain."""
    sections = round_sections(ideal.sections, coef_bits)
    chain = build_chain(real_sections(sections))
    value = np.diag(1.0 / chain.weight)
    states = {"z_inner": value[~chain.is_outer]}
    signals = [MemorySignal(fmt_name="chain", rows=chain.w_rows, direct=chain.w_direct)]
    if chain.is_outer.any():
        states = {"z_outer": value[chain.is_outer], **states}
        signals.append(MemorySignal(fmt_name="z_outer", rows=chain.f_rows, direct=chain.f_direct))

    def noise(lsb: Mapping[str, float]) -> Array:
        unit = {"chain": lsb["chain"], "inner": lsb["z_inner"], "outer": lsb.get("z_outer", 0.0)}
        return np.asarray(chain.noise * np.array([unit[kind] for kind in chain.noise_kind]))

    def operation(formats: Formats, window: int) -> Cascade:
        return Cascade(
            source="u",
            z_outer="z_outer" if "z_outer" in states else "",
            z_inner="z_inner",
            silence="silence",
            chain_fmt=formats["chain"],
            window=window,
            sections=sections,
        )

    return RoundedMemory(
        recurrence=Recurrence(A=chain.A, b=chain.b),
        states=states,
        signals=(*state_signals(states), *signals),
        noise=noise,
        worst_noise=noise,
        readout=fit_readout(system, chain),
        response=chain.response,
        operation=operation,
        decay="proven",
        multiplies=chain.order,
    )


def round_dense(system: StateSpace, coef_bits: int) -> RoundedMemory:
    """Round Abar - I with one exponent for each row; Bbar follows from unit gain at DC."""
    rounded = round_rows(system.A, coef_bits, "the dense matrix")
    scale = system.scale
    A = rounded.real() * (scale[None, :] / scale[:, None])
    recurrence = Recurrence(A=A, b=-A[:, 0] / scale[0])
    norm = float(np.linalg.norm(np.eye(len(A)) + A, 2))
    states = {"m": np.diag(scale)}

    def noise(lsb: Mapping[str, float]) -> Array:
        # the last source is the rounding of the input word to the state's frac_bits
        return lsb["m"] * np.column_stack([np.diag(1.0 / scale), recurrence.b])

    def operation(formats: Formats, window: int) -> DenseUpdate:
        rows, shifts = rounded.tuples()
        return DenseUpdate(
            source="u", state="m", silence="silence", window=window, rows=rows, shifts=shifts
        )

    return RoundedMemory(
        recurrence=recurrence,
        states=states,
        signals=state_signals(states),
        noise=noise,
        worst_noise=noise,
        readout=np.diag(scale),
        response=recurrence.response,
        operation=operation,
        decay="proven" if norm <= 1.0 - 1e-12 else NOT_PROVEN,
        multiplies=len(A) ** 2,
    )


def state_signals(states: dict[str, Array]) -> tuple[MemorySignal, ...]:
    """Return the state vectors as signals that need a format."""
    return tuple(
        MemorySignal(fmt_name=name, rows=rows, direct=np.zeros(len(rows)))
        for name, rows in states.items()
    )


def silence_window(theta: float) -> int:
    """Return the length of a zero-input run that fills the window with zeros [steps]."""
    return max(1, math.ceil(theta))
