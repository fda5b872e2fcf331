"""The model of how Yosys maps memories and products, against Yosys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lmu_hw as lh
from lmu_hw._support.templates import environment
from lmu_hw.measure.synthesis import yowasp_tools
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.expected import Expected
from lmu_hw.measure.synthesis.families import (
    ECP5,
    GOWIN,
    ICE40_DSP,
    XC7,
    Family,
    multiplier_units,
    place,
)
from lmu_hw.measure.synthesis.netlists import memories_of
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.inventory import Storage, inventory
from lmu_hw.rtl.options import Hardware
from tests.tools import require

FAMILIES = {"ice40": ICE40_DSP, "ecp5": ECP5, "gowin": GOWIN, "xc7": XC7}
SHAPES = [(w, d) for w in (4, 18, 37) for d in (2, 17, 130, 600)]
PRODUCTS = [(a, b) for a in (9, 18, 27, 40) for b in (2, 3, 10, 17, 19, 24) if b <= a]


def memory_modules() -> str:
    """The memory modules of every emitted design."""
    template = environment().get_template("rtl/design.v.j2")
    text = template.render(
        name="lmu", header="", modules="", roms=True, axi=False, collision_macro="X"
    )
    assert "module lmu_rom" in text
    return text


def storages() -> list[Storage]:
    return [
        Storage(name=f"{kind}_{w}x{d}", width=w, depth=d, varying=w, writable=kind == "ram")
        for w, d in SHAPES
        for kind in ("ram", "rom")
    ]


def write_design(build_dir: Path) -> None:
    """Write a module of all shapes of memories and of products."""
    ports, body, modules = [], [], [memory_modules()]
    for s in storages():
        n, bits = s.name, max(1, (s.depth - 1).bit_length())
        shape = f"#(.WIDTH({s.width}), .DEPTH({s.depth}), .ADDRESS_WIDTH({bits})"
        ports += [f"input [{bits - 1}:0] a_{n}", f"output [{s.width - 1}:0] q_{n}"]
        if s.writable:
            ports += [
                f"input [{bits - 1}:0] w_{n}",
                f"input [{s.width - 1}:0] d_{n}",
                f"input e_{n}",
            ]
            body.append(f"lmu_ram {shape}) {n} (clk, a_{n}, q_{n}, e_{n}, w_{n}, d_{n});")
        else:
            words = [
                hex(i * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << s.width)) for i in range(s.depth)
            ]
            (build_dir / f"{n}.mem").write_text("\n".join(w[2:] for w in words))
            body.append(f'lmu_rom {shape}, .FILE("{n}.mem")) {n} (clk, a_{n}, q_{n});')
    for a, b in PRODUCTS:
        n = f"mul_{a}x{b}"
        modules.append(
            f"(* keep_hierarchy *) module {n} (input clk, input signed [{a - 1}:0] a,\n"
            f"  input signed [{b - 1}:0] b, output reg signed [{a + b - 1}:0] y);\n"
            "  always @(posedge clk) y <= a * b;\nendmodule\n"
        )
        ports += [
            f"input [{a - 1}:0] a_{n}",
            f"input [{b - 1}:0] b_{n}",
            f"output [{a + b - 1}:0] y_{n}",
        ]
        body.append(f"{n} i_{n} (clk, a_{n}, b_{n}, y_{n});")
    top = f"module top (input clk,\n{', '.join(ports)});\n" + "\n".join(body) + "\nendmodule\n"
    (build_dir / "top.v").write_text("\n".join([*modules, top]))


@pytest.mark.some(1)
@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    # Yosys takes long over memories in registers, and most shapes are those in these two
    [
        name if name in ("ecp5", "gowin") else pytest.param(name, marks=pytest.mark.soak)
        for name in FAMILIES
    ],
)
def test_the_model_is_what_yosys_does(name: str, tmp_path: Path) -> None:
    require(yowasp_tools.YOSYS)
    family: Family = FAMILIES[name]
    write_design(tmp_path)
    (tmp_path / "s.ys").write_text(
        f"read_verilog top.v\n{family.synth} -top top -run begin:map_ffram\n"
        "tee -q -o cells.json stat -json\n"
    )
    yowasp_tools.run(yowasp_tools.YOSYS, ("-q", "-l", "log", "-s", "s.ys"), tmp_path, "log")
    found = memories_of((tmp_path / "log").read_text(), "top")
    modules = json.loads((tmp_path / "cells.json").read_text())["modules"]
    cells = {m.lstrip("\\"): c["num_cells_by_type"] for m, c in modules.items()}
    blocks = 0
    for s in storages():
        placed = place(family, s)
        assert found[s.name] is placed.style, s
        blocks += placed.blocks
    assert blocks == sum(n * family.rams.get(cell, 0) for cell, n in cells["top"].items())
    for a, b in PRODUCTS:
        own = cells[f"mul_{a}x{b}"]
        got = sum(n * family.dsps.get(cell, 0) for cell, n in own.items())
        assert got == multiplier_units(family, (a, b)), (a, b)


def test_a_constant_factor_leaves_fewer_bits() -> None:
    """A product of 3 by 8 bits is built from logic where its 10 bits are too few for the device."""
    assert multiplier_units(ICE40_DSP, (3, 8)) == 1
    assert multiplier_units(ICE40_DSP, (3, 8), 10) == 0
    program = lh.compile(lh.Memory(5), bits=12, output="state").program
    plan = hardware_plan(program, Hardware(parallel="full", pipeline=2, interleave=4))
    # measured: Yosys takes 9, not two for each of the five coefficients
    assert Expected(TARGETS["ice40-up5k"], inventory(program, plan)).dsps == 9
