"""Integer weights against brute force, with errors bounded by the rounding step."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.program.fixedpoint import MAX_WORD_BITS, QFormat
from lmu_hw.program.integer_program import Role, Vector
from lmu_hw.program.operations import Linear
from lmu_hw.quantize import weight_rounding
from lmu_hw.quantize.weight_rounding import IntegerRows, Source, round_weights
from tests.factories.networks import rng

LSB = 2.0**-12
WORD_PEAK = 1 << 15


def source(matrix: np.ndarray, lsb: float = LSB, rms: float = 1.0) -> Source:
    """Return a source of 16-bit words whose real values have that RMS."""
    power = np.full(matrix.shape[1], (rms / lsb) ** 2 + 1.0 / 12.0)
    return Source(matrix=matrix, lsb=lsb, power=power, peak=WORD_PEAK)


def real(
    rows: IntegerRows, sources: list[Source], lsb: float
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the weights and biases that integers stand for, and the step of each row."""
    steps = lsb * np.array(
        [float(Fraction(m, 2**s)) for m, s in zip(rows.multipliers, rows.shifts, strict=True)]
    )
    table = np.array(rows.rows) * steps[:, None]
    cuts = np.cumsum([s.matrix.shape[1] for s in sources])[:-1]
    parts = np.split(table, cuts, axis=1)
    matrices = [p * 2.0**a / s.lsb for p, a, s in zip(parts, rows.aligns, sources, strict=True)]
    return matrices, np.array(rows.biases) * steps, steps


def legal(rows: IntegerRows, sources: list[Source]) -> None:
    """Assert that a program may hold the rows."""
    names = [f"x{k}" for k in range(len(sources))]
    fmt = QFormat(1, 15)
    vectors = {
        name: Vector(name=name, length=s.matrix.shape[1], role=Role.STATE, fmt=fmt)
        for name, s in zip(names, sources, strict=True)
    }
    vectors["y"] = Vector(name="y", length=len(rows.rows), role=Role.OUTPUT, fmt=fmt)
    op = Linear(
        sources=tuple(names),
        target="y",
        n_channels=1,
        rows=rows.rows,
        aligns=rows.aligns,
        biases=rows.biases,
        multipliers=rows.multipliers,
        shifts=rows.shifts,
    )
    op.check(vectors.__getitem__)


@pytest.mark.parametrize("bits", range(2, 17))
def test_weights_keep_their_bits_and_err_by_half_a_step(bits: int) -> None:
    sources = [source(rng(bits).standard_normal((6, 20))), source(rng(1).standard_normal((6, 3)))]
    bias = rng(2).standard_normal(6)
    rows = round_weights(sources, bias, LSB, bits)
    legal(rows, sources)
    top = (1 << (bits - 1)) - 1
    table = np.array(rows.rows)
    assert np.max(np.abs(table)) <= top
    matrices, biases, steps = real(rows, sources, LSB)
    for s, got, align in zip(sources, matrices, rows.aligns, strict=True):
        size = steps * 2.0**align / s.lsb
        error = np.abs(got - s.matrix) / size[:, None]
        # a large weight may be held at its limit where that costs less than a coarser step
        free = np.abs(got) < size[:, None] * (top - 0.5)
        # half a step, and what float64 loses of 16 bits
        assert np.max(error[free]) <= 0.5 + 1e-9
        assert free.any()
    assert np.max(np.abs(biases - bias) / steps) <= 0.5 + 1e-9
    if bits >= weight_rounding.CLIP_BELOW_BITS:
        # the largest weight is near the end of the range: no bit is wasted
        assert np.all(np.max(np.abs(table), axis=1) >= top - 1)


def test_a_step_is_at_most_one_part_in_16384_coarser_than_it_must_be() -> None:
    s = source(rng(3).standard_normal((50, 8)))
    rows = round_weights([s], np.zeros(50), LSB, 8)
    _, _, steps = real(rows, [s], LSB)
    finest = np.max(np.abs(s.matrix), axis=1) * LSB / 127
    assert np.all(steps >= finest * (1 - 1e-12))
    assert np.all(steps <= finest * (1 + 2.0**-14))


