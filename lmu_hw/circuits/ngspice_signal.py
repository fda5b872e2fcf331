"""A circuit in ngspice with an input of the user."""

from __future__ import annotations

import numpy as np

from .._support.array_types import Array
from .benches import BenchSetup, data_file, transient_bench
from .circuit import Circuit
from .ngspice import DataFile, run_ngspice
from .spice_netlist import netlist_files

DECK = "signal.cir"
SAMPLE_TIME = 2e-3
"""Time that ngspice may take for a sample [s], beside the least."""
LEAST_TIME = 120.0
"""Least time limit of a run [s]."""


def simulate_signal(circuit: Circuit, setup: BenchSetup, u: Array, dt: float) -> Array:
    """Return the voltages of the taps for an input that is linear between its samples.

    Parameters
    ----------
    circuit : Circuit
    setup : BenchSetup
    u : float array, shape (n,)
        [V].
    dt : float
        Time between samples [s].

    Returns
    -------
    float array, shape (n, n_taps)
        [V].

    Raises
    ------
    ToolError
        If ngspice is not installed or fails.
    """
    times = np.arange(len(u), dtype=np.float64) * dt
    deck = transient_bench(
        circuit, setup, file=DECK, what="Taps for a signal.", times=times, volts=u
    )
    files = {**netlist_files(circuit), DECK: deck}
    name = data_file(DECK)
    expected = DataFile(name=name, columns=1 + len(circuit.taps), end=float(times[-1]))
    limit = LEAST_TIME + SAMPLE_TIME * len(u) * len(circuit.parts)
    rows = run_ngspice(DECK, files, [expected], time_limit=limit)[name]
    # ngspice has a time step at every corner of the input
    return np.stack([np.interp(times, rows[:, 0], tap) for tap in rows[:, 2:].T], axis=1)
