"""``lmu-hw doctor``: list installed and missing tools."""

from __future__ import annotations

import argparse
from typing import Any

from .arguments import add_command, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    add_command(
        commands,
        "doctor",
        "List the tools that are installed, those that are missing and how to install them.",
        "  lmu-hw doctor",
    )


def run(args: argparse.Namespace) -> int:
    """Print installed and missing tools."""
    from dataclasses import asdict

    from .tool_checks import checks

    found = checks()
    if args.json:
        print_json({"checks": [asdict(check) for check in found]})
        return 0
    for check in found:
        mark = "ok     " if check.ok else "missing"
        print(f"{mark} {check.name:16} {check.found or ''}".rstrip())
        if not check.ok:
            print(f"        needed for {check.needed_for}; {check.remedy}")
    return 0
