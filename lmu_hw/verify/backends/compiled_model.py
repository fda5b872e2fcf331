"""Interface through ctypes to the harness of `sim/native` with a compiled model of a design."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from ..._support.array_types import Words
from ..._support.subprocesses import compile_files, cxx_compiler, load_library
from ..._support.templates import sim_dir
from ...errors import ModelFileError, ToolError, read_error
from ...program.integer_program import Program, Role
from ...rtl.hardware_plan import HardwarePlan
from ...rtl.options import Hardware
from ...rtl.schedule import payload_bits
from ...rtl.streams import Streams

_ROM = re.compile(rb"(?:[ \t]*[0-9a-fA-F]*[ \t]*(?://[^\n]*)?\r?\n)*")

PLAIN = {
    "CLK": "clk",
    "RST": "rst",
    "I_PAYLOAD": "i_data",
    "I_VALID": "i_valid",
    "I_READY": "i_ready",
    "I_LAST": "i_last",
    "O_PAYLOAD": "o_data",
    "O_VALID": "o_valid",
    "O_READY": "o_ready",
    "O_LAST": "o_last",
    "STATE_COMMAND_VALID": "state_command_valid",
}
"""Port names by the macros of the harness."""
AXI = {
    "CLK": "aclk",
    "RST": "aresetn",
    "I_PAYLOAD": "s_axis_tdata",
    "I_VALID": "s_axis_tvalid",
    "I_READY": "s_axis_tready",
    "I_LAST": "s_axis_tlast",
    "O_PAYLOAD": "m_axis_tdata",
    "O_VALID": "m_axis_tvalid",
    "O_READY": "m_axis_tready",
    "O_LAST": "m_axis_tlast",
    "STATE_COMMAND_VALID": "s_axis_state_command_tvalid",
}
"""The same for a design with AXI4-Stream names, whose reset is active low."""
PATIENCE_STEPS, PATIENCE_CYCLES = 20, 10_000
"""Time without any transfer after which a design is stuck: in steps, plus cycles."""
FOREVER = (1 << 64) - 1


class Fault(IntEnum):
    """Rules that the harness checks, numbered as in the harness."""

    NONE = 0
    STUCK = 1
    DROPPED = 2
    CHANGED = 3
    WRONG_LAST = 4
    EXTRA_WORD = 5
    UNSETTLED = 6


SAID = {
    Fault.STUCK: "no word was transferred any more",
    Fault.DROPPED: "o_valid fell while o was stalled",
    Fault.CHANGED: "o_data or o_last changed while o was stalled",
    Fault.WRONG_LAST: "o_last is wrong",
    Fault.EXTRA_WORD: "a word arrived after all expected ones",
    Fault.UNSETTLED: "the design has a combinational loop",
}


class Rules(ctypes.Structure):
    """Parameters of the rules that the harness checks."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "n_in",
            "n_out",
            "per_transfer",
            "in_width",
            "out_width",
            "out_signed",
            "cycles",
            "quiet_cycles",
            "apart",
            "patience",
        )
    ]


