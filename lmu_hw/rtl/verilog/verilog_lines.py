"""Lines of Verilog that are not longer than `MAX_LINE`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

MAX_LINE = 100
"""Longest line of generated Verilog [characters]."""
_NAME = re.compile(r"(?<![\w'])[a-zA-Z_]\w*")
_BREAK = re.compile(r'"[^"]*"|(?:,|&&|\|\||[?:+&|=-]|<=) (?=\S)|[(]|[)]|[{]|[}]')


def wrapped(text: str) -> str:
    """Return the text with its long lines of code broken, each at the outermost operators."""
    return "\n".join(part for line in text.splitlines() for part in _broken(line))


def _broken(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines = []
    while len(line) > MAX_LINE:
        place = _place(line)
        if not place:
            break
        lines.append(line[:place].rstrip())
        line = indent + line[place:].lstrip()
    return [*lines, line]


def _place(line: str) -> int:
    """Return where to break a line: after the last operator of least depth, 0 if there is none."""
    start = len(line) - len(line.lstrip())
    found: list[tuple[int, int]] = []
    depth = 0
    for match in _BREAK.finditer(line):
        text = match[0]
        if text in "({":
            depth += 1
        elif text in ")}":
            depth -= 1
        elif not text.startswith('"') and start + 8 < match.end() <= MAX_LINE:
            found.append((depth, match.end()))
    # not so early that most of the line would be empty
    late = [entry for entry in found if entry[1] > MAX_LINE // 2] or found
    least = min((d for d, _ in late), default=0)
    return max((place for d, place in late if d == least), default=0)


def read(values: Mapping[str, str], types: Mapping[str, str], others: list[str]) -> dict[str, str]:
    """Return the values without those of wires that no text reads.

    Parameters
    ----------
    values, types
        As for `continuous`.
    others : list of str
        All other text that may read the wires.
    """
    found: set[str] = set()
    todo = ["\n".join(others), *(text for name, text in values.items() if name not in types)]
    while todo:
        for name in _NAME.findall(todo.pop()):
            if name in types and name not in found:
                found.add(name)
                todo.append(values[name])
    return {name: text for name, text in values.items() if name not in types or name in found}


def continuous(values: Mapping[str, str], types: Mapping[str, str]) -> list[str]:
    """Return continuous assignments, each after those that it depends on.

    Parameters
    ----------
    values : mapping
        Expression of each name that is assigned.
    types : mapping
        Declaration of each name that is declared with its value; the others are ports.
    """
    lines: list[str] = []
    begun: set[str] = set()
    done: set[str] = set()

    def visit(name: str) -> None:
        begun.add(name)
        for other in _NAME.findall(values[name]):
            if other in values and other not in begun:
                visit(other)
            elif other in types and other not in done:
                # its bits depend on bits of this one
                lines.insert(0, f"  {types[other]};")
                early.add(other)
        done.add(name)
        is_declared = name in types and name not in early
        head = types[name] if is_declared else f"assign {name}"
        lines.append(f"  {head} ={_on_one_line(values[name], len(head) + 5)};")

    early: set[str] = set()
    for name in values:
        if name not in begun:
            visit(name)
    return lines


def _on_one_line(value: str, taken: int) -> str:
    """Return a value after an equals sign: a single choice on its line, others on the next ones."""
    joined = " ".join(line.strip() for line in value.splitlines())
    if value.count("?") <= 1 and taken + len(joined) < MAX_LINE:
        return f" {joined}"
    return f"{chr(10)}    {value}" if "\n" in value else f" {value}"


def comment(text: str, indent: int = 0) -> str:
    """Return a paragraph, or an entry of a list, as comment lines.

    Examples
    --------
    >>> comment("Shifts right.", 2)
    '  // Shifts right.'
    """
    head = " " * indent + "// "
    hanging = "  " if text.startswith("- ") else ""
    return textwrap.fill(
        text,
        MAX_LINE,
        initial_indent=head,
        subsequent_indent=head + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def wrapped_comments(text: str) -> str:
    """Return comment lines with the long ones broken, continued under the text of the line."""
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) <= MAX_LINE:
            lines.append(line)
            continue
        space = len(line) - len(line.removeprefix("//").lstrip())
        lines += textwrap.wrap(
            line.removeprefix("//").strip(),
            MAX_LINE,
            initial_indent="//" + " " * (space - 2),
            subsequent_indent="//" + " " * space,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
