"""Memories keep the error budget, cannot overflow, and decay to exactly zero."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.capacity import capacity
from benchmarks.word_lengths import WIDTHS, measure, snr_of
from lmu_hw.errors import SpecError, UnstableError
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.legendre import decoder, state_space
from lmu_hw.memory.spec import Discretizer, LMUSpec, OutputKind, RealizationKind
from lmu_hw.memory.wave_digital import build_chain
from lmu_hw.program.fixedpoint import from_real, to_real
from lmu_hw.program.integer_program import Cascade, DenseUpdate, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.coefficients import real_sections
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.memory_search import ERROR_BUDGET
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.tools import needs

WITHIN_BUDGET = [(6, 100), (16, 256), (64, 128), (64, 512), (64, 784), (128, 784), (256, 784)]


tools = needs("cc|gcc|clang")


def spec_of(order: int, theta: float, **options: object) -> LMUSpec:
    return LMUSpec(order=order, theta=float(theta), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "theta", "bits"),
    [
        pytest.param(*size, bits, marks=[pytest.mark.soak] * (size[0] >= 128))
        for size in WITHIN_BUDGET
        for bits in (12, 16, 20)
    ],
)
def test_cascade_keeps_the_error_budget(order: int, theta: int, bits: int) -> None:
    design = quantize_memory(spec_of(order, theta, bits=bits, realization=RealizationKind.CASCADE))
    error, _ = measure(design)
    assert design.error <= ERROR_BUDGET
    assert error.max() <= ERROR_BUDGET
    assert design.program.multiplies_per_step == order + order**2
    assert design.program.multiplies(design.program.ops[0]) <= 4 * order + 4


@pytest.mark.parametrize(("order", "theta", "bits"), [(6, 100, 12), (6, 100, 16), (64, 128, 12)])
def test_dense_keeps_the_error_budget_where_it_can(order: int, theta: int, bits: int) -> None:
    design = quantize_memory(spec_of(order, theta, bits=bits, realization=RealizationKind.DENSE))
    error, _ = measure(design)
    assert error.max() <= ERROR_BUDGET
    assert isinstance(design.program.ops[0], DenseUpdate)


@pytest.mark.parametrize("row", WIDTHS, ids=lambda row: "-".join(map(str, row[:4])))
def test_snr_reaches_what_was_measured_before(row: tuple[int, ...]) -> None:
    order, theta, state_bits, coef_bits, _, floor = row
    assert snr_of(order, theta, state_bits, coef_bits, RealizationKind.CASCADE) >= floor


@pytest.mark.parametrize("T", [100, 1000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_capacity_within_ten_percent_of_float(T: int) -> None:
    _, floats, integers = capacity(T)
    np.testing.assert_allclose(integers, floats, rtol=0.1)


def test_decay_from_any_state_in_the_interpreter() -> None:
    design = quantize_memory(spec_of(5, 30))
    interpreter = Interpreter(design.program, 8)
    rng = np.random.default_rng(0)
    words = [
        rng.integers(v.fmt.min, v.fmt.max + 1, (8, v.length))
        for v in design.program.with_role(Role.STATE)
    ]
    interpreter.load(np.minimum(np.concatenate(words, axis=1), [*[1 << 40] * 5, 30]))
    interpreter.run(np.zeros((8 * 30, 8, 1), dtype=np.int64))
    assert not interpreter.save()[:, :-1].any()


@pytest.mark.parametrize(("order", "theta"), [(3, 20), (6, 100), (16, 64)])
def test_worst_input_fills_the_format_but_does_not_overflow(order: int, theta: int) -> None:
    """The sign pattern that attains a state's l1 norm comes within its bound, never past."""
    design = quantize_memory(spec_of(order, theta, realization=RealizationKind.CASCADE))
    op = design.program.ops[0]
    assert isinstance(op, Cascade)
    chain = build_chain(real_sections(op.sections))
    n = 20 * theta
    h, z = np.empty((n, order)), chain.b.copy()
    for t in range(n):
        h[t] = z
        z = z + chain.A @ z
    bounds = {bound.signal: bound for bound in design.bounds}
    program = design.program
    offset = 0
    for v in program.with_role(Role.STATE)[:-1]:
        index = np.flatnonzero(chain.is_outer == (v.name == "z_outer"))
        k = int(np.argmax(np.abs(h[:, index] / chain.weight[index]).sum(axis=0)))
        worst = np.where(h[::-1, index[k]] >= 0, 32767, -32768)
        engine = BulkEngine(program)
        engine.run(worst[:, None, None])
        reached = to_real(engine.save()[0, offset + k], v.fmt)
        assert 0.95 * bounds[v.name].peak <= reached <= bounds[v.name].peak
        offset += v.length


@pytest.mark.parametrize("method", [Discretizer.EULER, Discretizer.BILINEAR])
def test_other_discretizers_keep_the_error_budget(method: Discretizer) -> None:
    design = quantize_memory(spec_of(6, 100, discretizer=method))
    error, _ = measure(design)
    assert error.max() <= ERROR_BUDGET


def test_taps_are_the_decoded_delays() -> None:
    taps = (0.0, 0.3, 1.0)
    design = quantize_memory(spec_of(12, 96, output=OutputKind.TAPS, taps=taps))
    program = design.program
    (y,) = program.with_role(Role.OUTPUT)
    assert y.about == "y[k]: u delayed by -0.5, 28.3, 95.5 samples"
    fmt_u, fmt_y = program.vectors[0].fmt, y.fmt
    u = np.sin(2 * np.pi * np.arange(600) / 96)
    words, _ = from_real(u, fmt_u)
    got = to_real(Interpreter(program).run(words[:, None, None])[:, 0], fmt_y)
    system = discretize(state_space(12), 96.0, Discretizer.ZOH)
    wanted = run_memory(system, to_real(words, fmt_u)[:, None], decoder(12, taps))[:, 0]
    assert np.sqrt(np.mean((got - wanted)[96:] ** 2, axis=0)).max() <= fmt_y.lsb


