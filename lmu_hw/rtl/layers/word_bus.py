"""Vectors as buses: all words side by side, the first one lowest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value

from ...program.fixedpoint import QFormat
from .held_words import HeldVector
from .layer_stages import Column


def words_of(bus: Value, fmt: QFormat, length: int) -> list[Value]:
    """Return the words of a vector, with their sign."""
    words = [bus[k * fmt.width : (k + 1) * fmt.width] for k in range(length)]
    return [word.as_signed() if fmt.signed else word for word in words]


def words_at(owner: Any, vectors: Sequence[HeldVector], columns: Sequence[Column]) -> list[Value]:
    """Return the words of columns from the buses ``read_0``, .. of a component."""
    found = [words_of(getattr(owner, f"read_{k}"), v.fmt, v.length) for k, v in enumerate(vectors)]
    return [found[number][index] for number, index in columns]


def turn_counter(m: Module, start: Value, turns: int, name: str) -> Value:
    """Return the number of the turn: 0 with ``start`` and while idle, then up to ``turns`` - 1.

    ``start`` must not come again within the turns.
    """
    if turns == 1:
        return Const(0, 1)
    turn = Signal(range(turns), name=name)
    with m.If(start | (turn != 0)):
        m.d.sync += turn.eq(Mux(turn == turns - 1, 0, turn + 1))
    return turn


def delayed(m: Module, value: Value, cycles: int, name: str, *, reset: bool = False) -> Value:
    """Return a value of some cycles before."""
    for cycle in range(cycles):
        later = Signal.like(value, name=f"{name}_{cycle + 1}", reset_less=not reset)
        m.d.sync += later.eq(value)
        value = later
    return value


def registered(m: Module, value: Value, name: str) -> Value:
    """Return a value in a register, or a constant as it is."""
    if isinstance(value, Const):
        return value
    return delayed(m, value, 1, name)
