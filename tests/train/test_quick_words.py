"""What makes training as integers quick changes no word."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.models.network import Activation
from lmu_hw.program.all_steps import AllSteps
from lmu_hw.program.fixedpoint import from_real, to_real
from lmu_hw.program.integer_program import Linear, MemoryUpdate, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.row_arrays import RowArrays
from lmu_hw.program.vectors import stimulus
from lmu_hw.quantize import quantize_network
from tests.tools import require

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
memories = pytest.importorskip("lmu_hw.train.compiled_memories")
quantized = pytest.importorskip("lmu_hw.train.quantized")
loop_engine = pytest.importorskip("lmu_hw.firmware.loop_engine")

N, STEPS = 6, 40


def noise(n_in: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.uniform(-1.0, 1.0, (N, STEPS, n_in)), dtype=torch.float32)


def feed_forward(every_step: bool = True, **options: Any):
    lmu = train.LMU.feed_forward(2, 7, 6, 12.0, activation=Activation.TANH, **options)
    return train.Model([lmu, train.Dense(7, 2)], every_step=every_step)


def recurrent():
    return train.Model([train.LMU.of_paper(2, 5, 4, 9.0), train.Dense(5, 2)])


def stacked():
    """Return a memory after a trained layer: its input changes, the memory does not."""
    lmu = train.LMU(2, train.LegendreMemory(5, 9.0, channels=2), train.GRU(10, 4))
    return train.Model([lmu, train.LMU.feed_forward(4, 3, 3, 6.0), train.Dense(3, 2)])


MODELS: dict[str, Callable[[], Any]] = {
    "feed forward": feed_forward,
    "last step": lambda: feed_forward(every_step=False),
    "learned window": lambda: feed_forward(learn_theta=True),
    "recurrent": recurrent,
    "stacked": stacked,
}


def words_of(design: Any, x: Any):
    """Return the real outputs of a program, one step after the other."""
    program = design.program
    (source,), (output,) = program.with_role(Role.INPUT), program.with_role(Role.OUTPUT)
    words, _ = from_real(x.numpy(), source.fmt)
    found = Interpreter(program, len(x)).run(words.transpose(1, 0, 2))
    return torch.tensor(to_real(found.transpose(1, 0, 2), output.fmt), dtype=torch.float32)


@pytest.mark.some(5)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("bits", [3, 8])
def test_every_batch_has_the_words_of_the_program(name: str, bits: int) -> None:
    torch.manual_seed(1)
    made = train.Quantized(
        MODELS[name](), train.Widths(weight_bits=bits), list(noise(2).double().numpy())
    )
    optimiser = torch.optim.Adam(made.parameters(), lr=0.05)
    for batch in range(4):
        x = noise(2, batch)
        y, _ = made(x)
        # a program made of the exported network alone
        fresh = train.Quantized(made.model, made.widths, list(noise(2).double().numpy()))
        fresh._calibrated = made._calibrated
        fresh._set_template(train.export(made.model))
        wanted = words_of(fresh.design(), x)
        assert torch.equal(y, wanted if made.model.every_step else wanted[:, -1])
        assert made.design().program == fresh.design().program
        assert torch.equal(made(x)[0], y)
        optimiser.zero_grad()
        (y - x[:, -1].mean()).square().mean().backward()
        optimiser.step()


def test_only_weights_are_rounded_while_memories_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    plain = quantize_network.quantize_network
    monkeypatch.setattr(
        quantized,
        "quantize_network",
        lambda *given, **named: (made.append("program"), plain(*given, **named))[1],
    )
    for name, programs in (("feed forward", 1), ("learned window", 4)):
        made.clear()
        model = train.Quantized(MODELS[name](), train.Widths(), list(noise(2).double().numpy()))
        train.fit(
            model, (noise(2),), noise(2), torch.nn.functional.mse_loss,
            epochs=3, batch_size=N, lr=0.01, quiet=True,
        )  # fmt: skip
        assert len(made) == programs - (name == "learned window")
        model.design()
        assert len(made) == 2 if name == "feed forward" else len(made) == programs


@pytest.mark.cc
def test_compiled_memories() -> None:
    require("cc|gcc|clang")
    made = train.Quantized(MODELS["stacked"](), train.Widths(), list(noise(2).double().numpy()))
    program = made.design().program
    runner = memories.CompiledMemories(program)
    inputs = stimulus(program, 60, 3, 4)
    found = AllSteps(program).run(inputs.transpose(1, 0, 2))
    half = Interpreter(program, 3)
    half.run(inputs[:25])
    before = {v.name: half._words[v.name] for v in program.with_role(Role.STATE)}
    for op in program.ops:
        if isinstance(op, MemoryUpdate):
            source = found[op.source]
            for name, words in runner(op, source[:, 25:], before).items():
                assert np.array_equal(words, found[name][:, 25:]), name
            after = runner.after(op, source)
            assert set(after) == {op.silence, *op.states}
            for name, words in after.items():
                assert np.array_equal(words, found[name][:, -1]), name


@pytest.mark.parametrize("name", ["recurrent", "stacked"])
def test_memories_of_a_loop_run_in_compiled_c(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    require("cc|gcc|clang")
    made = train.Quantized(MODELS[name](), train.Widths(), list(noise(2).double().numpy()))
    program = made.design().program
    inputs = stimulus(program, 60, 3, 4)
    half = Interpreter(program, 3)
    half.run(inputs[:25])
    found = AllSteps(program).run(inputs[25:].transpose(1, 0, 2), half.save())
    runner = memories.CompiledMemories(program)
    compiled = AllSteps(program, run_memory=runner, start_memory=runner.start)
    counters = {op.silence for op in program.ops if isinstance(op, MemoryUpdate)}

    def execute(self: Interpreter, op: Any, words: Any) -> Any:
        assert not isinstance(op, MemoryUpdate)
        return run(self, op, words)

    run = Interpreter.execute
    monkeypatch.setattr(Interpreter, "execute", execute)
    words = compiled.run(inputs[25:].transpose(1, 0, 2), half.save())
    assert set(found) - set(words) == counters
    for vector, wanted in found.items():
        assert vector in counters or np.array_equal(words[vector], wanted), vector


LOOPS: dict[str, Callable[[], Any]] = {
    "recurrent": recurrent,
    "LSTM": lambda: train.Model([train.LSTM(2, 5), train.LSTM(5, 4), train.Dense(4, 2)]),
    "GRU": lambda: train.Model([train.GRU(2, 5), train.GRU(5, 4, inner_bias=False)]),
    "channels": lambda: train.Model([train.LMU.of_paper(2, 5, 4, 9.0, memory_d=2)]),
    "hybrid": lambda: train.Model([train.LMU.of_paper(2, 5, 4, 9.0), train.LSTM(5, 4)]),
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("bits", [4, 16])
def test_loops_run_in_compiled_c(name: str, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any state and with other weights than the program's; words far beyond their range."""
    require("cc|gcc|clang")
    data = list(noise(2).double().numpy())
    made = train.Quantized(LOOPS[name](), train.Widths(weight_bits=bits), data)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(1.5).add_(0.1)
    design, weights = made._current()
    assert weights is not None
    inputs = stimulus(design.program, 60, 3, 4)
    half = Interpreter(design.program, 3, weights=weights)
    half.run(inputs[:25])
    given = inputs[25:].transpose(1, 0, 2), half.save()
    found = AllSteps(design.program, weights=weights).run(*given)
    runner = memories.CompiledMemories(design.program)
    runners = {"run_memory": runner, "start_memory": runner.start, "run_loop": runner.run_loop}
    compiled = AllSteps(design.program, weights=weights, **runners)
    with monkeypatch.context() as patch:
        patch.setattr(AllSteps, "_step_by_step", None)
        words = compiled.run(*given)
    counters = {op.silence for op in design.program.ops if isinstance(op, MemoryUpdate)}
    assert set(found) - set(words) == counters
    for vector, wanted in found.items():
        assert vector in counters or np.array_equal(words[vector], wanted), vector
    # a table of a function's results would be too large: the interpreter runs the loop
    monkeypatch.setattr(loop_engine, "MAX_TABLE_BITS", 8)
    slow = compiled.run(*given)
    assert all(np.array_equal(slow[vector], x) for vector, x in words.items())


