"""The command on microcontrollers: footprint."""

from __future__ import annotations

import argparse
import json

from .arguments import print_json
from .errors import plain


def footprint(args: argparse.Namespace) -> int:
    """Measure the C of a folder on microcontrollers."""
    from .folder import write_file
    from .footprint.report import footprint as run
    from .footprint.report import text
    from .targets.boards import chosen

    targets = None if args.target is None else chosen(args.target)
    result = run(args.dir, targets, quiet=args.quiet)
    if args.out is not None:
        report = (json.dumps(result, indent=2) + "\n").encode()
        write_file(args.out, lambda file: file.write(report))
    if args.json:
        print_json(result)
    elif not args.quiet:
        for line in text(result).splitlines():
            print(plain(line))
    return 0
