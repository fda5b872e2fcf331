"""Spoken digits: a network fitted with least squares, tuned to few bits, as Verilog-ready integers.

    python examples/digits.py --data fsdd_logmel20_i8.npz [--out build/digits]

Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0) as 20 log-mel features every 10 ms. An LMU
memory holds the last half second of each feature in 6 Legendre coefficients; a fixed random layer
and a ridge readout, both in NumPy, tell the digits apart. Nothing is trained by gradients. The
network then goes the way of any trained model: written as a file, tuned, evaluated, generated and
verified by `lmu-hw`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lmu_hw.models import forward
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import Activation, DenseLayer, FloatNetwork, LinearMemory, LMULayer

ORDER, THETA, HIDDEN = 6, 50, 600
BANDS = 20
GAIN, RIDGE = 0.5, 3.0
"""Of the random layer and the readout, chosen on the recordings that tune judges by."""
PARTS = {"test": (0, 5), "tune": (5, 10), "fit": (10, 50)}
"""Recordings of each speaker and digit: 0 to 4 are the official test set, seen at the end only."""


def find_data() -> Path | None:
    """Return the data set in the folder that LMU_HW_DATA names, if it is there."""
    path = Path(os.environ.get("LMU_HW_DATA", ".")) / "speech" / "fsdd_logmel20_i8.npz"
    return path if path.is_file() else None


def split(path: Path, out: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Write fit.npz, tune.npz and test.npz as `lmu-hw` reads them; return what is fitted."""
    data = np.load(path, allow_pickle=False)
    sequences = np.split(data["feat"], data["offset"][1:-1])
    for name, (first, end) in PARTS.items():
        chosen = (data["index"] >= first) & (data["index"] < end)
        parts = [s for s, c in zip(sequences, chosen, strict=True) if c]
        offset = np.cumsum([0, *map(len, parts)])
        np.savez(
            out / f"{name}.npz", x=np.concatenate(parts), offset=offset, y=data["label"][chosen]
        )
    return parts, data["label"][chosen]


def features(layers: tuple[Any, ...], sequences: list[np.ndarray]) -> np.ndarray:
    """Return what the last of some layers gives at the end of every sequence."""
    network = FloatNetwork(
        names=tuple(map(str, range(len(layers)))), layers=layers, every_step=False
    )
    return np.concatenate([forward.run(network, s[None].astype(float)) for s in sequences])


def fit(sequences: list[np.ndarray], labels: np.ndarray, seed: int = 0) -> FloatNetwork:
    """Return memory, random layer and readout."""
    rng = np.random.default_rng(seed)
    memory = LMULayer(memory=LinearMemory(order=ORDER, theta=THETA, channels=BANDS), n_in=BANDS)
    m = features((memory,), sequences)
    mean, spread = m.mean(axis=0), m.std(axis=0)
    # coefficients of mean 0 and spread 1 go into the random layer; the scaling is part of it
    W = GAIN * rng.standard_normal((HIDDEN, m.shape[1])) / np.sqrt(m.shape[1]) / spread
    b = 0.5 * rng.standard_normal(HIDDEN) - W @ mean
    hidden = DenseLayer(W=W, b=b, activation=Activation.TANH)
    h = np.tanh(m @ W.T + b)
    h = np.column_stack([h, np.ones(len(h))])
    targets = 2.0 * np.eye(10)[labels] - 1.0
    fitted = np.linalg.solve(h.T @ h + RIDGE * np.eye(HIDDEN + 1), h.T @ targets).T
    head = DenseLayer(
        W=fitted[:, :-1].copy(), b=fitted[:, -1].copy(), activation=Activation.SOFTMAX
    )
    names = ("half a second", "random layer", "digit")
    return replace(FloatNetwork(names=names, layers=(memory, hidden, head)), every_step=False)


def lmu_hw(*arguments: str | Path) -> dict[str, Any]:
    """Run a command of lmu-hw; return what it prints as JSON."""
    command = [sys.executable, "-m", "lmu_hw", *map(str, arguments), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def draw(tuned: dict[str, Any], report: dict[str, Any], path: Path) -> None:
    """Draw the trade-off that tune met, and which digits are taken for which."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    points = tuned["pareto"]
    kib = [(p["rom_bits"] + p["ram_bits"]) / 8192 for p in points]
    left.axhline(100 * tuned["float"], color="0.6", lw=1)
    left.annotate("float64", (max(kib), 100 * tuned["float"]), va="bottom", ha="right", color="0.4")
    left.plot(kib, [100 * p["score"] for p in points], "o-", color="C0", ms=4, lw=1)
    best = tuned["best"]
    at = (best["rom_bits"] + best["ram_bits"]) / 8192
    left.plot(at, 100 * best["score"], "o", color="C3", ms=8)
    left.annotate(
        "  chosen",
        (at, 100 * best["score"]),
        va="top",
        color="C3",
    )
    left.set_xlabel("tables and words [KiB]")
    left.set_ylabel("accuracy on the recordings for tuning [%]")
    left.spines[["top", "right"]].set_visible(False)
    confusion = np.array(report["integer"]["confusion"])
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
        f"Spoken digits, 300 test recordings: float {100 * report['float']['accuracy']:.1f} %, "
        f"integers {100 * report['integer']['accuracy']:.1f} %"
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
    out.mkdir(parents=True, exist_ok=True)
    network = fit(*split(options.data, out))
    model, seen, judge, test = (out / f"{name}.npz" for name in ("model", "fit", "tune", "test"))
    model.write_bytes(to_bytes(network))
    tuned = lmu_hw("tune", model, "--data", judge, "--calibrate", seen, "--max-loss", "0.5%")
    (out / "tuned.json").write_text(json.dumps(tuned, indent=1) + "\n")
    widths = tuned["options"]
    report = lmu_hw("evaluate", model, "--data", test, "--calibrate", seen, *widths)
    build_dir = out / "design"
    made = lmu_hw("generate", model, "--data", seen, *widths, "--force", "-o", build_dir)
    proof = lmu_hw("verify", build_dir, "--backends", "c")
    print(f"float    {100 * report['float']['accuracy']:.2f} % of {report['sequences']} digits")
    print(f"integer  {100 * report['integer']['accuracy']:.2f} % with {' '.join(widths)}")
    wide = lmu_hw("evaluate", model, "--data", test, "--calibrate", seen, "--weight-bits=8")
    print(f"8-bit weights, all else default: {100 * wide['integer']['accuracy']:.2f} %")
    print(
        f"{made['multiplies_per_step']} multiplies a step, {made['multiplies_per_output']:,} for "
        f"an answer; {proof['backends']['c']['words']} words of C equal to the interpreter's"
    )
    draw(tuned, report, out / "digits.png")
    print(f"picture in {out / 'digits.png'}")


if __name__ == "__main__":
    main()
