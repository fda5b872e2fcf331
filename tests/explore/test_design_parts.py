"""Memories and multiplications from the plan against those of the elaborated hardware."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from amaranth.back import rtlil

import lmu_hw as lh
from lmu_hw.explore.design_parts import design_parts
from lmu_hw.explore.layer_units import layer_registers, layer_storages, layer_units
from lmu_hw.explore.network_parts import layer_terms, network_parts, pipeline_terms
from lmu_hw.explore.parallel_parts import output_bits, parallel_parts
from lmu_hw.explore.ring_units import ring_registers
from lmu_hw.measure.synthesis.families import ECP5
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Program, Role, Vector
from lmu_hw.rtl.block_memories import VerilogPlatform
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.inventory import Product, inventory
from lmu_hw.rtl.layers.layer_core import LayerCore
from lmu_hw.rtl.layers.layer_plan import layer_plan
from lmu_hw.rtl.networks.network_plan import NetworkPlan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.cascade_plan import CascadePlan
from lmu_hw.rtl.parallel.ring_plan import RingPlan
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.verilog import inlined, parse
from tests.factories import hardware_programs
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.layer_programs import every_operation, two_layers, written_again
from tests.factories.spiking_memories import SEVERAL
from tests.rtl.test_network_core import DESIGNS as NETWORKS

SOME = {
    *("channels", "ladder_channels", "dense_readout", "gates_every_2"),
    *("integrate_and_poisson", "memory d=6 P=2", "stack of 3 every 5th step P=2"),
}
"""Designs of the default suite: every kind of block is in one."""
SOME_NETWORKS = {"ring, pipelined, input", "full, pipelined, 3 signals"}
LAYERS = [
    (two_layers(0), 1, 0.77),
    (every_operation(22), 1, 0.64),
    (two_layers(26), 4, 0.73),
    (every_operation(24), 3, 0.64),
    (written_again(), 4, 0.63),
]
"""Random layers, with constant and negative factors and products of one and of two multipliers.

