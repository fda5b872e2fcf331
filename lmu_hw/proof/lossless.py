"""The chain of adaptors as a lossless system: weights, energies, what rounding errors put in.

A section takes w, holds o (and i), and gives w'. With e1, e2 its adaptors' coefficients::

    t1 = e1 (o - w),  w' = w + t1,  f = 2 w - o + t1
    t2 = e2 (f - i),  i' = i + t2,  o' = 2 i - f + t2

A section of one adaptor e is the same with e1 = 2 - e and o' = f. Because 0 < e < 2, whatever the
coefficients are, ``V + w**2`` is kept, V being ``a o**2 + a (2 - e2)/e2 i**2`` with ``a = e1/(2 -
e1)``. In these weights the transition never grows a norm, and since ``[A b]`` has orthonormal rows
the squares of the impulse response of any unit row sum to 1, and those from step k on to
``||r A^k||**2``: the response to one impulse tells all norms that a bound needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from .scaled import ONE, product, root, up

Coefficient = tuple[int, int]
"""An adaptor's integer and its right shift."""


@dataclass(frozen=True, kw_only=True)
class LosslessSection:
    """A section, its real pole as a pair's; ``e2`` is None there."""

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
    """One rounding unit of each signal [real, as `scaled` bounds]."""

    chain: int
    outer: int
    inner: int


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What rounding errors of up to one unit do in a step.

    Attributes
    ----------
    energy : int
        Bound of the weighted norm that they add to the state.
    w, f : tuple of int
        Bounds of what they add to each section's w' and f in the same step.
    """

    energy: int
    w: tuple[int, ...]
    f: tuple[int, ...]


def sections_of(data: Sequence[Sequence[Coefficient]]) -> tuple[LosslessSection, ...]:
    """Return the sections of a chain.

    Parameters
    ----------
    data : sequence of sequence of (coef, shift)
        One or two adaptors a section, each of 0 < e < 2.
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
    """Return what rounding errors do.

    Errors of w run down the chain, each section keeping ``1 - direct**2`` of their energy; errors
    of f and of the states stay in their section.
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
    """Return the squared norms of the rows of every signal: the energies of their responses."""
    of_o = [up(1 / s.weight_o) for s in sections]
    of_i = [0 if s.weight_i is None else up(1 / s.weight_i) for s in sections]
    return {"w": [ONE] * len(sections), "f": of_o, "o": of_o, "i": of_i}
