"""Error of spiking neurons against their number: the paper's ensemble, and the memory itself.

    python examples/spiking.py [--out DIR]

Left: the paper's figure again. One ensemble of m neurons represents a sine of 10 Hz; each has the
rate curve of a leaky integrate-and-fire neuron and Poisson spikes. Nothing is fed back. The paper's
line is 5 / sqrt(m), which rates of 20 to 40 Hz give; at 200 to 400 Hz it would be 1.6 / sqrt(m).
Right: the memory itself, whose m neurons feed back, in the integer words of designs.

References
----------
Voelker, Kajić, Eliasmith, Legendre Memory Units, NeurIPS 2019 (m Poisson neurons, 5 / sqrt(m)).
Eliasmith, Anderson, Neural Engineering, MIT Press 2003 (encoders, rate curves, decoders).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

import lmu_hw as lh

Array = npt.NDArray[np.float64]

DT, TAU, DURATION, FREQUENCY = 1e-4, 1e-3, 1.0, 10.0
"""Step, time constant of the filter, duration [s]; of the sine [Hz]."""
TAU_RC, TAU_REF = 0.02, 0.002
"""Membrane time constant and refractory period [s]."""
RATES = (20.0, 40.0)
"""Rates of the neurons at the end of their range, uniform [Hz]."""
POINTS, REGULARIZATION = 500, 0.1
"""Points of the decoders' fit; ridge, as a share of the largest rate."""
ORDER, THETA, WINDOWS, INPUT_RMS = 6, 256, 18, 0.3
"""The memory: order, window [samples], length of its input [windows], RMS of that."""
ENSEMBLES = (100, 200, 501, 1002, 2001, 5003, 10005, 20010)
"""Numbers of neurons on the left."""
MEMORIES = tuple(96 * 2**k for k in range(9))
"""Numbers of neurons on the right."""


