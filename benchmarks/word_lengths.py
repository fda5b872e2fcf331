"""Accuracy against word length: the error budget of --bits, and SNR at given widths.

Writes docs/results/word_lengths.md. Takes some minutes; --quick leaves the large cases out.

It reads signals inside a design, so it imports the quantizer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lmu_hw.errors import LMUHWError
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import band_limited_noise, run_memory
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer, LMUSpec, OutputKind, RealizationKind
from lmu_hw.program.fixedpoint import from_real, to_real
from lmu_hw.program.integer_program import Role
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory

CASES = [(6, 100), (16, 256), (64, 128), (64, 512), (64, 784), (128, 784), (256, 784)]
WIDTHS = [
    # d, theta, state bits, coefficient bits, SNR of the dense form and of the 4 d cascade
    (6, 100, 16, 16, 60.9, 65.1),
    (16, 256, 24, 16, 80.7, 97.1),
    (64, 128, 16, 8, 24.7, 51.0),
    (64, 128, 24, 16, 72.1, 98.0),
    (64, 784, 16, 16, 38.9, 46.5),
    (64, 784, 24, 8, 22.7, 38.1),
    (64, 784, 24, 16, 67.8, 84.5),
    (128, 784, 24, 16, 66.4, 83.6),
]


def inputs_of(n_steps: int, theta: float, order: int) -> np.ndarray:
    """Return one column for each kind of input, |u| <= 1."""
    rng = np.random.default_rng(1)
    t = np.arange(n_steps)
    return np.stack(
        [
            band_limited_noise(n_steps, min(0.49, order / theta / 4), rng),
            rng.uniform(-1, 1, n_steps),
            np.where((t // max(1, int(theta) // 2)) % 2, 1.0, -1.0),
            np.sin(2 * np.pi * t / theta),
            np.full(n_steps, 0.7654321),
            0.01 * np.sin(2 * np.pi * 1.7 * t / theta),
        ],
        axis=1,
    )


KINDS = "band-limited, white, square, sine, constant, 1 % sine"


def measure(design: QuantizedMemory) -> tuple[np.ndarray, np.ndarray]:
    """Return RMS errors [LSB] and the signal's RMS, each (kind, word), for --output memory."""
    spec = design.spec
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer)
    start, n_steps = int(spec.theta), 3 * int(spec.theta)
    fmt_u = design.program.with_role(Role.INPUT)[0].fmt
    words, _ = from_real(inputs_of(n_steps, spec.theta, spec.order), fmt_u)
    engine = BulkEngine(design.program, words.shape[1])
    fmt_y = design.program.with_role(Role.OUTPUT)[0].fmt
    got = to_real(engine.run(words[:, :, None]), fmt_y)[start:]
    wanted = run_memory(system, to_real(words, fmt_u))[start:]
    return np.sqrt(np.mean((got - wanted) ** 2, axis=0)) / fmt_y.lsb, np.sqrt(
        np.mean(wanted**2, axis=0)
    )


def budget_rows(cases: list[tuple[int, int]]) -> Iterator[str]:
    """Yield the rows of the table of the error budget."""
    for order, theta in cases:
        for bits in (12, 16, 20):
            for kind in (RealizationKind.CASCADE, RealizationKind.DENSE):
                spec = LMUSpec(order=order, theta=float(theta), bits=bits, realization=kind)
                head = f"| {order}, {theta} | {bits} | {kind.value} "
                try:
                    design = quantize_memory(spec)
                except LMUHWError:
                    yield head + "| - | - | - | - | - | fails |"
                    continue
                error, signal = measure(design)
                scale = np.sqrt(2 * np.arange(order) + 1)
                lsb = design.program.with_role(Role.OUTPUT)[0].fmt.lsb
                snr = 10 * np.log10(
                    np.sum((signal[0] / scale) ** 2) / np.sum((error[0] * lsb / scale) ** 2)
                )
                yield head + (
                    f"| {design.state_bits} | {design.coef_bits}/{design.weight_bits} "
                    f"| {design.program.multiplies_per_step} | {snr:.1f} "
                    f"| {design.error:.2f} | {error.max():.2f} |"
                )


