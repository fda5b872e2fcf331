"""What C and C++ programs check at compile time: identity, versions, results, names of channels."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw import firmware
from lmu_hw.firmware import KERNELS, emit
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Channel, Program, Role, Vector
from tests.factories.builds import VERSION, write_c
from tests.factories.programs import LABELLED, PROGRAMS, copy, with_vectors
from tests.firmware.compilers import C99, COMPILERS, CPP17
from tests.tools import needs, run, succeed

pytestmark = pytest.mark.cc
tools = needs("gcc|clang")

PROGRAM = replace(PROGRAMS["mixed"], name="gyro")
NAMED = with_vectors(
    replace(LABELLED, name="vital"),
    u={"channels": tuple(replace(c, name=c.name or "flow") for c in LABELLED.vectors[0].channels)},
)
LANGUAGES = {"c": C99, "cpp": CPP17}


@pytest.fixture(scope="module")
def c_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the C of two programs, which share their kernels."""
    place = tmp_path_factory.mktemp("c")
    write_c(replace(PROGRAM, name="lmu"), place)
    for program in (PROGRAM, NAMED):
        for name, text in emit(program, version=VERSION).items():
            (place / name).write_text(text)
    return place


def copies(n: int) -> Program:
    """Return a program of ``n`` inputs, of which it copies the words to its outputs."""
    u, s, y = (
        Vector(name=name, length=n, role=role, fmt=QFormat(3, 13))
        for name, role in (("u", Role.INPUT), ("s", Role.STATE), ("y", Role.OUTPUT))
    )
    return Program(title="copies", vectors=(u, s, y), ops=(copy("u", "s"), copy("s", "y")))


def check(cc: str, flags: list[str], c_dir: Path, place: Path, text: str) -> tuple[int, str]:
    """Compile a text that includes headers of ``c_dir``; return exit code and messages."""
    source = place / "main.c"
    source.write_text(text)
    done = run(cc, *flags, f"-I{c_dir}", "-c", source, "-o", place / "main.o")
    return done.returncode, done.stderr


@pytest.mark.parametrize("cc", COMPILERS)
def test_kernels_of_another_version_are_refused(cc: str, c_dir: Path, tmp_path: Path) -> None:
    for name in ("gyro.c", "gyro.h", "gyro_units.h", "gyro_tables.h", "lmu_kernels.h"):
        (tmp_path / name).write_text((c_dir / name).read_text())
    succeed(cc, *C99, "-c", tmp_path / "gyro.c", "-o", tmp_path / "gyro.o")
    kernels = tmp_path / "lmu_kernels.h"
    lines = kernels.read_text().splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.startswith("#define LMU_KERNELS_ID "))
    lines[at] = lines[at][:-1] + ("1" if lines[at][-1] != "1" else "2")
    kernels.write_text("\n".join(lines) + "\n")
    done = run(cc, *C99, "-c", tmp_path / "gyro.c", "-o", tmp_path / "gyro.o")
    assert done.returncode != 0
    assert "lmu_kernels.h is of another version of lmu-hw than gyro.c" in done.stderr


def kernels_id(version: str) -> str:
    """Return the identity of the kernels that a version of lmu-hw writes."""
    (found,) = re.findall(r"#define LMU_KERNELS_ID (\w+)", emit(PROGRAM, version=version)[KERNELS])
    return str(found)


