"""The register map: its forms agree, and PeakRDL reads the SystemRDL as we do."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError
from lmu_hw.kits.bus_registers import Register, registers_of
from lmu_hw.kits.kit import KitDesign
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.schedule import schedule
from tests.kits.bus_designs import DESIGNS, write
from tests.tools import require, succeed

# pip puts it beside this Python, which need not be on the path
PEAKRDL = Path(sys.executable).parent / "peakrdl"


def kit_design(design: lh.Design) -> KitDesign:
    plan = schedule(design.program, 1, state_port=True)
    return KitDesign(
        program=design.program,
        plan=plan,
        hardware=Hardware(state_port=True),
        rtl={},
        c={},
        vectors={},
        version="",
    )


def ours(header: str, prefix: str) -> dict[str, int]:
    """Return the macros of our header, without the prefix."""
    found = re.findall(rf"^#define {prefix}_REGS_(\w+) (0x[0-9a-f]+|\d+)u?$", header, re.M)
    return {name: int(value, 0) for name, value in found}


@pytest.mark.parametrize("name", ["wide", "very wide"])
def test_registers_do_not_overlap(name: str) -> None:
    registers = registers_of(kit_design(DESIGNS[name]()))
    offsets = [r.offset for r in registers]
    assert offsets == sorted(set(offsets))
    assert offsets[-1] < 128
    for register in registers:
        bits = [bit for f in register.fields for bit in range(f.low, f.high + 1)]
        assert bits == sorted(set(bits)), register.name
        assert bits[-1] < 32
    has = {r.name for r in registers}
    assert ("DATA_OUT_PAIR" in has) == ("DATA_IN_PAIR" in has) == (name != "wide")
    assert ("STATE_OUT_HIGH" in has) == ("STATE_IN_HIGH" in has) == (name == "very wide")


def test_too_many_words_are_refused() -> None:
    design = DESIGNS["taps"]()
    wide = lh.compile(lh.Memory(1, theta=8, channels=1), bits=16)
    assert registers_of(kit_design(design))
    given = kit_design(wide)
    object.__setattr__(given.plan, "n_in", 1 << 16)
    with pytest.raises(SpecError, match="65535 words a step, not 65536: instantiate"):
        registers_of(given)


@pytest.mark.kits
@pytest.mark.parametrize("name", DESIGNS)
def test_peakrdl_makes_the_same_header_and_page(name: str, tmp_path: Path) -> None:
    require("peakrdl")
    bus = write(name, tmp_path / "b")
    (rdl,) = bus.glob("*_regs.rdl")
    prefix = rdl.name.removesuffix("_regs.rdl")
    own = ours((bus / f"{prefix}_regs.h").read_text(), prefix.upper())
    theirs = tmp_path / "peakrdl.h"
    succeed(PEAKRDL, "c-header", rdl, "-o", theirs, "--std", "gnu11", "-b", "ltoh")
    text = theirs.read_text()
    design = DESIGNS[name]()
    page = (bus / f"{prefix}_regs.md").read_text()
    for register in registers_of(kit_design(design)):
        assert own[register.name] == register.offset
        _compare(register, own, text, f"{prefix}_regs".upper())
        assert f"| 0x{register.offset:02x} | {register.name} |" in page
    succeed(PEAKRDL, "markdown", rdl, "-o", tmp_path / "peakrdl.md")
    theirs_page = (tmp_path / "peakrdl.md").read_text()
    for register in registers_of(kit_design(design)):
        assert re.search(rf"\| *0x{register.offset:02X} *\|.*{register.name}", theirs_page), (
            register
        )


def _compare(register: Register, own: dict[str, int], text: str, prefix: str) -> None:
    """Compare the fields of a register in PeakRDL's header with ours."""
    for field in register.fields:
        name = f"{register.name}__{field.name or 'VALUE'}"
        mask = re.search(rf"^#define {prefix}__{name}_bm (0x[0-9a-fA-F]+)", text, re.M)
        place = re.search(rf"^#define {prefix}__{name}_bp (\d+)", text, re.M)
        assert mask, name
        assert place, name
        assert int(mask[1], 16) == field.mask
        assert int(place[1]) == field.low
        if field.name:
            assert own[f"{register.name}_{field.name}_MASK"] == field.mask
            assert own[f"{register.name}_{field.name}_SHIFT"] == field.low
        if field.value is not None:
            reset = re.search(rf"^#define {prefix}__{name}_reset (0x[0-9a-fA-F]+)", text, re.M)
            assert reset, name
            assert int(reset[1], 16) == field.value
