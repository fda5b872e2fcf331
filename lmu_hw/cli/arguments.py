"""The options of every command, and what is said of those that nobody knows."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._support.command_parser import Parser

MEMORY_ONLY = ("order", "realization", "output", "channels")
"""Options of generate that a trained model has no use for."""
MODEL_ONLY = (
    *("act_bits", "input_bits", "data", "input_peak", "output_every", "dt_ratio", "config"),
    *("activation", "activations"),
)
"""Options of generate that only a trained model has."""


def parse_args(argv: Sequence[str] | None, version: str) -> argparse.Namespace:
    """Return the options of a command line; ``command`` is None where it names none.

    Parameters
    ----------
    argv : sequence of str or None
        None for that of the process.
    version : str
        What ``--version`` prints.

    Raises
    ------
    UsageError
        If it cannot be understood.
    """
    top, commands = parser(version)
    words = sys.argv[1:] if argv is None else list(argv)
    # before argparse does, which lists every command and suggests none
    if words and not words[0].startswith("-") and words[0] not in commands:
        near = difflib.get_close_matches(words[0], commands, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(commands)}"
        top.error(f"unknown command {words[0]!r}; {hint}")
    if words and words[0].startswith("-") and words[0] not in top.options():
        name = next((name for name, sub in commands.items() if words[0] in sub.options()), None)
        if name is None:
            top.refuse(words[0])
        top.error(f"{words[0]} goes after the command, as in lmu-hw {name} {words[0]}")
    args, rest = top.parse_known_args(words)
    if rest:
        commands.get(args.command, top).refuse(rest[0])
    return args


def print_json(data: dict[str, Any]) -> None:
    """Print one JSON object, in strict JSON."""
    print(json.dumps(data, allow_nan=False))


def _number(text: str) -> Any:
    """Return a number where the text is one; the specification says what is wrong otherwise."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def parser(version: str) -> tuple[Parser, dict[str, Parser]]:
    """Return the parser of the whole command line, and those of its commands."""
    top = Parser(
        prog="lmu-hw",
        description="Compile Legendre Memory Units to bit-exact Verilog and C.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  lmu-hw generate --d 64 --bits 16 -o out\n"
        "  lmu-hw verify out\n"
        "  lmu-hw simulate out --input ecg.wav --output memory.npy\n"
        "  lmu-hw doctor",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"lmu-hw {version}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _add_generate(commands)
    _add_verify(commands)
    _add_certify(commands)
    _add_simulate(commands)
    _add_models(commands)
    _add_synth(commands)
    _add_footprint(commands)
    _add_doctor(commands)
    return top, dict(commands.choices)


def _add(commands: Any, name: str, text: str, examples: str) -> Any:
    sub = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    sub.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    sub.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")
    return sub


def _add_generate(commands: Any) -> None:
    sub = _add(
        commands,
        "generate",
        "Write a folder with Verilog, C, vectors and a manifest, of a memory or a trained model.",
        "  lmu-hw generate --d 64 --bits 16 -o out\n"
        "  lmu-hw generate --d 64 --theta 360 --output taps=0,0.5,1 -o out\n"
        "  lmu-hw generate memory.toml --force          # keys as the options: d = 64, bits = 16\n"
        "  lmu-hw generate model.keras --data calibration.npz --weight-bits 8 -o out",
    )
    sub.add_argument(
        "spec",
        nargs="?",
        type=Path,
        metavar="SPEC|MODEL",
        help="TOML or JSON file of keys, or a trained model as inspect reads it",
    )
    options = (
        ("--d", "order", "N", "number of Legendre coefficients, 1 to 1024"),
        ("--theta", "theta", "T", "window length in samples, to 1,000,000 (default 8 d)"),
        ("--discretizer", "discretizer", "METHOD", "zoh (default), euler or bilinear"),
        (
            "--bits",
            "bits",
            "B",
            "width of input and output words, 4 to 24 (default 16); of a model, 4 to 16: of all "
            "weights, layers' outputs and input that have no option of their own",
        ),
        ("--realization", "realization", "KIND", "auto (default), cascade or dense"),
        (
            "--output",
            "output",
            "WHAT",
            "memory (default), state, or taps=0,0.5,1 as parts of theta",
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
            "width of the recursion's coefficients, 4 to 24 (default auto: enough)",
        ),
        (
            "--weight-bits",
            "weight_bits",
            "N",
            "width of the readout's coefficients, 4 to 24 (default auto: enough)",
        ),
        ("--name", "name", "NAME", "prefix of files, modules and C names (default lmu)"),
        (
            "--state-bits",
            "state_bits",
            "N",
            "width of the state, 4 to 48 (default auto: what --bits needs)",
        ),
    )
    for flag, dest, metavar, text in options:
        sub.add_argument(flag, dest=dest, metavar=metavar, type=_number, help=text)
    sub.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("lmu_out"),
        metavar="DIR",
        help="folder (default lmu_out)",
    )
    _add_hardware(sub)
    sub.add_argument(
        "--require-proof",
        action="store_true",
        help="only a design whose recurrent signals are all proven to keep to their formats: of a "
        "memory, --realization auto tries one realization after the other",
    )
    sub.add_argument("--force", action="store_true", help="replace a folder that was edited")
    model = sub.add_argument_group("for a trained model")
    _add_act_and_input(model)
    model.add_argument(
        "--output-every",
        type=_number,
        metavar="K|last",
        help="steps from output to output (default: as the model was trained)",
    )
    model.add_argument("--data", type=Path, metavar="D.npz", help="input like that to come: ranges")
    _add_ranges(model)
    model.add_argument("--dt-ratio", type=_number, metavar="R", help="see inspect")
    model.add_argument("--spec", dest="config", type=Path, metavar="JSON", help="see inspect")
    for flag in ("--activation", "--activations"):
        model.add_argument(flag, metavar="F", help="see inspect")


