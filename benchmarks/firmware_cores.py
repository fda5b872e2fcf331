"""Cores that QEMU runs, for `firmware.py`: compile, run, count the instructions of every function.

The harness runs the first steps of a stimulus and compares every output word with the
interpreter's, so that what is counted is known to be right.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmu_hw.firmware import emit
from lmu_hw.interpreter import Interpreter
from lmu_hw.program import Program
from lmu_hw.templates import c_lines, sim_dir

ARM = ("arm-none-eabi-gcc", "-mthumb")
RISCV = ("riscv64-unknown-elf-gcc", "--specs=picolibc.specs", "-march=rv32imc", "-mabi=ilp32")
FLAGS = ("-std=c99", "-O2", "-ffreestanding", "-nostartfiles", "-Wl,--no-warn-rwx-segments")
PLUGIN = ("-O2", "-fPIC", "-shared")
STEPS = 4
"""Steps that are counted, after one that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A core: the compiler's command, QEMU's, and where the machine has its code and its memory."""

    name: str
    compiler: tuple[str, ...]
    machine: tuple[str, ...]
    code: int
    memory: int

    @property
    def arm(self) -> bool:
        """Whether it is a Cortex-M."""
        return self.compiler[:2] == ARM


def _cortex(name: str, machine: str) -> Core:
    return Core(
        name=name,
        compiler=(*ARM, f"-mcpu=cortex-{name}"),
        machine=("qemu-system-arm", "-M", machine),
        code=0,
        memory=0x2000_0000,
    )


CORES = {
    core.name: core
    for core in (
        _cortex("m0", "microbit"),
        _cortex("m3", "mps2-an385"),
        _cortex("m4", "mps2-an386"),
        _cortex("m7", "mps2-an500"),
        Core(
            name="rv32",
            compiler=RISCV,
            machine=("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
            code=0x8000_0000,
            memory=0x8040_0000,
        ),
    )
}

SCRIPT = """
ENTRY(start)
SECTIONS
{{
    . = {code};
    .text : {{ KEEP(*(.start)) *(.text*) *(.rodata*) *(.srodata*) }}
    . = {memory};
    .data : {{ *(.data* .sdata* .bss* .sbss* COMMON) }}
}}
"""
START_ARM = """
#define TOP ((void *)0x20003ff0)
int main(void);
static void leave(int code)
{
    volatile int block[2] = {0x20026, code}; /* semihosting: the application ends with code */
    register int call __asm__("r0") = 0x20;
    register volatile int *argument __asm__("r1") = block;

    __asm__ volatile("bkpt 0xab" : : "r"(call), "r"(argument) : "memory");
    for (;;) {
    }
}
void start(void);
void start(void)
{
    leave(main());
}
__attribute__((section(".start"), used)) static void *const vectors[2] = {TOP, (void *)start};
"""
START_RISCV = """
int main(void);
void leave(int code);
void leave(int code)
{
    *(volatile int *)0x100000 = code ? code << 16 | 0x3333 : 0x5555; /* the machine's off switch */
    for (;;) {
    }
}
__asm__(".section .start, \\"ax\\"\\n.globl start\\nstart: la sp, 0x80500000\\n"
        "call main\\ncall leave\\n");
"""
MAIN = """
#include "{p}.h"

#include <stddef.h>

static const {p}_in in[][{P}_N_IN] = {{
{inputs}
}};
static const {p}_out expected[][{P}_N_OUT] = {{
{outputs}
}};
static {p}_state state;

int main(void)
{{
    int wrong = 0;

    {p}_init(&state);
    for (size_t t = 0; t < STEPS; t++) {{
        {p}_out y[{P}_N_OUT];

        {p}_step(&state, in[t], y);
        for (size_t i = 0; i < {P}_N_OUT; i++) {{
            wrong |= y[i] != expected[t][i];
        }}
    }}
    return wrong;
}}
"""
HARNESS = {"main", "start", "leave", "memset"}


def instructions(
    program: Program, core: Core, inputs: np.ndarray, *options: str
) -> tuple[Counter[str], int]:
    """Return the instructions of a step by function, on average, and the bytes of code alone.

    ``inputs`` are words, shape (1 + STEPS, n_in); the program has an output at every step.
    """
    p = program.name
    outputs = Interpreter(program).run(inputs[:, None])[:, 0]
    words = {"inputs": c_rows(inputs), "outputs": c_rows(outputs)}
    files = emit(program, version="benchmark")
    files = {name: files[name] for name in (f"{p}.c", f"{p}.h", "lmu_kernels.h")}
    files["main.c"] = MAIN.format(p=p, P=p.upper(), **words)
    return count(files, f"{p}.c", core, *options)


def c_rows(rows: np.ndarray) -> str:
    """Return the rows of a C array."""
    return "\n".join("{" + ",\n".join(c_lines([int(x) for x in row], 1)) + "}," for row in rows)


def count(
    files: dict[str, str], counted: str, core: Core, *options: str
) -> tuple[Counter[str], int]:
    """Return the instructions of a step by function, and the bytes of code of one of the files.

    ``main`` runs ``STEPS`` steps and returns 0 if their results are right.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        files = {
            **files,
            "start.c": START_ARM if core.arm else START_RISCV,
            "machine.ld": SCRIPT.format(code=core.code, memory=core.memory),
        }
        for name, text in files.items():
            (path / name).write_text(text)
        subprocess.run(
            ["gcc", *PLUGIN, "-o", "count.so", sim_dir() / "firmware" / "count.c"],
            cwd=path,
            check=True,
        )
        first, counts = (_run(path, core, steps, options) for steps in (1, 1 + STEPS))
        counts.subtract(first)
        total = {k: v // STEPS for k, v in counts.items() if v and k not in HARNESS}
        return Counter(total), _code_bytes(path, counted, core, options)


def _code_bytes(path: Path, file: str, core: Core, options: tuple[str, ...]) -> int:
    command = [*core.compiler, *FLAGS[:2], *options, "-c", file, "-o", "size.o"]
    subprocess.run(command, cwd=path, check=True)
    tool = core.compiler[0].replace("gcc", "size")
    said = subprocess.run([tool, "-A", "size.o"], cwd=path, check=True, capture_output=True)
    cells = [line.split() for line in said.stdout.decode().splitlines()]
    return sum(int(c[1]) for c in cells if c and c[0].startswith(".text"))


def _run(path: Path, core: Core, steps: int, options: tuple[str, ...]) -> Counter[str]:
    sources = sorted(file.name for file in path.glob("*.c"))
    command = [*core.compiler, *FLAGS, *options, f"-DSTEPS={steps}", "-T", "machine.ld"]
    subprocess.run([*command, *sources, "-o", "a.elf"], cwd=path, check=True)
    qemu = [*core.machine, "-kernel", "a.elf", "-nographic", "-monitor", "none", "-serial", "none"]
    qemu += ["-semihosting-config", "enable=on,target=native"]
    qemu += ["-plugin", "./count.so,out=counts"]
    subprocess.run(qemu, cwd=path, check=True, timeout=120, stdin=subprocess.DEVNULL)
    lines = (path / "counts").read_text().splitlines()
    return Counter({name: int(n) for name, n in (line.split() for line in lines)})
