"""Helpers of the C tests: folders as `lmu-hw generate` lays them out, and a compiler to run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

from lmu_hw._support.templates import hex_word
from lmu_hw.firmware import emit
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from tests.factories.programs import stimulus

VERSION = "0.0.test"
STRICT = [
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow"),
    "-Werror",
]
C99 = ["-std=c99", *STRICT]
CPP17 = ["-x", "c++", "-std=c++17", *STRICT]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]


def write_build_dir(build_dir: Path, program: Program, n_steps: int = 240) -> Path:
    """Write ``c/`` and ``vectors/`` of a program; return the ``c`` folder."""
    c_dir = build_dir / "c"
    c_dir.mkdir(parents=True)
    for name, text in emit(program, version=VERSION).items():
        (c_dir / name).write_text(text)
    write_vectors(build_dir / "vectors", program, inputs_for(program, n_steps))
    return c_dir


def in_assembly(p: Program, build_dir: Path, body: str) -> Path:
    """Write the C of a program whose step is given in assembly."""
    c_dir = write_build_dir(build_dir, p, 4)
    code = (c_dir / "lmu.c").read_text()
    head = re.search(r"^void lmu_step\(.*\)\n\{\n(?:.*\n)*?\}\n", code, re.MULTILINE)
    assert head is not None
    declared = head.group().split("\n{\n")[0]
    naked = f'__attribute__((naked)) {declared}\n{{\n    __asm__("{body}");\n}}\n'
    (c_dir / "lmu.c").write_text(code.replace(head.group(), naked))
    return c_dir


def inputs_for(program: Program, n_steps: int, seed: int = 7) -> np.ndarray:
    """Return a stimulus that keeps to the format of every input vector, shape (n_steps, n_in)."""
    fmts = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    words = stimulus(program, n_steps, seed)
    return np.clip(words, [f.min for f in fmts], [f.max for f in fmts])


def write_vectors(build_dir: Path, program: Program, inputs: np.ndarray) -> None:
    """Write the stimulus and what the interpreter makes of it, a word a line."""
    build_dir.mkdir(exist_ok=True)
    reference = Interpreter(program)
    outputs = reference.run(inputs[:, None])[:, 0]
    for name, role, words in (
        ("input", Role.INPUT, inputs),
        ("output", Role.OUTPUT, outputs),
        ("state", Role.STATE, reference.save()),
    ):
        widths = [v.fmt.width for v in program.with_role(role) for _ in range(v.length)]
        lines = [hex_word(int(x), w) for row in words for x, w in zip(row, widths, strict=True)]
        (build_dir / f"{name}.hex").write_text("\n".join(lines) + "\n")


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it said, whatever its exit code."""
    line = [str(part) for part in command]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False)


def succeed(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must succeed without a word of complaint; return its output."""
    result = run(*command, cwd=cwd)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    return result.stdout
