"""Reports of six designs, written into the site when it has been built: ``reports/NAME.html``.

    PYTHONPATH=. python docs/_ext/report_gallery.py DIR [NAME ...]

writes them without the site. No tool is run but a C compiler, if there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sphinx.errors import ExtensionError

import lmu_hw as lh
from lmu_hw.api.analog_memory import analog
from lmu_hw.report.build_report import BuildReport

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = "reports"
DIGITS_SHOWN = 4
"""Digits that the psMNIST cell is run on."""


def memory(path: Path) -> BuildReport:
    """Report a memory of 64 coefficients."""
    return lh.compile(lh.Memory(64, theta=512), bits=16).write(path).report("none")


def ladder(path: Path) -> BuildReport:
    """Report a ladder, with delays for outputs."""
    design = lh.compile(
        lh.Memory(12, theta=96, discretizer="bilinear"),
        bits=16,
        realization="ladder",
        output="taps=0,0.25,0.5,0.75,1",
    )
    return design.write(path).report("none")


def digits(path: Path) -> BuildReport:
    """Report a network that reads drawn digits."""
    from drawn_digits import drawn_digits, fit_digits, rows_of

    images, labels = drawn_digits(10, seed=1)
    network = fit_digits(images, labels)
    design = lh.compile(
        network,
        widths={"weight_bits": 6, "act_bits": 10, "input_bits": 8},
        calibration=rows_of(images[:256]),
    )
    images, labels = drawn_digits(2, seed=2)
    data = lh.Dataset(sequences=tuple(rows_of(images)), labels=labels)
    return design.write(path).report("none", model=network, data=data)


def psmnist(path: Path) -> BuildReport:
    """Report the recurrent cell of the LMU paper, on drawn digits in an order of their own.

    The order of the pixels that it was trained with is not part of this repository, so there are
    no labels: integers are compared with floats.
    """
    from drawn_digits import drawn_digits

    network = lh.load_model(ROOT / "examples" / "models" / "psmnist_lmu2019.npz")
    images, _ = drawn_digits(1, seed=3)
    order = np.random.default_rng(0).permutation(images[0].size)
    sequences = images.reshape(len(images), -1, 1)[:, order]
    design = lh.compile(
        network,
        widths={"weight_bits": 8, "act_bits": 8, "input_bits": 8},
        calibration=sequences[DIGITS_SHOWN : 2 * DIGITS_SHOWN],
    )
    data = lh.Dataset(sequences=tuple(sequences[:DIGITS_SHOWN]))
    return design.write(path).report("none", model=network, data=data)


def spiking(path: Path) -> BuildReport:
    """Report a memory on integrate-and-fire neurons."""
    design = lh.compile(
        lh.Memory(6, theta=64), realization="spiking", neurons={"neurons": 384}, bits=16
    )
    return design.write(path).report("none")


def circuit(path: Path) -> BuildReport:
    """Report a memory of op-amps."""
    return analog(6, "1ms", (0.25, 0.5, 1.0)).write(path).report()


DESIGNS: dict[str, Callable[[Path], BuildReport]] = {
    "memory": memory,
    "ladder": ladder,
    "digits": digits,
    "psmnist": psmnist,
    "spiking": spiking,
    "analog": circuit,
}
"""Function that reports each design, by name of its page."""


def write_reports(folder: Path, names: Sequence[str]) -> None:
    """Write the reports of some designs."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            report = DESIGNS[name](Path(temporary) / name)
            shutil.copyfile(report.path, folder / f"{name}.html")


def write_gallery(folder: Path) -> None:
    """Write the reports of all designs, each in a process of its own."""

    def write(name: str) -> None:
        command = [sys.executable, __file__, str(folder), name]
        # this checkout, whatever is installed
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        if done.returncode:
            raise ExtensionError(f"the report {name} failed:\n{done.stderr}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, DESIGNS))


def on_finished(app: Any, error: Exception | None) -> None:
    """Write the reports beside the pages of the site."""
    if error is None and app.builder.format == "html":
        write_gallery(Path(app.outdir) / FOLDER)


def setup(app: Any) -> dict[str, Any]:
    """Connect to the end of the build."""
    app.connect("build-finished", on_finished)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    write_reports(Path(sys.argv[1]), sys.argv[2:] or list(DESIGNS))
