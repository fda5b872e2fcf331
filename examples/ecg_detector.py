"""Ventricular beats told from all others by a Cortex-M4 without an operating system, in QEMU.

    python examples/ecg_detector.py --data mitbih_beats_120hz_i16.npz [--out build/ecg_detector]
        [--input-bits 16]

100,000 beats of the MIT-BIH database (PhysioNet, Moody & Mark 2001) at 120 Hz, 0.7 s around each R
wave; de Chazal's DS1 trains, DS2 tests: no patient is in both. An LMU memory holds a beat in 16
Legendre coefficients; a fixed random layer and a readout by weighted least squares, both in NumPy,
score it. `lmu-hw` makes C with 8-bit weights of that; `examples/ecg_detector/` holds the rest of
the firmware, a main of a hundred lines and a Makefile. In QEMU it reads the test beats by
semihosting and prints a line for each; every line is compared with what the NumPy interpreter says.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import lmu_hw as lh
from lmu_hw import layers
from lmu_hw.errors import LMUHWError
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected

FIRMWARE = Path(__file__).resolve().parent / "ecg_detector"
TARGET = "c-m4"
ORDER, HIDDEN = 16, 128
GAIN, RIDGE = 1.0, 100.0
"""Of the random layer and the readout."""
BEAT_LENGTH = 84
"""Samples of a beat, as in ``main.c``."""
ADC = lh.Channel(name="ecg", unit="ADC counts", scale=1024.0)
"""The input, as the ADC measures it; the generated C makes words of it."""
RATE, BEAT_RATE = 360, 120
"""Samples a second, of the records and of the beats cut from them."""
BEFORE, UNITS_PER_MV = 0.3, 200
"""Where a beat starts before its R wave [s]; ADC units of a millivolt."""
VENTRICULAR = 2
"""The class V among the five of the AAMI."""
CALIBRATION = 2000
"""Training beats that ranges and the rounding of weights are taken from."""
CLASSES = 5
"""Of the AAMI."""
DATA = {
    name: expected
    for part in ("ds1", "ds2")
    for name, expected in (
        (
            f"{part}_x",
            ExpectedArray(shape=(f"n_{part}", BEAT_LENGTH), low=-(2**15), high=2**15 - 1),
        ),
        (f"{part}_y", ExpectedArray(shape=(f"n_{part}",), low=0, high=CLASSES - 1)),
        (f"{part}_rec", ExpectedArray(shape=(f"n_{part}",), low=0, high=255)),
        (f"{part}_rr", ExpectedArray(shape=(f"n_{part}",), low=0, high=2**15 - 1)),
    )
}
SOURCE = "https://physionet.org/content/mitdb (beats cut from all records)"
NAMES = ("0.7 seconds", "random layer", "score")


def find_data() -> Path | None:
    """Return the beats in the folder of data sets that LMU_HW_DATA names, if they are there."""
    path = Path(os.environ.get("LMU_HW_DATA", ".")) / "ecg" / "mitbih_beats_120hz_i16.npz"
    return path if path.is_file() else None


def as_input(beats: np.ndarray) -> np.ndarray:
    """Return beats in units of the ADC, (n, 84), as sequences of one input of the model."""
    return ADC.normalize(beats[:, :, None])


def fit(beats: np.ndarray, is_v: np.ndarray, seed: int = 0) -> lh.Network:
    """Return memory, random layer and readout; V and the rest weigh the same."""
    rng = np.random.default_rng(seed)
    memory = layers.LMULayer(memory=layers.LinearMemory(order=ORDER, theta=BEAT_LENGTH), n_in=1)
    m = lh.Network.from_layers(memory, every_step=False).predict(as_input(beats))
    # coefficients of mean 0 and spread 1 go into the random layer; the scaling is part of it
    W = GAIN * rng.standard_normal((HIDDEN, ORDER)) / np.sqrt(ORDER) / m.std(axis=0)
    b = 0.5 * rng.standard_normal(HIDDEN) - W @ m.mean(axis=0)
    h = np.column_stack([np.tanh(m @ W.T + b), np.ones(len(m))])
    weight = np.where(is_v, 0.5 / is_v.mean(), 0.5 / (1 - is_v.mean()))
    normal = h.T @ (h * weight[:, None]) + RIDGE * np.eye(HIDDEN + 1)
    readout = np.linalg.solve(normal, h.T @ (weight * np.where(is_v, 1.0, -1.0)))
    hidden = layers.DenseLayer(W=W, b=b, activation=layers.Activation.TANH)
    score = layers.DenseLayer(
        W=readout[None, :-1].copy(), b=readout[-1:].copy(), activation=layers.Activation.LINEAR
    )
    return lh.Network.from_layers(
        memory, hidden, score, names=NAMES, every_step=False, name="model"
    )


def run_firmware(out: Path, beats: np.ndarray, found_at: np.ndarray) -> list[str]:
    """Compile the firmware and run it over beats; return what it prints."""
    record = np.dtype([("found_at", "<u4"), ("samples", "<i2", BEAT_LENGTH)])
    rows = np.zeros(len(beats), record)
    rows["found_at"], rows["samples"] = found_at, beats
    (out / "beats").write_bytes(np.uint32(len(beats)).astype("<u4").tobytes() + rows.tobytes())
    variables = [f"DESIGN={(out / 'design' / 'c').resolve()}", f"BUILD={out.resolve()}"]
    command = ["make", "--silent", "-C", str(FIRMWARE), "run", *variables]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return done.stdout.splitlines()


def expected_scores(design: lh.Design, beats: np.ndarray) -> np.ndarray:
    """Return the interpreter's word of the score of every beat."""
    words = design.to_words(as_input(beats).transpose(1, 0, 2))
    return design.run(words, engine="interpreter").outputs[-1, :, 0]


