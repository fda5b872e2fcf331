"""Lowered networks equal the network in floats; every reader folds the readout away."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    scores,
)
from lmu_hw.program.integer_program import Role
from lmu_hw.quantize import signal_graph as graphs
from lmu_hw.quantize.lower import lower
from lmu_hw.quantize.signal_graph import Affine, Gate, MemoryUpdate, ScaleNode, SignalGraph
from tests.factories.networks import (
    CELLS,
    GATES,
    LINEAR,
    SCALAR,
    SIGMOID,
    TANH,
    cell,
    lmu,
    network,
    rng,
    trained,
    uniform,
)
from tests.factories.random_networks import random_network

TERMS = ("e_x", "e_h", "e_m", "b")
SOME_TERMS = [t for n in range(5) for t in itertools.combinations(TERMS, n)]
COEF_BITS = 24
TOLERANCE = 2e-5
"""Poles of 24-bit coefficients are off by 2**-24, states by that times the memory's length (some
ten steps) and its gain, outputs by that times a few layers and feedbacks."""


def outputs(graph: SignalGraph, x: np.ndarray) -> np.ndarray:
    """Return what a graph gives at every step, without the label."""
    rows: list[np.ndarray] = []
    names = [name for name in graph.names(Role.OUTPUT) if name != "label"]
    graphs.run(graph, x, lambda _, s: rows.append(np.concatenate([s[n] for n in names], axis=1)))
    return np.stack(rows, axis=1)


def check(net: FloatNetwork, tolerance: float = TOLERANCE) -> SignalGraph:
    """Assert that a network and its graph give the same; return the graph."""
    x = rng(7).uniform(-1.0, 1.0, (2, 30, net.n_in))
    wanted = forward.run(replace(scores(net), every_step=True), x)
    graph = lower(net, COEF_BITS)
    size = max(1.0, float(np.max(np.abs(wanted))))
    got = outputs(graph, x)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * size)
    check_order(graph)
    return graph


def check_order(graph: SignalGraph) -> None:
    """Assert that signals are read and written as their roles say, and states only where needed."""
    written: set[str] = set()
    early = {n for node in graph.nodes if isinstance(node, MemoryUpdate) for n in node.states}
    for node in graph.nodes:
        for name in node.reads:
            role = graph.signals[name].role
            assert role in (Role.INPUT, Role.STATE) or name in written, name
            if role is Role.STATE and name not in written:
                early.add(name)
        for name in node.writes:
            assert graph.signals[name].role is not Role.INPUT
            assert name not in written, f"{name} is written twice"
            written.add(name)
    assert early == set(graph.names(Role.STATE))
    assert written == set(graph.signals) - {"x"}


@pytest.mark.parametrize("reads_input", [False, True])
@pytest.mark.parametrize("kind", [None, *CELLS])
def test_every_encoder_of_every_cell(kind: str | None, reads_input: bool) -> None:
    for k, terms in enumerate(SOME_TERMS):
        layer = lmu(rng(k), 2, kind=kind, terms=terms, reads_input=reads_input)
        graph = check(network(layer))
        # what nothing changes is not copied
        assert ("l1_u" in graph.signals) == bool(terms)


@pytest.mark.parametrize("kind", [None, *CELLS])
def test_one_word_one_channel_one_coefficient(kind: str | None) -> None:
    memory = LinearMemory(order=1, theta=4.0)
    check(network(lmu(rng(1), 1, kind=kind, n=1, memory=memory, terms=TERMS)))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("activation", SCALAR)
def test_every_activation_of_every_cell(activation: Activation, kind: str) -> None:
    check(network(lmu(rng(2), 2, kind=kind, activation=activation, reads_input=True)))
    check(network(cell(rng(3), kind, 2, 3, activation)))


@pytest.mark.parametrize("kind", ["lstm", "gru", "old_gru"])
@pytest.mark.parametrize("gate", [*GATES, Activation.RELU, LINEAR])
def test_every_gate(gate: Activation, kind: str) -> None:
    check(network(cell(rng(4), kind, 2, 3, TANH, gate)))


@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("order", [1, 2, 5, 6])
def test_channels_and_orders(order: int, channels: int) -> None:
    memory = LinearMemory(order=order, theta=12.0, channels=channels)
    check(network(lmu(rng(5), 2, kind="simple_rnn", terms=TERMS, memory=memory)))
    check(network(lmu(rng(5), channels, terms=(), memory=memory)))


def test_a_trained_memory_of_any_scale() -> None:
    for order in (1, 2, 3, 6):
        memory = LinearMemory(
            order=order, theta=9.0, channels=2, trained=trained(rng(order), order)
        )
        check(network(lmu(rng(6), 2, kind="dense", terms=TERMS, memory=memory)))
        check(network(lmu(rng(6), 2, terms=(), memory=memory)))


@pytest.mark.parametrize("last", [None, "plain", "u", "fed back", "dense", "lstm"])
@pytest.mark.parametrize("first_reads", [False, True])
def test_a_memory_alone_followed_by_another_layer(first_reads: bool, last: str | None) -> None:
    """The second layer reads the first one's Legendre coefficients, which do not exist as words."""
    first = lmu(rng(8), 2, reads_input=first_reads)
    width = 8 if first_reads else 6
    memory = LinearMemory(order=2, theta=6.0, channels=width)
    followers = {
        None: (),
        "plain": (lmu(rng(9), width, terms=(), memory=memory),),
        "u": (lmu(rng(9), width, terms=("e_x", "b"), kind="gru", reads_input=True),),
        "fed back": (lmu(rng(9), width, terms=TERMS, reads_input=True),),
        "dense": (cell(rng(9), "dense", width, 4),),
        "lstm": (cell(rng(9), "lstm", width, 4),),
    }
    check(network(first, *followers[last]))


