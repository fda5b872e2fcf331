"""Weights rounded to nearest against weights rounded in turn: docs/results/weight_rounding.md.

    python benchmarks/weight_rounding.py

An LMU layer with random weights (d = 64, n = 64, theta = 256, tanh) on noise of several bandwidths;
everything but the weights at 16 bits and more. SNR of the hidden words against the float network on
input that the calibration did not use, for both kinds of rounding, at equal bits.

The API has only one of the two, so this script imports the quantizer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.signal_error import trace
from lmu_hw.models.network import Activation, DenseLayer, FloatNetwork, LinearMemory, LMULayer
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.lower import lower
from lmu_hw.quantize.quantize_network import quantize_network
from lmu_hw.quantize.ranges import noise_sequences
from lmu_hw.quantize.word_lengths import Widths

ORDER, HIDDEN, THETA = 64, 64, 256
BITS = (2, 3, 4, 6, 8, 12)
TABLE = Path(__file__).parent.parent / "docs" / "results" / "weight_rounding.md"


def network(seed: int = 0) -> FloatNetwork:
    """Return the layer."""
    rng = np.random.default_rng(seed)
    cell = DenseLayer(
        W=rng.standard_normal((HIDDEN, ORDER + 1)),
        b=0.3 * rng.standard_normal(HIDDEN),
        activation=Activation.TANH,
    )
    memory = LinearMemory(order=ORDER, theta=THETA)
    layer = LMULayer(memory=memory, n_in=1, e_x=np.ones((1, 1)), cell=cell, reads_input=True)
    return FloatNetwork(names=("lmu",), layers=(layer,))


def snr(net: FloatNetwork, bits: int, *, in_turn: bool) -> float:
    """Return the SNR of the hidden words [dB]."""
    widths = Widths(weight_bits=bits, act_bits=16)
    seen = Calibration(net).statistics(widths.coef_bits)
    if not in_turn:
        seen = {name: replace(s, read=None) for name, s in seen.items()}
    design = quantize_network(net, widths, seen, title="benchmark", calibration="noise")
    unseen = noise_sequences(lower(net, widths.coef_bits), 1.0, THETA, seed=1)
    return float(trace(design, Dataset(sequences=tuple(unseen))).signals["y"].snr_db)


def main() -> None:
    """Print and write the table."""
    net = network()
    lines = [
        "# Rounding of weights",
        "",
        "SNR of the hidden words with weights rounded each to nearest, and in turn: one after the",
        "other, each corrects the errors of those before it. Random LMU layer (d = 64, n = 64,",
        "theta = 256, tanh), on noise that the calibration did not use.",
        "",
        "Repeat: `python benchmarks/weight_rounding.py`.",
        "",
        "| weight bits | each to nearest, SNR [dB] | in turn, errors corrected, SNR [dB] |",
        "|---|---|---|",
    ]
    for bits in BITS:
        nearest, in_turn = (snr(net, bits, in_turn=way) for way in (False, True))
        lines.append(f"| {bits} | {nearest:.1f} | {in_turn:.1f} |")
        print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
