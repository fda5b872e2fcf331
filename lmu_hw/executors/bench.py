"""A compiled model of an emitted design under the clock loop of `sim/native`, through ctypes.

What `cxxrtl` and `verilator` share: the model is theirs, everything that is played is here.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from ..errors import ToolError, read_error
from ..program import Program, Role
from ..schedule import Schedule, payload_bits
from ..templates import sim_dir
from ..tools import compile_files, cxx_compiler, load_library
from ..vectors import Words
from .icarus import Divergence

PORTS = {
    "CLK": "clk",
    "RST": "rst",
    "I_PAYLOAD": "i__payload",
    "I_VALID": "i__valid",
    "I_READY": "i__ready",
    "O_PAYLOAD": "o__payload",
    "O_VALID": "o__valid",
    "O_READY": "o__ready",
    "O_LAST": "o_last",
}
"""Ports by the names that the harness gives them; `I_LAST` is there only on demand."""
CALL_CYCLES = 400_000
"""Clock cycles between two looks at Ctrl-C: well under a second."""
MIN_CALL_STEPS = 4
"""Steps of a call at least: the cycles of all of them but the last are measured."""
PATIENCE_STEPS, PATIENCE_CYCLES = 20, 10_000
"""A design is stuck after as many steps, and so many cycles more, in which no word moved."""
FOREVER = (1 << 64) - 1
REST_CYCLES = 100
"""Cycles, beyond a step, after which no word comes any more."""
MEASURED = 2
"""One sequence of as many plays without stalls: their cycles are measured."""


class Fault(IntEnum):
    """Rules that the harness watches, by its own numbers."""

    NONE = 0
    STUCK = 1
    DROPPED = 2
    CHANGED = 3
    WRONG_LAST = 4
    EXTRA_WORD = 5
    UNSETTLED = 6


SAID = {
    Fault.STUCK: "no word moved any more",
    Fault.DROPPED: "o__valid fell while it was stalled",
    Fault.CHANGED: "o__payload or o_last changed while it was stalled",
    Fault.WRONG_LAST: "o_last is wrong",
    Fault.EXTRA_WORD: "a word came after all expected ones",
    Fault.UNSETTLED: "the design has a combinational loop",
}


class Rules(ctypes.Structure):
    """What the harness holds a design to."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "n_in",
            "n_out",
            "in_width",
            "out_width",
            "out_signed",
            "cycles",
            "quiet_cycles",
            "patience",
        )
    ]


class Record(ctypes.Structure):
    """What the harness has seen since the last reset."""

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
    """Steps that follow each other, the first from reset or after the sequence before.

    Attributes
    ----------
    inputs : int64 array, shape (n_steps, n_in)
    due : bool array, shape (n_steps,)
        Steps with an output.
    outputs : int64 array, shape (n_due, n_out)
        Expected.
    from_reset : bool
    """

    inputs: Words
    due: npt.NDArray[np.bool_]
    outputs: Words
    from_reset: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """What became of the words.

    Attributes
    ----------
    steps, words, mismatches : int
    cycles_per_step : int or None
        The most that a step with an output took without stalls; None where none was measured.
    cycles : int
        Simulated.
    first : Divergence or None
        Its step counts from reset.
    """

    steps: int
    words: int
    mismatches: int
    cycles_per_step: int | None
    cycles: int
    first: Divergence | None


def compile_bench(
    program: Program,
    header: str,
    mangled: Callable[[str], str],
    options: Sequence[str],
    folder: Path,
) -> ctypes.CDLL:
    """Compile the harness with a model, and load the result.

    Parameters
    ----------
    program : Program
    header : str
        Of ``sim/native``: the model as the harness uses it.
    mangled : callable
        What the simulator calls a port.
    options : sequence of str
        What the model needs to be compiled.
    folder : Path
        Where the model lies, and the compiler runs.

    Raises
    ------
    ToolError
        If there is no C++ compiler, or it fails.
    """
    names = PORTS | ({"I_LAST": "i_last"} if program.output_every == 0 else {})
    sources, library = sim_dir() / "native", folder / "bench.so"
    line = [
        *("-O2", "-fPIC", "-shared", "-fvisibility=hidden"),
        *(f"-D{macro}={mangled(port)}" for macro, port in names.items()),
        *(f'-DMODEL="{header}"', "-I", ".", "-I", str(sources)),
        *(str(sources / "harness.cpp"), *options, "-o", str(library)),
    ]
    compile_files(compiler(), line, what=f"the model of {program.name}.v", cwd=folder)
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


def copy_rtl(folder: Path, program: Program, build_dir: Path) -> Path:
    """Copy the Verilog of a generated folder and its ROMs; return the Verilog.

    Raises
    ------
    ModelFileError
        If it cannot be read.
    """
    design = folder / "rtl" / f"{program.name}.v"
    try:
        for path in (design, *sorted(design.parent.glob("*.mem"))):
            (build_dir / path.name).write_bytes(path.read_bytes())
    except OSError as error:
        raise read_error(design, error) from error
    return build_dir / design.name


