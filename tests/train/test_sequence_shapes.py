"""Batches without a sequence, and sequences without a step."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import SpecError

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")

LAYERS = {
    "all steps at once": lambda: train.LMU.feed_forward(2, 5, 3, 9.0),
    "learned": lambda: train.LMU.feed_forward(2, 5, 3, 9.0, learn_theta=True),
    "a window each": lambda: train.LMU.feed_forward(2, 5, 3, (9.0, 5.0)),
    "folded": lambda: train.LMU.of_paper(2, 5, 3, 9.0),
    "step by step": lambda: train.LMU(
        2, train.LegendreMemory(3, 9.0), train.GRU(3, 5), encoders=("e_x", "e_h", "e_m")
    ),
    "LSTM": lambda: train.LSTM(2, 5),
    "Dense": lambda: train.Dense(2, 5),
}
NONE, NO_STEP = torch.zeros(0, 6, 2), torch.zeros(3, 0, 2)
EVERY_LAYER = pytest.mark.parametrize("name", LAYERS)


@EVERY_LAYER
@pytest.mark.parametrize("every_step", [False, True])
def test_a_batch_of_none_gives_none(name: str, every_step: bool) -> None:
    model = train.Model([LAYERS[name](), train.Dense(5, 4)], every_step=every_step)
    y, states = model(NONE)
    wanted, wanted_states = model(torch.zeros(1, 6, 2))
    assert y.shape == wanted[:0].shape
    y.sum().backward()
    assert all(not p.grad.any() for p in model.parameters())
    for state, one in zip(states, wanted_states, strict=True):
        assert [len(a) for a in state or ()] == [0] * len(one or ())
    # from their states, and with lengths
    assert model(NONE, states)[0].shape == y.shape
    for lengths in ([], torch.zeros(0, dtype=torch.int64), torch.zeros(0, 6, dtype=torch.bool)):
        assert model(NONE, lengths=lengths)[0].shape == y.shape


@EVERY_LAYER
def test_a_layer_of_none(name: str) -> None:
    layer = LAYERS[name]()
    assert layer(NONE)[0].shape == (0, 6, 5)
    if isinstance(layer, train.LMU):
        assert layer(NONE, last_only=True)[0].shape == (0, 1, 5)
        assert layer.in_steps(NONE)[0].shape == (0, 6, 5)
        u = torch.zeros(0, 6, layer.memory.channels)
        n = layer.memory.channels * layer.memory.order
        m, state = layer.memory(u)
        assert (m.shape, state.shape) == ((0, 6, n), (0, n))
        assert layer.memory(u, state, last_only=True)[0].shape == (0, 1, n)


@EVERY_LAYER
def test_sequences_without_a_step_are_refused(name: str) -> None:
    layer = LAYERS[name]()
    message = r"x has shape \(3, 0, .\) but should be \(sequences, steps, .\), of at least one step"
    runs = [layer, train.Model([layer])]
    if isinstance(layer, train.LMU):
        last = torch.zeros(3, 0, layer.memory.channels)
        runs += [layer.in_steps, lambda x: layer(x, last_only=True)]
        runs += [lambda x: layer.memory(last), lambda x: layer.memory(last, last_only=True)]
    for run in runs:
        with pytest.raises(SpecError, match=message):
            run(NO_STEP)


def quantized(**options):
    model = train.Model([LAYERS["all steps at once"]()], **options)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (4, 6, 2))
    return train.Quantized(model, train.Widths(), list(x))


@pytest.mark.parametrize("x", [NONE, NO_STEP], ids=["no sequence", "no step"])
def test_integers_need_one_of_each(x) -> None:
    made = quantized(every_step=False)
    for run in (made, made.before_last, lambda x: made(x, lengths=torch.ones(len(x)).long())):
        with pytest.raises(SpecError, match=r"at least one of each, not \(., ., 2\)"):
            run(x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (NONE, "x must hold at least one example"),
        (NONE.numpy(), "x must hold at least one example"),
        ((), "x must hold at least one example"),
        ([], "x must hold sequences of at least one step"),
        ([np.zeros((0, 2))], "x must hold sequences of at least one step"),
        (NO_STEP, "at least one"),
    ],
)
def test_nothing_is_trained_or_predicted_on_nothing(x, message: str) -> None:
    loss, y = torch.nn.functional.mse_loss, torch.zeros(len(x), 6, 5)
    for model in (train.Model([LAYERS["folded"]()]), quantized()):
        with pytest.raises(SpecError, match=message):
            train.predict(model, x)
        with pytest.raises(SpecError, match=message):
            train.fit(model, x, y, loss, epochs=1, lr=1e-3, quiet=True)
        held, wanted = torch.zeros(3, 6, 2), torch.zeros(3, 6, 5)
        with pytest.raises(SpecError, match=message):
            train.fit(model, held, wanted, loss, epochs=1, lr=1e-3, quiet=True, validation=(x, y))


def test_batches_of_predict_hold_an_example() -> None:
    with pytest.raises(SpecError, match="batch_size must be"):
        train.predict(train.Model([LAYERS["Dense"]()]), torch.zeros(3, 6, 2), 0)


def test_a_loader_without_a_batch() -> None:
    model, loss = train.Model([LAYERS["Dense"]()]), torch.nn.functional.mse_loss
    data = torch.utils.data.TensorDataset(NONE, torch.zeros(0, 6, 5))
    empty = torch.utils.data.DataLoader(data, 2)
    with pytest.raises(SpecError, match="the loader must give at least one batch"):
        train.fit(model, empty, loss=loss, epochs=1, lr=1e-3, quiet=True)
    x, y = torch.zeros(3, 6, 2), torch.zeros(3, 6, 5)
    with pytest.raises(SpecError, match="the loader must give at least one batch"):
        train.fit(model, x, y, loss, epochs=1, lr=1e-3, quiet=True, validation=empty)
