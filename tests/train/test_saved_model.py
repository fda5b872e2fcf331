"""A saved model goes on where it was: what is learned, dropout, widths, normalization."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.cli.main import main
from lmu_hw.errors import ModelFileError, SpecError
from lmu_hw.models.importers.model_file import to_bytes
from tests.factories.random_networks import random_network

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")


def model_of_all():
    """Return a model with every kind of layer and memory."""
    torch.manual_seed(0)
    memory = train.LegendreMemory(3, (8.0, 20.0), learn_theta=True, discretizer="bilinear")
    each = train.LMU(2, memory, train.Dense(8, 3, "relu", dropout=0.3), reads_input=True, bias=True)
    system = train.LegendreMemory(3, 9.0, learn_theta=True, learn_system=True)
    learned = train.LMU(3, system, train.GRU(3, 4, inner_bias=False))
    paper = train.LMU.of_paper(4, 3, 4, 12.0, learn_theta=True)
    layers = [each, learned, paper, train.LSTM(3, 3, "relu", "hard_sigmoid"), train.GRU(3, 2)]
    channels = train.channels_of(torch.rand(3, 9, 2), names=("a", "b"), units=("mV", ""))
    model = train.Model(layers, names=list("abcde"), inputs=channels, normalizes=True)
    # as after training: no number is round
    for parameter in model.parameters():
        parameter.data += 0.01 * torch.rand_like(parameter)
    return model


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    path, model = tmp_path / "made" / "model.npz", model_of_all()
    train.save(model, path)
    back = train.load(path)
    x = torch.rand(2, 7, 2)
    assert torch.equal(back.eval()(x)[0], model.eval()(x)[0])
    wanted = dict(model.named_parameters())
    assert {n: p.dtype for n, p in back.named_parameters()} == dict.fromkeys(wanted, torch.float32)
    assert all(torch.equal(p, wanted[n]) for n, p in back.named_parameters())
    assert back.layers[0].cell.dropout.p == 0.3
    assert back.layers[0].memory.learns_theta
    assert back.layers[1].memory.learns_system
    assert back.names == model.names
    assert (back.inputs, back.normalizes) == (model.inputs, True)
    assert to_bytes(train.export(back)) == to_bytes(train.export(model))
    # every command reads the network in it
    assert to_bytes(lh.load_model(path).model) == to_bytes(train.export(model))


@pytest.mark.parametrize("seed", range(6))
def test_any_network_comes_back(seed: int, tmp_path: Path) -> None:
    net, path = random_network(seed), tmp_path / "model.npz"
    train.save(train.model_of(net, torch.float64), path)
    assert to_bytes(train.export(train.load(path))) == to_bytes(net)
    # and of a file that no training wrote
    path.write_bytes(to_bytes(net))
    assert to_bytes(train.export(train.load(path))) == to_bytes(train.export(train.model_of(net)))


def quantized(path: Path):
    torch.manual_seed(1)
    model = train.Model([train.LMU.feed_forward(1, 4, 3, 8.0, dropout=0.2), train.Dense(4, 2)])
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (3, 20, 1))
    made = train.Quantized(model, train.Widths(weight_bits=4, act_bits=10), list(x))
    train.save(made, path)
    return made, torch.tensor(x, dtype=torch.float32)


def test_word_lengths_and_ranges_come_back(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    made, x = quantized(path)
    back = train.load(path)
    assert back.widths == made.widths
    assert back.design().program.ops == made.design().program.ops
    assert torch.equal(back(x)[0], made(x)[0])
    assert back.model.layers[0].cell.dropout.p == 0.2
    network = lh.load_model(path)
    assert network.widths == made.widths
    assert lh.compile(network).program.ops == made.design().program.ops
    assert lh.compile(network, widths={"weight_bits": 8}).program.ops != made.design().program.ops
    network.save(tmp_path / "again.npz")
    assert lh.load_model(tmp_path / "again.npz").widths == made.widths


def test_generate_warns_at_other_word_lengths(tmp_path: Path, capsys) -> None:
    path = tmp_path / "model.npz"
    quantized(path)
    assert main(["generate", str(path), "-o", str(tmp_path / "a")]) == 0
    error = capsys.readouterr().err
    wanted = "--weight-bits 4 --act-bits 10 --coef-bits 16 --input-bits 16"
    assert f"was trained for other word lengths; give {wanted}" in error
    assert main(["generate", str(path), *wanted.split(), "-o", str(tmp_path / "b")]) == 0
    assert "trained for" not in capsys.readouterr().err


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    with pytest.raises(SpecError, match=r"path must end in \.npz, not 'model\.pt'"):
        train.save(model_of_all(), "model.pt")
    with pytest.raises(ModelFileError):
        train.load(tmp_path / "none.npz")
    quantized(path)
    whole = dict(np.load(path))
    text = json.loads(whole["model"].tobytes())
    for change in (
        {"layers": [{"kind": "Conv"}]},
        {"layers": 3},
        {"dtype": "string"},
        {"names": ["one"]},
        {"widths": {"weight_bits": 99}},
        {"widths": [3]},
    ):
        wrong = {**text, "training": {**text["training"], **change}}
        content = np.frombuffer(json.dumps(wrong).encode(), dtype=np.uint8)
        np.savez(path, **whole | {"model": content})
        with pytest.raises(ModelFileError, match=r"damaged model: .*; save it again"):
            train.load(path)
    with pytest.raises(ModelFileError, match="damaged model: widths; save it again"):
        lh.load_model(path)
