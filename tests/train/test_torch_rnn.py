"""Cells of torch.nn's layers have their weights and give their outputs."""

from __future__ import annotations

import pytest

from lmu_hw.errors import SpecError

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layers_give_the_same(kind: str, bias: bool, dtype) -> None:
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(3, 5, num_layers=2, bias=bias, batch_first=True).to(dtype)
    cells = train.cells_of(module)
    assert [cell.W.dtype for cell in cells] == [dtype, dtype]
    x = torch.rand(4, 30, 3, dtype=dtype)
    with torch.no_grad():
        y, _ = train.Model(cells)(x)
        assert torch.allclose(y, module(x)[0], atol=1e-6, rtol=0.0)
    if kind == "LSTM":
        assert torch.equal(cells[0].U, module.weight_hh_l0)
        assert torch.equal(cells[1].W, module.weight_ih_l1)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells_give_the_same(kind: str) -> None:
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(3, 5)
    (cell,) = train.cells_of(module)
    x = torch.rand(4, 1, 3)
    with torch.no_grad():
        found = module(x[:, 0])
        wanted = found[0] if kind == "LSTMCell" else found
        assert torch.allclose(cell(x)[0][:, 0], wanted, atol=1e-6, rtol=0.0)


def test_other_nonlinearities_and_linear_layers() -> None:
    (cell,) = train.cells_of(torch.nn.RNN(3, 5, nonlinearity="relu"))
    assert cell.activation is train.Activation.RELU
    for bias in (True, False):
        linear = torch.nn.Linear(3, 2, bias=bias)
        (dense,) = train.cells_of(linear)
        x = torch.rand(2, 4, 3)
        assert torch.allclose(dense(x)[0], linear(x), atol=1e-6)


def test_what_no_cell_has_is_refused() -> None:
    with pytest.raises(SpecError, match="bidirectional must be False, not True: no cell has it"):
        train.cells_of(torch.nn.GRU(3, 5, bidirectional=True))
    with pytest.raises(SpecError, match="proj_size must be 0, not 2"):
        train.cells_of(torch.nn.LSTM(3, 5, proj_size=2))
    with pytest.raises(SpecError, match=r"dropout must be 0\.0, not 0\.5"):
        train.cells_of(torch.nn.LSTM(3, 5, num_layers=2, dropout=0.5))
    with pytest.raises(SpecError, match=r"module must be a torch.nn.LSTM, .* not Conv1d"):
        train.cells_of(torch.nn.Conv1d(1, 1, 1))


@pytest.mark.parametrize("functions", [("tanh", "sigmoid"), ("tanh", "hard_sigmoid")])
def test_an_lstm_at_once_is_its_steps(
    functions: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's own LSTM: outputs, state and gradients, also in evaluation mode."""
    torch.manual_seed(1)
    cell, x = train.LSTM(3, 5, *functions).eval(), torch.rand(2, 9, 3, requires_grad=True)
    state = torch.rand(2, 5), torch.rand(2, 5)
    fused, calls = torch.lstm, []
    monkeypatch.setattr(torch, "lstm", lambda *a: calls.append(len(a)) or fused(*a))
    found = []
    for run in (cell.forward, super(train.LSTM, cell).forward):
        y, (h, c) = run(x, state)
        gradients = torch.autograd.grad((y * y).sum() + c.sum(), [x, *cell.parameters()])
        found.append([y, h, c, *gradients])
    for once, steps in zip(*found, strict=True):
        assert torch.allclose(once, steps, atol=1e-6)
    assert len(calls) == (functions[1] == "sigmoid")
