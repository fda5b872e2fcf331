"""Jinja2 environment for generated text: templates do the layout, Python the computation.

The templates are in `rtl_templates/` and the benches in `sim/`, at the top of the checkout. A wheel
contains copies inside the package, which take precedence.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from ..errors import EmitError

_PACKAGE = Path(__file__).parent.parent
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@cache
def environment() -> jinja2.Environment:
    """Return the environment that renders every generated file.

    An undefined name in a template is an error. Text is not escaped; see `page_environment`.
    """
    env = _environment(escape=False)
    env.filters |= {
        "c_int": c_int,
        "c_lines": c_lines,
        "c_statement": c_statement,
        "hex_word": hex_word,
        "c_ident": c_ident,
    }
    return env


@cache
def page_environment() -> jinja2.Environment:
    """Return the environment that renders HTML pages: text is escaped.

    The filter ``inline_code`` sets words between backticks as code.
    ``shipped(name)`` in a template is the text of another file, such as a style sheet, as it is.
    """
    env = _environment(escape=True)
    env.filters["inline_code"] = inline_code
    env.globals["shipped"] = lambda name: Markup(_source(env, name))
    return env


def _source(env: jinja2.Environment, name: str) -> str:
    assert env.loader is not None
    return env.loader.get_source(env, name)[0]


def _environment(*, escape: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_shipped_dir("_rtl_templates", "rtl_templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=escape,
    )


def inline_code(text: str) -> Markup:
    """Return a text as HTML, with words between backticks set as code.

    Examples
    --------
    >>> str(inline_code("run `a<b` now"))
    'run <code>a&lt;b</code> now'
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:
        # a backtick without a partner is a character
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if k % 2 else escape(part)
        for k, part in enumerate(parts)
    )


def sim_dir() -> Path:
    """Return the directory of the cocotb benches."""
    return _shipped_dir("_sim", "sim")


def c_int(value: int) -> str:
    """Return an int64 value as a C constant expression.

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


MAX_LINE = 96
"""Longest line of generated C [characters]."""


def c_lines(values: Sequence[int], digits: int, *, unsigned: bool = False) -> list[str]:
    """Return lines of up to eight C constants, each padded to at least ``digits`` characters.

    Those of an unsigned type of 32 bits have a suffix.

    Examples
    --------
    >>> c_lines((1, -20, 3), 3), c_lines((1, 2**31), 1, unsigned=True)
    (['  1, -20,   3'], ['1u, 2147483648u'])
    """
    constants = [(f"{value}u" if unsigned else c_int(value)).rjust(digits) for value in values]
    longest = max(map(len, constants), default=0) + len(", ")
    # fewer on a line if eight would exceed MAX_LINE
    n = next(n for n in (8, 4, 2, 1) if n == 1 or n * longest < MAX_LINE)
    return [", ".join(constants[start : start + n]) for start in range(0, len(constants), n)]


def c_statement(text: str, indent: int) -> str:
    """Return a C statement indented by ``indent`` columns, wrapped if it is long.

    Examples
    --------
    >>> len(c_statement("y = f(" + "a, " * 40 + "b);", 4).splitlines())
    2
    """
    return "\n".join(
        textwrap.wrap(
            text,
            MAX_LINE - 4,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def hex_word(value: int, width: int) -> str:
    """Return a word in two's complement hex with leading zeros, for $readmemh.

    Examples
    --------
    >>> hex_word(-1, 10), hex_word(5, 16)
    ('3ff', '0005')
    """
    if not -(1 << (width - 1)) <= value < 1 << width:
        raise EmitError(f"word must fit {width} bits, not {value!r}")
    return f"{value & ((1 << width) - 1):0{(width + 3) // 4}x}"


def c_ident(name: str) -> str:
    """Return ``name`` unchanged if it is a valid identifier in C and Verilog.

    Raises
    ------
    EmitError
        If it is not.
    """
    if not _IDENTIFIER.match(name):
        raise EmitError(f"name must be an identifier (letters, digits, _), not {name!r}")
    return name


def _shipped_dir(packaged: str, checkout: str) -> Path:
    installed = _PACKAGE / packaged
    return installed if installed.is_dir() else _PACKAGE.parent / checkout
