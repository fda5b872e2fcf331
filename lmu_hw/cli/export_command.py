"""``lmu-hw export``: a design in the format of another tool."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import plain
from .arguments import add_command, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "export",
        "Write a memory on integrate-and-fire neurons as a NIR graph (experimental).",
        "  lmu-hw export out --nir memory.nir\n\n"
        "NIR is the Neuromorphic Intermediate Representation; needs the extra nir. The command\n"
        "prints what the format cannot carry",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory written by generate")
    sub.add_argument("--nir", type=Path, required=True, metavar="FILE", help="file to write, HDF5")
    sub.add_argument("--force", action="store_true", help="replace an existing file")


def run(args: argparse.Namespace) -> int:
    """Write a design in the format of another tool."""
    from ..interchange.nir_graph import NOT_CARRIED, write_nir
    from ..verify.load_build import load_program

    write_nir(load_program(args.dir), args.nir, force=args.force)
    if args.json:
        print_json({"nir": str(args.nir), "experimental": True, "not_carried": NOT_CARRIED})
    elif not args.quiet:
        print(plain(f"experimental NIR graph written to {args.nir}; it does not carry:"))
        for text in NOT_CARRIED:
            print(f"- {text}")
    return 0
