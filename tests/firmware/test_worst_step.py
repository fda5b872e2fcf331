"""The worst step of `lmu-hw footprint`: no other input takes more instructions than it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw.firmware.boards import installed, toolchain
from lmu_hw.firmware.boards.disassembly import parse
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.measure.footprint.board_report import InstructionCounts
from lmu_hw.measure.footprint.control_flow import UnknownFlowError, blocks
from lmu_hw.measure.footprint.footprint_report import (
    CountedSteps,
    counted_steps,
    instructions_of,
    measure,
)
from lmu_hw.measure.footprint.instructions import count
from lmu_hw.measure.footprint.worst_inputs import NamedInput, joined, name_at
from lmu_hw.memory.spec import parse as parse_memory
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.output_timing import due_steps
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.verify.stimulus import window
from tests.factories.builds import write_c_build, write_c_build_in_assembly
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.tools import require

pytestmark = [pytest.mark.cc, pytest.mark.qemu]

BOARDS = ("c-m0", "c-m3", "c-m4", "c-m55", "c-rv32")


def memory(**keys: object) -> Program:
    return quantize_memory(parse_memory({"bits": 16, **keys})).program


SPIKING = {"order": 5, "theta": 20, "realization": "spiking", "neurons": 160, "output": "state"}
DESIGNS = {
    "dense": lambda: memory(order=6, theta=20, bits=12, output="memory"),
    "taps": lambda: memory(order=16, theta=64, output="taps=0,0.5,1"),
    "channels": lambda: memory(order=5, theta=16, channels=2, output="state"),
    "wide": lambda: memory(order=6, theta=16, state_bits=32, output="state"),
    "ladder": lambda: memory(order=6, theta=40, discretizer="bilinear"),
    "ladder, 2 substeps": lambda: memory(
        order=3, theta=20, discretizer="bilinear", substeps=2, bits=12
    ),
    "integrate": lambda: memory(**SPIKING, neuron_model="integrate-fire"),
    "poisson": lambda: memory(**SPIKING, neuron_model="poisson", generators=4),
    "network": lambda: NETWORKS["lmu"],
    "on demand": lambda: NETWORKS["lmu_on_demand"],
    "gates": lambda: NETWORKS["gates_every_2"],
}


def other_steps(p: Program, n_steps: int, seed: int) -> np.ndarray:
    """Return zero-input runs, noise, squares and mixes, a quarter of each, in turns."""
    rng = np.random.default_rng(seed)
    inputs, w, found = p.with_role(Role.INPUT), window(p), []
    low = np.concatenate([np.full(v.length, v.fmt.min) for v in inputs])
    high = np.concatenate([np.full(v.length, v.fmt.max) for v in inputs])
    each = max(2 * w + 40, 100)
    for k in range(-(-n_steps // (4 * each))):
        size = np.maximum(high >> rng.integers(0, 12), 1)
        t = np.arange(each)[:, None]
        square = np.where((t + rng.integers(99)) // rng.integers(1, 2 * w) % 2 == 0, low, high)
        found += [
            np.clip(rng.integers(-size, size + 1, (each, len(low))), low, high),
            np.zeros((each, len(low)), dtype=np.int64),
            square,
            vectors.stimulus(p, each, 1, seed + k)[:, 0],
        ]
    return np.concatenate(found)[:n_steps]


def counts_of(
    p: Program, board: str, place: Path, inputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the instructions of every step, and which have an output."""
    target = TARGETS[board]
    image = toolchain.build(target, p, place / "out" / "c", place)
    state = np.zeros((1, p.n_words(Role.STATE)), dtype=np.int64)
    alternating = np.arange(len(inputs)) % 3 == 0
    due = due_steps(p, len(inputs), state) if p.output_every > 1 else alternating
    due[-1] |= p.output_every <= 1
    return count(target, p, image, inputs, due), due


def never_passed(name: str, board: str, n_steps: int, seed: int, place: Path) -> None:
    """Check the worst step of a design against other steps."""
    target, p = TARGETS[board], DESIGNS[name]()
    require(target.toolchain.compiler, target.toolchain.qemu, "cc|gcc|clang")
    assert installed.missing(target.toolchain) == ()
    steps = counted_steps(p)
    write_c_build(p, place / "out", 1)
    found = measure(target, place / "out" / "c", p, steps, quiet=True).instructions
    counts, due = counts_of(p, board, place, other_steps(p, n_steps, seed))
    for said, kind in ((found.with_output, due), (found.without_output, ~due)):
        assert (said is not None) == kind.any()
        if said is not None:
            _check(said, counts[kind])
            assert np.ptp(counts[kind]) > 0 or said.worst.reached == said.worst.all_ways


