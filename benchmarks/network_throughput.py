"""Feed-forward networks whose layers work beside their memory: writes
docs/results/network_throughput.md.

    PYTHONPATH=. python benchmarks/network_throughput.py [--out DIR] [--write]

Generates each design, plays it in cxxrtl against the interpreter, and synthesizes, places and
routes it. The psMNIST network takes an hour. Finished rows are kept in DIR.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from results_file import Results, arguments

import lmu_hw as lh
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.flow import synth
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
)
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.networks.network_plan import NetworkPlan
from lmu_hw.verify.backends import bench, cxxrtl
from lmu_hw.verify.backends.compiled_model import Steps

PAGE = Path(__file__).parent.parent / "docs" / "results" / "network_throughput.md"
HEAD = """\
# Networks beside their memory

Feed-forward networks with `--parallel ring`: the layers work on the states of earlier steps while
the memory takes further input words. [How to](../howto/a_step_a_cycle.md) says how. Random weights
of 8 bits, activations of 16; cycles do not depend on them.

"""
COLUMNS = (
    *("network", "hardware", "device", "cycles a step", "latency [cycles]", "LUTs", "flip-flops"),
    *("multipliers", "block RAMs", "clock [MHz]", "samples/s", "latency [us]"),
)
TAIL = """
- **psMNIST**: d = 468, theta = 784, 346 hidden units, 10 classes, {layers:,} multiplies of the
  layers for a digit. An output is due at the last of the 784 pixels of a digit; the lanes need
  {apart:,} cycles for it, the memory {digit:,} for the pixels of the next digit. So no pixel waits.
- **d = 16, n = 16**: theta = 32, one output, at every sample.