def snr_of(order: int, theta: int, state_bits: int, coef_bits: int, kind: RealizationKind) -> float:
    """Return the SNR [dB] of the state words read with a float readout, band-limited noise in."""
    spec = LMUSpec(
        order=order,
        theta=float(theta),
        bits=min(state_bits, 24),
        realization=kind,
        output=OutputKind.STATE,
        state_bits=state_bits,
        coef_bits=coef_bits,
    )
    design = quantize_memory(spec)
    rng = np.random.default_rng(1)
    n_steps = 4 * theta
    u = np.stack([band_limited_noise(n_steps, order / theta / 4, rng) for _ in range(4)], axis=1)
    outputs = design.program.with_role(Role.OUTPUT)
    words, _ = from_real(u, design.program.with_role(Role.INPUT)[0].fmt)
    got = BulkEngine(design.program, 4).run(words[:, :, None])
    lsb = np.concatenate([np.full(v.length, v.fmt.lsb) for v in outputs])
    system = discretize(state_space(order), theta, Discretizer.ZOH)
    wanted = run_memory(system, to_real(words, design.program.with_role(Role.INPUT)[0].fmt))
    scale = np.sqrt(2 * np.arange(order) + 1)
    error = ((got * lsb) @ design.readout.T - wanted)[theta:] / scale
    return float(10 * np.log10(np.sum((wanted[theta:] / scale) ** 2) / np.sum(error**2)))


def snr_rows(rows: list[tuple[int, int, int, int, float, float]]) -> Iterator[str]:
    """Yield the rows of the table of SNRs."""
    for order, theta, state, coef, dense, orthogonal in rows:
        got = {
            kind: snr_of(order, theta, state, coef, kind)
            for kind in (RealizationKind.DENSE, RealizationKind.CASCADE)
        }
        yield (
            f"| {order}, {theta} | {state}/{coef} | {got[RealizationKind.DENSE]:.1f} "
            f"| {got[RealizationKind.CASCADE]:.1f} | {dense} | {orthogonal} "
            f"| {order**2} / {4 * order} / {order} |"
        )


def main() -> None:
    """Print the tables; write them too, unless --quick."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--quick", action="store_true", help="d up to 64, printed only")
    quick = args.parse_args().quick
    cases = [case for case in CASES if not quick or case[0] <= 64]
    widths = [row for row in WIDTHS if not quick or row[0] <= 64]
    lines = [
        "# Accuracy against word length",
        "",
        "Accuracy that the error budget of `--bits` gives, and SNR at given widths. zoh, |u| <= 1.",
        "",
        "Repeat: `python benchmarks/word_lengths.py` (some minutes), which writes this page.",
        "",
        "## The error budget of --bits",
        "",
        "RMS error of the worst output word (`--output memory`) against the float64 memory fed",
        "the same words, from theta to 3 theta, for the worst of six inputs",
        f"({KINDS}).",
        "",
        "- *Predicted* assumes the worst input (transfer error at its worst frequency, roundoff",
        "  white or constant), so it lies above *measured*.",
        "- SNR: band-limited noise, error weighted by 1/sqrt(2i+1), the output's own rounding",
        "  included.",
        "- *fails*: even 24-bit coefficients do not keep the budget.",
        "",
        "| d, theta | bits | realization | state bits | coefficient/readout bits | multiplies "
        "| SNR [dB] | predicted [LSB] | measured [LSB] |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in budget_rows(cases):
        print(row, flush=True)
        lines.append(row)
    lines += [
        "",
        "## SNR at given widths",
        "",
        "SNR of the state words, read through a float readout; noise band-limited to d/(4 theta).",
        "*Before* are earlier measurements, from before this project chose lossless adaptors",
        "(d multiplies): the best dense form, and a cascade of orthogonal 3x3 sections (4 d",
        "multiplies).",
        "",
        "| d, theta | state/coef bits | dense | cascade | dense before | 4 d cascade before "
        "| multiplies dense / 4 d / ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in snr_rows(widths):
        print(row, flush=True)
        lines.append(row)
    if not quick:
        path = Path(__file__).resolve().parent.parent / "docs" / "results" / "word_lengths.md"
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
