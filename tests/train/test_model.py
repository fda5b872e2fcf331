"""Modules equal the float networks that they export to, and go there and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import SpecError, UnstableError
from lmu_hw.memory.legendre import StateSpace
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward, network
from lmu_hw.models.importers.model_file import read_model, to_bytes
from lmu_hw.models.network import Activation, LinearMemory, scores
from tests.factories import networks
from tests.factories.random_networks import random_network

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")

TOLERANCE = 1e-5
"""Of the issue: modules run in float32, networks in float64."""


def outputs(model, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        y, _ = model.eval()(torch.tensor(x, dtype=torch.float32))
    return y.double().numpy()


def equal_as_exported(model, x: np.ndarray) -> None:
    wanted = forward.run(scores(train.export(model)), x)
    assert outputs(model, x) == pytest.approx(wanted, abs=TOLERANCE)


@pytest.mark.parametrize("seed", range(20))
def test_any_network_there_and_back(seed: int, tmp_path: Path) -> None:
    net = random_network(seed)
    model = train.model_of(net, torch.float64)
    x = np.random.default_rng(seed).uniform(-1.0, 1.0, (3, 20, net.n_in))
    with torch.no_grad():
        y, _ = model(torch.tensor(x))
    # float64 on both sides: what is left is the order of sums
    assert y.numpy() == pytest.approx(forward.run(scores(net), x), abs=1e-11)
    back = train.export(model)
    assert to_bytes(back) == to_bytes(net)
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(back))
    assert to_bytes(read_model(path)) == to_bytes(net)


@pytest.mark.parametrize("every_step", [True, False])
@pytest.mark.parametrize("discretizer", list(Discretizer))
@pytest.mark.parametrize("learned", ["nothing", "theta", "system"])
def test_exported_network_equals_the_module(
    learned: str, discretizer: Discretizer, every_step: bool
) -> None:
    torch.manual_seed(1)
    memory = train.LegendreMemory(
        6,
        30.0,
        channels=2,
        discretizer=discretizer,
        learn_theta=learned == "theta",
        learn_system=learned == "system",
    )
    cell = train.SimpleRNN(12 + 3, 5)
    lmu = train.LMU(3, memory, cell, encoders=("e_x", "e_h", "e_m"), reads_input=True)
    torch.nn.init.normal_(lmu.e_m, std=0.02)
    model = train.Model([lmu, train.Dense(5, 4, Activation.SOFTMAX)], every_step=every_step)
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (4, 100, 3))
    equal_as_exported(model, x)


def test_psmnist_size_equals_its_export() -> None:
    torch.manual_seed(3)
    model = train.Model([train.LMU.of_paper(1, 20, 64, 784.0)])
    x = np.random.default_rng(4).uniform(0.0, 1.0, (2, 784, 1))
    equal_as_exported(model, x)


def test_a_window_for_each_channel_is_exported() -> None:
    torch.manual_seed(5)
    for reads_input, encoders in ((False, ()), (True, ("e_x",))):
        n = 3 if not encoders else 2
        memory = train.LegendreMemory(4, (8.0, 20.0, 50.0), learn_theta=True)
        lmu = train.LMU(
            n,
            memory,
            train.SimpleRNN(12 + (n if reads_input else 0), 5),
            encoders=encoders,
            bias=bool(encoders),
            reads_input=reads_input,
        )
        model = train.Model([train.Dense(2, n), lmu, train.Dense(5, 2)], every_step=False)
        x = np.random.default_rng(6).uniform(-1.0, 1.0, (3, 60, 2))
        equal_as_exported(model, x)
        found = [layer.memory.theta for layer in train.export(model).layers[1:4]]
        assert found == pytest.approx([8.0, 20.0, 50.0], rel=1e-6)


@pytest.mark.some(5)
@pytest.mark.parametrize("kind", [None, *networks.CELLS])
@pytest.mark.parametrize("learned", [False, True])
def test_parallel_equals_sequential(kind: str | None, learned: bool) -> None:
    rng = np.random.default_rng(7)
    lmu = train.LMU.of(networks.lmu(rng, 3, kind=kind, reads_input=True))
    lmu.memory = train.LegendreMemory(40, 300.0, channels=2, learn_theta=learned)
    lmu = train.LMU(
        3,
        lmu.memory,
        None if kind is None else type(lmu.cell)(83, 4),
        encoders=("e_x",),
        reads_input=True,
    )
    x = torch.tensor(rng.uniform(-1.0, 1.0, (3, 700, 3)), dtype=torch.float32)
    with torch.no_grad():
        y, state = lmu(x)
        steps, state_of_steps = lmu.in_steps(x)
        assert y.numpy() == pytest.approx(steps.numpy(), abs=TOLERANCE)
        for a, b in zip(state, state_of_steps, strict=True):
            assert a.numpy() == pytest.approx(b.numpy(), abs=TOLERANCE)
        last, _ = lmu(x, last_only=True)
        assert last[:, 0].numpy() == pytest.approx(steps[:, -1].numpy(), abs=TOLERANCE)
        # in two parts, the state handed over; the memory's own as well
        head, middle = lmu(x[:, :300])
        tail, _ = lmu(x[:, 300:], middle)
        both = torch.cat([head, tail], 1)
        assert both.numpy() == pytest.approx(steps.numpy(), abs=TOLERANCE)
        last, _ = lmu(x[:, 300:], middle, last_only=True)
        assert last[:, 0].numpy() == pytest.approx(steps[:, -1].numpy(), abs=TOLERANCE)


@pytest.mark.parametrize("seed", range(10))
def test_a_model_goes_on_from_its_state(seed: int) -> None:
    model = train.model_of(random_network(seed), torch.float64)
    n_in = train.export(model).n_in
    x = torch.tensor(np.random.default_rng(seed).uniform(-1.0, 1.0, (2, 20, n_in)))
    with torch.no_grad():
        whole, _ = model(x)
        head, states = model(x[:, :7])
        tail, _ = model(x[:, 7:], states)
    assert torch.cat([head, tail], 1).numpy() == pytest.approx(whole.numpy(), abs=1e-11)


def test_the_paper_starts_layers_so() -> None:
    torch.manual_seed(8)
    lmu = train.LMU.of_paper(100, 300, 20, 50.0)
    assert torch.count_nonzero(lmu.e_m) == 0
    assert float(lmu.e_x.detach().abs().max()) == pytest.approx((3 / 100) ** 0.5, rel=0.1)
    assert float(lmu.e_h.detach().std()) == pytest.approx((1 / 300) ** 0.5, rel=0.2)
    assert float(lmu.cell.U.detach().std()) == pytest.approx((2 / 600) ** 0.5, rel=0.05)
    assert torch.count_nonzero(lmu.cell.b) == 0


def test_dropout_is_for_training_alone() -> None:
    torch.manual_seed(9)
    model = train.Model([train.LMU.feed_forward(1, 50, 4, 9.0, dropout=0.5)])
    x = torch.ones(2, 5, 1)
    assert torch.equal(model.eval()(x)[0], model(x)[0])
    assert not torch.equal(model.train()(x)[0], model(x)[0])


def test_bad_models_are_refused() -> None:
    memory = train.LegendreMemory(4, (8.0, 20.0))
    with pytest.raises(SpecError, match="without e_h and e_m, and read by a cell"):
        train.LMU(2, memory, None, encoders=())
    with pytest.raises(SpecError, match="the cell must read 8 words, not 7"):
        train.LMU(2, memory, train.Dense(7, 3))
    with pytest.raises(SpecError, match="x must have 2 words without e_x, not 3"):
        train.LMU(3, memory, encoders=())
    with pytest.raises(SpecError, match="one window, or one of each of 3"):
        train.LegendreMemory(4, (8.0, 20.0), channels=3)
    with pytest.raises(SpecError, match="one window must be given"):
        train.LegendreMemory(4, (8.0, 20.0), learn_system=True)
    with pytest.raises(UnstableError, match="use theta >= 11"):
        train.LegendreMemory(6, 9.0, discretizer=Discretizer.EULER)
    with pytest.raises(SpecError, match="must have as many names"):
        train.Model([train.Dense(1, 1)], names=("a", "b"))


def test_an_unstable_memory_is_not_exported() -> None:
    memory = train.LegendreMemory(3, 9.0, learn_system=True)
    model = train.Model([train.LMU(1, memory, encoders=())])
    memory.A.data.mul_(-1.0)
    with pytest.raises(UnstableError, match="must be < 1"):
        train.export(model)


def test_every_layer_of_a_network_has_a_module() -> None:
    assert set(train.cells.CELLS) == set(network.Cell.__args__)


def test_a_trained_matrix_of_an_unknown_window_comes_back_as_it_was() -> None:
    system = StateSpace(A=-0.3 * np.eye(3) + 0.01, B=np.ones(3), scale=np.ones(3))
    memory = LinearMemory(order=3, theta=None, trained=system)
    taken = train.LegendreMemory.of(memory)
    assert torch.isnan(taken.theta).all()
    assert taken.memories() == (memory,)


KNOWN = "must be one of linear, tanh, sigmoid, relu"


def test_activations_and_discretizers_have_names() -> None:
    assert train.Dense(1, 1, "relu").activation is Activation.RELU
    assert train.LSTM(1, 1, "relu", "hard_sigmoid").gate is Activation.HARD_SIGMOID
    assert train.LMU.of_paper(1, 2, 3, 9.0, activation="sigmoid").cell.activation.value == "sigmoid"
    assert train.LMU.feed_forward(1, 2, 3, 9.0, activation="tanh").cell.activation.value == "tanh"
    euler = train.LegendreMemory(3, 30.0, discretizer="euler")
    wanted = train.LegendreMemory(3, 30.0, discretizer=Discretizer.EULER)
    assert torch.equal(euler.recursion().Abar, wanted.recursion().Abar)
    assert euler.memories()[0].discretizer is Discretizer.EULER


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "Dense"])
def test_unknown_activations_are_refused(kind: str) -> None:
    cell = getattr(train, kind)
    for wrong in ("rleu", 3, None, "ReLU"):
        with pytest.raises(SpecError, match=f"activation {KNOWN}"):
            cell(1, 1, wrong)
    if kind in ("LSTM", "GRU"):
        with pytest.raises(SpecError, match=f"gate {KNOWN}.*not 'step'"):
            cell(1, 1, gate="step")
        with pytest.raises(SpecError, match="gate must not be softmax"):
            cell(1, 1, gate="softmax")
    if kind != "Dense":
        with pytest.raises(SpecError, match="activation must not be softmax, which only a Dense"):
            cell(1, 1, Activation.SOFTMAX)
    with pytest.raises(SpecError, match=r"discretizer must be one of .*zoh.*not 'tustin'"):
        train.LegendreMemory(3, 30.0, discretizer="tustin")


def test_a_softmax_before_the_end_is_refused() -> None:
    with pytest.raises(SpecError, match="layer 1: softmax must be the last"):
        train.Model([train.Dense(1, 2, "softmax"), train.Dense(2, 1)])
    hidden = train.LMU.feed_forward(1, 2, 3, 9.0, activation="softmax")
    with pytest.raises(SpecError, match="layer 1: softmax must be the last"):
        train.Model([hidden, train.Dense(2, 1)])
