"""Location of the first divergence: shortest failing input, first wrong operation, VCD waveform.

After `verify` finds a mismatch, its inputs are run again from reset. C runs step by step, with a
comparison of states and outputs, which gives the first operation with a wrong word. Verilog, whose
states are not visible, runs as a whole.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .._support.array_types import Words
from .._support.build_directory import write_file
from .._support.command_parser import argument
from .._support.identifiers import COLLISION_MACRO
from .._support.subprocesses import run_tool
from ..errors import ToolError, read_error
from ..firmware.bulk import BulkEngine
from ..program import vectors
from ..program.fixedpoint import to_real
from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from ..program.output_timing import due_steps
from .backends import icarus
from .load_build import plan_of
from .selection import SIMULATORS
from .verification import verify
from .verify_report import BackendResult, LocatedDivergence, WordMismatch

BLOCK = 64
"""Steps compared at once; the steps of a block that differs are then compared one by one."""
WAVE_STEPS = 3
"""Steps in a waveform, the last of which has the divergence."""
CYCLE = 10
"""Time units of a clock cycle in the plain bench."""
INPUT, WAVES = "first_divergence.npy", "first_divergence.vcd"


def locate(
    build_dir: Path, program: Program, result: BackendResult, seed: int, *, waves: bool = False
) -> LocatedDivergence:
    """Return the first divergence of a backend, and write its input below the build directory.

    Parameters
    ----------
    build_dir : Path
    program : Program
        The program of the build directory.
    result : BackendResult
        With a divergence.
    seed : int
        Seed with which it was found.
    waves : bool
        Also write a waveform of the last steps, if the backend runs Verilog.

    Raises
    ------
    ToolError
        If a tool is missing or fails.
    EmitError
        If the build directory cannot be written.
    """
    first, failing = result.first, result.failing
    assert first is not None
    assert failing is not None
    name = result.backend
    step, signal, index = first.step, first.signal, first.index
    expected, got, repeats = first.expected, first.got, True
    if name == "c":
        at = _step_by_step(build_dir, program, failing)
        if at is not None:
            step, signal, index, expected, got = at
    else:
        again = _replay(build_dir, name, failing, seed)
        repeats = again is not None
        if again is not None:
            step, signal, index = again.step, again.signal, again.index
            expected, got = again.expected, again.got
    rtl = name in SIMULATORS
    build = build_dir / ("rtl" if rtl else "c") / "build"
    path, play = build / INPUT, failing[: step + 1] if repeats else failing
    _write_inputs(path, program, play)
    replay = f"lmu-hw verify {argument(build_dir)} --backends {name} --input {argument(path)}"
    if not repeats:
        replay = f"lmu-hw verify {argument(build_dir)} --backends {name} --seed {seed}"
    waveform = ""
    if waves and rtl:
        _write_waves(build_dir, program, play, build / WAVES)
        waveform = str(build / WAVES)
    return LocatedDivergence(
        backend=name,
        step=step,
        operation=writer(program, signal),
        signal=signal,
        index=index,
        format=str(program.vector(signal).fmt),
        expected=expected,
        got=got,
        repeats=repeats,
        replay=replay,
        waveform=waveform,
    )


def writer(program: Program, signal: str) -> str:
    """Return the operation that writes a signal."""
    for number, op in enumerate(program.ops):
        if signal in op.writes:
            return f"operation {number} ({op.kind})"
    return "the clock"


def _replay(build_dir: Path, name: str, inputs: Words, seed: int) -> WordMismatch | None:
    """Return the divergence of a backend on these inputs from reset, or None."""
    try:
        (result,) = verify(build_dir, backends=(name,), inputs=inputs, seed=seed, quiet=True)
    except ToolError:
        return None
    return result.first


def _step_by_step(
    build_dir: Path, program: Program, inputs: Words
) -> tuple[int, str, int, int, int] | None:
    """Return step, signal, index, expected and actual word of the first mismatch of the C."""
    engine, reference = BulkEngine.from_c_files(program, build_dir / "c", 1), Interpreter(program)
    size, start = BLOCK, 0
    while start < len(inputs):
        state = reference.save()
        u = inputs[start : start + size, None]
        got = _words(program, engine.run(u), engine.save())
        expected = _words(program, reference.run(u), reference.save())
        if all(np.array_equal(got[n], expected[n]) for n in got):
            start += len(u)
            continue
        if size > 1:
            size = 1
            engine.load(state)
            reference.load(state)
            continue
        for signal in _in_order(program, got):
            wrong = np.argwhere(got[signal] != expected[signal])
            if len(wrong):
                index = int(wrong[0, -1])
                a, b = expected[signal][-1, index], got[signal][-1, index]
                return start, signal, index, int(a), int(b)
    return None


def _words(program: Program, outputs: Words, state: Words) -> dict[str, Words]:
    """Return output and state words by vector, shape (n, length)."""
    found: dict[str, Words] = {}
    for role, words in ((Role.OUTPUT, outputs[:, 0]), (Role.STATE, state)):
        begin = 0
        for v in program.with_role(role):
            found[v.name] = words[:, begin : begin + v.length]
            begin += v.length
    return found


def _in_order(program: Program, names: Mapping[str, Words]) -> list[str]:
    """Return vectors in the order in which a step writes them."""
    written = [name for op in program.ops for name in op.writes if name in names]
    return [*(name for name in names if name not in written), *dict.fromkeys(written)]


def _write_inputs(path: Path, program: Program, inputs: Words) -> None:
    """Write input words as real numbers, which `verify` converts back exactly."""
    formats = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    reals = np.stack([to_real(inputs[:, k], fmt) for k, fmt in enumerate(formats)], axis=1)
    buffer = io.BytesIO()
    np.save(buffer, reals, allow_pickle=False)
    path.parent.mkdir(exist_ok=True)
    write_file(path, lambda file: file.write(buffer.getvalue()))


def _write_waves(build_dir: Path, program: Program, inputs: Words, path: Path) -> None:
    """Run inputs in the plain testbench of the build directory, and write a VCD of the last steps.

    Raises
    ------
    ToolError
        If Icarus is missing, or the design does not compile.
    """
    if not icarus.available():
        raise ToolError("iverilog not found, which writes the waveform; " + icarus.REMEDY)
    plan = plan_of(build_dir, program)
    due = due_steps(program, len(inputs), Interpreter(program).save(), None)
    cycles = np.where(due, plan.cycles_per_step, plan.cycles_per_quiet_step) * plan.interleave
    begin = int(cycles[: max(0, len(cycles) - WAVE_STEPS)].sum()) * CYCLE
    bench = f"tb_{program.name}"
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as name:
        place = Path(name)
        try:
            shutil.copytree(
                build_dir / "rtl", place / "rtl", ignore=shutil.ignore_patterns("build")
            )
        except OSError as error:
            raise read_error(build_dir / "rtl", error) from error
        (place / "vectors").mkdir()
        expected = vectors.expect(program, inputs)
        for file, text in vectors.to_files(program, expected).items():
            (place / "vectors" / file).write_text(text, encoding="ascii")
        (place / "rtl" / "waves.v").write_text(
            f'module waves;\n  initial begin\n    $dumpfile("{WAVES}");\n'
            f"    #{begin};\n    $dumpvars(0, {bench}.dut);\n  end\nendmodule\n",
            encoding="ascii",
        )
        sources = (f"{bench}.v", f"{program.name}.v", "waves.v")
        macro = f"-D{COLLISION_MACRO}"
        tops = ("-s", bench, "-s", "waves")
        build = ("iverilog", "-g2005", macro, *tops, "-o", "bench.vvp", *sources)
        play, waves = ("vvp", "-n", "bench.vvp"), place / "rtl" / WAVES
        for command in (build, play):
            code, said = run_tool(command, cwd=place / "rtl")
            # the testbench is expected to fail
            if code and not (command is play and waves.exists()):
                last = (said.strip().splitlines() or ["no message"])[-1]
                raise ToolError(f"{command[0]} failed: {last}", command=command, exit_code=code)
        content = waves.read_bytes()
    write_file(path, lambda file: file.write(content))