def _add_hardware(sub: Any) -> None:
    sub.add_argument(
        "--lanes",
        type=_number,
        metavar="P",
        help="multiply-accumulate lanes of the Verilog, 1 to 64 (default 1)",
    )
    sub.add_argument(
        "--streams",
        metavar="NAMES",
        help="names of the Verilog's ports: plain (default), or axi for AXI4-Stream",
    )
    sub.add_argument(
        "--state-port",
        action="store_const",
        const=True,
        help="ports of the Verilog that clear, save and load the state",
    )


def _add_act_and_input(group: Any) -> None:
    group.add_argument(
        "--act-bits",
        type=_number,
        metavar="N",
        help="width of the layers' outputs, 4 to 16 (default 16)",
    )
    group.add_argument(
        "--input-bits", type=_number, metavar="N", help="width of the input, 4 to 16 (default 16)"
    )


def _add_ranges(group: Any) -> None:
    group.add_argument(
        "--input-peak",
        type=_number,
        metavar="X",
        help="what the input reaches (default: in the data, or 1)",
    )


def _add_verify(commands: Any) -> None:
    sub = _add(
        commands,
        "verify",
        "Run every backend of a folder against the interpreter, word for word.",
        "  lmu-hw verify out\n"
        "  lmu-hw verify out --backends c,cxxrtl --steps 1000000 --seed 7 --json",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="folder written by generate")
    sub.add_argument(
        "--backends",
        metavar="LIST",
        help="of icarus (Verilog, sees X), c, cxxrtl and verilator (Verilog compiled, for millions "
        "of steps), c-m0, c-m3, c-m4, c-m7, c-rv32, c-avr and c-uno (C on microcontrollers, in "
        "QEMU); default: all that are installed",
    )
    sub.add_argument("--steps", type=_number, metavar="N", help="steps for each backend, at least")
    sub.add_argument("--seed", type=_number, default=0, metavar="S", help="of stimulus and stalls")
    sub.add_argument("--input", type=Path, metavar="FILE", help="stimulus: .npy, .csv or .wav")
    sub.add_argument("--columns", metavar="LIST", help="see simulate")
    sub.add_argument("--full-scale", type=_number, default=1.0, metavar="X", help="see simulate")
    sub.add_argument(
        "--vcd",
        action="store_true",
        help="leave a waveform of the steps around the first word of Verilog that differs",
    )
    sub.add_argument(
        "--worst-case",
        action="store_true",
        help="stimulus: what drives every signal of the memory to the bound of its certificate",
    )


