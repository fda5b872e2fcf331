"""Reads and writes WAV files through SciPy, with the word width, which SciPy does not return."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .._support.array_types import AnyArray
from ..errors import EmitError, ModelFileError, reason_of


def read_wav(path: Path) -> tuple[AnyArray, int, float]:
    """Read a recording.

    Parameters
    ----------
    path : Path

    Returns
    -------
    samples : int64 or floating array, shape (n_steps, n_channels)
        Signed words of the file, or floating-point numbers.
    bits : int
        Width of the words; 0 for floating-point numbers.
    sample_rate : float
        Samples per second.

    Raises
    ------
    ModelFileError
        If the file is empty, damaged, cut short or compressed.
    OSError
        If the file cannot be read.
    """
    from scipy.io import wavfile

    if not path.stat().st_size:
        raise ModelFileError(f"{path} is empty; give a recording")
    try:
        container = _container_bits(path)
        with warnings.catch_warnings():
            # Unknown chunks are harmless; a file that is cut short is not.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            warnings.filterwarnings("error", "Reached EOF", wavfile.WavFileWarning)
            rate, data = wavfile.read(path)
    except (ArithmeticError, LookupError, MemoryError, NameError, TypeError) as error:
        # A damaged header raises any of these inside SciPy.
        raise ModelFileError(f"{path} is a damaged WAV file; write it again as PCM") from error
    except (EOFError, ValueError, struct.error, wavfile.WavFileWarning) as error:
        raise ModelFileError(
            f"{path} is not a complete WAV file ({reason_of(error)}); write it again as PCM"
        ) from error
    data = data[:, None] if data.ndim == 1 else data
    if data.dtype.kind not in "iu":
        return data, 0, float(rate)
    if data.dtype == np.uint8:
        return data.astype(np.int64) - 128, 8, float(rate)
    # SciPy left-justifies 24-bit words in 32 bits.
    words = data.astype(np.int64) >> (8 * data.dtype.itemsize - container)
    return words, container, float(rate)


def _container_bits(path: Path) -> int:
    """Return the bits that a sample takes in the file, from its fmt chunk.

    SciPy allocates memory for as many samples as the header claims: a header that claims more than
    the file holds is refused here.
    """
    length, bits = path.stat().st_size, 0
    with path.open("rb") as file:
        order = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}.get(file.read(12)[:4])
        while order and (head := file.read(8)):
            name, size = struct.unpack(f"{order}4sI", head)
            end = file.tell() + size
            if name == b"fmt ":
                _, channels, _, _, block = struct.unpack(f"{order}HHIIH", file.read(14))
                bits = int(8 * block // channels)
            if name == b"data" and end > length:
                raise ValueError(f"it claims {size} bytes of samples, but has {length} bytes")
            file.seek(end + size % 2)
    return bits


def wav_rate(path: Path, sample_rate: float | None) -> int:
    """Return the sample rate of a WAV file, checked.

    Raises
    ------
    EmitError
        If it is None or no whole number.
    """
    if sample_rate is None or not 0 < sample_rate < 2**32 or sample_rate != int(sample_rate):
        given = "and the input has none" if sample_rate is None else f"not {sample_rate}"
        raise EmitError(f"{path} needs a whole sample rate, {given}; write .npy or .csv instead")
    return int(sample_rate)


def wav_samples(path: Path, samples: AnyArray, width: int | None) -> AnyArray:
    """Return samples in the narrowest type of a WAV file that holds them.

    Parameters
    ----------
    path : Path
    samples : int or float array, shape (n_steps, n_channels)
    width : int or None
        Width of the words [bits]. None: that of the widest word.

    Raises
    ------
    EmitError
        If the words are wider than 32 bits.
    """
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    low, high = (int(samples.min()), int(samples.max())) if samples.size else (0, 0)
    bits = width or 1 + max(high, -low - 1, 0).bit_length()
    if bits > 32:
        raise EmitError(f"{path} holds words of at most 32 bits, not {bits}; write .npy or .csv")
    if bits > 8:
        return samples.astype(np.int16 if bits <= 16 else np.int32)
    # WAV stores 8-bit samples as unsigned.
    return (samples + 128).astype(np.uint8)


def write_wav(file: BinaryIO, rate: int, samples: AnyArray) -> None:
    """Write a sample rate from `wav_rate` and samples from `wav_samples`."""
    from scipy.io import wavfile

    wavfile.write(file, rate, samples)
