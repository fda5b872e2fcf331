"""State as a contract: any chunking, saves, loads, resets, instances in turns, stalls: same words.

Every backend plays the same script; `Histories` says what has to come of it.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lmu_hw.program.integer_program import Program, Role
from tests.contract import c_code, rtl
from tests.contract.c_code import CInstances, SteppedCInstances
from tests.contract.rtl import RtlInstances
from tests.contract.script import (
    Action,
    Give,
    Histories,
    Instances,
    Interpreters,
    Load,
    Reset,
    Run,
    Save,
    Saved,
    play,
    scripts,
)
from tests.factories.hardware_programs import ALL
from tests.tools import require, require_yosys

INSTANCES = 3
LANES = {
    "mixed": 2,
    "dense_channels": 1,
    "lmu_on_demand": 3,
    "gates_every_2": 4,
    "stack": 2,
    "channels_mixed": 1,
    "ladder_channels": 2,
}
"""A cascade; dense with channels; a hidden cell and outputs on demand; gates and a clock; ..."""
FEW = ("mixed", "ladder_channels")
"""Whose Verilog is played by default: each takes a compiler some seconds."""
EXAMPLES = 25
RTL_EXAMPLES = 15
MANY, RTL_MANY = 300, 60

Broken = Callable[[str], str]
Pace = tuple[float, bool, int]
"""How often streams stall, whether readers are late, and the seed of it."""


def fixed(n_examples: int, *, shrink: bool = True) -> Any:
    """Return settings with the same examples every time."""
    return settings(
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        max_examples=n_examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def check(program: Program, script: list[Action], *others: Instances) -> None:
    expected = play(program, script, Histories(program, INSTANCES))
    for made in others:
        assert play(program, script, made) == expected


def software(
    program: Program, library: ctypes.CDLL, n_examples: int, *, shrink: bool = True
) -> None:
    @fixed(n_examples, shrink=shrink)
    @given(scripts(INSTANCES))
    def holds(script: list[Action]) -> None:
        check(
            program,
            script,
            Interpreters(program, INSTANCES),
            CInstances(library, program, INSTANCES),
            SteppedCInstances(library, program, INSTANCES),
        )

    holds()


def hardware(
    program: Program, lanes: int, library: ctypes.CDLL, n_examples: int, *, shrink: bool = True
) -> None:
    pace = st.tuples(st.sampled_from([0.0, 0.2, 0.7]), st.booleans(), st.integers(0, 99))

    @fixed(n_examples, shrink=shrink)
    @given(scripts(INSTANCES), pace)
    def shared(script: list[Action], pace: Pace) -> None:
        made = RtlInstances(library, program, lanes, INSTANCES, *pace)
        check(program, script, made)

    @fixed(n_examples // 3, shrink=shrink)
    @given(scripts(1), pace)
    def alone(script: list[Action], pace: Pace) -> None:
        """The reset is the pin's, not a command."""
        made = RtlInstances(library, program, lanes, 1, *pace)
        assert play(program, script, made) == play(program, script, Histories(program, 1))

    shared()
    alone()


@pytest.mark.some(3)
@pytest.mark.cc
@pytest.mark.parametrize("name", LANES)
def test_interpreter_and_c(name: str, tmp_path: Path) -> None:
    require("cc|gcc|clang")
    software(ALL[name], c_code.compiled(ALL[name], tmp_path / "c"), EXAMPLES)


@pytest.mark.some(1)
@pytest.mark.sim
@pytest.mark.parametrize("name", FEW)
def test_rtl(name: str, tmp_path: Path) -> None:
    require("c++|g++|clang++")
    require_yosys()
    library = rtl.compiled(ALL[name], LANES[name], tmp_path)
    hardware(ALL[name], LANES[name], library, RTL_EXAMPLES)


@pytest.mark.cc
@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("name", LANES)
def test_all_of_them_for_longer(name: str, tmp_path: Path) -> None:
    require("cc|gcc|clang", "c++|g++|clang++")
    require_yosys()
    software(ALL[name], c_code.compiled(ALL[name], tmp_path / "c"), MANY)
    library = rtl.compiled(ALL[name], LANES[name], tmp_path / "rtl", optimize="-O1")
    hardware(ALL[name], LANES[name], library, RTL_MANY)


