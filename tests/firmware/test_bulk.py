"""The compiled backend against the interpreter: words, API and exceptions."""

from __future__ import annotations

import re
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from lmu_hw._support import subprocesses as programs
from lmu_hw.errors import ModelFileError, RangeError, SpecError, ToolError
from lmu_hw.firmware import bulk
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from tests.factories.builds import write_c_build
from tests.factories.corners import CORNERS
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, dense_program, stimulus
from tests.tools import needs, require

ALL = PROGRAMS | CORNERS | NETWORKS

pytestmark = pytest.mark.cc


tools = needs("cc|gcc|clang")


@pytest.fixture
def engine() -> BulkEngine:
    return BulkEngine(PROGRAMS["mixed"], n_streams=2)


@pytest.mark.some(7)
@pytest.mark.parametrize("name", ALL)
def test_words_equal_the_interpreter(name: str) -> None:
    _compare(ALL[name], n_streams=3)


def _compare(program: Program, n_streams: int) -> None:
    """Run both from reset, then from states with every word at an end of its range."""
    inputs = np.stack([stimulus(program, 320, seed) for seed in range(n_streams)], axis=1)
    reference, engine = Interpreter(program, n_streams), BulkEngine(program, n_streams)
    for part in (inputs, inputs[:0], inputs[-5:]):
        np.testing.assert_array_equal(engine.run(part), reference.run(part))
        np.testing.assert_array_equal(engine.save(), reference.save())
    state_rails, input_rails = _rails(program, Role.STATE), _rails(program, Role.INPUT)
    rng = np.random.default_rng(0)
    for attempt in range(10):
        ends = rng.integers(0, 2, (n_streams, state_rails.shape[1]))
        # All words at one end, and opposite neighbours, besides random ones.
        ends[0] = [[0], [1], np.arange(ends.shape[1]) % 2][attempt] if attempt < 3 else ends[0]
        state = np.take_along_axis(state_rails, ends, axis=0)
        if program.clock:
            names = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
            state[:, names.index(program.clock)] = state[0, names.index(program.clock)]
        u = inputs[-3:]
        if attempt < 2:
            u = np.broadcast_to(input_rails[attempt], u.shape)
        for backend in (engine, reference):
            backend.load(state)
        np.testing.assert_array_equal(engine.run(u), reference.run(u))
        np.testing.assert_array_equal(engine.save(), reference.save())


def _rails(program: Program, role: Role) -> np.ndarray:
    """Return the smallest and the largest words of a role."""
    fmts = [v.fmt for v in program.with_role(role) for _ in range(v.length)]
    return np.array([[f.min for f in fmts], [f.max for f in fmts]])


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
    inputs = np.stack([stimulus(program, 300, seed) for seed in (1, 2)], axis=1)
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
    inputs = np.stack([stimulus(engine.program, 200, seed) for seed in (3, 4)], axis=1)
    engine.run(inputs[:70])
    reference.load(engine.save())
    np.testing.assert_array_equal(engine.run(inputs[70:]), reference.run(inputs[70:]))


@pytest.mark.some(2)
@pytest.mark.parametrize("name", ["mixed", "lmu_every_3", "lmu_on_demand"])
def test_threads_share_the_streams(name: str) -> None:
    program = ALL[name]
    inputs = np.stack([stimulus(program, 100, seed) for seed in range(13)], axis=1)
    one = BulkEngine(program, n_threads=1)
    parts = [one.with_streams(1).run(inputs[:, k : k + 1]) for k in range(13)]
    alone = np.concatenate(parts, axis=1)
    np.testing.assert_array_equal(one.with_streams(13).run(inputs), alone)
    for n_threads in (2, 3, 5):
        engine = BulkEngine(program, 13, n_threads=n_threads)
        np.testing.assert_array_equal(engine.run(inputs), alone)
        np.testing.assert_array_equal(engine.with_streams(2).run(inputs[:, 3:5]), alone[:, 3:5])


