"""Fits the estimates of LUTs and flip-flops in lmu_hw/measure/synthesis/fitted_coefficients.py.

    python benchmarks/synthesis_fit.py [--print] [--resume FILE]

Yosys synthesizes every design below for every family; the coefficients are those, none negative,
that make the sum of squared relative errors smallest. Half an hour, for it takes the tool and not
the clock. Run it again when the RTL or Yosys changes. With --resume, what was measured is kept in a
file, and a run that was interrupted goes on from there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import nnls
from synthesis_designs import memory, network

from lmu_hw.measure.synthesis.devices import TARGETS, Device
from lmu_hw.measure.synthesis.estimate import FEATURES, features
from lmu_hw.measure.synthesis.expected import Expected
from lmu_hw.measure.synthesis.netlists import DeviceNetlist, synthesize
from lmu_hw.measure.synthesis.pin_harness import TOP, harness, ports_of
from lmu_hw.models.network import Activation
from lmu_hw.rtl.inventory import inventory
from lmu_hw.verify.load_build import load_program, plan_of

DESIGNS: dict[str, Callable[[Path], Path]] = {
    "d=4 bits=8": lambda f: memory(f, d=4, bits=8),
    "d=6 bits=12 dense": lambda f: memory(f, d=6, bits=12, realization="dense"),
    "d=16 bits=16": lambda f: memory(f, d=16),
    "d=16 dense lanes=4": lambda f: memory(f, 4, d=16, realization="dense"),
    "d=32 bits=12 state": lambda f: memory(f, d=32, bits=12, output="state"),
    "d=64 state": lambda f: memory(f, d=64, output="state"),
    "d=24 bits=10 lanes=8": lambda f: memory(f, 8, d=24, bits=10),
    "d=32 lanes=2": lambda f: memory(f, 2, d=32),
    "d=12 channels=3 lanes=2": lambda f: memory(f, 2, d=12, channels=3),
    "d=32 n=16": lambda f: network(f, order=32, hidden=16, theta=100),
    "d=16 n=24 sigmoid lanes=4": lambda f: network(
        f, order=16, hidden=24, theta=60, lanes=4, activation=Activation.SIGMOID
    ),
    "d=24 n=16 classes=10 lanes=8": lambda f: network(
        f, order=24, hidden=16, theta=80, lanes=8, classes=10
    ),
    "d=20 n=10 relu 4-bit lanes=3": lambda f: network(
        f, order=20, hidden=10, theta=80, lanes=3, weight_bits=4, activation=Activation.RELU
    ),
}
FITTED_ON = ("ice40-up5k", "ice40-hx8k", "ecp5-25k", "gowin-gw1n9", "xc7")
"""A target of each family; iCE40 has two, for the one has multipliers and the other has none."""
FILE = Path(__file__).parent.parent / "lmu_hw" / "synthesis" / "coefficients.py"


USED = {
    "luts": set(FEATURES) - {"registers", "reads"},
    "ffs": {"registers", "memory in registers", "reads", "one"},
}
"""What LUTs and flip-flops can depend on."""


def netlist_of(build_dir: Path, target: Device) -> DeviceNetlist:
    """Return what Yosys makes of a folder, after the checks of `lmu-hw synth`."""
    program = load_program(build_dir)
    parts = inventory(program, plan_of(build_dir, program))
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for path in (build_dir / "rtl").glob(f"{program.name}*"):
            (work / path.name).write_bytes(path.read_bytes())
        verilog = (work / f"{program.name}.v").read_text()
        (work / f"{TOP}.v").write_text(harness(ports_of(verilog, program.name), program.name))
        netlist = synthesize(target, program.name, work)
    Expected(target, parts).check(netlist, [])
    return netlist


def fit(
    rows: list[tuple[float, ...]], wanted: list[int], used: set[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients, none negative, and the relative error at each row [%]."""
    A, y = np.array(rows), np.array(wanted, float)
    A = A * [name in used for name in FEATURES]
    coefficients, _ = nnls(A / y[:, None], np.ones(len(y)))
    coefficients = np.round(coefficients, 4)
    return coefficients, 100 * (A @ coefficients / y - 1)


def text_of(measured: dict[str, list[tuple[tuple[float, ...], dict[str, int]]]]) -> str:
    """Return the module of coefficients."""
    lines = [
        '"""Written by benchmarks/synthesis_fit.py; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "# in the order of `lmu_hw.measure.synthesis.estimate.FEATURES`",
        "COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {",
    ]
    for family, found in measured.items():
        lines.append(f'    "{family}": {{')
        for what, used in USED.items():
            coefficients, errors = fit([f for f, _ in found], [n[what] for _, n in found], used)
            spread = f"errors {errors.min():+.0f} to {errors.max():+.0f} %"
            lines += [
                f"        # {spread}, {np.abs(errors).mean():.0f} % in the mean of {len(found)}",
                f'        "{what}": (',
                *(f"            {float(c)!r}," for c in coefficients),
                "        ),",
            ]
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


def main() -> None:
    """Measure, fit, and write the coefficients."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--print", action="store_true", help="leave the file as it is")
    options.add_argument("--resume", type=Path, help="file of what was measured")
    args = options.parse_args()
    counts: dict[str, dict[str, int]] = {}
    if args.resume is not None and args.resume.exists():
        counts = json.loads(args.resume.read_text())
    measured: dict[str, list[tuple[tuple[float, ...], dict[str, int]]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for number, (name, make) in enumerate(DESIGNS.items()):
            build_dir = make(Path(temporary) / f"design_{number}")
            program = load_program(build_dir)
            parts = inventory(program, plan_of(build_dir, program))
            for target in map(TARGETS.__getitem__, FITTED_ON):
                key = f"{name} on {target.name}"
                if key not in counts:
                    netlist = netlist_of(build_dir, target)
                    counts[key] = {"luts": netlist.luts, "ffs": netlist.ffs}
                    if args.resume is not None:
                        args.resume.write_text(json.dumps(counts))
                print(f"{key:50} {counts[key]}", file=sys.stderr, flush=True)
                row = (features(target, parts), counts[key])
                measured.setdefault(target.family.name, []).append(row)
    text = text_of(measured)
    if args.print:
        sys.stdout.write(text)
    else:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
