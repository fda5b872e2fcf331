"""The C of spiking neurons: its text, its words on the host and on boards, their sums."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.firmware import c_sums, emit, scratch_bytes
from lmu_hw.firmware.boards.microcontrollers import BOARDS
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.firmware.layout import lay_out
from lmu_hw.program.integer_program import Program, Role, Spiking
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify.extremes import extremes
from tests.factories.builds import VERSION, write_c_build
from tests.factories.programs import stimulus
from tests.factories.spiking_corners import SPIKING_CORNERS
from tests.factories.spiking_programs import SPIKING
from tests.firmware.same_words import check_on_a_board, check_on_the_host
from tests.firmware.test_targets import SANITIZERS

MEMORIES = SPIKING | SPIKING_CORNERS
QUICK = ("integrate_channels", "poisson_odd_widths")
ALL = [pytest.param(n, marks=() if n in QUICK else pytest.mark.soak) for n in MEMORIES]
BOARDS = [
    pytest.param(t, marks=() if t in ("c-m0", "c-m4", "c-rv32") else pytest.mark.soak)
    for t in BOARDS
]
SOAK_STEPS, STREAMS = 1_000_000, 500

pytestmark = [pytest.mark.cc]


@pytest.fixture(scope="module")
def c_dir(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the ``c`` directory of a program."""

    @cache
    def build_dir(name: str) -> Path:
        return write_c_build(MEMORIES[name], tmp_path_factory.mktemp("build"), 200)

    return build_dir


@pytest.mark.some(5)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("options", [("-O0",), ("-O2",), ("-O3",), SANITIZERS], ids=lambda x: x[-1])
@pytest.mark.parametrize("name", ALL)
def test_words_on_the_host(
    name: str, options: tuple[str, ...], cc: str, c_dir: Callable[[str], Path], tmp_path: Path
) -> None:
    check_on_the_host(c_dir(name), cc, options, tmp_path / "test")


@pytest.mark.qemu
@pytest.mark.parametrize("target", BOARDS)
@pytest.mark.parametrize("name", ALL)
def test_words_on_boards(name: str, target: str, c_dir: Callable[[str], Path]) -> None:
    check_on_a_board(MEMORIES[name], c_dir(name), target)


def streams(program: Program, n_steps: int, n_streams: int) -> np.ndarray:
    """Return inputs that differ from stream to stream, zero-input runs among them."""
    return np.stack([stimulus(program, n_steps, seed) for seed in range(n_streams)], axis=1)


@pytest.mark.some(9)
@pytest.mark.parametrize("name", MEMORIES)
def test_state_in_the_middle_of_a_run(name: str) -> None:
    """Saved, loaded into another engine, and reset; every stream has its own neurons."""
    program = MEMORIES[name]
    inputs = streams(program, 240, 3)
    whole, first = Interpreter(program, 3), BulkEngine(program, 3)
    expected = whole.run(inputs)
    before = first.run(inputs[:101])
    second = first.with_streams(3)
    second.load(first.save())
    np.testing.assert_array_equal(np.concatenate([before, second.run(inputs[101:])]), expected)
    np.testing.assert_array_equal(second.save(), whole.save())
    second.reset()
    assert not second.save().any()
    np.testing.assert_array_equal(second.run(inputs), expected)


@pytest.mark.parametrize("name", ["integrate_channels", "poisson_channels"])
def test_a_zero_input_run(name: str) -> None:
    """No spikes; membranes are cleared, and generators keep their words."""
    program = SPIKING[name]
    op, engine = program.ops[0], BulkEngine(program)
    assert isinstance(op, Spiking)
    engine.run(streams(program, 50, 1))
    kept = state(program, engine, op.membrane or op.generators)
    assert kept.any()
    zeros = np.zeros((op.window + 1, 1, program.n_words(Role.INPUT)), dtype=np.int64)
    spikes = engine.run(zeros)[:, 0, -program.vector(op.spikes).length :]
    assert spikes[0].any()
    assert not spikes[op.window - 1 :].any()
    before = state(program, engine, op.membrane or op.generators)
    engine.run(zeros)
    after = state(program, engine, op.membrane or op.generators)
    np.testing.assert_array_equal(after, before)
    assert before.any() == bool(op.generators)


def state(program: Program, engine: BulkEngine, name: str) -> np.ndarray:
    """Return the words of a state vector."""
    states = program.with_role(Role.STATE)
    at = [v.name for v in states].index(name)
    first = sum(v.length for v in states[:at])
    words: np.ndarray = engine.save()[0, first : first + states[at].length]
    return words


