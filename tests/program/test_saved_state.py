"""A saved state as bytes: words of all widths return, and nothing else is taken."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.errors import ModelFileError, RangeError, SpecError
from lmu_hw.program import saved_state
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from tests.factories.corners import through
from tests.factories.programs import PROGRAMS, copy, random_state, with_vectors

PROGRAM = PROGRAMS["odd_widths"]


def of_state(fmt: QFormat, length: int = 3) -> Program:
    """Return a program with one state vector of a format."""
    io = QFormat(1, 7)
    vectors = [Vector(name="u", length=length, fmt=io, role=Role.INPUT)]
    vectors.append(Vector(name="s", length=length, fmt=fmt, role=Role.STATE))
    vectors.append(Vector(name="y", length=length, fmt=io, role=Role.OUTPUT))
    return Program(title="t", vectors=tuple(vectors), ops=(copy("u", "y"),))


def sealed(body: bytes) -> np.ndarray:
    """Return bytes with a right CRC after them, as a row."""
    data = body + zlib.crc32(body).to_bytes(4, "little")
    return np.frombuffer(data, np.uint8)[None]


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("width", range(1, 64))
def test_words_of_every_width_return(width: int, signed: bool) -> None:
    fmt = QFormat(1, width - 1, signed=signed)
    program = of_state(fmt)
    rng = np.random.default_rng(width)
    states = rng.integers(fmt.min, fmt.max, (5, 3), endpoint=True)
    states[0] = fmt.min, fmt.max, 0
    saved = saved_state.to_bytes(program, states)
    size = -(-width // 8)
    assert saved.shape == (5, saved_state.n_bytes(program)) == (5, 16 + 3 * size + 4)
    np.testing.assert_array_equal(saved_state.from_bytes(program, saved), states)
    # the text of the module, byte for byte
    for row, words in zip(saved, states.tolist(), strict=True):
        body = (16 + 3 * size + 4).to_bytes(4, "little") + (1).to_bytes(4, "little")
        body += bytes.fromhex(program.digest)[:8]
        body += b"".join(w.to_bytes(size, "little", signed=signed) for w in words)
        np.testing.assert_array_equal(row[None], sealed(body))


@pytest.mark.parametrize(
    ("fmt", "word"),
    [
        (QFormat(1, 3), 8),
        (QFormat(1, 3), -9),
        (QFormat(1, 3, signed=False), 16),
        (QFormat(1, 3, signed=False), 255),
        (QFormat(1, 11), 2048),
        (QFormat(1, 46), -(1 << 46) - 1),
    ],
    ids=str,
)
def test_words_out_of_range_are_refused(fmt: QFormat, word: int) -> None:
    program = of_state(fmt, 1)
    with pytest.raises(RangeError):
        saved_state.to_bytes(program, np.array([[word]]))
    size = saved_state.word_bytes(program.with_role(Role.STATE)[0])
    bits = word & (1 << 8 * size) - 1
    row = sealed(saved_state.header(program) + bits.to_bytes(size, "little"))
    with pytest.raises(ModelFileError, match="out of range"):
        saved_state.from_bytes(program, row)


def test_every_flipped_bit_is_refused() -> None:
    states = random_state(PROGRAM, np.random.default_rng(0), 1)
    saved = saved_state.to_bytes(PROGRAM, states)
    for bit in range(8 * saved.size):
        flipped = saved.copy()
        flipped[0, bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelFileError):
            saved_state.from_bytes(PROGRAM, flipped)


def test_what_is_wrong_is_said() -> None:
    states = random_state(PROGRAM, np.random.default_rng(1), 1)
    body = saved_state.to_bytes(PROGRAM, states)[0, :-4].tobytes()
    for at, text in (
        (0, "state its length"),
        (4, "format version 1, not 0"),
        (8, "not of another one"),
    ):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(ModelFileError, match=text):
            saved_state.from_bytes(PROGRAM, sealed(changed))
    broken = sealed(body).copy()
    broken[0, -1] ^= 1
    with pytest.raises(ModelFileError, match="damaged"):
        saved_state.from_bytes(PROGRAM, broken)
    with pytest.raises(ModelFileError, match=f"{len(body) + 4} bytes, not 7"):
        saved_state.from_bytes(PROGRAM, np.zeros((1, 7), np.uint8))


def test_state_of_another_program_is_refused() -> None:
    other = replace(PROGRAM, title="another")
    states = random_state(PROGRAM, np.random.default_rng(2), 2)
    if other.digest == PROGRAM.digest:
        other = with_vectors(PROGRAM, u={"about": "another"})
    with pytest.raises(ModelFileError, match="another"):
        saved_state.from_bytes(other, saved_state.to_bytes(PROGRAM, states))


def test_one_wrong_row_of_many_is_refused() -> None:
    saved = saved_state.to_bytes(PROGRAM, random_state(PROGRAM, np.random.default_rng(3), 5))
    saved[4, 20] ^= 4
    with pytest.raises(ModelFileError, match="damaged"):
        saved_state.from_bytes(PROGRAM, saved)


def test_shapes() -> None:
    n = PROGRAM.n_words(Role.STATE)
    for shape in ((n,), (2, n + 1), (1, 1, n)):
        with pytest.raises(SpecError, match=rf"shape \(n, {n}\)"):
            saved_state.to_bytes(PROGRAM, np.zeros(shape, np.int64))
    assert saved_state.to_bytes(PROGRAM, np.zeros((0, n), np.int64)).shape[0] == 0
    none = np.zeros((0, saved_state.n_bytes(PROGRAM)), np.uint8)
    assert saved_state.from_bytes(PROGRAM, none).shape == (0, n)


@given(st.binary(max_size=40))
def test_other_bytes_are_refused(data: bytes) -> None:
    program = through()
    with pytest.raises(ModelFileError):
        saved_state.from_bytes(program, np.frombuffer(data, np.uint8)[None])


@given(st.binary(min_size=1, max_size=1))
def test_words_within_a_right_seal(data: bytes) -> None:
    """All words of 8 bits are states: the seal alone protects them."""
    program = through()
    row = sealed(saved_state.header(program) + data)
    (word,) = saved_state.from_bytes(program, row)[0].tolist()
    assert word == int.from_bytes(data, "little", signed=True)
