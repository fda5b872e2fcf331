"""The training loop: it learns, is repeatable, and resumes from a checkpoint."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from lmu_hw.errors import ModelFileError, SpecError, ToolError, UnstableError

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")


def run(epochs: int, checkpoint: Path | None = None, stop_after: int | None = None, seed: int = 1):
    """Train a small model; return its weights and the losses of all epochs."""
    torch.manual_seed(0)
    model = train.Model([train.LMU.feed_forward(1, 8, 4, 8.0, dropout=0.2), train.Dense(8, 1)])
    x = torch.rand(20, 12, 1, generator=torch.Generator().manual_seed(2))

    def after(k: int, epoch) -> None:
        if k == stop_after:
            raise KeyboardInterrupt

    options = {"epochs": epochs, "batch_size": 6, "lr": 0.01, "seed": seed, "quiet": True}
    loss = torch.nn.functional.mse_loss
    history = train.fit(
        model, (x,), torch.roll(x, 3, 1), loss, checkpoint=checkpoint, after=after, **options
    )
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    return weights, [epoch.loss for epoch in history]


def test_it_learns_and_repeats_itself() -> None:
    weights, losses = run(30)
    assert losses[-1] < 0.7 * losses[0]
    again, same = run(30)
    assert torch.equal(weights, again)
    assert losses == same
    other, _ = run(30, seed=3)
    assert not torch.equal(weights, other)


def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "model.pt"
    with pytest.raises(KeyboardInterrupt):
        run(5, path, stop_after=2)
    weights, losses = run(5, path)
    whole, wanted = run(5)
    assert torch.equal(weights, whole)
    assert losses == wanted


def test_a_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    for content in (b"", b"nonsense"):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="is not a checkpoint of this model"):
            run(2, path)
    torch.save({"model": {}}, path)
    with pytest.raises(ModelFileError, match="delete it or name another"):
        run(2, path)


OPTIONS = {"epochs": 2, "batch_size": 4, "lr": 0.01, "quiet": True}
mse = torch.nn.functional.mse_loss


def small(**options):
    torch.manual_seed(0)
    return train.Model([train.LMU.feed_forward(1, 4, 4, 8.0, **options), train.Dense(4, 1)])


def noise(n: int = 10, n_steps: int = 12, seed: int = 2):
    return torch.rand(n, n_steps, 1, generator=torch.Generator().manual_seed(seed)) + 0.1


def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_weight_decay_leaves_memories_alone() -> None:
    for options in ({"learn_theta": True}, {"learn_theta": True, "learn_system": True}):
        torch.manual_seed(0)
        memory = train.LegendreMemory(4, 200.0, **options)
        model = train.Model([train.LMU(1, memory, train.Dense(4, 1), encoders=())])
        before = {n: p.detach().clone() for n, p in memory.named_parameters()}
        x = noise()
        train.fit(model, x, x, lambda y, _: 0.0 * y.sum(), weight_decay=0.5, **OPTIONS)
        assert all(torch.equal(p, before[n]) for n, p in memory.named_parameters())
        assert float(model.layers[0].cell.W.detach().abs().max()) > 0
        wrong = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
        with pytest.raises(SpecError, match="weight_decay must be 0 for theta, A and B"):
            train.fit(model, x, x, mse, optimiser=wrong, epochs=1, quiet=True)


def test_cells_are_decayed() -> None:
    model, x = small(), noise()
    before = model.layers[1].W.detach().clone()
    train.fit(model, x, x, lambda y, _: 0.0 * y.sum(), weight_decay=0.5, **OPTIONS)
    assert float((model.layers[1].W.detach() / before).max()) < 0.995


@pytest.mark.parametrize("start", [14.0, 220.0])
def test_a_window_is_found(start: float) -> None:
    """Delays of up to 50 samples: the best window is about 50, see docs/results/windows.md."""
    from benchmarks.windows import data, model_of, trained

    x, y = data(48)
    found = trained(model_of(start), x, y, epochs=40, lr=0.02)[-1].theta[0]
    assert 40.0 < found < 70.0


def test_the_best_weights_of_the_validation_data_are_kept() -> None:
    x, held = noise(), noise(seed=5)
    seen = []
    model = small()

    def after(k: int, epoch) -> None:
        seen.append(weights_of(model))

    # the target of the training data is wrong: validation gets worse while training goes on
    history = train.fit(
        model,
        x,
        -x,
        mse,
        **OPTIONS | {"epochs": 30, "lr": 0.05},
        validation=(held, held),
        patience=3,
        after=after,
    )
    losses = [epoch.validation for epoch in history]
    best = losses.index(min(losses))
    assert len(losses) == best + 4 < 30
    assert torch.equal(weights_of(model), seen[best])
    wanted = float(mse(train.predict(model, held), held))
    assert wanted == pytest.approx(min(losses), rel=1e-5)


def test_a_stopped_run_with_validation_goes_on(tmp_path: Path) -> None:
    def run_it(path: Path | None, stop: int | None):
        def after(k: int, epoch) -> None:
            if k == stop:
                raise KeyboardInterrupt

        model, x = small(learn_theta=True), noise()
        options = OPTIONS | {"epochs": 6, "validation": (-x, -x), "patience": 6}
        found = train.fit(model, x, x.roll(2, 1), mse, checkpoint=path, after=after, **options)
        return weights_of(model), [(e.loss, e.validation, e.theta) for e in found]

    path = tmp_path / "model.pt"
    with pytest.raises(KeyboardInterrupt):
        run_it(path, 3)
    weights, history = run_it(path, None)
    wanted, whole = run_it(None, None)
    assert torch.equal(weights, wanted)
    assert history == whole


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    path, x = tmp_path / "model.pt", noise()
    train.fit(small(), x, x, mse, checkpoint=path, **OPTIONS)
    train.fit(small(), x, x, mse, checkpoint=path, **OPTIONS)
    for name, options in {
        "data": {"targets": 2 * x},
        "epochs 2, not 3": {"epochs": 3},
        "rates 0.01, not 0.02": {"lr": 0.02},
        "seed 0, not 1": {"seed": 1},
        "loss mse_loss, not l1_loss": {"loss": torch.nn.functional.l1_loss},
        "validation none": {"validation": (x, x)},
    }.items():
        given = {"targets": x, "loss": mse, "checkpoint": path, **OPTIONS} | options
        with pytest.raises(ModelFileError, match=f"checkpoint of another run .*{name}.*delete it"):
            train.fit(small(), x, **given)


def test_a_loss_that_is_not_finite_stops() -> None:
    model, x = small(), noise()
    before = weights_of(model)
    with pytest.raises(UnstableError, match="the loss is nan in epoch 1: lower lr"):
        train.fit(model, x, x, lambda y, t: mse(y, t) * float("nan"), **OPTIONS)
    assert torch.equal(weights_of(model), before)
    with pytest.raises(UnstableError, match=r"the gradient is .* in epoch 1"):
        train.fit(model, x, x, lambda y, t: torch.sqrt(0.0 * mse(y, t)), **OPTIONS)
    assert torch.equal(weights_of(model), before)


def test_a_loader_and_an_optimiser_of_ones_own() -> None:
    x = noise()
    data = torch.utils.data.TensorDataset(x, x.roll(2, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=5, shuffle=True)
    model = small(learn_theta=True)
    history = train.fit(
        model,
        loader,
        loss=mse,
        epochs=15,
        lr=0.1,
        optimiser=lambda groups: torch.optim.SGD(groups, momentum=0.9),
        validation=loader,
        quiet=True,
    )
    assert history[-1].loss < history[0].loss
    own = torch.optim.Adam([{"params": model.parameters(), "lr": 0.01}])
    train.fit(model, loader, loss=mse, epochs=1, optimiser=own, quiet=True)
    assert own.param_groups[0]["lr"] < 0.01


def test_arrays_of_any_precision_are_taken() -> None:
    x = noise().double().numpy()
    history = train.fit(small(), x, x, mse, **OPTIONS)
    assert train.predict(small().double(), noise().numpy()).dtype is torch.float64
    assert len(history) == 2


def test_epochs_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, x = tmp_path / "log" / "epochs.csv", noise()
    history = train.fit(
        small(learn_theta=True), x, x, mse, csv=str(path), validation=(x, x), **OPTIONS
    )
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,validation,lr,seconds,theta_1"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]
    assert float(lines[2].split(",")[1]) == history[1].loss
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ToolError, match="needs TensorBoard: pip install tensorboard"):
        train.fit(small(), x, x, mse, tensorboard=tmp_path, **OPTIONS)
    scalars = []

    class SummaryWriter:
        def __init__(self, directory: str) -> None:
            assert directory == str(tmp_path)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            scalars.append((name, value, step))

        def flush(self) -> None:
            pass

    fake = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    history = train.fit(small(), x, x, mse, tensorboard=tmp_path, **OPTIONS)
    assert ("loss", history[1].loss, 2) in scalars


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("targets has 9 examples but x has 10", {"targets": noise(9)}),
        (
            r"targets have shape \(4, 12\) but the outputs \(4, 12, 1\)",
            {"targets": noise()[..., 0]},
        ),
        ("x must hold finite numbers", {"inputs": noise() / 0 * 0}),
        ("targets must hold finite", {"targets": noise() / 0}),
        ("x must hold at least one example", {"inputs": noise()[:0], "targets": noise()[:0]}),
        (
            r"x has shape \(4, 12\) but should be \(sequences, steps, 1\)",
            {"inputs": noise()[..., 0]},
        ),
        ("loss must be given", {"loss": None}),
        ("lr must be given", {"lr": None}),
        ("lr must be > 0", {"lr": 0.0}),
        ("theta_lr must be > 0", {"theta_lr": -1.0}),
        ("epochs must be a whole number", {"epochs": 1.5}),
        ("batch_size must be a whole number", {"batch_size": 0}),
        ("validation data must be given for patience", {"patience": 2}),
        ("targets must be given", {"targets": None}),
        ("data must be tensors or arrays", {"inputs": ("a", "b")}),
        ("sequences must be .* arrays of numbers", {"inputs": ["a", "b"]}),
        ("clip must be > 0", {"clip": -1.0}),
        ("weight_decay must be >= 0", {"weight_decay": -1.0}),
        (r"validation must be \(inputs, targets\)", {"validation": noise()}),
        (
            r"the loss must take outputs \(4, 12, 1\) and torch.float32 targets \(4, 12, 1\): ",
            {"loss": torch.nn.functional.nll_loss},
        ),
    ],
)
def test_bad_calls_are_refused(message: str, options) -> None:
    given = {"inputs": noise(), "targets": noise(), "loss": mse, **OPTIONS} | options
    with pytest.raises(SpecError, match=message):
        train.fit(small(), **given)


def louder(x: torch.Tensor, most: float = 0.5) -> torch.Tensor:
    return x * (1.0 + most * torch.rand(len(x), 1, 1))


def augmented(augment, checkpoint: Path | None = None, stop_after: int | None = None):
    """Train for three epochs; return the weights."""
    model, x = small(), noise()

    def after(k: int, epoch) -> None:
        if k == stop_after:
            raise KeyboardInterrupt

    given = {**OPTIONS, "epochs": 3, "augment": augment, "checkpoint": checkpoint, "after": after}
    train.fit(model, x, x, mse, **given)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_batches_are_augmented_anew_in_every_epoch(tmp_path: Path) -> None:
    seen = []

    def watched(x: torch.Tensor) -> torch.Tensor:
        seen.append(louder(x))
        return seen[-1]

    weights = augmented(watched)
    assert [len(x) for x in seen] == [4, 4, 2] * 3
    sums = [sum(float(x.sum()) for x in seen[k : k + 3]) for k in (0, 3, 6)]
    assert len(set(sums)) == 3
    assert torch.equal(weights, augmented(louder))
    assert not torch.equal(weights, augmented(None))
    # a stopped run draws what it would have drawn
    path = tmp_path / "model.pt"
    with pytest.raises(KeyboardInterrupt):
        augmented(louder, path, stop_after=0)
    assert torch.equal(weights, augmented(louder, path))
    for other, name in (
        (None, "augment louder, not none"),
        (partial(louder, most=0.1), r"augment louder, not louder\(most=0.1\)"),
    ):
        with pytest.raises(ModelFileError, match=name):
            augmented(other, path)


def test_augment_may_make_all_inputs_of_a_model() -> None:
    class Sum(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(()))

        def forward(self, a, b):
            assert torch.equal(b, 2 * a)
            return self.w + 0 * a

    x = noise()
    (epoch,) = train.fit(
        Sum(), x, x, mse, epochs=1, lr=0.1, quiet=True, augment=lambda x: (x, 2 * x)
    )
    assert epoch.loss == pytest.approx(float(x.square().mean()))


@pytest.mark.parametrize("augment", [lambda x: x[1:], lambda x: x.numpy(), lambda x: None])
def test_what_is_augmented_stays_a_batch(augment) -> None:
    with pytest.raises(SpecError, match="augment must return a tensor of 4 examples"):
        augmented(augment)
