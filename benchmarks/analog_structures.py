"""Analog memories of three structures: accuracy, tolerances, taps per unit, noise, offsets.

Writes docs/results/analog.md; takes some minutes, and needs ngspice. --quick takes d up to 6, 50
draws and no ngspice, and prints only.

It reads circuits and draws inside designs, so it imports their modules.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lmu_hw.circuits.analog_design import AnalogDesign, make_design
from lmu_hw.circuits.benches import bench_setup
from lmu_hw.circuits.circuit import Amplifier, Circuit, Resistor
from lmu_hw.circuits.circuit_stamps import part_values
from lmu_hw.circuits.direct_voltages import direct_voltages
from lmu_hw.circuits.exact_memory import exact_response
from lmu_hw.circuits.monte_carlo import MonteCarloReport, draw_values, monte_carlo, unit_errors
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.noise_voltages import noise_voltages
from lmu_hw.circuits.request import make_request
from lmu_hw.circuits.sample_agreement import compare_sample

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results" / "analog.md"
STRUCTURES = ("cascade", "ladder", "direct")
ORDERS = (3, 6, 12, 24)
TOLERANCES = (0.001, 0.01, 0.05)
TAPS = (0.25, 0.5, 0.75, 1.0)
THETA = 1e-3
OP_AMP = "GBW=10Meg,SR=7,VOS=1m,EN=9n"
POINTS = 40
"""Frequencies in the band at which errors of draws are computed."""
SAMPLE = 5
"""Draws that ngspice computes too."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """How much is computed."""

    orders: tuple[int, ...]
    draws: int
    ngspice: bool


@cache
def design(structure: str, order: int) -> AnalogDesign:
    """Return the design of a structure with resistors of E96."""
    return make_design(make_request(order, THETA, TAPS, structure=structure, opamp=OP_AMP))


def band(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies in the band [Hz], and the responses of the exact memory there."""
    f = order / 6 / THETA * np.arange(1, POINTS + 1) / POINTS
    return f, exact_response(order, THETA, TAPS, f)


@cache
def drawn(structure: str, order: int, tolerance: float, draws: int) -> MonteCarloReport:
    """Return a Monte Carlo of a structure, with taps fitted per unit too."""
    f, target = band(order)
    circuit = design(structure, order).circuit
    return monte_carlo(circuit, f, target, tolerance=tolerance, n_draws=draws, calibrate=True)


def figure(value: float) -> str:
    """Return a number > 0 to two digits."""
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}" if value else "0"


def percent(share: float) -> str:
    """Return an error in percent."""
    return "unstable" if np.isinf(share) else figure(100.0 * share)


def counts(circuit: Circuit) -> tuple[int, int]:
    """Return the number of op-amps and of resistors of the memory, without its taps."""
    own = [part for part in circuit.parts if getattr(part, "tap", -1) < 0]
    return sum(isinstance(p, Amplifier) for p in own), sum(isinstance(p, Resistor) for p in own)


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def as_drawn(scope: Scope) -> Iterator[Sequence[str]]:
    """Yield the errors of circuits whose parts have the values that are printed on them."""
    for order in scope.orders:
        row = [str(order)]
        for structure in STRUCTURES:
            made = design(structure, order)
            amplifiers, resistors = counts(made.circuit)
            row.append(f"{percent(made.fit.fitted_total)} / {percent(made.fit.total)}")
            row.append(f"{amplifiers}, {resistors}")
        yield row


def tolerances(scope: Scope, calibrated: bool) -> Iterator[Sequence[str]]:
    """Yield median errors of draws, and the error that 95 % of the units do not exceed."""
    for tolerance in TOLERANCES:
        for order in scope.orders:
            row = [f"{100 * tolerance:g} %", str(order)]
            for structure in STRUCTURES:
                report = drawn(structure, order, tolerance, scope.draws)
                median, most = (report.quantile(share, calibrated) for share in (0.5, 0.95))
                row.append(f"{percent(median)} ({percent(most)})")
            if not calibrated:
                unstable = [drawn(s, order, tolerance, scope.draws).unstable for s in STRUCTURES]
                row.append(", ".join(map(str, unstable)))
            yield row


