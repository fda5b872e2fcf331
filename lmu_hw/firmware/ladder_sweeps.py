"""Template data of a memory in ladder form: two sweeps over its sections, without a matrix."""

from __future__ import annotations

from dataclasses import dataclass

from ..program.integer_program import Ladder, Program
from .c_expressions import (
    Expression,
    cast,
    constant,
    minus,
    negative,
    plus,
    stored,
    times,
    width_of,
    word,
)
from .c_types import Column, Table, signed_type, table_type, type_bits
from .kernels import guarded, half_up, limited, narrowed, product, rescaled
from .ladder_sums import WORD_BITS, ProductScale, WaveSum, scaling_of, wave_sums
from .layout import Layout, Place, macro_int
from .operation import Accumulator, OperationCode, Routine, arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderProduct:
    """The product ``t = e (b - a)`` in C.

    ``d`` is ``b - a`` times the gain, ``t`` its product with the coefficient ``e``, both exact;
    ``nearest`` and ``floor`` are the integers next to it, ``t_type`` the type of T.
    """

    coef_type: str
    shift: str
    d_type: str
    d: str
    t: str
    t_type: str
    nearest: str
    floor: str
    accumulators: tuple[Accumulator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderSum:
    """The rounded sum ``x + t`` in C: ``nearest``, or ``down`` in a zero-input run.

    ``sign`` is -1 if the variable ``sum`` is negative and 0 otherwise.
    """

    x_type: str
    sum_type: str
    nearest: str
    down: str
    sign: str
    accumulators: tuple[Accumulator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderInput:
    """Twice the input of a substep in C, as a wave.

    ``entries`` are that wave (for one channel, and for channel c). With substeps it is the result
    of a function, which limits ``sum``, and the input words are ``kept`` as the next previous ones.
    """

    entries: tuple[str, ...]
    sum_type: str = ""
    sum: str = ""
    limited: str = ""
    kept: tuple[str, ...] = ()
    accumulators: tuple[Accumulator, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderCode(OperationCode):
    """A `Ladder`.

    ``paired`` sections are an even and an odd one; a last even one follows if their number is odd.
    ``wave`` is the type of the waves, ``words`` the expressions of the words that the sweeps
    compute, and ``rho`` the coefficient at the source.
    """

    source: Place
    silence: Place
    state: Place
    previous: Place | None
    window: int
    substeps: int
    order: int
    paired: int
    wave: str
    coef: Table
    shift: Column
    rho: str
    rho_shift: int
    product: LadderProduct
    sum: LadderSum
    words: dict[str, str]
    input: LadderInput


def ladder(program: Program, layout: Layout, op: Ladder, routine: Routine) -> LadderCode:
    """Return the template data of ``op``."""
    state = layout.places[op.state]
    fmt = state.vector.fmt
    wave = signed_type(fmt.min, fmt.max, narrowest=WORD_BITS)
    scaling = scaling_of(op, fmt)
    coef, shift = _coefficients(routine.name, op, scaling)
    sums = wave_sums(op, fmt, wave)
    t, product_code = _product(op, scaling, routine, state, wave)
    sum_code = _sum(routine, tuple(sums.values()), t)
    source = layout.places[op.source]
    previous = layout.places[op.previous] if op.previous else None
    input_code = _input(program, op, routine, (source, state, previous), wave)
    parts = (product_code, sum_code, input_code)
    paired = len(op.sections) // 2 * 2
    return LadderCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=program.channels(op),
        tables=(coef, shift.table) if shift.table else (coef,),
        scratch=(paired + 1) * type_bits(product_code.t_type) // 8 if paired else 0,
        accumulators=tuple(claim for part in parts for claim in part.accumulators),
        source=source,
        silence=layout.places[op.silence],
        state=state,
        previous=previous,
        window=op.window,
        substeps=op.substeps,
        order=len(op.sections),
        paired=paired,
        wave=wave,
        coef=coef,
        shift=shift,
        rho=macro_int(scaling.coefficient(op.reflection)),
        rho_shift=op.reflection.shift if scaling.shift is None else scaling.shift,
        product=product_code,
        sum=sum_code,
        words=_words(routine, state, wave, sums, sum_code, t),
        input=input_code,
    )


def _coefficients(name: str, op: Ladder, scaling: ProductScale) -> tuple[Table, Column]:
    """Return the coefficients of the sections, and their shifts if they differ."""
    values = tuple(scaling.coefficient(e) for e in op.sections)
    own = scaling.shift is None
    shifts = tuple(e.shift if own else scaling.shift or 0 for e in op.sections)
    shift = Column.of(f"{name}_shift", f"Right shifts of {name}_coef", shifts)
    scale = "a shift of its own" if shift.table else f"{shift.value} fractional bits"
    about = f"Coefficients e of the sections from the source on; {scale}"
    return Table(name=f"{name}_coef", about=about, ctype=table_type(values), values=values), shift


def _product(
    op: Ladder, scaling: ProductScale, routine: Routine, state: Place, wave: str
) -> tuple[Expression, LadderProduct]:
    """Return T as a variable, and the expressions that it comes from."""
    held = state.vector.fmt.min, state.vector.fmt.max
    used = (*op.sections, op.reflection)
    shifts = tuple(scaling.dropped(e) for e in used)
    text = "shift" if scaling.shift is None else str(shifts[0])
    difference = minus(word("b", wave, held), word("a", wave, held))
    if scaling.gain:
        difference = times(difference, constant(1 << scaling.gain))
    d = word("d", difference.ctype, *difference.cases)
    values = tuple(scaling.coefficient(e) for e in used)
    e = word(
        "e",
        signed_type(min(values), max(values), narrowest=WORD_BITS),
        *((value, value) for value in values),
    )
    full = product(e, d, 64)
    t = word("t", "int64_t", *full.cases)
    nearest = half_up(t, shifts, text)
    floors = tuple((low >> s, high >> s) for (low, high), s in zip(t.cases, shifts, strict=True))
    ends = (*nearest.cases, *((2 * low, 2 * high + 1) for low, high in floors))
    t_type = f"int{max(width_of(ends, WORD_BITS), type_bits(wave))}_t"
    whole = word(f"lmu_asr64(t, {text})", "int64_t", *floors)
    kind = f"{routine.kind}_product"
    code = LadderProduct(
        coef_type=e.ctype,
        shift=text,
        d_type=d.ctype,
        d=difference.text,
        t=full.text,
        t_type=t_type,
        nearest=stored(nearest, t_type),
        floor=stored(whole, t_type),
        accumulators=(
            Accumulator.of(kind, d, scale_bits=scaling.gain),
            Accumulator.of(kind, t, scale_bits=None if scaling.shift is None else shifts[0]),
        ),
    )
    return word("t", t_type, *ends), code


def _sum(routine: Routine, sums: tuple[WaveSum, ...], t: Expression) -> LadderSum:
    """Return the sum of any words and T."""
    x_cases = tuple(case for s in sums for case in s.x.cases)
    x = word("x", f"int{max(width_of(x_cases, WORD_BITS), *(s.x.bits for s in sums))}_t", *x_cases)
    cases = tuple(case for s in sums for case in s.integer)
    total = word("sum", f"int{max(width_of(cases, WORD_BITS), x.bits, t.bits)}_t", *cases)
    term = cast(total.bits, x).text if total.bits > x.bits else x.text
    return LadderSum(
        x_type=x.ctype,
        sum_type=total.ctype,
        nearest=f"{term} + t",
        down=f"{term} + lmu_asr{t.bits}(t, 1)",
        sign=f"lmu_sign{total.bits}(sum)",
        accumulators=(Accumulator.of(f"{routine.kind}_sum", total),),
    )


def _words(
    routine: Routine,
    state: Place,
    wave: str,
    sums: dict[str, WaveSum],
    code: LadderSum,
    t: Expression,
) -> dict[str, str]:
    """Return the words that the sweeps compute, saturated, by name."""
    fmt, macro = state.vector.fmt, state.macro
    held = fmt.min, fmt.max

    def saturated(x: Expression, ctype: str = wave) -> str:
        return stored(guarded(narrowed(x, fmt), fmt, f"{macro}_MIN", f"{macro}_MAX"), ctype)

    def rounded(s: WaveSum, x: str) -> str:
        term = negative(t).text if s.subtracts else "t"
        found = word(f"{routine.name}_sum({x}, {term}, silent)", code.sum_type, *s.rounded)
        return saturated(found, state.ctype if s.subtracts else wave)

    return {
        "even_left": saturated(plus(word("a", wave, held), word("even", wave, held))),
        **{name: rounded(s, s.x.text) for name, s in sums.items()},
        "last_state": rounded(sums["even_state"], "last"),
        "kept": stored(word("kept[i + 2]", t.ctype, held), wave),
    }


def _input(
    program: Program,
    op: Ladder,
    routine: Routine,
    places: tuple[Place, Place, Place | None],
    wave: str,
) -> LadderInput:
    """Return x, twice the input of a substep; ``places`` are those of source, state, previous."""
    source, state, previous = places
    lost, n = op.input_shift(program.vector), 2 * op.substeps

    def taken(x: Expression) -> str:
        limits = (f"{state.macro}_MIN", f"{state.macro}_MAX")
        return stored(limited(x, state.vector.fmt, *limits), wave)

    if previous is None:
        gain = constant(2 << max(0, -lost))
        both = (times(source.expression(c), gain, type_bits(wave)) for c in ("0", "c"))
        return LadderInput(entries=tuple(taken(rescaled(x, max(0, lost))) for x in both))
    fmt = source.vector.fmt
    u = word("u", source.ctype, (fmt.min, fmt.max))
    old = word("previous", previous.ctype, (fmt.min, fmt.max))
    moved = times(word("j", "int32_t", (1, n - 1)), minus(u, old))
    total = plus(times(constant(n), old), moved)
    # weights of both words are positive and add up to n
    x = word("sum", total.ctype, (n * fmt.min, n * fmt.max))
    return LadderInput(
        entries=tuple(
            f"{routine.name}_input({source.word(c)}, {previous.word(c)}, j)" for c in ("0", "c")
        ),
        sum_type=x.ctype,
        sum=total.text,
        limited=taken(rescaled(x, lost, type_bits(wave))),
        kept=tuple(stored(source.expression(c), previous.ctype) for c in ("0", "c")),
        accumulators=(Accumulator.of(f"{routine.kind}_input", x),),
    )
