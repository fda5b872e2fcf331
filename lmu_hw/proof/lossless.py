"""Energy of a chain of lossless adaptors: weights of the states, effect of rounding errors.

A section has input w, states o and i, and output w'. With e1, e2 its adaptors' coefficients::

    t1 = e1 (o - w),  w' = w + t1,  f = 2 w - o + t1
    t2 = e2 (f - i),  i' = i + t2,  o' = 2 i - f + t2

A section with a single adaptor e is the same with e1 = 2 - e and o' = f. For any coefficients
0 < e < 2, ``V + w**2`` is preserved, where ``V = a o**2 + a (2 - e2)/e2 i**2`` and ``a = e1/(2 -
e1)``. In this weighted norm the transition A never increases a norm, and ``[A b]`` has orthonormal
rows. So for a row r of norm 1 the squares of the impulse response sum to 1, and those from step k
on sum to ``||r A^k||**2``: a single impulse response gives all norms that a bound needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from .scaled import ONE, product, root, up

Coefficient = tuple[int, int]
"""Integer coefficient and right shift of an adaptor."""


@dataclass(frozen=True, kw_only=True)
class LosslessSection:
    """A section; a real pole has the form of a pair with ``e2`` None."""

    e1: Coefficient
    e2: Coefficient | None

    @property
    def e(self) -> Fraction:
        """The value of e1."""
        return Fraction(self.e1[0], 1 << self.e1[1])

    @property
    def direct(self) -> Fraction:
        """Gain from w to w' in a step."""
        return 1 - self.e

    @cached_property
    def weight_o(self) -> Fraction:
        """Weight of o, and of f."""
        return self.e / (2 - self.e)

    @cached_property
    def weight_i(self) -> Fraction | None:
        """Weight of i, where there is one."""
        if self.e2 is None:
            return None
        e2 = Fraction(self.e2[0], 1 << self.e2[1])
        return self.weight_o * (2 - e2) / e2


@dataclass(frozen=True, kw_only=True)
class RoundingSteps:
    """Rounding unit of each signal [real, as `scaled` bounds]."""

    chain: int
    outer: int
    inner: int


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Effect of rounding errors of up to one unit in a step.

    Attributes
    ----------
    energy : int
        Bound of the weighted norm of the change of the state.
    w, f : tuple of int
        Bounds of the changes of each section's w' and f in the same step.
    """

    energy: int
    w: tuple[int, ...]
    f: tuple[int, ...]


def sections_of(data: Sequence[Sequence[Coefficient]]) -> tuple[LosslessSection, ...]:
    """Return the sections of a chain.

    Parameters
    ----------
    data : sequence of sequence of (coef, shift)
        One or two adaptors per section, each with 0 < e < 2.
    """
    out = []
    for adaptors in data:
        coef, shift = adaptors[0]
        if len(adaptors) == 2:
            out.append(LosslessSection(e1=(coef, shift), e2=adaptors[1]))
        else:
            out.append(LosslessSection(e1=((2 << shift) - coef, shift), e2=None))
    return tuple(out)


def noise_of(sections: Sequence[LosslessSection], unit: RoundingSteps) -> Noise:
    """Return the effect of rounding errors in a step.

    Errors of w pass down the chain, and each section absorbs ``1 - direct**2`` of their energy;
    errors of f and of the states stay in their section.
    """
    passing, energy = 0, 0
    same_w, same_f = [], []
    for section in sections:
        weight_i = section.weight_i
        own = product(up(section.weight_o), product(unit.outer, unit.outer))
        inside = 0
        if weight_i is None:
            own = product(up(section.weight_o), product(unit.inner, unit.inner))
        else:
            inside = product(root(up(section.weight_o)), unit.outer)
            own += product(up(weight_i), product(unit.inner, unit.inner))
        kept = product(root(up(1 - section.direct**2)), passing)
        part = root(own) + inside + kept
        energy += product(part, part)
        same_f.append(product(up(2 - section.e), passing) + unit.outer)
        passing = product(up(abs(section.direct)), passing) + unit.chain
        same_w.append(passing)
    return Noise(energy=root(energy), w=tuple(same_w), f=tuple(same_f))


def norms_of(sections: Sequence[LosslessSection]) -> dict[str, list[int]]:
    """Return the squared row norms of all signals, the energies of their impulse responses."""
    of_o = [up(1 / s.weight_o) for s in sections]
    of_i = [0 if s.weight_i is None else up(1 / s.weight_i) for s in sections]
    return {"w": [ONE] * len(sections), "f": of_o, "o": of_o, "i": of_i}