def test_sums_beyond_53_bits_are_left_to_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    made = train.Quantized(recurrent(), train.Widths(), list(noise(2).double().numpy()))
    program = made.design().program
    runner = memories.CompiledMemories(program)
    steps: list[Any] = []
    compiled = AllSteps(
        program,
        start_memory=runner.start,
        run_loop=lambda loop: steps.append(runner.run_loop(loop)),
    )
    inputs = stimulus(program, 9, 3, 4).transpose(1, 0, 2)
    wanted = compiled.run(inputs)
    assert steps[0] is not None
    monkeypatch.setattr(loop_engine, "EXACT", 1 << 20)
    found = compiled.run(inputs)
    assert steps[-1] is None
    assert all(np.array_equal(found[name], words) for name, words in wanted.items())


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    model = feed_forward(every_step=False)
    data = list(noise(2).double().numpy())
    wanted = train.Quantized(model, train.Widths(), data)
    monkeypatch.setattr(quantized, "available", lambda: False)
    made = train.Quantized(model, train.Widths(), data)
    assert made._memories is None
    x, words = made.before_last(noise(2))
    assert torch.equal(words, wanted.before_last(noise(2))[1])
    assert torch.equal(made(x, words)[0], wanted(x, words)[0])


def test_row_arrays_hold_an_operation() -> None:
    made = train.Quantized(feed_forward(), train.Widths(), list(noise(2).double().numpy()))
    op = next(op for op in made.design().program.ops if isinstance(op, Linear))
    rows = RowArrays.of(op)
    assert rows.rows.tolist() == [list(row) for row in op.rows]
    assert rows.shifts.tolist() == list(op.shifts)


