"""Commands on trained models: import, inspect, generate, evaluate, tune."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._support.command_parser import argument
from ..errors import EmitError, SpecError, plain
from ..measure.evaluation import OTHER_WIDTHS
from ..program.codec import to_data
from .arguments import MEMORY_ONLY, print_json
from .render import point_data, point_text, tuner_text

if TYPE_CHECKING:
    from ..measure.dataset import Dataset
    from ..measure.tune import Point
    from ..models.network import Activation, FloatNetwork
    from ..quantize.calibration import Calibration
    from ..quantize.word_lengths import Widths

CALIBRATED = 256
"""Sequences of a data set on which ranges are looked at."""


def import_model(args: argparse.Namespace) -> int:
    """Write the neutral model file of a trained model."""
    from .._support.build_directory import write_file
    from ..models.importers.model_file import is_model_file, to_bytes

    network = _load_network(args)
    out = args.out or Path(f"{_stem(args.file)}.npz")
    if out.suffix != ".npz":
        raise EmitError(f"{out} must end in .npz")
    if out.exists() and out.samefile(args.file):
        raise EmitError(f"{out} is the file that is read; name another with -o")
    if out.exists() and not args.force and not (out.is_file() and is_model_file(out)):
        raise EmitError(f"{out} was not written by lmu-hw; choose another name, or give --force")
    write_file(out, lambda file: file.write(to_bytes(network)))
    _say_network(args, network, {"model": str(out)})
    if not (args.json or args.quiet):
        print(plain(f"wrote {out}"))
    return 0


def inspect(args: argparse.Namespace) -> int:
    """Say what is in a model file."""
    _say_network(args, _load_network(args), {"file": str(args.file)})
    return 0


def generate_model(args: argparse.Namespace) -> int:
    """Write the folder of a trained model."""
    from .._support.build_directory import MANIFEST, check_target, write_build_dir
    from .._support.progress import progress
    from ..generate import files_of
    from ..manifest import parse_manifest
    from ..measure.data_notes import calibration_notes, range_notes
    from ..rtl.options import chosen

    for name in MEMORY_ONLY:
        if getattr(args, name) is not None:
            flag = "--d" if name == "order" else f"--{name}"
            raise SpecError(
                f"{flag} is for a memory alone, and {args.spec} is a trained model; its word "
                "lengths are --bits, --weight-bits, --act-bits, --coef-bits, --state-bits"
            )
    hardware = chosen(vars(args))
    check_target(args.out, force=args.force)
    args.file = args.spec
    args.spec = args.config
    network = _load_network(args)
    widths = _widths(args)
    every = _output_every(args.output_every, network)
    calibration, dataset = _calibration(args, network)
    notes = calibration_notes(args.data, dataset)
    if dataset is None and calibration.known is None:
        notes.append(
            "without --data, ranges that no proof gives were seen on "
            f"{calibration.about}; give data like those to come"
        )
    with progress(f"generating {args.file.name}", 3, args.quiet) as advance:
        design = calibration.design(
            widths, title=_title(args, widths), name=args.name or "lmu", output_every=every
        )
        advance(1)
        notes += [] if dataset is None else range_notes(args.data, dataset, design)
        files = files_of(design, hardware, require_proof=args.require_proof)
        advance(1)
        write_build_dir(args.out, files, force=args.force)
        advance(1)
    manifest = parse_manifest(json.loads(files[MANIFEST]))
    _say_notes(args, notes)
    if args.json:
        print_json({"folder": str(args.out), **manifest.to_dict(), "notes": notes})
    elif not args.quiet:
        print(manifest)
        print(plain(f"wrote {args.out}: next, lmu-hw verify {argument(args.out)}"))
    return 0


def evaluate(args: argparse.Namespace) -> int:
    """Compare a network's program with the network on data."""
    from .._support.progress import progress
    from ..measure.data_notes import judged_notes
    from ..measure.dataset import load_dataset
    from ..measure.evaluate import evaluate as run

    network = _load_network(args)
    dataset = _limited(args, load_dataset(args.data, network))
    calibration, seen = _calibration(args, network)
    design = calibration.design(_widths(args), title=_title(args, _widths(args)))
    notes = judged_notes(args.data, dataset, args.calibrate, seen, design)
    _say_notes(args, notes)
    with progress("float and integer runs", 2 * len(dataset), args.quiet) as advance:
        report = run(design, dataset, engine=args.engine, advance=advance)
    if args.json:
        print_json({"model": str(args.file), **report.to_dict(), "notes": notes})
    elif not args.quiet:
        print(report)
    return 0