def _add_certify(commands: Any) -> None:
    sub = _add(
        commands,
        "certify",
        "Derive every claim of a folder's certificate again, from its program alone.",
        "  lmu-hw certify out\n  lmu-hw certify out --json",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="folder written by generate")


def _add_simulate(commands: Any) -> None:
    sub = _add(
        commands,
        "simulate",
        "Stream a file through the integer program.",
        "  lmu-hw simulate out --input ecg.npy --output delayed.csv --full-scale 1024\n"
        "  lmu-hw simulate out --input log.csv --columns ax,ay --output classes.csv\n"
        "  lmu-hw simulate out --input test.npz --output outputs.npz --words\n"
        "  lmu-hw simulate out --input words.npy --output words_out.npy --raw\n\n"
        "recordings: blank lines part them in CSV, a .npz data set holds them as sequences (see\n"
        "evaluate); each begins from reset\n"
        ".npz output: an array for each output of the design, rows of all recordings, and offset;\n"
        "recording i is y[offset[i]:offset[i + 1]]. Labels are integers, and with --words all\n"
        "outputs are: a value is y * 2.0**-y_frac_bits",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="folder written by generate")
    sub.add_argument(
        "--input", type=Path, required=True, metavar="FILE", help=".npy, .csv, .wav or .npz"
    )
    sub.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=".npy, .csv, .wav or .npz"
    )
    sub.add_argument(
        "--columns",
        metavar="LIST",
        help="columns that are the inputs, in their order: numbers from 1, or names of CSV columns",
    )
    sub.add_argument(
        "--full-scale",
        type=_number,
        default=1.0,
        metavar="X",
        help="input value that stands for 1.0, the largest u (default 1); of a memory alone, whose "
        "outputs scale with its input",
    )
    sub.add_argument("--words", action="store_true", help="integer words out")
    sub.add_argument("--raw", action="store_true", help="integer words in and out")
    sub.add_argument(
        "--engine",
        choices=("auto", "c", "interpreter"),
        default="auto",
        help="auto: compiled C where there is a compiler; all give the same words",
    )


def _add_models(commands: Any) -> None:
    importer = _add(
        commands,
        "import",
        "Read a trained model and write it as one neutral file (.npz, no pickles).",
        "  lmu-hw import model.keras -o model.npz\n"
        "  lmu-hw import weights.weights.h5 --spec config.json -o model.npz\n"
        "  lmu-hw import model.keras --dt-ratio 0.5 -o twice_the_rate.npz",
    )
    importer.add_argument(
        "-o", "--out", type=Path, metavar="MODEL.npz", help="default: FILE's name in this folder"
    )
    importer.add_argument("--force", action="store_true", help="replace a file of somebody else")
    inspector = _add(
        commands,
        "inspect",
        "Say what is in a model: layers, windows, parameters, multiplies.",
        "  lmu-hw inspect model.keras --rate 360\n  lmu-hw inspect model.npz --json",
    )
    evaluator = _add(
        commands,
        "evaluate",
        "Run a model as integers and as floats over data, side by side.",
        "  lmu-hw evaluate model.keras --data test.npz --bits 8\n"
        "  lmu-hw evaluate model.npz --data test.npz --calibrate train.npz --json\n\n"
        "data: x (N, T, n), or x (total, n) with offset (N + 1,); y labels (N,) or targets\n"
        "NRMSE: RMS error over RMS of the target, which is not centred",
    )
    tuner = _add(
        commands,
        "tune",
        "Find the cheapest word lengths that keep a model's accuracy.",
        "  lmu-hw tune model.keras --data test.npz --max-loss 0.2% -o out\n\n"
        "NRMSE: RMS error over RMS of the target, which is not centred",
    )
    for sub in (evaluator, tuner):
        sub.add_argument(
            "--data", type=Path, required=True, metavar="D.npz", help="x, and y to judge by"
        )
        sub.add_argument(
            "--calibrate", type=Path, metavar="C.npz", help="data for the ranges (default: D.npz)"
        )
        sub.add_argument("--limit", type=_number, metavar="N", help="sequences, evenly chosen")
        _add_ranges(sub)
        sub.add_argument(
            "--engine",
            choices=("auto", "c", "interpreter"),
            default="auto",
            help="auto: compiled C where there is a compiler; all give the same words",
        )
    for flag, text in (
        (
            "--bits",
            "width of all weights, layers' outputs and input without an own option, 4 to 16",
        ),
        ("--weight-bits", "width of weights, 2 to 16 (default 8)"),
        ("--coef-bits", "width of the memories' coefficients, 4 to 24 (default 16)"),
        ("--state-bits", "width of the memories' states, 8 to 32 (default auto: enough)"),
    ):
        evaluator.add_argument(flag, type=_number, metavar="N", help=text)
    _add_act_and_input(evaluator)
    tuner.add_argument(
        "--max-loss",
        default="0.2%",
        metavar="SHARE",
        help="accuracy that may be lost, or NRMSE added, as 0.2%% or 0.002 (default 0.2%%)",
    )
    tuner.add_argument("--output-every", type=_number, metavar="K|last", help="see generate")
    tuner.add_argument("--name", type=str, help="see generate")
    tuner.add_argument("-o", "--out", type=Path, metavar="DIR", help="write the best folder here")
    _add_hardware(tuner)
    tuner.add_argument("--force", action="store_true", help="replace a folder that was edited")
    for sub in (importer, inspector, evaluator, tuner):
        sub.add_argument(
            "file",
            type=Path,
            metavar="FILE",
            help=".keras, .h5, .weights.h5, .npz, .safetensors or PyTorch",
        )
        sub.add_argument(
            "--spec", type=Path, metavar="JSON", help="of a file of weights: model.to_json()"
        )
        sub.add_argument(
            "--theta", type=_number, metavar="T", help="window in samples, where FILE has none"
        )
        sub.add_argument("--discretizer", choices=("zoh", "euler", "bilinear"), help="the same")
        sub.add_argument(
            "--activation",
            metavar="F",
            help="function of the cells in a FILE of bare arrays (default tanh)",
        )
        sub.add_argument(
            "--activations",
            metavar="F,F",
            help="functions of its linear layers, in order, as in relu,linear",
        )
        sub.add_argument(
            "--dt-ratio",
            type=_number,
            metavar="R",
            help="new time step over old: the same weights for another sample rate",
        )
        sub.add_argument("--rate", type=_number, metavar="HZ", help="samples a second")


