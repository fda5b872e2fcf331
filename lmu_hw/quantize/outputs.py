"""Output vectors of a memory's program: readout matrix, format, and operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..memory.legendre import decoder
from ..memory.spec import LMUSpec, OutputKind, shorten
from ..program.fixedpoint import QFormat
from ..program.integer_program import Linear, Pointwise, Scale, Term
from .coefficients import round_rows, round_scale
from .rounded_memory import RoundedMemory
from .state_formats import Bound, fit


@dataclass(frozen=True, eq=False, kw_only=True)
class Output:
    """An output vector of the program.

    Attributes
    ----------
    name : str
    fmt : QFormat
    rows : float array, shape (n, d)
        ``value = rows @ z`` in real units, with the coefficients that the program uses.
    operation : callable
        Returns the operation that computes the vector.
    about : str
        Meaning of its words.
    """

    name: str
    about: str
    fmt: QFormat
    rows: Array
    operation: Callable[[], Linear | Scale | Pointwise]


def output_rows(spec: LMUSpec, memory: RoundedMemory) -> Array:
    """Return C with ``y = C z`` before rounding of C; no rows if the output is the state."""
    if spec.output is OutputKind.STATE:
        return np.zeros((0, spec.order))
    return output_matrix(spec) @ memory.readout


def output_matrix(spec: LMUSpec) -> Array:
    """Return C with ``y = C m``: the identity, or a decoder row for each tap."""
    return decoder(spec.order, spec.taps) if spec.taps else np.eye(spec.order)


def make_outputs(
    spec: LMUSpec,
    memory: RoundedMemory,
    peak: float,
    bounds: Mapping[str, Bound],
    weight_bits: int,
) -> tuple[Output, ...]:
    """Return the output vectors of a program, given the formats of its recurrent signals.

    Parameters
    ----------
    spec, memory
    peak : float
        Largest magnitude that any row of `output_rows` can reach.
    bounds : mapping of str to Bound
        Worst case and format of every recurrent signal.
    weight_bits : int
        Width of the readout's coefficients.
    """
    as_is = spec.output is OutputKind.STATE or (
        spec.output is OutputKind.MEMORY and list(memory.states) == ["m"]
    )
    if as_is:
        return tuple(
            _requantized(spec, name, rows, bounds[name]) for name, rows in memory.states.items()
        )
    if spec.output is OutputKind.MEMORY and list(memory.states) == ["w"]:
        return (_scaled(spec, memory, peak, bounds["w"], weight_bits),)
    values = np.vstack(list(memory.states.values()))
    lsbs = np.concatenate(
        [np.full(len(rows), bounds[name].fmt.lsb) for name, rows in memory.states.items()]
    )
    wanted = output_rows(spec, memory)
    # each state word is one scaled coordinate of z, so that dividing by the scale inverts it
    per_value = wanted @ (values.T / np.sum(values**2, axis=1))
    fmt = fit(peak * (1.0 + 2.0**-16), spec.bits)
    rounded = round_rows(per_value * lsbs / fmt.lsb, weight_bits, "the readout")

    def operation() -> Linear:
        rows, shifts = rounded.tuples()
        return Linear(
            sources=tuple(memory.states),
            target="y",
            n_channels=spec.channels,
            rows=rows,
            aligns=(0,) * len(memory.states),
            biases=(0,) * len(rows),
            multipliers=(1,) * len(rows),
            shifts=shifts,
        )

    exact = (rounded.real() * fmt.lsb / lsbs) @ values
    return (Output(name="y", fmt=fmt, rows=exact, operation=operation, about=_meaning(spec)),)


def _scaled(
    spec: LMUSpec, memory: RoundedMemory, peak: float, bound: Bound, weight_bits: int
) -> Output:
    """Return the output of a ladder, one coefficient a word: a power of two in even rows."""
    (values,) = memory.states.values()
    fmt = fit(peak * (1.0 + 2.0**-16), spec.bits)
    scale = np.diag(memory.readout @ (values.T / np.sum(values**2, axis=1)))
    coefs, shifts = round_scale(scale * bound.fmt.lsb / fmt.lsb, weight_bits, "the readout")

    def operation() -> Scale:
        return Scale(
            source="w",
            target="y",
            n_channels=spec.channels,
            coefs=coefs,
            shifts=shifts,
        )

    exact = np.ldexp(np.array(coefs, dtype=np.float64), -np.array(shifts)) * fmt.lsb / bound.fmt.lsb
    return Output(
        name="y", fmt=fmt, rows=exact[:, None] * values, operation=operation, about=_meaning(spec)
    )


def _meaning(spec: LMUSpec) -> str:
    """Return the meaning of the words of ``y``."""
    if not spec.taps:
        return f"y[k]: Legendre coefficient k of the last {spec.theta:.12g} samples, u included"
    delays = ", ".join(shorten([tap * spec.theta - spec.lead for tap in spec.taps]))
    return f"y[k]: u delayed by {delays} samples"


def _requantized(spec: LMUSpec, name: str, rows: Array, bound: Bound) -> Output:
    target = "y" if name == "m" else f"y_{name.removeprefix('z_')}"
    return Output(
        name=target,
        fmt=fit(bound.peak, spec.bits),
        about=_meaning(spec) if name == "m" else f"{name} rounded; readout.npy makes m of all y",
        rows=rows,
        operation=lambda: Pointwise(terms=(Term(name),), target=target),
    )