def test_identity_of_kernels_follows_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed character gives another number; the version of lmu-hw does not."""
    environment = firmware.environment()
    before = kernels_id("1.2.3")
    assert kernels_id("4.5.6") == before
    loader = environment.loader
    assert loader is not None

    class Edited:
        def get_template(self, name: str) -> object:
            text = loader.get_source(environment, name)[0]
            return environment.from_string(text.replace("crc >> 1", "crc >> 2"))

    monkeypatch.setattr(firmware, "environment", Edited)
    assert kernels_id("1.2.3") != before


@pytest.mark.parametrize("cc", COMPILERS)
def test_two_designs_of_one_name_are_refused(cc: str, c_dir: Path, tmp_path: Path) -> None:
    other = emit(replace(NAMED, name="gyro"), version=VERSION)
    (tmp_path / "other").mkdir()
    for name, text in other.items():
        (tmp_path / "other" / name).write_text(text)
    twice = '#include "gyro.h"\n#include "gyro_units.h"\n#include "gyro.h"\n'
    assert check(cc, C99, c_dir, tmp_path, twice) == (0, "")
    code, said = check(cc, C99, c_dir, tmp_path, '#include "gyro.h"\n#include "other/gyro.h"\n')
    assert code != 0
    assert "two designs in one build have the name gyro" in said


AWKWARD = ("x", "value", "state", "step", "y", "u", "model", "channel", "word", "a", "a_scale")


@pytest.mark.parametrize("cc", COMPILERS)
def test_names_of_channels_clash_with_nothing(cc: str, tmp_path: Path) -> None:
    """Names of the class's own functions and members, and names that extend each other."""
    program = with_vectors(
        replace(copies(len(AWKWARD)), name="awkward"),
        u={"channels": tuple(Channel(name=n, scale=1.0 + k) for k, n in enumerate(AWKWARD))},
    )
    for name, text in emit(program, version=VERSION).items():
        (tmp_path / name).write_text(text)
    values = ", ".join(f"lmu_hw::awkward::channel::{name}({k})" for k, name in enumerate(AWKWARD))
    main = (
        '#include "awkward.hpp"\nint main()\n{\n    lmu_hw::awkward::Model m;\n'
        "    awkward_out y[AWKWARD_N_OUT];\n"
        f"    m.skip({values});\n    return m.step({values}, y) ? 0 : 1;\n}}\n"
    )
    assert check(cc, [*CPP17, "-Wshadow"], tmp_path, tmp_path, main) == (0, "")
    units = (tmp_path / "awkward_units.h").read_text()
    macros = re.findall(r"#define (\w+)", units)
    assert len(macros) == len(set(macros))
    assert "#define AWKWARD_U_SCALE_OF_A 10.0\n#define AWKWARD_U_OFFSET_OF_A 0.0\n" in units


def test_inputs_of_one_name_have_no_types() -> None:
    program = with_vectors(copies(1), u={"channels": (Channel(name="x"),)})
    assert "struct x {" in emit(program, version=VERSION)["lmu.hpp"]
    (u, *_) = program.vectors
    twice = replace(program, vectors=(*program.vectors, replace(u, name="v")))
    assert "namespace channel" not in emit(twice, version=VERSION)["lmu.hpp"]


def test_integers_of_channels_become_the_words_of_the_integer_conversion(tmp_path: Path) -> None:
    """A float cannot tell the offset of this channel, 2^24, from the integer after it."""
    offset = 1 << 24
    program = with_vectors(
        replace(copies(1), name="one"), u={"channels": (Channel(name="x", offset=float(offset)),)}
    )
    for name, text in emit(program, version=VERSION).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "main.cpp").write_text(
        '#include "one.hpp"\nint main()\n{\n    using lmu_hw::one::channel::x;\n'
        f"    return x({offset}).Word == 0 && x({offset + 1}).Word == 8192\n"
        f"        && x({offset - 1}L).Word == -8192 && x({offset + 2}u).Word == 16384\n"
        f"        && x({offset}.0f).Word == 0 && x({offset + 2}.0).Word == 16384 ? 0 : 1;\n}}\n"
    )
    succeed(COMPILERS[0], *CPP17, tmp_path / "main.cpp", "-o", tmp_path / "main")
    succeed(tmp_path / "main")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cc", COMPILERS)
def test_digest_and_versions_are_numbers(
    cc: str, language: str, c_dir: Path, tmp_path: Path
) -> None:
    digest = PROGRAM.digest[:16]
    right = (
        f'#include "gyro.h"\n#if GYRO_DIGEST64 != UINT64_C(0x{digest})\n#error digest\n#endif\n'
        "#if GYRO_VERSION_MAJOR < 0 || GYRO_VERSION_MINOR < 0 || GYRO_VERSION_PATCH < 0\n"
        "#error version\n#endif\n#if GYRO_INTERFACE != 2\n#error interface\n#endif\n"
    )
    flags = LANGUAGES[language]
    assert check(cc, flags, c_dir, tmp_path, right) == (0, "")
    wrong = right.replace(digest, f"{int(digest, 16) ^ 1:016x}")
    code, said = check(cc, flags, c_dir, tmp_path, wrong)
    assert code != 0
    assert "#error digest" in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cc", COMPILERS)