@pytest.mark.parametrize("bits", [2, 3])
def test_few_bits_find_the_best_scale_of_all_that_are_tried(bits: int) -> None:
    """Every row of integers at every scale that is tried: none has a smaller weighted error."""
    top = (1 << (bits - 1)) - 1
    W, rms = rng(bits).standard_normal((8, 4)), np.array([0.1, 1.0, 2.0, 0.5])
    s = Source(matrix=W, lsb=LSB, power=(rms / LSB) ** 2, peak=WORD_PEAK)
    rows = round_weights([s], np.zeros(8), LSB, bits)
    (got,), _, _ = real(rows, [s], LSB)
    grid = np.array(list(itertools.product(range(-top, top + 1), repeat=4)))
    for row, w in zip(got, W, strict=True):
        cost = np.sum(((row - w) * rms) ** 2)
        scales = weight_rounding.CLIP_FACTORS * np.max(np.abs(w)) / top
        best = min(np.min(np.sum(((grid * c - w) * rms) ** 2, axis=1)) for c in scales)
        # the multiplier rounds the scale by 2**-14
        assert cost <= best * (1 + 1e-3) + 1e-6


def moment_of(x: np.ndarray) -> np.ndarray:
    read = np.column_stack([x, np.ones(len(x))])
    return np.asarray(read.T @ read / len(x))


