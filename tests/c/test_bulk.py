"""The compiled executor against the interpreter: words, API and exceptions."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError, RangeError, SpecError, ToolError
from lmu_hw.executors import host_c
from lmu_hw.firmware import bulk
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.fixedpoint import QFormat
from lmu_hw.interpreter import Interpreter
from lmu_hw.program import Program, Role
from lmu_hw.vectors import Vectors
from tests.c.build import inputs_for, write_folder
from tests.c.special import SPECIAL
from tests.programs import PROGRAMS, cascade_program, dense_program
from tests.tools import require

ALL = PROGRAMS | SPECIAL

pytestmark = pytest.mark.cc


@pytest.fixture(scope="module", autouse=True)
def compiler() -> None:
    require("cc|gcc|clang")


@pytest.fixture
def engine() -> BulkEngine:
    return BulkEngine(PROGRAMS["mixed"], n_streams=2)


@pytest.mark.parametrize("name", ALL)
def test_words_equal_the_interpreter(name: str) -> None:
    _compare(ALL[name], n_streams=3)


def _compare(program: Program, n_streams: int) -> None:
    """Run both from reset, then from states with every word at an end of its range."""
    inputs = np.stack([inputs_for(program, 320, seed) for seed in range(n_streams)], axis=1)
    reference, engine = Interpreter(program, n_streams), BulkEngine(program, n_streams)
    np.testing.assert_array_equal(engine.run(inputs), reference.run(inputs))
    np.testing.assert_array_equal(engine.save(), reference.save())
    fmts = [v.fmt for v in program.with_role(Role.STATE) for _ in range(v.length)]
    rails = np.array([[f.min for f in fmts], [f.max for f in fmts]])
    rng = np.random.default_rng(0)
    for attempt in range(10):
        ends = rng.integers(0, 2, (n_streams, len(fmts)))
        # All words at one end, and opposite neighbours, besides random ones.
        ends[0] = [[0], [1], np.arange(len(fmts)) % 2][attempt] if attempt < 3 else ends[0]
        state = np.take_along_axis(rails, ends, axis=0)
        for executor in (engine, reference):
            executor.load(state)
        np.testing.assert_array_equal(engine.run(inputs[-3:]), reference.run(inputs[-3:]))
        np.testing.assert_array_equal(engine.save(), reference.save())


@pytest.mark.parametrize("seed", range(8))
def test_random_formats(seed: int) -> None:
    """Formats, widths and section orders drawn at random, from where sums take 32 bits to 64."""
    rng = np.random.default_rng(seed)

    def fmt() -> QFormat:
        return QFormat(int(rng.integers(2, 9)), int(rng.integers(4, 26)))

    bits, window = int(rng.integers(2, 19)), int(rng.integers(1, 40))
    if seed % 4 == 3:
        program = dense_program(
            order=int(rng.integers(2, 7)),
            bits=bits,
            state=fmt(),
            window=window,
            readout=3,
            seed=seed,
        )
    else:
        program = cascade_program(
            sections="".join(rng.choice(["p", "r"], int(rng.integers(1, 7)))),
            channels=int(rng.integers(1, 3)),
            bits=bits,
            outer=fmt(),
            inner=fmt(),
            chain=fmt(),
            window=window,
            readout=2,
            seed=seed,
        )
    _compare(program, n_streams=2)


def test_any_chunking_and_any_engine(engine: BulkEngine) -> None:
    program = engine.program
    inputs = np.stack([inputs_for(program, 300, seed) for seed in (1, 2)], axis=1)
    whole = engine.run(inputs)
    end = engine.save()
    engine.reset()
    assert not engine.save().any()
    other = BulkEngine(program, n_streams=2)
    for start, stop in ((0, 1), (1, 130), (130, 130), (130, 300)):
        np.testing.assert_array_equal(engine.run(inputs[start:stop]), whole[start:stop])
        other.load(engine.save())
        engine, other = other, engine
    np.testing.assert_array_equal(engine.save(), end)


def test_state_goes_to_and_fro_with_the_interpreter(engine: BulkEngine) -> None:
    reference = Interpreter(engine.program, 2)
    inputs = np.stack([inputs_for(engine.program, 200, seed) for seed in (3, 4)], axis=1)
    engine.run(inputs[:70])
    reference.load(engine.save())
    np.testing.assert_array_equal(engine.run(inputs[70:]), reference.run(inputs[70:]))


def test_long_runs_are_cut_and_reported(
    engine: BulkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = np.stack([inputs_for(engine.program, 100, seed) for seed in (1, 2)], axis=1)
    whole = engine.run(inputs)
    monkeypatch.setattr(bulk, "_CHUNK_MULTIPLIES", 30 * 2 * engine.program.multiplies_per_step)
    engine.reset()
    seen: list[int] = []
    np.testing.assert_array_equal(engine.run(inputs, seen.append), whole)
    assert seen == [30, 60, 90, 100]


def test_ctrl_c_between_chunks(engine: BulkEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_CHUNK_MULTIPLIES", 1)

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(np.ones((50, 2, 1), dtype=np.int64), stop)
    np.testing.assert_array_equal(engine.save()[0], engine.save()[1])


def test_same_errors_as_the_interpreter(engine: BulkEngine) -> None:
    reference = Interpreter(engine.program, 2)
    before = engine.run(np.full((5, 2, 1), 100))
    assert before.any()
    state = engine.save()
    too_large = state.copy()
    too_large[1, 4] = 1 << 15
    for executor in (engine, reference):
        with pytest.raises(RangeError, match=r"u must be -128 to 127 \(Q1.7\), not 128"):
            executor.run(np.full((3, 2, 1), 128))
        with pytest.raises(SpecError, match=r"inputs have shape \(3, 1\) but should be"):
            executor.run(np.zeros((3, 1), dtype=np.int64))
        with pytest.raises(SpecError, match=r"state has shape \(1, 9\) but should be \(2, 9\)"):
            executor.load(np.zeros((1, 9), dtype=np.int64))
        with pytest.raises(RangeError, match="z_inner must be -32768 to 32767"):
            executor.load(too_large)
    np.testing.assert_array_equal(engine.save(), state)
    assert engine.run(np.zeros((0, 2, 1), dtype=np.int64)).shape == (0, 2, 8)


def test_folder_is_what_runs(tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    c_dir = write_folder(tmp_path, program)
    inputs = inputs_for(program, 200)[:, None]
    blocks = blocks_of(program, inputs[:150], inputs[150:])
    result = host_c.run(tmp_path, program, blocks, n_streams=1)
    assert (result.steps, result.mismatches, result.first) == (200, 0, None)
    assert result.words == 200 * program.n_words(Role.OUTPUT)
    code = (c_dir / "lmu.c").read_text()
    (c_dir / "lmu.c").write_text(code.replace("2 * x - y", "2 * x + y"))
    broken = host_c.run(tmp_path, program, blocks, n_streams=1)
    assert broken.mismatches > 0
    assert broken.first is not None
    assert broken.first.expected != broken.first.got


def blocks_of(program: Program, *inputs: np.ndarray) -> list[Vectors]:
    reference = Interpreter(program)
    return [Vectors(inputs=u, outputs=reference.run(u), state=reference.save()) for u in inputs]


def test_a_state_word_that_differs_is_named_after_the_output_words(tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    write_folder(tmp_path, program)
    (block,) = blocks_of(program, inputs_for(program, 60)[:, None])
    state = block.state.copy()
    state[0, 1] += 1
    wrong = Vectors(inputs=block.inputs, outputs=block.outputs, state=state)
    result = host_c.run(tmp_path, program, [wrong], n_streams=1)
    assert result.mismatches == 1
    assert result.first is not None
    assert result.first.index == program.n_words(Role.OUTPUT) + 1
    assert result.first.step == 59


def test_folder_of_another_program(tmp_path: Path) -> None:
    c_dir = write_folder(tmp_path, PROGRAMS["one_real"])
    with pytest.raises(ModelFileError, match="not those of the program; generate the folder again"):
        BulkEngine.from_folder(PROGRAMS["one_pair"], c_dir)
    (c_dir / "lmu.h").unlink()
    with pytest.raises(ModelFileError, match=r"cannot read .*lmu\.h"):
        BulkEngine.from_folder(PROGRAMS["one_real"], c_dir)


def test_code_that_does_not_compile(tmp_path: Path) -> None:
    c_dir = write_folder(tmp_path, PROGRAMS["one_real"])
    with (c_dir / "lmu.c").open("a") as file:
        file.write("int lmu_step;\n")
    with pytest.raises(ToolError, match=r"could not compile .*lmu\.c: .*error: .*lmu_step") as info:
        BulkEngine.from_folder(PROGRAMS["one_real"], c_dir)
    assert info.value.exit_code == 1
    assert "lmu_step" in info.value.tail
    assert "\n" not in str(info.value)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert bulk.available()
    assert host_c.available()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert not bulk.available()
    with pytest.raises(ToolError, match=r"install a C compiler, e\.g\. apt-get install gcc"):
        BulkEngine(PROGRAMS["one_real"])


def test_chosen_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """$CC may carry arguments, and one that does not know -march=native is good enough."""
    script = tmp_path / "oldcc"
    script.write_text('#!/bin/sh\nfor a; do [ "$a" = -march=native ] && exit 1; done\nexec "$@"\n')
    script.chmod(0o755)
    cc = bulk._compiler()[0]
    monkeypatch.setenv("CC", f"{script} {cc}")
    _compare(PROGRAMS["one_pair"], n_streams=1)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ToolError, match=r"no C compiler \(no-such-compiler\)"):
        BulkEngine(PROGRAMS["one_real"])


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    BulkEngine(PROGRAMS["one_real"]).run(np.ones((3, 1, 1), dtype=np.int64))
    assert list(tmp_path.iterdir()) == []
