"""Spoken digits: a network fitted with least squares, tuned to few bits, as Verilog-ready integers.

    python examples/digits.py --data fsdd_logmel20_i8.npz [--out build/digits]

Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0) as 20 log-mel features every 10 ms. An LMU
memory holds the last half second of each feature in 6 Legendre coefficients; a fixed random layer
and a ridge readout, both in NumPy, tell the digits apart. Nothing is trained by gradients. The
network then goes the way of any trained model: tuned, compiled, evaluated, written and verified.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

import lmu_hw as lh
from lmu_hw import layers
from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected

ORDER, THETA, HIDDEN = 6, 50, 600
BANDS = 20
GAIN, RIDGE = 0.5, 3.0
"""Of the random layer and the readout, chosen on the recordings that tune judges by."""
DATA = {
    "feat": ExpectedArray(shape=("steps", BANDS), low=-128, high=127),
    "offset": ExpectedArray(shape=("bounds",), low=0, high=2**31 - 1),
    "label": ExpectedArray(shape=("recordings",), low=0, high=9),
    "index": ExpectedArray(shape=("recordings",), low=0, high=49),
}
SOURCE = "https://github.com/Jakobovski/free-spoken-digit-dataset (as log-mel features)"
PARTS = {"test": (0, 5), "tune": (5, 10), "fit": (10, 50)}
"""Recordings of each speaker and digit: 0 to 4 are the official test set, seen at the end only."""


def find_data() -> Path | None:
    """Return the data set in the folder that LMU_HW_DATA names, if it is there."""
    path = Path(os.environ.get("LMU_HW_DATA", ".")) / "speech" / "fsdd_logmel20_i8.npz"
    return path if path.is_file() else None


def split(path: Path) -> dict[str, lh.Dataset]:
    """Return the recordings to fit with, to tune with and to test with."""
    data = read_expected(path, DATA, source=SOURCE)
    offset = data["offset"]
    if offset[0] or offset[-1] != len(data["feat"]) or np.diff(offset).min() < 1:
        raise ModelFileError(f"{path}: offset must rise from 0 to the steps; download it: {SOURCE}")
    if len(offset) != len(data["label"]) + 1:
        raise ModelFileError(f"{path}: offset must hold one bound more than label; see {SOURCE}")
    sequences = np.split(data["feat"], offset[1:-1])
    whole = lh.Dataset(sequences=tuple(sequences), labels=data["label"].astype(np.int64))
    return {
        name: whole.take(np.flatnonzero((data["index"] >= first) & (data["index"] < end)))
        for name, (first, end) in PARTS.items()
    }


def fit(data: lh.Dataset, seed: int = 0) -> lh.Network:
    """Return memory, random layer and readout."""
    rng = np.random.default_rng(seed)
    memory = layers.LMULayer(
        memory=layers.LinearMemory(order=ORDER, theta=THETA, channels=BANDS), n_in=BANDS
    )
    held = lh.Network.from_layers(memory, every_step=False)
    m = np.concatenate([held.predict(s[None]) for s in data.sequences])
    mean, spread = m.mean(axis=0), m.std(axis=0)
    # coefficients of mean 0 and spread 1 go into the random layer; the scaling is part of it
    W = GAIN * rng.standard_normal((HIDDEN, m.shape[1])) / np.sqrt(m.shape[1]) / spread
    b = 0.5 * rng.standard_normal(HIDDEN) - W @ mean
    hidden = layers.DenseLayer(W=W, b=b, activation=layers.Activation.TANH)
    h = np.tanh(m @ W.T + b)
    h = np.column_stack([h, np.ones(len(h))])
    targets = 2.0 * np.eye(10)[data.labels] - 1.0
    fitted = np.linalg.solve(h.T @ h + RIDGE * np.eye(HIDDEN + 1), h.T @ targets).T
    head = layers.DenseLayer(
        W=fitted[:, :-1].copy(), b=fitted[:, -1].copy(), activation=layers.Activation.SOFTMAX
    )
    names = ("half a second", "random layer", "digit")
    return lh.Network.from_layers(memory, hidden, head, names=names, every_step=False, name="model")


def draw(
    points: list[lh.DesignPoint], best: lh.DesignPoint, report: lh.Evaluation, path: Path
) -> None:
    """Draw the trade-off that tune met, and which digits are taken for which."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    kib = [(p.rom_bits + p.ram_bits) / 8192 for p in points]
    floats = 100 * (best.score + best.loss)
    left.axhline(floats, color="0.6", lw=1)
    left.annotate("float64", (max(kib), floats), va="bottom", ha="right", color="0.4")
    left.plot(kib, [100 * p.score for p in points], "o-", color="C0", ms=4, lw=1)
    at = (best.rom_bits + best.ram_bits) / 8192, 100 * best.score
    left.plot(*at, "o", color="C3", ms=8)
    left.annotate("  chosen", at, va="top", color="C3")
    left.set_xlabel("tables and words [KiB]")
    left.set_ylabel("accuracy on the recordings for tuning [%]")
    left.spines[["top", "right"]].set_visible(False)
    confusion = np.array(report.integers.confusion)
    right.imshow(confusion, cmap="Blues")
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            color = "white" if count > 15 else "0.3"
            right.text(column, row, str(count), ha="center", va="center", color=color, fontsize=8)
    right.set_xticks(range(10))
    right.set_yticks(range(10))
    right.set_xlabel("digit told by the integer program")
    right.set_ylabel("digit spoken")
    figure.suptitle(
        f"Spoken digits, 300 test recordings: float {100 * report.floats.accuracy:.1f} %, "
        f"integers {100 * report.integers.accuracy:.1f} %"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Run the example."""
    args = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    args.add_argument("--data", type=Path, default=find_data(), help="fsdd_logmel20_i8.npz")
    args.add_argument("--out", type=Path, default=Path("build/digits"), help="for everything")
    options = args.parse_args()
    if options.data is None:
        sys.exit("no data: give --data fsdd_logmel20_i8.npz (features of the Free Spoken Digits)")
    out = options.out
    parts = split(options.data)
    out.mkdir(parents=True, exist_ok=True)
    network = fit(parts["fit"])
    network.save(out / "model.npz")
    points = lh.tune(network, parts["tune"], calibration=parts["fit"], max_loss=0.005)
    best = next(point for point in points if point.keeps)
    design = lh.compile(network, widths=best.widths, calibration=parts["fit"])
    report = design.evaluate(parts["test"])
    build = design.write(out / "design", force=True)
    proof = build.verify("c")
    proof.check()
    words = {result.backend: result.words for result in proof.results}
    print(f"float    {100 * report.floats.accuracy:.2f} % of {report.sequences} digits")
    w = best.widths
    chosen = (
        f"{w.weights_text}-bit weights, {w.act_bits}-bit activations, {w.coef_bits}-bit "
        f"coefficients, {w.state_bits}-bit state and {w.input_bits}-bit input"
    )
    print(f"integer  {100 * report.integers.accuracy:.2f} % with {chosen}")
    wide = lh.compile(network, widths={"weight_bits": 8}, calibration=parts["fit"])
    accuracy = wide.evaluate(parts["test"]).integers.accuracy
    print(f"8-bit weights, all else default: {100 * accuracy:.2f} %")
    made = build.manifest
    print(
        f"{made.multiplies_per_step} multiplies a step, {made.multiplies_per_output:,} for "
        f"an answer; {words['c']} words of C equal to the interpreter's"
    )
    draw(points, best, report, out / "digits.png")
    print(f"picture in {out / 'digits.png'}")


if __name__ == "__main__":
    try:
        main()
    except LMUHWError as error:
        sys.exit(f"error: {error}")
