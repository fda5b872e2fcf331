"""The command on certificates: certify."""

from __future__ import annotations

import argparse

from .arguments import print_json


def certify(args: argparse.Namespace) -> int:
    """Derive the certificate of a folder again."""
    from .._support.progress import progress
    from ..proof.certificate import certify as run

    with progress("deriving every claim from program.json", 0, args.quiet):
        found = run(args.dir)
    if args.json:
        print_json({"holds": True, **found.to_dict()})
    elif not args.quiet:
        print(found)
    return 0
