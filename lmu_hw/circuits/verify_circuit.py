"""Compare a circuit in ngspice with the float memory, and with what its linear model predicts.

The limits follow from the model of the same parts in NumPy (`nodal`), so that a limit that is
missed says that netlist and design differ, or that something happens that is not linear: an
amplifier at its limit or too slow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .._support.array_types import Array
from .benches import (
    AC_STEPS,
    SQUARE_LENGTH,
    TRAN_LENGTH,
    BenchSetup,
    data_file,
    noise_data_file,
)
from .circuit import Circuit
from .circuit_report import CircuitCheck, CircuitReport, TapResult
from .exact_memory import band_error, exact_response, exact_transient
from .ngspice import DataFile, run_ngspice
from .ngspice_sample import run_ac
from .nodal import LinearCircuit, linear_circuit
from .noise_voltages import noise_voltages
from .spice_netlist import LIMIT_EXCESS

RESPONSE_LIMIT = 1e-4
"""Largest NRMSE between ngspice and the linear model: the leaks of the netlist need some."""
BAND_EXCESS = 1e-4
"""What ngspice's NRMSE in the band may add to that of the linear model."""
TRANSIENT_EXCESS = 5e-4
"""The same over time: time steps, and amplifiers that are not quite linear."""
NOISE_LIMIT = 0.05
"""Largest difference of the noise from that of the linear model [dB]."""
PEAK_EXCESS = LIMIT_EXCESS / 4.0
"""How far a node may pass the limit [V]: full scale has rounding; a limited output is further."""
REWRITE = "write the directory again with lmu-hw analog"


class _Compared(NamedTuple):
    """Taps in ngspice, of the linear model and of the float memory, each of shape (n, k)."""

    measured: np.ndarray
    designed: np.ndarray
    exact: np.ndarray


def verify_circuit(
    files: Mapping[str, str],
    circuit: Circuit,
    setup: BenchSetup,
    *,
    edited: Sequence[str] = (),
) -> CircuitReport:
    """Run the test benches of an analog memory.

    Parameters
    ----------
    files : mapping of str to str
        Netlists and decks by file name: as `spice_files` returns them or a directory holds them.
    circuit : Circuit
        The circuit as designed, whose linear model gives the limits.
    setup : BenchSetup
        As the decks were written for.
    edited : sequence of str
        Names of files that are not as they were written, for the report.

    Raises
    ------
    ToolError
        If ngspice is not installed or fails.
    """
    model = linear_circuit(circuit)
    f, measured = setup.frequencies(), run_ac(files, setup)
    exact = exact_response(setup.order, setup.theta, setup.delays, f)
    n = round(AC_STEPS * setup.band_edge * setup.theta)
    band = _Compared(measured[:n], model.response(f[:n], circuit.taps), exact[:n])
    transient = _transient(files, circuit, setup, model)
    peaks = _peaks(files, circuit, setup)
    noise = _noise(files, circuit, setup)
    at_one = measured[AC_STEPS - 1], exact[AC_STEPS - 1]
    return CircuitReport(
        title=circuit.title,
        taps=_tap_results(circuit, setup, band, at_one, transient, noise),
        peaks=peaks,
        checks=(
            *_response_checks(band),
            _transient_check(transient),
            _noise_check(noise, circuit, setup),
            _peak_check(peaks, circuit, setup),
        ),
        edited=tuple(edited),
    )


def _transient(
    files: Mapping[str, str], circuit: Circuit, setup: BenchSetup, model: LinearCircuit
) -> _Compared:
    """Return the taps at the grid points of the input that ``tran.cir`` has."""
    times, name = setup.times(TRAN_LENGTH), data_file("tran.cir")
    expected = DataFile(name=name, columns=1 + len(circuit.taps), end=float(times[-1]))
    rows = run_ngspice("tran.cir", files, [expected])[name]
    # ngspice has a time step at every corner of the input, so nothing is lost here
    u, *taps = (np.interp(times, rows[:, 0], column) for column in rows[:, 1:].T)
    designed = model.simulate(u, setup.dt)[:, [model.index[tap] for tap in circuit.taps]]
    exact = exact_transient(setup.order, setup.theta, setup.delays, u, setup.dt)
    return _Compared(np.column_stack(taps), designed, exact)


def _peaks(files: Mapping[str, str], circuit: Circuit, setup: BenchSetup) -> dict[str, float]:
    """Return the largest magnitude of each node for the square wave [V]."""
    name = data_file("square.cir")
    end = float(setup.times(SQUARE_LENGTH)[-1])
    expected = DataFile(name=name, columns=len(circuit.nodes), end=end)
    rows = run_ngspice("square.cir", files, [expected])[name]
    largest = np.max(np.abs(rows[:, 1:]), axis=0)
    return dict(zip(circuit.nodes, map(float, largest), strict=True))