def test_three_memories_in_a_row_all_seen_outside() -> None:
    first = lmu(rng(1), 1)
    second = lmu(rng(2), 6, reads_input=True)
    third = lmu(rng(3), 12, reads_input=True)
    graph = check(network(first, second, third))
    names = [graph.signals[name].length for name in graph.names(Role.OUTPUT)]
    assert names == [6, 6, 6]


def test_stacks_of_everything() -> None:
    for seed in range(40):
        # feedback that is not contracting makes more of a small error
        check(random_network(seed), tolerance=1e-4)


@pytest.mark.parametrize("every_step", [True, False])
def test_a_classifier_gives_scores_and_a_label(every_step: bool) -> None:
    head = replace(cell(rng(1), "dense", 3, 4, Activation.SOFTMAX), b=np.zeros(4))
    net = network(lmu(rng(2), 2, kind="simple_rnn"), head, every_step=every_step)
    graph = check(net)
    assert graph.names(Role.OUTPUT) == ("y", "label")
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    x = rng(3).uniform(-9.0, 9.0, (5, 20, 2))
    graphs.run(graph, x, lambda _, s: seen.append((s["y"], s["label"])))
    for y, label in seen:
        np.testing.assert_array_equal(label[:, 0], np.argmax(y, axis=1))
    assert len({int(word) for _, label in seen for word in label[:, 0]}) > 1
    probabilities = forward.run(replace(net, every_step=True), x)
    got = np.stack([y for y, _ in seen], axis=1)
    # as above, through one softmax
    np.testing.assert_allclose(
        forward.activate(Activation.SOFTMAX, got), probabilities, atol=TOLERANCE
    )


def test_the_cell_of_an_lmu_may_be_the_head() -> None:
    check(network(lmu(rng(1), 2, kind="dense", activation=Activation.SOFTMAX, reads_input=True)))


@pytest.mark.parametrize(
    "layer",
    [
        cell(rng(1), "simple_rnn", 2, 3, Activation.SOFTMAX),
        cell(rng(1), "lstm", 2, 3, Activation.SOFTMAX),
        cell(rng(1), "gru", 2, 3, TANH, Activation.SOFTMAX),
        lmu(rng(1), 2, kind="dense", activation=Activation.SOFTMAX, terms=("e_x", "e_h")),
    ],
)
def test_a_softmax_that_is_fed_back_is_refused(
    layer: LMULayer | SimpleRNNLayer | LSTMLayer,
) -> None:
    with pytest.raises(SpecError, match=r"softmax of layer 'layer 1' must belong to a dense layer"):
        lower(network(layer), COEF_BITS)


def test_states_are_what_a_step_leaves_to_the_next() -> None:
    graph = lower(network(lmu(rng(1), 2, kind="lstm", terms=TERMS)), COEF_BITS)
    assert set(graph.names(Role.STATE)) == {"l1_z_outer", "l1_z_inner", "l1_c", "l1_h"}
    graph = lower(network(lmu(rng(1), 2, kind="dense")), COEF_BITS)
    assert set(graph.names(Role.STATE)) == {"l1_z_outer", "l1_z_inner"}
    # a cell without feedback hands its own words out; one with feedback keeps them
    assert graph.nodes[-1].writes == ("y",)
    assert "l1_h" not in graph.signals
    feedback = lmu(rng(1), 2, terms=("e_x", "e_h"), reads_input=True)
    graph = lower(network(feedback), COEF_BITS)
    assert set(graph.names(Role.STATE)) == {"l1_z_outer", "l1_z_inner", "l1_old_x"}


