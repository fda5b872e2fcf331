"""``lmu-hw footprint``: flash, RAM, stack and instructions on microcontrollers."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from ..errors import SpecError
from .arguments import add_command, show_report


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "footprint",
        "Compile the C for microcontrollers: flash, RAM, stack, instructions per step.",
        "  lmu-hw footprint out\n"
        "  lmu-hw footprint out --target c-m4 --target c-rv32 --json\n"
        '  lmu-hw footprint out --cflags "-Os"\n'
        "  lmu-hw footprint out --target c-m4 --cycles\n\n"
        "targets: c-m0, c-m3, c-m4, c-m7, c-m33, c-m55, c-m85 (compiled only: no emulator has "
        "this core), c-rv32, c-avr (ATmega2560), c-uno (ATmega328P)",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory written by generate")
    sub.add_argument(
        "--target",
        action="append",
        metavar="T",
        help="target; repeat for more (default: all whose tools are installed and that fit)",
    )
    sub.add_argument(
        "--cflags",
        metavar="OPTIONS",
        default="",
        help='more options for the compiler, such as --cflags "-Os"; they win over ours',
    )
    sub.add_argument(
        "--cycles",
        action="store_true",
        help="also estimate the cycles of the inner loops with llvm-mca: an estimate of LLVM's "
        "models of c-m4, c-m7 and c-m55, not a measurement",
    )
    sub.add_argument("-o", "--out", type=Path, metavar="FILE", help="also write the JSON to FILE")


def run(args: argparse.Namespace) -> int:
    """Measure the C of a build directory on microcontrollers."""
    from ..firmware.boards.microcontrollers import chosen
    from ..measure.footprint.footprint_report import footprint

    targets = None if args.target is None else chosen(args.target)
    cflags = _words(args.cflags)
    result = footprint(args.dir, targets, cflags=cflags, cycles=args.cycles, quiet=args.quiet)
    show_report(args, result)
    return 0


def _words(cflags: str) -> list[str]:
    try:
        return shlex.split(cflags)
    except ValueError as error:
        raise SpecError(
            f"--cflags must be options of the compiler, not {cflags!r}: {error}"
        ) from error
