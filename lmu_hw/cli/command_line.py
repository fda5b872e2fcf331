"""The parser of the whole command line."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from types import ModuleType

from .._support.command_parser import Parser
from . import (
    analog_command,
    certify_command,
    delays_command,
    demo_command,
    doctor_command,
    evaluate_command,
    explore_command,
    export_command,
    footprint_command,
    generate_command,
    import_command,
    inspect_command,
    kit_command,
    report_command,
    simulate_command,
    synth_command,
    tune_command,
    verify_command,
)

CFLAGS = "--cflags"
"""An option whose value starts with a dash."""
COMMANDS: dict[str, ModuleType] = {
    "generate": generate_command,
    "verify": verify_command,
    "certify": certify_command,
    "simulate": simulate_command,
    "import": import_command,
    "inspect": inspect_command,
    "evaluate": evaluate_command,
    "tune": tune_command,
    "explore": explore_command,
    "delays": delays_command,
    "synth": synth_command,
    "footprint": footprint_command,
    "report": report_command,
    "demo": demo_command,
    "export": export_command,
    "kit": kit_command,
    "analog": analog_command,
    "doctor": doctor_command,
}
"""Modules with ``add_parser`` and ``run``, in the order of the help."""


def parse_args(argv: Sequence[str] | None, version: str) -> argparse.Namespace:
    """Return the options of a command line; ``command`` is None where it names none.

    Parameters
    ----------
    argv : sequence of str or None
        None: the command line of the process.
    version : str
        Version that ``--version`` prints.

    Raises
    ------
    UsageError
        If a command or option is not known, or a value is missing.
    """
    top, commands = parser(version)
    words = sys.argv[1:] if argv is None else list(argv)
    # argparse would list every command and suggest none
    if words and not words[0].startswith("-") and words[0] not in commands:
        near = difflib.get_close_matches(words[0], commands, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(commands)}"
        top.error(f"unknown command {words[0]!r}; {hint}")
    if words and words[0].startswith("-") and words[0] not in top.options():
        name = next((name for name, sub in commands.items() if words[0] in sub.options()), None)
        if name is None:
            top.refuse(words[0])
        top.error(f"{words[0]} goes after the command, as in lmu-hw {name} {words[0]}")
    if words and words[0] in commands:
        words = _with_dashed_values(words, commands[words[0]])
    args, rest = top.parse_known_args(words)
    if rest:
        commands.get(args.command, top).refuse(rest[0])
    return args


def _with_dashed_values(words: list[str], command: Parser) -> list[str]:
    """Return the words with ``--cflags -Os`` as ``--cflags=-Os``, as argparse requires."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == CFLAGS and word not in command.options():
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def parser(version: str) -> tuple[Parser, dict[str, Parser]]:
    """Return the parser of the command line, and the parsers of its commands."""
    top = Parser(
        prog="lmu-hw",
        description="Compile Legendre Memory Units to bit-exact Verilog and C.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  lmu-hw generate --d 64 --bits 16 -o out\n"
        "  lmu-hw verify out\n"
        "  lmu-hw simulate out --input ecg.wav --output memory.npy\n"
        "  lmu-hw doctor",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"lmu-hw {version}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS.values():
        command.add_parser(commands)
    return top, dict(commands.choices)