@pytest.mark.parametrize("realization", [RealizationKind.CASCADE, RealizationKind.DENSE])
def test_state_output_reads_as_the_memory(realization: RealizationKind) -> None:
    design = quantize_memory(spec_of(6, 100, output=OutputKind.STATE, realization=realization))
    program = design.program
    outputs = program.with_role(Role.OUTPUT)
    words, _ = from_real(np.random.default_rng(0).uniform(-1, 1, 500), program.vectors[0].fmt)
    got = Interpreter(program).run(words[:, None, None])[:, 0]
    lsb = np.concatenate([np.full(v.length, v.fmt.lsb) for v in outputs])
    system = discretize(state_space(6), 100.0, Discretizer.ZOH)
    wanted = run_memory(system, to_real(words, program.vectors[0].fmt)[:, None])[:, 0]
    reach = np.abs(design.readout) @ lsb  # every output word off by a whole LSB at once
    assert np.all(np.abs((got * lsb) @ design.readout.T - wanted) <= reach)


def test_channels_are_copies_of_one_channel() -> None:
    one = quantize_memory(spec_of(5, 40)).program
    three = quantize_memory(spec_of(5, 40, channels=3)).program
    u = np.random.default_rng(0).integers(-32768, 32768, (200, 3))
    together = Interpreter(three).run(u[:, None, :])[:, 0]
    for c in range(3):
        alone = Interpreter(one).run(u[:, None, c : c + 1])[:, 0]
        np.testing.assert_array_equal(together[:, 5 * c : 5 * c + 5], alone)


def test_auto_takes_the_cheapest_with_a_proof() -> None:
    cheap = quantize_memory(spec_of(1, 8))
    assert isinstance(cheap.program.ops[0], DenseUpdate)
    assert cheap.reason == "no more multiplies than the cascade, and its decay is proven too"
    design = quantize_memory(spec_of(64, 512))
    assert isinstance(design.program.ops[0], Cascade)
    assert "proof" in design.reason
    forced = quantize_memory(spec_of(1, 8, realization=RealizationKind.CASCADE))
    assert forced.reason == "asked for"


def test_forced_widths_are_taken_as_they_are() -> None:
    design = quantize_memory(spec_of(16, 256, state_bits=16, coef_bits=10, weight_bits=9))
    assert (design.state_bits, design.coef_bits, design.weight_bits) == (16, 10, 9)
    assert design.error > ERROR_BUDGET
    op = design.program.ops[0]
    assert isinstance(op, Cascade)
    assert max(a.coef for s in op.sections for a in s).bit_length() == 9


def test_impossible_requests_say_what_to_do() -> None:
    with pytest.raises(SpecError, match=r"cannot keep 16-bit words.* --realization cascade"):
        quantize_memory(spec_of(64, 784, realization=RealizationKind.DENSE, coef_bits=12))
    with pytest.raises(UnstableError, match=r"theta > 638\.7 samples, not 512"):
        quantize_memory(spec_of(64, 512, discretizer=Discretizer.EULER))
    with pytest.raises(SpecError, match="4 bits cannot hold a signal that reaches"):
        quantize_memory(spec_of(64, 784, state_bits=4))


def test_a_cascade_of_too_wide_words_is_left_for_a_dense_one() -> None:
    design = quantize_memory(spec_of(6, 10**6))
    assert isinstance(design.program.ops[0], DenseUpdate)
    assert "63 bits" in design.reason
    assert design.error <= ERROR_BUDGET
    with pytest.raises(SpecError, match=r"more than 63 bits: .* --realization dense"):
        quantize_memory(spec_of(6, 10**6, realization=RealizationKind.CASCADE))
    with pytest.raises(SpecError, match=r"8 bits cannot hold .*: use 14 or more"):
        quantize_memory(spec_of(64, 512, state_bits=8))


def test_prediction_covers_the_measurement() -> None:
    """The predicted error holds for every input, so no measured one may pass it."""
    for order, theta, bits in ((6, 100, 16), (16, 256, 12), (64, 128, 16)):
        design: QuantizedMemory = quantize_memory(spec_of(order, theta, bits=bits))
        error, _ = measure(design)
        assert error.max() <= design.error
        loose = quantize_memory(replace(design.spec, state_bits=design.state_bits - 4))
        assert measure(loose)[0].max() > error.max()


@pytest.mark.parametrize("method", Discretizer)
def test_the_delays_that_the_program_states_are_those_of_slow_signals(method: Discretizer) -> None:
    """A slow sine comes back later by as many samples as ``about`` says, to a fiftieth of one."""
    taps = (0.25, 0.5, 1.0)
    spec = spec_of(12, 96, discretizer=method, output=OutputKind.TAPS, taps=taps)
    (y,) = quantize_memory(spec).program.with_role(Role.OUTPUT)
    stated = [float(text) for text in re.findall(r"-?\d+\.?\d*", y.about.partition("by")[2])]
    t, omega = np.arange(1200), 2 * np.pi / 300
    system = discretize(state_space(12), 96.0, method)
    decoded = run_memory(system, np.sin(omega * t)[:, None], decoder(12, taps))[600:, 0]
    for k, delay in enumerate(stated):
        basis = np.stack([np.sin(omega * t[600:]), np.cos(omega * t[600:])], axis=1)
        (a, b), *_ = np.linalg.lstsq(basis, decoded[:, k], rcond=None)
        assert abs(-np.arctan2(b, a) / omega - delay) < 0.02
