"""A saved state as bytes, the same for every backend and processor. This text is normative.

All numbers are little-endian::

    bytes     content
    0 .. 3    length of the whole [bytes], this header and the CRC included
    4 .. 7    version of this format: 1
    8 .. 15   first eight bytes of the program's digest
    16 ..     words of the state vectors, in the order of the program; each in two's complement in
              the fewest bytes that hold its format
    last 4    CRC-32 (IEEE 802.3, as in zlib and PNG) of all the bytes before

A reader refuses bytes of another length, version, CRC or digest, and words out of range.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..errors import ModelFileError, RangeError, SpecError
from .integer_program import Program, Role, Vector

FORMAT_VERSION = 1
HEADER_BYTES, CRC_BYTES = 16, 4

Bytes = npt.NDArray[np.uint8]


def word_bytes(v: Vector) -> int:
    """Return the bytes of one word of a vector in a saved state."""
    return -(-v.fmt.width // 8)


def n_bytes(program: Program) -> int:
    """Return the length of a saved state [bytes]."""
    words = sum(v.length * word_bytes(v) for v in program.with_role(Role.STATE))
    return HEADER_BYTES + words + CRC_BYTES


def header(program: Program) -> bytes:
    """Return the bytes that every saved state of a program starts with."""
    numbers = np.array([n_bytes(program), FORMAT_VERSION], dtype="<u4").tobytes()
    return numbers + bytes.fromhex(program.digest)[:8]


def to_bytes(program: Program, states: Words) -> Bytes:
    """Return states as bytes.

    Parameters
    ----------
    program : Program
    states : int array, shape (n, n_state)
        Words of the state vectors, concatenated.

    Returns
    -------
    uint8 array, shape (n, n_bytes)

    Raises
    ------
    SpecError
        If the shape is wrong.
    RangeError
        If a word does not fit its format.
    """
    n_state = program.n_words(Role.STATE)
    if states.ndim != 2 or states.shape[1] != n_state:
        raise SpecError(f"states must have shape (n, {n_state}), not {states.shape}")
    saved = np.empty((len(states), n_bytes(program)), dtype=np.uint8)
    saved[:, :HEADER_BYTES] = np.frombuffer(header(program), dtype=np.uint8)
    at, start = HEADER_BYTES, 0
    for v in program.with_role(Role.STATE):
        words = np.ascontiguousarray(states[:, start : start + v.length], dtype="<i8")
        if words.size:
            v.fmt.check(words, v.name)
        size = v.length * word_bytes(v)
        parts = words.view(np.uint8).reshape(len(states), v.length, 8)[:, :, : word_bytes(v)]
        saved[:, at : at + size] = parts.reshape(len(states), size)
        at, start = at + size, start + v.length
    for row in saved:
        row[at:] = np.frombuffer(_crc(row[:at]), dtype=np.uint8)
    return saved


def from_bytes(program: Program, saved: Bytes) -> Words:
    """Return the states in bytes.

    Parameters
    ----------
    program : Program
    saved : uint8 array, shape (n, n_bytes)

    Returns
    -------
    int64 array, shape (n, n_state)

    Raises
    ------
    ModelFileError
        If the bytes are damaged, of another version, or the state of another program.
    """
    if saved.ndim != 2 or saved.shape[1] != n_bytes(program):
        raise ModelFileError(
            f"a saved state must have {n_bytes(program)} bytes, not {saved.shape[-1]}"
        )
    for row in saved:
        _check(program, row)
    states = np.empty((len(saved), program.n_words(Role.STATE)), dtype=np.int64)
    at, start = HEADER_BYTES, 0
    for v in program.with_role(Role.STATE):
        size, length = v.length * word_bytes(v), word_bytes(v)
        parts = saved[:, at : at + size].reshape(len(saved), v.length, length)
        whole = np.zeros((len(saved), v.length, 8), dtype=np.uint8)
        whole[:, :, :length] = parts
        if v.fmt.signed:
            whole[:, :, length:] = np.where(parts[:, :, -1:] & 0x80, 0xFF, 0)
        words = whole.view("<i8")[:, :, 0]
        try:
            if words.size:
                v.fmt.check(words, v.name)
        except RangeError as error:
            raise ModelFileError(f"a saved state holds a word out of range: {error}") from error
        states[:, start : start + v.length] = words
        at, start = at + size, start + v.length
    return states


def _check(program: Program, row: Bytes) -> None:
    """Raise `ModelFileError` unless a row is a whole saved state of the program."""
    expected = header(program)
    if row[:4].tobytes() != expected[:4]:
        raise ModelFileError(f"a saved state must state its length of {len(row)} bytes")
    if row[4:8].tobytes() != expected[4:8]:
        version = int.from_bytes(row[4:8].tobytes(), "little")
        raise ModelFileError(
            f"a saved state must have format version {FORMAT_VERSION}, not {version}"
        )
    if row[-CRC_BYTES:].tobytes() != _crc(row[:-CRC_BYTES]):
        raise ModelFileError("a saved state must have the CRC of its bytes: it is damaged")
    if row[8:HEADER_BYTES].tobytes() != expected[8:]:
        raise ModelFileError("a saved state must be of this program, not of another one")


def _crc(row: Bytes) -> bytes:
    return zlib.crc32(row.tobytes()).to_bytes(CRC_BYTES, "little")
