"""Compiles a bus slave with Icarus and runs the cocotb bench: bus_runner BUILD BUS WORK."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(build: str, bus: str, work: str) -> int:
    """Return 1 if a test fails, else 0."""
    from cocotb_tools.runner import get_results, get_runner

    directory, here = Path(build).resolve(), Path(__file__).resolve().parent
    name = json.loads((directory / "program.json").read_text(encoding="utf-8"))["name"]
    files = (directory / "bus" / f"{name}_{bus}.f").read_text(encoding="utf-8").split()
    sys.path[:0] = [str(here)]
    runner = get_runner("icarus")
    sim = Path(work).resolve() / "sim"
    runner.build(
        sources=[directory / "bus" / file for file in files],
        hdl_toplevel=f"{name}_{bus}",
        parameters={"MEM_DIR": f'"{directory / "bus" / "core"}"'},
        build_dir=sim,
        timescale=("1ns", "1ps"),
        build_args=["-g2005"],
    )
    results = runner.test(
        hdl_toplevel=f"{name}_{bus}",
        test_module="bus_bench",
        build_dir=sim,
        test_dir=sim,
        seed=1,
        results_xml=str(sim.resolve() / "results.xml"),
        extra_env={"LMU_BUILD": str(directory), "LMU_BUS": bus},
    )
    ran, failed = get_results(results)
    return int(failed > 0 or ran == 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
