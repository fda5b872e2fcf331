"""Build directories for tests: from the command line, or as much of one as a test needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lmu_hw import firmware, rtl
from lmu_hw.cli.main import main
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.streams import Streams
from tests.factories.programs import noise_with_silence, stimulus

VERSION = "0.0.test"


def generate(build_dir: Path, *options: object) -> Path:
    """Run ``lmu-hw generate`` with these options; return the build directory."""
    assert main(["generate", *map(str, options), "-o", str(build_dir), "-q"]) == 0
    return build_dir


def write_files(build_dir: Path, files: Mapping[str, str]) -> Path:
    """Write texts by their names below a directory, which need not exist; return it."""
    for name, text in files.items():
        path = build_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return build_dir


def read_files(build_dir: Path) -> dict[str, bytes]:
    """Return every file below a directory, by relative name."""
    return {
        path.relative_to(build_dir).as_posix(): path.read_bytes()
        for path in sorted(build_dir.rglob("*"))
        if path.is_file()
    }


def write_c(program: Program, c_dir: Path, edit: Callable[[str], str] | None = None) -> Path:
    """Write the C of a program, its ``lmu.c`` first changed by ``edit``; return ``c_dir``."""
    files = firmware.emit(program, version=VERSION)
    if edit is not None:
        files["lmu.c"] = edit(files["lmu.c"])
    return write_files(c_dir, files)


def write_c_build(program: Program, build_dir: Path, n_steps: int = 240) -> Path:
    """Write the directories ``c`` and ``vectors`` of a program; return ``c``."""
    played = vectors.expect(program, stimulus(program, n_steps))
    write_files(build_dir / "vectors", vectors.to_files(program, played))
    return write_c(program, build_dir / "c")


def write_c_build_in_assembly(program: Program, build_dir: Path, body: str) -> Path:
    """Write the C of a program whose step is given in assembly; return ``c``."""
    c_dir = write_c_build(program, build_dir, 4)
    code = (c_dir / "lmu.c").read_text()
    head = re.search(r"^lmu_status lmu_step\(.*\)\n\{\n(?:.*\n)*?\}\n", code, re.MULTILINE)
    assert head is not None
    declared = head.group().split("\n{\n")[0]
    naked = f'__attribute__((naked)) {declared}\n{{\n    __asm__("{body}");\n}}\n'
    (c_dir / "lmu.c").write_text(code.replace(head.group(), naked))
    return c_dir


def write_verilog(program: Program, rtl_dir: Path, lanes: int = 1) -> Path:
    """Write the Verilog of a program; return ``rtl_dir``."""
    return write_files(rtl_dir, rtl.emit(program, schedule(program, lanes)))


def write_rtl_build(
    program: Program,
    build_dir: Path,
    n_steps: int = 24,
    seed: int = 0,
    lanes: int = 1,
    streams: Streams = Streams.PLAIN,
    state_port: bool = False,
) -> Path:
    """Write the directories ``rtl`` and ``vectors`` and the program; return ``build_dir``."""
    plan = schedule(program, lanes, state_port=state_port)
    played = vectors.expect(program, noise_with_silence(program, n_steps, seed))
    write_files(build_dir / "rtl", rtl.emit(program, plan, streams=streams))
    write_files(build_dir / "vectors", vectors.to_files(program, played))
    return write_files(build_dir, {"program.json": program.to_json()})


def edit_file(path: Path, pattern: str, text: str) -> None:
    """Replace the first match in a file, which must have one."""
    old = path.read_text()
    new, n = re.subn(pattern, text, old, count=1)
    assert n == 1, f"no {pattern} in {path.name}"
    assert new != old
    path.write_text(new)


def break_c(build_dir: Path) -> None:
    """Add one to the first coefficient of the C."""
    table = r"(static LMU_KERNELS_TABLE \w+ \w+\[[^=]* = \{[\s{]*-?\d+)"
    edit_file(build_dir / "c" / "lmu_tables.h", table, r"\1 + 1")


def break_verilog(build_dir: Path) -> None:
    """Turn one signed addition of lmu.v into a subtraction."""
    path = build_dir / "rtl" / "lmu.v"
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        code, slashes, comment = line.partition("//")
        if " + " in code and "$signed" in code:
            lines[i] = code.replace(" + ", " - ", 1) + slashes + comment
            break
    else:
        pytest.fail("no signed addition in lmu.v")
    path.write_text("\n".join(lines) + "\n")
