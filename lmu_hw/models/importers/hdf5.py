"""HDF5 files of weights, read with limits: no links out of the file, no size believed."""

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
"""Most chunks of an array: each takes its own time, even where the file holds none of them."""
MAX_NODES = 10_000
"""Most groups and datasets in a file."""
MAX_DEPTH = 32
"""Deepest group."""
CONFIG = "model_config"
TEXTS = ("keras_version", CONFIG)
"""Attributes of the root that are read."""
MAX_TEXT = 1 << 24
"""Longest text attribute [bytes]."""
MAX_TEXTS = 1 << 17
"""Most texts of variable length in a file."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Hdf5File:
    """What a file holds.

    Attributes
    ----------
    arrays : dict of str to float64 array
        By path, such as ``layers/dense/vars/0``, in the file's order.
    texts : dict of str to str
        Text attributes of the root, of `TEXTS`.
    """

    arrays: dict[str, Array]
    texts: dict[str, str]


def read_hdf5(source: Path | IO[bytes], what: str) -> Hdf5File:
    """Read every numeric array of an HDF5 file.

    Parameters
    ----------
    source : Path or binary file
    what : str
        Its name in messages.

    Raises
    ------
    ModelFileError
        If it is no HDF5 file, is damaged, or holds more than any model does.
    ToolError
        If h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise ToolError(f"{what} is HDF5: install h5py to read it (pip install h5py)") from error
    if isinstance(source, Path) and not source.is_file():
        raise ModelFileError(f"{source} does not exist or is no file; give a model file")
    try:
        _check_heaps(source)
        with h5py.File(source, "r") as file:
            reader = _Hdf5Reader(h5py, what)
            reader.walk(file, "", 0)
            return Hdf5File(arrays=reader.arrays, texts=reader.texts(file))
    except ModelFileError:
        raise
    except PermissionError as error:
        raise read_error(Path(what), error) from error
    # a damaged file can fail in any of h5py's ways
    except Exception as error:
        raise ModelFileError(f"{what} is no HDF5 file, or damaged: {reason_of(error)}") from error


def _check_heaps(source: Path | IO[bytes]) -> None:
    """Raise `ValueError` for a heap of texts in which libhdf5 would walk in place for ever.

    A collection is GCOL, version 1 and its size; objects follow, each an index, its size at byte 8
    and, but for the free space of index 0, its content in whole words of 8 bytes.
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
    def __init__(self, h5py: Any, what: str) -> None:
        self._h5py, self._what = h5py, what
        self._nodes = self._bytes = 0
        self.arrays: dict[str, Array] = {}

    def walk(self, group: Any, path: str, depth: int) -> None:
        """Read a group and everything below it."""
        for name in group:
            self._nodes += 1
            if self._nodes > MAX_NODES or depth > MAX_DEPTH:
                raise ModelFileError(f"{self._what} holds more groups than a model; not read")
            if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
                continue
            node = group[name]
            if isinstance(node, self._h5py.Group):
                self.walk(node, f"{path}{name}/", depth + 1)
            elif isinstance(node, self._h5py.Dataset) and node.dtype.kind in "fiu":
                self.arrays[path + name] = self._read(node, path + name)

    def _read(self, node: Any, path: str) -> Array:
        if node.is_virtual or node.external:
            raise ModelFileError(f"{self._what}: {path} lies in another file; not read")
        self._bytes += 8 * int(np.prod(node.shape, dtype=object))
        # a chunk is unpacked whole, whatever part of it the array uses
        chunk = node.dtype.itemsize * int(np.prod(node.chunks or (0,), dtype=object))
        if max(self._bytes, chunk) > MAX_BYTES:
            raise ModelFileError(f"{self._what} holds more than {MAX_BYTES >> 20} MiB of weights")
        chunks = (-(-n // part) for n, part in zip(node.shape, node.chunks or (), strict=False))
        if math.prod(chunks) > MAX_CHUNKS:
            raise ModelFileError(f"{self._what}: {path} lies in more chunks than a model; not read")
        # damaged float types may hold what float64 cannot; the network refuses it by name
        with np.errstate(all="ignore"):
            return np.asarray(node[()], dtype=np.float64)

    def texts(self, file: Any) -> dict[str, str]:
        """Return the text attributes of the root."""
        found = {}
        for name in TEXTS:
            # a damaged attribute may claim any size: ask before it is read
            if name not in file.attrs:
                continue
            stored = file.attrs.get_id(name)
            small = stored.shape == () and stored.get_storage_size() <= MAX_TEXT
            value = file.attrs[name] if small else None
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if isinstance(text, str):
                found[name] = text
            elif name == CONFIG:
                # arrays say less than it does: they are no stand-in for one that is there
                raise ModelFileError(
                    f"{self._what}: {name} must be a text of at most {MAX_TEXT >> 20} MiB; "
                    "save the model again"
                )
        return found
