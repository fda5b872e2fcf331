"""``lmu-hw verify`` of an analog memory: its files in ngspice, and drawn units."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .._support.array_types import Array
from .._support.build_directory import changed_files, read_manifest
from .._support.progress import progress
from .._support.validation import check_int
from ..errors import CircuitMismatchError, ModelFileError, SpecError, read_error
from ..memory.delay_error import percent
from ..program.codec import Report, to_data, written
from .analog_design import AnalogDesign, make_design
from .analog_manifest import REMEDY, load_analog
from .benches import bench_setup, spice_files
from .circuit_report import CircuitReport
from .exact_memory import exact_response
from .monte_carlo import MAX_DRAWS, MonteCarloReport, draw_values, monte_carlo
from .sample_agreement import AGREEMENT, compare_sample
from .tap_fit import band_frequencies
from .verify_circuit import verify_circuit

SAMPLE = 8
"""Units of a Monte Carlo that ngspice computes too."""
MAX_SEED = (1 << 32) - 1
LIKELY = 0.95
"""Share of the units whose largest error is given beside median and largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpread:
    """Errors of units: NRMSE of all taps in the band, to six digits; None: an unstable unit.

    Attributes
    ----------
    median, likely, largest : float or None
        `likely`: not exceeded by 95 % of the units.
    """

    median: float | None
    likely: float | None
    largest: float | None

    def __str__(self) -> str:
        texts = ["unstable" if x is None else percent(x) for x in self._values]
        return f"median {texts[0]}, 95 % of the units up to {texts[1]}, largest {texts[2]}"

    @property
    def _values(self) -> tuple[float | None, ...]:
        return self.median, self.likely, self.largest


