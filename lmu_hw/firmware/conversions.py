"""Constants of the conversions between values in the units of sensors and words.

A word w in format Qi.f stands for ``value = scale * w / 2**f + offset``, with the scale and the
offset of its channel. The conversion of floating-point values computes in ``float`` or ``double``.
That of integers computes in 64 bits, with a factor of 31 bits; a vector whose factor is larger (an
integer step of 2**31 words, or a word of 2**31 integer steps) has no conversion of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

from .._support.channel import Channel
from .._support.tables import columns
from .._support.templates import c_int, c_statement
from ..program.integer_program import Role
from .layout import Place

FLOAT_BITS = 24
"""Widest word that a ``float`` holds exactly."""
LARGEST = Fraction(1e37)
"""Magnitude up to which a ``float`` holds a number and its inverse to 24 bits."""
FACTOR, ADDEND, SHIFT = 1 << 31, 1 << 61, 62
"""Limits of the integers: products and sums stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """``(factor * x + addend) / 2**shift``, in integers."""

    factor: int
    addend: int
    shift: int

    @classmethod
    @cache
    def of(cls, factor: Fraction, addend: Fraction) -> Scaling | None:
        """Return the closest integers with the smallest shift that is as close; None: too large."""
        for shift in range(SHIFT, -1, -1):
            whole, rest = round(factor * 2**shift), round(addend * 2**shift)
            if abs(whole) < FACTOR and abs(rest) < ADDEND:
                while shift and whole % 2 == rest % 2 == 0:
                    whole, rest, shift = whole // 2, rest // 2, shift - 1
                return cls(whole, rest, shift)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The conversions of one vector.

    Attributes
    ----------
    place : Place
    channels : tuple of Channel
        One for each word, or one for all.
    """

    place: Place
    channels: tuple[Channel, ...]

    @property
    def is_input(self) -> bool:
        """Whether the vector is an input."""
        return self.place.vector.role is Role.INPUT

    @property
    def bits(self) -> int:
        """Width of the arithmetic [bits]: 32 or 64."""
        return 32 if self.place.vector.fmt.width <= 32 and self.place.caller_bits <= 32 else 64

    @property
    def integers(self) -> bool:
        """Whether values can be integers: words fit 32 bits, and the constants their limits."""
        scalings = (x for c in set(self.channels) for x in self._scalings(c))
        return self.bits == 32 and None not in scalings

    @property
    def real(self) -> str:
        """C type of values: ``float`` where it holds every word, and all constants to 24 bits."""
        constants = (x for c in set(self.channels) for x in (self._lsb(c), 1 / self._lsb(c)))
        fits = all(abs(x) < LARGEST for x in constants)
        return "float" if fits and self.place.vector.fmt.width <= FLOAT_BITS else "double"

    @property
    def uniform(self) -> bool:
        """Whether all words have one scale and offset."""
        return len({(c.scale, c.offset) for c in self.channels}) == 1

    @property
    def index(self) -> str:
        """The parameter that selects the word; none where there is a single one."""
        return "size_t i, " if self.indexed else ""

    @property
    def indexed(self) -> bool:
        """Whether the vector has several words."""
        return self.place.vector.length > 1

    @property
    def scale(self) -> str:
        """Scale of all words."""
        return _macro(_real(self.channels[0].scale, "double"))

    @property
    def offset(self) -> str:
        """Offset of all words."""
        return _macro(_real(self.channels[0].offset, "double"))

    @property
    def named(self) -> list[tuple[str, str]]:
        """Macro and text of what the header states of each channel with a name."""
        found = []
        for i, c in enumerate(self.channels):
            if c.name:
                macro, name = self.place.macro, c.name.upper()
                found.append((f"{macro}_CH_{name}", str(i)))
                if not self.uniform:
                    found.append((f"{macro}_SCALE_OF_{name}", _macro(_real(c.scale, "double"))))
                    found.append((f"{macro}_OFFSET_OF_{name}", _macro(_real(c.offset, "double"))))
        return found

    @property
    def unit_text(self) -> str:
        """Unit of values for a comment; empty if the channels have several, or none."""
        units = {c.unit for c in self.channels}
        if len(units) > 1:
            return ", in the unit of its channel"
        unit = units.pop()
        return f" [{unit}]" if unit else ""

    @property
    def rows(self) -> list[str]:
        """Table of the channels, for a comment."""
        if self.uniform and not any(c.name or c.unit for c in self.channels):
            return []
        rows = [("word", "name", "unit", "scale", "offset")]
        rows += [
            (str(i), c.name or "-", c.unit or "-", f"{c.scale:.9g}", f"{c.offset:.9g}")
            for i, c in enumerate(self.channels)
        ]
        return columns(rows, n_left=3)

    def use(self, constant: str) -> str:
        """Return a constant of word ``i`` as a C expression."""
        return _macro(self._texts(constant)[0]) if self.uniform else f"{constant}[i]"

    def less_offset(self, value: str) -> str:
        """Return ``value`` without the offset as a C expression."""
        return value if self._centred else f"({value} - {self.use('offset')})"

    @property
    def plus_offset(self) -> str:
        """The end of a C expression that adds the offset."""
        return "" if self._centred else f" + {self.use('offset')}"

    def arrays(self, *constants: str) -> str:
        """Return the declarations of constants that differ from word to word."""
        if self.uniform:
            return "    (void)i; /* all words have one scale */\n" if self.indexed else ""
        lines = [
            c_statement(
                f"static const {self._ctype(name)} {name}[] = {{{', '.join(self._texts(name))}}};",
                4,
            )
            for name in constants
            if name != "offset" or not self._centred
        ]
        return "".join(f"{line}\n" for line in (*lines, ""))

    @property
    def _centred(self) -> bool:
        """Whether no channel has an offset."""
        return not any(c.offset for c in self.channels)

    def _texts(self, constant: str) -> list[str]:
        chosen = self.channels[:1] if self.uniform else self.channels
        return [self._constants(c)[constant] for c in chosen]

    def _ctype(self, constant: str) -> str:
        if "factor" in constant:
            return "int32_t"
        if "addend" in constant:
            return "int64_t"
        return "uint8_t" if "shift" in constant else self.real

    def _constants(self, c: Channel) -> dict[str, str]:
        """Return the texts of the constants of a channel."""
        lsb = self._lsb(c)
        constants = {
            "offset": _real(c.offset, self.real),
            "words_per_unit": _real(1 / lsb, self.real),
            "units_per_word": _real(lsb, self.real),
        }
        for name, x in zip(("to", "from"), self._scalings(c), strict=True):
            if x is not None:
                constants[f"{name}_factor"] = c_int(x.factor)
                constants[f"{name}_addend"] = c_int(x.addend)
                constants[f"{name}_shift"] = str(x.shift)
        return constants

    def _scalings(self, c: Channel) -> tuple[Scaling | None, Scaling | None]:
        """Return how a channel's integer values become words, and words values."""
        lsb, offset = self._lsb(c), Fraction(c.offset)
        return Scaling.of(1 / lsb, -offset / lsb), Scaling.of(lsb, offset)

    def _lsb(self, c: Channel) -> Fraction:
        """Return the value of a word of 1, without the offset."""
        return Fraction(c.scale) / Fraction(2) ** self.place.vector.fmt.frac_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedInput:
    """An input word with a name, for the C++ class."""

    name: str
    vector: str
    index: int
    unit: str
    real: str
    integers: bool
    function: str
    place: str

    @property
    def parameter(self) -> str:
        """Declaration of the parameter of this input."""
        return f"channel::{self.name} in_{self.name}"

    @property
    def word(self) -> str:
        """The word in this parameter."""
        return f"in_{self.name}.Word"

    def call(self, conversion: str) -> str:
        """Return the start of the call of a conversion, up to the value."""
        return f"{self.function}{conversion}({self.place}"


