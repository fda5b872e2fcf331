"""The paper's capacity task (section 3.1) in float64 and in integers.

Writes docs/results/capacity.md. --quick leaves T = 100,000 out and prints only.
It reads the noise generator and the chosen widths from internal modules.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np

import lmu_hw as lh
from lmu_hw.memory.float_memory import band_limited_noise
from lmu_hw.quantize.memory_design import QuantizedMemory

ORDER = 100
DELAYS = (0.0, 0.25, 0.5, 0.75, 1.0)
BITS = 20


def capacity(T: int, seed: int = 0) -> tuple[QuantizedMemory, np.ndarray, np.ndarray]:
    """Return the design and the MSE at each delay, float and integer.

    Parameters
    ----------
    T : int
        Window [samples]: theta = 1 s, dt = 1/T, noise up to 10 Hz, length 2.5 T.
    seed : int
    """
    memory = lh.Memory(ORDER, theta=T - 0.5)
    design = lh.compile(memory, bits=BITS, output="taps=" + ",".join(map(str, DELAYS)))
    assert isinstance(design.quantized, QuantizedMemory)
    u = band_limited_noise(int(2.5 * T), 10 / T, np.random.default_rng(seed))
    floats = memory.simulate(u) @ memory.decoder(DELAYS).T
    integers = design.predict(u)
    t = np.arange(T, len(u))
    wanted = np.stack([u[t - round(delay * T)] for delay in DELAYS], axis=1)
    return (
        design.quantized,
        np.mean((floats[T:] - wanted) ** 2, axis=0),
        np.mean((integers[T:] - wanted) ** 2, axis=0),
    )


def main() -> None:
    """Print the table; write it too, unless --quick."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--quick", action="store_true", help="without T = 100,000, printed only")
    quick = args.parse_args().quick
    lines = [
        "# Capacity",
        "",
        "How closely the integer program follows float64 in the capacity task of the paper",
        "(section 3.1): d = 100, theta = T - 0.5, zoh, noise band-limited to 10 Hz. MSE: mean",
        f"squared error of a decoded delay for t >= T. Inputs and outputs have {BITS} bits, and",
        f"`--bits {BITS}` chose the other widths. The worst ratio is the largest factor between",
        "the two errors at any delay.",
        "",
        "Repeat: `python benchmarks/capacity.py`, which writes this page.",
        "",
        "| T | state bits | coefficient/readout bits | MSE at delay 0, T/4, T/2, 3T/4, T: float "
        "| integer | worst ratio |",
        "|---|---|---|---|---|---|",
    ]
    for exponent in range(2, 5 if quick else 6):
        T = 10**exponent
        design, floats, integers = capacity(T)
        columns = (", ".join(f"{x:.2g}" for x in mse) for mse in (floats, integers))
        row = (
            f"| {T:,} | {design.state_bits} | {design.coef_bits}/{design.weight_bits} "
            f"| {' | '.join(columns)} "
            f"| {math.exp(np.max(np.abs(np.log(integers / floats)))):.4f} |"
        )
        print(row, flush=True)
        lines.append(row)
    if not quick:
        path = Path(__file__).resolve().parent.parent / "docs" / "results" / "capacity.md"
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
