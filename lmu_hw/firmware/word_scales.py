"""Template data of a coefficient for every word, the readout of a ladder."""

from __future__ import annotations

from dataclasses import dataclass

from ..program.integer_program import Adaptor, Program, Scale
from .c_expressions import Expression, stored, word
from .c_types import Column, Table, table_type
from .kernels import half_up, limited, narrowed, product, rescaled
from .ladder_sums import MAX_DROP, WORD_BITS, ProductScale
from .layout import Layout, Place
from .operation import Accumulator, OperationCode, Routine, arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleCode(OperationCode):
    """A `Scale`.

    ``x`` is the product of a word and its coefficient, and ``stored`` the word of the target. If
    the coefficients of all even words are 1 and their shifts equal, the table has those of the odd
    words alone; ``even`` is then an even word of the target, and ``last`` its last word.
    """

    source: Place
    target: Place
    n_words: int
    x_type: str
    x: str
    stored: str
    even: str
    last: str
    coef: Table
    shift: Column
    even_shift: int
    alternate: bool


def scale(program: Program, layout: Layout, op: Scale, routine: Routine) -> ScaleCode:
    """Return the template data of ``op``."""
    source, target = layout.places[op.source], layout.places[op.target]
    alternate = len(op.coefs) > 1 and set(op.coefs[::2]) == {1} and len(set(op.shifts[::2])) == 1
    every = [Adaptor(*pair) for pair in zip(op.coefs, op.shifts, strict=True)]
    used = every[1::2] if alternate else every
    fmt = source.vector.fmt
    scaling = _scaling(used, max(-fmt.min, fmt.max))
    coef, shift = _tables(routine.name, used, scaling, alternate)
    row = "k" if alternate else "i"
    e = word(f"{coef.name}[{row}]", coef.ctype, *((v, v) for v in coef.values))
    held = fmt.min, fmt.max
    full = product(e, word("v[2 * k + 1]" if alternate else "v[i]", source.ctype, held), 64)
    x = word("x", full.ctype, *full.cases)
    scaled = half_up(x, tuple(scaling.dropped(adaptor) for adaptor in used), shift.at(row))

    def even(index: str) -> str:
        found = rescaled(word(f"v[{index}]", source.ctype, held), op.shifts[0])
        return _stored(found, target) if alternate else ""

    return ScaleCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=op.n_channels,
        tables=(coef, shift.table) if shift.table else (coef,),
        scratch=0,
        accumulators=(Accumulator.of(routine.kind, x, scale_bits=scaling.shift),),
        source=source,
        target=target,
        n_words=len(op.coefs),
        x_type=x.ctype,
        x=full.text,
        stored=_stored(scaled, target),
        even=even("2 * k"),
        last=even(str(len(op.coefs) - 1)),
        coef=coef,
        shift=shift,
        even_shift=op.shifts[0],
        alternate=alternate,
    )


def _scaling(used: list[Adaptor], largest: int) -> ProductScale:
    """Return the fastest scale that all coefficients allow; ``largest`` is the largest word.

    From 33 fractional bits on, the lower half of a product needs no rounding.
    """
    for shift in (*range(WORD_BITS + 1, MAX_DROP + 1), *range(WORD_BITS + 1)):
        scaling = ProductScale(shift=shift)
        if all(scaling.holds(e, largest) for e in used):
            return scaling
    return ProductScale(shift=None)


def _tables(
    name: str, used: list[Adaptor], scaling: ProductScale, alternate: bool
) -> tuple[Table, Column]:
    """Return the coefficients, and their shifts if they differ."""
    values = tuple(scaling.coefficient(e) for e in used)
    shifts = tuple(scaling.dropped(e) for e in used)
    shift = Column.of(f"{name}_shift", f"Right shifts of {name}_coef", shifts)
    scale = "a shift of its own" if shift.table else f"{shift.value} fractional bits"
    about = f"Coefficients of {'odd words' if alternate else 'the words'}; {scale}"
    return Table(name=f"{name}_coef", about=about, ctype=table_type(values), values=values), shift


def _stored(x: Expression, target: Place) -> str:
    """Return the text of ``x`` as a word of the target."""
    fmt, limits = target.vector.fmt, (f"{target.macro}_MIN", f"{target.macro}_MAX")
    return stored(limited(narrowed(x, fmt), fmt, *limits), target.ctype)
