"""Instructions that the generated C takes on microcontrollers: docs/firmware.md.

    PYTHONPATH=. python benchmarks/firmware.py

Cross compilers and QEMU are needed. Every run compares the words of its steps with the
interpreter's. Counts are exact, of executed instructions: QEMU knows no pipeline.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.bulk_speed import network
from benchmarks.firmware_cores import CORES, STEPS, c_rows, count, instructions
from lmu_hw.calibrate import Calibration
from lmu_hw.fixedpoint import QFormat
from lmu_hw.pace import with_output_every
from lmu_hw.program import Linear, Program, Role, Vector
from lmu_hw.quantize import quantize
from lmu_hw.spec import parse
from lmu_hw.widths import Widths

TABLE = Path(__file__).parent.parent / "docs" / "firmware.md"
ROWS, COLUMNS = 212, 468
"""The hidden layer of the psMNIST network: 212 units, 256 words of memory and 212 of its own."""
CMSIS_NN = {"m4": 2.49, "m3": 5.11}
"""Of arm_nn_vec_mat_mult_t with 16-bit activations and 8-bit weights, same size and compiler."""
SEPARATE = "-fno-inline"
"""Keeps operations apart, so that each has a count of its own."""

PLAIN = """
#include <arm_acle.h>
#include <stddef.h>
#include <stdint.h>

/* Four rows a pass as in lmu_kernels.h, but a byte for each weight: SXTB16 makes halves of them. */
static inline __attribute__((always_inline)) uint32_t next(const void **p)
{
    uint32_t word;

    __asm__ volatile("ldr %0, [%1], #4" : "=r"(word), "+r"(*p) : : "memory");
    return word;
}

static inline __attribute__((always_inline)) int32_t four(
    int32_t sum, const void **row, uint32_t even, uint32_t odd)
{
    const uint32_t w = next(row);
    int32_t high;

    __asm__("sxtb16 %0, %1, ror #8" : "=r"(high) : "r"(w));
    sum = __smlad((int32_t)__sxtb16((int8x4_t)w), (int32_t)even, sum);
    return __smlad(high, (int32_t)odd, sum);
}

void plain(int32_t *dots, size_t n_rows, const int8_t *rows, const int16_t *x, size_t n);
void plain(int32_t *dots, size_t n_rows, const int8_t *rows, const int16_t *x, size_t n)
{
    for (size_t r = 0; r < n_rows; r += 4, dots += 4) {
        const void *a = rows + r * n, *b = rows + (r + 1) * n;
        const void *c = rows + (r + 2) * n, *d = rows + (r + 3) * n, *v = x;
        int32_t sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;

        while (v != x + n) {
            const uint32_t even = next(&v), odd = next(&v);

            sum_a = four(sum_a, &a, even, odd);
            sum_b = four(sum_b, &b, even, odd);
            sum_c = four(sum_c, &c, even, odd);
            sum_d = four(sum_d, &d, even, odd);
        }
        dots[0] = sum_a;
        dots[1] = sum_b;
        dots[2] = sum_c;
        dots[3] = sum_d;
    }
}
"""
PLAIN_MAIN = """
#include <stddef.h>
#include <stdint.h>

void plain(int32_t *dots, size_t n_rows, const int8_t *rows, const int16_t *x, size_t n);
static const int8_t rows[][{columns}] __attribute__((aligned(4))) = {{
{rows}
}};
static const int16_t x[][{columns}] = {{
{x}
}};
static const int32_t expected[][{n_rows}] = {{
{expected}
}};
static int32_t dots[{n_rows}];

int main(void)
{{
    int wrong = 0;

    for (size_t t = 0; t < STEPS; t++) {{
        plain(dots, {n_rows}, rows[0], x[t], {columns});
        for (size_t r = 0; r < {n_rows}; r++) {{
            wrong |= dots[r] != expected[t][r];
        }}
    }}
    return wrong;
}}
"""


def weights(bits: int) -> np.ndarray:
    """Return random rows, the largest weight of each at its limit."""
    rows = np.random.default_rng(0).standard_normal((ROWS, COLUMNS))
    peak = np.abs(rows).max(axis=1, keepdims=True)
    return np.rint(rows / peak * ((1 << bits - 1) - 1)).astype(int)


def affine(bits: int) -> Program:
    """Return 212 rows of 468 weights and words of 16 bits, in and out."""
    fmt = QFormat(1, 15)
    vectors = (
        Vector(name="x", length=COLUMNS, role=Role.INPUT, fmt=fmt),
        Vector(name="unused", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=ROWS, role=Role.OUTPUT, fmt=fmt),
    )
    op = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=tuple(tuple(int(w) for w in row) for row in weights(bits)),
        aligns=(0,),
        biases=(0,) * ROWS,
        multipliers=(1,) * ROWS,
        shifts=(bits + 5,) * ROWS,
    )
    return Program(title="affine", vectors=vectors, ops=(op,))


def memory(**keys: object) -> Program:
    """Return a memory alone, its state as output."""
    return quantize(parse({"bits": 16, "output": "state", **keys})).program


def psmnist() -> Program:
    """Return the paper's network, random weights of 8 bits, with an output at every step."""
    x = np.random.default_rng(1).random((64, 784))
    design = Calibration(network(), x[:, :, None]).design(Widths(weight_bits=8), title="benchmark")
    return with_output_every(design.program, 1)


