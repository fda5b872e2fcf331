"""Sums of terms times fitted factors, and the file of all factors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

FILE = "estimate_factors.json"
"""Beside this module; written by `benchmarks/estimate_error.py`."""
PARALLEL_FILE = "parallel_factors.json"
"""Those of `--parallel ring` and `full`; written by `benchmarks/parallel_estimates.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedSum:
    """An estimate: ``scales[key] * sum of factors[term] * term``.

    Attributes
    ----------
    factors : mapping of str to float
        Factor of each term; terms without one do not count.
    scales : mapping of str to float
        Factor of each device, family or core; a key that is missing has 1.
    """

    factors: Mapping[str, float]
    scales: Mapping[str, float]

    def of(self, terms: Mapping[str, float], key: str) -> float:
        """Return the estimate of a design.

        Parameters
        ----------
        terms : mapping of str to float
        key : str
            Device, family or core.
        """
        total = sum(self.factors.get(name, 0.0) * value for name, value in terms.items())
        return self.scales.get(key, 1.0) * total


@cache
def fitted_sums() -> dict[str, FittedSum]:
    """Return the fitted sums by name."""
    return {
        name: FittedSum(**entry)
        for file in (FILE, PARALLEL_FILE)
        for name, entry in json.loads(_text(file)).items()
    }


@cache
def fitted_version() -> str:
    """Return a short digest of the factors."""
    return hashlib.sha256((_text(FILE) + _text(PARALLEL_FILE)).encode()).hexdigest()[:12]


def _text(file: str) -> str:
    return resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
