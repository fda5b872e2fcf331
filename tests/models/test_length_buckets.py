"""Batches of sequences: every sequence once, no length mixed, none larger than asked."""

from __future__ import annotations

import numpy as np

from lmu_hw.models.length_buckets import by_length, stack


def test_sequences_of_one_length_run_together() -> None:
    data = [np.zeros((n, 2)) for n in (3, 5, 3, 3)]
    assert [list(at) for at in by_length(data, 1000)] == [[0, 2, 3], [1]]
    assert [list(at) for at in by_length(data, 12)] == [[0, 2], [3], [1]]
    assert [list(at) for at in by_length(data, 1)] == [[0], [2], [3], [1]]


def test_batches_may_be_of_few_sequences() -> None:
    data = [np.zeros((n, 2)) for n in (3, 5, 3, 3, 3, 3)]
    assert [list(at) for at in by_length(data, 1000, 2)] == [[0, 2], [3, 4], [5], [1]]
    # alike in size, and no more of them than it takes
    assert [list(at) for at in by_length(data, 1000, 3)] == [[0, 2, 3], [4, 5], [1]]
    assert [list(at) for at in by_length(data, 6, 3)] == [[0], [2], [3], [4], [5], [1]]


def test_a_stack_holds_its_sequences_as_floats() -> None:
    data = [np.full((2, 1), k, dtype=np.int8) for k in range(3)]
    found = stack(data, np.array([2, 0]))
    assert found.dtype == np.float64
    assert found.tolist() == [[[2.0], [2.0]], [[0.0], [0.0]]]
