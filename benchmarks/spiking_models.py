"""Error of a memory on neurons against their number: docs/results/spiking_models.md.

    python benchmarks/spiking_models.py

Writes docs/images/spiking_error.svg too. Five kinds of neurons in float64 (`spiking_neurons.py`).
Programs run in compiled C. Some minutes; --quick takes d = 6 and prints only.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from spiking_neurons import (
    MODELS,
    PREDICTED,
    Array,
    Errors,
    Memory,
    inputs,
    make_memory,
    measure,
    predict,
)

import lmu_hw as lh
from lmu_hw.program.fixedpoint import from_real, to_real
from lmu_hw.program.integer_program import Program, Role

DOCS = Path(__file__).resolve().parent.parent / "docs"
THETA, WINDOWS, SEEDS = 256, 34, 8
"""Window [samples], windows of an input, inputs."""
ORDERS = (6, 12, 24)
NEURONS = 96 * 2.0 ** np.arange(11)
"""Neurons m of all populations together; a power of two in each population, for every order."""
GOAL = 0.01
"""Error of the comparison at equal error."""
IN_WORDS = NEURONS[::2]
"""Neurons of the programs that run."""
PROGRAMS = {"Poisson": "poisson", "integrate-and-fire": "integrate-fire"}
"""Models that programs have, by their names here."""
BITS = 22
"""Width of the programs' outputs, so that spikes make the error and not the rounding."""
SMALL = 0.3
"""Error up to which the slope is fitted as well: noise of that size is not yet its own source."""
LONGER = {256: 34, 1024: 10, 2048: 10}
"""Longer windows [samples], and how many of them an input has."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """Error of one kind of neurons on one memory, at each of `NEURONS`.

    Attributes
    ----------
    errors : Errors
    predicted : float array, shape (n_sizes,), or None
    """

    errors: Errors
    predicted: Array | None

    @property
    def mean(self) -> Array:
        """RMS of the seeds' errors."""
        return np.asarray(np.sqrt(np.square(self.errors.nrmse).mean(axis=1)))

    def slope(self, largest: float = np.inf) -> str:
        """Return mean and range of the seeds' slopes, of errors up to the largest."""
        return slope_text(NEURONS, self.errors.nrmse, largest)

    def at(self, goal: float) -> tuple[float, float, bool]:
        """Return neurons and spikes a step for an error, and whether they are extrapolated."""
        x, y = np.log(NEURONS[-4:]), np.log(self.mean[-4:])
        beyond = goal < self.mean.min()
        if beyond:
            slope, start = np.polyfit(x, y, 1)
            m = float(np.exp((np.log(goal) - start) / slope))
        else:
            m = float(np.exp(np.interp(-np.log(goal), -np.log(self.mean), np.log(NEURONS))))
        events = np.exp(np.interp(np.log(m), np.log(NEURONS), np.log(self.errors.events)))
        if beyond:
            # spikes a neuron stay what they are
            events *= m / NEURONS[-1]
        return m, float(events), beyond


def slope_text(m: Array, nrmse: Array, largest: float = np.inf) -> str:
    """Return mean and range of the slopes of log error over log m, of errors up to the largest."""
    use = nrmse.max(axis=1) <= largest
    if use.sum() < 3:
        return "-"
    slopes = np.polyfit(np.log(m[use]), np.log(nrmse[use]), 1)[0]
    return f"{slopes.mean():.3f} ({slopes.min():.2f} .. {slopes.max():.2f})"


def curve(name: str, memory: Memory, full: Array) -> Curve:
    """Measure one kind of neurons on one memory."""
    sizes = NEURONS / (2 * memory.order)
    u = inputs(memory, WINDOWS, SEEDS)
    predicted = predict(name, memory, full, sizes, u) if name in PREDICTED else None
    return Curve(errors=measure(name, memory, full, sizes, u), predicted=predicted)


