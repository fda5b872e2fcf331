"""Adder graphs: the matrix for every vector, and fewer adders than digits."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import ScheduleError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.rtl.layers.adder_graph import AdderGraph, GraphAdder, GraphOutput
from lmu_hw.rtl.layers.constant_matrix import ConstantMatrix
from lmu_hw.rtl.layers.graph_search import adder_graph, signed_digits
from lmu_hw.rtl.layers.held_words import HeldVector
from tests.rtl.bench import simulate

WORD = QFormat(1, 7)
RANGE = (WORD.min, WORD.max)


def matrix(n_rows: int, n_columns: int, bits: int, seed: int = 0) -> np.ndarray:
    half = 1 << (bits - 1)
    return np.random.default_rng(seed).integers(-half, half, (n_rows, n_columns))


def graph_of(weights: np.ndarray, levels_per_stage: int = 1) -> AdderGraph:
    rows = tuple(map(tuple, weights.tolist()))
    return adder_graph(rows, (RANGE,) * weights.shape[1], levels_per_stage)


def plain_adders(weights: np.ndarray) -> int:
    """Return the adders of the matrix if no two rows share any."""
    digits = [sum(len(signed_digits(w)) for w in row) for row in weights.tolist()]
    return sum(max(0, n - 1) for n in digits)


def test_signed_digits() -> None:
    for value in range(-300, 301):
        digits = signed_digits(value)
        assert sum(sign << place for place, sign in digits) == value
        places = [place for place, _ in digits]
        assert all(b - a > 1 for a, b in pairwise(places))


@pytest.mark.parametrize(
    ("shape", "bits"),
    [((1, 1), 8), ((1, 7), 6), ((7, 1), 8), ((3, 5), 2), ((8, 8), 8), ((12, 9), 4), ((5, 6), 14)],
)
def test_every_sum(shape: tuple[int, int], bits: int) -> None:
    for seed in range(3):
        weights = matrix(*shape, bits, seed)
        graph = graph_of(weights)
        for words in np.random.default_rng(9).integers(*RANGE, (20, shape[1]), endpoint=True):
            assert graph.results(words.tolist()) == (weights @ words).tolist()
        assert len(graph.adders) <= plain_adders(weights)


def test_rows_that_share_cost_little() -> None:
    one = matrix(1, 6, 8)
    same = np.concatenate([one, -one, one * 4, np.zeros((1, 6), dtype=int)])
    assert len(graph_of(same).adders) <= plain_adders(one)


def test_many_adders_are_saved() -> None:
    weights = matrix(16, 16, 4)
    assert len(graph_of(weights).adders) < 0.62 * plain_adders(weights)


def test_ranges_are_exact() -> None:
    graph = graph_of(matrix(3, 2, 5))
    seen = []
    for words in product(range(WORD.min, WORD.max + 1, 17), repeat=2):
        values: list[int] = list(words)
        for adder in graph.adders:
            b = values[adder.b] << adder.b_shift
            values.append((values[adder.a] << adder.a_shift) + (-b if adder.minus else b))
        seen.append(values)
    found = np.array(seen)
    for node, (low, high) in enumerate(graph.node_ranges):
        assert low <= found[:, node].min() <= low * 0.9 + 1
        assert high * 0.8 - 1 <= found[:, node].max() <= high


def test_the_same_request_gives_the_same_graph() -> None:
    weights = matrix(6, 6, 8)
    adder_graph.cache_clear()
    first = graph_of(weights)
    adder_graph.cache_clear()
    assert graph_of(weights) == first


def test_a_large_matrix_is_refused() -> None:
    with pytest.raises(ScheduleError, match="100 x 100 weights is too large for adders alone"):
        graph_of(matrix(100, 100, 8))


@pytest.mark.parametrize("levels_per_stage", [1, 2, 3])
def test_hardware(levels_per_stage: int) -> None:
    weights = matrix(5, 4, 8, seed=3)
    weights[2] = 0
    weights[3] = (0, 4, 0, 0)
    graph = graph_of(weights, levels_per_stage)
    vector = HeldVector(name="x", fmt=WORD, length=4, time=0)
    dut = ConstantMatrix(graph, [vector], [(0, k) for k in range(4)])
    words = np.random.default_rng(1).integers(*RANGE, (30, 4), endpoint=True)
    got: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(len(words) + dut.latency):
            if cycle >= dut.latency:
                got.append([ctx.get(getattr(dut, f"sum_{k}")) for k in range(5)])
            row = words[min(cycle, len(words) - 1)].tolist()
            ctx.set(dut.read_0, sum((w & 255) << (8 * k) for k, w in enumerate(row)))
            await ctx.tick()

    simulate(dut, bench)
    assert got == [dut.model(row) for row in words.tolist()]
    signs = [-1 if output.minus else 1 for output in graph.outputs]
    np.testing.assert_array_equal(np.array(got) * signs, words @ weights.T)


def test_a_graph_by_hand() -> None:
    """3 x - 4 y, and 12 x - 16 y with the wrong sign."""
    adders = (GraphAdder(0, 2, 0, 0, minus=True), GraphAdder(2, 0, 1, 2, minus=True))
    outputs = (GraphOutput(3, 0, minus=False), GraphOutput(3, 2, minus=True))
    graph = AdderGraph(ranges=((0, 3), (-2, 1)), adders=adders, outputs=outputs)
    assert graph.results([3, -2]) == [17, -68]
    assert graph.node_ranges[2:] == ((0, 9), (-4, 17))
    assert graph.latency == 2
