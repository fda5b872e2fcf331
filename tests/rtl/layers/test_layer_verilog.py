"""The printed Verilog of layers is what Amaranth wrote, without warnings, with its comments."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lmu_hw._support.identifiers import COLLISION_MACRO
from lmu_hw._support.templates import environment
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.layers.layer_core import LAYER_BLOCKS, LayerCore
from lmu_hw.rtl.layers.layer_plan import layer_plan
from lmu_hw.rtl.verilog_modules import verilog_of
from tests.factories.layer_programs import every_operation, two_layers
from tests.rtl.printed_designs import PrintedDesign
from tests.rtl.printed_equivalence import prove_equal
from tests.tools import require, require_yosys

DESIGNS = {
    "adders": (two_layers(0, (5, 3, 2)), 1),
    "multipliers": (two_layers(3, (4, 3, 2)), 4),
    "every operation": (every_operation(2), 6),
}


def file_of(program: Program, interval: int) -> str:
    core = LayerCore(layer_plan(program, interval))
    modules = verilog_of(core, program.name, program.name, LAYER_BLOCKS, {})
    template = environment().get_template("rtl/design.v.j2")
    return template.render(
        header="",
        axi=False,
        roms=[],
        modules=modules,
        name=program.name,
        collision_macro=COLLISION_MACRO,
    )


@pytest.mark.synth
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "multipliers" else pytest.mark.soak) for n in DESIGNS]
)
def test_it_is_what_amaranth_wrote(name: str, tmp_path: Path) -> None:
    require_yosys()
    program, interval = DESIGNS[name]
    design = PrintedDesign(
        component=LayerCore(layer_plan(program, interval)),
        name=program.name,
        top=program.name,
        blocks=LAYER_BLOCKS,
        parts={},
    )
    names = prove_equal(design, tmp_path)
    assert sum(map(len, names.registers.values())) > 10


@pytest.mark.sim
@pytest.mark.parametrize("name", DESIGNS)
def test_nothing_to_complain_of(name: str, tmp_path: Path) -> None:
    require("verilator")
    program, interval = DESIGNS[name]
    file = tmp_path / f"{program.name}.v"
    file.write_text(file_of(program, interval))
    waivers = environment().get_template("rtl/lint.vlt.j2")
    (tmp_path / "layers.vlt").write_text(waivers.render(name="layers", tool="", digest=""))
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "layers", "layers.vlt"]
    command.append(file.name)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DESIGNS)
def test_every_module_and_port_has_a_comment(name: str) -> None:
    text = file_of(*DESIGNS[name])
    for module in re.findall(r"^(?:.*\n){1}module (\w+)", text, re.M):
        above = text.partition(f"module {module} ")[0].splitlines()[-1]
        assert above.startswith("// "), module
    assert max(map(len, text.splitlines())) <= 100


def test_the_first_register_behind_a_product_is_kept() -> None:
    """`lmu_hw.rtl.layers.split_product` says why."""
    count = 0
    for module in file_of(*DESIGNS["every operation"]).split("\nmodule "):
        found = {name: kind for kind, name in re.findall(r"^  (.*\breg\b.*) (\w+);$", module, re.M)}
        # a product without a second register ends in an adder, which no pass merges
        twice = [f"{x[:-2]}_1" for x in found if re.fullmatch(r"((high|low)_)?product(_\d+)?_2", x)]
        kept = {name for name, kind in found.items() if kind.startswith("(* keep *) reg ")}
        assert kept == set(twice)
        count += len(kept)
    assert count > 3