def _check(said: InstructionCounts, counts: np.ndarray) -> None:
    assert said.worst.bound is not None
    assert said.worst.all_ways is not None
    assert said.max <= said.worst.reached <= said.worst.bound <= said.worst.all_ways
    assert counts.max() <= said.worst.reached
    assert counts.max() >= 0.9 * said.worst.reached
    # one number: the bound is reached, or is within half a per cent of what is
    assert said.worst.bound <= 1.005 * said.worst.reached
    # a fifth is more than the saturations of any memory here
    assert said.worst.all_ways <= 1.2 * said.worst.reached


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("name", "board"),
    [("dense", "c-m4"), ("channels", "c-rv32"), ("on demand", "c-m0"), ("poisson", "c-m4")],
)
def test_other_steps_do_not_pass_the_worst_one(name: str, board: str, tmp_path: Path) -> None:
    never_passed(name, board, 600, 11, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", DESIGNS)
def test_ten_thousand_steps_do_not_pass_the_worst_one(
    name: str, board: str, tmp_path: Path
) -> None:
    never_passed(name, board, 10_000, 1000, tmp_path)


BODIES = {
    "c-m0": (
        ".syntax unified\\n movs r3, #0\\n ldrsb r3, [r1, r3]\\n cmp r3, #0\\n bge 1f\\n"
        " nop\\n nop\\n nop\\n1: movs r3, #100\\n2: subs r3, #1\\n bne 2b\\n bx lr"
    ),
    "c-m4": (
        ".syntax unified\\n ldrsb r3, [r1]\\n mov r3, r3\\n cmp r3, #0\\n bge 1f\\n"
        " nop\\n nop\\n nop\\n1: movs r3, #100\\n2: subs r3, #1\\n bne 2b\\n bx lr"
    ),
    "c-m55": (
        ".syntax unified\\n push {lr}\\n ldrsb r3, [r1]\\n nop\\n cmp r3, #0\\n bge 1f\\n"
        " nop\\n nop\\n nop\\n1: mov r3, #99\\n dls lr, r3\\n2: nop\\n le lr, 2b\\n pop {pc}"
    ),
    "c-rv32": (
        "lb t0, 0(a1)\\n mv t0, t0\\n nop\\n bgez t0, 1f\\n"
        " nop\\n nop\\n nop\\n1: li t0, 100\\n2: addi t0, t0, -1\\n bnez t0, 2b\\n ret"
    ),
}
"""A loop of 100, or of 99 and two more, after three that only a negative word has."""


@pytest.mark.parametrize("board", BODIES)
def test_the_bound_takes_the_longer_way(board: str, tmp_path: Path) -> None:
    """Positive words alone are played: no step went the longer way, and the report knows it."""
    target, p = TARGETS[board], PROGRAMS["one_real"]
    require(target.toolchain.compiler, target.toolchain.qemu, "cc|gcc|clang")
    c_dir = write_c_build_in_assembly(p, tmp_path, BODIES[board])
    words = np.ones((8, p.n_words(Role.INPUT)), dtype=np.int64)
    inputs = (NamedInput(name="ones", words=words), NamedInput(name="more", words=words))
    steps = CountedSteps(inputs=inputs, due=np.ones(16, dtype=bool))
    shorter = 4 + 1 + 2 * 100 + 1
    image = toolchain.build(target, p, c_dir, tmp_path)
    assert set(count(target, p, image, joined(inputs), steps.due).tolist()) == {shorter}
    found = instructions_of(target, p, image, steps).with_output
    assert found is not None
    assert found.worst.reached == shorter
    assert found.worst.input == "ones"
    assert found.worst.bound == shorter
    assert found.worst.all_ways == shorter + 3
    assert str(found.worst) == (
        f"{shorter} reached (ones, step 0), at most {shorter}; "
        f"{shorter + 3} with ways that no step took"
    )


def test_names_of_steps() -> None:
    inputs = [NamedInput(name=n, words=np.zeros((k, 1), np.int64)) for n, k in (("a", 3), ("b", 2))]
    assert [name_at(inputs, n) for n in (0, 2, 3, 4)] == [("a", 0), ("a", 2), ("b", 0), ("b", 1)]
    with pytest.raises(IndexError):
        name_at(inputs, 5)


CODE = """\
00000010 <f>:
  10:\tb510      \tpush\t{r4, lr}
  12:\tf000 f805 \tbl\t20 <g>
  16:\tbf00      \tnop
  18:\td0fd      \tbeq.n\t16 <f+0x6>
  1a:\tbd10      \tpop\t{r4, pc}

00000020 <g>:
  20:\t4770      \tbx\tlr
  22:\t4718      \tbx\tr3
"""


def test_blocks_of_a_function_and_of_those_it_calls() -> None:
    found = blocks(parse(CODE), 0x10)
    assert {at: (b.length, b.successors, b.calls) for at, b in found.items()} == {
        0x10: (2, (0x16,), 0x20),
        0x16: (2, (0x16, 0x1A), None),
        0x1A: (1, (), None),
        0x20: (1, (), None),
    }


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("le\tlr, 16 <f+0x6>", (0x16, 0x1A)),
        ("letp\tlr, 16 <f+0x6>", (0x16, 0x1A)),
        ("wls\tlr, r2, 16 <f+0x6>", (0x16, 0x1A)),
        ("wlstp.16\tlr, r2, 16 <f+0x6>", (0x16, 0x1A)),
        ("le\t16 <f+0x6>", (0x16,)),
    ],
)
def test_loops_that_count_in_the_link_register(line: str, after: tuple[int, ...]) -> None:
    found = blocks(parse(CODE.replace("beq.n\t16 <f+0x6>", line)), 0x10)
    assert found[0x16].successors == after


@pytest.mark.parametrize("line", ["bx\tr3", "tbb\t[pc, r3]", "mov\tpc, r3", "blx\tr3"])
def test_a_computed_jump_is_not_followed(line: str) -> None:
    with pytest.raises(UnknownFlowError, match="g jumps to a computed address"):
        blocks(parse(CODE.replace("bx\tlr", line)), 0x10)
