"""Saved states of the C: the bytes of `lmu_hw.program.saved_state`, and no others are loaded."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError
from lmu_hw.program import saved_state
from lmu_hw.program.integer_program import Program, Role
from tests.contract.c_code import compiled
from tests.factories.builds import write_c
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, random_state, with_vectors
from tests.factories.spiking_programs import SPIKING
from tests.firmware.compilers import COMPILERS
from tests.tools import needs, succeed

pytestmark = pytest.mark.cc
tools = needs("gcc|clang")

DESIGNS = {
    "mixed": PROGRAMS["mixed"],
    "wide": PROGRAMS["wide"],
    "dense_channels": PROGRAMS["dense_channels"],
    "lmu_every_3": NETWORKS["lmu_every_3"],
    "gates": NETWORKS["gates"],
    "membranes": SPIKING["integrate_mixed"],
    "generators": SPIKING["poisson_pair"],
}
OK, NULL, LENGTH, VERSION, CRC, DIGEST, RANGE = 0, -1, -2, -3, -4, -5, -6
TEXTS = {
    LENGTH: "length|bytes, not",
    VERSION: "format version",
    CRC: "damaged",
    DIGEST: "not of another one",
    RANGE: "out of range",
}
"""What Python says where C returns the error."""


@dataclass(frozen=True)
class Instance:
    """An instance in C."""

    program: Program
    library: ctypes.CDLL
    memory: np.ndarray

    def load(self, saved: bytes, n_bytes: int | None = None) -> int:
        """Return the status of `lmu_load`."""
        data = ctypes.create_string_buffer(saved, max(1, len(saved)))
        size = ctypes.c_size_t(len(saved) if n_bytes is None else n_bytes)
        return int(self.library.lmu_load(_at(self.memory), data, size))

    def save(self) -> bytes:
        """Return the bytes of `lmu_save`."""
        n = saved_state.n_bytes(self.program)
        data = ctypes.create_string_buffer(n)
        assert self.library.lmu_save(_at(self.memory), data, ctypes.c_size_t(n)) == OK
        return data.raw

    def agrees(self, saved: bytes) -> int:
        """Return the status of `lmu_load`, after checking that Python says the same."""
        before, status = self.memory.copy(), self.load(saved)
        row = np.frombuffer(saved, np.uint8)[None]
        if status == OK:
            words = saved_state.from_bytes(self.program, row)
            assert saved_state.to_bytes(self.program, words).tobytes() == saved == self.save()
            return status
        np.testing.assert_array_equal(self.memory, before)
        with pytest.raises(ModelFileError, match=TEXTS[status]):
            saved_state.from_bytes(self.program, row)
        return status


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@pytest.fixture(scope="module", params=DESIGNS)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return an instance of each design, its state not zero."""
    program = DESIGNS[request.param]
    library = compiled(program, tmp_path_factory.mktemp("c"))
    library.lmu_load.restype = library.lmu_save.restype = ctypes.c_int
    size = int((ctypes.c_size_t * 6).in_dll(library, "bulk_layout")[0])
    made = Instance(program, library, np.zeros(-(-size // 8), np.int64))
    assert made.load(some_state(program)) == OK
    return made


def some_state(program: Program, seed: int = 0) -> bytes:
    states = random_state(program, np.random.default_rng(seed), 1)
    return saved_state.to_bytes(program, states).tobytes()


def sealed(body: bytes) -> bytes:
    """Return bytes with a right CRC after them."""
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_bytes_of_c_are_those_of_python(instance: Instance) -> None:
    for seed in range(20):
        assert instance.agrees(some_state(instance.program, seed)) == OK


def test_every_flipped_bit_is_refused(instance: Instance) -> None:
    saved = some_state(instance.program)
    found = []
    for bit in range(8 * len(saved)):
        flipped = bytearray(saved)
        flipped[bit // 8] ^= 1 << bit % 8
        found.append(instance.agrees(bytes(flipped)))
    assert len(found) == 8 * saved_state.n_bytes(instance.program)
    assert set(found[:32]) == {LENGTH}
    assert set(found[32:64]) == {VERSION}
    assert set(found[64:]) == {CRC}


def test_header_of_another_kind_is_refused(instance: Instance) -> None:
    """Also with the right CRC: another length, version or program."""
    body = some_state(instance.program)[:-4]
    for at, expected in [(0, LENGTH), (3, LENGTH), (4, VERSION), (7, VERSION), (8, DIGEST)]:
        changed = bytearray(body)
        changed[at] ^= 0x80
        assert instance.agrees(sealed(bytes(changed))) == expected
    changed = bytearray(body)
    changed[15] ^= 1
    assert instance.agrees(sealed(bytes(changed))) == DIGEST


def test_words_out_of_range_are_refused(instance: Instance) -> None:
    """At both ends of every vector whose bytes hold more than its format."""
    body, at = some_state(instance.program)[:-4], saved_state.HEADER_BYTES
    for v in instance.program.with_role(Role.STATE):
        size = saved_state.word_bytes(v)
        at += v.length * size
        for word in (v.fmt.min - 1, v.fmt.max + 1):
            if v.fmt.width == 8 * size or (word < 0 and not v.fmt.signed):
                continue
            data = word.to_bytes(size, "little", signed=v.fmt.signed)
            assert instance.agrees(sealed(body[: at - size] + data + body[at:])) == RANGE, v.name


def test_lengths_and_null(instance: Instance) -> None:
    saved = some_state(instance.program)
    for n in (0, 1, 15, 16, len(saved) - 1):
        assert instance.load(saved[:n]) == LENGTH
    assert instance.load(saved + b"more") == OK
    state, size = _at(instance.memory), ctypes.c_size_t(len(saved))
    data = ctypes.create_string_buffer(saved, len(saved))
    for name in ("lmu_load", "lmu_save"):
        function = getattr(instance.library, name)
        assert function(None, data, size) == function(state, None, size) == NULL
    assert instance.library.lmu_save(state, data, ctypes.c_size_t(len(saved) - 1)) == LENGTH


def test_random_bytes_are_refused(instance: Instance) -> None:
    rng, n = np.random.default_rng(5), saved_state.n_bytes(instance.program)
    saved = some_state(instance.program)
    for kept in (0, 4, 8, 16, n - 4):
        for _ in range(100):
            noise = rng.integers(0, 256, n - kept, dtype=np.uint8).tobytes()
            assert instance.agrees(saved[:kept] + noise) < OK


def test_nothing_is_read_beyond_the_length(tmp_path: Path) -> None:
    """Every length up to the whole, each in an allocation of its own, under AddressSanitizer."""
    program = DESIGNS["mixed"]
    write_c(program, tmp_path)
    (tmp_path / "main.c").write_text(
        '#include "lmu.h"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
        "int main(void)\n{\n"
        "    static uint8_t whole[LMU_SAVED_BYTES];\n    static lmu_state s;\n"
        "    if (fread(whole, 1, sizeof whole, stdin) != sizeof whole) { return 2; }\n"
        "    for (size_t n = 0; n <= sizeof whole; n++) {\n"
        "        uint8_t *part = malloc(n + (n == 0));\n"
        "        memcpy(part, whole, n);\n"
        "        const lmu_status status = lmu_load(&s, part, n);\n"
        "        if (status != (n < sizeof whole ? LMU_ERROR_LENGTH : LMU_OK)) { return 1; }\n"
        "        if (lmu_save(&s, part, n) != status) { return 3; }\n"
        "        free(part);\n    }\n    return 0;\n}\n"
    )
    checks = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-O1", "-g"]
    sources = [tmp_path / "main.c", tmp_path / "lmu.c"]
    succeed(COMPILERS[0], "-std=c99", *checks, *sources, "-o", tmp_path / "main")
    done = subprocess.run(
        [tmp_path / "main"], input=some_state(program), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_state_of_another_program_is_refused(instance: Instance) -> None:
    first = instance.program.vectors[0]
    other = with_vectors(instance.program, **{first.name: {"about": "another"}})
    assert other.digest != instance.program.digest
    assert instance.agrees(some_state(other)) == DIGEST