def test_inputs_of_any_type_and_strides(engine: BulkEngine) -> None:
    inputs = np.stack([stimulus(engine.program, 90, seed) for seed in (1, 2)], axis=1)
    whole = engine.run(inputs)
    streams = np.ascontiguousarray(inputs.transpose(1, 0, 2))
    for words in (
        inputs.astype(np.int8),
        streams.astype(np.int16).transpose(1, 0, 2),
        np.asfortranarray(inputs),
        inputs[::-1].copy()[::-1],
    ):
        engine.reset()
        np.testing.assert_array_equal(engine.run(words), whole)


def test_inputs_are_not_copied_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As int64 they would be eight times as large."""
    program = NETWORKS["feed_forward_on_demand"]
    monkeypatch.setattr(bulk, "_CHUNK_WORDS", 1 << 12)
    engine = BulkEngine(program, 100)
    inputs = np.zeros((100, 4000, 3), dtype=np.int8)
    tracemalloc.start()
    outputs = engine.run(inputs.transpose(1, 0, 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outputs.shape == (1, 100, 5)
    assert peak < inputs.nbytes / 4


def test_long_runs_are_cut_and_reported(
    engine: BulkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = np.stack([stimulus(engine.program, 100, seed) for seed in (1, 2)], axis=1)
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
    for backend in (engine, reference):
        with pytest.raises(RangeError, match=r"u must be -128 to 127 \(Q1.7\), not 128"):
            backend.run(np.full((3, 2, 1), 128))
        with pytest.raises(SpecError, match=r"inputs have shape \(3, 1\) but should be"):
            backend.run(np.zeros((3, 1), dtype=np.int64))
        with pytest.raises(SpecError, match=r"state has shape \(1, 9\) but should be \(2, 9\)"):
            backend.load(np.zeros((1, 9), dtype=np.int64))
        with pytest.raises(RangeError, match="z_inner must be -32768 to 32767"):
            backend.load(too_large)
    np.testing.assert_array_equal(engine.save(), state)
    assert engine.run(np.zeros((0, 2, 1), dtype=np.int64)).shape == (0, 2, 8)


def test_build_directory_of_another_program(tmp_path: Path) -> None:
    c_dir = write_c_build(PROGRAMS["one_real"], tmp_path)
    with pytest.raises(ModelFileError, match="not those of the program; generate the build"):
        BulkEngine.from_c_files(PROGRAMS["one_pair"], c_dir)
    (c_dir / "lmu.h").unlink()
    with pytest.raises(ModelFileError, match=r"cannot read .*lmu\.h"):
        BulkEngine.from_c_files(PROGRAMS["one_real"], c_dir)


def test_code_that_does_not_compile(tmp_path: Path) -> None:
    c_dir = write_c_build(PROGRAMS["one_real"], tmp_path)
    with (c_dir / "lmu.c").open("a") as file:
        file.write("int lmu_step;\n")
    with pytest.raises(ToolError, match=r"could not compile .*lmu\.c: .*error: .*lmu_step") as info:
        BulkEngine.from_c_files(PROGRAMS["one_real"], c_dir)
    assert info.value.exit_code == 1
    assert "lmu_step" in info.value.tail
    assert "\n" not in str(info.value)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert bulk.available()
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
    cc = programs.c_compiler()[0]
    monkeypatch.setenv("CC", f"{script} {cc}")
    _compare(PROGRAMS["one_pair"], n_streams=1)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ToolError, match=r"no C compiler \(no-such-compiler\)"):
        BulkEngine(PROGRAMS["one_real"])


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    BulkEngine(PROGRAMS["one_real"]).run(np.ones((3, 1, 1), dtype=np.int64))
    assert list(tmp_path.iterdir()) == []


def test_a_state_saved_as_another_programs_is_found(tmp_path: Path) -> None:
    """Found by mutation: the C compared its own digest with itself."""
    require("cc|gcc|clang")
    program = next(iter(PROGRAMS.values()))
    build_dir = write_c_build(program, tmp_path)
    path = build_dir / f"{program.name}.c"
    found = re.search(r"_saved_header\[16\] = \{\n.*\n( *)(\d+)", text := path.read_text())
    assert found
    other = str(int(found[2]) ^ 1).rjust(len(found[2]))
    text = text[: found.start(2)] + other + text[found.end(2) :]
    path.write_text(text)
    with pytest.raises(ModelFileError, match="must be of this program"):
        BulkEngine.from_c_files(program, build_dir).save()