def _noise(files: Mapping[str, str], circuit: Circuit, setup: BenchSetup) -> Array:
    """Return the noise at each tap in the band, below a sine of full scale [dB]."""
    f = setup.noise_frequencies()
    expected = [
        DataFile(name=noise_data_file(tap), columns=1, end=float(f[-1])) for tap in circuit.taps
    ]
    data = run_ngspice("noise.cir", files, expected)
    return np.array([_below_full_scale(data[item.name], setup) for item in expected])


def _below_full_scale(rows: Array, setup: BenchSetup) -> float:
    """Return noise given by frequencies and densities, integrated from 0, below full scale [dB]."""
    f, squares = rows[:, 0], rows[:, 1] ** 2
    means = (squares[1:] + squares[:-1]) / 2.0
    power = float(f[0] * squares[0] + np.sum(np.diff(f) * means))
    return 10.0 * math.log10(setup.full_scale**2 / 2.0 / power)


def _tap_results(
    circuit: Circuit,
    setup: BenchSetup,
    band: _Compared,
    at_one: tuple[np.ndarray, np.ndarray],
    transient: _Compared,
    noise: Array,
) -> tuple[TapResult, ...]:
    delayed = np.exp(-2j * np.pi * np.asarray(setup.delays))
    in_band = band_error(band.measured, band.exact, axis=0)
    over_time = _nrmse(transient.measured, transient.exact, axis=0)
    return tuple(
        TapResult(
            node=node,
            delay=setup.delays[k],
            band_error=float(in_band[k]),
            delay_error=float(abs(at_one[0][k] - delayed[k])),
            memory_delay_error=float(abs(at_one[1][k] - delayed[k])),
            transient_error=float(over_time[k]),
            noise_db=float(noise[k]),
        )
        for k, node in enumerate(circuit.taps)
    )


def _response_checks(band: _Compared) -> tuple[CircuitCheck, CircuitCheck]:
    predicted = float(band_error(band.designed, band.exact))
    return (
        CircuitCheck(
            name="response in band, against the design",
            value=float(band_error(band.measured, band.designed)),
            limit=RESPONSE_LIMIT,
            reason="nodal analysis of the same parts in NumPy",
            remedy=f"the netlist is not the one designed: {REWRITE}",
        ),
        CircuitCheck(
            name="response in band, against the float memory",
            value=float(band_error(band.measured, band.exact)),
            limit=predicted + BAND_EXCESS,
            reason=f"designed: {100.0 * predicted:.4f} %",
            remedy=f"the netlist is not the one designed: {REWRITE}",
        ),
    )


def _transient_check(transient: _Compared) -> CircuitCheck:
    predicted = float(_nrmse(transient.designed, transient.exact))
    return CircuitCheck(
        name="over time, against the float memory",
        value=float(_nrmse(transient.measured, transient.exact)),
        limit=predicted + TRANSIENT_EXCESS,
        reason=f"the linear model predicts {100.0 * predicted:.4f} %",
        remedy="take op-amps with a higher slew rate, a lower full scale or a longer theta",
    )


def _noise_check(noise: Array, circuit: Circuit, setup: BenchSetup) -> CircuitCheck:
    designed = noise_voltages(circuit, setup.noise_frequencies()).below(setup.full_scale)
    return CircuitCheck(
        name="noise in band, against the design",
        value=float(np.max(np.abs(noise - designed))),
        limit=NOISE_LIMIT,
        unit="dB",
        reason=f"designed: at least {np.min(designed):.1f} dB below full scale",
        remedy=f"the netlist is not the one designed: {REWRITE}",
    )


def _peak_check(peaks: Mapping[str, float], circuit: Circuit, setup: BenchSetup) -> CircuitCheck:
    highest = max(peaks, key=lambda node: peaks[node])
    return CircuitCheck(
        name=f"square wave, largest voltage ({highest})",
        value=peaks[highest],
        limit=setup.supply / 2.0 - circuit.amplifier.headroom + PEAK_EXCESS,
        unit="V",
        reason="half the supply less the headroom of the amplifiers",
        remedy="take a higher supply or a lower full scale",
    )


def _nrmse(measured: Array, exact: Array, axis: int | None = None) -> Array:
    """Return the RMS error over the RMS value."""
    error = np.mean((measured - exact) ** 2, axis=axis)
    return np.asarray(np.sqrt(error / np.mean(exact**2, axis=axis)))
