"""What rounding errors can add up to, source by source: tighter than `memory`, and longer to find.

Every place that rounds is a source. An error of one unit is put in there once and followed to the
end; the l1 norm of what it makes of a signal is what errors in every step can add up to at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .lossless import Section, Steps
from .response import SIGNALS, Ints, Response
from .scaled import ONE, product, root, up

CHECK_EVERY = 64
"""Steps between looks at what is left."""
WORTH = 64
"""Part of a sum that its tail may be."""
MAX_CYCLES = 1 << 16
"""Steps after which the search is given up."""
MAX_VALUES = 1 << 33
"""Values followed, all steps together, beyond which it is not begun."""
FEW_VALUES = 1 << 22
"""Values that are followed in a moment, whether it is needed or not."""
GUARD = 20
"""Low bits of a value that are rounded up before it is summed."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A unit error: where it enters, the norm that it adds to the state, the format it belongs to.

    ``o, i, w`` are what the section finds there.
    """

    section: int
    fmt: str
    o: Fraction = Fraction(0)
    i: Fraction = Fraction(0)
    w: Fraction = Fraction(0)
    square: Fraction


def error_sums(
    response: Response, unit: Steps, total: int, n_steps: int, limit: int = MAX_VALUES
) -> dict[str, list[int]] | None:
    """Return what rounding errors of up to a unit in every step make of each signal at most.

    Parameters
    ----------
    response : Response
    unit : Steps
        One unit in the last place of each format.
    total : int
        Bound of ``sum_k ||A^k||_2``.
    n_steps : int
        About how long the memory is.
    limit : int
        Values that may be followed, all steps together.

    Returns
    -------
    dict of str to list of int, or None
        Bounds for ``w, f, o, i`` by section; None where it would take too long.
    """
    sections = response.sections
    units = {"chain": unit.chain, "outer": unit.outer, "inner": unit.inner}
    sources = _sources(sections)
    if 2 * n_steps * len(sources) * len(sections) > limit:
        return None
    weight = np.array([units[s.fmt] for s in sources], dtype=object)
    # so that no value is larger than one that an input of 1 makes
    scale = [(root(up(s.square)) // ONE + 1).bit_length() for s in sources]
    state = {name: _injected(sources, name, scale, response) for name in ("o", "i", "w")}
    sums = {name: np.zeros(state["o"].shape, dtype=np.int64) for name in SIGNALS}
    for name in ("o", "i"):
        sums[name] += _rounded_up(state[name])
    factor = np.array([1 << p for p in scale], dtype=object) * weight
    own = {"w": unit.chain, "f": unit.outer, "o": 0, "i": 0}
    cycles = 0
    out: dict[str, list[int]]
    while cycles < MAX_CYCLES:
        _advance(response, state, sums, CHECK_EVERY)
        cycles += CHECK_EVERY
        miss = response.miss(cycles)
        left = sum(
            int(f) * size // ONE + 1
            for f, size in zip(factor, _remaining(response, state, miss), strict=True)
        )
        spread = int(factor.sum())
        out, tail_is_small = {}, True
        for name in SIGNALS:
            per_signal = (sums[name].astype(object) * factor[:, None]).sum(axis=0)
            out[name] = []
            for k, value in enumerate(per_signal.tolist()):
                found = (value * response.unit << GUARD) // ONE + 1
                found += product(spread, cycles * miss[name][k])
                tail = product(response.norms[name][k], product(left, total))
                tail_is_small &= tail * WORTH <= found
                out[name].append(found + tail + own[name])
        if tail_is_small:
            return out
    return None


def _sources(sections: Sequence[Section]) -> list[_Source]:
    """Return every place that rounds."""
    out = []
    for k, section in enumerate(sections):
        weight_o, weight_i = section.weight_o, section.weight_i
        one = Fraction(1)
        if weight_i is None:
            out.append(_Source(section=k, fmt="inner", o=one, square=weight_o))
        else:
            assert section.e2 is not None
            e2 = Fraction(section.e2[0], 1 << section.e2[1])
            out.append(_Source(section=k, fmt="outer", o=one, square=weight_o))
            out.append(_Source(section=k, fmt="inner", i=one, square=weight_i))
            # f goes through the inner adaptor, which keeps its energy
            out.append(_Source(section=k, fmt="outer", o=e2 - 1, i=e2, square=weight_o))
        if k + 1 < len(sections):
            out.append(_Source(section=k + 1, fmt="chain", w=one, square=one))
    return out


def _injected(
    sources: Sequence[_Source], name: str, scale: Sequence[int], response: Response
) -> Ints:
    """Return the values of ``o``, ``i`` or ``w`` of every source, shape (n_sources, n_sections)."""
    values = np.zeros((len(sources), len(response.sections)), dtype=np.int64)
    for row, (source, down) in enumerate(zip(sources, scale, strict=True)):
        value: Fraction = getattr(source, name)
        exact = value * (1 << response.frac_bits) / (1 << down)
        # within a unit of the truth, as every floor is
        values[row, source.section] = exact.numerator // exact.denominator
    return values


def _advance(
    response: Response, state: dict[str, Ints], sums: dict[str, Ints], cycles: int
) -> None:
    """Run the chain of every source, adding up the sizes of its signals."""
    for _ in range(cycles):
        w, f, o, i = response.step(state["w"], state["o"], state["i"])
        for name, values in zip(SIGNALS, (w, f, o, i), strict=True):
            sums[name] += _rounded_up(values)
        state["o"], state["i"] = o, i
        state["w"][:, 1:], state["w"][:, 0] = w[:, :-1], 0


def _rounded_up(values: Ints) -> Ints:
    return (np.abs(values) >> GUARD) + 1


def _remaining(response: Response, state: dict[str, Ints], miss: dict[str, list[int]]) -> list[int]:
    """Return a bound of what is left in each source's chain, its sections' norms added up."""
    totals = np.zeros(len(state["o"]), dtype=object)
    for k, section in enumerate(response.sections):
        for name, weight in (("o", section.weight_o), ("i", section.weight_i), ("w", Fraction(1))):
            if weight is not None:
                size = np.abs(state[name][:, k]).astype(object) * response.unit + miss[name][k]
                totals = totals + size * root(up(weight)) // ONE + 1
    return [int(x) for x in totals]
