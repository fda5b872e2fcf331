"""Memories and multiplications from the schedule against those of the elaborated hardware."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

import lmu_hw as lh
from lmu_hw.explore.design_parts import design_parts
from lmu_hw.explore.parallel_parts import parallel_parts
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.inventory import inventory
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.cascade_plan import CascadePlan
from lmu_hw.rtl.schedule import schedule
from tests.factories import hardware_programs
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.spiking_memories import SEVERAL

SOME = {
    *("channels", "ladder_channels", "dense_readout", "gates_every_2"),
    *("integrate_and_poisson", "memory d=6 P=2", "stack of 3 every 5th step P=2"),
}
"""Designs of the default suite: every kind of block is in one."""


def every(names: Iterable[str]) -> list[Any]:
    return [pytest.param(n, marks=() if n in SOME else pytest.mark.soak) for n in names]


def check(program: Program, lanes: int, *, state_port: bool = False) -> None:
    plan = schedule(program, lanes, state_port=state_port)
    found, real = design_parts(plan), inventory(program, plan)
    assert Counter(found.storages) == Counter(real.storages)
    assert Counter(found.products) == Counter(real.products)


@pytest.mark.parametrize("name", every(hardware_programs.QUICK))
def test_programs_of_every_kind(name: str) -> None:
    check(hardware_programs.ALL[name], 3, state_port=name == "channels")


@pytest.mark.parametrize("name", every(SEVERAL))
def test_memories_on_spiking_neurons(name: str) -> None:
    check(SEVERAL[name], 1)


@pytest.mark.parametrize("name", every(CONFIGURATIONS))
def test_typical_designs(name: str) -> None:
    check(CONFIGURATIONS[name].make(), CONFIGURATIONS[name].lanes)


@pytest.mark.parametrize(
    ("order", "bits", "options"),
    [
        (5, 12, {"parallel": "full", "pipeline": 1}),
        (2, 12, {"parallel": "full", "interleave": 10, "state_port": True}),
        (6, 8, {"parallel": "full", "pipeline": 6, "interleave": 12}),
        (16, 12, {"parallel": "ring", "sections_per_multiplier": 3}),
        (7, 16, {"parallel": "ring", "pipeline": 2, "state_port": True}),
        (6, 8, {"parallel": "ring", "sections_per_multiplier": 1, "pipeline": 3}),
    ],
)
def test_multipliers_for_sections(order: int, bits: int, options: dict[str, Any]) -> None:
    program = lh.compile(lh.Memory(order), bits=bits, output="state").program
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, CascadePlan)
    found, real = parallel_parts(plan), inventory(program, plan)
    assert Counter(found.storages) == Counter(real.storages)
    assert Counter(found.products) == Counter(real.products)
