"""Compiled C that differs from the interpreter ends in an error, not in a metric."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import MismatchError
from lmu_hw.firmware import bulk
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.measure import crosscheck as module
from lmu_hw.measure.crosscheck import crosscheck, sequences
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import run_integers
from lmu_hw.models import forward
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import FloatNetwork
from lmu_hw.program.integer_program import Linear, Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_network import QuantizedNetwork
from lmu_hw.quantize.word_lengths import Widths
from tests.cli.command import call
from tests.factories.networks import LINEAR, cell, lmu, network, rng
from tests.tools import require

pytestmark = pytest.mark.cc
Emit = Callable[..., dict[str, str]]


def data(*lengths: int, peak: float = 0.5) -> tuple[np.ndarray, ...]:
    return tuple(rng(k).uniform(-peak, peak, (n, 2)) for k, n in enumerate(lengths))


def net(every_step: bool = True) -> FloatNetwork:
    first = lmu(rng(1), 2, kind="simple_rnn", n=3, reads_input=True)
    return network(first, cell(rng(2), "dense", 3, 2, LINEAR), every_step=every_step)


@pytest.fixture(autouse=True)
def _compiler() -> None:
    require("cc|gcc|clang")


@pytest.fixture(scope="module")
def design() -> QuantizedNetwork:
    return Calibration(net(), data(40, 40)).design(Widths(), title="test")


@pytest.fixture
def wrong_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile, for any program, the C of one whose last rows are the other way round."""
    right: Emit = bulk.emit

    def emit(program: Program, **options: Any) -> dict[str, str]:
        ops = tuple(
            replace(op, rows=op.rows[::-1]) if isinstance(op, Linear) and op.target == "y" else op
            for op in program.ops
        )
        other = replace(program, ops=ops)
        assert other.digest != program.digest
        # it says that it is the program's
        other.__dict__["digest"] = program.digest
        return right(other, **options)

    monkeypatch.setattr(bulk, "emit", emit)


@pytest.mark.parametrize("every", [0, 1])
def test_right_words_are_counted(every: int, design: QuantizedNetwork) -> None:
    program = with_output_every(design.program, every)
    found = crosscheck(BulkEngine(program), Dataset(sequences=data(20, 20, 20)))
    each = 20 * program.n_words(Role.OUTPUT) + program.n_words(Role.STATE)
    assert found.sequences in (2, 3)
    assert found.words == found.sequences * each
    checked = run_integers(design, Dataset(sequences=data(5))).checked
    assert checked is not None
    assert checked.sequences == 1
    assert run_integers(design, Dataset(sequences=data(5)), "interpreter").checked is None


@pytest.mark.usefixtures("wrong_c")
@pytest.mark.parametrize("every_step", [True, False])
def test_wrong_c_is_an_error_that_names_the_word(every_step: bool) -> None:
    made = Calibration(net(every_step), data(40, 40)).design(Widths(), title="test")
    with pytest.raises(
        MismatchError, match=r"^the compiled C, on sequence 0 of the data,"
    ) as found:
        run_integers(made, Dataset(sequences=data(30, 30)))
    assert re.search(
        r"differs at step 0, y\[0\] \(Q\d+\.\d+\): expected -?\d+, got -?\d+; "
        r"--engine interpreter gives the right words$",
        str(found.value),
    )
    assert found.value.expected != found.value.got


def test_what_is_looked_at() -> None:
    x = list(data(*[9] * 12))
    x[4] = x[4].copy()
    x[4][3, 1] = -0.9
    x[7] = np.full((9, 2), 0.6)
    x[10] = data(13)[0]
    assert sequences(Dataset(sequences=tuple(x))).tolist() == [0, 4, 7, 10, 11]
    # the magnitude of the lowest integer has no integer of its type
    lowest = np.array([[1, -128]], dtype=np.int8)
    quiet = np.array([[100, 100]], dtype=np.int8)
    assert sequences(Dataset(sequences=(quiet, lowest, quiet))).tolist() == [0, 1, 2]
    assert sequences(Dataset(sequences=(quiet,))).tolist() == [0]