def _add_synth(commands: Any) -> None:
    sub = _add(
        commands,
        "synth",
        "Synthesize, place and route the Verilog of a folder on real devices.",
        "  lmu-hw synth out --target ecp5-25k\n"
        "  lmu-hw synth out --target ice40-up5k --target ice40-hx8k --seed 2 --json\n\n"
        "targets: ice40-up5k, ice40-hx8k, ecp5-25k, ecp5-85k, gowin-gw1n9; xc7 (synthesis only)",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="folder written by generate")
    sub.add_argument(
        "--target",
        action="append",
        required=True,
        metavar="T",
        help="device; give the option again for more",
    )
    sub.add_argument(
        "--freq", type=_number, metavar="MHZ", help="clock to aim at (default: as fast as it goes)"
    )
    sub.add_argument(
        "--seed", type=_number, default=1, metavar="N", help="of placement (default 1)"
    )
    sub.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder for netlists and logs")
    sub.add_argument("-o", "--out", type=Path, metavar="FILE", help="write the JSON here too")
    sub.add_argument("--force", action="store_true", help="replace FILE if it is there")


def _add_footprint(commands: Any) -> None:
    sub = _add(
        commands,
        "footprint",
        "Compile the C of a folder for microcontrollers: flash, RAM, stack, instructions a step.",
        "  lmu-hw footprint out\n"
        "  lmu-hw footprint out --target c-m4 --target c-rv32 --json\n\n"
        "targets: c-m0, c-m3, c-m4, c-m7, c-rv32, c-avr (ATmega2560), c-uno (ATmega328P)",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="folder written by generate")
    sub.add_argument(
        "--target",
        action="append",
        metavar="T",
        help="core; give the option again for more (default: all that are installed and fit)",
    )
    sub.add_argument("-o", "--out", type=Path, metavar="FILE", help="write the JSON here too")


def _add_doctor(commands: Any) -> None:
    _add(
        commands,
        "doctor",
        "Say what is installed, what is missing and how to get it.",
        "  lmu-hw doctor",
    )
