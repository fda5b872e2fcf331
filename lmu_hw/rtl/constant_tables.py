"""Constant tables and multiplexers; a table of equal values becomes a constant."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned

from ..program.fixedpoint import QFormat


def lookup(m: Module, index: Value, values: Sequence[int], name: str) -> Value:
    """Return the constant that ``index`` selects.

    Parameters
    ----------
    m : Module
    index : Value
    values : sequence of int
        Table entries, at least one.
    name : str
        Name of the signal.
    """
    shape = shape_of(values)
    if len(set(values)) == 1:
        return Const(values[0], Shape(max(1, shape.width), shape.signed))
    chosen = Signal(shape, name=name)
    with m.Switch(index):
        for number, value in enumerate(values):
            if value != 0:
                with m.Case(number):
                    m.d.comb += chosen.eq(value)
    return chosen


def shape_of(values: Sequence[int]) -> Shape:
    """Return the shape that holds all values."""
    low, high = min(values), max(values)
    if low >= 0:
        return unsigned(high.bit_length())
    return signed(max(high.bit_length(), (-low - 1).bit_length()) + 1)


def signed_width(fmt: QFormat) -> int:
    """Return the width of a signed word that holds every word of a format."""
    return fmt.width + (not fmt.signed)


def any_of(words: Sequence[Value]) -> Value:
    """Return the bitwise OR of the words."""
    total: Value = words[0]
    for word in words[1:]:
        total = total | word
    return total


def one_of(m: Module, index: Value, words: Sequence[Value], name: str) -> Value:
    """Return the word that ``index`` selects."""
    if len(words) == 1:
        return words[0]
    chosen = Signal(words[0].shape(), name=name)
    if len(words) == 2 and len(index) == 1:
        m.d.comb += chosen.eq(Mux(index, words[1], words[0]))
        return chosen
    with m.Switch(index):
        for number, word in enumerate(words):
            with m.Case(number):
                m.d.comb += chosen.eq(word)
    return chosen


def requantized(m: Module, word: Value, source: QFormat, target: QFormat, name: str) -> Value:
    """Return a word rounded to another format, to nearest, and saturated to it."""
    drop = source.frac_bits - target.frac_bits
    raised = Signal(signed(max(len(word), signed_width(source)) + 1 + max(0, -drop)), name=name)
    half = (1 << drop) >> 1 if drop > 0 else 0
    m.d.comb += raised.eq((word + half) << max(0, -drop))
    value = raised >> max(0, drop)
    low, high = target.min << max(0, drop), target.max + 1 << max(0, drop)
    # saturate only where a word of this format can leave the range
    if drop < 0 or source.min + half < low or source.max + half >= high:
        return saturated(value, target.min, target.max)
    return value


def saturated(value: Value, low: int, high: int) -> Value:
    """Return a signed value saturated to a power-of-two range."""
    bits = (high - low).bit_length()
    # a word fits when all bits above it equal its sign; an unsigned one has none, however short
    above = value[bits - 1 :] if low < 0 else value[min(bits, len(value) - 1) :]
    fits = (above == 0) | (above.all() if low < 0 else 0)
    word = value[:bits].as_signed() if low < 0 else value[:bits]
    return Mux(fits, word, Mux(value[-1], low, high))
