"""Jinja2 set-up for generated text: templates lay out, Python computes.

The templates live in `rtl_templates/` and the benches in `sim/`, at the top of the checkout; a
wheel carries copies of both inside the package, which win when they exist.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2

from ..errors import EmitError

_PACKAGE = Path(__file__).parent.parent
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@cache
def environment() -> jinja2.Environment:
    """Return the environment that every generated file is rendered with.

    An undefined name in a template is an error, and no text is escaped: nothing here is HTML.
    """
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_folder("_rtl_templates", "rtl_templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    env.filters |= {
        "c_int": c_int,
        "c_lines": c_lines,
        "c_statement": c_statement,
        "hex_word": hex_word,
        "c_ident": c_ident,
    }
    return env


def sim_dir() -> Path:
    """Return the folder that holds the cocotb benches."""
    return _folder("_sim", "sim")


def c_int(value: int) -> str:
    """Return an integer as a C constant of its own, for any int64 value.

    Examples
    --------
    >>> c_int(-5), c_int(2**31), c_int(-(2**31))
    ('-5', 'INT64_C(2147483648)', '(-2147483647 - 1)')
    """
    if not -(1 << 63) <= value < 1 << 63:
        raise EmitError(f"C constant must fit 64 bits, not {value!r}")
    if value == -(1 << 63):
        return "(-INT64_C(9223372036854775807) - 1)"
    if value == -(1 << 31):
        return "(-2147483647 - 1)"
    return str(value) if -(1 << 31) < value < 1 << 31 else f"INT64_C({value})"


LINE = 96
"""Longest line of constants."""


def c_lines(values: Sequence[int], digits: int) -> list[str]:
    """Return integers as C constants of at least ``digits`` characters, up to eight a line.

    Examples
    --------
    >>> c_lines((1, -20, 3), 3)
    ['  1, -20,   3']
    """
    constants = [c_int(value).rjust(digits) for value in values]
    longest = max(map(len, constants), default=0) + len(", ")
    # fewer in a line where eight would be too long to read
    n = next(n for n in (8, 4, 2, 1) if n == 1 or n * longest < LINE)
    return [", ".join(constants[start : start + n]) for start in range(0, len(constants), n)]


def c_statement(text: str, indent: int) -> str:
    """Return a C statement indented by ``indent`` columns, on more than one line if it is long.

    Examples
    --------
    >>> len(c_statement("y = f(" + "a, " * 40 + "b);", 4).splitlines())
    2
    """
    return "\n".join(
        textwrap.wrap(
            text,
            LINE - 4,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def hex_word(value: int, width: int) -> str:
    """Return a word of ``width`` bits in two's complement hex, all digits, as $readmemh reads it.

    Examples
    --------
    >>> hex_word(-1, 10), hex_word(5, 16)
    ('3ff', '0005')
    """
    if not -(1 << (width - 1)) <= value < 1 << width:
        raise EmitError(f"word must fit {width} bits, not {value!r}")
    return f"{value & ((1 << width) - 1):0{(width + 3) // 4}x}"


def c_ident(name: str) -> str:
    """Return ``name`` unchanged if C and Verilog take it as an identifier.

    Raises
    ------
    EmitError
        If it is no identifier.
    """
    if not _IDENTIFIER.match(name):
        raise EmitError(f"name must be an identifier (letters, digits, _), not {name!r}")
    return name


def _folder(packaged: str, checkout: str) -> Path:
    build_dir = _PACKAGE / packaged
    return build_dir if build_dir.is_dir() else _PACKAGE.parent / checkout
