"""A real signal through the build directory that `make demo` generated: no data sets, no Icarus.

    python examples/demo.py [--dir build/demo]

The signal is a recording of a cell's membrane potential that matplotlib ships. It is streamed
through the integer program (d = 64, 64 output words a step, the Legendre coefficients of the last
512 samples); the window is then decoded from one step's words and drawn beside the recording.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import lmu_hw as lh


def recording() -> np.ndarray:
    """Return the membrane potential until shortly after its last spike, peak 0.5."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "sample_data" / "membrane.dat"
    signal = np.fromfile(path, dtype=np.float32).astype(np.float64)
    signal -= np.median(signal)
    end = np.flatnonzero(signal > 0.5 * signal.max())[-1] + 150
    return signal[:end] / (2 * np.abs(signal).max())


def decode(words: np.ndarray, build: lh.Build) -> tuple[np.ndarray, np.ndarray]:
    """Return delays [samples] and the decoded window of the last step's output words."""
    memory, delays = build.memory, np.linspace(0, 1, 400)
    return delays * memory.theta, memory.decoder(delays) @ build.to_real(words[-1])


def draw(signal: np.ndarray, delays: np.ndarray, window: np.ndarray, path: Path) -> None:
    """Draw the recording and what the memory holds of it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9, 3.5), layout="constrained")
    n = len(delays) and int(delays[-1])
    axis.plot(np.arange(-n, 0), signal[-n:], color="0.65", lw=2.5, label="recording")
    axis.plot(-delays, window, color="C3", lw=1, label="decoded from 64 16-bit words")
    axis.set_xlabel("samples before now")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Run the example."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--dir", type=Path, default=Path("build/demo"), help="build directory")
    build = lh.open_build(args.parse_args().dir)
    signal = recording()
    words = build.run(build.to_words(signal)).outputs
    delays, window = decode(words, build)
    wanted = np.interp(len(signal) - 0.5 - delays, np.arange(len(signal)), signal)
    # the ends of the window belong to the decoder's edge, not to the memory
    inner = slice(20, -20)
    error = np.sqrt(np.mean((window - wanted)[inner] ** 2)) / np.std(wanted[inner])
    print(
        f"the last {delays[-1]:g} samples decoded from the last 64 words: {100 * error:.1f} % RMS"
    )
    picture = build.path.parent / "membrane.png"
    draw(signal, delays, window, picture)
    print(f"picture in {picture}")


if __name__ == "__main__":
    main()
