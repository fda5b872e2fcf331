"""What signals do on data, against the float network itself."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.models import forward
from lmu_hw.models.network import DenseLayer, LinearMemory, LMULayer, SimpleRNNLayer
from lmu_hw.quantize import ranges
from lmu_hw.quantize import signal_graph as graphs
from lmu_hw.quantize.lower import lower
from lmu_hw.quantize.ranges import collect_statistics, noise_sequences
from lmu_hw.quantize.signal_graph import Affine
from tests.factories.small_networks import LINEAR, TANH, cell, lmu, network, uniform

NET = network(lmu(np.random.default_rng(1), 2, kind="simple_rnn", reads_input=True))
GRAPH = lower(NET, 24)


def sequences(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(len(lengths))
    return [rng.uniform(-1.0, 1.0, (n, 2)) for n in lengths]


def signals(data: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return every word of every signal, all steps of all sequences one after the other."""
    rows: dict[str, list[np.ndarray]] = {name: [] for name in GRAPH.signals}
    for x in data:
        graphs.run(GRAPH, x[None], lambda _, s: [rows[n].append(s[n][0].copy()) for n in rows])
    return {name: np.array(r) for name, r in rows.items()}


def test_peaks_and_powers_are_those_of_the_network() -> None:
    data = sequences(9, 30, 9, 1)
    seen = collect_statistics(GRAPH, data)
    y = np.concatenate([forward.run(NET, x[None])[0] for x in data])
    # the graph's 24-bit coefficients
    np.testing.assert_allclose(seen["y"].peak, np.max(np.abs(y)), rtol=1e-5)
    np.testing.assert_allclose(seen["y"].power, np.mean(y**2, axis=0), rtol=1e-5)
    for name, x in signals(data).items():
        np.testing.assert_allclose(seen[name].peak, np.max(np.abs(x)), rtol=1e-12)
        np.testing.assert_allclose(seen[name].power, np.mean(x**2, axis=0), rtol=1e-12)


def test_second_moments_are_of_what_the_rows_read() -> None:
    """Of h and the states of the step before, where that is what a row reads."""
    data = sequences(40, 40)
    seen = collect_statistics(GRAPH, data)
    (node,) = (n for n in GRAPH.nodes if isinstance(n, Affine) and n.target == "l1_h")
    read = []
    for x in data:
        s = signals([x])
        old = np.vstack([np.zeros(3), s["l1_h"][:-1]])
        columns = [old if name == "l1_h" else s[name] for name in node.sources]
        read.append(np.hstack([*columns, np.ones((40, 1))]))
    rows = np.vstack(read)
    moment = seen["l1_h"].read
    assert moment is not None
    np.testing.assert_allclose(moment, rows.T @ rows / 80, rtol=0, atol=1e-12)
    assert seen["x"].read is None


def test_moments_of_long_data_are_taken_from_some_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOMENT_STEPS", 10)
    few = collect_statistics(GRAPH, sequences(100, 100))["l1_h"].read
    monkeypatch.setattr(ranges, "MOMENT_STEPS", 200)
    all_steps = collect_statistics(GRAPH, sequences(100, 100))["l1_h"].read
    assert few is not None
    assert all_steps is not None
    assert few[-1, -1] == all_steps[-1, -1] == 1.0
    assert not np.array_equal(few, all_steps)
    assert np.linalg.norm(few - all_steps) < np.linalg.norm(all_steps)


def test_moments_of_many_short_sequences_are_not_of_their_first_steps_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first step is like no other: all states are zero."""
    data = sequences(*[3] * 40, *[2] * 40)
    (node,) = (n for n in GRAPH.nodes if isinstance(n, Affine) and n.target == "l1_h")
    widths = [GRAPH.signals[name].length for name in node.sources]
    states = np.concatenate(
        [np.full(w, "z_" in n) for n, w in zip(node.sources, widths, strict=True)]
    )
    every = collect_statistics(GRAPH, data)["l1_h"].read
    monkeypatch.setattr(ranges, "MOMENT_STEPS", 80)
    some = collect_statistics(GRAPH, data)["l1_h"].read
    first = collect_statistics(GRAPH, [s[:1] for s in data])["l1_h"].read
    assert every is not None
    assert some is not None
    assert first is not None
    power = [np.diag(m)[:-1][states].sum() for m in (first, some, every)]
    assert power[0] < power[1]
    assert power[1] == pytest.approx(power[2], rel=0.5)


def test_moments_of_too_many_columns_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MAX_MOMENTS", 5)
    seen = collect_statistics(GRAPH, sequences(20))
    assert seen["l1_h"].read is None
    assert seen["l1_u"].read is not None


def test_the_size_of_batches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = collect_statistics(GRAPH, sequences(7, 7, 7))
    monkeypatch.setattr(ranges, "BATCH_VALUES", 1)
    parts = collect_statistics(GRAPH, sequences(7, 7, 7))
    for name, s in whole.items():
        assert s.peak == pytest.approx(parts[name].peak, rel=1e-12)
        np.testing.assert_allclose(s.power, parts[name].power, rtol=1e-12)


def test_noise_reaches_its_peak_at_every_pace_and_is_always_the_same() -> None:
    made = noise_sequences(GRAPH, 3.0, 100.0)
    assert {x.shape for x in made} == {(ranges.NOISE_STEPS + 200, 2)}
    for k, x in enumerate(made):
        assert 1.5 < np.max(np.abs(x)) <= 3.0
        # held for 1, 2, 4, ... 128 steps
        changes = int(np.count_nonzero(np.diff(x[:, 0])))
        assert changes == (len(x) - 1) // (1 << (k % 8))
    assert max(np.max(np.abs(x)) for x in made) > 2.99
    again = noise_sequences(GRAPH, 3.0, 100.0)
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    # a memory of a million steps does not make a million steps of noise
    assert len(noise_sequences(GRAPH, 1.0, 1e6)[0]) < 10_000


def test_what_grows_beyond_all_numbers_is_named() -> None:
    grows = SimpleRNNLayer(
        W=np.ones((1, 1)), U=np.full((1, 1), 3.0), b=np.zeros(1), activation=LINEAR
    )
    with pytest.raises(SpecError, match=r"l1_h must stay finite .*: scale the data"):
        collect_statistics(lower(network(grows), 24), [np.ones((2000, 1))])
    with pytest.raises(SpecError, match="x must stay finite"):
        collect_statistics(GRAPH, [np.full((3, 2), 1e200)])


def test_channels_share_the_moments_of_their_rows() -> None:
    rng = np.random.default_rng(2)
    memory = LinearMemory(order=2, theta=5.0, channels=3)
    graph = lower(network(LMULayer(memory=memory, n_in=3)), 24)
    seen = collect_statistics(graph, [rng.uniform(-1, 1, (50, 3))])
    moment = seen["y"].read
    assert moment is not None
    # two states of one channel and the constant
    assert moment.shape == (3, 3)
    powers = np.concatenate(
        [
            seen["l1_z_outer"].power.reshape(3, -1).mean(axis=0),
            seen["l1_z_inner"].power.reshape(3, -1).mean(axis=0),
        ]
    )
    np.testing.assert_allclose(np.diag(moment)[:2], powers, rtol=1e-12)


def test_a_layer_that_only_a_dense_one_follows_is_seen_too() -> None:
    rng = np.random.default_rng(3)
    head = DenseLayer(W=uniform(rng, 2, 3), b=np.zeros(2), activation=TANH)
    graph = lower(network(cell(rng, "gru", 2, 3), head), 24)
    assert set(collect_statistics(graph, sequences(9))) == set(graph.signals)