The share of the bits of all adders that is counted: in graphs the lowest bits of shifted words pass
by, and signs and counters are left out.
"""
MORE_LAYERS = [
    *((two_layers(seed), interval, None) for seed in range(20, 40) for interval in (1, 4)),
    *((every_operation(seed), interval, None) for seed in range(20, 30) for interval in (1, 3, 9)),
]


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


@pytest.mark.some(3)
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


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in SOME_NETWORKS else pytest.mark.soak) for n in NETWORKS],
)
def test_layers_behind_a_memory(name: str) -> None:
    program, options = NETWORKS[name]
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, NetworkPlan)
    found, real = network_parts(plan), inventory(program, plan)
    assert Counter(found.storages) == Counter(real.storages)
    assert Counter(found.products) == Counter(real.products)


@pytest.mark.some(3)
@pytest.mark.parametrize(
    ("program", "interval", "share"),
    [*LAYERS, *(pytest.param(*case, marks=pytest.mark.soak) for case in MORE_LAYERS)],
)
def test_layers_alone(program: Program, interval: int, share: float | None) -> None:
    """The widths of all products as Amaranth emits them, and the memories.

    Registers and adders are counted before any tool removes some of them.
    """
    plan = layer_plan(program, interval)
    text = rtlil.convert(
        LayerCore(plan), name="layers", platform=VerilogPlatform("layers"), emit_src=False
    )
    products: Counter[Product] = Counter()
    memories, bits = [], {"registers": 0, "adders": 0}
    for module in inlined(parse(text)):
        for cell in module.cells:
            if cell.kind == "$mul":
                a, b, y = (int(cell.parameters[f"{port}_WIDTH"]) for port in "ABY")
                result = y if y < a + b else None
                products[Product(name=module.name, widths=(a, b), result=result)] += 1
            elif cell.kind == "$dff":
                bits["registers"] += int(cell.parameters["WIDTH"])
            elif cell.kind in ("$add", "$sub"):
                bits["adders"] += int(cell.parameters["Y_WIDTH"])
            elif cell.kind == "layers_ram":
                memories.append((int(cell.parameters["WIDTH"]), int(cell.parameters["DEPTH"])))
    units = list(layer_units(plan))
    assert Counter(p for unit in units for p in unit.products) == products
    assert sorted(memories) == sorted((s.width, s.depth) for s in layer_storages(plan))
    # counters and flags of the FIFO are left out
    registers = sum(unit.registers for unit in units) + layer_registers(plan)
    assert 0.87 < registers / bits["registers"] < 1.0
    found = sum(unit.adders for unit in units) / bits["adders"]
    assert 0.5 < found < 0.95 if share is None else found == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("interval", "limits", "selected", "tables"),
    [
        # two lanes of 6 bits
        (1, 12, 0, 0),
        # one lane, which takes one of two sums of 12 bits, a factor of 3 and a constant of 11
        (2, 6, 12, 3 + 11),
        # two multipliers share a choice of one of three words of 8 bits; weights of 4 and of 5
        (3, 6, 12 + 2 * 8, 3 + 11 + 4 + 5),
        # one multiplier for both rows
        (6, 6, 2 * 8, 3 + 11 + 5),
    ],
)
def test_sizes_counted_by_hand(interval: int, limits: int, selected: int, tables: int) -> None:
    vectors = (
        Vector(name="x", length=3, role=Role.INPUT, fmt=QFormat(1, 7)),
        Vector(name="y", length=2, role=Role.OUTPUT, fmt=QFormat(1, 5)),
    )
    op = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=((3, -5, 7), (2, 9, -4)),
        aligns=(0,),
        biases=(100, -90),
        multipliers=(5, 7),
        shifts=(6, 6),
    )
    plan = layer_plan(Program(name="lmu", title="test", vectors=vectors, ops=(op,)), interval)
    found = pipeline_terms(tuple(layer_units(plan)), 0, ECP5)["luts"]
    assert [found[name] for name in ("limits", "selected", "tables")] == [limits, selected, tables]


def test_registers_beside_the_units_of_a_ring_counted_by_hand() -> None:
    memory = lh.compile(lh.Memory(64).spec(bits=16, realization="cascade", output="state"))
    plan = memory.schedule(lh.Hardware(parallel="ring"))
    assert isinstance(plan, RingPlan)
    # six units: five have a slot of 4 bits and a clearing of their own; each has two words that
    # are fetched; the last one has two sections, so its words pass on in four of six rows
    assert ring_registers(plan) == 5 * (4 + 1) + 6 * 32 + 4 * 32


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # the words of a section of 20 bits, and a word of 10
        ("ring, lanes", 20 + 10),
        # the same, and before that a register for each of two groups of columns
        ("full, lanes, 9 columns", 2 * 20 + 20 + 10),
    ],
)
def test_output_registers_counted_by_hand(name: str, bits: int) -> None:
    program, options = NETWORKS[name]
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, NetworkPlan)
    assert output_bits(parallel_parts(plan.memory)) == bits


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # one of two columns of 20 bits, then one of two words of 10 bits
        ("ring, lanes", 20 + 10),
        # or the input word
        ("ring, lanes, input", 20 + 2 * 10),
        # one of three columns
        ("ring, on demand", 2 * 20 + 2 * 10),
        # one column
        ("ring, every 5", 10),
        ("full, pipelined", None),
    ],
)
def test_words_chosen_on_their_way_to_lanes(name: str, bits: int | None) -> None:
    program, options = NETWORKS[name]
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, NetworkPlan)
    parts = network_parts(plan)
    own = pipeline_terms(parts.units, parts.registers, ECP5)["luts"]["selected"]
    assert layer_terms(parts, ECP5)["luts"]["selected"] == own + (bits or 0)
    assert (parts.lanes is None) == (bits is None)
