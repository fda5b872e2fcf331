"""Frequency responses of a circuit in ngspice, for its own values or for a draw of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .._support.array_types import Array
from .benches import BenchSetup, ac_files, data_file
from .circuit import Circuit
from .ngspice import DataFile, run_ngspice


def sample_response(
    circuit: Circuit, setup: BenchSetup, values: Mapping[str, float] | None = None
) -> np.ndarray:
    """Return the frequency responses of the taps that ngspice computes for given parts.

    Parameters
    ----------
    circuit : Circuit
    setup : BenchSetup
    values : mapping of str to float, optional
        Values of parts by name; the others keep theirs.

    Returns
    -------
    complex array, shape (n, k)
        At `BenchSetup.frequencies`, of every tap.

    Raises
    ------
    ToolError
        If ngspice is not installed or fails.
    """
    drawn = circuit.with_values(values or {})
    return run_ac(ac_files(drawn, setup), setup)


def run_ac(files: Mapping[str, str], setup: BenchSetup) -> np.ndarray:
    """Run ``ac.cir`` and return the frequency responses of the taps, shape (n, k), complex.

    Parameters
    ----------
    files : mapping of str to str
        The deck and what it includes, by name.
    setup : BenchSetup

    Raises
    ------
    ToolError
        If ngspice is not installed or fails.
    """
    name = data_file("ac.cir")
    frequencies = setup.frequencies()
    expected = DataFile(name=name, columns=2 * len(setup.delays), end=float(frequencies[-1]))
    rows = run_ngspice("ac.cir", files, [expected])[name]
    return _at(frequencies, rows)


def _at(frequencies: Array, rows: Array) -> np.ndarray:
    """Return the responses at the frequencies, from rows of real and imaginary parts."""
    parts = np.column_stack([np.interp(frequencies, rows[:, 0], c) for c in rows[:, 1:].T])
    return np.asarray(parts[:, 0::2] + 1j * parts[:, 1::2])
