"""The state port in Amaranth's simulator: clear, save and load, against the interpreter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lmu_hw.errors import ScheduleError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.rtl.lane_widths import depth_to_clear, payload_shape
from lmu_hw.rtl.schedule import schedule, why_not
from lmu_hw.rtl.schedule.timing import QUEUE
from lmu_hw.rtl.state_port import clear_cycles, legal, load_cycles, save_cycles
from tests.factories.hardware_programs import ALL
from tests.factories.network_programs import Builder
from tests.factories.programs import random_state, with_vectors
from tests.factories.random_programs import programs as random_programs
from tests.rtl.state_bench import Ran, Script, run

LANES = (1, 2, 3, 4, 8, 16)
CASES = [
    ("one_pair", 1),
    ("mixed", 3),
    ("channels_mixed", 2),
    ("dense_channels", 4),
    ("network", 3),
    ("copies", 2),
    ("lmu_every_3", 8),
    ("stack_on_demand", 2),
    ("gates_every_2", 16),
    ("order", 1),
    ("ladder_channels", 3),
    ("ladder_substeps", 1),
]
FEW = [("mixed", 2), ("lmu_every_3", 3), ("gates", 4), ("ladder_channels", 2)]


def check(program: Program, lanes: int, script: Script, stalls: float = 0.0) -> Ran:
    ran = run(schedule(program, lanes, state_port=True), script, stalls)
    np.testing.assert_array_equal(ran.saved, script.saved)
    np.testing.assert_array_equal(ran.outputs, script.outputs)
    for got, expected in zip(ran.cut, script.cut, strict=True):
        for words, whole in zip(got, expected, strict=True):
            np.testing.assert_array_equal(words, whole[: len(words)])
    return ran


def everything(program: Program, seed: int = 0) -> Script:
    """Return saves after every step, loads of any words and of earlier states, and a clear."""
    script = Script(program, 2, seed)
    for _ in range(3):
        script.steps(1, stream=0)
        script.save()
    script.load_stream(1)
    script.steps(2, stream=1)
    script.load(random_state(program, script.rng, 1)[0])
    script.save()
    script.steps(3)
    script.nothing()
    script.save()
    script.load_stream(0)
    script.steps(2, stream=0)
    script.clear()
    script.save()
    script.steps(2)
    script.save()
    return script


@pytest.mark.some(3)
@pytest.mark.parametrize(("name", "lanes"), CASES)
def test_every_word_of_the_state(name: str, lanes: int) -> None:
    check(ALL[name], lanes, everything(ALL[name]))


@pytest.mark.soak
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", ALL)
def test_every_program_with_any_number_of_lanes(name: str, lanes: int) -> None:
    stalls = 0.5 if lanes in (2, 8) else 0.0
    check(ALL[name], lanes, everything(ALL[name], seed=lanes), stalls)


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
@given(program=random_programs(), lanes=st.sampled_from(LANES))
def test_random_programs(program: Program, lanes: int) -> None:
    if why_not(program) is None and program.with_role(Role.STATE):
        check(program, lanes, everything(program))


@pytest.mark.some(2)
@pytest.mark.parametrize(("name", "lanes"), FEW)
def test_streams_share_a_core(name: str, lanes: int) -> None:
    """Each goes on where it was: its words are those of a core of its own."""
    program = ALL[name]
    script = Script(program, 3, seed=5)
    for stream in script.rng.integers(0, 3, 7).tolist():
        script.load_stream(stream)
        script.steps(int(script.rng.integers(1, 4)), stream=stream)
        script.save()
    check(program, lanes, script, stalls=0.5)


@pytest.mark.parametrize(("name", "lanes"), FEW)
def test_commands_wait_for_a_step_and_steps_for_commands(name: str, lanes: int) -> None:
    """Input words follow a command at once, and commands the last word of a step."""
    program = ALL[name]
    plan = schedule(program, lanes, state_port=True)
    script = Script(program)
    script.steps(1)
    script.save()
    script.load(random_state(program, script.rng, 1)[0])
    script.steps(1)
    ran = check(program, lanes, script)
    # the first command is taken while the step runs, the second when the first one is carried out
    assert ran.commands[0] == ran.words[plan.n_in - 1] + 1
    assert ran.words[plan.n_in] > ran.commands[1] > ran.commands[0] + 1


@pytest.mark.parametrize(("name", "lanes"), FEW[:2])
def test_published_cycles(name: str, lanes: int) -> None:
    program = ALL[name]
    plan = schedule(program, lanes, state_port=True)
    n_state, depth = program.n_words(Role.STATE), depth_to_clear(plan)
    script = Script(program)
    script.save()
    script.steps(1)
    script.load(script.core.save()[0])
    script.steps(1)
    script.clear()
    script.steps(1)
    ran = check(program, lanes, script)
    first, last = ran.words[:: plan.n_in], ran.words[plan.n_in - 1 :: plan.n_in]
    every = program.output_every
    # with several channels their FIFO may outlast a step
    behind = QUEUE if plan.queued else 0
    steps = [(plan.due if every == 1 else plan.quiet).cycles - plan.n_in + 1 + behind] * 2
    # a command waits for the memories to be cleared, or for a step: as if taken in the last cycle
    waited = [depth, *(end + step for end, step in zip(last, steps, strict=False))]
    commands = [save_cycles(n_state), load_cycles(n_state), clear_cycles(depth)]
    assert first == [w - 1 + c for w, c in zip(waited, commands, strict=True)]


@pytest.mark.some(1)
@pytest.mark.parametrize(("name", "lanes"), FEW)
def test_reset_at_any_moment_of_a_command(name: str, lanes: int) -> None:
    program = ALL[name]
    script = Script(program)
    longest = 3 * program.n_words(Role.STATE) + 20
    for moment in script.rng.integers(0, longest, 8).tolist():
        script.save()
        script.steps(2)
        script.save()
        if moment % 2:
            script.load(random_state(program, script.rng, 1)[0])
        script.reset(moment)
    script.save()
    script.steps(2)
    script.save()
    check(program, lanes, script)


@pytest.mark.some(1)
@pytest.mark.parametrize("lanes", [1, 3])
def test_whatever_is_loaded_is_a_legal_state(lanes: int) -> None:
    program = ALL["lmu_every_3"]
    plan = schedule(program, lanes, state_port=True)
    width = payload_shape(program.with_role(Role.STATE)).width
    script = Script(program)
    words = script.rng.integers(-1 << (width - 1), 1 << (width - 1), program.n_words(Role.STATE))
    script.load(words, np.array(legal(plan, words.tolist())))
    script.save()
    script.steps(4)
    check(program, lanes, script)


def unread() -> Program:
    """Return states that no operation reads, or writes; counters wider than their windows."""
    b = Builder(7)
    b.add("x", 2, Role.INPUT)
    b.add("never", 3, Role.STATE, QFormat(2, 9))
    b.add("written", 2, Role.STATE, QFormat(3, 6))
    b.add("y", 2, Role.OUTPUT)
    inner = b.cascade("x", "", 2, "rp")[1]
    b.affine(("x",), "written")
    b.affine((inner,), "y")
    return with_vectors(b.program("unread", 3), silence=QFormat(7, 0, signed=False))


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_states_that_nothing_depends_on_are_kept(lanes: int) -> None:
    check(unread(), lanes, everything(unread()))


@pytest.mark.some(3)
@pytest.mark.parametrize("sections", ["p", "rp"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_save_waits_for_the_chain(sections: str, channels: int) -> None:
    """A step without readers of a memory ends before the last channel has passed its sections."""
    b = Builder(3)
    b.add("x", channels, Role.INPUT)
    b.add("y", 1, Role.OUTPUT)
    b.affine(("x",), "y")
    b.cascade("x", "", channels, sections)
    program = b.program("nothing reads the states")
    for seed in range(2):
        check(program, 1, everything(program, seed))


def test_a_program_without_a_state() -> None:
    b = Builder(0)
    b.add("x", 2, Role.INPUT)
    b.add("y", 1, Role.OUTPUT)
    b.affine(("x",), "y")
    program = b.program("no state")
    with pytest.raises(ScheduleError, match="a state port needs a program with a state"):
        schedule(program, state_port=True)


def test_the_port_changes_no_other_cycle() -> None:
    for name, lanes in FEW:
        plain, port = schedule(ALL[name], lanes), schedule(ALL[name], lanes, state_port=True)
        assert replace(port, state_port=False) == plain
