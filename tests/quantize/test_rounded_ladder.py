"""Quantized ladders: the error budget, formats that hold, cheaper than d squared, refusals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.ladder import WaveErrors, ladder, wave_scale
from lmu_hw.memory.legendre import decoder, state_space
from lmu_hw.memory.spec import Discretizer, LMUSpec, OutputKind, RealizationKind
from lmu_hw.program import word_vectors
from lmu_hw.program.fixedpoint import to_real
from lmu_hw.program.integer_program import Ladder, Role, Scale
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize import coefficients, memory_search
from lmu_hw.quantize.coefficients import ladder_coefficients, real_ladder
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.memory_search import ERROR_BUDGET
from lmu_hw.quantize.quantize_memory import candidates, quantize_memory
from lmu_hw.quantize.rounded_ladder import round_ladder


def quantized(order: int, theta: float, **options: object) -> QuantizedMemory:
    keys = {"discretizer": Discretizer.BILINEAR, "realization": RealizationKind.LADDER} | options
    return quantize_memory(LMUSpec(order=order, theta=theta, **keys))  # type: ignore[arg-type]


def measured(design: QuantizedMemory) -> np.ndarray:
    """Return the RMS error of every output word for noise, a square wave and a constant [LSB]."""
    spec, rng = design.spec, np.random.default_rng(5)
    n = int(4 * spec.theta)
    square = np.sign(np.sin(2 * np.pi * 1.7 * np.arange(n) / spec.theta) + 1e-9)
    u = np.stack([rng.uniform(-1, 1, n), square, np.full(n, 0.7)], axis=1)
    fmt, y = design.program.vectors[0].fmt, design.program.with_role(Role.OUTPUT)[0].fmt
    words = np.clip(np.floor(u / fmt.lsb + 0.5).astype(np.int64), fmt.min, fmt.max)
    got = to_real(Interpreter(design.program, 3).run(words[:, :, None]), y)
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    rows = decoder(spec.order, spec.taps) if spec.taps else None
    wanted = run_memory(system, to_real(words, fmt), rows)
    error: np.ndarray = np.sqrt(np.mean((got - wanted)[n // 2 :] ** 2, axis=0)) / y.lsb
    return error


SIZES = [
    *((1, 8.0, 16, 1), (2, 16.0, 16, 1), (6, 100.0, 12, 1), (6, 100.0, 16, 1), (6, 100.0, 20, 1)),
    *(
        (6, 9.5, 8, 2),
        (6, 100.0, 16, 8),
        (16, 128.0, 16, 1),
        (16, 128.0, 12, 4),
        pytest.param(64, 512.0, 16, 1, marks=pytest.mark.soak),
    ),
]


@pytest.mark.some(5)
@pytest.mark.parametrize(("order", "theta", "bits", "substeps"), SIZES)
def test_the_error_budget_is_kept(order: int, theta: float, bits: int, substeps: int) -> None:
    design = quantized(order, theta, bits=bits, substeps=substeps)
    assert design.error <= ERROR_BUDGET
    # measured for inputs of full scale; the prediction holds for every one
    assert measured(design).max() <= design.error
    ladder_op, scale = design.program.ops
    assert isinstance(ladder_op, Ladder)
    assert isinstance(scale, Scale)
    assert design.program.multiplies_per_step <= (order + 1) * substeps + order // 2


def test_ninety_seven_multiplies() -> None:
    """d = 64 at 16 bits: 65 for the memory and 32 for the odd rows of m."""
    assert quantized(64, 512.0).program.multiplies_per_step == 97


def test_taps_read_the_ladder() -> None:
    design = quantized(12, 96.0, output=OutputKind.TAPS, taps=(0.0, 0.3, 1.0))
    assert design.error <= ERROR_BUDGET
    assert measured(design).max() <= design.error
    assert design.program.multiplies_per_step == 13 + 36


@pytest.mark.parametrize("substeps", [1, 2])
def test_the_state_reads_as_the_memory(substeps: int) -> None:
    design = quantized(5, 60.0, output=OutputKind.STATE, substeps=substeps)
    assert design.error <= ERROR_BUDGET
    np.testing.assert_allclose(np.diag(design.readout), wave_scale(5, 60.0 * substeps), rtol=1e-12)
    (y,) = design.program.with_role(Role.OUTPUT)
    assert y.name == "y_w"
    u = np.random.default_rng(1).integers(-(1 << 15), 1 << 15, 400)
    got = to_real(Interpreter(design.program).run(u[:, None, None])[:, 0], y.fmt)
    system = discretize(state_space(5), 60.0, Discretizer.BILINEAR, substeps)
    wanted = run_memory(system, u[:, None] / 2.0**15)[:, 0]
    error = (got @ design.readout.T - wanted) / (np.diag(design.readout) * y.fmt.lsb)
    assert np.sqrt(np.mean(error**2, axis=0)).max() <= design.error


def test_auto_takes_the_ladder_where_it_is_cheaper() -> None:
    def chosen(discretizer: Discretizer, **options: object) -> RealizationKind:
        spec = LMUSpec(order=8, theta=64.0, discretizer=discretizer, **options)  # type: ignore[arg-type]
        return quantize_memory(spec).realization

    assert chosen(Discretizer.BILINEAR) is RealizationKind.LADDER
    assert chosen(Discretizer.BILINEAR, substeps=2, output=OutputKind.STATE) is (
        RealizationKind.LADDER
    )
    assert chosen(Discretizer.BILINEAR, output=OutputKind.STATE) is RealizationKind.CASCADE
    # with taps the cascade takes one multiply less
    assert chosen(Discretizer.BILINEAR, output=OutputKind.TAPS, taps=(1.0,)) is (
        RealizationKind.CASCADE
    )
    assert chosen(Discretizer.ZOH) is RealizationKind.CASCADE


def test_candidates_offer_every_realization() -> None:
    spec = LMUSpec(order=4, theta=32.0, discretizer=Discretizer.BILINEAR)
    kinds = [design.realization for design in candidates(spec)]
    assert kinds == [RealizationKind.LADDER, RealizationKind.CASCADE, RealizationKind.DENSE]


@pytest.mark.parametrize(("order", "theta"), [(6, 100.0), (16, 128.0), (64, 512.0), (64, 784.0)])
def test_delay_kept_along_the_ladder_halves_the_error(order: int, theta: float) -> None:
    """Against each coefficient rounded by itself, in the mean over widths."""
    exact, scale = ladder(order, theta), wave_scale(order, theta)[:, None]
    z = np.exp(1j * np.logspace(-4, np.log10(np.pi), 400))

    def worst(rounded: np.ndarray) -> float:
        error = real(rounded).response(z) - exact.response(z)
        return float(np.abs(scale * error).max())

    def real(sections: np.ndarray) -> object:
        return type(exact)(sections=sections, reflection=exact.reflection)

    kept, alone = [], []
    for bits in (16, 17, 18, 19, 20):
        kept.append(worst(real_ladder(*ladder_coefficients(order, theta, bits)).sections))
        step = 2.0 ** (np.frexp(exact.sections)[1] - (bits - 1))
        alone.append(worst(np.round(exact.sections / step) * step))
    assert np.mean(np.log2(kept)) < np.mean(np.log2(alone)) - 0.3


def test_waves_stay_in_their_format_for_the_worst_input() -> None:
    """The input whose signs are those of a wave's impulse response comes within its bound."""
    design = quantized(4, 24.0)
    (bound,) = design.bounds
    exact = ladder(4, 24.0)
    n = 600
    w, h = np.zeros((4, 1)), []
    for t in range(n):
        waves = exact.substep(w, np.array([float(t == 0)]))
        w = waves.state
        h.append(np.concatenate([w[:, 0], waves.left[:, 0], waves.right[:, 0]]))
    response = np.array(h)
    k = int(np.argmax(np.abs(response).sum(axis=0)))
    u = np.where(response[::-1, k] >= 0, 32767, -32768)
    words: list[float] = []
    interpreter = Interpreter(design.program)
    fmt = design.program.vector("w").fmt
    interpreter.run(
        u[:, None, None], watch=lambda all_words: words.append(np.abs(all_words["w"]).max())
    )
    assert max(words) * fmt.lsb <= bound.peak <= -fmt.min * fmt.lsb
    assert np.abs(response).sum(axis=0).max() > 0.95 * bound.peak
    if k < 4:
        assert max(words) * fmt.lsb > 0.95 * bound.peak