def test_no_reader_pays_for_a_readout() -> None:
    """Every matrix has as many columns as its sources have words: no d x d stands anywhere."""
    d, n, channels = 24, 5, 2
    memory = LinearMemory(order=d, theta=60.0, channels=channels)
    first = lmu(rng(1), 3, kind="simple_rnn", n=n, reads_input=True, terms=TERMS, memory=memory)
    bare = lmu(rng(2), n, memory=memory)
    head = DenseLayer(W=uniform(rng(3), 4, channels * d), b=np.zeros(4), activation=SIGMOID)
    graph = check(network(first, bare, head), tolerance=1e-4)
    sizes = {
        n.target: sum(m.size for m in n.matrices) for n in graph.nodes if isinstance(n, Affine)
    }
    assert sizes == {
        "l1_u": channels * (3 + n + channels * d),
        "l1_h": n * (channels * d + 3 + n),
        "l2_u": channels * n,
        "y": 4 * channels * d,
    }


def test_only_a_memory_that_leaves_the_network_is_read_out() -> None:
    memory = LinearMemory(order=6, theta=20.0, channels=3)
    graph = lower(network(lmu(rng(1), 3, terms=(), memory=memory)), COEF_BITS)
    (readout,) = (n for n in graph.nodes if isinstance(n, Affine))
    # one d x d for all channels
    assert sum(m.size for m in readout.matrices) == 36
    assert readout.n_channels == 3


BILINEAR = LinearMemory(order=7, theta=30.0, discretizer=Discretizer.BILINEAR, channels=2)


@pytest.mark.parametrize("terms", SOME_TERMS)
@pytest.mark.parametrize("reads_input", [False, True])
def test_a_bilinear_memory_that_leaves_the_network_is_a_ladder(
    terms: tuple[str, ...], reads_input: bool
) -> None:
    graph = check(
        network(lmu(rng(1), 2, terms=terms, memory=BILINEAR, reads_input=reads_input)),
        # the coefficients of a ladder act on m directly: 24 bits, a gain of the order
        tolerance=1e-4,
    )
    (scale,) = (n for n in graph.nodes if isinstance(n, ScaleNode))
    assert scale.source == "l1_w"
    assert not any(n.target == "y" for n in graph.nodes if isinstance(n, Affine))
    (update,) = (n for n in graph.nodes if isinstance(n, MemoryUpdate))
    assert graph.multiplies(update) == 2 * 8
    # three odd rows of seven; even ones are halved
    assert graph.multiplies(scale) == 2 * 3


def test_other_bilinear_memories_stay_cascades() -> None:
    """Weights that read m take a readout for nothing; a trained A has no ladder."""
    first, last = lmu(rng(1), 2, memory=BILINEAR), lmu(rng(2), 14, terms=TERMS, memory=BILINEAR)
    graph = check(network(first, last), tolerance=1e-4)
    assert [n.source for n in graph.nodes if isinstance(n, ScaleNode)] == ["l2_w"]
    dense = cell(rng(3), "dense", 14, 3)
    assert not any(isinstance(n, ScaleNode) for n in check(network(first, dense)).nodes)
    own = replace(BILINEAR, trained=trained(rng(4), 7))
    assert not any(
        isinstance(n, ScaleNode) for n in check(network(lmu(rng(1), 2, memory=own))).nodes
    )


def test_the_input_of_the_step_before_is_kept_where_it_is_fed_back() -> None:
    first = lmu(rng(1), 2)
    graph = check(network(first, lmu(rng(2), 6, terms=TERMS, reads_input=True)))
    kept = {n.terms[0].a: n.target for n in graph.nodes if isinstance(n, Gate)}
    assert kept == {"l1_z_outer": "l2_old_l1_z_outer", "l1_z_inner": "l2_old_l1_z_inner"}


def test_layers_of_any_name_give_comments_that_c_and_json_can_hold() -> None:
    net = replace(
        network(lmu(rng(1), 2), cell(rng(2), "dense", 6, 2)), names=("*/ ünï\u4e2d", "b'")
    )
    graph = check(net)
    texts = [s.about for s in graph.signals.values()] + [s.layer for s in graph.signals.values()]
    assert all(t.isascii() and t.isprintable() and "*/" not in t for t in texts)
    assert "* / ?n??" in texts


def test_coefficients_are_rounded_to_the_bits_asked_for() -> None:
    net = network(
        lmu(rng(1), 2, kind="dense", memory=LinearMemory(order=6, theta=30.0, channels=2))
    )
    x = rng(7).uniform(-1.0, 1.0, (2, 60, 2))
    wanted = forward.run(net, x)
    errors = [np.max(np.abs(outputs(lower(net, bits), x) - wanted)) for bits in (6, 10, 16, 24)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 100 * errors[-1]
