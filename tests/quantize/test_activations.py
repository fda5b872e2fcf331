"""Activations as integer polynomials, word by word against exact functions of Python's own."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.models.forward import activate
from lmu_hw.models.network import Activation
from lmu_hw.program.fixedpoint import Overflow, QFormat, overflow
from lmu_hw.program.integer_program import Function
from lmu_hw.program.interpreter import evaluate_function
from lmu_hw.program.size import function_bits
from lmu_hw.quantize import activations
from lmu_hw.quantize.activations import input_format, make_function, result_format
from tests.program.reference import applied

BOUNDED = [
    Activation.TANH,
    Activation.SIGMOID,
    Activation.RELU6,
    Activation.HARD_TANH,
    Activation.HARD_SIGMOID,
    Activation.HARD_SIGMOID_5,
]
SMOOTH = BOUNDED[:2]
BITS = range(4, 17)


EXACT: dict[Activation, Callable[[float], float]] = {
    Activation.TANH: math.tanh,
    Activation.SIGMOID: lambda x: 1.0 / (1.0 + math.exp(-x)),
    Activation.RELU6: lambda x: min(max(x, 0.0), 6.0),
    Activation.HARD_TANH: lambda x: min(max(x, -1.0), 1.0),
    Activation.HARD_SIGMOID: lambda x: min(max(x / 6.0 + 0.5, 0.0), 1.0),
    Activation.HARD_SIGMOID_5: lambda x: min(max(x / 5.0 + 0.5, 0.0), 1.0),
}


def made(activation: Activation, bits: int) -> tuple[Function, QFormat]:
    out_fmt = result_format(activation, bits)
    assert out_fmt is not None
    return make_function(activation, out_fmt), out_fmt


def words(f: Function) -> np.ndarray:
    return np.arange(f.in_fmt.min, f.in_fmt.max + 1)


@pytest.mark.some(31)
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("activation", BOUNDED)
def test_every_word_is_within_one_lsb_of_the_exact_function(
    activation: Activation, bits: int
) -> None:
    f, out_fmt = made(activation, bits)
    f.check()
    got = overflow(evaluate_function(f, words(f)), out_fmt, Overflow.SAT)
    wanted = np.array(list(map(EXACT[activation], (words(f) * f.in_fmt.lsb).tolist())))
    wanted = np.clip(wanted * 2.0**out_fmt.frac_bits, out_fmt.min, out_fmt.max)
    # float64 itself is far from exact to less than 1e-9 LSB
    assert np.max(np.abs(got - wanted)) <= 1.0 + 1e-9


@pytest.mark.parametrize("activation", BOUNDED)
def test_plain_python_agrees_on_every_piece(activation: Activation) -> None:
    f, _ = made(activation, 10)
    got = evaluate_function(f, words(f)).tolist()
    assert got == [applied(f, x) for x in words(f).tolist()]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("activation", BOUNDED)
def test_beyond_the_input_format_the_exact_function_is_flat(
    activation: Activation, bits: int
) -> None:
    """A sum that saturates is as good as its last word: the limits are within an LSB of it."""
    f, out_fmt = made(activation, bits)
    ends = overflow(
        evaluate_function(f, np.array([f.in_fmt.min, f.in_fmt.max])), out_fmt, Overflow.SAT
    )
    far = [EXACT[activation](-500.0), EXACT[activation](500.0)]
    limits = np.clip(np.ldexp(far, out_fmt.frac_bits), out_fmt.min, out_fmt.max)
    assert np.max(np.abs(ends - limits)) <= 1.0


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("activation", BOUNDED)
def test_the_input_is_fine_enough(activation: Activation, bits: int) -> None:
    """Rounding the sum to the input format moves the result by no more than a quarter LSB."""
    out_fmt = result_format(activation, bits)
    assert out_fmt is not None
    x = np.linspace(-8.0, 8.0, 16_001)
    slope = np.max(np.abs(np.diff(activate(activation, x)) / np.diff(x)))
    # a difference quotient is a little off the slope
    slope = round(float(slope), 3)
    assert 0.5 * input_format(activation, out_fmt).lsb * slope <= 0.25 * out_fmt.lsb


@pytest.mark.parametrize("activation", [*BOUNDED, *Activation])
@pytest.mark.parametrize("bits", BITS)
def test_every_word_of_a_result_fits_a_signed_word_of_16_bits(
    activation: Activation, bits: int
) -> None:
    fmt = result_format(activation, bits)
    if activation in BOUNDED:
        assert fmt is not None
        assert fmt.width == min(bits, 16 if fmt.signed else 15)
        assert -(1 << 15) <= fmt.min < fmt.max < 1 << 15
    else:
        assert fmt is None


@pytest.mark.parametrize("activation", SMOOTH)
def test_tables_stay_small_and_multipliers_narrow(activation: Activation) -> None:
    sizes = []
    for bits in BITS:
        f, out_fmt = made(activation, bits)
        sizes.append(function_bits(f))
        # against a table of every word
        assert sizes[-1] <= 0.5 * out_fmt.width * 2**f.in_fmt.width
        slopes = [c for piece in f.pieces for c in piece[1:]]
        assert max(map(abs, slopes), default=0) <= 1 << 15
        assert not f.shifts or f.rest_bits <= activations.MAX_REST_BITS
    assert sizes[BITS.index(8)] <= 1024
    assert sizes[-1] <= 16384
    assert sizes == sorted(sizes)


def test_function_bits_by_hand() -> None:
    f = Function(name="f", in_fmt=QFormat(1, 3), pieces=((-4, 3), (5, 0)), shifts=(1,), guard=0)
    # -4 to 5 takes 4 bits, 0 to 3 takes 3; two pieces of both
    assert function_bits(f) == 2 * (4 + 3)


def test_the_same_function_is_made_once() -> None:
    fmt = QFormat(1, 15)
    assert make_function(Activation.TANH, fmt) is make_function(Activation.TANH, fmt)


def test_what_takes_too_many_pieces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "MAX_LOG2_PIECES", 3)
    with pytest.raises(SpecError, match="tanh to 13-bit words would take more than 8 pieces"):
        # a format that no other test asks for: results are kept
        make_function(Activation.TANH, QFormat(2, 11))
