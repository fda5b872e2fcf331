"""The search for word lengths: what it keeps, what it finds, and what it says when it cannot."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.measure import tune as module
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import metrics, run_integers
from lmu_hw.measure.tune import LADDERS, WIDEST, DesignPoint, Tuner
from lmu_hw.models import forward
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
    scores,
)
from lmu_hw.program.size import ram_bits, rom_bits
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_network import QuantizedNetwork
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.small_networks import LINEAR, TANH, cell, lmu, network


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def classifier() -> FloatNetwork:
    first = lmu(rng(1), 2, kind="dense", n=6, memory=LinearMemory(order=3, theta=8.0, channels=2))
    head = cell(rng(3), "dense", 6, 3, Activation.SOFTMAX)
    return network(first, replace(head, W=4.0 * head.W, b=np.zeros(3)), every_step=False)


def regression() -> FloatNetwork:
    return network(lmu(rng(1), 2, kind="simple_rnn", n=4), cell(rng(2), "dense", 4, 1, LINEAR))


def data(net: FloatNetwork, *, noise: float = 0.0, n: int = 60) -> Dataset:
    """Return sequences with what the network itself makes of them, or a little else."""
    x = rng(n).uniform(-1.0, 1.0, (n, 12, net.n_in))
    y = forward.run(replace(scores(net), every_step=True), x)
    y = y + noise * rng(1).standard_normal(y.shape)
    if net.is_classifier:
        labels = np.argmax(y[:, -1], axis=1)
        return Dataset(sequences=tuple(x), labels=labels)
    return Dataset(sequences=tuple(x), targets=tuple(y))


def tuner(net: FloatNetwork, dataset: Dataset, max_loss: float) -> Tuner:
    calibration = Calibration(net, dataset.sequences)

    def design(widths: Widths) -> QuantizedNetwork:
        return calibration.design(widths, title="t")

    return Tuner(design=design, dataset=dataset, max_loss=max_loss, engine="interpreter")


@pytest.fixture(scope="module")
def tuned() -> tuple[Tuner, list[DesignPoint]]:
    net = classifier()
    search = tuner(net, data(net), 0.05)
    return search, list(search.run())


def test_the_best_keeps_what_was_asked_and_is_measured_again(
    tuned: tuple[Tuner, list[DesignPoint]],
) -> None:
    search, _ = tuned
    best = search.best
    assert best.keeps
    assert best.loss <= 0.05
    made = search.design(best.widths)
    found = metrics(search.dataset, run_integers(made, search.dataset, "interpreter"))
    assert found.score == best.score == search.target - best.loss
    program = made.program
    assert (best.rom_bits, best.ram_bits) == (rom_bits(program), ram_bits(program))
    assert best.multiplies == program.multiplies_per_step + program.multiplies_per_output
    assert best.cost == (best.rom_bits + best.ram_bits, best.multiplies)


def test_it_saves_most_of_the_memory(tuned: tuple[Tuner, list[DesignPoint]]) -> None:
    search, points = tuned
    assert points[0].widths == replace(WIDEST, state_bits=points[0].widths.state_bits)
    assert search.best.cost[0] < 0.5 * points[0].cost[0]
    assert search.best.widths.weight_bits < 8


def test_every_point_is_met_once_and_told_when_it_is_met(
    tuned: tuple[Tuner, list[DesignPoint]],
) -> None:
    search, points = tuned
    assert len({p.widths for p in points}) == len(points) == len(set(search.points.values()))
    assert len(points) < 60
    for p in points:
        assert p.keeps == (p.loss <= 0.05 + 1e-12)


def test_no_step_down_from_the_best_keeps_and_costs_less(
    tuned: tuple[Tuner, list[DesignPoint]],
) -> None:
    """One rung less of any width loses too much, costs more, or does not fit."""
    search, _ = tuned
    best = search.best
    for name, ladder in LADDERS.items():
        below = [bits for bits in ladder if bits < getattr(best.widths, name)]
        if not below or (name == "weight_bits" and best.widths.layer_weight_bits):
            continue
        widths = replace(best.widths, **{name: below[-1]})
        try:
            point = search._try(widths)
        except SpecError:
            continue
        assert not point.keeps or point.cost >= best.cost, name


def test_the_front_is_what_nothing_beats(tuned: tuple[Tuner, list[DesignPoint]]) -> None:
    search, points = tuned
    front = search.pareto()
    assert [p.cost for p in front] == sorted(p.cost for p in front)
    for a, b in itertools.pairwise(front):
        assert b.loss < a.loss
    for p in points:
        assert any(f.cost <= p.cost and f.loss <= p.loss for f in front)


def test_targets_are_kept_by_their_nrmse() -> None:
    net = regression()
    search = tuner(net, data(net, noise=0.01), 0.02)
    points = list(search.run())
    assert search.target > 0.005
    assert search.best.score <= search.target + 0.02
    assert any(not p.keeps for p in points)
    # more may be lost, less memory is needed
    loose = tuner(net, data(net, noise=0.01), 0.3)
    list(loose.run())
    assert loose.best.cost < search.best.cost


def test_each_layer_gets_weights_of_its_own() -> None:
    """A layer that hardly matters beside one that does: two widths, not one."""
    first = lmu(rng(1), 2, kind="dense", n=20, memory=LinearMemory(order=4, theta=8.0, channels=2))
    W = np.column_stack([np.eye(2), 0.01 * rng(2).standard_normal((2, 18))])
    net = network(first, DenseLayer(W=W, b=np.zeros(2), activation=TANH))
    search = tuner(net, data(net), 0.005)
    list(search.run())
    assert len(set(search.best.widths.layer_weight_bits)) == 2


def test_a_network_without_a_memory_of_its_own_is_tuned_too() -> None:
    net = network(cell(rng(1), "lstm", 2, 4), cell(rng(2), "dense", 4, 1, LINEAR))
    search = tuner(net, data(net), 0.05)
    list(search.run())
    assert search.best.widths.state_bits is None
    assert search.best.widths.weight_bits < 16


def test_a_memory_alone_has_words_to_tune() -> None:
    net = network(LMULayer(memory=LinearMemory(order=3, theta=8.0), n_in=1))
    search = tuner(net, data(net), 0.02)
    list(search.run())
    assert search.best.widths.weight_bits < 16


def test_what_cannot_be_kept_is_said_with_the_loss() -> None:
    net = regression()
    search = tuner(net, data(net), 0.0)
    with pytest.raises(SpecError, match=r"even 16-bit words lose .* %: allow more with --max-loss"):
        list(search.run())
    assert len(search.points) > 0


def test_words_that_do_not_fit_are_stepped_over() -> None:
    net = regression()
    search = tuner(net, data(net), 0.5)
    design, refused = search.design, []

    def picky(widths: Widths) -> QuantizedNetwork:
        if widths.act_bits < 8:
            refused.append(widths)
            raise SpecError("too narrow")
        return design(widths)

    search.design = picky
    list(search.run())
    assert refused
    assert search.best.widths.act_bits == 8
    assert all(p.widths.act_bits >= 8 for p in search.points.values())


def test_a_search_that_is_stopped_knows_its_best_so_far() -> None:
    net = classifier()
    search = tuner(net, data(net), 0.05)
    run = search.run()
    first = next(run)
    assert search.best is first
    for _ in range(3):
        next(run)
    run.close()
    assert search.best.keeps
    assert search.best.cost <= first.cost


@pytest.mark.parametrize("lowest", LADDERS["weight_bits"])
def test_bisection_finds_the_lowest_rung_that_keeps(lowest: int) -> None:
    rungs = [Widths(weight_bits=bits) for bits in LADDERS["weight_bits"]]

    class Known(Tuner):
        def _try(self, widths: Widths) -> DesignPoint:
            keeps, bits = widths.weight_bits >= lowest, widths.weight_bits
            point = DesignPoint(
                widths=widths,
                score=0.0,
                loss=0.0,
                rom_bits=bits,
                ram_bits=0,
                multiplies=0,
                keeps=keeps,
            )
            self.points[widths] = point
            return point

    net = regression()
    search = Known(design=lambda _: pytest.fail("not asked for"), dataset=data(net), max_loss=0.0)
    met = list(search._lowest(rungs))
    assert search.best.widths.weight_bits == lowest
    # ten rungs by bisection
    assert len(met) <= 4


def test_rounds_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step better than the one before: still a bounded number of them."""
    monkeypatch.setattr(module, "MAX_ROUNDS", 1)
    net = classifier()
    search = tuner(net, data(net, n=20), 0.05)
    # four widths of at most 11 rungs, two layers of 10, by bisection
    assert len(list(search.run())) <= 1 + 4 * 4 + 2 * 4
