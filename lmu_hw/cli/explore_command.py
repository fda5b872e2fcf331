"""``lmu-hw explore``: many designs, their figures on targets and the Pareto fronts."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LMUHWError, SpecError, plain
from . import model_options
from .arguments import add_command, add_input_peak, number, print_json

if TYPE_CHECKING:
    from ..explore.exploration import Exploration
    from ..explore.explored_source import ExploredMemory, ExploredNetwork

LIMITS = (
    ("--max-loss", "SHARE", "largest loss of accuracy, increase of NRMSE, or error, as 0.2%%"),
    ("--max-lut", "N", "most LUTs on every FPGA target"),
    ("--max-dsp", "N", "most multipliers on every FPGA target"),
    ("--max-bram", "N", "most block RAMs on every FPGA target"),
    ("--min-rate", "HZ", "fewest steps a second on every FPGA target"),
    ("--max-cycles", "N", "most clock cycles of a step"),
    ("--max-flash", "BYTES", "most flash on every microcontroller"),
    ("--max-ram", "BYTES", "most RAM on every microcontroller"),
    ("--max-instructions", "N", "most instructions of a step on every microcontroller"),
)
MODEL_ONLY = ("calibrate", "limit", "input_peak", "config", "theta", "discretizer")
MODEL_FLAGS = ("activation", "activations", "dt_ratio")
COMMAND = {
    "--over": "over",
    "--target": "target",
    "--data": "data",
    "--calibrate": "calibrate",
    "--limit": "limit",
    "--metric": "metric",
    "--bandwidth": "bandwidth",
    "--fit": "fit",
    "--budget": "budget",
    "--measure": "measure",
    "--workers": "workers",
    "--scheduler": "scheduler",
    "--input-peak": "input_peak",
    "--spec": "config",
    "--theta": "theta",
    "--discretizer": "discretizer",
    "--activation": "activation",
    "--activations": "activations",
    "--dt-ratio": "dt_ratio",
    "-o": "out",
    **{flag: flag[2:].replace("-", "_") for flag, _, _ in LIMITS},
}
"""Options with a value, and where they are kept."""


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "explore",
        "Explore many designs of a memory or a model: estimates, tools, Pareto fronts.",
        "  lmu-hw explore --over d=16,32,64 --over bits=12,16 --over lanes=1,2,4 \\\n"
        "      --target ecp5-25k\n"
        "  lmu-hw explore model.npz --data test.npz --over weight_bits=4..8 --over lanes=4,8 \\\n"
        "      --target ecp5-25k --target c-m4 --max-loss 0.5% -o digits\n"
        "  lmu-hw explore memory.toml --over bits=8..16 --fit up5k \\\n"
        "      --scheduler tcp://10.0.0.1:8786\n\n"
        "axes: the options of generate, with underscores, and lanes, state_port, parallel,\n"
        "pipeline, interleave, sections_per_multiplier, layers; commas in a value are\n"
        "written as /, as in weight_bits=8,4/6/8",
    )
    sub.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="SPEC|MODEL",
        help="TOML or JSON file of options, or a trained model; default: the axes say all",
    )
    sub.add_argument(
        "--over",
        action="append",
        required=True,
        metavar="NAME=V,V",
        help="an axis and its values, as in bits=8,12,16 or bits=8..16..4; repeat for more",
    )
    sub.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="T",
        help="FPGA of synth or microcontroller of footprint; repeat for more",
    )
    sub.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="of a model: data set x, y (.npz); of a memory: a signal (.wav, .npy, .csv)",
    )
    sub.add_argument(
        "--metric",
        metavar="NAME",
        help="accuracy, nrmse or agreement of a model; error or window of a memory (default: as "
        "the data have it)",
    )
    sub.add_argument(
        "--bandwidth",
        type=number,
        metavar="F",
        help="of a memory: highest frequency, in cycles a sample, of a made signal whose delays "
        "are decoded (metric window)",
    )
    limits = sub.add_argument_group("limits of the point that is picked")
    for flag, metavar, text in LIMITS:
        limits.add_argument(flag, type=number, metavar=metavar, help=text)
    limits.add_argument(
        "--fit",
        action="append",
        default=[],
        metavar="T",
        help="a target that it must fit, such as up5k; repeat for more",
    )
    run = sub.add_argument_group("running")
    run.add_argument(
        "--budget", type=number, metavar="N", help="look at N points only, those around the fronts"
    )
    run.add_argument(
        "--measure",
        type=number,
        metavar="WHAT",
        help="points that the real tools measure: front (default), N of each front, all or none",
    )
    run.add_argument("--all", action="store_true", help="the same as --measure all")
    run.add_argument(
        "--workers",
        type=number,
        metavar="N",
        help="processes (default: one for each core); 0: this one, without Dask",
    )
    run.add_argument("--scheduler", metavar="URL", help="Dask scheduler, as tcp://HOST:8786")
    run.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("lmu_explore"),
        metavar="DIR",
        help="directory of the results (default lmu_explore): they are not computed again",
    )
    model = sub.add_argument_group("for a trained model")
    model.add_argument(
        "--calibrate", type=Path, metavar="C.npz", help="calibration data (default: --data)"
    )
    model.add_argument("--limit", type=number, metavar="N", help="use N sequences, evenly spaced")
    add_input_peak(model)
    model.add_argument("--spec", dest="config", type=Path, metavar="JSON", help="see inspect")
    for flag in ("--theta", "--dt-ratio"):
        model.add_argument(flag, type=number, metavar="X", help="see inspect")
    for flag in ("--discretizer", "--activation", "--activations"):
        model.add_argument(flag, metavar="F", help="see inspect")


def run(args: argparse.Namespace) -> int:
    """Explore a space and print its fronts."""
    from ..explore.exploration_directory import CSV, PAGE, STORE, check_directory
    from ..explore.exploration_progress import ExplorationProgress
    from ..explore.exploring import explore
    from ..models.importers import is_model

    check_directory(args.out)
    if args.all and args.measure is not None:
        raise SpecError("--all must be left out where --measure is given")
    is_network = args.file is not None and is_model(args.file)
    source, data = _network(args) if is_network else _memory(args)
    limits = {name: getattr(args, name) for name in _limit_names()}
    if limits["max_loss"] is None:
        del limits["max_loss"]
    try:
        with ExplorationProgress(args.quiet) as shown:
            found = explore(
                source,
                args.over,
                targets=_split(args.target),
                data=data,
                metric=args.metric,
                bandwidth=args.bandwidth,
                limits=limits,
                fit=_split(args.fit),
                budget=args.budget,
                measure="all" if args.all else "front" if args.measure is None else args.measure,
                workers=args.workers,
                scheduler=args.scheduler,
                out=args.out,
                watch=shown.watch,
            )
    except KeyboardInterrupt:
        kept = args.out / STORE
        if kept.is_file() and not args.quiet:
            text = f"results so far are in {kept}; the same command goes on: {_command(args)}"
            print("lmu-hw:", plain(text), file=sys.stderr)
        raise
    if args.json:
        print_json({"directory": str(args.out), **found.to_dict()})
    elif not args.quiet:
        _print(found)
        print(plain(f"wrote {args.out / PAGE}, {args.out / CSV}"))
    return 0


def _print(found: Exploration) -> None:
    for line in str(found).splitlines():
        print(plain(line))


def _limit_names() -> list[str]:
    return [flag[2:].replace("-", "_") for flag, _, _ in LIMITS]


def _split(given: list[str]) -> list[str]:
    return [name.strip() for text in given for name in text.split(",")]


def _memory(args: argparse.Namespace) -> tuple[ExploredMemory, Any]:
    from ..explore.explored_source import ExploredMemory
    from ..memory.spec import load

    for name in (*MODEL_ONLY, *MODEL_FLAGS):
        if getattr(args, name) is not None:
            flag = "--spec" if name == "config" else f"--{name.replace('_', '-')}"
            axis = (
                f"; for a memory, give --over {name}=" if name in ("theta", "discretizer") else ""
            )
            raise SpecError(f"{flag} is for a trained model: give its file too{axis}")
    keys = {} if args.file is None else load(args.file)
    keys.pop("kit", None)
    data = None if args.data is None else _recording(args.data)
    return ExploredMemory(keys=keys, path="" if args.file is None else str(args.file)), data


def _recording(path: Path) -> Any:
    from ..measure.signal_files import read_signal

    try:
        return read_signal(path, columns=1).samples[:, 0]
    except LMUHWError as error:
        if "--columns" not in str(error):
            raise
        raise SpecError(f"{path} must hold one signal: write the one to judge by alone") from error


def _network(args: argparse.Namespace) -> tuple[ExploredNetwork, Any]:
    from .._support.command_parser import argument
    from ..explore.explored_source import ExploredNetwork
    from ..measure.dataset import load_dataset

    path, args.spec = args.file, args.config
    network = model_options.load_network(args)
    data = None if args.data is None else load_dataset(args.data, network.model)
    data = None if data is None else model_options.limited(args, data)
    _, calibration = model_options.calibration(args, network)
    words = [argument(path)]
    given = {"data": args.calibrate or args.data, "spec": args.config}
    given |= {name: getattr(args, name) for name in ("theta", "discretizer", *MODEL_FLAGS)}
    given["input_peak"] = args.input_peak
    for name, value in given.items():
        if value is not None:
            words.append(f"--{name.replace('_', '-')} {shlex.quote(str(value))}")
    source = ExploredNetwork(
        network=network,
        calibration=calibration,
        input_peak=args.input_peak,
        command_words=tuple(words),
    )
    return source, data


def _command(args: argparse.Namespace) -> str:
    """Return the command line of these options."""
    words = ["lmu-hw", "explore", *([] if args.file is None else [str(args.file)])]
    for flag, name in COMMAND.items():
        value = getattr(args, name)
        for one in value if isinstance(value, list) else [value]:
            words += [] if one is None else [flag, str(one)]
    return shlex.join([*words, *(["--all"] if args.all else [])])
