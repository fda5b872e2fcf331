"""What a user should know of the data that a network was calibrated and judged on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np

from ..program.integer_program import Role
from ..quantize.quantize_network import QuantizedNetwork
from .dataset import Dataset


def calibration_notes(path: Path, seen: Dataset | None) -> list[str]:
    """Return notes on the data that ranges are seen on.

    Parameters
    ----------
    path : Path
        Where they come from.
    seen : Dataset or None
        As much of them as is looked at; None: ranges are known otherwise.
    """
    if seen is None:
        return []
    if any(np.any(sequence) for sequence in seen.sequences):
        return list(seen.notes)
    return [
        *seen.notes,
        f"{path}: x is zero throughout the sequences that ranges are calibrated on: nothing is "
        "seen there, and what no proof limits is taken to reach 1; give data like those to come",
    ]


def judged_notes(
    path: Path,
    judged: Dataset,
    seen_path: Path | None,
    seen: Dataset | None,
    design: QuantizedNetwork,
) -> list[str]:
    """Return notes on data that a network is judged on, and on those that its ranges are seen on.

    Parameters
    ----------
    path, judged
        The data.
    seen_path : Path or None
        Where other data for the ranges come from; None: there are none.
    seen : Dataset or None
        What ranges are seen on; None: they are known otherwise.
    design : QuantizedNetwork
        Calibrated on it.
    """
    notes = [*judged.notes, *calibration_notes(seen_path or path, seen)]
    known = set() if seen is None else {_key(sequence) for sequence in seen.sequences}
    shared = sum(_key(sequence) in known for sequence in judged.sequences) if known else 0
    if shared and seen_path is None:
        notes.append(
            f"ranges are calibrated on {path} itself: figures may flatter; give other data with "
            "--calibrate"
        )
    elif shared:
        notes.append(
            f"ranges are calibrated on {shared} of the {len(judged)} sequences that are judged, "
            f"for {seen_path} holds them too: figures may flatter"
        )
    if judged.labels is None and judged.targets is None:
        notes.append(
            f"{path} holds no y, labels or targets: the integer network is compared with the float "
            "network alone"
        )
    if judged.targets is not None and not any(np.any(target) for target in judged.targets):
        notes.append(
            f"{path}: y is zero throughout, so that there is no NRMSE; in its place stands the "
            "root of the summed squared error"
        )
    # of data that are both, the same is said once
    return list(dict.fromkeys([*notes, *range_notes(path, judged, design)]))


def range_notes(path: Path, dataset: Dataset, design: QuantizedNetwork) -> list[str]:
    """Return a note on samples beyond the range that a design was calibrated for, if any are."""
    (x,) = design.program.with_role(Role.INPUT)
    # of what was never heard the format is made for 1
    peak = next(b.peak for b in design.bases if b.signal == x.name) or 1.0
    low, high = (x.fmt.min - 1) * x.fmt.lsb, (x.fmt.max + 1) * x.fmt.lsb
    total = beyond = held = 0
    largest = 0.0
    for sequence in dataset.sequences:
        total += sequence.size
        reals = np.asarray(sequence, dtype=np.float64)
        top = float(np.max(np.abs(reals)))
        largest = max(largest, top)
        # float32 data may exceed a peak that was given as text by a rounding
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
    """Return what is the same of equal sequences, of whatever type their numbers are."""
    return sha256(sequence.astype(np.float64).tobytes()).digest()