MAX_NAMED = 16
"""Most inputs that a function of the C++ class takes by name."""


def named_inputs(found: Sequence[Conversion], prefix: str) -> list[TypedInput]:
    """Return the words of the inputs; none unless all have names, different ones, and are few."""
    inputs = [c for c in found if c.is_input]
    names = [channel.name for c in inputs for channel in c.channels]
    if len(names) > MAX_NAMED or len(set(names)) < len(names) or "" in names:
        return []
    return [
        TypedInput(
            name=channel.name,
            vector=c.place.vector.name,
            index=i,
            unit=channel.unit,
            real=c.real,
            integers=c.integers,
            function=f"{prefix}_{c.place.vector.name}",
            place=f"{c.place.macro}_CH_{channel.name.upper()}, " if c.indexed else "",
        )
        for c in inputs
        for i, channel in enumerate(c.channels)
    ]


def conversions(places: Sequence[Place]) -> list[Conversion]:
    """Return the conversions of inputs and outputs; without channels, values are the model's."""
    return [Conversion(place=p, channels=p.vector.channels or (Channel(),)) for p in places]


def _real(x: Fraction | float, ctype: str) -> str:
    """Return the shortest text of a C constant that gives back the nearest float or double."""
    number = np.float32(float(x)) if ctype == "float" else np.float64(float(x))
    text = (
        np.format_float_scientific(number, trim="-")
        if number and not 1e-4 <= abs(number) < 1e9
        else np.format_float_positional(number, trim="0")
    )
    if not set(text) & set(".e"):
        text += ".0"
    return text + ("f" if ctype == "float" else "")


def _macro(text: str) -> str:
    return f"({text})" if text.startswith("-") else text
