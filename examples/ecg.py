"""An ECG through the LMU memory: a second of heart beats, decoded at three delays.

    python examples/ecg.py --data mitdb_100.npz [--out build/ecg]

MIT-BIH record 100 (PhysioNet, Moody & Mark 2001) at 360 Hz goes through the C of a memory with
d = 64, theta = 360 (one second) and output taps 0, 0.5 and 1. The decoded copies are compared with
the record itself, and every word of the compiled C with the interpreter.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

import lmu_hw as lh
from lmu_hw.errors import LMUHWError
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected

PIECES = 500
RATE = 360
THETA = 360
TAPS = (0.0, 0.5, 1.0)
RECORD = {"signal": ExpectedArray(shape=("samples", 2), low=0, high=2047)}
SOURCE = "https://physionet.org/content/mitdb"
ZERO, FULL_SCALE = 1024, 1024
"""ADC units: the record's zero, and what stands for 1.0."""


def find_record() -> Path | None:
    """Return the record in the folder of data sets that LMU_HW_DATA names, if it is there."""
    path = Path(os.environ.get("LMU_HW_DATA", ".")) / "ecg" / "mitdb_100.npz"
    return path if path.is_file() else None


def check_words(design: lh.Design, words: np.ndarray, outputs: np.ndarray) -> int:
    """Compare every word with the interpreter, exactly; return how many there are.

    The record is cut into pieces that the interpreter runs side by side, each from the state that
    the compiled C had there. Every piece must give the C's words and end in the next one's state:
    then the interpreter, run through from reset, would have given every one of these words.
    """
    rest = len(words) % PIECES
    pieces = words[rest:].reshape(PIECES, -1, 1)
    states = [design.run(words[:rest]).state]
    for piece in pieces:
        states.append(design.run(piece, state=states[-1]).state)
    head = design.run(words[:rest], engine="interpreter")
    starts = np.array(states[:-1])
    body = design.run(pieces.transpose(1, 0, 2), state=starts, engine="interpreter")
    expected = [head.outputs, *body.outputs.transpose(1, 0, 2)]
    equal = np.array_equal(np.concatenate(expected), outputs)
    equal &= np.array_equal([head.state, *body.state], states)
    if not equal:
        sys.exit("the compiled C and the interpreter differ")
    return outputs.size


def fit(ecg: np.ndarray, delayed: np.ndarray) -> list[float]:
    """Return the correlation of each copy with the record delayed by that much."""
    out = []
    for tap, copy in zip(TAPS, delayed.T, strict=True):
        shift = round(tap * THETA)
        out.append(float(np.corrcoef(ecg[THETA : len(ecg) - shift], copy[THETA + shift :])[0, 1]))
    return out


def draw(ecg: np.ndarray, delayed: np.ndarray, path: Path, start: int = 30 * RATE) -> None:
    """Draw four seconds of the record and its decoded copies."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    part = slice(start, start + 4 * RATE)
    seconds = np.arange(part.start, part.stop) / RATE
    figure, axes = plt.subplots(len(TAPS), 1, sharex=True, figsize=(9, 6), layout="constrained")
    for axis, tap, copy in zip(axes, TAPS, delayed.T, strict=True):
        shift = round(tap * THETA)
        axis.plot(seconds, ecg[part.start - shift : part.stop - shift], color="0.65", lw=2.5)
        axis.plot(seconds, copy[part], color="C3", lw=0.9)
        axis.set_ylabel(f"{tap * THETA / RATE:g} s ago")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(
        ["MIT-BIH record 100, delayed", "decoded by the integer program"],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
    )
    axes[-1].set_xlabel("time [s]")
    figure.suptitle(
        "One second of ECG in 64 Legendre coefficients (d = 64, theta = 360, 16-bit words)"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Run the example."""
    args = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    args.add_argument("--data", type=Path, default=find_record(), help="mitdb_100.npz")
    args.add_argument("--out", type=Path, default=Path("build/ecg"), help="folder for everything")
    options = args.parse_args()
    if options.data is None:
        sys.exit("no record: give --data mitdb_100.npz (PhysioNet's MIT-BIH Arrhythmia Database)")
    signal = read_expected(options.data, RECORD, source=SOURCE)["signal"]
    ecg = signal[:, 0].astype(np.float64) - ZERO
    taps = "taps=" + ",".join(map(str, TAPS))
    design = lh.compile(lh.Memory(64, theta=THETA), bits=16, output=taps)
    build = design.write(options.out / "design", force=True)
    words = build.to_words(ecg / FULL_SCALE)
    outputs = build.run(words, engine="c").outputs
    delayed = build.to_real(outputs) * FULL_SCALE
    n_words = check_words(design, words, outputs)
    print(f"all {n_words:,} words of the compiled C equal to the interpreter's")
    for tap, r in zip(TAPS, fit(ecg, delayed), strict=True):
        print(f"delay {tap * THETA / RATE:.1f} s: correlation with the record {r:.5f}")
    draw(ecg, delayed, options.out / "ecg.png")
    print(f"picture in {options.out / 'ecg.png'}")


if __name__ == "__main__":
    try:
        main()
    except LMUHWError as error:
        sys.exit(f"error: {error}")