def slope_table(curves: dict[tuple[int, str], Curve], orders: tuple[int, ...]) -> list[str]:
    """Return the table of slopes and of errors over their prediction."""
    heads = [f"d = {d}" for d in orders]
    lines = [
        "| neurons | slope: " + " | ".join(heads) + f" | error up to {SMALL:g}: "
        "" + " | ".join(heads) + " | measured / predicted |",
        "|" + "---|" * (2 + 2 * len(orders)),
    ]
    for name in MODELS:
        mine = [curves[d, name] for d in orders]
        ratios = [c.mean / c.predicted for c in mine if c.predicted is not None]
        near = "-"
        if ratios:
            near = f"{np.min(ratios):.2f} .. {np.max(ratios):.2f}"
        cells = [c.slope() for c in mine] + [c.slope(SMALL) for c in mine]
        lines.append(f"| {name} | {' | '.join(cells)} | {near} |")
    return lines


def error_table(curves: dict[tuple[int, str], Curve], orders: tuple[int, ...]) -> list[str]:
    """Return the table of errors at equal m, and of neurons and spikes at equal error."""
    at = int(np.argmin(np.abs(NEURONS - 3072)))
    lines = [
        f"| neurons | d | NRMSE at m = {NEURONS[at]:.0f} | spikes a step there "
        f"| m for {100 * GOAL:g} % | spikes a step there |",
        "|---|---|---|---|---|---|",
    ]
    for name in MODELS:
        for d in orders:
            c = curves[d, name]
            m, events, beyond = c.at(GOAL)
            mark = " (extrapolated)" if beyond else ""
            lines.append(
                f"| {name} | {d} | {c.mean[at]:.3g} | {c.errors.events[at]:.3g} "
                f"| {float(f'{m:.3g}'):,.0f}{mark} | {float(f'{events:.3g}'):,g} |"
            )
    return lines


@dataclass(frozen=True, eq=False, kw_only=True)
class ProgramErrors:
    """NRMSE of programs, measured on each input and predicted, at each of `IN_WORDS`."""

    nrmse: Array
    predicted: Array

    @property
    def mean(self) -> Array:
        """RMS of the inputs' errors."""
        return np.asarray(np.sqrt(np.square(self.nrmse).mean(axis=1)))


def program_errors(name: str, memory: Memory) -> ProgramErrors:
    """Run programs of one kind of neurons on the inputs, in compiled C."""
    found, predicted = [], []
    order = memory.order
    u = inputs(memory, WINDOWS, SEEDS)
    unit = np.sqrt(2.0 * np.arange(order) + 1.0)
    float_memory = lh.Memory(order, theta=THETA)
    exact = np.stack([float_memory.simulate(row) for row in u.T], axis=1)[2 * THETA :] / unit
    power = np.square(exact).mean(axis=(0, 2))
    for m in IN_WORDS:
        neurons = {"neurons": int(m), "neuron_model": PROGRAMS[name]}
        design = lh.compile(float_memory, bits=BITS, realization="spiking", neurons=neurons)
        program = design.program
        words, _ = from_real(u, program.vector("u").fmt)
        state = start(program, SEEDS, np.random.default_rng(int(m)))
        y = design.run(words[:, :, None], state=state).outputs[2 * THETA :, :, :order]
        wrong = to_real(y, program.vector("y").fmt) / unit - exact
        found.append(np.sqrt(np.square(wrong).mean(axis=(0, 2)) / power))
        predicted.append(design.quantized.neurons.nrmse)
    return ProgramErrors(nrmse=np.array(found), predicted=np.array(predicted))


def start(program: Program, n_streams: int, rng: np.random.Generator) -> np.ndarray:
    """Return states of reset, but for generators, whose numbers differ from stream to stream."""
    parts = [
        rng.integers(0, 1 << 32, (n_streams, v.length))
        if v.name == "generators"
        else np.zeros((n_streams, v.length), dtype=np.int64)
        for v in program.with_role(Role.STATE)
    ]
    return np.concatenate(parts, axis=1)


