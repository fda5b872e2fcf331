"""Feed-forward networks as two programs: what memory and layers compute, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.errors import ScheduleError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Term, Vector
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.networks.network_split import split_network
from lmu_hw.rtl.parallel.cascade_plan import why_not_parallel
from lmu_hw.rtl.parallel_style import Parallel
from tests.factories.feed_forward_programs import feed_forward
from tests.factories.network_programs import NETWORKS, Builder
from tests.factories.programs import cascade_program, dense_program, noise_with_silence


def twice_read() -> Program:
    """Return a network that reads a state through a copy, and as it is."""
    b = Builder(5)
    b.add("x", 1, Role.INPUT, QFormat(1, 9))
    outer, inner = b.cascade("x", "", 1, "pr")
    b.add("narrow", 2, Role.INTERNAL, QFormat(2, 6))
    b.add("y_inner", 2, Role.OUTPUT, QFormat(3, 6))
    b.add("y", 2, Role.OUTPUT, QFormat(3, 6))
    b.pointwise("narrow", Term(inner))
    b.pointwise("y_inner", Term(inner))
    b.affine(("narrow", outer), "y")
    return b.program("read twice")


def one_state_read() -> Program:
    """Return a network that reads the inner states alone."""
    program = feed_forward("pp")
    ops = [op for op in program.ops if "rz_outer" not in op.writes]
    ops = [
        replace(op, sources=("rz_inner",), rows=tuple(row[2:] for row in op.rows), aligns=(0,))
        if op.kind == "linear" and "rz_outer" in op.reads
        else op
        for op in ops
    ]
    vectors = tuple(v for v in program.vectors if v.name != "rz_outer")
    return replace(program, vectors=vectors, ops=tuple(ops))


PROGRAMS = {
    "copies": feed_forward("ppr"),
    "input": feed_forward("prp", reads_input=True, seed=1),
    "raw": feed_forward("rr", copies=False, label=True, seed=2),
    "on demand": feed_forward("p", every=0, seed=3),
    "every 4": feed_forward("pp", every=4, reads_input=True, copies=False, seed=4),
    "readout": cascade_program(sections="ppr", readout=3, seed=5),
    "read twice": twice_read(),
    "one state": one_state_read(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_memory_and_layers_are_the_network(name: str) -> None:
    program = PROGRAMS[name]
    split = split_network(program, Parallel.RING)
    u = noise_with_silence(program, 60, seed=3)
    due = np.ones(60, dtype=bool) if program.output_every == 0 else None
    whole = Interpreter(program)
    memory, layers = Interpreter(split.memory), Interpreter(split.layers)
    expected = whole.run(u[:, None, :], due=due)[:, 0]
    states = memory.run(u[:, None, :])[:, 0]
    shown = [states[:, k] for k in places(split.memory, split.shown)]
    read = np.stack(shown + [u[:, 0]] * split.passes_input, axis=1)
    found = layers.run(read[:, None, :])[:, 0]
    np.testing.assert_array_equal(found[whole_due(program, 60)], expected)
    # the state is the memory's; the parallel styles can run it
    np.testing.assert_array_equal(
        memory.save()[0], whole.save()[0][: split.memory.n_words(Role.STATE)]
    )
    assert why_not_parallel(split.memory, Parallel.FULL) is None


def places(memory: Program, names: tuple[str, ...]) -> list[int]:
    """Return the places of output vectors in the words of an output."""
    found: dict[str, list[int]] = {}
    start = 0
    for v in memory.with_role(Role.OUTPUT):
        found[v.name] = list(range(start, start + v.length))
        start += v.length
    return [k for name in names for k in found[name]]


def whole_due(program: Program, n_steps: int) -> np.ndarray:
    """Return which steps have an output."""
    if program.output_every == 0:
        return np.ones(n_steps, dtype=bool)
    return Interpreter(program).due(n_steps)


def test_narrow_copies_are_outputs_of_the_memory() -> None:
    """The layers take narrow words, and have no copy of their own."""
    split = split_network(PROGRAMS["copies"], Parallel.RING)
    assert split.shown == ("rz_outer", "rz_inner")
    assert not split.raw
    assert [op.kind for op in split.layers.ops] == ["linear", "linear"]
    both = split_network(PROGRAMS["read twice"], Parallel.RING)
    assert both.raw == {"z_outer_shown", "z_inner_shown"}
    assert both.shown == ("z_outer_shown", "z_inner_shown")


def with_state(program: Program) -> Program:
    """Return the program with a state that layers write."""
    vectors = [replace(v, role=Role.STATE) if v.name == "h" else v for v in program.vectors]
    return replace(program, vectors=tuple(vectors))


def with_input(program: Program) -> Program:
    """Return the program with another input, which nothing reads."""
    other = Vector(name="other", length=1, role=Role.INPUT, fmt=QFormat(1, 7))
    return replace(program, vectors=(*program.vectors, other))


@pytest.mark.parametrize(
    "program",
    [
        NETWORKS["lmu"],
        NETWORKS["feed_forward"],
        NETWORKS["stack"],
        NETWORKS["gates"],
        dense_program(readout=2),
        cascade_program(channels=2, readout=2),
        with_state(feed_forward()),
        with_input(feed_forward()),
    ],
)
def test_programs_that_are_refused(program: Program) -> None:
    with pytest.raises(ScheduleError, match="parallel must be shared for this program: full is"):
        split_network(program, Parallel.FULL)