def test_too_wide_words_leave_narrower_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that widens coefficients too far at once comes back."""
    monkeypatch.setattr(memory_search, "_wider", lambda width, excess, widest: widest)
    monkeypatch.setattr(word_vectors, "MAX_WORD_BITS", 49)
    design = quantized(16, 128.0)
    (op, _) = design.program.ops
    assert isinstance(op, Ladder)
    assert 18 <= design.coef_bits < 24
    assert design.error <= ERROR_BUDGET
    monkeypatch.setattr(word_vectors, "MAX_WORD_BITS", 44)
    with pytest.raises(SpecError, match=r"more than 63 bits: .*, or --realization cascade"):
        quantized(16, 128.0)


def test_auto_says_why_it_is_no_ladder() -> None:
    spec = LMUSpec(order=6, theta=1e4, bits=20, discretizer=Discretizer.BILINEAR)
    design = quantize_memory(spec)
    assert design.realization is RealizationKind.CASCADE
    assert design.reason == "a ladder, with fewer multiplies, cannot keep the error budget"


def test_given_widths_are_compared_by_their_error() -> None:
    spec = LMUSpec(
        order=8, theta=64.0, discretizer=Discretizer.BILINEAR, coef_bits=4, state_bits=20
    )
    design = quantize_memory(spec)
    assert design.realization is RealizationKind.CASCADE
    assert design.error < quantized(8, 64.0, coef_bits=4, state_bits=20).error
    assert design.reason == "the widths given keep no error budget"


@pytest.mark.parametrize("substeps", [1, 2, 8])
def test_a_pole_at_zero_is_a_pole(substeps: int) -> None:
    """The trapezoidal rule moves a pole of -2 substeps to exactly zero."""
    system = discretize(state_space(1), 0.5 / substeps, Discretizer.BILINEAR, substeps)
    assert system.spectral_radius() == 0.0


def test_refusals() -> None:
    with pytest.raises(SpecError, match=r"use more --coef-bits, fewer --bits, --realization"):
        quantized(8, 64.0, coef_bits=4)
    with pytest.raises(SpecError, match=r"use fewer --state-bits, --bits or --coef-bits"):
        quantized(8, 64.0, state_bits=48)
    # a state that is too narrow is refused before the coefficients are widened in vain
    with pytest.raises(SpecError, match=r"a ladder with a state of 48 bits .*fewer --substeps"):
        quantized(6, 1e6, substeps=8)
    with pytest.raises(SpecError, match=r"state of 48 bits .*, --realization cascade, or set"):
        quantized(2, 1e6)
    with pytest.raises(SpecError, match=r"a ladder must go with the bilinear discretizer, not zoh"):
        quantized(6, 100.0, discretizer=Discretizer.ZOH)
    with pytest.raises(SpecError, match=r"a ladder with coefficients of 8 bits .* cannot keep 16"):
        quantized(16, 128.0, coef_bits=8)


def test_same_step_errors_are_the_worst_signs() -> None:
    """Of three sections: every sign of every rounded word, by one substep each."""
    memory = round_ladder(3, 12.0, 1, 12)
    exact = coefficients.real_ladder(*ladder_coefficients(3, 12.0, 12))
    # the words that are rounded: one to the left, three to the right, three states, source and x
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=9))).T
    left = np.zeros((3, signs.shape[1]))
    left[1] = signs[0]
    source = signs[7] + (1.0 + exact.reflection) * signs[8]
    errors = WaveErrors(left=left, right=signs[1:4], state=signs[4:7], source=source[None])
    waves = exact.substep(np.zeros_like(left), np.zeros(signs.shape[1]), errors)
    (signal,) = (s for s in memory.signals if s.same_step is not None)
    assert signal.same_step is not None
    worst = np.abs(np.vstack([waves.left, waves.right])).max(axis=1)
    np.testing.assert_allclose(signal.same_step["w"], worst, rtol=1e-12)


@pytest.mark.parametrize(("order", "theta"), [(2, 16.0), (5, 60.0)])
def test_white_roundoff_is_as_predicted(order: int, theta: float) -> None:
    """Under noise, of every state: errors of one section are one error, with its signs."""
    design = quantized(order, theta, state_bits=20, coef_bits=20)
    op, fmt = design.program.ops[0], design.program.vector("w").fmt
    assert isinstance(op, Ladder)
    exact = coefficients.real_ladder(op.sections, op.reflection)
    memory = round_ladder(order, theta, 1, 20)
    covariance = memory.recurrence.rounding_covariance(memory.noise({"w": fmt.lsb}))
    rows = memory.states["w"]
    predicted = np.sqrt(np.sum((rows @ covariance) * rows, axis=1))
    n = int(20 * theta)
    u = np.random.default_rng(2).integers(-32767, 32768, (n, 200))
    w, squares, steps = np.zeros((order, 200)), np.zeros(order), iter(u / 2.0**15)

    def compare(words: Mapping[str, np.ndarray]) -> None:
        nonlocal w, squares
        w = exact.substep(w, next(steps)).state
        squares = squares + np.mean((words["w"].T * fmt.lsb - w) ** 2, axis=1)

    Interpreter(design.program, 200).run(u[:, :, None], watch=compare)
    np.testing.assert_allclose(np.sqrt(squares / n), predicted, rtol=0.1)
