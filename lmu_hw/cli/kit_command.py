"""``lmu-hw kit``: list kits, or add them to a build directory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import SpecError, plain
from .arguments import add_command, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "kit",
        "List kits, packages of a design for other tools, or add them to a build directory.",
        "  lmu-hw kit list\n  lmu-hw kit add litex,cmake out",
    )
    sub.add_argument("action", metavar="list|add", help="what to do")
    sub.add_argument("names", nargs="?", metavar="NAME[,NAME]", help="kits to add")
    sub.add_argument("build", nargs="?", type=Path, metavar="DIR", help="build directory")
    sub.add_argument(
        "--force", action="store_true", help="remove other files from the build directory"
    )


def run(args: argparse.Namespace) -> int:
    """List or add kits."""
    if args.action == "list":
        return _list(args)
    if args.action != "add":
        raise SpecError(f"kit must be followed by list or add, not {args.action!r}")
    if args.names is None or args.build is None:
        raise SpecError("kit add needs kits and a build directory, as in lmu-hw kit add litex out")
    return _add(args)


def _list(args: argparse.Namespace) -> int:
    from ..kits.catalogue import KITS

    if args.names is not None:
        raise SpecError(f"kit list takes no other argument, not {args.names!r}")
    if args.json:
        keys = ("name", "summary", "tested", "not_run")
        print_json({"kits": [{key: getattr(kit, key) for key in keys} for kit in KITS.values()]})
    elif not args.quiet:
        for kit in KITS.values():
            print(f"{kit.name:12} {kit.summary}")
            print(f"{'':12} tested: {kit.tested or 'nothing'}")
            if kit.not_run:
                print(f"{'':12} not run: {kit.not_run}")
    return 0


def _add(args: argparse.Namespace) -> int:
    from ..api.build import Build
    from ..kits import catalogue

    kits = catalogue.chosen(args.names)
    build = Build(args.build).kit(*(kit.name for kit in kits), force=args.force)
    if args.json:
        print_json({"build_directory": str(args.build), **build.manifest.to_dict()})
    elif not args.quiet:
        for kit in kits:
            print(plain(f"wrote {args.build / kit.place}: next, {kit.place}/README.md"))
    return 0
