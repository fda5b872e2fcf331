"""Read weights from HDF5 files, within limits: no external links, every stated size checked."""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..._support.array_types import Array
from ...errors import ModelFileError, ToolError, read_error, reason_of

MAX_BYTES = 1 << 28
"""Most bytes that the arrays of a file may take."""
MAX_CHUNKS = 1 << 14
"""Most chunks of an array: reading takes time for each, even for those that the file omits."""
MAX_NODES = 10_000
"""Most groups and datasets in a file."""
MAX_DEPTH = 32
"""Deepest nesting of groups."""
CONFIG = "model_config"
TEXT_ATTRIBUTES = ("keras_version", CONFIG)
"""Attributes of the root group that are read."""
MAX_TEXT = 1 << 24
"""Longest text attribute [bytes]."""
MAX_TEXTS = 1 << 17
"""Most variable-length strings in a file."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Hdf5File:
    """The content of a file.

    Attributes
    ----------
    arrays : dict of str to float64 array
        Arrays by path, such as ``layers/dense/vars/0``, in the file's order.
    texts : dict of str to str
        The `TEXT_ATTRIBUTES` that the root group has.
    """

    arrays: dict[str, Array]
    texts: dict[str, str]


def read_hdf5(source: Path | IO[bytes], file_name: str) -> Hdf5File:
    """Read every numeric array of an HDF5 file.

    Parameters
    ----------
    source : Path or binary file
    file_name : str
        Name of the file, for error messages.

    Raises
    ------
    ModelFileError
        If it is not an HDF5 file, is damaged, or exceeds a limit of this module.
    ToolError
        If h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise ToolError(
            f"{file_name} is HDF5: install h5py to read it (pip install h5py)"
        ) from error
    if isinstance(source, Path) and not source.is_file():
        raise ModelFileError(f"{source} does not exist or is not a file; give a model file")
    try:
        _check_heaps(source)
        with h5py.File(source, "r") as file:
            reader = _Hdf5Reader(h5py, file_name)
            reader.walk(file, "", 0)
            return Hdf5File(arrays=reader.arrays, texts=reader.texts(file))
    except ModelFileError:
        raise
    except PermissionError as error:
        raise read_error(Path(file_name), error) from error
    # a damaged file may raise any exception in h5py
    except Exception as error:
        raise ModelFileError(
            f"{file_name} is not an HDF5 file, or is damaged: {reason_of(error)}"
        ) from error


def _check_heaps(source: Path | IO[bytes]) -> None:
    """Raise `ValueError` for a global heap that would send libhdf5 into an endless loop.

    A heap collection is "GCOL", version 1 and its size. Objects follow: an index, the size at byte
    8, and (except for the free space, index 0) the content padded to a multiple of 8 bytes.
    """
    if isinstance(source, Path):
        with (
            source.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as all_,
        ):
            _walk_heaps(all_)
    else:
        _walk_heaps(source.read())
        source.seek(0)


def _walk_heaps(content: bytes | mmap.mmap) -> None:
    at, walked = -1, 0
    while 0 <= (at := content.find(b"GCOL\x01\0\0\0", at + 1)) <= len(content) - 16:
        (size,) = struct.unpack_from("<Q", content, at + 8)
        end, object_at = min(at + size, len(content)), at + 16
        while object_at + 16 <= end:
            index, n = struct.unpack_from("<H6xQ", content, object_at)
            walked += 1
            if (index == 0 and n == 0) or walked > MAX_TEXTS:
                raise ValueError("a heap of texts without an end")
            object_at += n if index == 0 else 16 + -(-n // 8) * 8


class _Hdf5Reader:
    def __init__(self, h5py: Any, file_name: str) -> None:
        self._h5py, self._file = h5py, file_name
        self._nodes = self._bytes = 0
        self.arrays: dict[str, Array] = {}

    def walk(self, group: Any, path: str, depth: int) -> None:
        """Read a group and everything below it."""
        for name in group:
            self._nodes += 1
            if self._nodes > MAX_NODES or depth > MAX_DEPTH:
                raise ModelFileError(f"{self._file} holds more groups than a model; not read")
            if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
                continue
            node = group[name]
            if isinstance(node, self._h5py.Group):
                self.walk(node, f"{path}{name}/", depth + 1)
            elif isinstance(node, self._h5py.Dataset) and node.dtype.kind in "fiu":
                self.arrays[path + name] = self._read(node, path + name)

    def _read(self, node: Any, path: str) -> Array:
        if node.is_virtual or node.external:
            raise ModelFileError(f"{self._file}: {path} lies in another file; not read")
        self._bytes += 8 * int(np.prod(node.shape, dtype=object))
        # a chunk is decompressed whole, even if the array uses only a part of it
        chunk = node.dtype.itemsize * int(np.prod(node.chunks or (0,), dtype=object))
        if max(self._bytes, chunk) > MAX_BYTES:
            raise ModelFileError(f"{self._file} holds more than {MAX_BYTES >> 20} MiB of weights")
        chunks = (-(-n // part) for n, part in zip(node.shape, node.chunks or (), strict=False))
        if math.prod(chunks) > MAX_CHUNKS:
            raise ModelFileError(f"{self._file}: {path} lies in more chunks than a model; not read")
        # damaged floats may overflow float64; the network rejects non-finite values by name
        with np.errstate(all="ignore"):
            return np.asarray(node[()], dtype=np.float64)

    def texts(self, file: Any) -> dict[str, str]:
        """Return the text attributes of the root group."""
        found = {}
        for name in TEXT_ATTRIBUTES:
            # a damaged attribute may state any size: check it before reading
            if name not in file.attrs:
                continue
            stored = file.attrs.get_id(name)
            small = stored.shape == () and stored.get_storage_size() <= MAX_TEXT
            value = file.attrs[name] if small else None
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if isinstance(text, str):
                found[name] = text
            elif name == CONFIG:
                # do not fall back to the arrays: they hold less than the configuration
                raise ModelFileError(
                    f"{self._file}: {name} must be a text of at most {MAX_TEXT >> 20} MiB; "
                    "save the model again"
                )
        return found