def test_the_interpreter_plays_a_bounded_number_of_steps(
    design: QuantizedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[int] = []
    original = Interpreter.run

    def spy(self: Interpreter, inputs: np.ndarray, **options: Any) -> np.ndarray:
        played.append(len(inputs))
        return original(self, inputs, **options)

    monkeypatch.setattr(Interpreter, "run", spy)
    engine = BulkEngine(with_output_every(design.program, 1))
    crosscheck(engine, Dataset(sequences=data(5000, 5000)))
    assert played == [module.STEPS] * 2
    played.clear()
    crosscheck(engine, Dataset(sequences=data(3000, 5000, 5001, 4000)))
    assert len(played) > 2
    assert sum(played) <= 2 * module.STEPS


class Late(BulkEngine):
    """An engine that goes wrong in its state, some way into a sequence."""

    by = 0
    steps = 0

    def run(self, inputs: np.ndarray, *args: Any, **options: Any) -> np.ndarray:
        self.steps += len(inputs)
        return super().run(inputs, *args, **options)

    def save(self) -> np.ndarray:
        return super().save() + self.by * (self.steps > module.STEPS)


@pytest.mark.parametrize(
    ("by", "text"),
    [
        # the interpreter goes on from what C says, and the end is looked at again
        (1, r"differs at step 999, l1_\w+\[0\] \(Q\S+\): expected -?\d+, got -?\d+"),
        (1 << 40, r"differs at step 871, l1_\w+\[0\] \(Q\S+\): expected -\d+ to \d+, got \d{13}"),
    ],
)
def test_a_state_that_goes_wrong_late_is_found(
    by: int, text: str, design: QuantizedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Late, "by", by)
    engine = Late(with_output_every(design.program, 1))
    crosscheck(engine, Dataset(sequences=data(module.STEPS)))
    with pytest.raises(MismatchError, match=text):
        crosscheck(engine, Dataset(sequences=data(1000)))


# the commands


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.npz").write_bytes(to_bytes(net()))
    x = np.stack(data(*[12] * 8))
    np.savez("data.npz", x=x, y=forward.run(net(), x))


LINES = {
    "evaluate": ("evaluate", "model.npz", "--data", "data.npz"),
    "tune": ("tune", "model.npz", "--data", "data.npz", "--max-loss", "5%"),
}


@pytest.mark.some(3)
@pytest.mark.usefixtures("files", "wrong_c")
@pytest.mark.parametrize("command", LINES)
@pytest.mark.parametrize("json", [True, False])
def test_commands_refuse_wrong_c(
    command: str, json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    line = (*LINES[command], *(["--json"] if json else []))
    said = call(capsys, *line)
    assert said.code == 3
    assert said.out == ""
    *notes, last = said.err.splitlines()
    assert all(note.startswith("lmu-hw: note: ") for note in notes)
    assert last.startswith("lmu-hw: the compiled C, on sequence ")
    assert call(capsys, *line, "--engine", "interpreter").code == 0


EQUAL = re.compile(r"compiled C; ([\d,]+) words of (\d) sequences equal the interpreter's")


@pytest.mark.usefixtures("files")
def test_evaluate_says_what_was_compared(capsys: pytest.CaptureFixture[str]) -> None:
    engine = call(capsys, *LINES["evaluate"], "--json", "-q").json["engine"]
    assert engine["name"] == "c"
    words, n = engine["checked"]["words"], engine["checked"]["sequences"]
    assert 2 <= n <= 5
    assert words > n * 12 * 2
    said = call(capsys, *LINES["evaluate"]).out
    assert EQUAL.findall(said) == [(f"{words:,}", str(n))]
    said = call(capsys, *LINES["evaluate"], "--engine", "interpreter").out
    assert "\n  engine     interpreter\n" in said


@pytest.mark.usefixtures("files")
def test_tune_says_what_was_compared_at_all_points(capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, *LINES["tune"])
    ((words, n),) = EQUAL.findall(said.out)
    points = said.err.count(" KiB ")
    assert int(words.replace(",", "")) > points * int(n) * 12 * 2
    found = call(capsys, *LINES["tune"], "--engine", "interpreter", "--json", "-q").json
    assert found["engine"] == {"name": "interpreter"}
