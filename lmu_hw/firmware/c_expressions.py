"""C expressions with their value ranges, checked against overflow.

An `Expression` has a text, a C type and a range for every case; a case is one row of a matrix or
one piece of a function. `binary`, `cast` and `call` apply C's conversion rules and raise
`EmitError` if a result may leave the type that C computes it in. C computes at least in `int`,
which has 16 bits on an AVR and 32 elsewhere; both must hold the result. `plus`, `minus` and `times`
insert casts where they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .._support.templates import c_int
from ..errors import EmitError

Range = tuple[int, int]
"""Smallest and largest value."""
INT_BITS = (16, 32)
"""Widths of `int` that the code must be correct for."""
WIDTHS = (16, 32, 64)
"""Widths of C arithmetic."""
SUM, PRODUCT, UNARY, PRIMARY = range(4)
"""Precedence of the outermost operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A C expression.

    Attributes
    ----------
    text : str
    cases : tuple of (int, int)
        Range of its value in each case; a single range if all cases are equal.
    widths : tuple of int
        Bits of its type, for each of `INT_BITS`.
    signed : bool
    level : int
        `SUM`, `PRODUCT`, `UNARY` or `PRIMARY`.
    """

    text: str
    cases: tuple[Range, ...]
    widths: tuple[int, ...]
    signed: bool = True
    level: int = PRIMARY

    @property
    def low(self) -> int:
        """Smallest value in any case."""
        return min(low for low, _ in self.cases)

    @property
    def high(self) -> int:
        """Largest value in any case."""
        return max(high for _, high in self.cases)

    @property
    def ctype(self) -> str:
        """Narrowest type of 32 or 64 bits that holds its values."""
        return f"int{self.bits}_t"

    @property
    def bits(self) -> int:
        """Width of `ctype`: the larger of the width of its values and of its own type."""
        return max(width_of(self.cases, 32), *self.widths)

    def at_level(self, level: int) -> str:
        """Return the text as an operand of an operator with this precedence."""
        return self.text if self.level >= level else f"({self.text})"


def word(text: str, ctype: str, *cases: Range) -> Expression:
    """Return a variable, or an element of an array, of type ``intN_t`` or ``uintN_t``."""
    width, signed = int(ctype.strip("uint_")), not ctype.startswith("u")
    found = Expression(text=text, cases=cases, widths=(width,) * len(INT_BITS), signed=signed)
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    if found.low < low or found.high > high:
        raise EmitError(f"C variable {text} of {ctype} cannot hold {found.low} to {found.high}")
    return found


def constant(value: int) -> Expression:
    """Return a decimal constant, whose type is the first of int, long, long long that holds it."""
    text = c_int(value)
    # -5 is the constant 5 with a unary minus; the minimum of a type is written as a difference
    digits = value if value >= 0 or text.startswith("(") else -value
    room = width_of(((digits, digits),), 16)
    return Expression(
        text=text,
        cases=((value, value),),
        widths=tuple(max(n, room) for n in INT_BITS),
        level=PRIMARY if value >= 0 or text.startswith("(") else UNARY,
    )


def width_of(cases: tuple[Range, ...], narrowest: int = 16) -> int:
    """Return the narrowest width of signed C arithmetic that holds every case.

    Examples
    --------
    >>> width_of(((-32768, 0),)), width_of(((0, 32768),)), width_of(((0, 1),), 64)
    (16, 32, 64)
    """
    low, high = min(low for low, _ in cases), max(high for _, high in cases)
    for width in WIDTHS:
        if width >= narrowest and -(1 << width - 1) <= low and high < 1 << width - 1:
            return width
    raise EmitError(f"no C type holds {low} to {high}: ask for fewer bits")


def cast(bits: int, x: Expression) -> Expression:
    """Return ``x`` converted to ``intN_t``, which must hold it."""
    return replace(word(f"(int{bits}_t){x.at_level(UNARY)}", f"int{bits}_t", *x.cases), level=UNARY)


def binary(operator: str, a: Expression, b: Expression) -> Expression:
    """Return ``a operator b`` as C computes it, without a cast.

    Parameters
    ----------
    operator : str
        ``+``, ``-`` or ``*``.
    a, b : Expression

    Raises
    ------
    EmitError
        If a result may not fit the type that C computes it in, for any of `INT_BITS`.

    Examples
    --------
    >>> dots = word("dots[r]", "int32_t", (-(2**31), 2**31 - 1))
    >>> binary("+", constant(1), cast(64, dots)).text
    '1 + (int64_t)dots[r]'
    >>> binary("+", constant(1), dots)
    Traceback (most recent call last):
    ...
    lmu_hw.errors.EmitError: C of 32 bits cannot hold 1 + dots[r]: -2147483647 to 2147483648
    """
    level = PRODUCT if operator == "*" else SUM
    # C is left-associative: a right operand of equal precedence keeps its parentheses
    text = f"{a.at_level(level)} {operator} {b.at_level(level + 1)}"
    cases = _combined(_RANGES[operator], a, b)
    return _computed(text, cases, a, b, level=level)


def negative(x: Expression, least: int = 0) -> Expression:
    """Return ``-x`` in at least ``least`` bits, with a cast if the type of ``x`` is too narrow."""
    cases = tuple((-high, -low) for low, high in x.cases)
    x = _widened(x, max(width_of(cases), least))
    text = x.at_level(PRIMARY if x.text.startswith("-") else UNARY)
    return _computed(f"-{text}", cases, x, level=UNARY)


def plus(a: Expression, b: Expression, least: int = 0) -> Expression:
    """Return the sum in at least ``least`` bits, with a cast of one operand if needed."""
    if b.low == b.high < 0 and b.text == c_int(b.low):
        return minus(a, constant(-b.low), least)
    return _cast_first("+", a, b, least)


def minus(a: Expression, b: Expression, least: int = 0) -> Expression:
    """Return the difference in at least ``least`` bits, with a cast of one operand if needed."""
    if b.low == b.high < 0 and b.text == c_int(b.low):
        return plus(a, constant(-b.low), least)
    return _cast_first("-", a, b, least)


def times(a: Expression, b: Expression, least: int = 0) -> Expression:
    """Return the product in at least ``least`` bits, with a cast of one operand if needed."""
    return _cast_first("*", a, b, least)


def masked(x: Expression, bits: int) -> Expression:
    """Return the lowest ``bits`` of a nonnegative value."""
    if x.low < 0:
        raise EmitError(f"C operator & needs a nonnegative value, but {x.text} reaches {x.low}")
    mask = constant((1 << bits) - 1)
    return _computed(
        f"{x.at_level(UNARY)} & {mask.text}", ((0, mask.high),), x, mask, level=SUM - 1
    )


def call(
    name: str, bits: int, arguments: list[Expression], cases: tuple[Range, ...], *rest: str
) -> Expression:
    """Return a call of a kernel that takes and returns ``intN_t``.

    Parameters
    ----------
    name : str
    bits : int
        N.
    arguments : list of Expression
        Arguments of N bits, which must fit.
    cases : tuple of (int, int)
        Range of the result, which must fit N bits.
    *rest : str
        Arguments of other types.
    """
    for x in arguments:
        _check(x.text, x.cases, bits)
    text = ", ".join([*(x.text for x in arguments), *rest])
    return word(f"{name}({text})", f"int{bits}_t", *cases)


def stored(x: Expression, ctype: str) -> str:
    """Return the text of ``x`` as the value of a variable, with a cast if that is narrower."""
    bits = word(x.text, ctype, *x.cases).widths[0]
    return x.text if max(x.widths) <= bits else cast(bits, x).text


def reach(terms: Iterable[Range]) -> Range:
    """Return the range of all partial sums of terms, in any order of addition.

    Examples
    --------
    >>> reach([(-1, 5), (2, 3), (-4, -4)])
    (-5, 8)
    """
    low = high = 0
    for least, most in terms:
        low, high = low + min(0, least), high + max(0, most)
    return low, high


def linear_ends(*terms: tuple[int, Range]) -> Range:
    """Return the range of ``sum of weight * x`` for independent ranges of the x.

    Examples
    --------
    >>> linear_ends((2, (-1, 3)), (-1, (0, 4)))
    (-6, 6)
    """
    ends = [(weight * low, weight * high) for weight, (low, high) in terms]
    return sum(map(min, ends)), sum(map(max, ends))


def _product(a: Range, b: Range) -> Range:
    (a0, a1), (b0, b1) = a, b
    ends = a0 * b0, a0 * b1, a1 * b0, a1 * b1
    return min(ends), max(ends)


_RANGES: dict[str, Callable[[Range, Range], Range]] = {
    "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "*": _product,
}


def _combined(
    of: Callable[[Range, Range], Range], a: Expression, b: Expression
) -> tuple[Range, ...]:
    """Return a range for each case; a single case of one operand applies to all of the other's."""
    n = max(len(a.cases), len(b.cases))
    assert {len(a.cases), len(b.cases)} <= {1, n}
    each = (x.cases * n if len(x.cases) == 1 else x.cases for x in (a, b))
    pairs = list(zip(*each, strict=True))
    # a matrix has few distinct weights
    known = {pair: of(*pair) for pair in set(pairs)}
    return tuple(known[pair] for pair in pairs)


