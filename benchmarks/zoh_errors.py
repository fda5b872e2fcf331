"""Measure zoh memories, in float64 and in integers, for docs/results/zoh_memory.md."""

from __future__ import annotations

import math

import numpy as np
from zoh_polynomial import LSB, Array, PolynomialMemory, cheapest, continuous, scale

from lmu_hw.memory.discretize import expm1

SIZES = (
    (6, 48, 16, 20),
    (6, 100, 16, 20),
    (16, 128, 16, 20),
    (64, 512, 16, 20),
    (64, 784, 18, 20),
    (64, 8192, 20, 22),
    (128, 1024, 18, 22),
    (256, 2048, 20, 26),
)
"""Order, window [samples], significant bits of a coefficient, fractional bits of every word."""
TOP = (1 << 15) - 1
"""Largest input word."""
STATES = 200
"""Random states whose decay is run; a tenth of them from d = 128 on."""


def signals(theta: int, n: int) -> Array:
    """Return input words (n, 7) at full scale: two of noise, three squares, two constants."""
    rng, t = np.random.default_rng(0), np.arange(n)
    squares = [np.where(t // max(1, p) % 2, -1.0, 1.0) for p in (theta // 8, theta, 3)]
    noise = [rng.uniform(-1.0, 1.0, n), rng.choice((-1.0, 1.0), n)]
    kinds = [*noise, *squares, np.ones(n), np.full(n, -1 / 3)]
    return np.asarray(np.rint(TOP * np.stack(kinds, axis=1)).astype(np.int64))


def by_kind(errors: Array) -> tuple[float, float, float]:
    """Return the largest of the signals' errors for noise, squares and constants."""
    return float(errors[:2].max()), float(errors[2:5].max()), float(errors[5:].max())


def held(M: Array, x: Array, u: Array) -> Array:
    """Return a step ``x' = u e_0 + M (x - u e_0)``: A e_0 = -B makes it exact for M = exp(z)."""
    n = x.copy()
    n[0] -= u
    n = M @ n
    n[0] += u
    return n


def float_errors(z: Array, theta: int, *systems: tuple[float, Array]) -> tuple[float, float, float]:
    """Return the worst row's RMS error [LSB] after the first window: noise, squares, constants.

    The output is the weighted sum of the memories ``n' = M n``, for each system (weight, M).
    """
    matrices = [np.eye(len(z)) + expm1(z), *(M for _, M in systems)]
    words = signals(theta, 4 * theta) * LSB
    states = [np.zeros((len(z), words.shape[1])) for _ in matrices]
    power = np.zeros_like(states[0])
    for t, u in enumerate(words):
        for x, M in zip(states, matrices, strict=True):
            x[:] = held(M, x, u)
        if t >= theta:
            out = sum(w * x for (w, _), x in zip(systems, states[1:], strict=True))
            power += (out - states[0]) ** 2
    rms = scale(len(z))[:, None] * np.sqrt(power / (3 * theta)) / LSB
    return by_kind(rms.max(axis=0))


def windows_to_zero(z: Array, theta: int) -> int:
    """Return after how many windows of zeros no past input moves a word by an LSB."""
    leap = np.linalg.matrix_power(np.eye(len(z)) + expm1(z), max(1, theta // 16))
    x, sizes = -expm1(z)[:, 0], []
    for _ in range(16 * 8):
        sizes.append(float(np.abs(scale(len(z)) * x).max()) * theta / 16 / LSB)
        x = leap @ x
    tails = np.cumsum(sizes[::-1])[::-1]
    return math.ceil(int(np.argmax(tails < 1)) / 16)


def driven_errors(memory: PolynomialMemory, z: Array, theta: int) -> tuple[Array, float]:
    """Return the signals' RMS errors [LSB], and the largest error in the zero-input run after.

    Three windows of the signals, W windows of zeros, then the zero-input run.
    """
    exact = np.eye(len(z)) + expm1(z)
    words = signals(theta, 3 * theta)
    zeros = np.zeros(words.shape[1], np.int64)
    m = np.zeros((words.shape[1], len(z)), np.int64)
    x = np.zeros(m.T.shape)

    def apart() -> Array:
        return np.asarray(m * 2.0**-memory.frac_bits - (scale(len(z))[:, None] * x).T) / LSB

    power, largest = np.zeros(m.shape), 0.0
    for u in words:
        m, x = memory.step(m, u), held(exact, x, u * LSB)
        power += apart() ** 2
    for _ in range(windows_to_zero(z, theta) * theta):
        m, x = memory.step(m, zeros), exact @ x
    while m.any():
        m, x = memory.zero_step(m), exact @ x
        largest = max(largest, float(np.abs(apart()).max()))
    return np.sqrt(power / len(words)).max(axis=1), largest


def longest_decay(memory: PolynomialMemory, n_states: int) -> int:
    """Return the steps after which random states are all zero; the energy falls in every step."""
    rng = np.random.default_rng(1)
    top = 4 << memory.frac_bits
    m = rng.integers(-top, top, (n_states, len(memory.gain)))
    energy, steps = memory.energy(m), 0
    while m.any():
        m, before, steps = memory.zero_step(m), energy, steps + 1
        energy = memory.energy(m)
        if (energy[before > 0] >= before[before > 0]).any():
            raise SystemExit("the energy of a zero-input step did not fall")
    return steps


def row(order: int, theta: int, bits: int, frac_bits: int) -> str:
    """Measure one memory; return a line of the table."""
    z = continuous(order, theta)
    c = cheapest(z, theta)
    memory = PolynomialMemory(c, order, theta, frac_bits, bits)
    rms, in_run = driven_errors(memory, z, theta)
    plain = PolynomialMemory(c, order, theta, frac_bits, 31, table=False)
    no_table = by_kind(driven_errors(plain, z, theta)[0])
    steps = longest_decay(memory, STATES if order < 128 else STATES // 10)
    degree = len(c) - 1
    cells = (
        f"({order}, {theta})",
        str(degree),
        f"{degree * order:,}",
        f"{order + order**2:,}",
        f"{bits}",
        f"{memory.width(4 * theta)}",
        " / ".join(f"{e:.2f}" for e in by_kind(rms)),
        f"{max(no_table):.2f}",
        f"{memory.norm - 1:.0e}",
        f"{memory.loss}",
        f"{memory.guard[0]}",
        f"{windows_to_zero(z, theta)}",
        f"{in_run:.2f}",
        f"{steps / theta:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def integer_table() -> list[str]:
    """Return the table of integer memories."""
    lines = [
        "| (d, theta) | k | multiplies k d | cascade with T | coefficient bits | word bits "
        "| error: noise / squares / constants | without a table | norm - 1 | s | D_0 | W "
        "| largest error in a zero-input run | random states die after, windows |",
        "|" + "---|" * 14,
    ]
    print(lines[0])
    for size in SIZES:
        lines.append(row(*size))
        print(lines[-1], flush=True)
    return lines
