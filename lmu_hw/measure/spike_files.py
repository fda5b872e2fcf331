"""Files of spikes: arrays of any length written in pieces, and rasters."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .._support.array_types import AnyArray
from ..errors import EmitError, SpecError, ToolError

SPIKE_SUFFIXES = (".npz", ".png")


def check_spike_file(target: Path, others: tuple[Path, ...]) -> None:
    """Check, before the work starts, that a file of spikes can be written.

    Raises
    ------
    EmitError
        If the name or its directory will not do.
    SpecError
        If it is one of the ``others``, which are read or written too.
    ToolError
        If a picture is asked for and matplotlib is missing.
    """
    suffix = target.suffix.lower()
    if suffix not in SPIKE_SUFFIXES:
        raise EmitError(f"{target} must end in {' or '.join(SPIKE_SUFFIXES)}; choose one of them")
    if target.is_dir():
        raise EmitError(f"{target} is a directory; name a file in it")
    if not target.parent.is_dir():
        raise EmitError(
            f"cannot write {target}: there is no directory {target.parent}; make it first"
        )
    for other in others:
        if target.resolve() == other.resolve():
            raise SpecError(f"--spikes must not be {other}, the input or output: name another file")
    if suffix == ".png":
        _matplotlib()


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise ToolError(
            "a picture of spikes needs matplotlib: python -m pip install 'lmu-hw[plots]'"
        ) from error
    return matplotlib


def write_array(
    archive: zipfile.ZipFile, name: str, kind: np.dtype[Any], n: int, parts: Iterable[AnyArray]
) -> None:
    """Write an array of one dimension to a .npz file in pieces."""
    header = {"descr": kind.str, "fortran_order": False, "shape": (n,)}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(part.tobytes())


def draw_raster(file: BinaryIO, share: AnyArray, n_steps: int, shape: tuple[int, ...]) -> None:
    """Draw a raster: darker where more neurons fire; a line between states."""
    matplotlib = _matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_neurons = int(np.prod(shape))
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = Figure(figsize=(9.0, 5.0), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        image = axes.imshow(
            share,
            cmap="Greys",
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            extent=(-0.5, n_steps - 0.5, -0.5, n_neurons - 0.5),
            vmin=0.0,
            vmax=max(float(share.max()), 1e-9),
        )
        for line in np.arange(1, shape[0] * shape[1]) * shape[2] * shape[3]:
            axes.axhline(line - 0.5, color="tab:blue", linewidth=0.4)
        axes.set(xlabel="time [steps]", ylabel="address of the neuron")
        figure.colorbar(image, label="share of neurons and steps that fire")
        figure.savefig(file, format="png", metadata={"Software": None})