def program_table(found: dict[tuple[int, str], ProgramErrors]) -> list[str]:
    """Return the table of programs: slopes, errors, errors over predictions."""
    lines = [
        "| neurons | d | slope | error up to "
        f"{SMALL:g} | NRMSE at m = {IN_WORDS[0]:.0f} | at {IN_WORDS[-1]:.0f} "
        "| measured / predicted |",
        "|---|---|---|---|---|---|---|",
    ]
    for (d, name), errors in found.items():
        ratios = errors.mean / errors.predicted
        lines.append(
            f"| {name} | {d} | {slope_text(IN_WORDS, errors.nrmse)} "
            f"| {slope_text(IN_WORDS, errors.nrmse, SMALL)} | {errors.mean[0]:.3g} "
            f"| {errors.mean[-1]:.3g} | {ratios.min():.2f} .. {ratios.max():.2f} |"
        )
    return lines


def full_scale_line(memory: Memory, octave: dict[str, Curve]) -> str:
    """Return a line of the table on the price of full scales that are powers of two."""
    at, cells = len(NEURONS) // 2, []
    for name, slope in (("Poisson", 0.5), ("integrate-and-fire", 1.0)):
        exact = curve(name, memory, memory.peak)
        ratio = (octave[name].mean[at] / exact.mean[at]) ** (1 / slope)
        cells += [f"{exact.mean[at]:.3g}", f"{octave[name].mean[at]:.3g}", f"{ratio:.2f}"]
    return f"| {memory.order} | {' | '.join(cells)} |"


def window_lines() -> list[str]:
    """Return lines of the table on Poisson neurons at the largest order: full scales, windows."""
    lines = []
    for theta, windows in LONGER.items():
        memory = make_memory(ORDERS[-1], theta)
        u = inputs(memory, windows, SEEDS)
        for about, full in (("power of two", memory.octaves), ("exact", memory.peak)):
            found = measure("Poisson", memory, full, NEURONS / (2 * memory.order), u).nrmse
            error = np.sqrt(np.square(found[0]).mean())
            lines.append(f"| {theta} | {about} | {error:.3g} | {slope_text(NEURONS, found)} |")
    return lines


def draw(
    path: Path,
    curves: dict[tuple[int, str], Curve],
    programs: dict[tuple[int, str], ProgramErrors],
) -> None:
    """Draw the error over the number of neurons, a panel for each order."""
    mpl.rcParams["svg.hashsalt"] = "lmu-hw"
    mpl.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(1, 3, figsize=(12.5, 4.6), sharey=True, layout="constrained")
    for ax, d in zip(axes, ORDERS, strict=True):
        for i, name in enumerate(MODELS):
            c = curves[d, name]
            ax.loglog(NEURONS, c.mean, "o-", color=f"C{i}", markersize=3, label=name)
            if c.predicted is not None:
                ax.loglog(NEURONS, c.predicted, "--", color="black", linewidth=0.8)
            if (d, name) in programs:
                ax.loglog(IN_WORDS, programs[d, name].mean, "s", color=f"C{i}", fillstyle="none")
        ax.set(title=f"d = {d}", xlabel="neurons m")
        ax.grid(visible=True, which="major", alpha=0.3)
    axes[0].plot([], [], "k--", linewidth=0.8, label="predicted")
    axes[0].plot([], [], "ks", fillstyle="none", label="in words")
    axes[0].set(ylabel="NRMSE of the memory")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=7, frameon=False
    )
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


