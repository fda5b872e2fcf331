"""Instructions of matrix times vector beside CMSIS-NN's: a section of docs/results/firmware.md.

    PYTHONPATH=. python benchmarks/cmsis_nn.py DIR

DIR is a checkout of the public source of CMSIS-NN (Apache-2.0), which this project does not hold.
Its kernels take the place of ours in the same programs, on the same boards, counted by the same
plugin; their words are compared with the interpreter's. Without DIR nothing is measured.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.firmware import CORES, TABLE, counted, head, mean, paragraph, row
from benchmarks.firmware_programs import COLUMNS, ROWS, affine
from benchmarks.results_file import with_section
from lmu_hw.firmware import emit
from lmu_hw.firmware.boards import exchange, qemu, toolchain
from lmu_hw.firmware.boards.microcontrollers import TARGETS, Board
from lmu_hw.measure.footprint.instructions import count
from lmu_hw.program.integer_program import Linear, Program
from lmu_hw.verify.stimulus import Reference

STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A function of CMSIS-NN for rows of 8-bit weights.

    Attributes
    ----------
    function : str
        Its name and that of its file.
    word_bits : int
        Bits of the words in and out.
    call : str
        The arguments; multiplier and shift divide by ``2**13`` as our program does.
    error : int
        Largest difference to our words: 1 where it rounds twice.
    """

    function: str
    word_bits: int
    call: str
    error: int


KERNELS = {
    "8 x 16": Kernel(
        function="arm_nn_vec_mat_mult_t_s16",
        word_bits=16,
        call=f"u, weights, bias, y, 1 << 14, -12, {COLUMNS}, {ROWS}, -32768, 32767",
        error=0,
    ),
    "8 x 8": Kernel(
        function="arm_nn_vec_mat_mult_t_s8",
        word_bits=8,
        call=f"u, weights, sums, bias, y, 0, 0, 1 << 30, -12, {COLUMNS}, {ROWS}, -128, 127, 1, 0",
        error=1,
    ),
}
LEVELS = ("-O2", "-Ofast")
"""As ours, and the default of its build."""
CORTEX = {core: name for core, name in CORES.items() if core.startswith("M")}
TITLE = "Beside CMSIS-NN"
TEXT = """Instructions per multiply-accumulate of the same 212 x 468 weights, in one run: our C, and
CMSIS-NN's functions for rows of these types called as the whole step, compiled with -O2 like ours
and with -Ofast, the default of its build. Its 16-bit words equal ours; its 8-bit words are rounded
twice and differ by 1 at most. CMSIS-NN is under the Apache licence 2.0; none of its code is
here."""
REPEAT = """Repeat: `PYTHONPATH=. python benchmarks/cmsis_nn.py DIR`, with a checkout of CMSIS-NN in
DIR. Source measured: {}."""


def instructions(source: Path, kind: str, core: str, level: str) -> float:
    """Return the executed instructions of a multiply-accumulate.

    Parameters
    ----------
    source : Path
        Checkout of CMSIS-NN, with the directories ``Include`` and ``Source``.
    kind : str
        Of `KERNELS`.
    core : str
        Name of a target.
    level : str
        Of `LEVELS`.
    """
    kernel, target = KERNELS[kind], TARGETS[core]
    program = affine(8, kernel.word_bits)
    low, high = program.vectors[0].fmt.min // 2, program.vectors[0].fmt.max // 2
    inputs = np.random.default_rng(1).integers(low, high, (STEPS, COLUMNS))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file, text in emit(program, version="benchmark").items():
            (place / file).write_text(text)
        code = place / f"{program.name}.c"
        code.write_text(_with_kernel(code.read_text(), program, kernel, source.resolve()))
        flags = (f"-I{source.resolve() / 'Include'}", "-fno-inline-functions", "-w", level)
        image = toolchain.build(target, program, place, place, *flags)
        _compare(target, program, image, inputs, kernel.error)
        steps = count(target, program, image, inputs, np.ones(STEPS, bool))
    return float(steps.mean()) / (ROWS * COLUMNS)


def table(source: Path) -> list[str]:
    """Return the table of our functions and those of a checkout."""
    lines = head("weights x words [bits]", *CORTEX)
    for kind, kernel in KERNELS.items():
        program = affine(8, kernel.word_bits)
        counts = (counted(program, name).instructions.with_output for name in CORTEX.values())
        ours = [mean(found) / (ROWS * COLUMNS) for found in counts]
        lines.append(row(f"{kind}, ours", *(f"**{n:.3f}**" for n in ours)))
        for level in LEVELS:
            theirs = [instructions(source, kind, name, level) for name in CORTEX.values()]
            lines.append(row(f"{kind}, CMSIS-NN, {level}", *(f"{n:.3f}" for n in theirs)))
    return lines


def _with_kernel(code: str, program: Program, kernel: Kernel, source: Path) -> str:
    """Return our C with the function of CMSIS-NN as the whole step."""
    (op,) = program.ops
    assert isinstance(op, Linear)
    weights = ",".join(str(w) for row in op.rows for w in row)
    file = source / "Source" / "NNSupportFunctions" / f"{kernel.function}.c"
    lines = (
        f'#include "{program.name}.h"',
        f'#include "{file}"',
        f"static const int8_t weights[] = {{{weights}}};",
        f"static const int{64 if kernel.word_bits == 16 else 32}_t bias[{ROWS}];",
        f"static const int32_t sums[{ROWS}];",
    )
    step = re.search(rf"\n{program.name}_status {program.name}_step\([^;{{]*\)\n\{{\n", code)
    assert step is not None
    end = code.index("\n}\n", step.end())
    body = f"    {kernel.function}({kernel.call});\n    return {program.name.upper()}_OUTPUT;"
    return "\n".join(lines) + "\n" + code[: step.end()] + body + code[end:]


def _compare(
    target: Board,
    program: Program,
    image: toolchain.Image,
    inputs: np.typing.NDArray[np.int64],
    error: int,
) -> None:
    """Compare the words of the image with the interpreter's."""
    place = image.path.parent
    runs = [exchange.BoardRun(inputs=inputs, n_outputs=STEPS, from_reset=True, single=True)]
    exchange.write(program, runs, place / "input")
    qemu.run(target, image)
    ((found, _),) = exchange.read(program, runs, place / "output")
    expected = Reference(program, 1).run(inputs[:, None]).outputs[:, 0]
    assert np.abs(found - expected).max() <= error


def main() -> None:
    """Count our functions and those of a checkout, and write their section of the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", nargs="?", type=Path, metavar="DIR", help="CMSIS-NN's source")
    source = parser.parse_args().source
    if source is None:
        print("left as it is: no checkout of CMSIS-NN is given")
        return
    if not (source / "Include" / "arm_nnsupportfunctions.h").is_file():
        parser.error(f"{source} must be a checkout of CMSIS-NN: Include/ is missing there")
    version = subprocess.check_output(
        ["git", "-C", source, "log", "-1", "--format=commit %h of %cs"], text=True
    )
    lines = [paragraph(TEXT), "", *table(source), "", paragraph(REPEAT.format(version.strip()))]
    page = with_section(TABLE.read_text(), TITLE, "\n".join(lines))
    TABLE.write_text(page)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
