"""Test benches of an analog memory: decks for ngspice that write their results by ``wrdata``.

``ac.cir`` gives the frequency responses of the taps, ``tran.cir`` the taps for band-limited input,
``noise.cir`` the noise density at each tap, ``step.cir`` the taps for a step to full scale and
``square.cir`` every node for a square wave at full scale. The input of the transients is linear
between the points of a grid, so that the float memory has an exact solution there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from .._support.templates import environment
from .._support.version import __version__
from .analog_design import AnalogDesign
from .circuit import INPUT, Circuit
from .spice_netlist import has_amplifiers, netlist_files, number

BAND = 6
"""The band reaches to theta f = order / BAND."""
AC_STEPS = 48
"""Frequencies of the AC bench in 1 / theta."""
NOISE_STEPS = 24
"""Frequencies of the noise bench in 1 / theta."""
POINTS_PER_ORDER = 4
"""Grid points in theta for each order: 24 in a period of the band's edge."""
LEAST_POINTS = 32
"""Fewest grid points in theta."""
TRAN_LENGTH = 6
"""Length of the band-limited input [theta]."""
FADE = 2
"""Time in which that input fades in [theta]."""
STEP_LENGTH = 3
"""Length of the step [theta]."""
SQUARE_LENGTH = 5
"""Length of the square wave, whose half period is theta [theta]."""
FINE_STEPS = 16
"""Least number of time steps from one grid point to the next where errors are measured."""
COARSE_STEPS = 4
"""The same where only the shape counts."""
PER_LINE = 4
"""Points of the input on a line."""
VECTORS_PER_LINE = 5
"""Vectors of a ``wrdata`` command on a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSetup:
    """What the benches are told of a memory besides its circuit.

    Parameters
    ----------
    order : int
    theta : float
        Window length [s].
    delays : tuple of float
        Fraction of theta of each tap, 0 to 1.
    supply : float
        Voltage between the rails [V].
    full_scale : float
        Largest magnitude of the input [V].
    """

    order: int
    theta: float
    delays: tuple[float, ...]
    supply: float
    full_scale: float

    @property
    def band_edge(self) -> float:
        """Highest frequency of the band [Hz]."""
        return self.order / BAND / self.theta

    @property
    def points(self) -> int:
        """Number of grid points of a transient's input in theta."""
        return max(LEAST_POINTS, POINTS_PER_ORDER * self.order)

    @property
    def dt(self) -> float:
        """Distance of the grid points [s]."""
        return self.theta / self.points

    def frequencies(self) -> Array:
        """Return the frequencies of the AC bench [Hz]: to twice the band, at least to 2 / theta."""
        n = AC_STEPS * max(2, math.ceil(2 * self.order / BAND))
        return np.asarray(np.arange(1, n + 1) / (AC_STEPS * self.theta))

    def noise_frequencies(self) -> Array:
        """Return the frequencies of the noise bench [Hz]: to the band's edge, at the least two."""
        n = max(2, round(NOISE_STEPS * self.order / BAND))
        return np.asarray(np.arange(1, n + 1) * (self.band_edge / n))

    def times(self, length: int) -> Array:
        """Return the grid points of ``length`` windows [s]."""
        return np.asarray(np.arange(length * self.points + 1) * self.dt)

    def band_limited(self) -> Array:
        """Return the input of ``tran.cir`` at its grid points [V]: in the band, 0 at time 0.

        Sines of all multiples of ``1 / (2 TRAN_LENGTH theta)`` in the band, of one amplitude and
        random signs; the peak is full scale. It fades in over `FADE` windows: a sudden start has
        frequencies beyond the band.
        """
        n = int(TRAN_LENGTH * 2 * self.order / BAND)
        signs = np.random.default_rng(1).choice([-1.0, 1.0], size=n)
        phase = np.pi * self.times(TRAN_LENGTH) / (TRAN_LENGTH * self.theta)
        rise = np.minimum(self.times(TRAN_LENGTH) / (FADE * self.theta), 1.0)
        u = np.sin(np.pi / 2.0 * rise) ** 2 * (signs @ np.sin(np.arange(1, n + 1)[:, None] * phase))
        return np.asarray(u * (self.full_scale / np.max(np.abs(u))))

    def square(self) -> Array:
        """Return the input of ``square.cir`` at its grid points [V]: edges take a grid step."""
        half_periods = np.arange(SQUARE_LENGTH * self.points) // self.points
        signs = np.where(half_periods % 2 == 0, 1.0, -1.0)
        return np.concatenate([[0.0], self.full_scale * signs])


def bench_setup(design: AnalogDesign) -> BenchSetup:
    """Return the setup of the benches of a design."""
    return BenchSetup(
        order=design.request.order,
        theta=design.request.theta,
        delays=design.request.taps,
        supply=design.request.supply,
        full_scale=design.full_scale,
    )


