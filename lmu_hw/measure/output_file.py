"""Outputs of a program as files: real values or words, labels as integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from .._support.build_directory import write_file
from ..program.fixedpoint import QFormat, to_real
from ..program.integer_program import Program, Role
from .signal_files import write_signal

DATA = ".npz"
"""Suffix of data sets, in and out."""


def write_outputs(
    program: Program,
    target: Path,
    outputs: Words,
    offset: Words,
    *,
    sample_rate: float | None,
    full_scale: float | None,
) -> None:
    """Write the outputs of recordings, one after the other.

    Parameters
    ----------
    program : Program
    target : Path
        .npy, .csv or .wav with a column for each output word, or .npz; see `write_data`.
    outputs : int64 array, shape (total, n_out)
    offset : int64 array, shape (n_recordings + 1,)
        Recording i is ``outputs[offset[i]:offset[i + 1]]``.
    sample_rate : float or None
        Sample rate of a WAV file [samples/s].
    full_scale : float or None
        Write real values, scaled so that 1.0 becomes this value. None: words.

    Raises
    ------
    EmitError
        If the file cannot be written.
    """
    if target.suffix.lower() == DATA:
        write_data(program, target, outputs, offset, full_scale)
        return
    formats = [v for v in program.with_role(Role.OUTPUT) for _ in range(v.length)]
    values = outputs
    if full_scale is not None:
        # counts have no unit
        scales = [1.0 if v.name in program.counts else full_scale for v in formats]
        values = real_outputs(program, outputs) * np.array(scales)
    write_signal(
        target,
        values,
        sample_rate=sample_rate,
        width=None if full_scale is not None else max(v.fmt.width for v in formats),
        offset=offset.tolist(),
        whole=[k for k, v in enumerate(formats) if v.name in program.counts],
    )


def write_data(
    program: Program, target: Path, outputs: Words, offset: Words, full_scale: float | None
) -> None:
    """Write outputs as a .npz file with an array for each output vector, by its name.

    ``NAME`` (total, length), or (total,) for a vector of one word, holds the output rows of all
    recordings; recording i is ``NAME[offset[i]:offset[i + 1]]``. Real values are float64, labels
    and words integers. With words, ``NAME_frac_bits`` gives the format: a value is
    ``NAME * 2.0**-NAME_frac_bits``.

    Parameters
    ----------
    program : Program
    target : Path
    outputs : int64 array, shape (total, n_out)
    offset : int64 array, shape (n_recordings + 1,)
    full_scale : float or None
        Value that 1.0 becomes; None: words.

    Raises
    ------
    EmitError
        If the file cannot be written.
    """
    arrays: dict[str, Any] = {"offset": offset}
    start = 0
    for v in program.with_role(Role.OUTPUT):
        rows = outputs[:, start : start + v.length]
        start += v.length
        if full_scale is None:
            arrays[f"{v.name}_frac_bits"] = np.array(v.fmt.frac_bits)
        if full_scale is None or v.name in program.counts:
            stored = next(t for t in (np.int16, np.int32, np.int64) if _holds(t, v.fmt))
            arrays[v.name] = rows.astype(stored)
        else:
            arrays[v.name] = to_real(rows, v.fmt) * full_scale
        if v.length == 1:
            arrays[v.name] = arrays[v.name][:, 0]
    write_file(target, lambda file: np.savez(file, **arrays))


def _holds(kind: type[np.signedinteger[Any]], fmt: QFormat) -> bool:
    return bool(np.iinfo(kind).min <= fmt.min and fmt.max <= np.iinfo(kind).max)


def real_outputs(program: Program, outputs: Words) -> npt.NDArray[np.float64]:
    """Return output words, shape (..., n_out), as real values."""
    parts, start = [], 0
    for v in program.with_role(Role.OUTPUT):
        parts.append(to_real(outputs[..., start : start + v.length], v.fmt))
        start += v.length
    return np.concatenate(parts, axis=-1)