def error_of(rows: IntegerRows, s: Source, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the mean square error of every row on data."""
    (W,), b, _ = real(rows, [s], LSB)
    return np.asarray(np.mean((x @ (W - s.matrix).T + b - bias) ** 2, axis=0))


def test_errors_made_good_come_near_the_best_rows_there_are() -> None:
    """Against every row of 3-bit integers at the same scale, on data of correlated columns."""
    n, top = 4, 3
    mix = rng(1).standard_normal((n, n))
    x = 0.2 + rng(2).standard_normal((400, n)) @ mix
    W, bias = rng(3).standard_normal((30, n)), rng(4).standard_normal(30)
    s = source(W, rms=float(np.sqrt(np.mean(x**2))))
    plain = round_weights([s], bias, LSB, 3)
    turned = round_weights([s], bias, LSB, 3, moment_of(x))
    legal(turned, [s])
    grid = np.array(list(itertools.product(range(-top, top + 1), repeat=n)))
    _, _, steps = real(turned, [s], LSB)
    best = []
    for w, step in zip(W, steps, strict=True):
        # the bias makes every mean good
        error = x @ (grid * step / LSB - w).T
        best.append(np.min(np.var(error, axis=0)))
    by_turns, one_by_one = error_of(turned, s, bias, x), error_of(plain, s, bias, x)
    assert np.mean(by_turns) <= 0.75 * np.mean(one_by_one)
    assert np.mean(by_turns) <= 1.2 * np.mean(best)


def test_the_order_of_columns_in_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rng(1).standard_normal((300, 40)) @ rng(2).standard_normal((40, 40))
    s = source(rng(3).standard_normal((5, 40)))
    whole = round_weights([s], np.ones(5), LSB, 6, moment_of(x))
    for block in (1, 7, 40):
        monkeypatch.setattr(weight_rounding, "BLOCK", block)
        assert round_weights([s], np.ones(5), LSB, 6, moment_of(x)).rows == whole.rows


@pytest.mark.parametrize(
    "x",
    [np.zeros((9, 4)), np.full((9, 4), 7.9), np.eye(2, 4)],
    ids=["zero input", "constants", "fewer steps than columns"],
)
@pytest.mark.parametrize("bits", [2, 8, 16])
def test_data_that_say_little_leave_the_weights_alone(x: np.ndarray, bits: int) -> None:
    s = source(rng(1).standard_normal((5, 4)))
    rows = round_weights([s], np.ones(5), LSB, bits, moment_of(x))
    legal(rows, [s])
    (W,), _, steps = real(rows, [s], LSB)
    # what is made good of one weight is spread over the other three
    assert np.max(np.abs(W - s.matrix) / (steps[:, None] / LSB)) <= (8 if bits == 2 else 4)


def test_sources_are_brought_together_where_that_costs_least() -> None:
    """The shifts against all there are."""

    def noise(aligns: np.ndarray, peaks: np.ndarray, powers: np.ndarray) -> float:
        steps = np.max(peaks * 2.0**-aligns, axis=1)
        return float(np.sum(steps**2) * np.sum(powers * 4.0**aligns))

    every = [np.array(a) for a in itertools.product(range(13), repeat=3) if min(a) == 0]
    for k in range(12):
        peaks, powers = 2.0 ** rng(k).uniform(-6, 6, (2, 3)), 2.0 ** rng(k).uniform(-9, 9, 3)
        if k % 2:
            # two that move as one
            peaks[:, 1], powers[1] = peaks[:, 0], powers[0]
        sources = [
            Source(matrix=peaks[:, [j]], lsb=1.0, power=powers[[j]], peak=1) for j in range(3)
        ]
        aligns = np.array(round_weights(sources, np.zeros(2), 1.0, 8).aligns)
        assert noise(aligns, peaks, powers) == min(noise(a, peaks, powers) for a in every)
        assert min(aligns) == 0


def test_a_quiet_source_does_not_drown_beside_a_loud_one() -> None:
    """Two sources of one row, one a thousand times as loud: each keeps 8 good bits."""
    quiet, loud = source(rng(1).standard_normal((4, 5)), LSB, 1.0), rng(2).standard_normal((4, 5))
    sources = [quiet, source(loud / 1024.0, LSB * 1024.0, 1024.0)]
    (a, b), _, _ = real(round_weights(sources, np.zeros(4), LSB, 8), sources, LSB)
    for got, s in ((a, sources[0]), (b, sources[1])):
        assert np.max(np.abs(got - s.matrix)) <= np.max(np.abs(s.matrix)) / 60


def test_rows_of_zeros_are_zeros_with_their_bias() -> None:
    W = rng(1).standard_normal((3, 4))
    W[1] = 0.0
    s = source(W)
    for bias in (np.zeros(3), np.array([0.0, 3.0, -1.0])):
        rows = round_weights([s], bias, LSB, 8)
        legal(rows, [s])
        assert rows.rows[1] == (0, 0, 0, 0)
        _, biases, _ = real(rows, [s], LSB)
        np.testing.assert_allclose(biases, bias, atol=LSB)
    zeros = [source(np.zeros((2, 3)))]
    assert round_weights(zeros, np.zeros(2), LSB, 2).rows == ((0, 0, 0),) * 2


@pytest.mark.parametrize("exponent", [-30, -20, -8, 0, 8, 12])
@pytest.mark.parametrize("bits", [2, 8, 16])
def test_the_scale_of_a_network_does_not_matter(bits: int, exponent: int) -> None:
    """Weights 2**exponent as large make the same integers at another shift."""
    W, bias = rng(1).standard_normal((5, 6)), rng(2).standard_normal(5)
    wanted = round_weights([source(W)], bias, LSB, bits)
    s = source(W * 2.0**exponent)
    got = round_weights([s], bias * 2.0**exponent, LSB, bits)
    legal(got, [s])
    (a,), (b,) = real(got, [s], LSB)[0], real(wanted, [source(W)], LSB)[0]
    np.testing.assert_allclose(a, b * 2.0**exponent, rtol=1e-12)


def test_what_is_below_every_shift_is_zero_and_not_an_error() -> None:
    for size in (1e-30, 1e-300, 1e-310):
        s = source(rng(1).standard_normal((2, 3)) * size)
        rows = round_weights([s], np.zeros(2), LSB, 8)
        legal(rows, [s])
        assert max(abs(w) for row in rows.rows for w in row) <= 1
        assert max(rows.shifts) <= MAX_WORD_BITS - 2


@pytest.mark.parametrize("size", [1e20, 1e200, 1e300])
def test_what_no_word_could_follow_is_refused(size: float) -> None:
    s = source(rng(1).standard_normal((2, 3)) * size)
    with pytest.raises(SpecError, match=r"an input LSB into at most 7e\+13 LSB of its sum, not "):
        round_weights([s], np.zeros(2), LSB, 8)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_large_biases_fit_and_stay_exact_to_30_bits(size: float) -> None:
    s, bias = source(rng(1).standard_normal((4, 3))), size * rng(2).standard_normal(4)
    rows = round_weights([s], bias, LSB, 16)
    legal(rows, [s])
    _, biases, _ = real(rows, [s], LSB)
    np.testing.assert_allclose(biases, bias, rtol=2.0**-29, atol=LSB)
    # words of 32 bits hold them, those of a zero row too
    assert max(map(abs, rows.biases)) <= 1 << 30
    zeros = round_weights([source(np.zeros((4, 3)))], bias, LSB, 16)
    assert max(map(abs, zeros.biases)) <= 1 << 30


@pytest.mark.parametrize("n", [1, 4096])
def test_the_widest_layers_fit_63_bits(n: int) -> None:
    """Full words, 16-bit weights, sources brought as far apart as may be."""
    sources = [source(np.ones((1, n))), source(np.full((1, n), 2.0**-14), LSB * 2.0**14, 2.0**14)]
    legal(round_weights(sources, np.ones(1), LSB, 16), sources)


def test_a_thousand_by_a_thousand_takes_seconds_at_most() -> None:
    """Not one row after the other in Python: what a network of that size needs at every width."""
    n = 1000
    x = rng(1).standard_normal((1200, n))
    s = source(rng(2).standard_normal((n, n)))
    rows = round_weights([s], np.zeros(n), LSB, 4, moment_of(x))
    assert len(rows.rows) == n
    plain = round_weights([s], np.zeros(n), LSB, 4)
    turned = error_of(rows, s, np.zeros(n), x[:300])
    assert np.mean(turned) < np.mean(error_of(plain, s, np.zeros(n), x[:300]))
