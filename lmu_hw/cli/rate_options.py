"""Options of ``generate`` that choose the hardware by its rate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, plain
from .arguments import number

if TYPE_CHECKING:
    from ..api.design import Design
    from ..explore.rate_choice import RatedHardware
    from ..rtl.options import Hardware

CHOSEN = ("parallel", "lanes", "pipeline", "interleave", "sections_per_multiplier", "layers")
"""Options that the rate chooses."""


def add_rate(sub: Any) -> None:
    """Add the options."""
    sub.add_argument(
        "--rate",
        type=number,
        metavar="R",
        help="take the cheapest hardware that reaches R steps a second, such as 5M, on --target: "
        "chooses --lanes, or --parallel with its options",
    )
    sub.add_argument("--target", metavar="T", help="FPGA device of --rate (see synth)")
    sub.add_argument(
        "--fit",
        action="store_true",
        help="with --rate: place and route, the cheapest first, until one reaches it (minutes); "
        "else estimates decide",
    )


def check(args: argparse.Namespace, keys: Mapping[str, Any]) -> None:
    """Check the options before the work starts.

    Parameters
    ----------
    args : argparse.Namespace
    keys : mapping of str to object
        Those of a specification file.

    Raises
    ------
    SpecError
        If one is wrong, is missing, or is chosen by the rate and given too.
    """
    from ..explore.rate_choice import check_placer, devices_with_placer, rate_of
    from ..measure.synthesis.devices import chosen

    if args.rate is None:
        for name in ("target", "fit"):
            if getattr(args, name):
                raise SpecError(f"{name} must go with rate: give --rate too, or leave it out")
        return
    rate_of(args.rate)
    if args.target is None:
        raise SpecError(f"rate must go with a target: give --target too: {devices_with_placer()}")
    check_placer(*chosen([args.target]))
    for name in CHOSEN:
        if getattr(args, name) is not None or name in keys:
            raise SpecError(f"{name} must be left out with rate, which chooses it")


def rated(args: argparse.Namespace, design: Design, hardware: Hardware) -> RatedHardware | None:
    """Return the hardware that ``--rate`` chooses; None without it."""
    from ..explore.rate_choice import hardware_for_rate
    from ..kits.catalogue import chosen as kits
    from ..measure.synthesis.devices import chosen as devices

    if args.rate is None:
        return None
    (target,) = devices([args.target])
    return hardware_for_rate(
        design,
        args.rate,
        target,
        streams=hardware.streams.value,
        state_port=hardware.state_port,
        shared_only=any(kit.verilog for kit in kits(args.kit)),
        fit=args.fit,
        watch=lambda line: args.quiet or print(plain(f"{target.name}: {line}"), file=sys.stderr),
    )
