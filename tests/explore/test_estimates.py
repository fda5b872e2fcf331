"""Estimates of figures against measured ones, and what must hold for any design."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import lmu_hw as lh
from benchmarks.layered_designs import DESIGNS as NETWORKS
from benchmarks.layered_designs import on
from lmu_hw import firmware
from lmu_hw.explore import estimates, fitted_sums
from lmu_hw.explore.estimates import estimate
from lmu_hw.explore.explored_point import BoardFigures, DeviceFigures, FigureBasis
from lmu_hw.explore.network_parts import network_parts
from lmu_hw.firmware.boards.microcontrollers import TARGETS as BOARDS
from lmu_hw.firmware.layout import lay_out
from lmu_hw.measure.synthesis.devices import TARGETS as DEVICES
from lmu_hw.measure.synthesis.expected import Expected
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.inventory import inventory
from lmu_hw.rtl.schedule import schedule
from tests.factories import hardware_programs

MEASURED = Path(__file__).parents[2] / "benchmarks" / "estimate_devices.json"
BEHIND_MEMORIES = MEASURED.with_name("parallel_estimates.json")
ON_BOARDS = MEASURED.with_name("estimate_boards.json")


@cache
def memory(order: int, **keys: object) -> Program:
    return lh.compile(lh.Memory(order).spec(**keys)).program


def on_device(program: Program, name: str = "ecp5-25k", lanes: int = 1) -> DeviceFigures:
    return estimate(program, schedule(program, lanes), DEVICES[name])


def on_board(program: Program, name: str = "c-m4") -> BoardFigures:
    return estimate(program, None, BOARDS[name])


def test_multipliers_and_block_rams_are_those_that_synthesis_expects() -> None:
    program = hardware_programs.ALL["lmu"]
    plan = schedule(program, 4)
    parts = inventory(program, plan)
    for target in DEVICES.values():
        found, expected = estimate(program, plan, target), Expected(target, parts)
        assert (found.dsps, found.block_rams) == (expected.dsps, expected.block_rams)
        assert found.basis is FigureBasis.ESTIMATED
        assert (found.clock_mhz is None) == (target.placer is None)


@pytest.mark.parametrize(
    ("name", "order", "keys", "lanes"),
    [
        ("cascade d=6 8 bits", 6, {"bits": 8}, 1),
        ("cascade d=16 memory", 16, {"realization": "cascade"}, 1),
        ("dense d=16 memory", 16, {"realization": "dense"}, 1),
        ("ladder d=16 substeps=1", 16, {"discretizer": "bilinear", "realization": "ladder"}, 1),
    ],
)
def test_logic_and_clock_are_near_the_measured_ones(
    name: str, order: int, keys: dict[str, object], lanes: int
) -> None:
    row = json.loads(MEASURED.read_text())[f"{name} on ecp5-25k"]
    found = on_device(memory(order, **keys), lanes=lanes)
    # twice the largest error of the fit to these designs
    assert found.luts == pytest.approx(row["luts"], rel=0.3)
    assert found.ffs == pytest.approx(row["ffs"], rel=0.2)
    assert found.clock_mhz == pytest.approx(row["fmax_mhz"], rel=0.4)
    assert found.dsps == row["dsps"]
    assert found.block_rams == row["block_rams"]


@pytest.mark.parametrize("network", NETWORKS[:7:2], ids=lambda network: network.key)
def test_layers_behind_a_memory_are_near_the_measured_ones(network: Any) -> None:
    row = json.loads(BEHIND_MEMORIES.read_text())[network.key]
    design = network.make()
    plan = design.schedule(network.hardware)
    found = estimate(design.program, plan, DEVICES[network.target])
    # twice the largest error of the fit to these designs
    assert found.luts == pytest.approx(row["luts"], rel=0.4)
    assert found.ffs == pytest.approx(row["ffs"], rel=0.15)
    if row["fmax_mhz"] is not None:
        assert found.clock_mhz == pytest.approx(row["fmax_mhz"], rel=0.4)
    assert (found.dsps, found.block_rams) == (row["dsps"], row["block_rams"])
    assert plan.cycles_per_step == row["cycles"]


def test_a_network_is_its_memory_and_its_layers() -> None:
    """No part is left out: wider layers cost more, and the clock is that of the slowest."""
    small, large = (
        network_parts(network.make().schedule(network.hardware))
        for network in (on("ecp5-25k", 4, 4), on("ecp5-25k", 4, 12))
    )
    ecp5 = DEVICES["ecp5-25k"]
    for kind in ("luts", "ffs", "period_ns"):
        memory, less, more = (
            estimates.logic_figures(parts, ecp5)[kind] for parts in (small.memory, small, large)
        )
        assert memory < less < more


def test_lanes_cost_logic_and_save_time() -> None:
    program = memory(24)
    figures = [on_device(program, lanes=lanes) for lanes in (1, 4, 16)]
    assert [f.luts for f in figures] == sorted(f.luts for f in figures)
    rates = [f.steps_per_second or 0 for f in figures]
    assert rates == sorted(rates)
    cycles = schedule(program, 4).cycles_per_step
    assert figures[1].clock_mhz is not None
    # both are rounded
    assert rates[1] * cycles == pytest.approx(1e6 * figures[1].clock_mhz, rel=1e-2)


def test_what_does_not_fit_has_a_share_above_one() -> None:
    large = on_device(memory(16), "ice40-up5k", lanes=32)
    assert large.share > 1.0
    assert not large.fits
    assert on_device(memory(6)).fits
    board = on_board(memory(100, realization="dense"), "c-uno")
    assert board.share > 1.0
    assert not board.fits


def test_tables_state_and_scratch_are_exact() -> None:
    row = json.loads(ON_BOARDS.read_text())["cascade d=33 state"]["c-m4"]
    program = lh.compile(lh.Memory(33, 200).spec(output="state")).program
    layout = lay_out(program, program.name)
    assert layout.state_bytes == row["state"]
    assert on_board(program).ram > layout.state_bytes + firmware.scratch_bytes(program)
    assert on_board(program).flash > sum(table.n_bytes for table in firmware.tables(program))
    assert on_board(program).flash == pytest.approx(row["flash"], rel=0.2)
    assert on_board(program).ram == pytest.approx(row["ram"], rel=0.3)


def test_instructions_grow_with_the_work() -> None:
    small, large = on_board(memory(16)), on_board(memory(32))
    assert 2.5 < large.instructions / small.instructions < 4.5
    assert on_board(memory(16), "c-m0").instructions > small.instructions


def test_a_step_without_an_output_is_cheaper() -> None:
    every = memory(16)
    on_demand = replace(every, output_every=0)
    assert on_board(every).instructions_without is None
    figures = on_board(on_demand)
    assert figures.instructions_without is not None
    assert figures.instructions_without < figures.instructions / 2


def test_boards_of_one_core_differ_in_size_alone() -> None:
    program = memory(16)
    mega, uno = on_board(program, "c-avr"), on_board(program, "c-uno")
    assert (mega.flash, mega.instructions) == (uno.flash, uno.instructions)
    assert mega.share < uno.share


def test_the_version_follows_the_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    text_of = fitted_sums._text
    assert fitted_sums.fitted_version() in estimates.ESTIMATES_VERSION
    monkeypatch.setattr(fitted_sums, "_text", lambda file: text_of(file).replace("1", "2"))
    fitted_sums.fitted_version.cache_clear()
    try:
        assert fitted_sums.fitted_version() not in estimates.ESTIMATES_VERSION
    finally:
        fitted_sums.fitted_version.cache_clear()


def test_no_factor_is_below_zero() -> None:
    for name, fitted in fitted_sums.fitted_sums().items():
        assert fitted.factors, name
        assert all(factor > 0 for factor in fitted.factors.values()), name