def tune(args: argparse.Namespace) -> int:
    """Find the cheapest widths that keep a network's accuracy."""
    from .._support.build_directory import check_target, write_build_dir
    from ..generate import files_of
    from ..measure.data_notes import judged_notes
    from ..measure.dataset import load_dataset
    from ..measure.tune import WIDEST, Tuner
    from ..rtl.options import chosen

    max_loss = _max_loss(args.max_loss)
    hardware = chosen(vars(args))
    if args.out is not None:
        check_target(args.out, force=args.force)
    network = _load_network(args)
    dataset = _limited(args, load_dataset(args.data, network))
    if dataset.labels is None and dataset.targets is None:
        raise SpecError(f"{args.data} must hold y, labels or targets: there is nothing to keep")
    calibration, seen = _calibration(args, network)
    every = _output_every(args.output_every, network)

    def design(widths: Widths) -> Any:
        title = _title(args, widths)
        return calibration.design(widths, title=title, name=args.name or "lmu", output_every=every)

    notes = judged_notes(args.data, dataset, args.calibrate, seen, design(WIDEST))
    _say_notes(args, notes)
    tuner = Tuner(design=design, dataset=dataset, max_loss=max_loss, engine=args.engine)
    try:
        for number, point in enumerate(tuner.run(), 1):
            if not args.quiet:
                print("lmu-hw:", point_text(number, point), file=sys.stderr)
    except KeyboardInterrupt:
        # what was found so far is worth having
        if tuner.points and not (args.json or args.quiet):
            print(tuner_text(tuner))
        raise
    best = tuner.best
    command = _command(args, best)
    if args.out is not None:
        write_build_dir(args.out, files_of(design(best.widths), hardware), force=args.force)
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


def _load_network(args: argparse.Namespace) -> FloatNetwork:
    from .._support.validation import check_positive
    from ..memory.spec import Discretizer
    from ..models.importers import load
    from ..models.network import retime

    rate = getattr(args, "rate", None)
    if rate is not None and not 1e-9 <= check_positive("--rate", rate) <= 1e12:
        raise SpecError(f"--rate must be from 1e-9 to 1e12 samples a second, not {rate:g}")
    theta = None if args.theta is None else check_positive("--theta", args.theta)
    try:
        discretizer = None if args.discretizer is None else Discretizer(args.discretizer)
    except ValueError:
        raise SpecError(
            f"discretizer must be one of zoh, euler, bilinear, not {args.discretizer!r}"
        ) from None
    one = None if args.activation is None else _activation("--activation", args.activation)
    each = None if args.activations is None else args.activations.split(",")

    def note(text: str) -> None:
        if not args.quiet:
            print(plain(f"lmu-hw: note: {args.file}: {text}"), file=sys.stderr)

    network = load(
        args.file,
        spec=args.spec,
        theta=theta,
        discretizer=discretizer,
        activation=one,
        activations=None if each is None else [_activation("--activations", f) for f in each],
        note=note,
    )
    return network if args.dt_ratio is None else retime(network, args.dt_ratio)


def _activation(flag: str, name: str) -> Activation:
    from ..models.network import Activation

    # a cell feeds its output back, so it is no last layer of scores
    known = [a for a in Activation if a is not Activation.SOFTMAX or flag == "--activations"]
    for activation in known:
        if activation.value == name.strip():
            return activation
    raise SpecError(f"{flag} must be of {', '.join(a.value for a in known)}, not {name[:80]!r}")


