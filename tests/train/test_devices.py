"""Modules on other devices and in other dtypes; on CUDA too where there is a GPU.

The meta device computes nothing, but an operation that mixes devices or shapes fails on it.
"""

from __future__ import annotations

import copy
import io
import warnings

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models.importers.model_file import to_bytes
from tests.factories.random_networks import random_network
from tests.tools import require

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
DEVICES = ["cpu", "meta", pytest.param("cuda", marks=NEEDS_CUDA)]
CELLS = (None, "Dense", "SimpleRNN", "LSTM", "GRU")
ENCODERS = (("e_x",), ("e_x", "e_h", "e_m"))


def layer(cell: str | None, encoders: tuple[str, ...], **options):
    memory = train.LegendreMemory(4, 9.0, channels=2, **options)
    made = None if cell is None else getattr(train, cell)(8 + 3, 5, train.Activation.TANH)
    return train.LMU(3, memory, made, encoders=encoders, bias=True, reads_input=True)


def chain(**options):
    """Return a model with all ways through a layer: folded, step by step, all steps at once."""
    return train.Model(
        [
            layer("SimpleRNN", ENCODERS[1], **options),
            train.LMU(
                5, train.LegendreMemory(3, 7.0, **options), train.GRU(3, 4), encoders=["e_x"]
            ),
            train.LMU.feed_forward(4, 6, 3, (5.0, 6.0, 7.0, 8.0)),
            train.LSTM(6, 3),
            train.Dense(3, 2),
        ]
    )


def noise(*shape: int):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def outputs(model, x):
    with torch.no_grad():
        return model(x)[0]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("learned", [False, True], ids=["fixed", "learned"])
@pytest.mark.parametrize("encoders", ENCODERS, ids=len)
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c or "memory")
def test_a_layer_runs_where_it_is(cell, encoders, learned: bool, device: str) -> None:
    made = layer(cell, encoders, learn_theta=learned, learn_system=learned)
    x = noise(2, 4, 3)
    wanted = outputs(made, x)
    made = made.to(device)
    y, state = made(x.to(device))
    y.sum().backward()
    # again from its state, at the last step alone, and step by step
    last, _ = made(x.to(device), [a.detach() for a in state], last_only=True)
    steps, _ = made.in_steps(x.to(device))
    (last.sum() + steps.sum()).backward()
    assert {p.grad.device.type for p in made.parameters()} == {device}
    assert (y.device.type, last.shape, steps.shape) == (device, (2, 1, y.shape[2]), y.shape)
    if device != "meta":
        assert torch.allclose(y.detach().cpu(), wanted, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("discretizer", list(Discretizer))
@pytest.mark.parametrize("windows", [30.0, (30.0, 40.0)], ids=["one", "each"])
def test_a_memory_runs_where_it_is(windows, discretizer: Discretizer, device: str) -> None:
    for learn_theta in (False, True):
        memory = train.LegendreMemory(
            4, windows, channels=2, discretizer=discretizer, learn_theta=learn_theta
        ).to(device)
        u = noise(2, 9, 2).to(device).requires_grad_()
        for last_only in (False, True):
            m, state = memory(u, last_only=last_only)
            after, _ = memory(u, state, last_only=last_only)
            (m.sum() + after.sum()).backward()
        assert memory.theta.device.type == u.grad.device.type == device
        assert memory.recursion().Abar.dtype == torch.float64


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_a_model_changes_its_dtype(dtype: torch.dtype, device: str) -> None:
    model, x = chain(learn_theta=True), noise(3, 40, 3)
    wanted = outputs(model, x)
    model = model.to(device, dtype)
    y, _ = model(x.to(device, dtype))
    y.sum().backward()
    assert y.dtype == dtype
    assert all(p.grad.dtype == dtype for p in model.parameters())
    # bfloat16 has 8 bits: 2^-8 of numbers below 1, through five layers
    assert torch.allclose(y.detach().cpu().float(), wanted, atol=0.02)


def test_a_fixed_memory_keeps_its_precision() -> None:
    memory = train.LegendreMemory(16, 784.0)
    wanted = memory.recursion().Abar.clone()
    assert torch.equal(memory.half().bfloat16().float().recursion().Abar, wanted)
    u = noise(2, 784, 1)
    exact, _ = memory.double()(u.double())
    found, state = memory.bfloat16()(u.bfloat16())
    again, _ = memory(u.bfloat16().double())
    assert (found.dtype, state.dtype) == (torch.bfloat16, torch.float32)
    # filtered in float32: what is left is the rounding of the output
    assert torch.allclose(state.double(), again[:, -1], atol=1e-4)
    assert torch.allclose(state.double(), exact[:, -1], atol=0.02)


def test_products_of_autocast_leave_the_recurrence_alone() -> None:
    lmu, x = train.LMU.of_paper(3, 5, 4, 200.0), noise(2, 300, 3)
    wanted, _ = lmu(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = lmu(x)
    assert torch.equal(y, wanted)


def test_state_dicts_hold_what_is_trained() -> None:
    """The names of the first release: checkpoints load."""
    model = chain(learn_theta=True, learn_system=True)
    outputs(model, noise(1, 5, 3))
    named = {name for name, _ in model.named_parameters()}
    assert set(model.state_dict()) == named
    assert {"layers.0.memory.log_theta", "layers.0.memory.A", "layers.0.cell.W"} < named
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05) if parameter.ndim else None
    other = chain(learn_theta=True, learn_system=True)
    other.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(outputs(other, noise(1, 5, 3)), outputs(model, noise(1, 5, 3)))


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)])
def test_copies_are_equal_and_apart(device: str) -> None:
    model, x = chain().to(device), noise(2, 20, 3).to(device)
    wanted = outputs(model, x)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert torch.equal(outputs(other, x), wanted)
        other.layers[0].cell.W.data.zero_()
    assert torch.equal(outputs(model, x), wanted)


