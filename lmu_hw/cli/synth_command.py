"""``lmu-hw synth``: resources and clock rate on FPGA devices."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .arguments import add_command, number, show_report


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "synth",
        "Synthesize, place and route the Verilog for FPGA devices.",
        "  lmu-hw synth out --target ecp5-25k\n"
        "  lmu-hw synth out --target ice40-up5k --target ice40-hx8k --seed 2 --json\n\n"
        "targets: ice40-up5k, ice40-hx8k, ecp5-25k, ecp5-85k, gowin-gw1n9; xc7 (synthesis only)",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory written by generate")
    sub.add_argument(
        "--target",
        action="append",
        required=True,
        metavar="T",
        help="device; repeat for more",
    )
    sub.add_argument(
        "--freq",
        type=number,
        metavar="MHZ",
        help="target clock rate (default: as fast as possible)",
    )
    sub.add_argument(
        "--seed", type=number, default=1, metavar="N", help="seed of the placement (default 1)"
    )
    sub.add_argument("--keep", type=Path, metavar="DIR", help="new directory for netlists and logs")
    sub.add_argument("-o", "--out", type=Path, metavar="FILE", help="also write the JSON to FILE")
    sub.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(args: argparse.Namespace) -> int:
    """Synthesize, place and route the Verilog of a build directory."""
    from .._support.build_directory import check_file
    from ..measure.synthesis.devices import chosen
    from ..measure.synthesis.flow import synth

    if args.out is not None:
        check_file(args.out, force=args.force)
    result = synth(
        args.dir,
        chosen(args.target),
        seed=args.seed,
        freq=args.freq,
        keep=args.keep,
        quiet=args.quiet,
    )
    show_report(args, result)
    return 0