def test_ignored_results_are_warned_of(cc: str, language: str, c_dir: Path, tmp_path: Path) -> None:
    calls = {
        "gyro_step": "gyro_step(s, u, y)",
        "gyro_save": "gyro_save(s, bytes, 1)",
        "gyro_load": "gyro_load(s, bytes, 1)",
    }
    for name, call in calls.items():
        head = "(gyro_state *s, const gyro_in *u, gyro_out *y, uint8_t *bytes)"
        start = f'#include "gyro.h"\nint f{head};\nint f{head}\n{{ (void)u; (void)y; (void)bytes;\n'
        used = f"{start}return (int){call}; }}\n"
        assert check(cc, LANGUAGES[language], c_dir, tmp_path, used) == (0, "")
        ignored = f"{start}{call}; return 0; }}\n"
        code, said = check(cc, LANGUAGES[language], c_dir, tmp_path, ignored)
        assert code != 0, name
        assert "-Werror,-Wunused" in said or "-Werror=unused-result" in said


@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize("standard", ["c++11", "c++17"])
def test_swapped_channels_do_not_compile(
    cc: str, standard: str, c_dir: Path, tmp_path: Path
) -> None:
    start = (
        '#include "vital.hpp"\nusing namespace lmu_hw::vital::channel;\n'
        "bool f(lmu_hw::vital::Model &m, vital_out (&y)[VITAL_N_OUT]);\n"
        "bool f(lmu_hw::vital::Model &m, vital_out (&y)[VITAL_N_OUT])\n{ return m.step("
    )
    flags = [standard if f == "-std=c++17" else f for f in CPP17]
    flags = [f"-std={f}" if f == standard else f for f in flags]

    def compiled(arguments: str) -> tuple[int, str]:
        return check(cc, flags, c_dir, tmp_path, f"{start}{arguments}, y); }}\n")

    assert compiled("ecg(0.5F), pressure(101.0F), flow(2.0F)") == (0, "")
    code, said = compiled("pressure(101.0F), ecg(0.5F), flow(2.0F)")
    assert code != 0
    assert "ecg" in said
    assert "pressure" in said
    for unnamed in ("0.5F, 101.0F, 2.0F", "ecg(0.5F), 101.0F, flow(2.0F)"):
        assert compiled(unnamed)[0] != 0


def test_named_step_gives_the_words_of_its_channels(c_dir: Path, tmp_path: Path) -> None:
    main = tmp_path / "main.cpp"
    main.write_text(
        '#include "vital.hpp"\n#include <cstring>\nint main()\n{\n'
        "    lmu_hw::vital::Model named, plain;\n"
        "    vital_out a[VITAL_N_OUT], b[VITAL_N_OUT];\n"
        "    for (int t = 0; t < 50; t++) {\n"
        "        const float x = 0.01F * static_cast<float>(t);\n"
        "        const vital_in u[] = {vital_u_to_word(VITAL_U_CH_ECG, x),\n"
        "            vital_u_to_word(VITAL_U_CH_PRESSURE, 100.0F + x),\n"
        "            vital_u_to_word(VITAL_U_CH_FLOW, -x)};\n"
        "        if (!plain.step(u, b) || !named.step(lmu_hw::vital::channel::ecg(x),\n"
        "                lmu_hw::vital::channel::pressure(100.0F + x),\n"
        "                lmu_hw::vital::channel::flow(-x), a)\n"
        "            || std::memcmp(a, b, sizeof a) != 0) { return 1; }\n"
        "    }\n    return 0;\n}\n"
    )
    cc = COMPILERS[0]
    succeed(cc, *C99, "-c", c_dir / "vital.c", "-o", tmp_path / "vital.o")
    succeed(cc, *CPP17, f"-I{c_dir}", "-c", main, "-o", tmp_path / "main.o")
    succeed(cc, tmp_path / "main.o", tmp_path / "vital.o", "-o", tmp_path / "main")
    succeed(tmp_path / "main")
