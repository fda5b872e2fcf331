"""Fits what `lmu-hw synth` estimates of LUTs and flip-flops: lmu_hw/synthesis/coefficients.py.

    python benchmarks/synthesis_fit.py [--print]

Yosys synthesizes every design below for every family; the coefficients are those, none negative,
that make the sum of squared relative errors smallest. Half an hour, for it takes the tool and not
the clock. Run it again when the RTL or Yosys changes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import nnls
from synthesis_designs import memory, network

from lmu_hw.executors.icarus import plan_of
from lmu_hw.network import Activation
from lmu_hw.rtl.inventory import inventory
from lmu_hw.synthesis.estimate import FEATURES, features
from lmu_hw.synthesis.expected import Expected
from lmu_hw.synthesis.targets import TARGETS
from lmu_hw.synthesis.yosys import synthesize
from lmu_hw.verify import load_program

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


def measure(folder: Path, target_name: str) -> tuple[tuple[float, ...], int, int]:
    """Return the features of a design, and the LUTs and flip-flops that Yosys needs for it."""
    target = TARGETS[target_name]
    program = load_program(folder)
    parts = inventory(program, plan_of(folder, program))
    from lmu_hw.synthesis.harness import TOP, harness, ports_of

    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for path in (folder / "rtl").glob(f"{program.name}*"):
            (work / path.name).write_bytes(path.read_bytes())
        verilog = (work / f"{program.name}.v").read_text()
        (work / f"{TOP}.v").write_text(harness(ports_of(verilog, program.name), program.name))
        netlist = synthesize(target, program.name, work)
    Expected(target, parts).check(netlist, [])
    return features(target, parts), netlist.luts, netlist.ffs


def fit(rows: list[tuple[float, ...]], wanted: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients, none negative, and the relative error at each row [%]."""
    A, y = np.array(rows), np.array(wanted, float)
    coefficients, _ = nnls(A / y[:, None], np.ones(len(y)))
    coefficients = np.round(coefficients, 4)
    return coefficients, 100 * (A @ coefficients / y - 1)


def main() -> None:
    """Measure, fit, and write the coefficients."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--print", action="store_true", help="leave the file as it is")
    args = options.parse_args()
    measured: dict[str, list[tuple[tuple[float, ...], int, int]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for number, (name, make) in enumerate(DESIGNS.items()):
            folder = make(Path(temporary) / f"design_{number}")
            for target in FITTED_ON:
                row = measure(folder, target)
                measured.setdefault(TARGETS[target].family.name, []).append(row)
                print(f"{name:30} {target:12} {row[1]:6} LUTs {row[2]:6} FFs", row[0], flush=True)
    lines = [
        '"""Written by benchmarks/synthesis_fit.py; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        f"# {', '.join(FEATURES)}",
        "COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {",
    ]
    for family, found in measured.items():
        lines.append(f'    "{family}": {{')
        for position, what in ((1, "luts"), (2, "ffs")):
            coefficients, errors = fit([r[0] for r in found], [r[position] for r in found])
            spread = f"errors {errors.min():+.0f} to {errors.max():+.0f} %"
            shown = ", ".join(f"{c:.4g}" if c % 1 else f"{c:.1f}" for c in coefficients)
            lines += [
                f"        # {spread}, {np.abs(errors).mean():.0f} % in the mean of {len(found)}",
                f'        "{what}": ({shown}),',
            ]
        lines.append("    },")
    text = "\n".join([*lines, "}", ""])
    sys.stdout.write(text)
    if not args.print:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
