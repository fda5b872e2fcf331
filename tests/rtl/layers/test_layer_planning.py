"""Who shares multipliers and lanes, and how long words are kept."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.rtl.layers.held_words import HeldVector, kept_until
from lmu_hw.rtl.layers.lane_turns import ExpectedSum, lane_turns, lanes_of
from lmu_hw.rtl.layers.result_shape import RowScale, in_step, result_shape
from lmu_hw.rtl.layers.row_folding import folded_rows

WORD = QFormat(1, 7)


@pytest.mark.parametrize("interval", [1, 3, 5, 12, 16, 40, 64])
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (10, 16), (3, 40), (7, 5)])
def test_rows_share_multipliers(shape: tuple[int, int], interval: int) -> None:
    n_rows, n_columns = shape
    groups = folded_rows(n_rows, n_columns, interval)
    assert [g.first for g in groups] == [
        sum(h.count for h in groups[:k]) for k in range(len(groups))
    ]
    assert sum(g.count for g in groups) == n_rows
    for group in groups:
        assert group.cycles <= interval
        assert group.multipliers * group.fold >= n_columns
    # no row needs more than its own, and no order has fewer than one a product and interval
    total = sum(g.multipliers for g in groups)
    assert -(-n_rows * n_columns // interval) <= total <= n_rows * -(-n_columns // interval)


def test_sixteen_rows_at_twelve_take_as_few_as_there_can_be() -> None:
    assert sum(g.multipliers for g in folded_rows(16, 16, 12)) == 22


def sums(source: int, times: list[int], shown: int = 1, first: int = 0) -> list[ExpectedSum]:
    return [
        ExpectedSum(source=source, word=first + k, release=t, deadline=t + shown - 1)
        for k, t in enumerate(times)
    ]


def test_a_lane_takes_sums_of_two_sources_in_turn() -> None:
    turns = lane_turns([*sums(0, [5, 7, 9], 2), *sums(1, [5, 7, 9], 2, 3)], 6)
    assert turns is not None
    assert turns.start == 5
    assert [entry and entry.word for entry in turns.turns] == [0, 3, 1, 4, 2, 5]


def test_a_lane_that_would_be_late_or_too_long_is_refused() -> None:
    assert lane_turns([*sums(0, [5]), *sums(1, [5], 1, 1)], 6) is None
    assert lane_turns([*sums(0, [5]), *sums(1, [11], 1, 1)], 6) is None
    assert lane_turns([*sums(0, [5]), *sums(1, [10], 1, 1)], 6) is not None


def test_lanes_are_shared_where_there_is_time() -> None:
    sources = [sums(k, [5, 8, 11, 14], 3, 4 * k) for k in range(4)]
    lanes = lanes_of(sources, 12)
    assert [len(lane.sources) for lane in lanes] == [3, 1]
    words = [entry.word for lane in lanes for entry in lane.turns if entry is not None]
    assert sorted(words) == list(range(16))


def test_words_of_lanes_belong_to_one_step() -> None:
    early, late = (lanes_of([sums(0, [t])], 4)[0] for t in (5, 11))
    scales = [RowScale(bias=0, multiplier=1, shift=0)]
    shapes = [
        result_shape(turns, scales, peak=9, fmt=WORD, function=None, out_fmt=WORD)
        for turns in (early, late)
    ]
    assert [shape.wait for shape in in_step(shapes, 4)] == [3, 0]


def test_one_shift_serves_all_rows() -> None:
    (turns,) = lanes_of([sums(0, [5, 6])], 4)
    scales = [
        RowScale(bias=7, multiplier=3, shift=4),
        RowScale(bias=-1, multiplier=40, shift=6),
    ]
    shape = result_shape(turns, scales, peak=99, fmt=WORD, function=None, out_fmt=WORD)
    # 40 / 64 is 5 / 8
    assert shape.shift == 4
    assert shape.factors == (3, 10)
    assert shape.constants == (7 * 3 + 8, -10 + 8)


@pytest.mark.parametrize("spread", [0, 2, 3])
@pytest.mark.parametrize(("begin", "cycles"), [(10, 1), (11, 4), (13, 2), (30, 4)])
def test_words_are_kept(spread: int, begin: int, cycles: int) -> None:
    interval = 4
    vector = HeldVector(name="x", fmt=WORD, length=3, time=10, spread=spread)
    kept = kept_until(vector, begin, cycles, interval)
    assert kept is not None
    assert kept[-1].covers(begin, cycles, interval)
    for before, copy in pairwise(kept):
        assert before.covers(copy.time - 1, 1, interval)


def test_a_reader_that_begins_too_early_gets_nothing() -> None:
    vector = HeldVector(name="x", fmt=WORD, length=3, time=10, spread=1)
    assert kept_until(vector, 9, 1, 4) is None
    assert kept_until(vector, 10, 4, 4) is None
    assert kept_until(vector, 11, 4, 4) is not None
