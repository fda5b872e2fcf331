"""Where the vectors of a program live in C: types, offsets, limits and macro names."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One vector in C.

    ``array`` is what holds it inside the step functions, from offset ``at`` on for inputs and
    outputs; ``low`` and ``high`` are its limits as they stand in a ``#define``.
    """

    vector: Vector
    macro: str
    ctype: str
    array: str
    at: int

    def word(self, index: str) -> str:
        """Return the expression of one word in the step functions."""
        shared = self.vector.role is not Role.STATE and self.at
        return f"{self.array}[{self.macro}_AT + {index}]" if shared else f"{self.array}[{index}]"

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
    def cast(self) -> str:
        """The cast to the C type."""
        return f"({self.ctype})"


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
    def state_bytes(self) -> int:
        """Size of the state structure where int64_t is aligned to 8 bytes."""
        size, largest = 0, 1
        for place in self.with_role(Role.STATE):
            word = type_bits(place.ctype) // 8
            largest = max(largest, word)
            size = -(-size // word) * word + word * place.vector.length
        return -(-size // largest) * largest


def lay_out(program: Program, prefix: str) -> Layout:
    """Return where every vector of ``program`` lives.

    Raises
    ------
    EmitError
        If a name cannot be used in C, or the program has no input, state or output.
    """
    types = {role: _role_type(program, role) for role in Role}
    starts = dict.fromkeys(Role, 0)
    places: dict[str, Place] = {}
    for v in program.vectors:
        if c_ident(v.name) in _RESERVED or v.name.endswith("_t"):
            raise EmitError(f"vector name must not be a word that C or C++ reserves: {v.name!r}")
        macro, at = f"{prefix.upper()}_{v.name.upper()}", starts[v.role]
        if v.role is Role.STATE:
            array, ctype = f"s->{v.name}", signed_type(v.fmt.min, v.fmt.max, narrowest=32)
        else:
            array, ctype = "u" if v.role is Role.INPUT else "y", types[v.role]
        places[v.name] = Place(vector=v, macro=macro, ctype=ctype, array=array, at=at)
        starts[v.role] += v.length
    if len({p.macro for p in places.values()}) < len(places):
        raise EmitError(f"vector names must differ in more than case: {sorted(places)}")
    return Layout(
        places=places,
        in_type=types[Role.INPUT],
        out_type=types[Role.OUTPUT],
        word_type=types[Role.STATE],
    )


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
