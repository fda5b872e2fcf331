"""Notes to the user on the data that a network was calibrated and evaluated on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np

from ..program.integer_program import Role
from ..quantize.quantize_network import QuantizedNetwork
from .dataset import Dataset


def calibration_notes(path: Path, calibrated: Dataset | None) -> list[str]:
    """Return notes on the calibration data.

    Parameters
    ----------
    path : Path
        File of the data.
    calibrated : Dataset or None
        The sequences that ranges are calibrated on; None: no data were needed.
    """
    if calibrated is None:
        return []
    if any(np.any(sequence) for sequence in calibrated.sequences):
        return list(calibrated.notes)
    return [
        *calibrated.notes,
        f"{path}: x is zero throughout the sequences that ranges are calibrated on: they "
        "calibrate nothing, and signals without a proven range are taken to reach 1; give data "
        "like those to come",
    ]


def judged_notes(
    path: Path,
    judged: Dataset,
    calibrated_path: Path | None,
    calibrated: Dataset | None,
    design: QuantizedNetwork,
) -> list[str]:
    """Return notes on the data that a network is evaluated on, and on its calibration data.

    Parameters
    ----------
    path, judged
        File and sequences of the evaluation.
    calibrated_path : Path or None
        File of separate calibration data; None: there is none.
    calibrated : Dataset or None
        The sequences that ranges are calibrated on; None: no data were needed.
    design : QuantizedNetwork
        The design with these ranges.
    """
    notes = [*judged.notes, *calibration_notes(calibrated_path or path, calibrated)]
    known = set() if calibrated is None else {_key(sequence) for sequence in calibrated.sequences}
    shared = sum(_key(sequence) in known for sequence in judged.sequences) if known else 0
    if shared and calibrated_path is None:
        notes.append(
            f"ranges are calibrated on {path} itself: figures may be too good; give other data "
            "with --calibrate"
        )
    elif shared:
        notes.append(
            f"ranges are calibrated on {shared} of the {len(judged)} sequences that are judged, "
            f"because {calibrated_path} holds them too: figures may be too good"
        )
    if judged.labels is None and judged.targets is None:
        notes.append(
            f"{path} holds no y, labels or targets: the integer network is compared with the float "
            "network alone"
        )
    if judged.targets is not None and not any(np.any(target) for target in judged.targets):
        notes.append(
            f"{path}: y is zero throughout, so that NRMSE is not defined; the root of the summed "
            "squared error is given instead"
        )
    # data used for both would give the same note twice
    return list(dict.fromkeys([*notes, *range_notes(path, judged, design)]))


def range_notes(path: Path, dataset: Dataset, design: QuantizedNetwork) -> list[str]:
    """Return a note on samples beyond the range that a design was calibrated for, if any are."""
    (x,) = design.program.with_role(Role.INPUT)
    # an input calibrated on zeros has a format for 1
    peak = next(b.peak for b in design.bases if b.signal == x.name) or 1.0
    low, high = (x.fmt.min - 1) * x.fmt.lsb, (x.fmt.max + 1) * x.fmt.lsb
    total = beyond = held = 0
    largest = 0.0
    for sequence in dataset.sequences:
        total += sequence.size
        reals = np.asarray(sequence, dtype=np.float64)
        top = float(np.max(np.abs(reals)))
        largest = max(largest, top)
        # rounding to float32 may exceed a peak that was given as text
        if top > peak * (1.0 + 1e-6):
            beyond += int(np.count_nonzero(np.abs(reals) > peak * (1.0 + 1e-6)))
            held += int(np.count_nonzero((reals < low) | (reals > high)))
    if not beyond:
        return []
    return [
        f"{beyond} of {total} samples of {path} ({100 * beyond / total:.3g} %) lie beyond the "
        f"calibrated range of {peak:.6g}, and {held} of them saturate ({x.fmt}): give --input-peak "
        f"{largest:.6g}, or calibrate on data like these"
    ]


def _key(sequence: np.ndarray) -> bytes:
    """Return a digest that is equal for equal sequences of any number type."""
    return sha256(sequence.astype(np.float64).tobytes()).digest()
