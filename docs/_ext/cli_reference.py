"""The directive ``cli-reference``: every command of lmu-hw, from the parsers themselves."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from lmu_hw.cli.command_line import parser

WIDTH = 92
"""Columns of a usage line."""


def literal(text: str) -> str:
    """Return a text as reStructuredText shows it, character for character."""
    return f"``{text}``"


def names(action: argparse.Action) -> str:
    """Return an argument as a user types it: ``-o, --out DIR``."""
    if not action.option_strings:
        return str(action.metavar or action.dest)
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(action.option_strings) + value


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return "{" + ",".join(str(choice) for choice in action.choices) + "}"
    return str(action.metavar or action.dest.upper())


def arguments(command: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines of a definition list of each group of arguments."""
    for group in command._action_groups:
        actions = [a for a in group._group_actions if a.help is not argparse.SUPPRESS]
        if not actions:
            continue
        yield from (f"*{group.title}*", "")
        for action in actions:
            text = (action.help or "") % {"prog": command.prog, **vars(action)}
            yield from (f"  {literal(names(action))}", f"    {escape(text)}", "")


def escape(text: str) -> str:
    """Return plain text without the characters that reStructuredText would read."""
    return "".join("\\" + c if c in "\\*`|_" else c for c in text)


def block(language: str, text: str) -> Iterator[str]:
    """Yield the lines of a code block."""
    yield from (f".. code-block:: {language}", "", *textwrap.indent(text, "   ").splitlines(), "")


def describe(command: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the page of a command: what it does, its usage, arguments and examples."""
    yield from (escape(command.description or ""), "")
    yield from block("text", command.format_usage().strip())
    yield from arguments(command)
    if command.epilog:
        examples, _, notes = command.epilog.removeprefix("examples:\n").partition("\n\n")
        yield from block("text", textwrap.dedent(examples))
        if notes:
            yield from block("text", notes)


class CommandLine(SphinxDirective):
    """Document all commands, a section each."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        _, commands = parser("")
        found: list[nodes.Node] = []
        for name, command in commands.items():
            section = nodes.section(ids=[f"lmu-hw-{name}"])
            section += nodes.title(text=f"lmu-hw {name}")
            lines = StringList(list(describe(command)), source=f"lmu-hw {name}")
            self.state.nested_parse(lines, 0, section)
            found.append(section)
        return found


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("cli-reference", CommandLine)
    return {"parallel_read_safe": True}