def _calibration(
    args: argparse.Namespace, network: FloatNetwork
) -> tuple[Calibration, Dataset | None]:
    from .._support.validation import check_positive
    from ..measure.dataset import load_dataset
    from ..models.importers.model_file import read_ranges
    from ..quantize.calibration import Calibration
    from ..quantize.ranges import Seen

    path = args.calibrate if hasattr(args, "calibrate") else args.data
    ranges = read_ranges(args.file) if path is None and args.input_peak is None else {}
    if ranges:
        known = {name: Seen(peak=peak, power=power) for name, (peak, power) in ranges.items()}
        return Calibration(network, known=known), None
    path = path or args.data
    peak = None if args.input_peak is None else check_positive("--input-peak", args.input_peak)
    if path is None:
        return Calibration(network, None, peak), None
    dataset = load_dataset(path, network).sample(CALIBRATED)
    return Calibration(network, dataset.sequences, peak), dataset


def _say_notes(args: argparse.Namespace, notes: Sequence[str]) -> None:
    if not args.quiet:
        for note in notes:
            print("lmu-hw: note:", plain(note), file=sys.stderr)


def _widths(args: argparse.Namespace) -> Widths:
    from .._support.validation import check_int
    from ..quantize.word_lengths import WORD_BITS, Widths

    given: dict[str, Any] = {}
    if args.bits is not None:
        check_int("--bits of a trained model", args.bits, 4, WORD_BITS)
        given = dict.fromkeys(("weight_bits", "act_bits", "input_bits"), args.bits)
    for name in OTHER_WIDTHS:
        if (value := getattr(args, name)) not in (None, "auto"):
            given[name] = value
    return Widths(**given | _weight_bits(args.weight_bits))


def _weight_bits(given: Any) -> dict[str, Any]:
    """Return the widths that ``8`` (all layers) or ``4,6,8`` (one for each) ask for."""
    if given is None:
        return {}
    if "," not in str(given):
        return {"weight_bits": given}
    try:
        each = tuple(int(part) for part in given.split(","))
    except ValueError:
        raise SpecError(
            f"--weight-bits must be a width, or one for each layer as in 4,6,8, not {given!r}"
        ) from None
    return {"layer_weight_bits": each}


def _limited(args: argparse.Namespace, dataset: Dataset) -> Dataset:
    from .._support.validation import check_int

    if args.limit is None:
        return dataset
    check_int("--limit", args.limit, 1, 1 << 40)
    return dataset.sample(args.limit)


def _output_every(given: Any, network: FloatNetwork) -> int:
    from .._support.validation import check_int
    from ..program.integer_program import MAX_OUTPUT_EVERY

    if given is None:
        return 1 if network.every_step else 0
    if given == "last":
        return 0
    if type(given) is not int:
        raise SpecError(f"--output-every must be a number of steps, or last, not {given!r}")
    check_int("--output-every", given, 1, MAX_OUTPUT_EVERY)
    return given


def _max_loss(text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1.0:
        raise SpecError(f"--max-loss must be a share such as 0.2% or 0.002, not {text!r}")
    return value


def _title(args: argparse.Namespace, widths: Widths) -> str:
    stem = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in _stem(args.file)
    )
    return (
        f"network {stem[:80]}: weights {widths.weights_text}, "
        f"activations {widths.act_bits}, memory coefficients {widths.coef_bits} bits"
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(path.suffix).removesuffix(".weights")


def _say_network(args: argparse.Namespace, network: FloatNetwork, head: dict[str, str]) -> None:
    from ..quantize.network_summary import report

    found = report(network, None if args.rate is None else float(args.rate))
    if args.json:
        print_json(head | found.to_dict())
    elif not args.quiet:
        print(found)


def _options(point: Point) -> list[str]:
    """Return the widths of a point as evaluate and generate take them."""
    widths: dict[str, Any] = {"weight_bits": point.widths.weights_text}
    others = {name: getattr(point.widths, name) for name in OTHER_WIDTHS}
    widths |= {name: bits for name, bits in others.items() if bits is not None}
    return [f"--{name.replace('_', '-')}={bits}" for name, bits in widths.items()]


def _command(args: argparse.Namespace, point: Point) -> str:
    """Return the command that generates the folder of a point."""
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
