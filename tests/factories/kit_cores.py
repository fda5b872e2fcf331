"""Designs with Verilog for kits, from programs."""

from __future__ import annotations

from lmu_hw import firmware, rtl
from lmu_hw.kits.kit import KitDesign
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.schedule import schedule
from tests.factories.kit_designs import VERSION


def core_design(
    program: Program, hardware: Hardware | None = None, n_steps: int = 64, seed: int = 1
) -> KitDesign:
    """Return a design with Verilog, C and vectors."""
    hardware = hardware or Hardware()
    plan = schedule(program, hardware.lanes, state_port=hardware.state_port)
    inputs = vectors.stimulus(program, n_steps, 1, seed)[:, 0]
    return KitDesign(
        program=program,
        plan=plan,
        hardware=hardware,
        rtl=rtl.emit(program, plan, version=VERSION, streams=hardware.streams),
        c=firmware.emit(program, version=VERSION),
        vectors=vectors.to_files(program, vectors.expect(program, inputs)),
        version=VERSION,
    )
