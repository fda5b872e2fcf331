"""Cost and accuracy of memories that output m: zoh and bilinear cascades against ladders.

Writes docs/results/ladder.md and docs/images/delay_error.svg. Takes some minutes; --quick takes d
up to 16 and prints only.

It reads signals inside a design, so it imports the quantizer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter

from lmu_hw.errors import SpecError
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.delay_error import delay_error
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer, LMUSpec, RealizationKind
from lmu_hw.program.fixedpoint import MAX_WORD_BITS, from_real, to_real
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.size import ram_bits, rom_bits
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory

DOCS = Path(__file__).resolve().parent.parent / "docs"
SIZES = [(6, 48), (6, 100), (16, 128), (16, 256), (64, 512), (64, 784), (256, 2048), (256, 4096)]
BITS = (12, 16, 20)
INTERPRETED_STEPS = 48
"""Steps that the interpreter runs too, to check the compiled C."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """A way to compute a memory."""

    name: str
    discretizer: Discretizer
    realization: RealizationKind
    substeps: int = 1

    def spec(self, order: int, theta: float, bits: int = 16) -> LMUSpec:
        """Return the specification of a memory computed in this way."""
        return LMUSpec(
            order=order,
            theta=float(theta),
            bits=bits,
            discretizer=self.discretizer,
            realization=self.realization,
            substeps=self.substeps,
        )


ZOH, BILINEAR = Discretizer.ZOH, Discretizer.BILINEAR
CASCADE, LADDER = RealizationKind.CASCADE, RealizationKind.LADDER
DESIGNS = [
    Design(name="zoh cascade", discretizer=ZOH, realization=CASCADE),
    Design(name="bilinear cascade", discretizer=BILINEAR, realization=CASCADE),
    Design(name="ladder", discretizer=BILINEAR, realization=LADDER),
    Design(name="ladder, K = 4", discretizer=BILINEAR, realization=LADDER, substeps=4),
]
ZOH_WAY = DESIGNS[0]
INSIDE = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Taps away from the ends of the window."""
CURVES = [("zoh", ZOH_WAY), ("bilinear, K = 1", DESIGNS[2])] + [
    (f"K = {k}", Design(name="", discretizer=BILINEAR, realization=LADDER, substeps=k))
    for k in (2, 4, 8)
]


def inputs_of(n_steps: int, theta: int) -> np.ndarray:
    """Return white noise, a square wave and a constant, one column each, |u| <= 1."""
    white = np.random.default_rng(1).uniform(-1, 1, n_steps)
    square = np.where((np.arange(n_steps) // max(1, theta // 2)) % 2, 1.0, -1.0)
    return np.stack([white, square, np.full(n_steps, 0.7654321)], axis=1)


def measure(design: QuantizedMemory) -> np.ndarray:
    """Return the RMS error of the worst output word [LSB] for each input, from theta on."""
    spec, program = design.spec, design.program
    theta = int(spec.theta)
    # twice the window shows errors that build up; a window that is long in itself is enough once
    n_steps = 3 * theta if theta < 1000 else 2 * theta
    fmt_u, fmt_y = program.with_role(Role.INPUT)[0].fmt, program.with_role(Role.OUTPUT)[0].fmt
    words, _ = from_real(inputs_of(n_steps, theta), fmt_u)
    got = BulkEngine(program, words.shape[1]).run(words[:, :, None])
    start = words[:INTERPRETED_STEPS, :, None]
    if not np.array_equal(Interpreter(program, words.shape[1]).run(start), got[: len(start)]):
        sys.exit(f"{program.title}: compiled C and the interpreter differ")
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    wanted = run_memory(system, to_real(words, fmt_u))
    error = (to_real(got, fmt_y) - wanted)[theta:]
    return np.asarray(np.sqrt(np.mean(error**2, axis=0)).max(axis=1) / fmt_y.lsb)


def rows(sizes: list[tuple[int, int]]) -> Iterator[str]:
    """Yield the rows of the table."""
    for order, theta in sizes:
        for bits in BITS:
            for way in DESIGNS:
                head = f"| {order}, {theta} | {bits} | {way.name} "
                try:
                    design = quantize_memory(way.spec(order, theta, bits))
                except SpecError as error:
                    why = "too wide" if f"{MAX_WORD_BITS} bits" in str(error) else "over budget"
                    yield head + f"| - | - | - | - | - | - | {why} |"
                    continue
                program = design.program
                errors = " / ".join(f"{error:.2f}" for error in measure(design))
                yield head + (
                    f"| {program.multiplies_per_step:,} | {design.coef_bits}/{design.weight_bits} "
                    f"| {design.state_bits} | {rom_bits(program):,} | {ram_bits(program):,} "
                    f"| {design.error:.2f} | {errors} |"
                )


def draw(path: Path) -> None:
    """Draw the delay error over the bandwidth."""
    mpl.rcParams["svg.hashsalt"] = "lmu-hw"
    mpl.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 4.0), sharey=True, layout="constrained")
    for ax, (order, theta) in zip(axes, [(64, 512), (16, 128)], strict=True):
        periods = np.geomspace(0.5, 0.4 * order, 40)
        for name, way in CURVES:
            spec = way.spec(order, theta)
            errors = [100 * delay_error(spec, p / theta) for p in periods]
            ax.loglog(periods, errors, label=name, linestyle="--" if name == "zoh" else "-")
        held = [100 * delay_error(ZOH_WAY.spec(order, theta), p / theta, INSIDE) for p in periods]
        ax.loglog(periods, held, "k:", label="zoh, 10 to 90 % of the window")
        ax.set(title=f"d = {order}, theta = {theta}", xlabel="f theta: periods in the window")
        ax.set_xticks([t for t in (0.5, 1, 2, 4, 8, 16) if t < 0.4 * order], minor=False)
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.grid(visible=True, which="major", alpha=0.3)
    axes[0].set(ylabel="error of decoded delays [%]", ylim=(1e-3, 100))
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def error_rows() -> Iterator[str]:
    """Yield the rows of the table of delay errors."""
    cases = [(64, 512, 3.2), (64, 512, 6.4), (64, 512, 12.8), (64, 784, 6.4), (16, 128, 1.6)]
    for order, theta, periods in [*cases, (16, 128, 3.2), (6, 100, 0.5)]:
        specs = [way.spec(order, theta) for _, way in CURVES]
        whole = " | ".join(f"{100 * delay_error(s, periods / theta):.3f}" for s in specs)
        inside = delay_error(specs[0], periods / theta, INSIDE)
        yield f"| {order}, {theta} | {periods} | {100 * inside:.3f} | {whole} |"


