"""A model that normalizes takes values in their units; its hardware takes the same words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import FormatError, SpecError

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")


def values(n: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal((101.3, -40.0), (2.5, 300.0), (n, 25, 2)).astype(np.float32)


def model_of(x: np.ndarray):
    torch.manual_seed(0)
    channels = train.channels_of(x, names=("pressure", "flow"), units=("kPa", "l/h"))
    lmu = train.LMU.feed_forward(2, 5, 4, 10.0)
    return train.Model([lmu, train.Dense(5, 2)], inputs=channels, normalizes=True)


def test_channels_are_mean_and_deviation() -> None:
    x = values()
    for given in (x, torch.tensor(x), [x[0], x[1, :9], x[2, :3]]):
        rows = np.concatenate(given) if isinstance(given, list) else x.reshape(-1, 2)
        found = train.channels_of(given)
        assert [c.offset for c in found] == pytest.approx(rows.mean(axis=0, dtype=float), rel=1e-6)
        assert [c.scale for c in found] == pytest.approx(rows.std(axis=0, dtype=float), rel=1e-5)
    assert train.channels_of(np.full((1, 3, 1), 7.0))[0] == lh.Channel(offset=7.0)


def test_outputs_and_words_are_those_of_normalized_data(tmp_path: Path) -> None:
    x = values()
    model = model_of(x)
    plain = train.model_of(train.export(model))
    w = np.stack([c.normalize(x[..., k]) for k, c in enumerate(model.inputs)], axis=-1)
    with torch.no_grad():
        y, _ = model(torch.tensor(x))
        wanted, _ = plain(torch.tensor(w, dtype=torch.float32))
    assert y.numpy() == pytest.approx(wanted.numpy(), abs=1e-6)
    made = train.Quantized(model, train.Widths(weight_bits=6), x)
    train.save(made, tmp_path / "model.npz")
    design = lh.compile(lh.load_model(tmp_path / "model.npz"))
    outputs = np.stack([design.predict(design.normalize(part)) for part in x])
    assert np.array_equal(made(torch.tensor(x))[0].detach().double().numpy(), outputs)
    # carried into the manifest and the header
    design.write(tmp_path / "out")
    manifest = json.dumps(json.loads((tmp_path / "out" / "manifest.json").read_text()))
    assert "pressure" in manifest
    assert "kPa" in (tmp_path / "out" / "c" / "lmu_units.h").read_text()


def test_bad_channels_are_refused() -> None:
    with pytest.raises(SpecError, match="inputs must be given, a Channel for each"):
        train.Model([train.Dense(1, 1)], normalizes=True)
    with pytest.raises(FormatError, match="the input has 1 channels but should have 2"):
        train.Model([train.Dense(2, 1)], inputs=[lh.Channel()])
    with pytest.raises(FormatError, match="the output has 2 channels but should have 1"):
        train.Model([train.Dense(2, 1)], outputs=[lh.Channel(), lh.Channel()])
    with pytest.raises(SpecError, match="names must be 2, one for each channel, not 1"):
        train.channels_of(values(), names=["a"])
    with pytest.raises(SpecError, match="x must hold finite numbers"):
        train.channels_of(values() * np.nan)
    with pytest.raises(SpecError, match=r"x has shape \(5,\) but should be"):
        train.channels_of(np.ones(5))
