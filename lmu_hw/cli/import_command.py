"""``lmu-hw import``: convert a trained model to one neutral file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import EmitError, plain
from . import channel_options, model_options
from .arguments import add_command


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "import",
        "Read a trained model and write it as one neutral file (.npz, no pickles).",
        "  lmu-hw import model.keras -o model.npz\n"
        "  lmu-hw import weights.weights.h5 --spec config.json -o model.npz\n"
        "  lmu-hw import model.keras --dt-ratio 0.5 -o twice_the_rate.npz",
    )
    sub.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="MODEL.npz",
        help="default: name of FILE, in the current directory",
    )
    sub.add_argument(
        "--force", action="store_true", help="replace a file that lmu-hw did not write"
    )
    model_options.add_model(sub)
    channel_options.add_channels(sub, "Default: those of FILE, field by field; else w itself.")


def run(args: argparse.Namespace) -> int:
    """Write the neutral model file of a trained model."""
    from ..models.importers.model_file import is_model_file

    network = model_options.with_channels(args, model_options.load_network(args))
    out = args.out or Path(f"{network.name}.npz")
    if out.suffix != ".npz":
        raise EmitError(f"{out} must end in .npz; choose another name")
    if out.exists() and out.samefile(args.file):
        raise EmitError(f"{out} is the input file; name another with -o")
    if out.exists() and not args.force and not (out.is_file() and is_model_file(out)):
        raise EmitError(f"{out} was not written by lmu-hw; choose another name, or give --force")
    network.save(out)
    model_options.print_network(args, network, {"model": str(out)})
    if not (args.json or args.quiet):
        print(plain(f"wrote {out}"))
    return 0
