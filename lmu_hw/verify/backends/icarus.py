"""Backend for the emitted Verilog in Icarus Verilog, with the cocotb testbench of `sim/lmu`."""

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
from ...rtl.parallel.ring_plan import RingPlan
from ..load_build import hardware_of, plan_of

LOG = "icarus.log"
REMEDY = "apt-get install iverilog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first output word that differs; ``got`` is text if the word contains X or Z.

    ``stream`` is the index of its stream, or of its sequence from reset.
    """

    step: int
    index: int
    expected: int
    got: int | str
    stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IcarusResult:
    """Result of the testbench.

    Attributes
    ----------
    steps, words, mismatches : int
        Numbers in the run without stalls.
    cycles_per_step : int or None
        Measured cycles of steps with an output; None if no step followed one.
    first : Divergence or None
        First mismatch.
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
        Directory for all output; the log is ``icarus.log``.
    seed : int
        Seed of the stalls and resets.

    Returns
    -------
    IcarusResult
        Mismatches are a result, not an exception.

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    ToolError
        If Icarus is missing, the design does not compile, or the design breaks another rule: X on
        an output, a word that changes while stalled, words that depend on stalls or resets, wrong
        cycles per step.
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
        *("--cycles", str(plan.cycles_per_step)),
        *("--quiet-cycles", str(plan.cycles_per_quiet_step)),
        *("--latency", str(plan.latency)),
        *("--apart", str(plan.cycles_per_output)),
        *("--words", str(plan.words_per_transfer)),
        *("--interleave", str(plan.interleave)),
        *("--streams", hardware_of(build_dir).streams.value),
        # RAM words that no section writes pass through the registers of a ring's output
        *(("--gathered",) if isinstance(plan, RingPlan) and plan.rows > 1 else ()),
        *(("--state-port",) if plan.state_port else ()),
        *("--define", COLLISION_MACRO),
        *("--seed", str(seed)),
    )
    # the testbench must import this package, wherever it is
    package = str(Path(__file__).resolve().parents[3])
    # and must not see the variables of a pytest that runs this code
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
    """Return the most informative line of the log."""
    errors = re.findall(r"^\s*(\w+(?:Error|Exception): .*)$", log, re.MULTILINE)
    errors += re.findall(r"^.*(?:[Ee]rror|FAIL).*$", log, re.MULTILINE)
    return (errors or log.splitlines() or ["no output"])[0].strip()
