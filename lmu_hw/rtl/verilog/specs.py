"""Operations on signal specifications: slice, join, extend, evaluate."""

from __future__ import annotations

from .rtlil import Bits, Const, Spec


def wire_of(spec: Spec) -> str:
    """Return the wire of a one-chunk specification."""
    chunk = spec[0]
    assert isinstance(chunk, Bits)
    return chunk.wire


def width_of(spec: Spec) -> int:
    """Return the width of a specification [bits]."""
    return sum(chunk.width for chunk in spec)


def constant(spec: Spec) -> int | None:
    """Return the unsigned value of a constant specification; None if it is not constant."""
    value = position = 0
    for chunk in spec:
        if isinstance(chunk, Bits):
            return None
        value |= chunk.value << position
        position += chunk.width
    return value


def number(spec: Spec, signed: bool) -> int:
    """Return the value of a constant specification."""
    value = constant(spec)
    assert value is not None
    negative = signed and spec and value >> (width_of(spec) - 1)
    return value - (1 << width_of(spec)) if negative else value


def cut(spec: Spec, low: int, width: int) -> Spec:
    """Return a slice: ``width`` bits from bit ``low``."""
    if low == 0 and len(spec) == 1 and spec[0].width == width:
        return spec
    found: list[Const | Bits] = []
    for chunk in spec:
        start, end = max(0, low), min(chunk.width, low + width)
        if start < end:
            if isinstance(chunk, Const):
                found.append(Const(chunk.value >> start & ((1 << (end - start)) - 1), end - start))
            else:
                found.append(Bits(chunk.wire, chunk.low + start, end - start))
        low -= chunk.width
    return tuple(found)


def joined(chunks: list[Const | Bits]) -> Spec:
    """Return the chunks with adjacent ones merged."""
    found: list[Const | Bits] = []
    for chunk in chunks:
        last = found[-1] if found else None
        if isinstance(last, Const) and isinstance(chunk, Const):
            found[-1] = Const(last.value | chunk.value << last.width, last.width + chunk.width)
        elif (
            isinstance(last, Bits)
            and isinstance(chunk, Bits)
            and last.wire == chunk.wire
            and last.low + last.width == chunk.low
        ):
            found[-1] = Bits(last.wire, last.low, last.width + chunk.width)
        elif chunk.width:
            found.append(chunk)
    return tuple(found)


def extended(spec: Spec, signed: bool, width: int) -> Spec:
    """Return the bits extended or truncated to ``width``."""
    missing = width - width_of(spec)
    if missing <= 0:
        return joined(list(cut(spec, 0, width)))
    if not signed or not spec:
        return joined([*spec, Const(0, missing)])
    top = cut(spec, width_of(spec) - 1, 1)
    chunks = list(spec)
    for _ in range(missing):
        chunks += top
    return joined(chunks)


def unextended(spec: Spec) -> Spec:
    """Return ``spec`` without redundant sign bits at the top."""
    while len(spec) > 1 and isinstance(spec[-1], Bits) and spec[-1].width == 1:
        top, below = spec[-1], spec[-2]
        if isinstance(below, Bits) and (below.wire, below.low + below.width - 1) == (
            top.wire,
            top.low,
        ):
            spec = spec[:-1]
        else:
            break
    return spec


def trimmed(spec: Spec) -> Spec:
    """Return ``spec`` without constant zeros at the top."""
    return (
        spec[:-1] if len(spec) > 1 and isinstance(spec[-1], Const) and not spec[-1].value else spec
    )
