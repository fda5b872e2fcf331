"""Quantized training: forward values are the program's words, and gradients are useful."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models.network import Activation, GRULayer, LMULayer, LSTMLayer, SimpleRNNLayer
from lmu_hw.program import fixedpoint, interpreter
from lmu_hw.program.fixedpoint import from_real, to_real
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.quantize_network import QuantizedNetwork
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.random_networks import random_network
from tests.tools import require

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")

N, STEPS = 4, 30


def noise(n_in: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (N, STEPS, n_in))


def words_of(design: QuantizedNetwork, x: np.ndarray, runner: type) -> np.ndarray:
    """Return the output words of a design, shape (N, n_due, n_out), by a backend."""
    (source,) = design.program.with_role(Role.INPUT)
    words, _ = from_real(x, source.fmt)
    found = runner(design.program, len(x)).run(words.transpose(1, 0, 2))
    return found.transpose(1, 0, 2)[:, :, : design.network.n_out]


def to_words(design: QuantizedNetwork, y) -> np.ndarray:
    """Return a model's outputs as words; they must be whole."""
    columns = [v.fmt for v in design.program.with_role(Role.OUTPUT) for _ in range(v.length)]
    lsb = np.array([fmt.lsb for fmt in columns[: design.network.n_out]])
    words = y.detach().double().numpy() / lsb
    assert np.array_equal(words, np.round(words))
    return words.astype(np.int64)


def quantized(model, widths: Widths, seed: int = 9):
    n_in = train.export(model).n_in
    return train.Quantized(model, widths, list(noise(n_in, seed)))


def check_words(model, widths: Widths, runner: type = Interpreter) -> None:
    made = quantized(model, widths)
    x = noise(train.export(model).n_in)
    y, _ = made(torch.tensor(x, dtype=torch.float32))
    design = made.design()
    wanted = words_of(design, x, runner)
    assert np.array_equal(to_words(design, y if model.every_step else y[:, None]), wanted)
    # and of the design that is made of the exported network afresh
    again = train.Quantized(
        train.model_of(train.export(model)).double(), widths, list(noise(x.shape[2], 9))
    )
    assert again.design().program.ops == design.program.ops


@pytest.mark.some(6)
@pytest.mark.parametrize("seed", range(12))
def test_any_network(seed: int) -> None:
    network = random_network(seed)
    if not any(
        isinstance(layer, SimpleRNNLayer | LSTMLayer | GRULayer | LMULayer)
        for layer in network.layers
    ):
        pytest.skip("nothing remembers: there is no program")
    model = train.model_of(network)
    model.every_step = bool(seed % 3)
    check_words(model, Widths(weight_bits=4, act_bits=6, coef_bits=8))


CELLS = (None, "Dense", "SimpleRNN", "LSTM", "GRU")
ENCODERS = (("e_x",), ("e_x", "e_h", "e_m"))


def model_with(cell: str | None, encoders: tuple[str, ...] = ("e_x",), **options):
    """Return a layer, of whatever cell, and a linear readout."""
    torch.manual_seed(3)
    memory = train.LegendreMemory(6, 12.0, channels=2, **options)
    made = None if cell is None else getattr(train, cell)(14, 5, Activation.TANH)
    lmu = train.LMU(2, memory, made, encoders=encoders, bias=True, reads_input=True)
    for parameter in (lmu.e_m, lmu.b):
        if parameter is not None:
            torch.nn.init.normal_(parameter, std=0.05)
    return train.Model([lmu, train.Dense(lmu.output_size, 2)])


@pytest.mark.parametrize("encoders", ENCODERS[:1])
@pytest.mark.parametrize("reads_input", [False, True])
def test_a_bilinear_memory_at_the_end_is_a_ladder(
    encoders: tuple[str, ...], reads_input: bool
) -> None:
    torch.manual_seed(4)
    memory = train.LegendreMemory(6, 12.0, channels=2, discretizer=Discretizer.BILINEAR)
    lmu = train.LMU(2, memory, None, encoders=(*encoders, "e_m"), reads_input=reads_input)
    torch.nn.init.normal_(lmu.e_m, std=0.05)
    model = train.Model([lmu])
    design = quantized(model, Widths(weight_bits=4, act_bits=8)).design()
    assert "ladder" in {op.kind for op in design.program.ops}
    check_words(model, Widths(weight_bits=4, act_bits=8))


@pytest.mark.cc
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c or "memory")
def test_words_are_those_of_the_compiled_c(cell: str | None) -> None:
    """C knows nothing of `fixedpoint`: a change of rounding there makes a difference here."""
    require("cc|gcc|clang")
    check_words(model_with(cell, ENCODERS[1]), Widths(weight_bits=4, act_bits=8), BulkEngine)


@pytest.mark.cc
def test_another_rounding_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    require("cc|gcc|clang")
    shift = fixedpoint.round_shift
    monkeypatch.setattr(
        interpreter, "round_shift", lambda x, s, rounding: shift(x, s, fixedpoint.Rounding.TRN)
    )
    with pytest.raises(AssertionError):
        check_words(model_with("Dense"), Widths(weight_bits=4, act_bits=8), BulkEngine)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c or "memory")
