"""The fast recurrence against the plain loop `LMU.in_steps`: outputs, states and gradients."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from lmu_hw.models.importers.model_file import read_model
from lmu_hw.train import Activation

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
folded_layer = pytest.importorskip("lmu_hw.train.folded_layer")
chunked_steps = pytest.importorskip("lmu_hw.train.chunked_steps")

FEEDBACK = [
    encoders
    for n in (1, 2, 3)
    for encoders in combinations(("e_x", "e_h", "e_m"), n)
    if encoders != ("e_x",)
]
SHIPPED = Path(__file__).parents[2] / "examples" / "models" / "psmnist_lmu2019.npz"
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
"""Of the largest element: what the order of sums leaves."""


@pytest.fixture
def chunks(monkeypatch):
    """Return a function that sets the length of chunks."""
    return lambda length: monkeypatch.setattr(folded_layer, "chunk_length", lambda *of: length)


def layer(cell: str, encoders=("e_x", "e_h", "e_m"), channels: int = 1, **options):
    activation = options.pop("activation", Activation.TANH)
    reads_input = options.pop("reads_input", True)
    bias = options.pop("bias", True)
    n_in = 3 if "e_x" in encoders else channels
    memory = train.LegendreMemory(6, 20.0, channels=channels, **options)
    read = getattr(train, cell)(6 * channels + n_in * reads_input, 5, activation)
    made = train.LMU(n_in, memory, read, encoders=encoders, bias=bias, reads_input=reads_input)
    for parameter in (made.e_m, made.b, made.cell.b):
        if parameter is not None:
            torch.nn.init.normal_(parameter, std=0.1)
    return made


def state_of(lmu, n_sequences: int):
    shapes = (lmu.memory.channels * lmu.memory.order, lmu.output_size)
    return [torch.rand(n_sequences, n, dtype=lmu.cell.W.dtype) for n in shapes]


def gradients(run, lmu, x, state, last_only: bool = False):
    """Return output, state, and the gradients of all that a run depends on."""
    lmu.zero_grad()
    given = [a.clone().requires_grad_() for a in (x, *state)]
    y, after = run(given[0], tuple(given[1:]), last_only=last_only)
    weights = torch.linspace(-1.0, 1.0, y.numel(), dtype=y.dtype).view(y.shape)
    (torch.sum(y * weights) + sum(torch.sum(a**2) for a in after)).backward()
    return [y, *after, *(p.grad for p in (*lmu.parameters(), *given))]


def check(lmu, dtype=torch.float64, n_steps: int = 23, **options) -> None:
    lmu = lmu.to(dtype)
    assert lmu._can_be_folded
    x = torch.rand(4, n_steps, lmu.input_size, dtype=dtype)
    state = state_of(lmu, 4)
    wanted = gradients(lmu.in_steps, lmu, x, state, **options)
    found = gradients(lmu, lmu, x, state, **options)
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape
        a, b = a.detach(), b.detach()
        assert float((a - b).abs().max()) <= TOLERANCE[dtype] * max(1.0, float(b.abs().max()))


@pytest.mark.parametrize("length", [1, 2, 5, 23])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("cell", ["SimpleRNN", "Dense"])
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
def test_chunks_of_any_length(chunks, dtype, cell: str, channels: int, length: int) -> None:
    chunks(length)
    check(layer(cell, channels=channels, learn_theta=True), dtype)
    check(layer(cell, channels=channels), dtype, last_only=True)


@pytest.mark.parametrize("encoders", FEEDBACK, ids="-".join)
def test_all_encoders(chunks, encoders: tuple[str, ...]) -> None:
    chunks(4)
    for channels in (1, 2):
        for reads_input, bias in ((True, False), (False, True)):
            check(layer("SimpleRNN", encoders, channels, reads_input=reads_input, bias=bias))


@pytest.mark.parametrize("activation", chunked_steps.SLOPES, ids=lambda a: a.name)
def test_all_slopes(chunks, activation: Activation) -> None:
    chunks(4)
    check(layer("Dense", activation=activation))


def test_trained_matrices(chunks) -> None:
    chunks(4)
    check(layer("SimpleRNN", learn_system=True, learn_theta=True))


def test_the_cell_of_the_paper() -> None:
    """In float32 and as long as its window, with the length of chunks that the layer chooses."""
    check(train.LMU.of_paper(1, 12, 32, 100.0), torch.float32, n_steps=100)
    assert folded_layer.chunk_length(784, 100, 256, 212, 1) == 15
    assert folded_layer.chunk_length(1, 1, 256, 212, 1) == 1


@pytest.mark.soak
@pytest.mark.parametrize("weights", ["first", "shipped"])
def test_whole_digits_of_the_paper(weights: str) -> None:
    """784 steps: equal in float64; in float32 no farther from it than the plain loop, about."""
    torch.manual_seed(0)
    lmu = train.LMU.of_paper(1, 212, 256, 784.0)
    if weights == "shipped":
        lmu = train.model_of(read_model(SHIPPED)).layers[0]
    x, state = torch.rand(4, 784, 1), [torch.zeros(4, 256), torch.zeros(4, 212)]

    def found(run, dtype):
        given = [a.to(dtype) for a in (x, *state)]
        return [a.detach().double() for a in gradients(run, lmu.to(dtype), given[0], given[1:])]

    def error(run, dtype) -> float:
        pairs = zip(found(run, dtype), exact, strict=True)
        return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)

    exact = found(lmu.in_steps, torch.float64)
    assert error(lmu, torch.float64) < 1e-11
    plain, fast = error(lmu.in_steps, torch.float32), error(lmu, torch.float32)
    assert fast < max(5 * plain, 1e-4)
    # where float32 itself is off by more, 1e-5 is out of reach
    assert plain > 1e-5


def test_chunks_of_a_small_layer_are_long() -> None:
    """One step a chunk, fewest multiplications, takes 2.6 times as long: calls of PyTorch."""
    assert 10 <= folded_layer.chunk_length(250, 32, 4, 49, 1) <= 25
    # as many sequences are worth more than the calls
    assert folded_layer.chunk_length(250, 100_000, 4, 49, 1) <= 2


def test_gradients_of_zero_steps_before_the_first() -> None:
    """Gradients that nothing needs are None in backward, not zeros."""
    lmu = layer("SimpleRNN").double()
    x = torch.rand(2, 9, 3, dtype=torch.float64)
    for pick in (lambda y, s: s[0], lambda y, s: s[1], lambda y, s: y):
        lmu.zero_grad()
        pick(*lmu.in_steps(x)).sum().backward()
        wanted = [p.grad for p in lmu.parameters()]
        lmu.zero_grad()
        pick(*lmu(x)).sum().backward()
        for p, grad in zip(lmu.parameters(), wanted, strict=True):
            assert torch.allclose(p.grad, torch.zeros_like(p) if grad is None else grad)


def test_other_layers_run_step_by_step(monkeypatch) -> None:
    def refuse(*given):
        raise AssertionError("a folded layer")

    monkeypatch.setattr("lmu_hw.train.layer.run_folded", refuse)
    for cell in ("LSTM", "GRU"):
        layer(cell)(torch.rand(2, 9, 3))
    # slopes of clipped activations do not follow from their outputs
    layer("SimpleRNN", activation=Activation.RELU6)(torch.rand(2, 9, 3))
    dropped = train.Dense(9, 5, dropout=0.5)
    lmu = train.LMU(
        3, train.LegendreMemory(6, 9.0), dropped, encoders=("e_x", "e_h"), reads_input=True
    )
    lmu(torch.rand(2, 9, 3))
    with pytest.raises(AssertionError, match="a folded layer"):
        lmu.eval()(torch.rand(2, 9, 3))


@pytest.mark.parametrize("n_steps", [1, 9, 10])
@torch.no_grad()
def test_loops_on_the_meta_device(chunks, monkeypatch, n_steps: int) -> None:
    """The operator's shapes are those that its loops give."""
    chunks(min(5, n_steps))
    given = []

    def apply(*args):
        given.append(args)
        return chunked_steps.run_steps(*args)

    monkeypatch.setattr(chunked_steps.ChunkedSteps, "apply", apply)
    layer("SimpleRNN", channels=2).to("meta")(torch.rand(2, n_steps, 3, device="meta"))
    *tensors, activation = given[0]
    y, m, h, starts, u = chunked_steps.run_steps(*tensors, activation)
    found = chunked_steps.chunked_steps(*tensors, activation)
    assert [a.shape for a in found] == [a.shape for a in (y, m, h, starts, u)]
    x, _, start_h, *matrices = tensors
    back = (y, m, h, x, start_h, *matrices, y, starts, u, activation)
    for run in (chunked_steps.run_steps_back, chunked_steps.chunked_steps_back):
        assert [a.shape for a in run(*back)] == [a.shape for a in tensors]


@pytest.mark.parametrize("power", [1, 2])
def test_second_derivatives_are_refused(power: int) -> None:
    lmu = layer("SimpleRNN")
    y, _ = lmu(torch.rand(2, 9, 3))
    (grad,) = torch.autograd.grad((y**power).sum(), lmu.e_x, create_graph=True)
    with pytest.raises(NotImplementedError, match="step by step: call its in_steps"):
        grad.sum().backward()


def test_gradients_of_functions() -> None:
    lmu, x = layer("SimpleRNN").double(), torch.rand(2, 9, 3, dtype=torch.float64)

    def loss(parameters):
        return torch.func.functional_call(lmu, parameters, (x,))[0].square().sum()

    found = torch.func.grad(loss)(dict(lmu.named_parameters()))
    lmu.in_steps(x)[0].square().sum().backward()
    for name, p in lmu.named_parameters():
        assert torch.allclose(found[name], p.grad), name