class Ensemble:
    """Neurons that represent a number from -1 to 1 in their rates.

    Parameters
    ----------
    m : int
        Number of neurons.
    rng : numpy.random.Generator
        Draws the sign, threshold and largest rate of each.
    """

    def __init__(self, m: int, rng: np.random.Generator) -> None:
        largest, threshold = rng.uniform(*RATES, m), rng.uniform(-1.0, 0.9, m)
        self.sign = rng.choice((-1.0, 1.0), m)
        # current 1 is where a neuron starts to fire
        current = 1.0 / (1.0 - np.exp((TAU_REF - 1.0 / largest) / TAU_RC))
        self.gain = (current - 1.0) / (1.0 - threshold)
        self.bias = 1.0 - self.gain * threshold
        self.decoders = self._fit()

    def rates(self, x: Array) -> Array:
        """Return the rates [Hz] for values x, shape (len(x), m)."""
        current = self.gain * self.sign * x[:, None] + self.bias
        fires = current > 1.0
        over = np.where(fires, current - 1.0, 1.0)
        return np.where(fires, 1.0 / (TAU_REF + TAU_RC * np.log1p(1.0 / over)), 0.0)

    def _fit(self) -> Array:
        """Return the least-squares decoders, with a ridge: a sum of rates times decoders is x."""
        x = np.linspace(-1.0, 1.0, POINTS)
        rates = self.rates(x)
        ridge = POINTS * (REGULARIZATION * rates.max()) ** 2
        # as many equations as points, however many neurons
        return np.asarray(rates.T @ np.linalg.solve(rates @ rates.T + ridge * np.eye(POINTS), x))

    def spikes(self, x: Array, periods: int, rng: np.random.Generator) -> Array:
        """Return decoded spikes for periods of x, shape (periods, len(x)): neurons fire at random.

        The rates of a period are those of the others: they are computed once.
        """
        m, out = len(self.gain), []
        for part in np.array_split(x, max(1, len(x) * periods * m // 4_000_000)):
            chance = (self.rates(part) * DT).astype(np.float32)
            fired = rng.random((periods, len(part), m), dtype=np.float32) < chance
            out.append(fired.astype(np.float32) @ self.decoders.astype(np.float32) / DT)
        return np.concatenate(out, axis=1)


def lowpass(x: Array) -> Array:
    """Filter with the time constant TAU."""
    decay, y, out = np.exp(-DT / TAU), 0.0, np.empty_like(x)
    for t, value in enumerate(x):
        y = decay * y + (1.0 - decay) * value
        out[t] = y
    return out


def ensemble_error(m: int, rng: np.random.Generator) -> float:
    """Return the RMS error of a filtered sine, decoded from m neurons."""
    periods = round(DURATION * FREQUENCY)
    x = np.sin(2 * np.pi * np.arange(0, 1, FREQUENCY * DT))
    decoded = Ensemble(m, rng).spikes(x, periods, rng).ravel()
    wrong = lowpass(decoded) - lowpass(np.tile(x, periods))
    return float(np.sqrt(np.mean(wrong**2)))


def noise(n: int, highest: float, rng: np.random.Generator) -> Array:
    """Return white noise up to a frequency [cycles/sample]."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    spectrum[np.fft.rfftfreq(n) > highest] = 0.0
    u = np.fft.irfft(spectrum, n)
    return np.asarray(np.clip(INPUT_RMS * u / np.std(u), -1.0, 1.0))


def memory_error(m: int, neuron_model: str) -> float:
    """Return the NRMSE of a memory on m neurons, as a design computes it.

    Relative to the RMS value of the float memory, every coefficient scaled to unit power; the first
    two windows are not counted.
    """
    memory = lh.Memory(ORDER, theta=THETA)
    neurons = {"neurons": m, "neuron_model": neuron_model}
    design = lh.compile(memory, bits=20, realization="spiking", neurons=neurons)
    u = noise(WINDOWS * THETA, ORDER / 6 / THETA, np.random.default_rng(0))
    unit = np.sqrt(2.0 * np.arange(ORDER) + 1.0)
    # the last output is the count of spikes
    words = design.predict(u)[2 * THETA :, :ORDER] / unit
    exact = memory.simulate(u)[2 * THETA :] / unit
    return float(np.sqrt(np.mean((words - exact) ** 2) / np.mean(exact**2)))


def draw(path: Path, left: dict[int, float], right: dict[str, dict[int, float]]) -> None:
    """Draw both errors over the number of neurons."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
    matplotlib.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 4.0), layout="constrained")
    m = np.array(list(left))
    axes[0].loglog(m, list(left.values()), "o", label="Poisson, LIF rate curve")
    axes[0].loglog(m, 5.0 / np.sqrt(m), "k--", label="5 / sqrt(m)")
    axes[0].set(title="one ensemble, a sine of 10 Hz", ylabel="RMS error")
    for name, errors in right.items():
        m, y = np.array(list(errors)), np.array(list(errors.values()))
        (line,) = axes[1].loglog(m, y, "o", label=name)
        power = -0.5 if name == "poisson" else -1.0
        fit = np.exp(np.mean(np.log(y) - power * np.log(m)))
        label = f"{fit:.2g} / {'sqrt(m)' if name == 'poisson' else 'm'}"
        axes[1].loglog(m, fit * m**power, "--", color=line.get_color(), label=label)
    title = f"the memory in words, d = {ORDER}, theta = {THETA}"
    axes[1].set(title=title, ylabel="NRMSE of the memory")
    for ax in axes:
        ax.set(xlabel="neurons m")
        ax.grid(visible=True, which="major", alpha=0.3)
        ax.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def slope(errors: dict[int, float]) -> float:
    """Return the slope of log error over log m."""
    return float(np.polyfit(np.log(list(errors)), np.log(list(errors.values())), 1)[0])


def main() -> None:
    """Print both errors and draw them."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--out", type=Path, default=Path("build/spiking"), help="directory")
    args.add_argument("--most", type=int, default=20010, metavar="M", help="most neurons")
    options = args.parse_args()
    if options.most < MEMORIES[1]:
        args.error(f"--most must be at least {MEMORIES[1]}: a slope needs two sizes")
    left = {m: ensemble_error(m, np.random.default_rng(m)) for m in ENSEMBLES if m <= options.most}
    print("one ensemble: m, RMS error, RMS error * sqrt(m)")
    for m, error in left.items():
        print(f"{m:6} {error:8.4f} {error * np.sqrt(m):6.2f}")
    right = {
        model: {m: memory_error(m, model) for m in MEMORIES if m <= options.most}
        for model in ("poisson", "integrate-fire")
    }
    print("memory: m, NRMSE of Poisson neurons, of integrate-and-fire neurons")
    for m, error in right["poisson"].items():
        print(f"{m:6} {error:8.4f} {right['integrate-fire'][m]:9.6f}")
    print("slopes " + ", ".join(f"{name} {slope(errors):.3f}" for name, errors in right.items()))
    options.out.mkdir(parents=True, exist_ok=True)
    draw(options.out / "spiking.svg", left, right)
    print(f"drawn in {options.out / 'spiking.svg'}")


if __name__ == "__main__":
    main()