@pytest.mark.parametrize("name", ["last step", "stacked"])
def test_copies_and_pickles(name: str) -> None:
    made = train.Quantized(MODELS[name](), train.Widths(), list(noise(2).double().numpy()))
    y, _ = made(noise(2))
    for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert torch.equal(copied(noise(2))[0], y)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (noise(2)[0], r"x must have shape \(n_sequences, n_steps, 2\), .* not \(40, 2\)"),
        (noise(3), r"not \(6, 40, 3\)"),
        (noise(2)[:, :0], "at least one of each"),
        (noise(2)[:0], "at least one of each"),
        (noise(2).double(), r"x must be torch.float32, .* use x.to\(torch.float32\)"),
        (noise(2) / 0.0, "x must be finite"),
    ],
)
def test_what_it_refuses(x: Any, message: str) -> None:
    made = train.Quantized(feed_forward(), train.Widths(), list(noise(2).double().numpy()))
    with pytest.raises(SpecError, match=message):
        made(x)


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "at least one sequence"),
        ([np.zeros((5, 3))], r"sequence 0 must have shape \(n_steps, 2\), not \(5, 3\)"),
        ([np.zeros((5, 2)), np.full((5, 2), np.nan)], "sequence 1 must be finite"),
        ([np.zeros((0, 2))], "sequence 0 must have shape"),
    ],
)
def test_what_cannot_be_calibrated_on(sequences: list[np.ndarray], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        train.Quantized(feed_forward(), train.Widths(), sequences)


def test_the_state_after_a_last_step_is_the_programs() -> None:
    model = feed_forward(every_step=False)
    made = train.Quantized(model, train.Widths(), list(noise(2).double().numpy()))
    _, (found, _) = made(*made.before_last(noise(2)))
    _, (floats, _) = model(noise(2))
    # the memory's roundoff is far below its readers' LSB
    assert torch.allclose(found[0], floats[0], atol=1e-3)
    assert float(found[0].abs().max()) > 0.1