def test_scripts_reach_what_they_are_for() -> None:
    """A load changes the state, a zero-input run is long enough, an instance runs after another."""
    program = ALL["mixed"]
    script: list[Action] = [
        Run(0, 5, "noise", 1),
        Save(0),
        Run(1, 5, "noise", 2),
        Load(1, 0),
        Run(0, 8, "silence", 0),
        Run(0, 8, "silence", 0),
        Save(0),
        Give(2, 3),
        Reset(1),
    ]
    made = Histories(program, INSTANCES)
    words, outputs = play(program, script, made)
    silence = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
    # the window of 12 steps is full
    assert words[1][silence.index("silence")] == 12
    assert not any(words[3])
    assert any(words[4])
    assert [len(o) // program.n_words(Role.OUTPUT) for o in outputs] == [21, 5, 0]


def replaced(pattern: str, by: str) -> Broken:
    def broken(text: str) -> str:
        changed, n = re.subn(pattern, by, text, flags=re.MULTILINE)
        assert n
        return changed

    return broken


SHARED = (
    r"^((?:void|lmu_status|size_t) lmu_(?:init|reset|step|run|save|load)\((?:const )?lmu_state \*s"
    r"[^{;]*\{\n)"
)
C_FAULTS: dict[str, Broken] = {
    "a save leaves out the zero-run counters": replaced(r"\(uint32_t\)s->silence\[i\]", "0"),
    "a load leaves out a state": replaced(r"^ +s->z_inner\[i\] = .*lmu_get.*\n", ";\n"),
    "a load begins with another word": replaced(r"(s->z_outer\[i\] = .*saved \+ )16", r"\g<1>17"),
    "a reset leaves the zero-run counters": replaced(r"s->silence\[i\] = 0;", ";"),
    "all instances are one": lambda text: replaced(SHARED, r"\1s = (lmu_state *)&lmu_one;\n")(
        text.replace('#include "lmu.h"', '#include "lmu.h"\nstatic lmu_state lmu_one;', 1)
    ),
    "a call forgets its last step": replaced(r"t < n_steps", "t + 1 < n_steps"),
}


@pytest.mark.cc
@pytest.mark.parametrize("fault", C_FAULTS)
def test_broken_c_is_found(fault: str, tmp_path: Path) -> None:
    require("cc|gcc|clang")
    program = ALL["mixed"]
    library = c_code.compiled(program, tmp_path / "c", C_FAULTS[fault])
    with pytest.raises(AssertionError):
        software(program, library, EXAMPLES, shrink=False)


RTL_FAULTS: dict[str, Broken] = {
    "a load leaves out the zero-run counters": replaced(r"(to_counts =) .*;", r"\1 1'd0;"),
    "a save leaves out the zero-run counters": replaced(r"\{12'd0, count\}", "16'd0"),
    "a command does not wait for the step": replaced("start = between && idle", "start = idle"),
    "a step does not wait for the command": replaced(r"(hold =) .*;", r"\1 1'd0;"),
    "a save does not wait for its reader": replaced(r"\(!o_valid \|\| o_ready\)", "1'd1"),
    "a save offers nothing before its reader is ready": replaced(
        r"\(!o_valid \|\| o_ready\)", "o_ready"
    ),
    "a clear clears nothing": replaced(r"(erase =) .*;", r"\1 1'd0;"),
}


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("fault", RTL_FAULTS)
def test_broken_rtl_is_found(fault: str, tmp_path: Path) -> None:
    require("c++|g++|clang++")
    require_yosys()
    program, lanes = ALL["mixed"], LANES["mixed"]
    library = rtl.compiled(program, lanes, tmp_path, broken=RTL_FAULTS[fault])
    with pytest.raises(AssertionError):
        hardware(program, lanes, library, EXAMPLES, shrink=False)


class Forgetful(Interpreters):
    """An interpreter whose saves leave out the last word."""

    def save(self, instance: int) -> Saved:
        return Saved((*super().save(instance).words[:-1], 0))


def test_a_broken_interpreter_is_found() -> None:
    program = ALL["mixed"]

    @fixed(EXAMPLES)
    @given(scripts(INSTANCES))
    def holds(script: list[Action]) -> None:
        check(program, script, Forgetful(program, INSTANCES))

    with pytest.raises(AssertionError):
        holds()
