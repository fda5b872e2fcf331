"""Vectors of a program in C: types, arrays, offsets, limits and macro names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._support.identifiers import C_WORDS
from .._support.templates import c_ident, c_int
from ..errors import EmitError
from ..program.integer_program import (
    Argmax,
    Linear,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
    Vector,
)
from ..program.saved_state import HEADER_BYTES, word_bytes
from .c_expressions import Expression, stored, word
from .c_types import signed_type, type_bits
from .kernels import guarded, limited

_TYPE = re.compile(r"(u?int\w*|size|ptrdiff|wchar|nullptr|max_align)_t")
NARROWEST = 16
"""Narrowest word of a state or of a step [bits]; narrower ones cost more code than they save."""

BYTE = 8
"""Narrowest word of a vector that only rows of weights read: they have kernels for bytes [bits]."""

ALIGNMENT = 4
"""Alignment of vectors that kernels read two words at a time [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One vector in C.

    ``array`` holds it inside the step functions, from offset ``at`` on if it is ``shared`` with
    other vectors; ``low`` and ``high`` are its limits for a ``#define``. An ``aligned`` array
    starts at a multiple of four bytes, for kernels that read two words at once. The words of
    ``in_bytes`` have 8 bits and kernels of their own, which read them from any address on.
    ``caller_bits`` is the width of the word type in the caller's array. A saved state holds a state
    vector from byte ``saved_at`` on.
    """

    vector: Vector
    macro: str
    ctype: str
    array: str
    at: int
    shared: bool
    aligned: bool
    in_bytes: bool
    caller_bits: int
    saved_at: int

    def word(self, index: str) -> str:
        """Return the text of one word in the step functions."""
        return f"{self.array}[{self._at(index)}]"

    def part(self, length: int, channel: str) -> str:
        """Return a pointer to the ``length`` words of a channel in the step functions."""
        index = channel if length == 1 or channel == "0" else f"{channel} * {length}"
        first = self._at(index)
        return self.array if first == "0" else f"{self.array} + {first}"

    def is_aligned(self, whole: int, n_channels: int) -> bool:
        """Return whether the ``whole`` words of every channel may be read two at a time."""
        return whole < 2 or (self.aligned and (n_channels == 1 or whole % 2 == 0))

    def taken(self, index: str) -> str:
        """Return the text of an input word, saturated to its format."""
        any_word = -(1 << self.caller_bits - 1), (1 << self.caller_bits - 1) - 1
        return self.stored(
            word(f"u[{self.macro}_AT + {index}]", f"int{self.caller_bits}_t", any_word)
        )

    def _at(self, index: str) -> str:
        """Return an index of this vector as an index of the array."""
        if not (self.shared and self.at):
            return index
        return f"{self.macro}_AT" if index == "0" else f"{self.macro}_AT + {index}"

    @property
    def low(self) -> str:
        """Smallest word, as a constant expression."""
        return macro_int(self.vector.fmt.min)

    @property
    def high(self) -> str:
        """Largest word, as a constant expression."""
        return macro_int(self.vector.fmt.max)

    @property
    def frac_bits(self) -> str:
        """Fractional bits, as a constant expression."""
        return macro_int(self.vector.fmt.frac_bits)

    @property
    def bits(self) -> int:
        """Width of the C type."""
        return type_bits(self.ctype)

    @property
    def word_bytes(self) -> int:
        """Bytes of a word in a saved state."""
        return word_bytes(self.vector)

    def expression(self, index: str) -> Expression:
        """Return one word in the step functions as an expression with the range of its format."""
        fmt = self.vector.fmt
        return word(self.word(index), self.ctype, (fmt.min, fmt.max))

    def stored(self, x: Expression) -> str:
        """Return the text of ``x`` as a word of this vector, saturated and cast."""
        x = limited(x, self.vector.fmt, f"{self.macro}_MIN", f"{self.macro}_MAX")
        return stored(x, self.ctype)

    def kept(self, x: Expression) -> str:
        """Return the text of ``x`` as a word of a memory, saturated and cast."""
        x = guarded(x, self.vector.fmt, f"{self.macro}_MIN", f"{self.macro}_MAX")
        return stored(x, self.ctype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All vectors of a program in C."""

    places: dict[str, Place]
    in_type: str
    out_type: str

    def with_role(self, role: Role) -> list[Place]:
        """Return the places of one role, in the order of the program."""
        return [p for p in self.places.values() if p.vector.role is role]

    @property
    def work(self) -> list[Place]:
        """Places of the vectors that exist for one step."""
        return [p for p in self.places.values() if p.array.startswith("work->")]

    @property
    def kept(self) -> list[Place]:
        """Outputs in `work`, which a step with an output copies to the caller at its end."""
        return [p for p in self.work if p.vector.role is Role.OUTPUT]

    @property
    def taken(self) -> list[Place]:
        """Inputs in `work`, which a step copies from the caller at its start."""
        return [p for p in self.work if p.vector.role is Role.INPUT]

    @property
    def state_bytes(self) -> int:
        """Size of the state structure if int64_t is aligned to 8 bytes [bytes]."""
        return _struct_bytes(self.with_role(Role.STATE))

    @property
    def work_bytes(self) -> int:
        """Size of the structure of the vectors that exist for one step [bytes]."""
        return _struct_bytes(self.work)


def lay_out(program: Program, prefix: str) -> Layout:
    """Return the layout of all vectors of ``program``.

    Raises
    ------
    EmitError
        If a name cannot be used in C, or the program has no input, state or output.
    """
    types = {role: _role_type(program, role) for role in (Role.INPUT, Role.OUTPUT)}
    if not program.with_role(Role.STATE):
        raise EmitError("C needs a program with at least one state vector")
    pairs, kept = _read_in_pairs(program), _kept_outputs(program)
    narrow = pairs & _words_of_8_bits(program)
    read = {name for op in program.ops for name in op.reads}
    unsigned = _generators(program)
    starts, saved_at = dict.fromkeys(Role, 0), HEADER_BYTES
    places: dict[str, Place] = {}
    for v in program.vectors:
        if c_ident(v.name) in C_WORDS or _TYPE.fullmatch(v.name):
            raise EmitError(f"vector name must not be a reserved word of C or C++, not {v.name!r}")
        least = BYTE if v.name in narrow else NARROWEST
        own = signed_type(v.fmt.min, v.fmt.max, narrowest=least)
        own = "uint32_t" if v.name in unsigned else own
        aligned = v.name in pairs and type_bits(own) <= NARROWEST
        shared, array, ctype = False, f"work->{v.name}", own
        if v.role is Role.STATE:
            array = f"s->{v.name}"
        elif v.role is Role.INPUT and (
            v.name not in read or ((not aligned or v.name in narrow) and _fills(v, types[v.role]))
        ):
            array, ctype, shared = "u", types[v.role], True
        elif v.role is Role.OUTPUT and not aligned and v.name not in kept:
            array, ctype, shared = "y", types[v.role], True
        places[v.name] = Place(
            vector=v,
            macro=f"{prefix.upper()}_{v.name.upper()}",
            ctype=ctype,
            array=array,
            at=starts[v.role],
            shared=shared,
            aligned=aligned,
            in_bytes=v.name in narrow and type_bits(ctype) == BYTE,
            caller_bits=type_bits(types.get(v.role, own)),
            saved_at=saved_at,
        )
        starts[v.role] += v.length
        saved_at += v.length * word_bytes(v) * (v.role is Role.STATE)
    if len({p.macro for p in places.values()}) < len(places):
        raise EmitError(f"vector names must differ in more than case: {sorted(places)}")
    return Layout(
        places=places,
        in_type=types[Role.INPUT],
        out_type=types[Role.OUTPUT],
    )


def _read_in_pairs(program: Program) -> set[str]:
    """Return the vectors that the kernels may read two words at a time."""
    return {
        source
        for op in program.ops
        if isinstance(op, Linear)
        for source, width in zip(op.sources, op.widths(program.vector), strict=True)
        if width > 1
    }


def _words_of_8_bits(program: Program) -> set[str]:
    """Return the vectors of signed words of up to 8 bits, without those of memories."""
    plain = Linear, Pointwise, Scale, Argmax
    others = {
        name for op in program.ops if not isinstance(op, plain) for name in (*op.reads, *op.writes)
    }
    return {v.name for v in program.vectors if v.fmt.signed and v.fmt.width <= BYTE} - others


def _generators(program: Program) -> set[str]:
    """Return the random number generators; kernels that read any vector take signed words."""
    used = [name for op in program.ops for name in {*op.reads, *op.writes}]
    found = {op.generators for op in program.ops if isinstance(op, Spiking) and op.generators}
    return {name for name in found if used.count(name) == 1}


def _fills(v: Vector, ctype: str) -> bool:
    """Return whether the vector's format has every value of a signed type."""
    return v.fmt.signed and v.fmt.width == type_bits(ctype)


def _kept_outputs(program: Program) -> set[str]:
    """Return the outputs that operations write also in steps without an output."""
    written = {
        name
        for op, skipped in zip(program.ops, program.only_for_output, strict=True)
        if not skipped
        for name in op.writes
    }
    return {v.name for v in program.with_role(Role.OUTPUT)} & written


def _struct_bytes(places: list[Place]) -> int:
    size, largest = 0, 1
    for place in places:
        word_bytes = place.bits // 8
        boundary = max(word_bytes, ALIGNMENT) if place.aligned else word_bytes
        largest = max(largest, boundary)
        size = -(-size // boundary) * boundary + word_bytes * place.vector.length
    return -(-size // largest) * largest


def macro_int(value: int) -> str:
    """Return the text of an integer that is safe in any macro expansion.

    Examples
    --------
    >>> macro_int(-5), macro_int(5)
    ('(-5)', '5')
    """
    text = c_int(value)
    return f"({text})" if text.startswith("-") else text


def _role_type(program: Program, role: Role) -> str:
    """Return the smallest type that holds every word of a role."""
    fmts = [v.fmt for v in program.with_role(role)]
    if not fmts:
        raise EmitError(f"C needs a program with at least one {role.value} vector")
    return signed_type(min(f.min for f in fmts), max(f.max for f in fmts))
