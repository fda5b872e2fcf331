"""`live_server`: from a build directory and a recording to a server of its live page."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from .._support.validation import check_positive
from ..api.compilation import compile as compile_design
from ..api.sources import Memory, load_model
from ..measure.csv_text import Column
from ..measure.simulate import check_full_scale
from .live_design import LiveDesign, open_design
from .live_input import made_input, read_input
from .live_page import live_page
from .live_server import LiveServer
from .live_stream import LiveStream

ORDER, THETA, BITS = 16, 128, 12
"""The memory of a demo without a build directory: few enough bits that errors are to be seen."""


def live_server(
    path: Path | None,
    source: Path | None = None,
    *,
    model: Path | None = None,
    rate: float | None = None,
    full_scale: float = 1.0,
    columns: Sequence[Column] | None = None,
    port: int = 0,
) -> LiveServer:
    """Return a server of the live page, which listens and does not yet serve.

    Parameters
    ----------
    path : Path or None
        Build directory; None: a small memory is generated.
    source : Path or None
        Recording, as `lmu_hw.measure.simulate.simulate` reads it; None: a signal is made.
    model : Path or None
        The trained model that a network's directory was generated from, to run beside it.
    rate : float or None
        Sample rate [samples/s] in place of that of the recording.
    full_scale : float
        For a memory: input value that becomes 1.0.
    columns : sequence of int or str, optional
        Columns of the recording to read.
    port : int
        0: any that is free.

    Raises
    ------
    SpecError
        If an option is not valid.
    ModelFileError
        If the directory, the recording or the model cannot be used.
    ToolError
        If the port cannot be used, or the C compiler fails.
    """
    rate = None if rate is None else check_positive("--rate", rate)
    network = None if model is None else load_model(model).model
    design = _small_memory() if path is None else open_design(path, network)
    scale = check_full_scale(full_scale, network=design.spec is None)
    program = design.program
    found = (
        made_input(program, design.spec, rate)
        if source is None
        else read_input(
            program,
            source,
            network=design.spec is None,
            rate=rate,
            full_scale=scale,
            columns=columns,
        )
    )
    setting = design.setting(found)
    return LiveServer(
        live_page(setting),
        lambda: LiveStream(design, found),
        n_outputs=sum(v.length for v in setting.outputs),
        n_channels=max(1, setting.channels),
        port=port,
    )


def _small_memory() -> LiveDesign:
    """Generate a small memory; what runs needs no file of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as scratch:
        path = Path(scratch) / "memory"
        compile_design(Memory(ORDER, theta=THETA), bits=BITS).write(path)
        return open_design(path)
