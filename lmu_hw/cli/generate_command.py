"""``lmu-hw generate``: write the build directory of a memory or of a trained model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._support.command_parser import argument
from ..errors import SpecError, plain
from . import channel_options, model_options, rate_options
from .arguments import (
    add_command,
    add_hardware,
    add_input_peak,
    add_word_lengths,
    number,
    print_json,
)
from .rate_options import add_rate

if TYPE_CHECKING:
    from ..api.build import Build
    from ..api.design import Design
    from ..rtl.options import Hardware

MEMORY_ONLY = (
    *("order", "realization", "output", "channels", "substeps", "accuracy", "bandwidth"),
    *("neurons", "neuron_model", "seed", "generators"),
)
"""Options for memories only."""
MODEL_ONLY = (
    *("act_bits", "input_bits", "data", "input_peak", "output_every", "dt_ratio", "config"),
    *("activation", "activations"),
)
"""Options for trained models only."""
SPEC_KEYS = (
    *("order", "theta", "discretizer", "substeps", "accuracy", "bandwidth"),
    *("bits", "realization", "output", "channels", "name"),
    *("neurons", "neuron_model", "seed", "generators"),
)
WIDTH_KEYS = ("coef_bits", "weight_bits", "state_bits")


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "generate",
        "Write a build directory (Verilog, C, vectors, proofs) of a memory or a trained model.",
        "  lmu-hw generate --d 64 --bits 16 -o out\n"
        "  lmu-hw generate --d 64 --theta 360 --output taps=0,0.5,1 -o out\n"
        "  lmu-hw generate --d 8 --output state --rate 5M --target ecp5-25k -o out\n"
        "  lmu-hw generate --d 64 --theta 512 --accuracy 0.5% --bandwidth 0.0125 -o out\n"
        "  lmu-hw generate --d 6 --realization spiking --neurons 3072 -o out\n"
        "  lmu-hw generate memory.toml --force          # keys as options: d = 64, bits = 16\n"
        "  lmu-hw generate model.keras --data calibration.npz --weight-bits 8 -o out",
    )
    sub.add_argument(
        "spec",
        nargs="?",
        type=Path,
        metavar="SPEC|MODEL",
        help="TOML or JSON file of options, or a trained model (see inspect)",
    )
    options = (
        ("--d", "order", "N", "number of Legendre coefficients, 1 to 1024"),
        ("--theta", "theta", "T", "window length in samples, 1 to 1,000,000 (default 8 d)"),
        ("--discretizer", "discretizer", "METHOD", "zoh (default), euler or bilinear"),
        (
            "--substeps",
            "substeps",
            "K",
            "bilinear steps in a sample, 1 (default), 2, 4 or 8: more are more accurate",
        ),
        (
            "--accuracy",
            "accuracy",
            "SHARE",
            "largest error of decoded delays, as 0.5%% or 0.005, for input to --bandwidth: takes "
            "the discretizer and substeps with the fewest multiplies, unless given (see delays)",
        ),
        ("--bandwidth", "bandwidth", "F", "highest frequency in cycles a sample, to 0.5"),
        (
            "--bits",
            "bits",
            "B",
            "width of input and output words, 4 to 24 (default 16); for a model, 4 to 16: width of "
            "weights, layer outputs and input that have no option of their own",
        ),
        (
            "--realization",
            "realization",
            "KIND",
            "auto (default), cascade, ladder (bilinear), dense or spiking",
        ),
        (
            "--neurons",
            "neurons",
            "M",
            "most neurons of each channel, for a spiking memory; without it, as many as "
            "--accuracy needs, the largest error of m that is predicted",
        ),
        (
            "--neuron-model",
            "neuron_model",
            "MODEL",
            "integrate-fire (default) or poisson, for a spiking memory",
        ),
        ("--seed", "seed", "N", "seed of Poisson neurons (default 1)"),
        (
            "--generators",
            "generators",
            "S",
            "random number generators of Poisson neurons that run side by side, a power of two to "
            "256 (default 1)",
        ),
        (
            "--output",
            "output",
            "WHAT",
            "memory (default), state, or taps=0,0.5,1 (delays in fractions of theta)",
        ),
        (
            "--channels",
            "channels",
            "N",
            "independent signals through the same memory, to 64 (default 1)",
        ),
        (
            "--coef-bits",
            "coef_bits",
            "N",
            "width of the recursion's coefficients, 4 to 24 (default auto)",
        ),
        (
            "--weight-bits",
            "weight_bits",
            "N",
            "width of the readout's coefficients, 4 to 24 (default auto); of a model's weights, "
            "2 to 16 (default 8)",
        ),
        ("--name", "name", "NAME", "prefix of files, modules and C names (default lmu)"),
        (
            "--state-bits",
            "state_bits",
            "N",
            "width of the state, 4 to 48 (default auto: all three as the error budget needs)",
        ),
    )
    for flag, dest, metavar, text in options:
        sub.add_argument(flag, dest=dest, metavar=metavar, type=number, help=text)
    sub.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("lmu_out"),
        metavar="DIR",
        help="build directory (default lmu_out)",
    )
    sub.add_argument(
        "--kernels",
        type=Path,
        metavar="DIR",
        help="directory of one lmu_kernels.h for several designs: it is written there unless it is "
        "there, and not into the build directory",
    )
    add_hardware(sub)
    add_rate(sub)
    sub.add_argument(
        "--kit",
        default=(),
        metavar="NAME[,NAME]",
        help="add packages for other tools, such as litex,cmake: see 'lmu-hw kit list'",
    )
    sub.add_argument(
        "--require-proof",
        action="store_true",
        help="accept only a design whose recurrent signals are all proven to stay in their "
        "formats; --realization auto then tries every realization of a memory",
    )
    sub.add_argument(
        "--force",
        action="store_true",
        help="replace a build directory that was edited, and other kernels in --kernels",
    )
    model = sub.add_argument_group("for a trained model")
    add_word_lengths(model)
    model.add_argument(
        "--output-every",
        type=number,
        metavar="K|last",
        help="steps from output to output (default: as the model was trained)",
    )
    model.add_argument(
        "--data", type=Path, metavar="D.npz", help="calibration data: inputs like those to come"
    )
    add_input_peak(model)
    model.add_argument("--dt-ratio", type=number, metavar="R", help="see inspect")
    model.add_argument("--spec", dest="config", type=Path, metavar="JSON", help="see inspect")
    for flag in ("--activation", "--activations"):
        model.add_argument(flag, metavar="F", help="see inspect")
    channel_options.add_channels(
        sub,
        "Default: those of the model file, field by field; the outputs of a memory follow from its "
        "inputs; else w itself.",
    )


def run(args: argparse.Namespace) -> int:
    """Write the build directory of a memory or of a model."""
    from ..models.importers import is_model

    return _model(args) if args.spec is not None and is_model(args.spec) else _memory(args)


def _memory(args: argparse.Namespace) -> int:
    from .._support.progress import progress
    from ..api.compilation import compile
    from ..manifest import MemoryManifest
    from ..memory.spec import load, parse
    from ..quantize.channels import n_outputs, output_channels
    from ..quantize.delay_choices import choose_delays
    from ..rtl.options import chosen

    for name in MODEL_ONLY:
        if getattr(args, name) is not None:
            flag = "--spec" if name == "config" else f"--{name.replace('_', '-')}"
            other = "; in C, a step with NULL computes no output" * (name == "output_every")
            raise SpecError(f"{flag} is for a trained model: give its file too{other}")
    keys = load(args.spec) if args.spec else {}
    for name in (*SPEC_KEYS, *WIDTH_KEYS):
        value = getattr(args, name)
        if value is not None:
            keys.pop("d" if name == "order" else name, None)
            if name == "output":
                keys.pop("taps", None)
            keys[name] = value
    rate_options.check(args, keys)
    hardware = chosen(vars(args), keys)
    from_file = keys.pop("kit", ())
    args.kit = from_file if args.kit == () else args.kit
    units = channel_options.chosen(vars(args), keys)
    # auto means not given
    given = {k: v for k, v in keys.items() if not (k in WIDTH_KEYS and v == "auto")}
    spec = parse(given, extra_keys=("kit", *hardware.to_data(), *channel_options.KEYS))
    spec, delays = choose_delays(spec, given)
    inputs = channel_options.channels(units, "input", spec.channels, None)
    outputs = None if inputs is None else output_channels(spec, inputs)
    outputs = channel_options.channels(units, "output", n_outputs(spec), outputs)
    _check_places(args)
    with progress(f"generating {spec.describe()}", 2, args.quiet) as advance:
        design = compile(spec, require_proof=args.require_proof, inputs=inputs, outputs=outputs)
        advance(1)
        found = rate_options.rated(args, design, hardware)
        manifest = _written(design, found.hardware if found else hardware, args).manifest
        advance(1)
    assert isinstance(manifest.design, MemoryManifest)
    error = manifest.design.error_lsb
    if not error.kept and error.neurons is None:
        print(
            f"lmu-hw: warning: an error of {error.predicted:.2f} LSB RMS is predicted, over the "
            f"error budget of {error.budget:g}: a given width is too small",
            file=sys.stderr,
        )
    if args.json:
        more = {} if delays is None else {"delays": delays[0].to_dict()}
        more |= {} if found is None else {"rate": found.to_dict()}
        print_json({"build_directory": str(args.out), **manifest.to_dict(), **more})
    elif not args.quiet:
        print(manifest)
        if delays is not None and spec.accuracy is not None:
            report, taken = delays
            print(f"  {'chosen':12}  {report.reason(spec.accuracy, taken)}")
        if found is not None:
            print(f"  {'hardware':12}  {found}")
        _print_next(args.out)
    return 0


def _model(args: argparse.Namespace) -> int:
    from .._support.progress import progress
    from ..api.compilation import compile
    from ..measure.data_notes import calibration_notes, range_notes
    from ..rtl.options import chosen

    for name in MEMORY_ONLY:
        if getattr(args, name) is not None:
            flag = "--d" if name == "order" else f"--{name.replace('_', '-')}"
            raise SpecError(
                f"{flag} is for a memory only, and {args.spec} is a trained model; its word "
                "lengths are --bits, --weight-bits, --act-bits, --coef-bits, --state-bits"
            )
    rate_options.check(args, {})
    hardware = chosen(vars(args))
    _check_places(args)
    args.file, args.spec = args.spec, args.config
    network = model_options.load_network(args)
    network = model_options.with_channels(args, network)
    widths = model_options.widths(args)
    every = model_options.output_every(args.output_every, network)
    calibration, dataset = model_options.calibration(args, network)
    notes = calibration_notes(args.data, dataset)
    if network.widths not in (None, widths):
        assert network.widths is not None
        notes.append(
            f"{args.file} was trained for other word lengths; give "
            f"{model_options.flags(network.widths)}"
        )
    if dataset is None and calibration.known is None:
        notes.append(
            "without --data, ranges without a proof are calibrated on "
            f"{calibration.about}; give data like those to come"
        )
    with progress(f"generating {args.file.name}", 2, args.quiet) as advance:
        design = compile(
            network,
            widths=widths,
            calibration=calibration,
            output_every=every,
            name=args.name or "lmu",
            require_proof=args.require_proof,
        )
        advance(1)
        notes += [] if dataset is None else range_notes(args.data, dataset, design.network)
        found = rate_options.rated(args, design, hardware)
        manifest = _written(design, found.hardware if found else hardware, args).manifest
        advance(1)
    model_options.print_notes(args, notes)
    if args.json:
        more = {} if found is None else {"rate": found.to_dict()}
        print_json({"build_directory": str(args.out), **manifest.to_dict(), "notes": notes, **more})
    elif not args.quiet:
        print(manifest)
        if found is not None:
            print(f"  {'hardware':12}  {found}")
        _print_next(args.out)
    return 0


def _check_places(args: argparse.Namespace) -> None:
    """Check, before the work starts, that everything can be written."""
    from .._support.build_directory import check_target
    from ..firmware.shared_kernels import check_shared, shared_path
    from ..kits import catalogue

    check_target(args.out, force=args.force)
    catalogue.chosen(args.kit)
    if args.kernels is not None:
        shared_path(args.out, args.kernels)
        check_shared(args.kernels, force=args.force)


def _written(design: Design, hardware: Hardware, args: argparse.Namespace) -> Build:
    return design.write(args.out, hardware, force=args.force, kernels=args.kernels, kits=args.kit)


def _print_next(out: Path) -> None:
    print(plain(f"wrote {out}: next, lmu-hw verify {argument(out)}"))