@pytest.mark.parametrize("encoders", ENCODERS, ids=len)
@pytest.mark.parametrize("every_step", [True, False])
def test_gradients_of_wide_words_are_those_of_floats(
    cell: str | None, encoders: tuple[str, ...], every_step: bool
) -> None:
    model = model_with(cell, encoders, learn_theta=True)
    model.every_step = every_step
    x = torch.tensor(noise(2), dtype=torch.float32)
    weights = torch.tensor(noise(2, 5), dtype=torch.float32)
    found = []
    for module in (model, quantized(model, Widths(weight_bits=16))):
        model.zero_grad()
        y, _ = module(x)
        torch.sum(y * (weights if every_step else weights[:, 0])).backward()
        found.append({name: p.grad.clone() for name, p in model.named_parameters()})
    for name, wanted in found[0].items():
        assert torch.linalg.norm(wanted) > 0, name
        error = torch.linalg.norm(found[1][name] - wanted) / torch.linalg.norm(wanted)
        assert error < 0.01, name  # words of 16 bits


def test_windows_of_channels() -> None:
    torch.manual_seed(4)
    memory = train.LegendreMemory(3, (5.0, 9.0, 14.0), learn_theta=True)
    lmu = train.LMU(2, memory, train.SimpleRNN(11, 4), encoders=("e_x",), reads_input=True)
    check_words(train.Model([lmu, train.Dense(4, 2)]), Widths(weight_bits=5))


@pytest.mark.parametrize("cell", ["Dense", "SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("every_step", [True, False])
def test_going_on_from_words(cell: str, every_step: bool) -> None:
    """State words of steps before, as training on the last step alone starts from them."""
    model = model_with(cell)
    model.every_step = every_step
    made, x = quantized(model, Widths(weight_bits=6)), noise(2)
    program = made.design().program
    (source,) = program.with_role(Role.INPUT)
    before = Interpreter(program, N)
    before.run(from_real(x[:, :20], source.fmt)[0].transpose(1, 0, 2))
    tail = torch.tensor(x[:, 20:], dtype=torch.float32)
    y, _ = made(tail, torch.tensor(before.save()))
    grads = torch.autograd.grad(y.sum(), model.parameters())
    assert all(torch.isfinite(g).all() and g.abs().max() > 0 for g in grads)
    whole, _ = made(torch.tensor(x, dtype=torch.float32))
    assert torch.equal(y, whole[:, 20:] if every_step else whole)


def test_the_program_follows_the_weights() -> None:
    made = quantized(model_with("Dense"), Widths())
    first = made.design()
    assert made.design() is first
    with torch.no_grad():
        made.model.layers[1].W.mul_(0.5)
    assert made.design().program != first.program


def test_dropout_is_off() -> None:
    model = train.Model([train.LMU.feed_forward(1, 9, 4, 8.0, dropout=0.5), train.Dense(9, 1)])
    made = quantized(model, Widths()).train()
    x = torch.tensor(noise(1), dtype=torch.float32)
    assert torch.equal(made(x)[0], made.eval()(x)[0])
    hidden = model.layers[0].cell.dropout
    assert not hidden.training


def test_three_bits_are_made_good_by_training() -> None:
    """The same few bits, rounded after training and trained as integers: a delay of five steps.

    The loss of slow waves falls to a third; that of noise, which no small memory delays, hardly
    falls, and differs between processors.
    """
    torch.manual_seed(6)
    model = train.Model([train.LMU.feed_forward(1, 8, 6, 12.0), train.Dense(8, 1)])
    rng = np.random.default_rng(1)
    turns = rng.uniform(0.01, 0.08, (N, 1)) * np.arange(STEPS) + rng.uniform(0.0, 1.0, (N, 1))
    x = torch.tensor(0.9 * np.sin(2.0 * np.pi * turns)[:, :, None], dtype=torch.float32)
    target = torch.nn.functional.pad(x[:, :-5], (0, 0, 5, 0))

    def learn(module, epochs: int, lr: float) -> float:
        options = {"epochs": epochs, "lr": lr, "batch_size": N, "quiet": True}
        train.fit(module, (x,), target, torch.nn.functional.mse_loss, **options)
        return float(torch.nn.functional.mse_loss(train.predict(module, (x,)), target))

    learn(model, 150, 0.02)
    made = train.Quantized(model, Widths(weight_bits=3), list(x.double().numpy()))
    rounded = float(torch.nn.functional.mse_loss(train.predict(made, (x,)), target))
    assert learn(made, 40, 0.005) < 0.8 * rounded


def test_values_are_real_units() -> None:
    made = quantized(model_with("Dense"), Widths())
    x = noise(2)
    y, _ = made(torch.tensor(x, dtype=torch.float32))
    design = made.design()
    (output,) = design.program.with_role(Role.OUTPUT)
    wanted = to_real(words_of(design, x, Interpreter), output.fmt)
    assert np.array_equal(y.detach().double().numpy(), wanted)
