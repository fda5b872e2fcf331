"""``lmu-hw delays``: compare discretizers and substeps by the error of decoded delays."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import SpecError
from .arguments import add_command, number, print_json

KEYS = ("order", "theta", "output", "channels", "bits")


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "delays",
        "Compare discretizers and substeps of a memory: error of decoded delays, and multiplies.",
        "  lmu-hw delays --d 64 --theta 512 --bandwidth 0.0125\n"
        "  lmu-hw delays --d 64 --bandwidth 0.0125 --accuracy 0.1% --output taps=0.5,1\n\n"
        "NRMSE: RMS error over RMS of the delayed input",
    )
    for flag, dest, metavar, text in (
        ("--d", "order", "N", "number of Legendre coefficients, 1 to 1024"),
        ("--theta", "theta", "T", "window length in samples, 1 to 1,000,000 (default 8 d)"),
        ("--bandwidth", "bandwidth", "F", "highest frequency in cycles a sample, to 0.5"),
        ("--output", "output", "WHAT", "see generate; the error of taps is theirs alone"),
        ("--channels", "channels", "N", "see generate"),
        ("--bits", "bits", "B", "see generate"),
        ("--accuracy", "accuracy", "SHARE", "also name the cheapest with this error, as 0.5%%"),
    ):
        sub.add_argument(flag, dest=dest, metavar=metavar, type=number, help=text)


def run(args: argparse.Namespace) -> int:
    """Print the choices."""
    from ..memory.spec import parse
    from ..quantize.delay_choices import compare_delays

    spec = parse({key: value for key in KEYS if (value := getattr(args, key)) is not None})
    if args.bandwidth is None:
        raise SpecError("bandwidth must be given, as in --bandwidth 0.0125")
    report = compare_delays(spec, args.bandwidth)
    chosen = None if args.accuracy is None else report.within(args.accuracy)
    if args.json:
        more = {} if chosen is None else {"chosen": report.choices.index(chosen)}
        print_json({**report.to_dict(), **more})
    elif not args.quiet:
        print(report)
        if args.accuracy is not None:
            print(report.reason(args.accuracy))
    return 0
