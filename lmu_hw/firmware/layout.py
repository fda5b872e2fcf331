"""Where the vectors of a program live in C: types, offsets, limits and macro names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import EmitError
from ..program import Program, Role, Vector
from ..templates import c_ident, c_int
from .words import signed_type, type_bits

_KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const
constexpr const_cast continue decltype default delete do double dynamic_cast else enum explicit
export extern false float for friend goto if inline int long mutable namespace new noexcept not
not_eq nullptr operator or or_eq private protected public register reinterpret_cast restrict return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw
true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
_RESERVED = frozenset(_KEYWORDS.split())
_TYPE = re.compile(r"(u?int\w*|size|ptrdiff|wchar|nullptr|max_align)_t")
NARROWEST = 16
"""Narrowest word of a state or inside a step [bits]; narrower ones cost more code than memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One vector in C.

    ``array`` is what holds it inside the step functions, from offset ``at`` on where ``shared``
    with other vectors; ``low`` and ``high`` are its limits as they stand in a ``#define``.
    """

    vector: Vector
    macro: str
    ctype: str
    array: str
    at: int
    shared: bool

    def word(self, index: str) -> str:
        """Return the expression of one word in the step functions."""
        return f"{self.array}[{self._at(index)}]"

    def part(self, length: int, channel: str) -> str:
        """Return the pointer to the ``length`` words of a channel in the step functions."""
        index = channel if length == 1 or channel == "0" else f"{channel} * {length}"
        first = self._at(index)
        return self.array if first == "0" else f"{self.array} + {first}"

    def _at(self, index: str) -> str:
        """Return an index of this vector as one of the array."""
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
    def sum_bits(self) -> int:
        """Narrowest arithmetic for its words, 32 or 64: its type may be that of wider vectors."""
        return max(self.bits, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All vectors of a program in C."""

    places: dict[str, Place]
    in_type: str
    out_type: str
    word_type: str

    def with_role(self, role: Role) -> list[Place]:
        """Return the places of one role, in the order of the program."""
        return [p for p in self.places.values() if p.vector.role is role]

    @property
    def work(self) -> list[Place]:
        """Places of the words that live for one step."""
        return [p for p in self.places.values() if p.array.startswith("work->")]

    @property
    def kept(self) -> list[Place]:
        """Outputs among them: those that are written in every step but not handed out."""
        return [p for p in self.work if p.vector.role is Role.OUTPUT]

    @property
    def state_bytes(self) -> int:
        """Size of the state structure where int64_t is aligned to 8 bytes."""
        return _struct_bytes(self.with_role(Role.STATE))

    @property
    def work_bytes(self) -> int:
        """Size of the structure of the words that live for one step."""
        return _struct_bytes(self.work)


def lay_out(program: Program, prefix: str) -> Layout:
    """Return where every vector of ``program`` lives.

    Raises
    ------
    EmitError
        If a name cannot be used in C, or the program has no input, state or output.
    """
    types = {role: _role_type(program, role) for role in (Role.INPUT, Role.STATE, Role.OUTPUT)}
    kept = _kept_outputs(program)
    starts = dict.fromkeys(Role, 0)
    places: dict[str, Place] = {}
    for v in program.vectors:
        if c_ident(v.name) in _RESERVED or _TYPE.fullmatch(v.name):
            raise EmitError(f"vector name must not be a word that C or C++ reserves: {v.name!r}")
        shared, narrow = False, signed_type(v.fmt.min, v.fmt.max, narrowest=NARROWEST)
        if v.role is Role.STATE:
            array, ctype = f"s->{v.name}", narrow
        elif v.role is Role.INTERNAL:
            array, ctype = f"work->{v.name}", narrow
        elif v.name in kept:
            array, ctype = f"work->{v.name}", types[v.role]
        else:
            array, ctype, shared = "u" if v.role is Role.INPUT else "y", types[v.role], True
        places[v.name] = Place(
            vector=v,
            macro=f"{prefix.upper()}_{v.name.upper()}",
            ctype=ctype,
            array=array,
            at=starts[v.role],
            shared=shared,
        )
        starts[v.role] += v.length
    if len({p.macro for p in places.values()}) < len(places):
        raise EmitError(f"vector names must differ in more than case: {sorted(places)}")
    return Layout(
        places=places,
        in_type=types[Role.INPUT],
        out_type=types[Role.OUTPUT],
        word_type=types[Role.STATE],
    )


def _kept_outputs(program: Program) -> set[str]:
    """Return the outputs that operations write in steps in which no output is due."""
    if program.output_every == 1:
        return set()
    written = {
        name
        for op, lazy in zip(program.ops, program.lazy, strict=True)
        if not lazy
        for name in op.writes
    }
    return {v.name for v in program.with_role(Role.OUTPUT)} & written


def _struct_bytes(places: list[Place]) -> int:
    size, largest = 0, 1
    for place in places:
        word = place.bits // 8
        largest = max(largest, word)
        size = -(-size // word) * word + word * place.vector.length
    return -(-size // largest) * largest


def macro_int(value: int) -> str:
    """Return an integer that is safe to substitute anywhere.

    Examples
    --------
    >>> macro_int(-5), macro_int(5)
    ('(-5)', '5')
    """
    text = c_int(value)
    return f"({text})" if text.startswith("-") else text


def _role_type(program: Program, role: Role) -> str:
    """Return the one type that holds every word of a role."""
    fmts = [v.fmt for v in program.with_role(role)]
    if not fmts:
        raise EmitError(f"C needs a program with at least one {role.value} vector")
    narrowest = 32 if role is Role.STATE else 8
    return signed_type(min(f.min for f in fmts), max(f.max for f in fmts), narrowest)