def spice_files(circuit: Circuit, setup: BenchSetup) -> dict[str, str]:
    """Return the netlists and benches of a circuit by file name.

    Parameters
    ----------
    circuit : Circuit
    setup : BenchSetup

    Returns
    -------
    dict of str to str
        ``lmu.cir``, ``amplifiers.lib`` and the benches.
    """
    times, volts = _corners(setup.times(SQUARE_LENGTH), setup.square())
    return ac_files(circuit, setup) | {
        "tran.cir": transient_bench(
            circuit,
            setup,
            file="tran.cir",
            what="Taps for band-limited input.",
            times=setup.times(TRAN_LENGTH),
            volts=setup.band_limited(),
            steps=FINE_STEPS,
        ),
        "noise.cir": _noise(circuit, setup),
        "step.cir": transient_bench(
            circuit,
            setup,
            file="step.cir",
            what="Taps for a step to full scale.",
            times=np.array([0.0, setup.dt, STEP_LENGTH * setup.theta]),
            volts=np.array([0.0, setup.full_scale, setup.full_scale]),
        ),
        "square.cir": transient_bench(
            circuit,
            setup,
            file="square.cir",
            what="Every node for a square wave at full scale with half periods of theta.",
            times=times,
            volts=volts,
            nodes=circuit.nodes,
        ),
    }


def ac_files(circuit: Circuit, setup: BenchSetup) -> dict[str, str]:
    """Return the files that the AC bench needs, by name."""
    return {**netlist_files(circuit), "ac.cir": _ac(circuit, setup)}


def transient_bench(
    circuit: Circuit,
    setup: BenchSetup,
    *,
    file: str,
    what: str,
    times: Array,
    volts: Array,
    nodes: Sequence[str] = (),
    steps: int = COARSE_STEPS,
) -> str:
    """Return a deck that simulates the circuit over time; its data file has the deck's name.

    Parameters
    ----------
    circuit : Circuit
    setup : BenchSetup
    file : str
        Name of the deck, ending in ``.cir``.
    what : str
        A sentence on what it does.
    times : float array, shape (n,)
        Corners of the input [s], rising from 0; the last is the end of the simulation.
    volts : float array, shape (n,)
        Input at the corners [V].
    nodes : sequence of str
        Nodes to record. Default: the input and the taps, in this order.
    steps : int
        Least number of time steps from one grid point to the next.
    """
    names = nodes or (INPUT, *circuit.taps)
    pairs = [f"{number(t)} {v:.9g}" for t, v in zip(times, volts, strict=True)]
    lines = [" ".join(pairs[k : k + PER_LINE]) for k in range(0, len(pairs), PER_LINE)]
    return _deck(
        circuit,
        setup,
        file=file,
        what=what,
        source="Vu u 0 PWL(",
        points=[*lines, ")"],
        transient=True,
        commands=[
            f"tran {number(setup.dt)} {number(times[-1])} 0 {number(setup.dt / steps)}",
            *_write(file, [_vector(circuit, name) for name in names]),
        ],
    )


def data_file(deck: str) -> str:
    """Return the name of the data file of a deck: ``ac.data`` for ``ac.cir``."""
    return deck.removesuffix(".cir") + ".data"


def noise_data_file(tap: str) -> str:
    """Return the name of the data file with the noise density at a tap."""
    return f"noise_{tap}.data"


def _ac(circuit: Circuit, setup: BenchSetup) -> str:
    f = setup.frequencies()
    return _deck(
        circuit,
        setup,
        file="ac.cir",
        what="Frequency responses from the input to the taps: real and imaginary parts.",
        source="Vu u 0 DC 0 AC 1",
        commands=[
            f"ac lin {len(f)} {number(f[0])} {number(f[-1])}",
            *_write("ac.cir", [f"v({tap})" for tap in circuit.taps]),
        ],
    )


def _noise(circuit: Circuit, setup: BenchSetup) -> str:
    f = setup.noise_frequencies()
    commands = []
    for k, tap in enumerate(circuit.taps):
        # each analysis adds two plots: the density and its integral
        commands += [
            f"noise v({tap}) Vu lin {len(f)} {number(f[0])} {number(f[-1])}",
            f"setplot noise{2 * k + 1}",
            f"wrdata {noise_data_file(tap)} onoise_spectrum",
        ]
    return _deck(
        circuit,
        setup,
        file="noise.cir",
        what="Noise density at each tap [V/sqrt(Hz)] over the band.",
        source="Vu u 0 DC 0 AC 1",
        commands=commands,
    )


def _deck(
    circuit: Circuit,
    setup: BenchSetup,
    *,
    file: str,
    what: str,
    source: str,
    commands: Sequence[str],
    points: Sequence[str] = (),
    transient: bool = False,
) -> str:
    return (
        environment()
        .get_template("spice/bench.cir.j2")
        .render(
            # ngspice takes the first line as the title, whatever it holds
            title=f"* {file}: {circuit.title}",
            version=__version__,
            file=file,
            what=what,
            supply=number(setup.supply / 2.0) if has_amplifiers(circuit) else "",
            source=source,
            points=points,
            taps=circuit.taps,
            transient=transient,
            commands=commands,
        )
    )


def _vector(circuit: Circuit, node: str) -> str:
    """Return ngspice's name for the voltage of a node."""
    outside = {INPUT, *circuit.taps}
    return f"v({node})" if node in outside else f"v(xlmu.{node.lower()})"


def _write(file: str, vectors: Sequence[str]) -> list[str]:
    """Return the command that writes vectors to the data file of a deck."""
    n = VECTORS_PER_LINE
    rows = [" ".join(vectors[k : k + n]) for k in range(0, len(vectors), n)]
    return [f"wrdata {data_file(file)} {rows[0]}", *(f"+ {row}" for row in rows[1:])]


def _corners(times: Array, volts: Array) -> tuple[Array, Array]:
    """Return the corners of a line, without points on straight pieces."""
    slope = np.diff(volts)
    bends = np.concatenate([[True], slope[1:] != slope[:-1], [True]])
    return times[bends], volts[bends]
