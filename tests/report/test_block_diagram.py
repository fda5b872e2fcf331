"""Diagrams of a design: every block and memory of the netlist, and texts that fit."""

from __future__ import annotations

import re

import pytest

from lmu_hw.program.integer_program import MemoryUpdate, Role
from lmu_hw.report.block_diagram import BoxKind, block_diagram, box_of
from lmu_hw.report.block_picture import block_picture
from lmu_hw.report.memory_picture import memories, memory_picture
from lmu_hw.rtl.block_tree import block_tree
from lmu_hw.rtl.inventory import inventory
from lmu_hw.rtl.schedule import schedule
from tests.factories.hardware_programs import ALL
from tests.factories.programs import cascade_program
from tests.factories.spiking_programs import with_neurons
from tests.report.test_step_timeline import DESIGNS, SOME


@pytest.mark.some(1)
@pytest.mark.parametrize(("name", "lanes"), [("lmu", 4), ("poisson", 1)])
def test_tree_is_that_of_the_netlist(name: str, lanes: int) -> None:
    program = DESIGNS[name]
    plan = schedule(program, lanes, state_port=True)
    tree, parts = block_tree(program, plan), inventory(program, plan)
    assert {block.path for block in tree} == set(parts.blocks)
    found = {
        b.path: (b.memory.width, b.memory.depth, b.memory.writable)
        for b in tree
        if b.memory is not None
    }
    assert found == {s.name: (s.width, s.depth, s.writable) for s in parts.storages}


@pytest.mark.parametrize("name", SOME)
def test_every_block_is_in_a_box(name: str) -> None:
    program = DESIGNS[name]
    plan = schedule(program, 2, state_port=bool(program.with_role(Role.STATE)))
    tree = block_tree(program, plan)
    diagram = block_diagram(plan, tree)
    assert {box_of(block.path) for block in tree} == set(diagram.boxes)
    # each memory is named, by the number of its words and their bits
    texts = " ".join(text for box in diagram.boxes.values() for _, text in box.memories)
    for block in tree:
        if block.memory is not None:
            assert f"{block.memory.depth:,} x {block.memory.width}" in texts, block.path
    # no box is without a wire, apart from the port of the state
    ends = {end for wire in diagram.wires for end in (wire.start, wire.end)}
    assert set(diagram.boxes) - ends <= {"state_port"}
    assert {"i", "o"} <= ends
    picture = block_picture(diagram).decode()
    for box in diagram.boxes.values():
        assert box.title in picture or box.title.replace("'", "&#39;") in picture


def test_sizes_are_those_of_the_design() -> None:
    plan = schedule(ALL["lmu"], 4)
    diagram = block_diagram(plan)
    lanes = diagram.boxes["lanes"]
    assert (lanes.title, lanes.copies, lanes.kind) == ("4 lanes", 4, BoxKind.ARITHMETIC)
    tree = block_tree(plan.program, plan)
    kept = [b.memory for b in tree if b.memory is not None]
    assert diagram.ram_bits == sum(m.bits for m in kept if m.writable)
    assert diagram.rom_bits == sum(m.bits for m in kept if not m.writable)
    assert diagram.boxes["chain"].lines[1] == "sections: 2 pairs, 1 real"


def test_wires_are_those_of_the_jobs() -> None:
    def ends(name: str) -> set[tuple[str, str]]:
        wires = block_diagram(schedule(ALL[name], 1)).wires
        return {(wire.start, wire.end) for wire in wires}

    # states leave as they are: no lanes
    assert ("operand_mux", "fifo") in ends("mixed")
    assert not any("lanes" in pair for pair in ends("mixed"))
    # results leave at once; nothing reads them again
    assert ("requantizer", "fifo") in ends("readout")
    assert ("requantizer", "memory") not in ends("readout")
    assert ("chain", "memory") in ends("readout")
    assert ("ladder", "memory") in ends("ladder")
    # one channel starts the chain itself, several pass a FIFO
    assert ("zero_run_counter", "chain") in ends("readout")
    assert ("zero_run_counter", "chain_input_fifo") in ends("channels")
    assert ("polynomial", "memory") in ends("gates")


@pytest.mark.parametrize("name", SOME)
def test_every_memory_has_a_picture(name: str) -> None:
    program = DESIGNS[name]
    shown = memories(program)
    assert all(isinstance(program.ops[index], MemoryUpdate) for index in shown)
    assert bool(shown) == any(isinstance(op, MemoryUpdate) for op in program.ops)
    for index in shown:
        svg = memory_picture(program, index)
        assert svg == memory_picture(program, index)
        assert b"prefers-color-scheme: dark" in svg


def test_long_chains_are_abridged() -> None:
    svg = memory_picture(cascade_program(sections="p" * 32), 0).decode()
    sections = re.findall(r">section (\d+)<", svg)
    assert sections == ["1", "2", "3", "32"]
    assert ">28 more<" in svg
    assert len(svg) < 60_000


def test_spiking_memory_names_its_neurons() -> None:
    program = with_neurons(ALL["mixed"], population=4)
    assert "32 integrate-and-fire neurons" in memory_picture(program, 0).decode()
