"""Capacity of the memory (paper, section 3.1): how well it recalls, without any training.

    python examples/capacity.py [--steps 100 1000 10000]

Band-limited white noise goes into a Legendre memory of 100 coefficients whose window is as long as
the task; the Legendre decoder reads five delays back. The paper's LSTM of 100 units, trained for
this, fails from 400 steps on (a mean squared error of 1e-1). `benchmarks/capacity.py` does the same
with the integer program.
"""

from __future__ import annotations

import argparse

import numpy as np

import lmu_hw as lh

ORDER, BAND = 100, 10.0
"""Coefficients, and the highest frequency [cycles in a window]."""
LENGTH = 2.5
"""Of the signal [windows]."""
DELAYS = (0.0, 0.25, 0.5, 0.75, 1.0)


def noise(n_steps: int, steps: int, seed: int) -> np.ndarray:
    """Return white noise up to ``BAND`` cycles in ``steps`` steps, its largest value 1."""
    rng = np.random.default_rng(seed)
    spectrum = np.zeros(n_steps // 2 + 1, dtype=complex)
    highest = int(BAND * n_steps / steps)
    spectrum[1 : highest + 1] = np.exp(2j * np.pi * rng.random(highest))
    signal = np.fft.irfft(spectrum, n_steps)
    return np.asarray(signal / np.max(np.abs(signal)))


def errors(steps: int, seed: int) -> list[float]:
    """Return the mean squared error at every delay, from the first full window on."""
    u = noise(int(LENGTH * steps), steps, seed)
    memory = lh.Memory(ORDER, theta=steps - 0.5)
    recalled = memory.simulate(u) @ memory.decoder(DELAYS).T
    found = []
    for k, delay in enumerate(DELAYS):
        lag = round(delay * steps)
        wanted = u[steps - lag : len(u) - lag]
        found.append(float(np.mean((recalled[steps:, k] - wanted) ** 2)))
    return found


def main() -> None:
    """Run the task."""
    args = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    args.add_argument("--steps", type=int, nargs="*", default=(100, 1000, 10_000))
    args.add_argument("--seed", type=int, default=0)
    options = args.parse_args()
    print("  steps  MSE at delay 0, 1/4, 1/2, 3/4, 1 of the window")
    for steps in options.steps:
        print(f"{steps:7d}  " + "  ".join(f"{e:.1e}" for e in errors(steps, options.seed)))


if __name__ == "__main__":
    main()
