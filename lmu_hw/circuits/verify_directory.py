"""``lmu-hw verify`` of an analog memory: its files in ngspice, and drawn units."""

from __future__ import annotations

from pathlib import Path

from .._support.build_directory import changed_files, read_manifest
from .._support.progress import progress
from .._support.validation import check_int
from ..errors import ModelFileError, SpecError, read_error
from .analog_design import AnalogDesign, make_design
from .analog_manifest import REMEDY, load_analog
from .benches import bench_setup, spice_files
from .exact_memory import exact_response
from .monte_carlo import MAX_DRAWS, MonteCarloReport, draw_values, monte_carlo
from .sample_agreement import compare_sample
from .tap_fit import band_frequencies
from .tolerance_report import AnalogVerification, ToleranceReport, error_spread
from .verify_circuit import verify_circuit

SAMPLE = 8
"""Units of a Monte Carlo that ngspice computes too."""
MAX_SEED = (1 << 32) - 1


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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise read_error(path, error) from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is no text; {REMEDY}") from error