def test_a_model_that_is_made_on_the_meta_device_is_filled_later() -> None:
    model, x = chain(), noise(2, 20, 3)
    with torch.device("meta"):
        made = chain()
    with pytest.raises(SpecError, match="must hold values, not lie on the meta device"):
        train.export(made)
    made = made.to_empty(device="cpu")
    made.load_state_dict(model.state_dict())
    assert torch.equal(outputs(made, x), outputs(model, x))


def test_parallel_replicas_of_a_model() -> None:
    model, x = chain(learn_theta=True), noise(4, 12, 3)
    assert torch.equal(torch.nn.DataParallel(model)(x)[0], model(x)[0])
    if torch.cuda.device_count() > 1:
        shared = torch.nn.DataParallel(model.cuda())
        assert torch.allclose(shared(x.cuda())[0].cpu(), model.cpu()(x)[0], atol=1e-5)


def test_training_after_inference_mode() -> None:
    """The cached response of a fixed memory serves both."""
    lmu = train.LMU.feed_forward(1, 3, 4, 9.0).double()
    with torch.inference_mode():
        lmu(noise(2, 9, 1).double())
    x = noise(2, 9, 1).double().requires_grad_()
    lmu(x)[0].sum().backward()
    assert torch.count_nonzero(x.grad) > 0


@NEEDS_CUDA
@pytest.mark.parametrize("seed", range(5))
def test_export_from_a_gpu(seed: int) -> None:
    net = random_network(seed)
    model = train.model_of(net, torch.float64).cuda()
    assert to_bytes(train.export(model)) == to_bytes(net)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)])
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.soak
def test_a_compiled_model_has_the_same_gradients(backend: str, device: str) -> None:
    """In one graph: the steps are one operator for the compiler."""
    if backend == "inductor":
        require("g++")
    model = train.Model([train.LMU.of_paper(3, 5, 6, 20.0), train.Dense(5, 2)]).to(device)
    x = noise(2, 20, 3).to(device)
    wanted, _ = model(x)
    wanted.square().sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    with warnings.catch_warnings():
        # the compiler warns of its own modules
        warnings.simplefilter("ignore")
        compiled = torch.compile(model, fullgraph=True, backend=backend)
        y, _ = compiled(x)
        y.square().sum().backward()
        other, _ = compiled(noise(3, 31, 3).to(device))
    assert other.shape == (3, 31, 2)
    assert torch.allclose(y, wanted, atol=1e-5)
    for name, p in model.named_parameters():
        assert torch.allclose(p.grad, gradients[name], atol=1e-5), name


@pytest.mark.parametrize("every_step", [False, True])
def test_all_that_training_makes_is_made_where_the_model_is(every_step: bool) -> None:
    """What is made without a device lands on the meta device here, and fails on the CPU."""
    x, y = noise(6, 12, 3), noise(6, 12, 2) if every_step else noise(6, 2)
    models = [chain(learn_theta=True)] if every_step else []
    lmu = train.LMU.feed_forward(3, 6, 3, 5.0)
    models.append(train.Model([lmu, train.Dense(6, 2)], every_step=every_step))
    models.append(train.Quantized(copy.deepcopy(models[0]), train.Widths(), list(x.numpy())))
    loss = torch.nn.functional.mse_loss
    for model in models:
        other = copy.deepcopy(model)
        options = {"epochs": 2, "batch_size": 4, "lr": 0.01, "seed": 5, "quiet": True}
        lengths = [3, 12, 12, 12, 12, 12] if every_step else None
        history = train.fit(model, x, y, loss, lengths=lengths, validation=(x, y), **options)
        wanted = train.predict(model, x, lengths=lengths)
        with torch.device("meta"):
            again = train.fit(other, x, y, loss, lengths=lengths, validation=(x, y), **options)
            found = train.predict(other, x, lengths=lengths)
        assert [epoch.validation for epoch in again] == [epoch.validation for epoch in history]
        assert torch.equal(found, wanted)
    made = models[-1]
    if made.starts_at_last_step:
        with torch.device("meta"):
            words = made.before_last(x)
            assert torch.equal(made(*words)[0], wanted)
        assert {a.device.type for a in words} == {"cpu"}


def test_integers_on_the_meta_device_are_refused() -> None:
    x = noise(4, 12, 3)
    made = train.Quantized(chain(), train.Widths(), list(x.numpy()))
    with pytest.raises(SpecError, match="x must hold values, not lie on the meta device"):
        made(x.to("meta"))
    with pytest.raises(SpecError, match="a model must hold values, not lie on the meta device"):
        made.to("meta")(x)


@NEEDS_CUDA
def test_integers_on_a_gpu_are_those_of_the_cpu() -> None:
    x = noise(4, 12, 3)
    lmu = train.LMU.feed_forward(3, 6, 3, 5.0)
    model = train.Model([lmu, train.Dense(6, 2)], every_step=False)
    made = train.Quantized(model, train.Widths(), list(x.numpy()))
    wanted, _ = made(x)
    made, x = made.cuda(), x.cuda()
    words = made.before_last(x)
    assert {a.device.type for a in words} == {"cuda"}
    for y in (made(x)[0], made(*words)[0]):
        assert y.device.type == "cuda"
        assert torch.equal(y.cpu(), wanted)
