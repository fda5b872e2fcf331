"""The training loop: it learns, is repeatable, and resumes from a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmu_hw.errors import ModelFileError

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
