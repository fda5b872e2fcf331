"""``lmu-hw certify``: derive every claim of a certificate again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .arguments import add_command, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "certify",
        "Derive every claim of the certificate again, from the program alone.",
        "  lmu-hw certify out\n  lmu-hw certify out --json",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory written by generate")


def run(args: argparse.Namespace) -> int:
    """Derive the certificate of a build directory again."""
    from .._support.progress import progress
    from ..proof.certificate import certify

    with progress("deriving every claim from program.json", 0, args.quiet):
        found = certify(args.dir)
    if args.json:
        print_json({"holds": True, **found.to_dict()})
    elif not args.quiet:
        print(found)
    return 0
