"""Backend for the C of a build directory under sanitizers, to find undefined behaviour.

Loaded states and inputs drive the sums to their bounds, and every word is compared.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ..._support.array_types import Words
from ..._support.subprocesses import compile_files, run_tool
from ..._support.templates import sim_dir
from ...errors import ModelFileError, ToolError, UndefinedBehaviourError
from ...firmware.c_types import type_bits
from ...firmware.layout import lay_out
from ...firmware.shared_kernels import CSources, c_sources
from ...program import saved_state
from ...program.integer_program import Program, Role
from ..extremes import Cases, extremes
from ..stimulus import Reference
from .compare import Comparison, CResult

REMEDY = "apt-get install clang libclang-rt-dev, or build-essential"
CHECKS = {
    "clang": ("-fsanitize=undefined,integer,address",),
    "gcc": ("-fsanitize=undefined,address",),
}
"""Compilers in order of preference; `integer` also finds conversions that lose bits."""
FLAGS = ("-std=c99", "-O1", "-g", "-fno-sanitize-recover=all")
N_STEPS = 4
MULTIPLIES = 60_000_000
"""Limit of the multiplications and draws, a few seconds of the slow build; it limits the cases."""


@cache
def compiler() -> tuple[str, ...]:
    """Return the command of a compiler with sanitizers; empty if there is none."""
    for name, checks in CHECKS.items():
        with tempfile.TemporaryDirectory(prefix="lmu_hw_") as build_dir:
            source = Path(build_dir) / "main.c"
            source.write_text("int main(void) { return 0; }\n")
            try:
                command = (name, *checks, "-o", str(Path(build_dir) / "main"), str(source))
                if run_tool(command)[0] == 0 and run_tool([str(Path(build_dir) / "main")])[0] == 0:
                    return name, *checks, *FLAGS
            except OSError:
                continue  # it is not installed
    return ()


def available() -> bool:
    """Return whether a compiler with sanitizers is installed."""
    return bool(compiler())


def run(build_dir: Path, program: Program, seed: int) -> tuple[CResult, int]:
    """Run the C files of a build directory under sanitizers.

    Parameters
    ----------
    build_dir : Path
    program : Program
        Program of the build directory.
    seed : int

    Returns
    -------
    CResult
        Mismatches are a result, not an exception.
    int
        Number of steps in which a memory truncates.

    Raises
    ------
    UndefinedBehaviourError
        If a sanitizer reports anything.
    ModelFileError
        If a file is missing, or was generated from another program.
    ToolError
        If the compiler fails.
    """
    most = min(1000, max(2, MULTIPLIES // (N_STEPS * max(1, program.work_per_output))))
    cases = extremes(program, N_STEPS, seed, most)
    reference = Reference(program, len(cases.states))
    reference.load(cases.states)
    asked = None if program.output_every else np.ones(N_STEPS, dtype=np.bool_)
    due = np.flatnonzero(reference.due(N_STEPS, seed) if asked is None else asked)
    expected = reference.run(cases.inputs, due=asked)
    outputs, states = play(build_dir / "c", program, cases, len(due))
    comparison = Comparison()
    comparison.add(expected, outputs, states, due)
    return comparison.result(), reference.silent_steps


def play(c_dir: Path, program: Program, cases: Cases, n_due: int) -> tuple[Words, Words]:
    """Return outputs, shape (n_due, n_cases, n_out), and final states of the C under sanitizers.

    Raises
    ------
    UndefinedBehaviourError, ModelFileError, ToolError
        See `run`.
    """
    c = c_sources(c_dir, program.name)
    n_steps, n_cases, _ = cases.inputs.shape
    layout = lay_out(program, program.name)
    in_type, out_type = (
        np.dtype(f"i{type_bits(ctype) // 8}") for ctype in (layout.in_type, layout.out_type)
    )
    saved = saved_state.to_bytes(program, cases.states)
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as name:
        place = Path(name)
        with (place / "input").open("wb") as file:
            for state, inputs in zip(saved, cases.inputs.swapaxes(0, 1), strict=True):
                file.write(state.tobytes() + inputs.astype(in_type).tobytes())
        _run(_build(c, program, n_steps, place), place, program)
        data = (place / "output").read_bytes()
    n_out = program.n_words(Role.OUTPUT)
    row = np.dtype([("y", out_type, (n_due, n_out)), ("state", np.uint8, (saved.shape[1],))])
    if len(data) != n_cases * row.itemsize:
        raise ModelFileError(
            f"{program.name}.c writes outputs in steps without an output; generate the build "
            "directory again"
        )
    rows = np.frombuffer(data, row)
    states = saved_state.from_bytes(program, np.ascontiguousarray(rows["state"]))
    return rows["y"].swapaxes(0, 1).astype(np.int64), states


def _build(c: CSources, program: Program, n_steps: int, place: Path) -> Path:
    name = program.name
    defines = (
        f"-DPREFIX={name}",
        f"-DPREFIX_UPPER={name.upper()}",
        f'-DHEADER="{name}.h"',
        f"-DN_STEPS={n_steps}",
    )
    sources = (str(sim_dir() / "native" / "sanitized.c"), str(c.source))
    options = (*defines, *c.options, *sources, "-o", str(place / "sanitized"))
    compile_files(list(compiler()), options, label=c.source, cwd=place)
    return place / "sanitized"


def _run(binary: Path, place: Path, program: Program) -> None:
    exit_code, text = run_tool([str(binary), "input", "output"], cwd=place)
    if exit_code == 0:
        return
    report = _report(text.splitlines())
    if report:
        raise UndefinedBehaviourError(f"{program.name}.c: {report}", compiler()[0])
    raise ToolError(
        f"{program.name}.c ended with {exit_code} under sanitizers; generate the build directory "
        "again",
        exit_code=exit_code,
        tail=text,
    )


def _report(lines: Sequence[str]) -> str:
    """Return the first report of a sanitizer: file, line and what it found."""
    for line in lines:
        found = re.search(
            r"([^/\s]+:\d+:\d+): runtime error: (.*)|ERROR: (AddressSanitizer: .*)", line
        )
        if found:
            where, what, address = found.groups()
            return address or f"{what} at {where}"
    return ""
