"""Ranges of the products and rounded sums of a ladder and its readout in C, for `c_sums`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import floor

from ..errors import CertificateError
from ..program.fixedpoint import QFormat
from .interval import Data, Range


def products(used: Iterable[Data], scale: int | None, factor: Range, name: str) -> Range:
    """Return the range of products of a factor with any of several coefficients.

    Parameters
    ----------
    used : iterable of mapping
        Coefficients with ``coef`` and ``shift``.
    scale : int or None
        Fractional bits that the C gives them; None if each has its own.
    factor : (int, int)
        Range of the other factor.
    name : str
        Name of the sum in errors.

    Raises
    ------
    CertificateError
        If ``scale`` fractional bits cannot hold a coefficient.
    """
    found = [0]
    for e in used:
        up = 0 if scale is None else scale - e["shift"]
        if up < 0 and e["coef"] % (1 << -up):
            raise CertificateError(name, f"{scale} fractional bits cannot hold a coefficient")
        coef = e["coef"] << up if up >= 0 else e["coef"] >> -up
        found += [coef * end for end in factor]
    return min(found), max(found)


def multiplied(op: Data) -> list[Data]:
    """Return the coefficients of a scale that the C multiplies by.

    If those of all even words are 1 with the same shift, these words are only shifted.
    """
    pairs = list(zip(op["coefs"], op["shifts"], strict=True))
    even = {*pairs[::2]}
    shifted = len(pairs) > 1 and len(even) == 1 and even.pop()[0] == 1
    return [{"coef": coef, "shift": shift} for coef, shift in pairs[shifted :: 1 + shifted]]


def wave_sums(op: Data, fmt: QFormat) -> Range:
    """Return the range of all rounded sums of a ladder, for any waves of the format ``fmt``.

    A sum is that of the specification, with the difference in t multiplied out, rounded to nearest
    or, in a zero-input run, down before a remainder is looked at.
    """
    ends = []
    for weights, negated in _sums(op):
        for side in (1, -1):
            x = sum(w * (fmt.max if w * side > 0 else fmt.min) for w in weights)
            nearest = floor(x + Fraction(1, 2))
            ends += [-nearest, floor(-x)] if negated else [nearest, floor(x)]
    return min(ends), max(ends)


def _sums(op: Data) -> Iterator[tuple[tuple[Fraction, ...], bool]]:
    """Yield the weights of the waves in each rounded sum, and whether the word is its negative."""
    one = Fraction(1)
    rho = Fraction(op["reflection"]["coef"], 1 << op["reflection"]["shift"])
    yield (one + rho, -rho), False
    for i, adaptor in enumerate(op["sections"]):
        e = Fraction(adaptor["coef"], 1 << adaptor["shift"])
        if i % 2 == 0:
            yield (one - e, -one, e), False
            yield (e, -e, -one), True
        else:
            yield (one - e, e), False
            yield (one, e, -e), False
            yield (one, one - e, e - one), True