def stimulus(program: Program) -> np.ndarray:
    """Return words of half the range, shape (1 + STEPS, n_in)."""
    rng = np.random.default_rng(1)
    fmts = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    low, high = [f.min // 2 for f in fmts], [f.max // 2 for f in fmts]
    return rng.integers(low, high, (1 + STEPS, len(fmts)))


def counts(program: Program, core: str, *options: str) -> tuple[Counter[str], int]:
    """Return the instructions of a step by function, and the bytes of code."""
    return instructions(program, CORES[core], stimulus(program), *options)


def per_mac(bits: int, core: str) -> float:
    """Return the instructions of a multiply-accumulate, everything around it included."""
    total, _ = counts(affine(bits), core)
    return sum(total.values()) / (ROWS * COLUMNS)


def plain_per_mac() -> float:
    """Return the same for a byte a weight and SXTB16, on M4."""
    rows, x = weights(8), np.random.default_rng(1).integers(-(1 << 14), 1 << 14, (5, COLUMNS))
    order = np.arange(COLUMNS).reshape(-1, 2, 2).transpose(0, 2, 1).ravel()
    text = PLAIN_MAIN.format(
        columns=COLUMNS,
        n_rows=ROWS,
        rows=c_rows(rows[:, order]),
        x=c_rows(x),
        expected=c_rows(x @ rows.T),
    )
    total, _ = count({"main.c": text, "plain.c": PLAIN}, "plain.c", CORES["m4"])
    return sum(total.values()) / (ROWS * COLUMNS)


def memories() -> list[tuple[str, Program]]:
    """Return memories with what to call them."""
    return [
        ("cascade, d = 64", memory(order=64)),
        ("cascade, d = 64, words of 32 bits in full", memory(order=64, state_bits=32)),
        ("cascade, d = 256", memory(order=256)),
        ("dense, d = 64", memory(order=64, realization="dense")),
    ]


def main() -> None:
    """Count everything and write the table."""
    cores = ("m4", "m3", "m0", "rv32")
    lines = [HEAD, "| weights | M4 | M3 | M0 | rv32imc |", "|---|---|---|---|---|"]
    for bits in (8, 4, 16):
        cells = [f"{per_mac(bits, core):.2f}" for core in cores]
        lines.append(f"| {bits} bits | {' | '.join(cells)} |")
    lines.append(f"| CMSIS-NN, 8 bits | {CMSIS_NN['m4']} | {CMSIS_NN['m3']} | | |")
    lines.append(f"| 8 bits, a byte each, SXTB16 and SMLAD | {plain_per_mac():.2f} | | | |")
    lines += [
        MEMORIES,
        "| memory | M4 | M3 | M0 | rv32imc | step on M4 |",
        "|---|---|---|---|---|---|",
    ]
    for name, program in memories():
        found = [counts(program, core, SEPARATE)[0] for core in cores]
        kinds = ("lmu_cascade", "lmu_dense", "__aeabi_lmul")
        # compilers add to the names of copies that they make for constant arguments
        alone = [sum(n for k, n in c.items() if k.split(".")[0] in kinds) for c in found]
        lines.append(f"| {name} | {' | '.join(map(str, alone))} | {sum(found[0].values())} |")
    program = psmnist()
    lines += [NETWORK, "| core | a step | code, bytes |", "|---|---|---|"]
    for core in ("m4", "m3", "rv32"):
        total, code = counts(program, core)
        lines.append(f"| {core} | {sum(total.values())} | {code} |")
    TABLE.write_text("\n".join(lines) + "\n")
    print(TABLE.read_text())


HEAD = f"""# Instructions on microcontrollers

Executed instructions of the generated C, counted in QEMU by `PYTHONPATH=. python
benchmarks/firmware.py`: gcc 12, -O2, Cortex-M4 with its DSP instructions, the others in plain C.
They are not cycles. The words of every step are compared with the interpreter's.

## Matrix times vector

{ROWS} x {COLUMNS} weights, activations of 16 bits; instructions per multiply-accumulate, the
rounding of the results included. CMSIS-NN's is its kernel for the same types. The last line takes
as many rows in a pass, but stores a byte for each weight: two instructions more for four products.
"""
MEMORIES = """
## Memories

16-bit input; instructions of the memory's own function in a step that is not silent. The last
column adds the rounding of the state to 16-bit outputs.
"""
NETWORK = """
## psMNIST network

d = 256, n = 212, 10 classes, 8-bit weights, an output at every step: 102,017 weights.
"""


if __name__ == "__main__":
    main()