All {words} output words simulated are equal to the interpreter's, the cycles of each step exact;
the latency follows from the formula that the testbenches of small networks assert.
`lmu-hw synth`, seed 1. Repeat with `python benchmarks/network_throughput.py --write`.
"""


@dataclass(frozen=True, kw_only=True)
class NetworkDesign:
    """A network, its hardware and the device on which it is measured.

    Parameters
    ----------
    order, hidden, outputs, theta : int
    every_step : bool
        Has an output at every step; else at the last one of ``theta`` steps, a class.
    hardware : Hardware
    options : str
        The same as options of the command line.
    target : str
    """

    order: int
    hidden: int
    outputs: int
    theta: int
    every_step: bool
    hardware: lh.Hardware
    options: str
    target: str

    def design(self) -> lh.Design:
        """Return the network with random weights."""
        rng = np.random.default_rng(2)
        first = rng.standard_normal((self.hidden, self.order)) / self.order**0.5
        last = rng.standard_normal((self.outputs, self.hidden)) / self.hidden**0.5
        end = Activation.LINEAR if self.every_step else Activation.SOFTMAX
        layers = (
            LMULayer(memory=LinearMemory(order=self.order, theta=self.theta), n_in=1),
            DenseLayer(W=first, b=np.zeros(self.hidden), activation=Activation.RELU),
            DenseLayer(W=last, b=np.zeros(self.outputs), activation=end),
        )
        net = FloatNetwork(
            names=("memory", "hidden", "score"), layers=layers, every_step=self.every_step
        )
        low = -1.0 if self.every_step else 0.0
        x = np.random.default_rng(1).uniform(low, 1.0, (16, self.theta, 1))
        return lh.compile(net, widths={"weight_bits": 8}, calibration=x)


SMALL = NetworkDesign(
    order=16,
    hidden=16,
    outputs=1,
    theta=32,
    every_step=True,
    hardware=lh.Hardware(parallel="ring", layers="adders"),
    options="ring, K = 6, graphs of adders",
    target="ecp5-25k",
)
DESIGNS = {
    "d = 16, n = 16, adders": SMALL,
    "d = 16, n = 16, multipliers": replace(
        SMALL,
        hardware=lh.Hardware(parallel="ring"),
        options="ring, K = 6, shared multipliers",
        target="ecp5-85k",
    ),
    "psMNIST": NetworkDesign(
        order=468,
        hidden=346,
        outputs=10,
        theta=784,
        every_step=False,
        hardware=lh.Hardware(parallel="ring", lanes=22),
        options="ring, K = 6, 22 lanes",
        target="ecp5-85k",
    ),
}


def measured(found: NetworkDesign) -> dict[str, Any]:
    """Return the figures of a design."""
    design = found.design()
    plan = design.schedule(found.hardware)
    assert isinstance(plan, NetworkPlan)
    with tempfile.TemporaryDirectory() as place:
        build_dir = Path(place) / "design"
        design.write(build_dir, found.hardware)
        words = played(design, plan, found, build_dir)
        report = synth(build_dir, (TARGETS[found.target],), quiet=True)
        shutil.rmtree(build_dir)
    (device,) = report.targets
    assert device.routed is not None
    return {
        "digest": design.program.digest,
        "cycles": plan.cycles_per_step,
        "apart": plan.cycles_per_output,
        "latency": plan.latency,
        "layer_multiplies": plan.split.layers.multiplies_per_step,
        "words": words,
        "luts": device.luts.used,
        "ffs": device.ffs.used,
        "multipliers": f"{device.dsps.used} of {device.dsps.available}",
        "block_rams": f"{device.block_rams.used} of {device.block_rams.available}",
        "mhz": device.routed.fmax_mhz,
        "rate": device.routed.steps_per_second,
    }


def played(design: lh.Design, plan: NetworkPlan, found: NetworkDesign, build_dir: Path) -> int:
    """Return how many words of two sequences equal those of the interpreter."""
    rng, n = np.random.default_rng(0), 2 * found.theta
    u = rng.integers(0 if not found.every_step else -(1 << 15), 1 << 15, (n, 1))
    due = np.arange(1, n + 1) % (1 if found.every_step else found.theta) == 0
    given = None if found.every_step else due
    outputs = Interpreter(design.program).run(u[:, None, :], due=given)[:, 0]
    with cxxrtl.build(build_dir, design.program) as library:
        steps = Steps(inputs=u, due=due, outputs=outputs)
        result = bench.run(library, design.program, plan, [steps], 1)
    assert result.mismatches == 0
    assert result.first is None
    return result.words


def page(rows: dict[str, dict[str, Any]]) -> str:
    """Return the page."""
    lines = [HEAD, f"| {' | '.join(COLUMNS)} |\n", "|---" * len(COLUMNS) + "|\n"]
    for name, row in rows.items():
        found, mhz = DESIGNS[name], row["mhz"]
        cells = (
            name,
            found.options,
            found.target,
            f"{row['cycles']}",
            f"{row['latency']:,}",
            f"{row['luts']:,}",
            f"{row['ffs']:,}",
            row["multipliers"],
            row["block_rams"],
            f"{mhz:.1f}",
            f"{row['rate']:,.0f}",
            f"{row['latency'] / mhz:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    digit = rows["psMNIST"]
    words = sum(row["words"] for row in rows.values())
    tail = TAIL.format(
        layers=digit["layer_multiplies"],
        apart=digit["apart"],
        digit=DESIGNS["psMNIST"].theta * digit["cycles"],
        words=words,
    )
    return "".join([*lines, tail])


def main() -> None:
    """Measure all designs."""
    parser = arguments(__doc__, "network_throughput")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--only", help="one design")
    args = parser.parse_args()
    results = Results(args.out / "rows.json")
    for name, found in DESIGNS.items():
        if args.only in (None, name):
            results.add(name, _measuring(found))
    if args.write:
        PAGE.write_text(page(results.rows), encoding="utf-8")
    else:
        print(json.dumps(results.rows, indent=1))


def _measuring(found: NetworkDesign) -> Callable[[], dict[str, Any]]:
    return lambda: measured(found)


if __name__ == "__main__":
    main()
