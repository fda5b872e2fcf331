"""Sums of words that a kernel of the generated C cuts in halves: both must fit 32 bits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..errors import CertificateError
from ..firmware.digits import LOW_BITS
from .interval import Data, Range

_CALL = re.compile(r"\blmu_halves\d+\(")


def check_halves(rows: Sequence[Sequence[int]], words: Sequence[Range], low_bits: int) -> None:
    """Raise `ValueError` unless the sums of both halves fit 32 bits.

    Parameters
    ----------
    rows : sequence of sequence of int
        Weights.
    words : sequence of (int, int)
        Range of the word in each column.
    low_bits : int
        Bits of the lower half, as claimed.
    """
    if low_bits != LOW_BITS:
        raise ValueError(f"low_bits is claimed to be {low_bits!r}")
    lower = [(0, (1 << low_bits) - 1)] * len(words)
    upper = [(low >> low_bits, high >> low_bits) for low, high in words]
    for name, halves in (("lower", lower), ("upper", upper)):
        for row in rows:
            ends = [sorted((w * low, w * high)) for w, (low, high) in zip(row, halves, strict=True)]
            low, high = sum(min(0, a) for a, _ in ends), sum(max(0, b) for _, b in ends)
            if not -(1 << 31) <= low <= high < 1 << 31:
                raise ValueError(f"adds {name} halves in 32 bits, but they reach {low} to {high}")


def check_calls(program: Data, claims: Iterable[Data], text: str) -> None:
    """Raise unless as many claims are of sums of halves as the C has calls of the kernels."""
    n_claims = sum("low_bits" in claim for claim in claims)
    n_calls = len(_CALL.findall(text))
    if n_claims != n_calls:
        raise CertificateError(
            program["name"],
            f"sums of halves of words have {n_claims} claims, but {n_calls} calls in the C",
        )
