"""``lmu-hw report``: write one HTML page about a build directory."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..errors import SpecError, plain
from .arguments import add_command, number, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "report",
        "Write report.html: pictures, tables and commands of a build directory, in one file.",
        "  lmu-hw report out\n"
        "  lmu-hw report out --target ice40-up5k,c-m0\n"
        "  lmu-hw report out --target none              # no tools, a few seconds\n"
        "  lmu-hw report out --model model.keras --data test.npz",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory")
    sub.add_argument(
        "--target",
        action="append",
        metavar="NAME[,NAME]",
        help="devices and microcontrollers to measure on, as in synth and footprint, or none "
        "(default: ecp5-25k and c-m4, as far as their tools are installed)",
    )
    sub.add_argument(
        "--seed", type=number, default=1, metavar="N", help="seed of the placement (default 1)"
    )
    sub.add_argument("--model", type=Path, metavar="FILE", help="the trained model of the design")
    sub.add_argument(
        "--data",
        type=Path,
        metavar="D.npz",
        help="data to run through model and design: x, and y (labels or targets)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the report of a build directory."""
    from ..api.sources import load_model
    from ..measure.dataset import load_dataset
    from ..report.write_report import write_report

    if (args.model is None) != (args.data is None):
        given, other = ("--data", "--model") if args.model is None else ("--model", "--data")
        raise SpecError(f"{given} must go with {other}, which is missing")
    network = None if args.model is None else load_model(args.model).model
    report = write_report(
        args.dir,
        targets=None if args.target is None else _names(args.target),
        seed=args.seed,
        network=network,
        dataset=None if network is None else load_dataset(args.data, network),
        quiet=args.quiet,
    )
    if args.json:
        print_json({"report": str(report.path), **report.to_dict()})
    elif not args.quiet:
        for name, why in report.not_measured.items():
            print(f"lmu-hw: note: {plain(name)} is not measured: {plain(why)}", file=sys.stderr)
        print(plain(f"wrote {report.path}: open it in a browser"))
    return 0


def _names(given: list[str]) -> list[str]:
    """Return the names in repeated options, each of which may list several."""
    return [name.strip() for text in given for name in text.split(",")]
