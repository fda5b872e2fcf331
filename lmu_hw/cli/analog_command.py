"""``lmu-hw analog``: write the circuit of a memory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .arguments import add_command, number, print_json

KEYS = ("taps", "structure", "form", "series", "tolerance", "supply", "opamp")
BOUNDS = ("r_min", "r_max", "c_min", "c_max")


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "analog",
        "Write a memory as an analog circuit: netlist, test benches, bill of materials, schematic.",
        "  lmu-hw analog --d 6 --theta 1ms --taps 0.25,0.5,1 -o out\n"
        "  lmu-hw analog --d 12 --theta 20us --form gm-c --series exact -o out\n"
        "  lmu-hw analog --d 6 --theta 1ms --opamp GBW=10Meg,SR=5 --tolerance 0.1% -o out",
    )
    for flag, dest, metavar, text in (
        ("--d", "order", "N", "number of Legendre coefficients, 1 to 32"),
        ("--theta", "theta", "T", "window, as 1ms"),
        ("--taps", "taps", "R,R", "delays in fractions of theta (default 1)"),
        ("--structure", "structure", "KIND", "cascade (default), ladder or direct"),
        ("--form", "form", "PARTS", "op-amp (default) or gm-c: transconductors and capacitors"),
        ("--series", "series", "E", "values of the resistors: E96 (default), E24 or exact"),
        ("--tolerance", "tolerance", "SHARE", "of every part (default 1%%)"),
        ("--supply", "supply", "V", "voltage between the rails (default 5)"),
        (
            "--opamp",
            "opamp",
            "NAME|FIGURES",
            "part number, ideal, or figures as GBW=10Meg,SR=5 (Hz, V/us; also GAIN, HEADROOM, VOS, "
            "IB, EN); default MCP6024",
        ),
        ("--r-min", "r_min", "R", "smallest resistance (default 1k)"),
        ("--r-max", "r_max", "R", "largest resistance (default 1Meg)"),
        ("--c-min", "c_min", "C", "smallest capacitance (default 100p)"),
        ("--c-max", "c_max", "C", "largest capacitance (default 1u)"),
    ):
        sub.add_argument(flag, dest=dest, metavar=metavar, type=number, help=text)
    sub.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("lmu_analog"),
        metavar="DIR",
        help="build directory (default lmu_analog)",
    )
    sub.add_argument(
        "--force", action="store_true", help="replace a build directory that was edited"
    )


def run(args: argparse.Namespace) -> int:
    """Write the build directory of an analog memory."""
    from .._support.build_directory import check_target
    from .._support.progress import progress
    from ..api.analog_memory import analog
    from ..errors import SpecError

    for flag, value in (("--d", args.order), ("--theta", args.theta)):
        if value is None:
            raise SpecError(f"{flag} must be given, as in --d 6 --theta 1ms")
    given = {key: value for key in KEYS + BOUNDS if (value := getattr(args, key)) is not None}
    check_target(args.out, force=args.force)
    with progress(f"designing a circuit of d = {args.order}", 2, args.quiet) as advance:
        design = analog(args.order, args.theta, **given)
        advance(1)
        manifest = design.write(args.out, force=args.force).manifest
        advance(1)
    if args.json:
        print_json({"build_directory": str(args.out), **manifest.to_dict()})
    elif not args.quiet:
        print(manifest)
        print(f"wrote {args.out}; next: lmu-hw verify {args.out} --monte-carlo 1000 --calibrate")
    return 0
