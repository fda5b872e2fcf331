"""Structures of the analog memory, with real parts: docs/results/analog_circuits.md.

    python benchmarks/analog_circuits.py

Circuits of op-amps of 10 MHz, theta = 1 ms, taps at 1/4, 1/2, 3/4 and 1 of the window. Errors are
NRMSE of all taps for input with a flat spectrum up to d / 6 periods in the window, against the
exact memory, by nodal analysis.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from lmu_hw.circuits.analog_design import AnalogDesign, make_design
from lmu_hw.circuits.circuit import Amplifier, Resistor
from lmu_hw.circuits.exact_memory import band_error, exact_response
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.request import CircuitStructure, make_request
from lmu_hw.circuits.series import SERIES
from lmu_hw.circuits.tap_fit import band_frequencies

TAPS = (0.25, 0.5, 0.75, 1.0)
PAGE = Path(__file__).parent.parent / "docs" / "results" / "analog_circuits.md"
HEAD = """# Analog circuits

Error of taps of the three structures with resistors of a series: circuits of op-amps of 10 MHz,
theta = 1 ms, taps at 1/4, 1/2, 3/4 and 1 of the window. NRMSE of all taps for input with a flat
spectrum up to d / 6 periods in the window, against the exact memory, by nodal analysis.

*Fitted*: resistors of the memory are of the series, those of the taps are exact. *Nearest*: the
fitted resistors of the taps are rounded each to the nearest value. *In turn*: what `lmu-hw analog`
does; each resistor is rounded and those that are left make up for it. Op-amps and resistors are
those of the memory; each tap adds up to two op-amps. *Full scale*: largest input for which no node
leaves +-2.45 V, whatever the input's shape.

Repeat: `python benchmarks/analog_circuits.py`.
"""
COLUMNS = (
    "| d | structure | fitted, % | nearest, % | in turn, % | op-amps | resistors | full scale, V |",
    "|---|---|---|---|---|---|---|---|",
)


def design(order: int, structure: CircuitStructure, series: str) -> AnalogDesign:
    """Return a design of the benchmark."""
    request = make_request(
        order, "1ms", TAPS, structure=structure, series=series, opamp="GBW=10Meg,SR=10"
    )
    return make_design(request)


def nearest(found: AnalogDesign) -> float:
    """Return the error of taps whose resistors are each rounded to the nearest value."""
    request, circuit = found.request, found.circuit
    series = SERIES[request.series.value]
    circuit = circuit.with_values(
        {
            part.name: series.nearest(part.exact)
            for part in circuit.parts
            if isinstance(part, Resistor) and part.tap >= 0
        }
    )
    f = band_frequencies(request)
    got = linear_circuit(circuit).response(f, circuit.taps)
    return float(band_error(got, exact_response(request.order, request.theta, TAPS, f)))


def row(found: AnalogDesign) -> str:
    """Return a line of the table."""
    request, fit = found.request, found.fit
    parts = Counter(type(part) for part in found.memory.circuit.parts)
    errors = (fit.fitted_total, nearest(found), fit.total)
    return (
        f"| {request.order} | {request.structure.value} | "
        + " | ".join(f"{100.0 * error:.2f}" for error in errors)
        + f" | {parts[Amplifier]} | {parts[Resistor]} | {found.full_scale:.2f} |"
    )


def main() -> None:
    """Print and write the tables."""
    lines = HEAD.splitlines()
    for series in ("E96", "E24"):
        lines += ["", f"## Resistors of {series}", "", *COLUMNS]
        for order in (3, 6, 12, 24):
            for structure in CircuitStructure:
                lines.append(row(design(order, structure, series)))
                print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