class Record(ctypes.Structure):
    """Counters of the harness: steps and words since the last reset, the others since power-up."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "fault",
            "cycles",
            "steps",
            "words",
            "most_cycles",
            "wrong_steps",
            "wrong_step",
            "wrong_cycles",
            "wrong_published",
        )
    ]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Steps:
    """Consecutive steps with their expected outputs.

    Attributes
    ----------
    inputs : int64 array, shape (n_steps, n_in)
    due : bool array, shape (n_steps,)
        Steps with an output.
    outputs : int64 array, shape (n_due, n_out)
        Expected words.
    from_reset : bool
        Start from reset, not after the previous steps.
    """

    inputs: Words
    due: npt.NDArray[np.bool_]
    outputs: Words
    from_reset: bool = True


@dataclass(frozen=True, slots=True)
class Stall:
    """Stalls of one side of a stream; kind and amount are those of the harness."""

    kind: int = 0
    amount: int = 0


OPTIMIZATION = "-O2"
"""Compiler option for millions of steps; hundreds take less time without."""
Pattern = tuple[Stall, Stall]
FREE: Pattern = (Stall(), Stall())


def ports(program: Program, hardware: Hardware) -> dict[str, str]:
    """Return the ports of a design, by the macros of the harness."""
    names = dict(AXI if hardware.streams is Streams.AXI else PLAIN)
    if program.output_every:
        del names["I_LAST"]
    if not hardware.state_port:
        del names["STATE_COMMAND_VALID"]
    return names


def compile_harness(
    program: Program,
    hardware: Hardware,
    header: str,
    mangled: Callable[[str], str],
    options: Sequence[str],
    build_dir: Path,
) -> ctypes.CDLL:
    """Compile the harness with a model, and load the library.

    Parameters
    ----------
    program : Program
    hardware : Hardware
    header : str
        Header in ``sim/native`` that adapts the model to the harness.
    mangled : callable
        Returns the simulator's name of a port.
    options : sequence of str
        Compiler options for the model.
    build_dir : Path
        Directory of the model, in which the compiler runs.

    Raises
    ------
    ToolError
        If there is no C++ compiler, or it fails.
    """
    sources, library = sim_dir() / "native", build_dir / "bench.so"
    line = [
        *(OPTIMIZATION, "-fPIC", "-shared", "-fvisibility=hidden"),
        *(f"-D{macro}={mangled(port)}" for macro, port in ports(program, hardware).items()),
        f"-DRESET={int(hardware.streams is not Streams.AXI)}",
        *(f'-DMODEL="{header}"', "-I", ".", "-I", str(sources)),
        *(str(sources / "harness.cpp"), *options, "-o", str(library)),
    ]
    compile_files(compiler(), line, label=f"the model of {program.name}.v", cwd=build_dir)
    return load_library(library)


def compiler() -> list[str]:
    """Return the command of the C++ compiler.

    Raises
    ------
    ToolError
        If there is none.
    """
    command = cxx_compiler()
    if not command:
        raise ToolError(
            f"no C++ compiler ({os.environ.get('CXX') or 'c++, g++, clang++'}):"
            " install one, e.g. apt-get install g++"
        )
    return command


def copy_rtl(build_dir: Path, program: Program, scratch: Path) -> Path:
    """Copy the Verilog of a build directory and its ROM files; return the path of the copy.

    Raises
    ------
    ModelFileError
        If a file cannot be read, or a ROM file is damaged.
    """
    design = build_dir / "rtl" / f"{program.name}.v"
    try:
        for path in (design, *sorted(design.parent.glob("*.mem"))):
            content = path.read_bytes()
            # a damaged ROM file would terminate this process
            if path.suffix == ".mem" and not _ROM.fullmatch(content):
                raise ModelFileError(f"{path} is damaged; generate the build directory again")
            (scratch / path.name).write_bytes(content)
    except OSError as error:
        raise read_error(design, error) from error
    return scratch / design.name


class Harness:
    """A design in the harness, after power-up."""

    def __init__(
        self, library: ctypes.CDLL, program: Program, plan: HardwarePlan, seed: int
    ) -> None:
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64
        library.bench_open.argtypes, library.bench_open.restype = [pointer, number], pointer
        library.bench_close.argtypes = library.bench_reset.argtypes = [pointer]
        library.bench_stall.argtypes = [pointer, *[number] * 5]
        library.bench_play.argtypes = [pointer, pointer, pointer, size, pointer, size, number]
        library.bench_play.restype = size
        library.bench_rest.argtypes = [pointer, number]
        library.bench_record.argtypes = [pointer, pointer]
        in_width, _ = payload_bits(program.with_role(Role.INPUT))
        out_width, out_signed = payload_bits(program.with_role(Role.OUTPUT))
        words = sum(v.length for v in program.vectors)
        cycles = max(plan.cycles_per_step, plan.cycles_per_output)
        rules = Rules(
            n_in=plan.n_in,
            n_out=plan.n_out,
            per_transfer=plan.words_per_transfer,
            in_width=in_width,
            out_width=out_width,
            out_signed=out_signed,
            cycles=plan.cycles_per_step,
            quiet_cycles=plan.cycles_per_quiet_step,
            apart=plan.cycles_per_output,
            patience=PATIENCE_STEPS * (cycles + words) + PATIENCE_CYCLES,
        )
        self._library, self._n_out = library, plan.n_out
        self._bench = library.bench_open(ctypes.byref(rules), seed)

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._library.bench_close(self._bench)

    def reset(self) -> None:
        """Reset for one clock edge."""
        self._library.bench_reset(self._bench)

    def stall(self, pattern: Pattern, seed: int) -> None:
        """Set the stall pattern of source and sink."""
        source, sink = pattern
        self._library.bench_stall(
            self._bench, source.kind, source.amount, sink.kind, sink.amount, seed
        )

    def play(self, part: Steps) -> Words:
        """Run steps and return their output words, shape (n_due, n_out); fewer after a fault."""
        return self._play(part, len(part.outputs), FOREVER)

    def abandon(self, part: Steps, n_cycles: int) -> None:
        """Run some cycles of steps and discard the words."""
        self._play(part, len(part.outputs), n_cycles)

    def rest(self, n_cycles: int) -> None:
        """Wait without stalls; an arriving word is a fault."""
        self._library.bench_rest(self._bench, n_cycles)

    def record(self) -> Record:
        """Return the counters of the harness."""
        record = Record()
        self._library.bench_record(self._bench, ctypes.byref(record))
        return record

    def _play(self, part: Steps, n_due: int, n_cycles: int) -> Words:
        inputs = np.ascontiguousarray(part.inputs, dtype=np.int64)
        due = np.ascontiguousarray(part.due, dtype=np.uint8)
        outputs = np.empty((n_due, self._n_out), dtype=np.int64)
        n_words = self._library.bench_play(
            self._bench,
            inputs.ctypes.data,
            due.ctypes.data,
            len(inputs),
            outputs.ctypes.data,
            outputs.size,
            n_cycles,
        )
        return outputs[: n_words // self._n_out]
