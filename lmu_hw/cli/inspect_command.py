"""``lmu-hw inspect``: show layers, windows, parameters and multiplies of a trained model."""

from __future__ import annotations

import argparse
from typing import Any

from . import model_options
from .arguments import add_command


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "inspect",
        "Show the layers, windows, parameters and multiplies of a trained model.",
        "  lmu-hw inspect model.keras --rate 360\n  lmu-hw inspect model.npz --json",
    )
    model_options.add_model(sub)


def run(args: argparse.Namespace) -> int:
    """Print the summary of a model file."""
    network = model_options.load_network(args)
    model_options.print_network(args, network, {"file": str(args.file)})
    return 0
