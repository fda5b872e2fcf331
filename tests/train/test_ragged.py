"""Sequences of different lengths give what each gives alone, wherever they are padded."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.models import forward
from lmu_hw.models.network import scores
from tests.factories.random_networks import random_network

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")

LENGTHS = (5, 9, 12, 9, 1)
N_STEPS = 12


def sequences(n_in: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.uniform(-1.0, 1.0, (n, n_in)) for n in LENGTHS]


def padded(parts: list[np.ndarray], *, left: bool, value: float):
    """Return padded sequences and the mask of their steps."""
    x = torch.full((len(parts), N_STEPS, parts[0].shape[1]), value, dtype=torch.float64)
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    for k, part in enumerate(parts):
        at = slice(N_STEPS - len(part), None) if left else slice(len(part))
        x[k, at], mask[k, at] = torch.tensor(part), True
    return x, mask


def models():
    for seed in range(8):
        yield train.model_of(random_network(seed), torch.float64)
    torch.manual_seed(0)
    yield train.Model([train.LMU.feed_forward(2, 5, 4, 6.0), train.Dense(5, 2)]).double()


@pytest.mark.parametrize("every_step", [True, False])
@pytest.mark.parametrize("left", [True, False])
def test_each_sequence_is_as_alone(left: bool, every_step: bool) -> None:
    for model in models():
        model.every_step = every_step
        net = scores(train.export(model))
        parts = sequences(net.n_in)
        wanted = [forward.run(net, part[None])[0] for part in parts]
        # whatever the padding holds
        for value in (0.0, 7.0):
            x, mask = padded(parts, left=left, value=value)
            with torch.no_grad():
                y, states = model(x, lengths=mask)
            assert states == ()
            found = [y[k][mask[k]] for k in range(len(parts))] if every_step else list(y)
            for a, b in zip(found, wanted, strict=True):
                assert a.numpy() == pytest.approx(b, abs=1e-11)
            if every_step:
                assert torch.count_nonzero(y[~mask]) == 0
        if not left:
            with torch.no_grad():
                assert torch.equal(model(x, lengths=LENGTHS)[0], y)


def test_words_of_ragged_sequences_are_the_programs() -> None:
    torch.manual_seed(1)
    for every_step in (True, False):
        model = train.Model(
            [train.LMU.of_paper(2, 4, 3, 6.0), train.Dense(4, 2)], every_step=every_step
        )
        parts = sequences(2)
        made = train.Quantized(model, train.Widths(weight_bits=4), parts)
        x, mask = padded(parts, left=True, value=3.0)
        y, _ = made(x.float(), lengths=mask)
        for k, part in enumerate(parts):
            alone, _ = made(torch.tensor(part[None], dtype=torch.float32))
            assert torch.equal(y[k][mask[k]] if every_step else y[k], alone[0])
        y.sum().backward()
        assert float(model.layers[0].e_x.grad.abs().sum()) > 0


@pytest.mark.parametrize("kind", ["lmu", "lstm"])
def test_fit_and_predict_take_lists(kind: str) -> None:
    """The mean of a sequence, learned from a list, a mask, lengths and a loader alike."""
    rng = np.random.default_rng(0)
    x = [rng.uniform(-1.0, 1.0, (n, 1)) for n in rng.integers(3, 12, 40)]
    y = np.array([[part.mean()] for part in x])
    mask = padded(x, left=True, value=0.0)
    tensor, lengths = train.pad(x)
    data = torch.utils.data.DataLoader(
        list(zip(x, y, strict=True)), batch_size=8, collate_fn=train.collate
    )
    options = {"loss": torch.nn.functional.mse_loss, "epochs": 15, "lr": 0.02, "quiet": True}
    losses = []
    for given in (
        {"inputs": x, "targets": y},
        {"inputs": tensor, "targets": y, "lengths": lengths},
        {"inputs": mask[0], "targets": y, "lengths": mask[1]},
        {"inputs": data, "validation": (x, y)},
    ):
        torch.manual_seed(2)
        model = train.Model(
            [train.LMU.feed_forward(1, 8, 4, 12.0), train.Dense(8, 1)], every_step=False
        )
        if kind == "lstm":
            model = train.lstm_like(model, 1, 1)
        losses.append([e.loss for e in train.fit(model, batch_size=8, **given, **options)])
        if "lengths" in given:
            found = train.predict(model, x)
            same = train.predict(model, given["inputs"], lengths=given["lengths"])
            assert found.numpy() == pytest.approx(same.numpy(), abs=1e-6)
    assert losses[0] == losses[1]
    assert losses[2] == pytest.approx(losses[0], rel=1e-4)
    assert all(found[-1] < 0.5 * found[0] for found in losses)


def test_losses_see_only_steps_that_count() -> None:
    x = sequences(1)
    y, lengths = train.pad(x)
    model = train.Model([train.Dense(1, 1)])
    seen = []

    def loss(found, target):
        seen.append((found.shape, target.shape))
        return torch.nn.functional.mse_loss(found, target)

    train.fit(model, x, y, loss, epochs=1, lr=0.1, batch_size=9, quiet=True)
    assert seen == [((int(lengths.sum()), 1), (int(lengths.sum()), 1))]


@pytest.mark.parametrize("side", ["start", "end"])
def test_undeclared_padding_is_refused(side: str) -> None:
    x, mask = padded(sequences(1), left=side == "start", value=0.0)
    x, mask = x[:4].float(), mask[:4]
    model = train.Model([train.LMU.of_paper(1, 4, 3, 6.0)], every_step=False)
    message = f"x looks padded: 3 of 4 sequences {side} in 1 to 7 zero steps; give lengths="
    with pytest.raises(SpecError, match=message):
        train.predict(model, x)
    with pytest.raises(SpecError, match=message):
        train.fit(model, x, torch.zeros(4, 4), lambda y, t: y.sum(), epochs=1, lr=0.1)
    train.predict(model, x, lengths=mask)
    train.predict(model, x, lengths=[N_STEPS] * 4)
    # one memory of the input itself stays zero on zeros in front, and needs no lengths for them
    model = train.Model([train.LMU.feed_forward(1, 4, 3, 6.0)], every_step=False)
    if side == "start":
        found = train.predict(model, x)
        assert found.numpy() == pytest.approx(train.predict(model, x, lengths=mask).numpy())
    else:
        with pytest.raises(SpecError, match=message):
            train.predict(model, x)
    # what is never exported may take them for data
    train.predict(train.lstm_like(model, 1, 4), x)
    # zeros that are data: elsewhere too, or at the end of all
    x[2, 5] = 0.0
    train.predict(model, x)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 13, 2, 1, 1], "lengths must be from 1 to 12, the steps of x, not 1 to 13"),
        ([0, 1, 1, 1, 1], "lengths must be from 1 to 12"),
        ([1, 2], "lengths must be 5 whole numbers, or a mask"),
        ("abc", "lengths must be 5 whole numbers, or a mask"),
        (torch.ones(5), "lengths must be 5 whole numbers"),
        (torch.ones(5, 3, dtype=torch.bool), r"the mask has shape \(5, 3\) but should be \(5, 12"),
        (torch.zeros(5, 12, dtype=torch.bool), "must hold one run of true steps"),
        (torch.arange(12).expand(5, 12) % 2 == 0, "must hold one run of true steps"),
    ],
)
def test_wrong_lengths_are_refused(lengths, message: str) -> None:
    model = train.Model([train.Dense(1, 1)])
    with pytest.raises(SpecError, match=message):
        model(torch.zeros(5, 12, 1), lengths=lengths)
    with pytest.raises(SpecError, match=message):
        train.predict(model, torch.zeros(5, 12, 1), lengths=lengths)


def test_other_misuse_is_refused() -> None:
    model = train.Model([train.LMU.feed_forward(1, 4, 3, 6.0)])
    x = torch.ones(2, 5, 1)
    _, states = model(x)
    with pytest.raises(SpecError, match="states must be left out with lengths"):
        model(x, states, lengths=[1, 2])
    with pytest.raises(SpecError, match="states must be 1, one for each layer, not 0"):
        model(x, model(x, lengths=[1, 2])[1])
    with pytest.raises(SpecError, match="sequences of at least one step"):
        train.pad([])
    with pytest.raises(SpecError, match=r"of one n, not \(2, 1\), \(3, 2\)"):
        train.pad([np.zeros((2, 1)), np.zeros((3, 2))])
    with pytest.raises(SpecError, match="lengths must be left out: a list"):
        train.predict(model, [x[0], x[1, :2]], lengths=[5, 2])
    with pytest.raises(SpecError, match=r"Linear.forward must take lengths="):
        train.predict(torch.nn.Linear(1, 1), [x[0], x[1, :2]])


def test_a_model_without_parameters_predicts() -> None:
    model = train.Model([train.LMU(1, train.LegendreMemory(3, 6.0), encoders=())])
    x = sequences(1)
    found = train.predict(model, x)
    assert found.shape == (5, N_STEPS, 3)
    assert found[0, :5].numpy() == pytest.approx(train.predict(model, [x[0]])[0].numpy(), abs=1e-6)
