"""Kit ``cocotb``: a bench for the tests of a user's own repository."""

from __future__ import annotations

from .core_files import clock_of, core_files, core_of, vector_files
from .kit import Files, Kit, KitDesign, KitTool, render

LEAST_US, CLOCKS = 100, 20
"""Time of a test [us], and what each clock of the vectors' steps adds [clocks of 10 ns]."""


def _files(design: KitDesign) -> Files:
    core, name = core_of(design), design.name
    n_steps = design.vectors["input.hex"].count("\n") // core.n_in
    context = {
        "inputs": core.inputs,
        "outputs": core.outputs,
        "n_in": core.n_in,
        "out_width": core.out_width,
        "out_signed": core.out_signed,
        "every": core.every,
        "timeout_us": LEAST_US + CLOCKS * n_steps * core.cycles_per_step // 100,
        "state_port": design.hardware.state_port,
        **clock_of(design),
    }
    return {
        **core_files(design),
        **vector_files(design),
        f"{name}_bench.py": render("cocotb/bench.py.j2", design, **context),
        f"test_{name}.py": render("cocotb/test_core.py.j2", design, **context),
        "README.md": render("cocotb/README.md.j2", design, **context),
    }


COCOTB = Kit(
    name="cocotb",
    summary="a bench of cocotb and cocotbext-axi for your own repository",
    tested="cocotb 2.1.0, cocotbext-axi 0.1.28, Icarus Verilog 11",
    not_run="in Verilator",
    files=_files,
    tools=(
        KitTool(
            name="cocotbext-axi",
            remedy="python -m pip install cocotbext-axi",
            package="cocotbext-axi",
            module="cocotbext.axi",
        ),
    ),
    verilog=True,
)