HEAD = """\
# The ladder

Cost and accuracy of memories that output m itself (`--output memory`). The
[cascade](../explanation/cascade.md) reads m with d^2 multiplies; the state of the bilinear
[ladder](../explanation/ladder.md) is m but for a factor a word.

Repeat: `python benchmarks/ladder.py` (some minutes), which writes this page and the picture.

## Cost and error

- *Coefficients*: bits of those of the recursion / of the readout. ROM, RAM: constants and words
  of the program [bits].
- *Predicted*: RMS error of the worst output word for the worst input [LSB of the output].
- *Measured*: the same for white noise / a square wave of period theta / a constant, |u| <= 1,
  against the float64 memory of the same discretizer fed the same words; from theta to 3 theta
  (2 theta for windows above 1,000). The compiled C runs, and its first words are compared with
  the interpreter's.
- *K*: substeps. *too wide*: an intermediate word would need more than 63 bits. *over budget*: no
  width of coefficients and state keeps the error budget.

| d, theta | bits | design | multiplies | coefficients | state | ROM | RAM | predicted | measured |
|---|---|---|---|---|---|---|---|---|---|
"""
TAIL = """
## Error of decoded delays

The words of a ladder are as close to their float64 memory as those of a cascade. What differs is
how close that memory is to the true delay: here the NRMSE of decoded delays in float64, in percent,
for input with a flat spectrum up to f cycles a sample. `lmu-hw delays` prints it for any memory.
f theta is the number of periods of the highest frequency in the window. A constant lead of half a
sample (zoh, and bilinear with K = 1) is no error; with K > 1 there is none.

![error of decoded delays over bandwidth](../images/delay_error.svg)

| d, theta | f theta | zoh, 10 to 90 % of the window | zoh | bilinear | K = 2 | K = 4 | K = 8 |
|---|---|---|---|---|---|---|---|
"""
NOTES = """
- *Bilinear* warps frequencies: w becomes 2 K tan(w / 2 K), so that the phase of a delay D is wrong
  by D w^3 / (12 K^2). Doubling K divides the error by four, until the droop of the interpolated
  input, (pi f)^2 / 3, is left.
- *zoh* has only the droop of the held input, (pi f)^2 / 6, but for the newest half sample of the
  window: tap 0 reads half a sample ahead of the input, which nothing can decode. That is most of
  its error over the whole window.
- Where all curves meet, the window holds more periods than d coefficients resolve.
"""


def main() -> None:
    """Print the tables; write them and draw the picture too, unless --quick."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--quick", action="store_true", help="d up to 16, printed only")
    quick = args.parse_args().quick
    page = HEAD
    for row in rows([size for size in SIZES if not quick or size[0] <= 16]):
        print(row, flush=True)
        page += row + "\n"
    page += TAIL
    for row in error_rows():
        print(row, flush=True)
        page += row + "\n"
    page += NOTES
    if not quick:
        (DOCS / "results" / "ladder.md").write_text(page)
        draw(DOCS / "images" / "delay_error.svg")


if __name__ == "__main__":
    main()
