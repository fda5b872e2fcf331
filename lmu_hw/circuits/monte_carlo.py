"""Monte Carlo over the tolerances of parts, in NumPy: thousands of units in seconds.

Resistors, capacitors and transconductors of every unit are drawn independently; its amplifiers are
those of the circuit. The error of a unit is the NRMSE of its taps against the exact memory, for
input with a flat spectrum over the frequencies given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from .._support.array_types import Array
from .._support.validation import check_int
from .._support.workers import one_blas_thread
from .circuit import Circuit
from .circuit_stamps import part_values
from .exact_memory import band_error
from .nodal import LinearCircuit, linear_circuit
from .unit_calibration import calibrate_units

MAX_DRAWS = 1_000_000
CHUNK = 100
"""Units that are computed at once."""


class ToleranceSpread(Enum):
    """Distribution of a value between its bounds."""

    UNIFORM = "uniform"
    NORMAL = "normal"
    """Standard deviation of a third of the tolerance, none beyond it."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MonteCarloReport:
    """Errors of drawn units.

    Attributes
    ----------
    tolerance : float
        Of every part, as a share.
    spread : ToleranceSpread
    seed : int
    errors : float array, shape (n_draws,)
        NRMSE of all taps together; infinity for an unstable unit.
    tap_errors : float array, shape (n_draws, n_taps)
        NRMSE of each tap.
    calibrated_errors, calibrated_tap_errors : float arrays of these shapes, or None
        The same with the taps fitted per unit.
    pole_moves : float array, shape (n_draws,)
        Largest movement of a pole of the memory, relative to its magnitude.
    unstable : int
        Number of units with a pole that is not in the left half plane.
    drawn_error : float
        NRMSE of the circuit as drawn.
    """

    tolerance: float
    spread: ToleranceSpread
    seed: int
    errors: Array
    tap_errors: Array
    calibrated_errors: Array | None
    calibrated_tap_errors: Array | None
    pole_moves: Array
    unstable: int
    drawn_error: float

    @property
    def n_draws(self) -> int:
        """Number of units."""
        return len(self.errors)

    @property
    def median(self) -> float:
        """Median error of the units as drawn."""
        return float(np.median(self.errors))

    @property
    def calibrated_median(self) -> float | None:
        """Median error with the taps fitted per unit."""
        return None if self.calibrated_errors is None else float(np.median(self.calibrated_errors))

    def quantile(self, share: float, calibrated: bool = False) -> float:
        """Return the error that a share of the units does not exceed."""
        errors = self.calibrated_errors if calibrated else self.errors
        if errors is None:
            raise ValueError("the units were not calibrated")
        # without interpolation, which infinity would spoil
        return float(np.quantile(errors, share, method="higher"))


def draw_values(
    circuit: Circuit,
    tolerance: float,
    n_draws: int,
    seed: int = 0,
    spread: ToleranceSpread = ToleranceSpread.UNIFORM,
) -> Array:
    """Return the values of the parts of units; the first units are the same for any number.

    Parameters
    ----------
    circuit : Circuit
    tolerance : float
        Of every part, as a share.
    n_draws : int
    seed : int
    spread : ToleranceSpread

    Returns
    -------
    float array, shape (n_draws, n_parts)
    """
    rng, shape = np.random.default_rng(seed), (n_draws, len(circuit.parts))
    if spread is ToleranceSpread.NORMAL:
        share = np.clip(rng.standard_normal(shape) / 3.0, -1.0, 1.0)
    else:
        share = rng.uniform(-1.0, 1.0, shape)
    return np.asarray(part_values(circuit) * (1.0 + tolerance * share))