HEAD = f"""\
# Neurons: how the error falls with their number

A memory of order d has H neurons for either sign of each state, m = 2 d H in all, and its sections
read spikes instead of states: one spike stands for full scale / H. Here several kinds of neurons
run in float64 on the same chain of sections, next to the float64 zoh memory. Repeat:
`python benchmarks/spiking_models.py`, which writes this page and the picture.

- *Poisson*: every neuron fires at random and independently. In programs: `poisson`.
- *one draw a population*: the H neurons of a population share one random number r a step; neuron j
  compares with (r + j / H) mod 1.
- *integrate-and-fire*: neurons add up their inputs; the H phases are equally spaced, so that
  together they are one accumulator. In programs: `integrate-fire`.
- *send-on-delta*: a spike says that the state moved by a quantum from what was sent last; *half
  delta*: by half a quantum, so that what is sent is the rounded state.

The input is white noise of RMS 0.3 up to d / 6 periods in a window of {THETA} samples: {SEEDS}
inputs of {WINDOWS} windows, the first two not counted. NRMSE: RMS error over RMS value of the
memory, in orthonormal coordinates. Full scales are powers of two, as in programs. The number of
neurons m is from {NEURONS[0]:.0f} to {NEURONS[-1]:.0f}.

![error over the number of neurons](../images/spiking_error.svg)

## Slopes

Slope of log error over log m: mean, and range of the {SEEDS} inputs.

"""
ABOUT_SLOPES = f"""
- Independent noise falls with the square root of m. Where it is as large as the signal, it makes
  neurons fire more, and so adds to itself: the slope of Poisson neurons is steeper there, most at
  d = 24, whose error is above 100 % for the smallest m. The prediction includes this. Of errors
  up to {SMALL:g} the slope is -1/2 for every order, and it is with a longer window (below).
- Integrate-and-fire neurons keep the residue of their accumulator, so that errors cancel a step
  later: slope -1, and a far smaller error at the same m.
- A send-on-delta neuron lags behind slow changes by up to a quantum, and the lag does not average
  out. With half the threshold there is no lag.
- *Predicted*: noise gain of every source, see `predict` in `benchmarks/spiking_neurons.py`.

## Errors and spikes

"""
ABOUT_ERRORS = """
At equal error, send-on-half-delta sends the fewest spikes, and integrate-and-fire needs the fewest
neurons. But all of them also need the d multiplies a step of the plain cascade, which has no such
error: on an FPGA or a microcontroller neurons save nothing.

## In words

Programs on the same inputs, with the prediction of `generate`; squares in the picture. Full scales
of integrate-and-fire programs also hold the worst case of the spikes themselves, so that at small m
some are an octave larger: their slopes may be a little beyond -1.

"""
ABOUT_SCALES = """
## Full scales

With full scales that are powers of two some neurons never fire. What exact full scales, the largest
magnitudes of the states, would save:

| d | Poisson, exact | power of two | neurons | integrate-and-fire, exact | power of two | neurons |
|---|---|---|---|---|---|---|
"""
ABOUT_WINDOWS = f"""
## Longer windows

Errors fall with the square root of the window, too. At d = {ORDERS[-1]} they are over 100 % for the
smallest m. Exact full scales do not bring the slope over all m to -1/2, longer windows do.

| window [samples] | full scales | NRMSE at m = {NEURONS[0]:.0f} | slope |
|---|---|---|---|
"""


def main() -> None:
    """Print the tables; write page and picture too, unless --quick."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--quick", action="store_true", help="d = 6, printed only")
    quick = args.parse_args().quick
    orders = ORDERS[:1] if quick else ORDERS
    memories = {d: make_memory(d, THETA) for d in orders}
    curves = {
        (d, name): curve(name, memory, memory.octaves)
        for d, memory in memories.items()
        for name in MODELS
    }
    tables = [slope_table(curves, orders), error_table(curves, orders)]
    scales = [
        full_scale_line(memory, {name: curves[d, name] for name in MODELS})
        for d, memory in memories.items()
    ]
    programs = {
        (d, name): program_errors(name, memory)
        for name in PROGRAMS
        for d, memory in memories.items()
    }
    tables.append(program_table(programs))
    longer = [] if quick else window_lines()
    print("\n".join([*tables[0], *tables[1], *tables[2], *scales, *longer]))
    if not quick:
        parts = [HEAD, "\n".join(tables[0]), "\n", ABOUT_SLOPES, "\n".join(tables[1]), "\n"]
        parts += [ABOUT_ERRORS, "\n".join(tables[2]), "\n", ABOUT_SCALES, "\n".join(scales), "\n"]
        parts += [ABOUT_WINDOWS, "\n".join(longer), "\n"]
        page = "".join(parts)
        (DOCS / "results" / "spiking_models.md").write_text(page)
        draw(DOCS / "images" / "spiking_error.svg", curves, programs)


if __name__ == "__main__":
    main()
