"""Energy of a ladder of lossless three-ports, and why a zero-input run ends at exactly zero.

A wave w at a port of resistance R has the energy ``w**2 / R``. From the right, where a matched
resistor ``R = 1`` ends the ladder, the port to the left of a section with coefficient e has::

    series (even):    R_left = R_right / (1 - e),    R_state = e R_left
    parallel (odd):   R_left = R_right (1 - e),      R_state = R_left / e

and the source ``R_source = R_left (1 - rho) / (1 + rho)`` with R_left of section 0. With these
resistances, every section and the junction at the source preserve the energy of their waves exactly
for all coefficients ``0 < e < 1`` and ``-1 < rho < 1``: rounding a coefficient changes resistances,
but no energy. With ``V = sum w_i**2 / R_state_i``, x the wave of the source, y the wave into the
resistor at the right and z the wave back into the source, a step without rounding has::

    V' + z**2 / R_source + y**2 = V + x**2 / R_source

Zero input
    In a zero-input run x is 0 (with substeps from the second step on, when the previous input is 0
    too). Every wave is the truncation toward zero of the exact result of its section, so its
    energy is at most that of the exact result. Saturation decreases magnitudes too. If an even
    section saturates ``a + w``, it continues with the saturated word b, which is the exact result
    for ``b - w`` in place of a: since w is in the format, ``b - w`` lies between 0 and a, so that
    energy is lost here as well. Hence V never increases. A state has finitely many values, so the
    run ends in a cycle, in which V is constant. There, no truncation changed a word, no word
    saturated, and no energy left the ladder: the wave y is 0, and so is ``(1 - rho**2) a_0**2``,
    with a_0 the wave that section 0 sends to the source. So voltage and current are 0 at the port
    to the left of section 0, in every step of the cycle.

    By induction from the left they are 0 at all ports, and so are all states. If both are 0 to the
    left of an even section, the current through its capacitor is 0, so its voltage is constant, and
    so is the voltage at the port to the right, where the current is 0. If that voltage is not 0,
    it increases the current of the next section's inductor by the same amount in every step,
    without limit, as no current comes from the left; but the states of a cycle are bounded. To the
    left of an odd section, current and voltage exchange their roles. At the right end, the wave y
    is 0 and so is the wave from the resistor, so voltage and current are 0 there too.

References
----------
A. Fettweis, "Wave digital filters: theory and practice," Proc. IEEE 74(2), pp. 270-327, 1986:
pseudopassivity, and suppression of limit cycles by truncating magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from .interval import Data
from .lossless import Coefficient


@dataclass(frozen=True, kw_only=True)
class LosslessLadder:
    """The coefficients of a ladder, with its resistances as exact rationals.

    Attributes
    ----------
    sections : tuple of (coef, shift)
        From the left, each with 0 < e < 1.
    reflection : (coef, shift)
        At the source, with -1 < rho < 1.
    """

    sections: tuple[Coefficient, ...]
    reflection: Coefficient

    @cached_property
    def ports(self) -> tuple[Fraction, ...]:
        """Resistance at the port to the left of each section, and at the right end."""
        found = [Fraction(1)]
        for i in reversed(range(len(self.sections))):
            kept = 1 - self.e(i)
            found.append(found[-1] * kept if i % 2 else found[-1] / kept)
        return tuple(reversed(found))

    @cached_property
    def states(self) -> tuple[Fraction, ...]:
        """Resistance at the state of each section."""
        left = self.ports
        return tuple(
            left[i] / self.e(i) if i % 2 else left[i] * self.e(i) for i in range(len(self.sections))
        )

    @property
    def source(self) -> Fraction:
        """Resistance of the source."""
        rho = _value(self.reflection)
        return self.ports[0] * (1 - rho) / (1 + rho)

    def e(self, i: int) -> Fraction:
        """Return the coefficient of a section."""
        return _value(self.sections[i])


def ladder_of(op: Data) -> LosslessLadder:
    """Return the ladder of an operation whose coefficients are lossless."""
    return LosslessLadder(
        sections=tuple((e["coef"], e["shift"]) for e in op["sections"]),
        reflection=(op["reflection"]["coef"], op["reflection"]["shift"]),
    )


def ladder_not_lossless(op: Data) -> str:
    """Return a message about the first coefficient that is not lossless; empty if all are."""
    for i, e in enumerate(op["sections"]):
        coef, shift = e["coef"], e["shift"]
        if shift < 0 or not 0 < coef < 1 << shift:
            return f"section {i} has e = {coef} * 2**-{shift}, not between 0 and 1"
    coef, shift = op["reflection"]["coef"], op["reflection"]["shift"]
    if shift < 0 or abs(coef) >= 1 << shift:
        return f"the source has rho = {coef} * 2**-{shift}, not between -1 and 1"
    return ""


def _value(e: Coefficient) -> Fraction:
    return Fraction(e[0], 1 << e[1])
