"""A delay line of 1 ms for sound, without a digital part: d = 12, taps at four delays, in ngspice.

    python examples/analog_delay_line.py [--out DIR] [--seconds S]

A plucked string plays a short tune, limited to the 2 kHz that the memory holds. ngspice runs the
circuit: op-amps of 10 MHz with their slew rate and limits, resistors of the E96 series. Its taps
are compared with the float memory, and with the sound itself a quarter to a whole millisecond
earlier. A second of sound takes about a minute.

Writes ``input.wav``, ``taps.wav`` (four channels, 0.25 to 1 ms late), ``echo.wav`` (the input and
all taps together, which is a comb filter) and a picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.io.wavfile
import scipy.signal

import lmu_hw as lh

Array = npt.NDArray[np.float64]

ORDER, THETA = 12, 1e-3
"""Order and window [s] of the memory."""
DELAYS = (0.25, 0.5, 0.75, 1.0)
"""Taps in windows."""
RATE = 24_000
"""Samples in a second."""
BANDWIDTH = 2000.0
"""Highest frequency of the sound [Hz]: d / 6 periods in the window."""
TUNE = (57, 64, 69, 72, 71, 69, 64, 60)
"""Notes, in semitones; 69 is 440 Hz."""
LEVEL = 0.9
"""Largest value of the sound, in full scales of the circuit."""


def plucked_string(frequency: float, n: int, rng: np.random.Generator) -> Array:
    """Return the sound of a plucked string (Karplus and Strong, 1983), n samples."""
    period = round(RATE / frequency)
    string = rng.uniform(-1.0, 1.0, period)
    out = np.empty(n)
    for start in range(0, n, period):
        piece = string[: min(period, n - start)]
        out[start : start + len(piece)] = piece
        # losses: the mean of neighbours
        string = 0.998 * (string + np.roll(string, 1)) / 2.0
    return out


def tune(seconds: float) -> Array:
    """Return the tune, below the bandwidth, from -1 to 1."""
    rng = np.random.default_rng(7)
    n, each = round(seconds * RATE), round(seconds * RATE / len(TUNE))
    sound = np.zeros(n)
    for k, note in enumerate(TUNE):
        start = k * each
        rest = n - start
        sound[start:] += plucked_string(440.0 * 2.0 ** ((note - 69) / 12), rest, rng)
    lowpass = scipy.signal.butter(8, 0.8 * BANDWIDTH, fs=RATE, output="sos")
    sound = scipy.signal.sosfiltfilt(lowpass, sound)
    # from silence and back, so that nothing outside the band starts it
    fade = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.005 * RATE))
    sound *= fade
    return np.asarray(sound / np.abs(sound).max())


def delayed(sound: Array, seconds: float) -> Array:
    """Return a sound some time later, exactly: by its spectrum, with room for the delay."""
    padded = np.concatenate([sound, np.zeros(RATE // 10)])
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(padded), 1 / RATE) * seconds)
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * turn, len(padded))[: len(sound)])


def nrmse(got: Array, wanted: Array) -> float:
    """Return the RMS error over the RMS value."""
    return float(np.sqrt(np.mean((got - wanted) ** 2) / np.mean(wanted**2)))


def write_wav(path: Path, sound: Array) -> None:
    """Write sound from -1 to 1, shape (n,) or (n, channels), as 16-bit samples."""
    words = np.rint(np.clip(sound, -1.0, 1.0) * 32767).astype(np.int16)
    scipy.io.wavfile.write(path, RATE, words)


def draw(path: Path, sound: Array, taps: Array, memory: Array) -> None:
    """Draw 8 ms of the sound and of the taps, and the error over the whole tune."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6), layout="constrained")
    middle = len(sound) * 5 // 16
    show = slice(middle, middle + round(0.008 * RATE))
    ms = 1e3 * (np.arange(show.start, show.stop) - show.start) / RATE
    above.plot(ms, sound[show], color="black", label="input")
    for k, delay in enumerate(DELAYS):
        label = f"tap {k + 1}: {delay * 1e3 * THETA:g} ms"
        above.plot(ms, taps[show, k], color=f"C{k}", label=label)
    above.set(xlabel="time [ms]", ylabel="part of full scale", title="taps of the circuit")
    above.legend(ncols=5, fontsize="small", frameon=False)
    seconds = np.arange(len(sound)) / RATE
    for k in range(len(DELAYS)):
        below.plot(seconds, 100 * (taps - memory)[:, k], color=f"C{k}", linewidth=0.5)
    below.set(
        xlabel="time [s]", ylabel="% of full scale", title="circuit less float memory, all taps"
    )
    for ax in (above, below):
        ax.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Run the circuit on the tune."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--out", type=Path, default=Path("build/analog_delay_line"))
    args.add_argument("--seconds", type=float, default=2.0)
    options = args.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    memory = lh.analog(ORDER, THETA, DELAYS)
    print(memory.write(options.out / "circuit", force=True).manifest)
    sound = tune(options.seconds)
    volts = LEVEL * memory.full_scale
    taps = memory.simulate(volts * sound, RATE, engine="ngspice") / volts
    exact = memory.simulate(volts * sound, RATE, engine="memory") / volts
    print("tap    delay    against the float memory    against the sound itself, delayed")
    for k, delay in enumerate(DELAYS):
        seconds = delay * THETA
        print(
            f"{k + 1}     {1e3 * seconds:5.2f} ms    {nrmse(taps[:, k], exact[:, k]):18.3%}"
            f"    {nrmse(taps[:, k], delayed(sound, seconds)):28.3%}"
        )
    write_wav(options.out / "input.wav", LEVEL * sound)
    write_wav(options.out / "taps.wav", LEVEL * taps)
    write_wav(options.out / "echo.wav", LEVEL * (sound + taps.sum(axis=1)) / (1 + len(DELAYS)))
    draw(options.out / "delay_line.png", sound, taps, exact)
    print(f"wrote {options.out}: input.wav, taps.wav, echo.wav, delay_line.png, circuit/")


if __name__ == "__main__":
    main()