def _computed(text: str, cases: tuple[Range, ...], *operands: Expression, level: int) -> Expression:
    """Return the result of an operator, in the common type of its operands."""
    widths = []
    for at, int_bits in enumerate(INT_BITS):
        width = max(int_bits, *(x.widths[at] for x in operands))
        if any(not x.signed and x.widths[at] == width for x in operands):
            raise EmitError(f"C would compute {text} as unsigned")
        widths.append(width)
        _check(text, cases, width)
    return Expression(text=text, cases=cases, widths=tuple(widths), level=level)


def _check(text: str, cases: tuple[Range, ...], bits: int) -> None:
    if width_of(cases) > bits:
        low, high = min(low for low, _ in cases), max(high for _, high in cases)
        raise EmitError(f"C of {bits} bits cannot hold {text}: {low} to {high}")


def _cast_first(operator: str, a: Expression, b: Expression, least: int) -> Expression:
    """Return ``a operator b`` in a type that holds the result."""
    needed = max(width_of(_combined(_RANGES[operator], a, b)), least)
    if max(_promoted(a), _promoted(b)) < needed:
        # cast the other operand of a constant, which is easier to read
        if a.text == c_int(a.low):
            b = cast(needed, b)
        else:
            a = cast(needed, a)
    if not (_promoted(a) or _promoted(b) > a.widths[0]):
        a = _signed(a)
    if not (_promoted(b) or _promoted(a) > b.widths[0]):
        b = _signed(b)
    return binary(operator, a, b)


def _promoted(x: Expression) -> int:
    """Return the width of ``x`` after promotion to a signed type; 0 if it stays unsigned."""
    least = min(INT_BITS)
    if not x.signed:
        return least if x.widths[0] < least else 0
    return max(least, x.widths[0])


def _signed(x: Expression) -> Expression:
    """Return ``x``, with a cast if its unsigned type does not promote to every `int`."""
    return x if _promoted(x) else cast(width_of(x.cases, 32), x)


def _widened(x: Expression, bits: int) -> Expression:
    x = _signed(x)
    return x if _promoted(x) >= bits else cast(bits, x)
