"""Quantities as engineers write them: 1ms, 4.7k, 10Meg, 2.2nF."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from .._support.validation import check_positive
from ..errors import SpecError

EXPONENTS = {
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "µ": -6,
    "μ": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "K": 3,
    "Meg": 6,
    "meg": 6,
    "M": 6,
    "G": 9,
}
"""Power of ten of each prefix; M is mega, as on parts, and not milli, as in SPICE."""
_WRITTEN = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_PATTERN = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([Mm]eg|[fpnuµμmkKMG]?)([^\d\s]*)\s*"
)


def parse_quantity(name: str, value: Any, unit: str) -> float:
    """Return a number, or a text with a prefix and perhaps the unit, as a float > 0.

    Parameters
    ----------
    name : str
        What the error message calls it.
    value : float or str
    unit : str
        The unit, as ``s``, ``V``, ``Hz`` or ``ohm``.

    Raises
    ------
    SpecError
        If the text is no quantity of this unit, or is not finite and > 0.

    Examples
    --------
    >>> parse_quantity("theta", "1ms", "s")
    0.001
    >>> parse_quantity("r_max", "1Meg", "ohm")
    1000000.0
    """
    if not isinstance(value, str):
        return check_positive(name, value)
    found = _PATTERN.fullmatch(value)
    if found is None or found[3] not in ("", unit):
        raise SpecError(f"{name} must be a number of {unit}, as 4.7 or 2.2m{unit}, not {value!r}")
    try:
        # rounded once, so that 2.2n is the float 2.2e-9
        number = float(Decimal(found[1]).scaleb(EXPONENTS[found[2]]))
    except ArithmeticError:
        raise SpecError(f"{name} must be within the range of a float, not {value!r}") from None
    return check_positive(name, number)


def parse_share(name: str, value: Any) -> float:
    """Return a share, given as a number or a text such as ``1%``, as a float > 0 and < 1.

    Raises
    ------
    SpecError
        If it is no share, or out of range.
    """
    share = value
    if isinstance(value, str):
        text = value.strip()
        try:
            share = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            raise SpecError(f"{name} must be a share, as 1% or 0.01, not {value!r}") from None
    if not 0.0 < check_positive(name, share) < 1.0:
        raise SpecError(f"{name} must be > 0 and < 100%, not {value!r}")
    return float(share)


def quantity_text(value: float, unit: str = "", digits: int = 3) -> str:
    """Return a value with a prefix, rounded to significant digits.

    Examples
    --------
    >>> quantity_text(12100.0), quantity_text(2.2e-9, "F"), quantity_text(-0.0005, "V")
    ('12.1k', '2.2nF', '-500uV')
    """
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}{unit}"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = 3 * math.floor(math.log10(abs(rounded)) / 3 + 1e-12)
    exponent = min(max(exponent, min(_WRITTEN)), max(_WRITTEN))
    return f"{float(f'{rounded / 10.0**exponent:.{digits}g}'):g}{_WRITTEN[exponent]}{unit}"


def spaced_quantity(value: float, unit: str, digits: int = 3) -> str:
    """Return a value with a prefix and unit after a space, as in a text.

    Examples
    --------
    >>> spaced_quantity(0.001, "s"), spaced_quantity(5.0, "V")
    ('1 ms', '5 V')
    """
    text = quantity_text(value, "", digits)
    number = text.rstrip("fpnumkMG")
    return f"{number} {text[len(number) :]}{unit}"