def monte_carlo(
    circuit: Circuit,
    frequencies: Array,
    target: np.ndarray,
    *,
    tolerance: float,
    n_draws: int,
    seed: int = 0,
    spread: ToleranceSpread = ToleranceSpread.UNIFORM,
    calibrate: bool = False,
    advance: Callable[[int], object] = lambda _: None,
) -> MonteCarloReport:
    """Draw units and return their errors.

    Parameters
    ----------
    circuit : Circuit
    frequencies : float array, shape (n_f,)
        Equal steps from one step above 0 to the edge of the band [Hz].
    target : complex array, shape (n_f, n_taps)
        Responses of the exact memory.
    tolerance : float
        Of every part, as a share, >= 0.
    n_draws : int
        1 to a million.
    seed : int
    spread : ToleranceSpread
    calibrate : bool
        Fit the taps of every unit too.
    advance : callable
        Called with the number of units that are done since the last call.

    Raises
    ------
    SpecError
        If the number of draws is out of range.
    """
    check_int("Monte Carlo draws", n_draws, 1, MAX_DRAWS)
    values = draw_values(circuit, tolerance, n_draws, seed, spread)
    drawn = linear_circuit(circuit)
    d = len(circuit.states)
    poles = _slowest(drawn.poles[None], d)[0]
    found = []
    with one_blas_thread():
        for k in range(0, n_draws, CHUNK):
            units = values[k : k + CHUNK]
            found.append(_chunk(circuit, drawn, units, frequencies, target, poles, calibrate))
            advance(len(units))
    stable, moves, taps, totals, fitted_taps, fitted = (
        np.concatenate(arrays) for arrays in zip(*found, strict=True)
    )
    out = np.where(stable, totals, np.inf)
    return MonteCarloReport(
        tolerance=tolerance,
        spread=spread,
        seed=seed,
        errors=out,
        tap_errors=np.where(stable[:, None], taps, np.inf),
        calibrated_errors=np.where(stable, fitted, np.inf) if calibrate else None,
        calibrated_tap_errors=np.where(stable[:, None], fitted_taps, np.inf) if calibrate else None,
        pole_moves=moves,
        unstable=int(np.sum(~stable)),
        drawn_error=float(band_error(drawn.response(frequencies, circuit.taps), target)),
    )


def _chunk(
    circuit: Circuit,
    drawn: LinearCircuit,
    values: Array,
    frequencies: Array,
    target: np.ndarray,
    poles: np.ndarray,
    calibrate: bool,
) -> tuple[np.ndarray, ...]:
    """Return what `monte_carlo` keeps of units: stable, moves, and errors twice."""
    model = drawn.draws(values)
    moved = _slowest(model.poles, len(poles))
    moves = np.array([_largest_move(poles, row) for row in moved])
    errors = unit_errors(model.response(frequencies, circuit.taps), target)
    fitted = errors
    if calibrate:
        fitted_values = calibrate_units(circuit, values, frequencies, target)
        taps = drawn.draws(fitted_values).response(frequencies, circuit.taps)
        fitted = unit_errors(taps, target)
    return model.stable, moves, *errors, *fitted


def unit_errors(responses: np.ndarray, target: np.ndarray) -> tuple[Array, Array]:
    """Return the NRMSE of each tap of units, and of all taps of each.

    Parameters
    ----------
    responses : complex array, shape (n_units, n_f, n_taps)
    target : complex array, shape (n_f, n_taps)

    Returns
    -------
    float arrays, shapes (n_units, n_taps), (n_units,)
    """
    taps = np.array([band_error(unit, target, axis=0) for unit in responses])
    return taps, np.array([float(band_error(unit, target)) for unit in responses])


def _slowest(poles: np.ndarray, d: int) -> np.ndarray:
    """Return the d poles of smallest magnitude: those of the memory, amplifiers being faster."""
    order = np.argsort(np.abs(poles), axis=-1)[..., :d]
    return np.take_along_axis(poles, order, axis=-1)


def _largest_move(poles: np.ndarray, moved: np.ndarray) -> float:
    """Return the largest relative distance of poles that belong together."""
    from scipy.optimize import linear_sum_assignment  # slow to import

    distance = np.abs(moved[None, :] - poles[:, None]) / np.abs(poles[:, None])
    rows, columns = linear_sum_assignment(distance)
    return float(np.max(distance[rows, columns], initial=0.0))