@dataclass(frozen=True, slots=True, kw_only=True)
class ToleranceReport:
    """A Monte Carlo over the tolerances of the parts.

    Attributes
    ----------
    units : int
        Number of units drawn.
    seed : int
    tolerance : float
        Of every part, as a share.
    unstable : int
        Units with a pole that is not in the left half plane.
    errors : ErrorSpread
    calibrated : ErrorSpread or None
        With the taps fitted to each unit.
    sample : int
        Units that ngspice computed too.
    difference : float
        Largest difference of their errors between NumPy and ngspice, relative.
    """

    units: int
    seed: int
    tolerance: float
    unstable: int
    errors: ErrorSpread
    calibrated: ErrorSpread | None = field(default=None, metadata=written(optional=True))
    sample: int
    difference: float

    @property
    def agrees(self) -> bool:
        """Whether NumPy and ngspice agree on the sample."""
        return self.difference <= AGREEMENT

    def __str__(self) -> str:
        lines = [
            f"{self.units:,} units with parts of {percent(self.tolerance)}, seed {self.seed}: "
            f"{self.unstable} unstable",
            f"  error: {self.errors}",
        ]
        if self.calibrated is not None:
            lines.append(f"  taps fitted to each unit: {self.calibrated}")
        verdict = "ok" if self.agrees else "FAILED"
        lines.append(
            f"  {verdict}: {self.sample} of them in ngspice, errors within "
            f"{percent(self.difference)} of NumPy's (limit {percent(AGREEMENT)})"
        )
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AnalogVerification(Report):
    """What ``lmu-hw verify`` found of an analog memory.

    Attributes
    ----------
    circuit : CircuitReport
        The netlist in ngspice against the float memory and the design.
    tolerance : ToleranceReport or None
        Of a Monte Carlo.
    """

    circuit: CircuitReport
    tolerance: ToleranceReport | None

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return self.circuit.passed and (self.tolerance is None or self.tolerance.agrees)

    def check(self) -> None:
        """Raise the error of the first limit that is missed.

        Raises
        ------
        CircuitMismatchError
        """
        self.circuit.check()
        if self.tolerance is not None and not self.tolerance.agrees:
            raise CircuitMismatchError(
                "errors of drawn units, against NumPy's",
                percent(self.tolerance.difference),
                percent(AGREEMENT),
                "an amplifier is not linear: take a faster one or a longer theta",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON data: what ``verify --json`` prints."""
        more = {} if self.tolerance is None else {"tolerance": to_data(self.tolerance)}
        return {**self.circuit.to_dict(), **more, "ok": self.passed}

    def __str__(self) -> str:
        parts = [str(self.circuit)]
        if self.tolerance is not None:
            parts += ["", str(self.tolerance)]
        return "\n".join(parts)


def verify_directory(
    build_dir: Path,
    *,
    units: int | None = None,
    calibrate: bool = False,
    seed: int = 0,
    quiet: bool = True,
) -> AnalogVerification:
    """Run the netlist and test benches of a build directory in ngspice.

    Parameters
    ----------
    build_dir : Path
    units : int, optional
        Also draw this many units with parts of the tolerance.
    calibrate : bool
        Fit the taps of every drawn unit too.
    seed : int
        Of the units.
    quiet : bool
        No progress bar.

    Raises
    ------
    ModelFileError
        If a file is missing or damaged.
    SpecError
        If an option is out of range.
    ToolError
        If ngspice is not installed or fails.
    """
    _, request = load_analog(build_dir)
    edited = changed_files(build_dir, read_manifest(build_dir, analog=True))
    design = make_design(request)
    names = spice_files(design.circuit, bench_setup(design))
    files = {name: _text(build_dir / name) for name in names}
    return verify_design(
        design,
        files,
        edited=tuple(name for name in edited if name in names),
        units=units,
        calibrate=calibrate,
        seed=seed,
        quiet=quiet,
    )


def verify_design(
    design: AnalogDesign,
    files: dict[str, str],
    *,
    edited: tuple[str, ...] = (),
    units: int | None = None,
    calibrate: bool = False,
    seed: int = 0,
    quiet: bool = True,
) -> AnalogVerification:
    """Run netlist and test benches in ngspice; see `verify_directory`."""
    if calibrate and units is None:
        raise SpecError("calibrate needs drawn units: add --monte-carlo, as --monte-carlo 1000")
    if units is not None:
        check_int("Monte Carlo draws", units, 1, MAX_DRAWS)
    check_int("seed", seed, 0, MAX_SEED)
    n_sample = 0 if units is None else min(units, SAMPLE)
    with progress(f"verifying {design.circuit.title}", 1 + n_sample + (units or 0), quiet) as step:
        circuit = verify_circuit(files, design.circuit, bench_setup(design), edited=edited)
        step(1)
        if units is None:
            return AnalogVerification(circuit=circuit, tolerance=None)
        request = design.request
        f = band_frequencies(request)
        found = monte_carlo(
            design.circuit,
            f,
            exact_response(request.order, request.theta, request.taps, f),
            tolerance=request.tolerance,
            n_draws=units,
            seed=seed,
            calibrate=calibrate,
            advance=step,
        )
        values = draw_values(design.circuit, request.tolerance, n_sample, seed)
        sample = compare_sample(design.circuit, bench_setup(design), values, step)
    return AnalogVerification(
        circuit=circuit, tolerance=_tolerance(found, n_sample, sample.difference)
    )


def _tolerance(found: MonteCarloReport, n_sample: int, difference: float) -> ToleranceReport:
    return ToleranceReport(
        units=found.n_draws,
        seed=found.seed,
        tolerance=found.tolerance,
        unstable=found.unstable,
        errors=error_spread(found.errors),
        calibrated=None
        if found.calibrated_errors is None
        else error_spread(found.calibrated_errors),
        sample=n_sample,
        difference=float(f"{difference:.6g}"),
    )


def error_spread(errors: Array) -> ErrorSpread:
    """Return median, likely and largest of errors; infinity is an unstable unit."""
    # without interpolation, which infinity would spoil
    shares = np.quantile(errors, [0.5, LIKELY, 1.0], method="higher")
    median, likely, largest = (float(f"{x:.6g}") if np.isfinite(x) else None for x in shares)
    return ErrorSpread(median=median, likely=likely, largest=largest)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise read_error(path, error) from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is no text; {REMEDY}") from error
