"""Options of the commands for trained models: file, word lengths and calibration."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, plain
from ..measure.evaluation import OTHER_WIDTHS
from . import channel_options
from .arguments import MODEL_FILES, number, print_json

if TYPE_CHECKING:
    from ..api.sources import Network
    from ..measure.dataset import Dataset
    from ..quantize.calibration import Calibration
    from ..quantize.word_lengths import Widths

ENGINES = ("auto", "c", "interpreter")


def add_model(sub: Any) -> None:
    """Add the model file and the options of its import."""
    sub.add_argument("file", type=Path, metavar="FILE", help=MODEL_FILES)
    sub.add_argument(
        "--spec",
        type=Path,
        metavar="JSON",
        help="Keras configuration, model.to_json(), for a FILE of weights only",
    )
    sub.add_argument("--theta", type=number, metavar="T", help="window [samples], if FILE has none")
    sub.add_argument(
        "--discretizer", choices=("zoh", "euler", "bilinear"), help="discretizer, if FILE has none"
    )
    sub.add_argument(
        "--activation",
        metavar="F",
        help="activation of the cells in a FILE of bare arrays (default tanh)",
    )
    sub.add_argument(
        "--activations",
        metavar="F,F",
        help="activations of the linear layers in such a FILE, in order, as in relu,linear",
    )
    sub.add_argument(
        "--dt-ratio",
        type=number,
        metavar="R",
        help="new time step divided by the old: the same weights for another sample rate",
    )
    sub.add_argument("--rate", type=number, metavar="HZ", help="sample rate [samples/s]")


def add_data(sub: Any) -> None:
    """Add the data that a model is evaluated and calibrated on."""
    sub.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="D.npz",
        help="data set: x, and y (labels or targets)",
    )
    sub.add_argument(
        "--calibrate", type=Path, metavar="C.npz", help="calibration data (default: D.npz)"
    )
    sub.add_argument("--limit", type=number, metavar="N", help="use N sequences, evenly spaced")
    add_engine(sub)


def add_engine(sub: Any) -> None:
    """Add the choice between compiled C and the interpreter."""
    sub.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="auto: compiled C where there is a compiler; all give the same words",
    )


def load_network(args: argparse.Namespace) -> Network:
    """Return the network of a command, retimed by ``--dt-ratio``; print notes."""
    from .._support.validation import check_positive
    from ..api.sources import load_model

    rate = getattr(args, "rate", None)
    if rate is not None and not 1e-9 <= check_positive("--rate", rate) <= 1e12:
        raise SpecError(f"--rate must be from 1e-9 to 1e12 samples a second, not {rate:g}")
    notes: list[str] = []
    network = load_model(
        args.file,
        theta=args.theta,
        discretizer=args.discretizer,
        activation=args.activation,
        activations=None if args.activations is None else args.activations.split(","),
        config=args.spec,
        notes=notes,
    )
    print_notes(args, [f"{args.file}: {text}" for text in notes])
    return network if args.dt_ratio is None else network.retime(args.dt_ratio)


def with_channels(args: argparse.Namespace, network: Network) -> Network:
    """Return a network with the names, units and scales of a command."""
    units, model = channel_options.chosen(vars(args)), network.model
    inputs = channel_options.channels(units, "input", model.n_in, model.inputs)
    outputs = channel_options.channels(units, "output", model.n_out, model.outputs)
    return network.with_channels(inputs=inputs, outputs=outputs)


def calibration(args: argparse.Namespace, network: Network) -> tuple[Calibration, Dataset | None]:
    """Return the calibrated ranges of a network, and the calibration data."""
    from .._support.validation import check_positive
    from ..api.compilation import CALIBRATION_SEQUENCES, calibrate
    from ..measure.dataset import load_dataset

    path = args.calibrate if hasattr(args, "calibrate") else args.data
    peak = None if args.input_peak is None else check_positive("--input-peak", args.input_peak)
    if path is None and peak is None and network.ranges:
        return calibrate(network), None
    path = path or args.data
    if path is None:
        return calibrate(network, input_peak=peak), None
    dataset = load_dataset(path, network.model).sample(CALIBRATION_SEQUENCES)
    return calibrate(network, dataset, input_peak=peak), dataset


def print_notes(args: argparse.Namespace, notes: Sequence[str]) -> None:
    """Print notes on stderr."""
    if not args.quiet:
        for note in notes:
            print("lmu-hw: note:", plain(note), file=sys.stderr)


def flags(widths: Widths) -> str:
    """Return the options that give word lengths."""
    given = {name: getattr(widths, name) for name in OTHER_WIDTHS}
    others = [f"--{n.replace('_', '-')} {bits}" for n, bits in given.items() if bits is not None]
    return " ".join([f"--weight-bits {widths.weights_text}", *others])


def widths(args: argparse.Namespace) -> Widths:
    """Return the word lengths of a command."""
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
    """Return the weight widths in ``8`` (all layers) or ``4,6,8`` (one for each layer)."""
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


def limited(args: argparse.Namespace, dataset: Dataset) -> Dataset:
    """Return the number of sequences that ``--limit`` allows."""
    from .._support.validation import check_int

    if args.limit is None:
        return dataset
    check_int("--limit", args.limit, 1, 1 << 40)
    return dataset.sample(args.limit)


def output_every(given: Any, network: Network) -> int:
    """Return the steps from output to output; 0: the last step."""
    from .._support.validation import check_int
    from ..program.integer_program import MAX_OUTPUT_EVERY

    if given is None:
        return 1 if network.model.every_step else 0
    if given == "last":
        return 0
    if type(given) is not int:
        raise SpecError(f"--output-every must be a number of steps, or last, not {given!r}")
    check_int("--output-every", given, 1, MAX_OUTPUT_EVERY)
    return given


def print_network(args: argparse.Namespace, network: Network, head: dict[str, str]) -> None:
    """Print the summary of a network."""
    found = network.summary(None if args.rate is None else float(args.rate))
    if args.json:
        print_json(head | found.to_dict())
    elif not args.quiet:
        print(found)
