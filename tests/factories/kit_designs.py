"""Designs for kits, from programs."""

from __future__ import annotations

from pathlib import Path

from lmu_hw import firmware
from lmu_hw.kits.kit import Kit, KitDesign
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.options import Hardware

VERSION = "1.2.3"


def c_design(program: Program, n_steps: int = 96) -> KitDesign:
    """Return a design with C and vectors, but no Verilog."""
    inputs = vectors.stimulus(program, n_steps, 1, 1)[:, 0]
    return KitDesign(
        program=program,
        plan=None,
        hardware=Hardware(),
        rtl={},
        c=firmware.emit(program, version=VERSION),
        vectors=vectors.to_files(program, vectors.expect(program, inputs)),
        version=VERSION,
    )


def write_kit(kit: Kit, design: KitDesign, place: Path) -> Path:
    """Write the files of a kit alone; return their directory."""
    for name, content in kit.files(design).items():
        path = place / kit.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return place / kit.place
