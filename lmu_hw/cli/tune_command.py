"""``lmu-hw tune``: find the cheapest word lengths that keep a model's accuracy."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._support.command_parser import argument
from ..errors import SpecError, plain
from ..measure.evaluation import OTHER_WIDTHS
from ..program.codec import to_data
from . import model_options
from .arguments import add_command, add_hardware, add_input_peak, number, print_json
from .render import point_data, point_text, tuner_text

if TYPE_CHECKING:
    from ..api.design import Design
    from ..measure.tune import DesignPoint
    from ..quantize.word_lengths import Widths


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "tune",
        "Find the cheapest word lengths that keep a model's accuracy.",
        "  lmu-hw tune model.keras --data test.npz --max-loss 0.2% -o out\n\n"
        "NRMSE: RMS error over RMS of the target, which is not centred",
    )
    model_options.add_model(sub)
    model_options.add_data(sub)
    add_input_peak(sub)
    sub.add_argument(
        "--max-loss",
        default="0.2%",
        metavar="SHARE",
        help="largest loss of accuracy, or increase of NRMSE, as 0.2%% or 0.002 (default 0.2%%)",
    )
    sub.add_argument("--output-every", type=number, metavar="K|last", help="see generate")
    sub.add_argument("--name", type=str, help="see generate")
    sub.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="DIR",
        help="write the build directory of the best point here",
    )
    add_hardware(sub)
    sub.add_argument(
        "--force", action="store_true", help="replace a build directory that was edited"
    )


def run(args: argparse.Namespace) -> int:
    """Find the cheapest widths that keep a network's accuracy."""
    from .._support.build_directory import check_target
    from ..api.compilation import compile
    from ..measure.data_notes import judged_notes
    from ..measure.dataset import load_dataset
    from ..measure.tune import WIDEST, Tuner
    from ..rtl.options import chosen

    max_loss = _max_loss(args.max_loss)
    hardware = chosen(vars(args))
    if args.out is not None:
        check_target(args.out, force=args.force)
    network = model_options.load_network(args)
    dataset = model_options.limited(args, load_dataset(args.data, network.model))
    if dataset.labels is None and dataset.targets is None:
        raise SpecError(
            f"{args.data} must hold y, labels or targets: accuracy is measured against them"
        )
    calibration, calibrated = model_options.calibration(args, network)
    every = model_options.output_every(args.output_every, network)

    def design(widths: Widths) -> Design:
        return compile(
            network,
            widths=widths,
            calibration=calibration,
            output_every=every,
            name=args.name or "lmu",
        )

    notes = judged_notes(args.data, dataset, args.calibrate, calibrated, design(WIDEST).network)
    model_options.print_notes(args, notes)
    tuner = Tuner(
        design=lambda widths: design(widths).network,
        dataset=dataset,
        max_loss=max_loss,
        engine=args.engine,
    )
    try:
        for count, point in enumerate(tuner.run(), 1):
            if not args.quiet:
                print("lmu-hw:", point_text(count, point), file=sys.stderr)
    except KeyboardInterrupt:
        # print the points found so far
        if tuner.points and not (args.json or args.quiet):
            print(tuner_text(tuner))
        raise
    best = tuner.best
    command = _command(args, best)
    if args.out is not None:
        design(best.widths).write(args.out, hardware, force=args.force)
    if args.json:
        print_json(
            {
                "float": tuner.target,
                "engine": to_data(tuner.ran),
                "best": point_data(best),
                "options": _options(best),
                "command": command,
                "pareto": [point_data(p) for p in tuner.pareto()],
                "notes": notes,
            }
        )
    elif not args.quiet:
        print(tuner_text(tuner))
        print(plain(f"wrote {args.out}" if args.out is not None else f"next: {command}"))
    return 0


def _max_loss(text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1.0:
        raise SpecError(f"--max-loss must be a share such as 0.2% or 0.002, not {text!r}")
    return value


def _options(point: DesignPoint) -> list[str]:
    """Return the widths of a point as options of evaluate and generate."""
    widths: dict[str, Any] = {"weight_bits": point.widths.weights_text}
    widths |= {
        n: getattr(point.widths, n) for n in OTHER_WIDTHS if getattr(point.widths, n) is not None
    }
    return [f"--{name.replace('_', '-')}={bits}" for name, bits in widths.items()]


def _command(args: argparse.Namespace, point: DesignPoint) -> str:
    """Return the command that generates the build directory of a point."""
    flags = _options(point)
    given = {
        "--data": args.calibrate or args.data,
        "--spec": args.spec,
        "--theta": args.theta,
        "--discretizer": args.discretizer,
        "--activation": args.activation,
        "--activations": args.activations,
        "--dt-ratio": args.dt_ratio,
        "--input-peak": args.input_peak,
        "--output-every": args.output_every,
        "--name": args.name,
        "--lanes": args.lanes,
        "--streams": args.streams,
    }
    flags += [f"{f} {shlex.quote(str(value))}" for f, value in given.items() if value is not None]
    flags += ["--state-port"] if args.state_port else []
    return f"lmu-hw generate {argument(args.file)} {' '.join(flags)}"
