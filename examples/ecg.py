"""An ECG through the LMU memory: a second of heart beats, decoded at three delays.

    python examples/ecg.py --data mitdb_100.npz [--out build/ecg]

MIT-BIH record 100 (PhysioNet, Moody & Mark 2001) at 360 Hz goes through `lmu-hw generate` and
`lmu-hw simulate` with d = 64, theta = 360 (one second) and output taps 0, 0.5 and 1. The decoded
copies are compared with the record itself, and every word of the compiled C with the interpreter.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from lmu_hw.cli.main import main as lmu_hw
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify.load_build import load_program

PIECES = 500
RATE = 360
THETA = 360
TAPS = (0.0, 0.5, 1.0)
ZERO, FULL_SCALE = 1024, 1024
"""ADC units: the record's zero, and what stands for 1.0."""


def find_record() -> Path | None:
    """Return the record in the folder of data sets that LMU_HW_DATA names, if it is there."""
    path = Path(os.environ.get("LMU_HW_DATA", ".")) / "ecg" / "mitdb_100.npz"
    return path if path.is_file() else None


def stream(record: Path, out: Path) -> tuple[np.ndarray, np.ndarray]:
    """Generate the design, stream the record through it; return record and delayed copies."""
    out.mkdir(parents=True, exist_ok=True)
    ecg = np.load(record, allow_pickle=False)["signal"][:, 0].astype(np.float64) - ZERO
    np.save(out / "ecg.npy", ecg)
    taps = "taps=" + ",".join(map(str, TAPS))
    build_dir = out / "design"
    generate = f"generate --d 64 --theta {THETA} --bits 16 --output {taps} --force".split()
    simulate = f"simulate --full-scale {FULL_SCALE}".split()
    files = ["--input", str(out / "ecg.npy"), "--output", str(out / "delayed.npy")]
    for command in ([*generate, "-o", str(build_dir)], [*simulate, str(build_dir), *files]):
        code = lmu_hw(command)
        if code:
            sys.exit(code)
    return ecg, np.load(out / "delayed.npy", allow_pickle=False)


def check_words(build_dir: Path, ecg: np.ndarray, delayed: np.ndarray) -> int:
    """Compare every word with the interpreter, exactly; return how many there are.

    The record is cut into pieces that the interpreter runs side by side, each from the state that
    the compiled C had there. Every piece must give the C's words and end in the next one's state:
    then the interpreter, run through from reset, would have given every one of these words.
    """
    program = load_program(build_dir)
    fmt_u, fmt_y = program.vectors[0].fmt, program.with_role(Role.OUTPUT)[0].fmt
    words, _ = from_real(ecg, fmt_u, full_scale=FULL_SCALE)
    got = np.ldexp(delayed / FULL_SCALE, fmt_y.frac_bits)
    n_steps = len(words) // PIECES
    rest = len(words) - n_steps * PIECES
    engine = BulkEngine.from_folder(program, build_dir / "c")
    engine.run(words[:rest, None, None])
    states = []
    for piece in range(PIECES):
        states.append(engine.save()[0])
        start = rest + piece * n_steps
        engine.run(words[start : start + n_steps, None, None])
    states.append(engine.save()[0])
    head = Interpreter(program)
    equal = np.array_equal(head.run(words[:rest, None, None])[:, 0], got[:rest])
    equal &= np.array_equal(head.save()[0], states[0])
    body = Interpreter(program, PIECES)
    body.load(np.array(states[:-1]))
    expected = body.run(words[rest:].reshape(PIECES, n_steps, 1).transpose(1, 0, 2))
    equal &= np.array_equal(expected.transpose(1, 0, 2).reshape(-1, len(TAPS)), got[rest:])
    equal &= np.array_equal(body.save(), np.array(states[1:]))
    if not equal:
        sys.exit("the compiled C and the interpreter differ")
    return int(got.size)


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
    ecg, delayed = stream(options.data, options.out)
    n_words = check_words(options.out / "design", ecg, delayed)
    print(f"all {n_words:,} words of the compiled C equal to the interpreter's")
    for tap, r in zip(TAPS, fit(ecg, delayed), strict=True):
        print(f"delay {tap * THETA / RATE:.1f} s: correlation with the record {r:.5f}")
    draw(ecg, delayed, options.out / "ecg.png")
    print(f"picture in {options.out / 'ecg.png'}")


if __name__ == "__main__":
    main()