def places(record: np.ndarray, rr: np.ndarray) -> np.ndarray:
    """Return where beats are in their records [samples], by the distances to those before."""
    at = np.cumsum(rr, dtype=np.int64)
    starts = np.r_[True, np.diff(record) != 0]
    return at - np.maximum.accumulate(np.where(starts, at - rr, 0))


def rates(said_v: np.ndarray, is_v: np.ndarray) -> str:
    """Return sensitivity and specificity, as text."""
    parts = [f"sensitivity {said_v[is_v].mean():.3f}"] if is_v.any() else []
    parts += [f"specificity {(~said_v)[~is_v].mean():.3f}"] if not is_v.all() else []
    return ", ".join(parts)


def draw(
    beats: np.ndarray, found_at: np.ndarray, is_v: np.ndarray, said_v: np.ndarray, path: Path
) -> None:
    """Draw the first beats in a row of which four are ventricular, as told and as annotated."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown, of_those = min(16, len(beats)), 4
    in_one_record = np.r_[False, np.diff(found_at) > 0]
    every = np.ones(shown)
    whole = np.convolve(in_one_record, every, "valid") == shown
    start = int(np.argmax(whole & (np.convolve(is_v, every, "valid") >= of_those)))
    figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
    for k in range(start, start + shown):
        seconds = found_at[k] / RATE + np.arange(BEAT_LENGTH) / BEAT_RATE - BEFORE
        signal = beats[k] / UNITS_PER_MV
        axis.plot(seconds, signal, color="C3" if said_v[k] else "0.45", lw=1.1)
        if is_v[k]:
            axis.annotate("V", (found_at[k] / RATE, signal.max() + 0.1), ha="center")
    axis.margins(y=0.15)
    axis.set_xlabel("time in the record [s]")
    axis.set_ylabel("ECG [mV]")
    axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Red: ventricular, says the firmware; V: say the cardiologists")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Run the example."""
    args = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    args.add_argument("--data", type=Path, default=find_data(), help="mitbih_beats_120hz_i16.npz")
    args.add_argument("--out", type=Path, default=Path("build/ecg_detector"), help="for everything")
    args.add_argument("--input-bits", type=int, default=16, metavar="B", help="width of the input")
    args.add_argument("--thin", type=int, default=1, metavar="N", help="one test beat in N only")
    options = args.parse_args()
    if options.data is None:
        sys.exit("no data: give --data mitbih_beats_120hz_i16.npz (beats of PhysioNet's MIT-BIH)")
    out, thin = options.out, options.thin
    data = read_expected(options.data, DATA, source=SOURCE)
    out.mkdir(parents=True, exist_ok=True)
    train, test = data["ds1_x"], data["ds2_x"][::thin]
    network = fit(train, data["ds1_y"] == VENTRICULAR)
    seen = as_input(train[:: len(train) // CALIBRATION])
    ranges = lh.calibrate(network, seen, input_peak=1.0)
    widths = {"weight_bits": 8, "input_bits": options.input_bits}
    design = lh.compile(network, widths=widths, calibration=ranges, name="ecg", inputs=[ADC])
    (cost,) = design.write(out / "design", force=True).footprint(TARGET).targets

    is_v = data["ds2_y"][::thin] == VENTRICULAR
    found_at = places(data["ds2_rec"], data["ds2_rr"])[::thin]
    printed = run_firmware(out, test, found_at)
    scores = expected_scores(design, test)
    said_v = scores > 0
    lines = [
        f"{at} {'V' if v else '-'} {score}"
        for at, v, score in zip(found_at, said_v, scores, strict=True)
    ]
    if printed != lines:
        sys.exit("the firmware and the interpreter differ")
    print("\n".join(["beat at, told, score", *printed[:5], "..."]))
    print(f"all {len(lines):,} lines of the firmware equal to the interpreter's words")
    floats = network.predict(as_input(test))[:, 0] > 0
    print(f"float    {rates(floats, is_v)}, of {is_v.sum():,} V among {len(is_v):,} test beats")
    print(f"integer  {rates(said_v, is_v)}")
    flash, ram, counts = cost.flash, cost.ram, cost.instructions
    print(
        f"{cost.core}: {counts.without_output.mean:,.0f} instructions a sample, "
        f"{counts.with_output.mean:,.0f} for the last of a beat"
    )
    print(
        f"network  {flash.total:,} bytes of flash ({flash.code:,} code, {flash.tables:,} "
        f"tables), {ram.state:,} of state, {ram.stack:,} of stack"
    )
    draw(test, found_at, is_v, said_v, out / "ecg_detector.png")
    print(f"picture in {out / 'ecg_detector.png'}")


if __name__ == "__main__":
    try:
        main()
    except LMUHWError as error:
        sys.exit(f"error: {error}")
