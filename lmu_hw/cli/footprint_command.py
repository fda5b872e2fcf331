"""The command on microcontrollers: footprint."""

from __future__ import annotations

import argparse
import json

from ..errors import plain
from .arguments import print_json


def footprint(args: argparse.Namespace) -> int:
    """Measure the C of a folder on microcontrollers."""
    from .._support.build_directory import write_file
    from ..firmware.boards.microcontrollers import chosen
    from ..measure.footprint.footprint_report import footprint as run

    targets = None if args.target is None else chosen(args.target)
    result = run(args.dir, targets, quiet=args.quiet)
    if args.out is not None:
        report = (json.dumps(result.to_dict(), indent=2) + "\n").encode()
        write_file(args.out, lambda file: file.write(report))
    if args.json:
        print_json(result.to_dict())
    elif not args.quiet:
        for line in str(result).splitlines():
            print(plain(line))
    return 0
