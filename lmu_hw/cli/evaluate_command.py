"""``lmu-hw evaluate``: compare the integer program with the float network on data."""

from __future__ import annotations

import argparse
from typing import Any

from . import model_options
from .arguments import add_command, add_input_peak, add_word_lengths, number, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "evaluate",
        "Compare the integer program of a model with the float model on data.",
        "  lmu-hw evaluate model.keras --data test.npz --bits 8\n"
        "  lmu-hw evaluate model.npz --data test.npz --calibrate train.npz --json\n\n"
        "data: x (N, T, n), or x (total, n) with offset (N + 1,); y labels (N,) or targets\n"
        "NRMSE: RMS error over RMS of the target, which is not centred",
    )
    model_options.add_model(sub)
    model_options.add_data(sub)
    add_input_peak(sub)
    for flag, text in (
        (
            "--bits",
            "width of weights, layer outputs and input that have no option of their own, 4 to 16",
        ),
        ("--weight-bits", "width of weights, 2 to 16 (default 8)"),
        ("--coef-bits", "width of the memories' coefficients, 4 to 24 (default 16)"),
        ("--state-bits", "width of the memories' states, 8 to 32 (default auto)"),
    ):
        sub.add_argument(flag, type=number, metavar="N", help=text)
    add_word_lengths(sub)


def run(args: argparse.Namespace) -> int:
    """Compare a network's integer program with the float network on data."""
    from .._support.progress import progress
    from ..api.compilation import compile
    from ..measure.data_notes import judged_notes
    from ..measure.dataset import load_dataset
    from ..measure.evaluate import evaluate

    network = model_options.load_network(args)
    dataset = model_options.limited(args, load_dataset(args.data, network.model))
    calibration, calibrated = model_options.calibration(args, network)
    design = compile(
        network, widths=model_options.widths(args), calibration=calibration, output_every=1
    ).network
    notes = judged_notes(args.data, dataset, args.calibrate, calibrated, design)
    model_options.print_notes(args, notes)
    with progress("float and integer runs", 2 * len(dataset), args.quiet) as advance:
        report = evaluate(design, dataset, engine=args.engine, advance=advance)
    if args.json:
        print_json({"model": str(args.file), **report.to_dict(), "notes": notes})
    elif not args.quiet:
        print(report)
    return 0