def poles(scope: Scope) -> Iterator[Sequence[str]]:
    """Yield how far parts of 1 % move poles."""
    for order in scope.orders:
        reports = (drawn(structure, order, 0.01, scope.draws) for structure in STRUCTURES)
        yield [str(order), *(percent(float(np.median(r.pole_moves))) for r in reports)]


def sources(scope: Scope) -> Iterator[Sequence[str]]:
    """Yield the median error of cascades with 1 % in some of the parts only."""
    for order in scope.orders:
        circuit = design("cascade", order).circuit
        f, target = band(order)
        exact, linear = part_values(circuit), linear_circuit(circuit)
        share = draw_values(circuit, 0.01, scope.draws) / np.where(exact > 0.0, exact, 1.0) - 1.0
        taps = np.array([getattr(part, "tap", -1) >= 0 for part in circuit.parts])
        resistors = [part if isinstance(part, Resistor) else None for part in circuit.parts]
        inverters = np.array([part is not None and in_inverter(part) for part in resistors])
        sums = np.array([part is not None and in_sum(part) for part in resistors])
        row = [str(order), str(int(np.sum(inverters | sums)))]
        for scale in (
            np.ones(len(taps)),
            np.where(taps, 0.0, 1.0),
            np.where(taps | inverters, 0.0, 1.0),
            np.where(taps, 1.0, 0.0),
            np.where(inverters | sums | taps, 0.1, 1.0),
        ):
            # a hundred at a time: each has two dense matrices
            found = [
                unit_errors(
                    linear.draws(exact * (1.0 + scale * part)).response(f, circuit.taps), target
                )[1]
                for part in np.array_split(share, max(1, scope.draws // 100))
            ]
            row.append(percent(float(np.median(np.concatenate(found)))))
        yield row


def in_inverter(part: Resistor) -> bool:
    """Return whether a resistor belongs to an inverter of the memory."""
    return part.tap < 0 and any(node.endswith("_inv_sum") for node in part.nodes)


def in_sum(part: Resistor) -> bool:
    """Return whether a resistor belongs to a sum between sections."""
    sums = [node for node in part.nodes if node.endswith("_sum")]
    return part.tap < 0 and any(node[0] == "w" for node in sums)


def voltages(scope: Scope) -> Iterator[Sequence[str]]:
    """Yield noise and direct voltages of the cascade."""
    for order in scope.orders:
        made = design("cascade", order)
        noise = noise_voltages(made.circuit, band(order)[0])
        direct = direct_voltages(made.circuit, made.full_scale)
        n = len(TAPS)
        resistors = 20 * np.log10(made.full_scale / np.sqrt(2.0) / noise.rms_of("R"))
        volts = [direct.worst[:n], direct.rms[:n], direct.drift()[:n]]
        yield [
            str(order),
            f"{made.full_scale:.2f}",
            f"{np.min(noise.below(made.full_scale)):.0f}",
            f"{np.min(resistors):.0f}",
            *(
                f"{figure(1e3 * np.max(v))} ({percent(np.max(v) / made.full_scale)} %)"
                for v in volts
            ),
            figure(1e3 * direct.allowed_offset()),
        ]


def samples(scope: Scope) -> Iterator[Sequence[str]]:
    """Yield the largest difference of errors between NumPy and ngspice on the same draws."""
    for order in scope.orders:
        row = [str(order)]
        for structure in STRUCTURES:
            made = design(structure, order)
            values = draw_values(made.circuit, 0.01, SAMPLE)
            found = compare_sample(made.circuit, bench_setup(made), values)
            # what is below is rounding, and differs from machine to machine
            row.append(
                "< 0.0001 %" if found.difference < 1e-6 else percent(found.difference) + " %"
            )
        yield row


def page(scope: Scope) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from [
        "# Analog memories",
        "",
        "The memory as a circuit of op-amps, with resistors of E96 and capacitors of E6: how",
        "accurate the structures are, what tolerances of parts do, and how far it helps to fit the",
        f"taps of each unit. theta = {1e3 * THETA:g} ms, taps at",
        f"{', '.join(f'{t:g}' for t in TAPS)} theta, supply 5 V; op-amps of 10 MHz with a gain of",
        "100,000, offsets up to 1 mV and a noise of 9 nV/sqrt(Hz). Errors are the NRMSE of all",
        "taps against the exact memory in percent, for input with a flat spectrum up to",
        "theta f = d/6.",
        "",
        "Repeat: `python benchmarks/analog_structures.py`, which writes this page.",
        "",
        "## Parts of exactly the printed values",
        "",
        "Errors with the taps as fitted / with taps of E96. Op-amps and resistors are those of the",
        "memory without taps.",
        "",
    ]
    head = ["d", *(f for s in STRUCTURES for f in (s, "op-amps, R"))]
    yield from table(head, as_drawn(scope))
    yield from [
        "",
        "## Tolerances",
        "",
        f"{scope.draws:,} units; every resistor and capacitor, those of taps included, is drawn",
        "uniformly within its tolerance. Median error (not exceeded by 95 % of the units).",
        "Unstable: units of cascade, ladder and direct form with a pole that is not in the left",
        "half plane.",
        "",
    ]
    yield from table(["tolerance", "d", *STRUCTURES, "unstable"], tolerances(scope, False))
    yield from ["", "The same units with the taps fitted to each:", ""]
    yield from table(["tolerance", "d", *STRUCTURES], tolerances(scope, True))
    yield from [
        "",
        "How far parts of 1 % move the pole of the memory that moves most, in percent of its",
        "magnitude (median). A fit of the taps makes up for small movements only:",
        "",
    ]
    yield from table(["d", *STRUCTURES], poles(scope))
    yield from [
        "",
        "Which parts matter in the cascade: the median error with parts of 1 % everywhere, in the",
        "memory only, there without its inverters, in the taps only, and with parts of 0.1 % in",
        "taps, inverters and the sums between sections, where resistors are few and alike.",
        "",
    ]
    head = [
        "d",
        "R of inverters and sums",
        "all 1 %",
        "memory",
        "without inverters",
        "taps",
        "0.1 % there",
    ]
    yield from table(head, sources(scope))
    yield from [
        "",
        "## Noise and direct voltages of the cascade",
        "",
        "Full scale is the largest input for which no node reaches the limits of the op-amps.",
        "Noise: of the noisiest tap, in the band, in dB below a sine at full scale. Direct",
        "voltages: of the tap that is off most, in mV (share of full scale): worst case, RMS over",
        "units, and what drifts over 25 K after a trim, at 5 uV/K. Last column: the largest offset",
        "with which all taps are within 1 % of full scale [mV].",
        "",
    ]
    head = ["d", "full scale [V]", "noise [dB]", "of resistors [dB]"]
    yield from table([*head, "offsets, worst", "RMS", "drift", "1 % with"], voltages(scope))
    if scope.ngspice:
        yield from [
            "",
            "## NumPy and ngspice",
            "",
            f"{SAMPLE} of the units with parts of 1 % in both: largest relative difference of",
            "their errors.",
            "",
        ]
        yield from table(["d", *STRUCTURES], samples(scope))


def main() -> None:
    """Print the page; write it too, unless --quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, printed only")
    quick = parser.parse_args().quick
    scope = Scope(
        orders=ORDERS[:2] if quick else ORDERS, draws=50 if quick else 1000, ngspice=not quick
    )
    lines = []
    for line in page(scope):
        print(line, flush=True)
        lines.append(line)
    if not quick:
        PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
