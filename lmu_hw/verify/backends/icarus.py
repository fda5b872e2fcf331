"""Icarus Verilog as a backend: the emitted design under the cocotb bench of `sim/lmu`."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..._support.identifiers import COLLISION_MACRO
from ..._support.subprocesses import run_tool
from ..._support.templates import sim_dir
from ...errors import ToolError, read_error
from ...program.integer_program import from_json
from ..load_build import hardware_of, plan_of

LOG = "icarus.log"
REMEDY = "apt-get install iverilog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first output word that differs; ``got`` is text when the word has X or Z in it.

    ``stream`` says which of several streams, or sequences from reset, it is of.
    """

    step: int
    index: int
    expected: int
    got: int | str
    stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IcarusResult:
    """What the bench saw.

    Attributes
    ----------
    steps, words, mismatches : int
        Of the run without stalls.
    cycles_per_step : int or None
        As measured there, of steps with an output; None where no step followed one.
    first : Divergence or None
    """

    steps: int
    words: int
    mismatches: int
    cycles_per_step: int | None
    first: Divergence | None


def available() -> bool:
    """Return whether Icarus Verilog is installed."""
    return shutil.which("iverilog") is not None and shutil.which("vvp") is not None


def run(build_dir: Path, vectors_dir: Path, scratch: Path, seed: int) -> IcarusResult:
    """Simulate the design of a build directory on given vectors.

    Parameters
    ----------
    build_dir : Path
        Holds ``program.json`` and ``rtl/``.
    vectors_dir : Path
        Holds ``input.hex`` and ``output.hex``.
    scratch : Path
        For everything that is written; the log is ``icarus.log``.
    seed : int
        Of the stalls and resets.

    Returns
    -------
    IcarusResult
        A word that differs is a result, not an exception.

    Raises
    ------
    ModelFileError
        If the folder is damaged.
    ToolError
        If Icarus is missing, the design does not build, or the design breaks a rule other than its
        words: X on an output, a changed word while stalled, stalls or resets that change words, the
        published cycles per step.
    """
    if not available():
        raise ToolError(
            "iverilog not found; install Icarus Verilog 11 or later (apt install iverilog)"
        )
    try:
        program = from_json((build_dir / "program.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise read_error(build_dir / "program.json", error) from error
    plan = plan_of(build_dir, program)
    result_file = scratch / "result.json"
    result_file.unlink(missing_ok=True)
    command = (
        sys.executable,
        str(sim_dir() / "lmu" / "runner.py"),
        str(build_dir.resolve()),
        *("--vectors", str(vectors_dir)),
        *("--build", str(scratch)),
        *("--cycles", str(plan.due.cycles)),
        *("--quiet-cycles", str(plan.quiet.cycles)),
        *("--latency", str(plan.latency)),
        *("--streams", hardware_of(build_dir).streams.value),
        *(("--state-port",) if plan.state_port else ()),
        *("--define", COLLISION_MACRO),
        *("--seed", str(seed)),
    )
    # the bench must find this very package, wherever it was imported from
    package = str(Path(__file__).resolve().parents[3])
    # and must not take a pytest around it for its own
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"}
    exit_code, text = run_tool(command, env=environment, log=scratch / LOG)
    result = _read(result_file)
    if result is None or (exit_code and not result.mismatches):
        raise ToolError(
            f"Icarus simulation failed: {_reason(text)}",
            command=command,
            exit_code=exit_code,
            tail=text[-2000:],
        )
    return result


def _read(path: Path) -> IcarusResult | None:
    if not path.exists():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    first = data.pop("first")
    return IcarusResult(**data, first=Divergence(**first) if first else None)


def _reason(log: str) -> str:
    """Return the line of the log that says most."""
    errors = re.findall(r"^\s*(\w+(?:Error|Exception): .*)$", log, re.MULTILINE)
    errors += re.findall(r"^.*(?:[Ee]rror|FAIL).*$", log, re.MULTILINE)
    return (errors or log.splitlines() or ["no output"])[0].strip()
