"""Measures the designs that the estimates are fitted to, with the real tools.

    python benchmarks/measure_estimates.py [--only NAME[,NAME]] [--boards] [--fpgas]

Keeps what benchmarks/estimate_devices.json and estimate_boards.json hold; delete a row to measure
it again. All of it takes about an hour; ``--boards`` a quarter of that.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from estimate_designs import DESIGNS, MeasuredDesign
from results_file import Results

import lmu_hw as lh
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.firmware.boards.toolchain import DoesNotFitError
from lmu_hw.measure.footprint.footprint_report import SEED, CountedSteps, measure
from lmu_hw.measure.footprint.worst_inputs import NamedInput
from lmu_hw.measure.synthesis.devices import TARGETS as DEVICES
from lmu_hw.measure.synthesis.flow import synth
from lmu_hw.program import vectors

DEVICES_FILE, BOARDS_FILE = (
    Path(__file__).parent / f"estimate_{name}.json" for name in ("devices", "boards")
)
BOARDS = ("c-m0", "c-m3", "c-m4", "c-m7", "c-rv32", "c-avr")
STEPS = 8
"""Steps of noise with an output."""
Row = dict[str, Any]


def on_device(design: MeasuredDesign, target: str) -> Row:
    """Return the figures of a design on an FPGA."""
    with tempfile.TemporaryDirectory() as directory:
        hardware = lh.Hardware(lanes=design.lanes)
        build = design.make().write(Path(directory) / "design", hardware)
        device = DEVICES[target] if design.routed else replace(DEVICES[target], placer=None)
        report = synth(build.path, (device,))
    found = report.targets[0]
    names = ("luts", "ffs", "dsps", "block_rams")
    row: Row = {name: getattr(found, name).used for name in names}
    row["cycles"] = report.cycles_per_step
    row["fmax_mhz"] = found.routed.fmax_mhz if found.routed is not None else None
    return row


def on_boards(design: MeasuredDesign) -> dict[str, Row]:
    """Return the figures of a design on every microcontroller that it fits.

    Steps of noise are enough: the longest step does not matter here.
    """
    rows = {}
    with tempfile.TemporaryDirectory() as directory:
        build = design.make().write(Path(directory) / "design")
        every = max(1, build.program.output_every)
        words = vectors.stimulus(build.program, STEPS * every, 1, SEED)[:, 0]
        due = np.arange(1, len(words) + 1) % every == 0
        steps = CountedSteps(inputs=(NamedInput(name="noise", words=words),), due=due)
        for board in BOARDS:
            try:
                found = measure(TARGETS[board], build.path / "c", build.program, steps)
            except DoesNotFitError as error:
                rows[board] = {"refused": str(error)}
                continue
            counts = found.instructions.with_output
            assert counts is not None
            rows[board] = {
                "instructions": counts.mean,
                "flash": found.flash.total,
                "code": found.flash.code,
                "tables": found.flash.tables + found.flash.data,
                "ram": found.ram.total,
                "state": found.ram.state,
                "stack": found.ram.stack,
            }
    return rows


def main() -> None:
    """Measure what the file does not hold."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", help="names of designs")
    options.add_argument("--boards", action="store_true", help="only the microcontrollers")
    options.add_argument("--fpgas", action="store_true", help="only the FPGAs")
    args = options.parse_args()
    names = args.only.split(",") if args.only else list(DESIGNS)
    devices, boards = Results(DEVICES_FILE), Results(BOARDS_FILE)
    for name in names:
        design = DESIGNS[name]
        if not args.boards:
            for target in design.fpgas:
                devices.add(f"{name} on {target}", lambda d=design, t=target: on_device(d, t))
        if design.boards and not args.fpgas:
            boards.add(name, lambda d=design: on_boards(d))


if __name__ == "__main__":
    main()