def run(
    library: ctypes.CDLL,
    program: Program,
    plan: Schedule,
    sequences: Iterable[Steps],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> BenchResult:
    """Play sequences: every other one without stalls, the others with stalls of either side.

    Every reset but power-up comes in the middle of a step.

    Parameters
    ----------
    library : CDLL
        The harness with a model of the design.
    program, plan : Program, Schedule
        That the design was made from.
    sequences : iterable of Sequence
    seed : int
        Of stalls, resets and, in Verilator, of what has no initial value.
    advance : callable
        Told of every few steps that are done.

    Returns
    -------
    BenchResult
        A word that differs is a result, not an exception.

    Raises
    ------
    ToolError
        If the design breaks a rule of the streams, or takes other cycles than the schedule says.
    """
    rng = np.random.default_rng(seed)
    patterns = list(_stalls(plan))
    tally = _Tally()
    start = 0
    with _Bench(library, program, plan, seed) as bench:
        for number, sequence in enumerate(sequences):
            if number and sequence.from_reset:
                bench.abandon(sequence, int(rng.integers(1, 3 * plan.due.cycles)))
                bench.reset()
                start = 0
            stalled = number % MEASURED == MEASURED - 1
            pattern = patterns[number // MEASURED % len(patterns)] if stalled else FREE
            bench.stall(pattern, int(rng.integers(1 << 63)))
            for part in _parts(sequence, plan):
                got = bench.play(part)
                tally.compare(part, got, start)
                if len(got) < len(part.outputs):
                    return tally.result(bench.record())
                start += len(part.inputs)
                advance(len(part.inputs))
        bench.rest(plan.due.cycles + REST_CYCLES)
        return tally.result(bench.record())


class _Tally:
    """Counts words and remembers the first that differs."""

    def __init__(self) -> None:
        self.steps = self.words = self.mismatches = 0
        self.first: Divergence | None = None

    def compare(self, part: Steps, got: Words, start: int) -> None:
        """Compare the words of steps that begin with step ``start`` after the reset."""
        wrong = np.argwhere(got != part.outputs[: len(got)])
        if len(wrong) and self.first is None:
            row, index = (int(i) for i in wrong[0])
            self.first = Divergence(
                step=start + int(np.flatnonzero(part.due)[row]),
                index=index,
                expected=int(part.outputs[row, index]),
                got=int(got[row, index]),
            )
        self.steps += len(part.inputs)
        self.words += got.size
        self.mismatches += len(wrong)

    def result(self, record: Record) -> BenchResult:
        """Return what there is to say, unless a rule was broken and no word says more."""
        if self.first is None:
            if record.fault:
                raise ToolError(
                    f"the design broke a rule: {SAID[Fault(record.fault)]}, {record.steps} steps "
                    f"and {record.words} words after a reset"
                )
            if record.wrong_steps:
                raise ToolError(
                    f"step {record.wrong_step} took {record.wrong_cycles} cycles, "
                    f"not {record.wrong_published}"
                )
        return BenchResult(
            steps=self.steps,
            words=self.words,
            mismatches=self.mismatches,
            cycles_per_step=record.most_cycles or None,
            cycles=record.cycles,
            first=self.first,
        )


@dataclass(frozen=True, slots=True)
class _Stall:
    """How one side of a stream holds still: kind and amount as the harness takes them."""

    kind: int = 0
    amount: int = 0


Pattern = tuple[_Stall, _Stall]
FREE: Pattern = (_Stall(), _Stall())


def _stalls(plan: Schedule) -> Iterator[Pattern]:
    """Yield a slow source, a slow sink, both at random, and bursts of up to two steps."""
    cycles = plan.due.cycles

    def sometimes(probability: float) -> _Stall:
        return _Stall(1, int(probability * (1 << 32)))

    yield sometimes(cycles / (cycles + plan.n_in)), _Stall()
    yield _Stall(), sometimes(1 - plan.n_out / (plan.n_out + cycles) / 2)
    yield sometimes(0.5), sometimes(0.5)
    yield _Stall(2, 2 * cycles), _Stall(2, 2 * cycles)


def _parts(sequence: Steps, plan: Schedule) -> Iterator[Steps]:
    """Yield a sequence in pieces of some hundred thousand cycles."""
    size = max(MIN_CALL_STEPS, CALL_CYCLES // plan.due.cycles)
    row = 0
    for start in range(0, len(sequence.inputs), size):
        due = sequence.due[start : start + size]
        end = row + int(np.count_nonzero(due))
        yield Steps(
            inputs=sequence.inputs[start : start + size],
            due=due,
            outputs=sequence.outputs[row:end],
            from_reset=sequence.from_reset and start == 0,
        )
        row = end


class _Bench:
    """The harness as Python sees it: a design at power-up."""

    def __init__(self, library: ctypes.CDLL, program: Program, plan: Schedule, seed: int) -> None:
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
        rules = Rules(
            n_in=plan.n_in,
            n_out=plan.n_out,
            in_width=in_width,
            out_width=out_width,
            out_signed=out_signed,
            cycles=plan.due.cycles,
            quiet_cycles=plan.quiet.cycles,
            patience=PATIENCE_STEPS * (plan.due.cycles + words) + PATIENCE_CYCLES,
        )
        self._library, self._n_out = library, plan.n_out
        self._bench = library.bench_open(ctypes.byref(rules), seed)

    def __enter__(self) -> _Bench:
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
        """Let both sides of the design stall from now on as ``pattern`` says."""
        source, sink = pattern
        self._library.bench_stall(
            self._bench, source.kind, source.amount, sink.kind, sink.amount, seed
        )

    def play(self, part: Steps) -> Words:
        """Return the output words of some steps, shape (n_due, n_out); fewer after a fault."""
        return self._play(part, len(part.outputs), FOREVER)

    def abandon(self, part: Steps, n_cycles: int) -> None:
        """Play some cycles of steps whose words nobody wants."""
        self._play(part, len(part.outputs), n_cycles)

    def rest(self, n_cycles: int) -> None:
        """Wait without stalls; no word should come."""
        self._library.bench_rest(self._bench, n_cycles)

    def record(self) -> Record:
        """Return what has been seen so far."""
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
