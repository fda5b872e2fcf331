"""Compiles an emitted design with Icarus and runs the cocotb testbench on it.

    python sim/lmu/runner.py OUT --cycles N --quiet-cycles N --latency N ...

OUT is a build directory. The exit code is 0 if every test passes; BUILD/result.json has the result.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

SIM = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the testbench; return 1 if a test fails, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build_dir", type=Path)
    parser.add_argument("--cycles", type=int, required=True, help="published cycles per step")
    parser.add_argument(
        "--quiet-cycles", type=int, required=True, help="the same for a step without an output"
    )
    parser.add_argument(
        "--latency", type=int, required=True, help="published, of a step with an output"
    )
    parser.add_argument(
        "--apart", type=int, default=0, help="least cycles between two steps with an output"
    )
    parser.add_argument("--words", type=int, default=1, help="output words in a transfer")
    parser.add_argument("--interleave", type=int, default=1, help="signals that take turns")
    parser.add_argument("--streams", choices=("plain", "axi"), default="plain")
    parser.add_argument(
        "--gathered", action="store_true", help="a transfer is gathered in its output registers"
    )
    parser.add_argument("--state-port", action="store_true", help="the design has a state port")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--define", action="append", default=[], help="a macro for the Verilog")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    # the testbench runs inside the simulator with this process's search path
    sys.path[:0] = [str(SIM), str(SIM / "lmu")]
    from cocotb_tools.runner import get_results, get_runner

    rtl, build = (args.build_dir / "rtl").resolve(), args.build.resolve()
    name = json.loads((args.build_dir / "program.json").read_text(encoding="utf-8"))["name"]
    build.mkdir(parents=True, exist_ok=True)
    # a copy, because the path of the build directory may be invalid in a command file
    for file in (rtl / f"{name}.v", *sorted(rtl.glob("*.mem"))):
        shutil.copy(file, build)
    runner = get_runner("icarus")
    runner.build(
        sources=[build / f"{name}.v"],
        hdl_toplevel=name,
        build_dir=build,
        always=True,
        timescale=("1ns", "1ps"),
        build_args=["-g2005"],
        defines=dict.fromkeys(args.define, 1),
    )
    modules = ["test_lmu"]
    if args.state_port:
        modules.append("test_state" if args.interleave == 1 else "test_signals")
    vectors = args.vectors or args.build_dir / "vectors"
    results = runner.test(
        hdl_toplevel=name,
        test_module=modules,
        build_dir=build,
        test_dir=build,
        seed=args.seed,
        results_xml="results.xml",
        extra_env={
            # cocotb would load pytest to explain asserts, which takes longer than a short run
            "COCOTB_REWRITE_ASSERTION_FILES": "",
            "LMU_PROGRAM": str((args.build_dir / "program.json").resolve()),
            "LMU_VECTORS": str(vectors.resolve()),
            "LMU_CYCLES": str(args.cycles),
            "LMU_QUIET_CYCLES": str(args.quiet_cycles),
            "LMU_LATENCY": str(args.latency),
            "LMU_APART": str(args.apart),
            "LMU_WORDS": str(args.words),
            "LMU_GATHERED": str(int(args.gathered)),
            "LMU_INTERLEAVE": str(args.interleave),
            "LMU_STREAMS": args.streams,
            "LMU_STATE_PORT": str(int(args.state_port)),
            "LMU_RESULT": str(build / "result.json"),
        },
    )
    _, failed = get_results(results)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
