"""One memory twice: as integer words of a sampled signal, and as a circuit of op-amps.

    python examples/analog_and_digital.py [--rate 64000] [--out build/analog_and_digital]

The same order, window and delays are compiled to integers of several word lengths at a sample rate,
and designed as a circuit with resistors of E96. Both get the same tones, all below d / 6 periods in
the window. Their outputs are compared with the tones truly delayed, and with the float memory in
continuous time, which both are to be: what that errs itself is a matter of its order. A digital
memory that holds its input decodes delays that are half a sample short: that constant is known, and
no error here.

Words err by the hold between samples and by rounding, every unit alike; a circuit errs by its
parts, every unit differently unless its taps are fitted for each.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import lmu_hw as lh
from lmu_hw.circuits.exact_memory import exact_response
from lmu_hw.circuits.report_data import draw_units
from lmu_hw.circuits.request import AnalogRequest

Array = npt.NDArray[np.float64]

HOLD_LEAD = 0.5
"""Samples by which delays of a memory that holds its input are short."""
FINE = 8
"""Points of the circuit's input for each sample: it is linear between them."""
SETTLED, MEASURED = 6, 24
"""Windows before the measurement, and its length [windows]."""
SHOWN = 3
"""Length of the picture [windows]."""
UNITS = 200
"""Circuits with parts of tolerance."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Tones:
    """An input of tones with equal amplitudes and random phases, peak 1.

    Parameters
    ----------
    frequencies, phases : float array, shape (n,)
        [Hz], [rad].
    amplitude : float
    """

    frequencies: Array
    phases: Array
    amplitude: float

    def at(self, times: Array) -> Array:
        """Return the input at times [s]."""
        angles = 2 * np.pi * np.outer(times, self.frequencies) + self.phases
        return np.asarray(self.amplitude * np.sin(angles).sum(axis=1))

    def through(self, response: npt.NDArray[np.complex128], times: Array) -> Array:
        """Return the tones at times after a system with a response at each, shape (n_times, k)."""
        angles = 2 * np.pi * np.outer(times, self.frequencies) + self.phases
        return np.asarray(self.amplitude * (np.exp(1j * angles) @ response).imag)

    def responses(self, times: Array, y: Array) -> npt.NDArray[np.complex128]:
        """Return the response at each tone of outputs y, shape (n_times, k), by least squares."""
        angles = 2 * np.pi * np.outer(times, self.frequencies) + self.phases
        basis = self.amplitude * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        found = np.linalg.lstsq(basis, y, rcond=None)[0]
        n = len(self.frequencies)
        return np.asarray(found[:n] + 1j * found[n:])


def make_tones(bandwidth: float, n: int = 24) -> Tones:
    """Return tones in equal steps up to a bandwidth [Hz]."""
    frequencies = bandwidth * np.arange(1, n + 1) / n
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, n)
    tones = Tones(frequencies=frequencies, phases=phases, amplitude=1.0)
    peak = np.abs(tones.at(np.arange(40 * n) / (40 * bandwidth))).max()
    # the peak between those points is hardly larger
    return Tones(frequencies=frequencies, phases=phases, amplitude=0.98 / peak)


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """What one way of building the memory does.

    Attributes
    ----------
    name, cost : str
    times : float array, shape (n,)
        From the start of the measurement [s].
    y, wanted, memory : float array, shape (n, n_taps)
        Outputs, the input truly delayed, and the float memory, in shares of full scale.
    errors : float array, shape (n_tones, n_taps)
        Error of the delay at each tone.
    """

    name: str
    cost: str
    times: Array
    y: Array
    wanted: Array
    memory: Array
    errors: Array

    def nrmse(self, reference: Array) -> float:
        """Return the error of all taps over time."""
        return float(np.sqrt(np.mean((self.y - reference) ** 2) / np.mean(reference**2)))


def compared(
    request: AnalogRequest,
    tones: Tones,
    times: Array,
    y: Array,
    *,
    name: str,
    cost: str,
    lead: float = 0.0,
) -> Measured:
    """Compare outputs with the tones delayed and with the float memory.

    Parameters
    ----------
    request : AnalogRequest
    tones : Tones
    times : float array, shape (n,)
    y : float array, shape (n, n_taps)
    name, cost : str
    lead : float
        By which the delays of the outputs are known to be short [s].
    """
    f = tones.frequencies
    ideal = np.exp(-2j * np.pi * np.outer(f, np.array(request.taps) * request.theta - lead))
    memory = exact_response(request.order, request.theta, request.taps, f)
    short = np.exp(2j * np.pi * f * lead)[:, None]
    return Measured(
        name=name,
        cost=cost,
        times=times,
        y=y,
        wanted=tones.through(ideal, times),
        memory=tones.through(memory * short, times),
        errors=np.abs(tones.responses(times, y) - ideal),
    )


def measure_digital(request: AnalogRequest, rate: float, bits: int, tones: Tones) -> Measured:
    """Run the integer program of a memory on samples of the tones."""
    memory = lh.Memory(request.order, theta=request.theta * rate)
    taps = ",".join(f"{tap:g}" for tap in request.taps)
    design = lh.compile(memory, bits=bits, output=f"taps={taps}")
    states = max(
        fmt.int_bits + fmt.frac_bits
        for name, fmt in design.formats.items()
        if name.startswith("z_")
    )
    times = np.arange(round((SETTLED + MEASURED) * request.theta * rate)) / rate
    y = design.predict(tones.at(times))
    part = times >= SETTLED * request.theta
    return compared(
        request,
        tones,
        times[part],
        y[part],
        name=f"digital, {bits} bits",
        cost=f"{design.program.multiplies_per_step} multiplies a sample, states of {states} bits",
        lead=HOLD_LEAD / rate,
    )


def measure_analog(circuit: lh.AnalogMemory, rate: float, tones: Tones) -> Measured:
    """Simulate the circuit on the tones at full scale."""
    request, fine = circuit.design.request, FINE * rate
    times = np.arange(round((SETTLED + MEASURED) * request.theta * fine)) / fine
    y = circuit.simulate(circuit.full_scale * tones.at(times), fine) / circuit.full_scale
    part = times >= SETTLED * request.theta
    kinds = [part.name[0] for part in circuit.circuit.parts]
    return compared(
        request,
        tones,
        times[part],
        y[part],
        name=f"analog, {request.series.value}, nominal parts",
        cost=f"{kinds.count('U')} op-amps, {kinds.count('R')} R, {kinds.count('C')} C",
    )


def draw(path: Path, memory: lh.AnalogMemory, tones: Tones, ways: list[Measured]) -> None:
    """Draw the oldest delay over time, and its error over frequency."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
    matplotlib.rcParams["svg.fonttype"] = "none"
    request = memory.design.request
    tap = int(np.argmax(request.taps))
    delay = request.taps[tap] * request.theta
    figure = plt.figure(figsize=(9.0, 4.4), layout="constrained")
    axes = figure.subplot_mosaic([["taps", "f"], ["error", "f"]], height_ratios=[2, 1])
    taps, error, right = axes["taps"], axes["error"], axes["f"]
    analog, coarse = ways[-1], ways[0]
    for way, color, style in ((coarse, "C0", "steps-post"), (analog, "C3", "default")):
        t = (way.times - analog.times[0]) / request.theta
        kept = t < SHOWN
        if way is coarse:
            wanted = way.wanted[kept, tap]
            taps.plot(t[kept], wanted, color="0.75", lw=4, label="input, truly delayed")
        taps.plot(t[kept], way.y[kept, tap], color=color, lw=1, drawstyle=style, label=way.name)
        wrong = 100 * (way.y - way.wanted)[kept, tap]
        error.plot(t[kept], wrong, color=color, lw=0.8, drawstyle=style)
    taps.set(ylabel="share of full scale", title=f"delay of {1e3 * delay:g} ms", xlim=(0, SHOWN))
    taps.margins(y=0.25)
    taps.legend(frameon=False, loc="upper left", fontsize=8)
    error.set(xlabel="time / theta", ylabel="error [%]", xlim=(0, SHOWN))
    periods = tones.frequencies * request.theta
    memory_only = exact_response(request.order, request.theta, request.taps, tones.frequencies)
    limit = np.abs(memory_only[:, tap] - np.exp(-2j * np.pi * tones.frequencies * delay))
    right.semilogy(periods, 100 * limit, "k--", label="float memory")
    for k, way in enumerate(ways):
        color = "C3" if way is analog else f"C{k if k < 3 else k + 1}"
        right.semilogy(periods, 100 * way.errors[:, tap], color=color, label=way.name)
    right.set(xlabel="f theta: periods in the window", ylabel="error of the delay [%]")
    right.set(ylim=(1e-4, 100), title="error over frequency", xlim=(0, periods[-1]))
    right.yaxis.set_major_formatter("{x:g}")
    right.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    for ax in axes.values():
        ax.grid(visible=True, which="major", alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def print_table(circuit: lh.AnalogMemory, ways: list[Measured]) -> None:
    """Print errors and cost of every way, and what tolerances of parts make of the circuit."""
    print(f"{'NRMSE against':36} {'delays':>8} {'memory':>8}  cost")
    for way in ways:
        errors = [100 * way.nrmse(reference) for reference in (way.wanted, way.memory)]
        print(f"{way.name:36} {errors[0]:6.2f} % {errors[1]:6.2f} %  {way.cost}")
    units = draw_units(circuit.design, UNITS)
    assert units.calibrated_median is not None
    for name, median in (
        (f"  {UNITS} units of {100 * units.tolerance:g} %, median", units.median),
        ("  the same, taps fitted per unit", units.calibrated_median),
    ):
        print(f"{name:36} {'':8} {100 * median:6.2f} %")


def word_lengths(text: str) -> list[int]:
    """Return integers separated by commas."""
    return [int(bits) for bits in text.split(",")]


def main() -> None:
    """Print the table and draw the picture."""
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--d", type=int, default=6, help="order")
    args.add_argument("--theta", type=float, default=1e-3, help="window [s]")
    args.add_argument("--taps", default="0.25,0.5,1", help="delays in fractions of the window")
    args.add_argument("--rate", type=float, default=64e3, help="samples in a second")
    args.add_argument("--bits", type=word_lengths, default=[8, 12, 16], help="as 8,12,16")
    args.add_argument("--out", type=Path, default=Path("build/analog_and_digital"))
    options = args.parse_args()
    try:
        circuit = lh.analog(options.d, options.theta, options.taps)
        if options.rate < 4 * circuit.bandwidth:
            args.error(f"--rate must be at least {4 * circuit.bandwidth:g}: four times the band")
        tones, request = make_tones(circuit.bandwidth), circuit.design.request
        ways = [measure_digital(request, options.rate, bits, tones) for bits in options.bits]
    except ValueError as error:
        args.error(str(error))
    ways.append(measure_analog(circuit, options.rate, tones))
    print(
        f"d = {options.d}, window {1e3 * options.theta:g} ms, delays {options.taps} of it; tones "
        f"up to {circuit.bandwidth:g} Hz; digital at {options.rate:g} samples a second"
    )
    print_table(circuit, ways)
    draw(options.out / "analog_and_digital.svg", circuit, tones, ways)
    print(f"drawn in {options.out / 'analog_and_digital.svg'}")


if __name__ == "__main__":
    main()
