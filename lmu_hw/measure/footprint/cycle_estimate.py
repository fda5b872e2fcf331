"""Estimated cycles of the inner loops of a step, by LLVM's models of the cores.

``llvm-mca`` schedules the instructions of a loop on LLVM's model of a core. The result is an
estimate, not a measurement: it leaves out caches, wait states, interrupts and taken branches.
Instructions that the model does not have count as free, such as ``it`` and ``letp``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..._support.subprocesses import run_tool
from ...errors import ToolError
from ...firmware.boards.disassembly import Instruction
from ...firmware.boards.microcontrollers import Board
from .control_flow import CodeBlock
from .longest_path import Counts, Flow

OLDEST = 19
"""First version of llvm-mca that goes on after an instruction that a model does not have."""
TOOLS = (*(f"llvm-mca-{version}" for version in range(30, OLDEST - 1, -1)), "llvm-mca")
"""Commands, Debian's with their version first."""
PACKAGE = "llvm-19"
MODELS = {
    "c-m4": ("thumbv7em-none-eabi", "cortex-m4"),
    "c-m7": ("thumbv7em-none-eabi", "cortex-m7"),
    "c-m55": ("thumbv8.1m.main-none-eabi", "cortex-m55"),
}
"""Triple and core of the targets that LLVM has a model of."""
SMALLEST_SHARE = 0.05
"""Of the instructions of a step, for a loop to be shown."""
REPEATS = 1000
"""Iterations that llvm-mca schedules."""
_OPTIONS = (
    "-skip-unsupported-instructions=lack-sched",
    "-instruction-info=false",
    "-resource-pressure=false",
)
_CYCLES = re.compile(r"^Total Cycles:\s+(\d+)$", re.MULTILINE)
_LOW_OVERHEAD = ("le", "letp")
"""Ends of low-overhead loops, which llvm-mca has no cycles for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEstimate:
    """An inner loop: exact instructions, estimated cycles.

    Attributes
    ----------
    function : str
        Function that the loop is in.
    instructions : int
        Instructions of an iteration.
    iterations : float
        Iterations in a step, mean over the counted steps with an output.
    share : float
        Part of the step's instructions, from 0 to 1.
    estimated_cycles : float
        Cycles of an iteration by LLVM's model of the core.
    """

    function: str
    instructions: int
    iterations: float
    share: float
    estimated_cycles: float

    def __str__(self) -> str:
        return (
            f"{self.function}: {self.instructions} instructions in about "
            f"{self.estimated_cycles:.1f} cycles, {self.share:.0%} of a step's instructions"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleEstimate:
    """Estimate for the inner loops of a step; no measurement.

    Attributes
    ----------
    model : str
        Version of LLVM and its name of the core; empty if it has no model of this core.
    loops : tuple of LoopEstimate
        Loops without branches, with 5 % of a step's instructions or more, the largest share first.
    """

    model: str
    loops: tuple[LoopEstimate, ...]

    def lines(self, core: str) -> list[str]:
        """Return the lines of a report."""
        if not self.model:
            return [f"  cycles        not estimated: LLVM has no model of the {core}"]
        first = f"  cycles        estimated by {self.model}, not measured"
        if not self.loops:
            return [f"{first}: no loop without branches has 5 % of a step"]
        return [first, *(f"                {loop}" for loop in self.loops)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """An installed ``llvm-mca``: its path and version."""

    path: str
    version: str

    def cycles(self, code: str, target: Board, place: Path) -> float:
        """Return the estimated cycles of an iteration of a loop.

        Parameters
        ----------
        code : str
            Assembly of an iteration.
        target : Board
            One of `MODELS`.
        place : Path
            Directory for the file.

        Raises
        ------
        ToolError
            If llvm-mca fails.
        """
        triple, cpu = MODELS[target.name]
        source = place / "loop.s"
        source.write_text(f".syntax unified\n.thumb\n{code}")
        core = (f"-mtriple={triple}", f"-mcpu={cpu}")
        command = (self.path, *core, f"-iterations={REPEATS}", *_OPTIONS, source.name)
        exit_code, text = run_tool(command, cwd=place)
        found = _CYCLES.search(text)
        if exit_code or found is None:
            said = text.strip().splitlines() or ["no message"]
            raise ToolError(
                f"llvm-mca could not estimate a loop: {said[0]}; leave out --cycles",
                command=command,
                exit_code=exit_code,
                tail=text[-2000:],
            )
        return int(found[1]) / REPEATS


def analyzer() -> Analyzer:
    """Return the installed llvm-mca.

    Raises
    ------
    ToolError
        If none is installed that has models of all cores of `MODELS`.
    """
    for name in TOOLS:
        path = shutil.which(name)
        if path is None:
            continue
        _, text = run_tool((path, "--version"))
        version = re.search(r"LLVM version (\d+)[\d.]*", text)
        if version and int(version[1]) >= OLDEST:
            return Analyzer(path=path, version=version[0].rpartition(" ")[2])
    raise ToolError(
        f"estimated cycles need llvm-mca of LLVM {OLDEST} or later: apt-get install {PACKAGE} (see "
        "lmu-hw doctor)"
    )


def estimate(
    tool: Analyzer,
    target: Board,
    code: Sequence[Instruction],
    blocks: Mapping[int, CodeBlock],
    flow: Flow,
    counts: Counts,
    place: Path,
) -> CycleEstimate:
    """Return the estimate for the inner loops of the counted steps.

    Parameters
    ----------
    tool : Analyzer
    target : Board
    code : sequence of Instruction
        In the order of their addresses.
    blocks : dict of int to CodeBlock
    flow : Flow
        How often the blocks were executed in each step.
    counts : int64 array, shape (n_steps,)
        Instructions of each step.
    place : Path
        Directory for files.

    Raises
    ------
    ToolError
        If llvm-mca fails.
    """
    if target.name not in MODELS:
        return CycleEstimate(model="", loops=())
    order = {one.address: n for n, one in enumerate(code)}
    total = float(np.sum(counts))
    loops = []
    for at, block in blocks.items():
        n_times = float(np.sum(flow.blocks[at]))
        share = n_times * block.length / total
        if at not in block.successors or share < SMALLEST_SHARE:
            continue
        inside = code[order[at] : order[at] + block.length]
        loops.append(
            LoopEstimate(
                function=inside[0].function,
                instructions=block.length,
                iterations=round(n_times / len(counts), 1),
                share=round(share, 3),
                estimated_cycles=round(tool.cycles(_assembly(inside), target, place), 1),
            )
        )
    loops.sort(key=lambda loop: -loop.share)
    cpu = MODELS[target.name][1]
    return CycleEstimate(model=f"LLVM {tool.version}'s model {cpu}", loops=tuple(loops))


def _assembly(loop: Sequence[Instruction]) -> str:
    """Return the text of a loop's instructions for an assembler; the last one jumps back."""
    lines = [_line(one) for one in loop[:-1]]
    last = loop[-1]
    if last.mnemonic not in _LOW_OVERHEAD:
        lines.append(f"{last.mnemonic} #-4")  # anywhere: only its kind counts
    return "".join(f" {line}\n" for line in lines)


def _line(one: Instruction) -> str:
    operands = re.split(r"\s*[;@]", one.operands)[0]
    if "[" in operands or one.mnemonic == "mul":
        # llvm-mca knows no width (.w) of these, as of a load or store that changes its pointer
        operands = re.sub(r"^\.w(?=\s)", "", operands).strip()
    # objdump's suffixes of data types are part of the operands
    return f"{one.mnemonic}{'' if operands.startswith('.') else ' '}{operands}"