@pytest.mark.soak
@pytest.mark.parametrize("name", ["integrate_wide", "poisson_mixed"])
def test_a_million_steps(name: str) -> None:
    program = SPIKING[name]
    inputs = streams(program, SOAK_STEPS // STREAMS, STREAMS)
    reference, engine = Interpreter(program, STREAMS), BulkEngine(program, STREAMS)
    np.testing.assert_array_equal(engine.run(inputs), reference.run(inputs))
    np.testing.assert_array_equal(engine.save(), reference.save())


def test_every_neuron_fires_at_full_scale() -> None:
    """The threshold is then 2**16, above any draw."""
    program = SPIKING_CORNERS["spiking_full"]
    op, engine = program.ops[0], BulkEngine(program, 2)
    assert isinstance(op, Spiking)
    ends = {name: program.vector(name).fmt for name in op.cascade.states}
    rows = [
        np.concatenate(
            [
                np.full(v.length, getattr(ends[v.name], end) if v.name in ends else 0)
                for v in program.with_role(Role.STATE)
            ]
        )
        for end in ("min", "max")
    ]
    engine.load(np.array(rows))
    inputs = np.ones((1, 2, 1), dtype=np.int64)
    assert (engine.run(inputs)[0, :, -1] == len(op.quanta) << op.population).all()


def code(program: Program) -> str:
    return emit(program, version=VERSION)["lmu.c"]


def test_generators_are_unsigned_words_unless_something_else_reads_them() -> None:
    for name, ctype in (("spiking_full", "uint32_t"), ("spiking_read", "int64_t")):
        program = SPIKING_CORNERS[name]
        assert lay_out(program, "lmu").places["generators"].ctype == ctype
        assert f"lmu_spiking_draws({ctype} *generators, int32_t threshold)" in code(program)
    assert "(uint32_t)generators[i] ^" in code(SPIKING_CORNERS["spiking_read"])
    assert "= generators[i] ^" in code(SPIKING_CORNERS["spiking_full"])


def test_seeds_are_unsigned_constants() -> None:
    tables = emit(SPIKING["poisson_odd_widths"], version=VERSION)["lmu_tables.h"]
    seeds = re.search(r"uint32_t lmu_spiking_seeds\[8\] = \{(.*?)\}", tables, re.DOTALL)
    assert seeds is not None
    found = tuple(int(x) for x in re.findall(r"(\d+)u\b", seeds[1]))
    op = SPIKING["poisson_odd_widths"].ops[0]
    assert isinstance(op, Spiking)
    assert found == op.seeds


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spiking_lifted", "lmu_half_up32(size << 6, 0)"),
        ("spiking_both_ways", "lmu_half_up32(size << lift, s + lift - 7)"),
        ("spiking_full", "lmu_half_up32(size << 8, 0)"),
        ("poisson_readout", "lmu_half_up32(size << lift, s + lift - 12)"),
        ("spiking_drawn_40", "(int32_t)lmu_half_up64(size, s - 12)"),
    ],
)
def test_thresholds(name: str, text: str) -> None:
    assert f"lmu_spiking_draws(generators, {text})" in " ".join(code(MEMORIES[name]).split())


def test_a_state_within_its_full_scale_is_not_clipped() -> None:
    assert "*membrane + ((size ^ sign) - sign) + half" in code(SPIKING_CORNERS["spiking_unscaled"])
    assert "*membrane + z + half" in code(SPIKING_CORNERS["spiking_brink_30"])
    assert "room = full - ((z ^ sign) - sign);" in code(SPIKING_CORNERS["spiking_full"])
    assert "full" not in code(SPIKING_CORNERS["spiking_both_ways"]).split("_fire(")[1]


def test_neurons_need_no_scratch() -> None:
    """The sections take one state after the other: only the count of spikes is kept."""
    for name in ("integrate_mixed", "poisson_mixed"):
        assert scratch_bytes(SPIKING[name]) == 2


@pytest.mark.parametrize("quantum", [30, 31])
def test_sums_of_membranes_come_to_their_bound(quantum: int) -> None:
    """Loaded states reach the claimed range at both ends; a bit more leaves 32 bits."""
    program = SPIKING_CORNERS[f"spiking_brink_{quantum}"]
    (claim,) = (c for c in c_sums(program) if c.variable == "v")
    assert claim.ctype == {30: "int32_t", 31: "int64_t"}[quantum]
    op = program.ops[0]
    assert isinstance(op, Spiking)
    words, first = {}, 0
    states = extremes(program, 1, 0).states
    for v in program.with_role(Role.STATE):
        words[v.name] = states[:, first : first + v.length]
        first += v.length
    full, half = 1 << quantum, 1 << quantum - 1
    z = np.stack([words[name][:, k] for name, k in op.places], axis=1)
    v = words[op.membrane] + np.clip(z, -full, full) + half
    assert (v.min(), v.max()) == (claim.low, claim.high)


def test_spikes_are_an_output_of_their_own() -> None:
    """The header says what they are, and where."""
    header = emit(SPIKING["integrate_channels"], version=VERSION)["lmu.h"]
    assert re.search(r"#define LMU_SPIKES_LEN 3\n", header)
    assert "spiking: u -> z_outer, z_inner, membrane, spikes; 960 neurons (15)" in header
