"""``lmu-hw verify``: every backend against the interpreter, word for word; circuits in ngspice."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError
from .arguments import add_command, number, print_json

if TYPE_CHECKING:
    from ..program.codec import Report

BACKENDS_ONLY = ("backends", "steps", "input", "columns", "full_scale", "vcd", "worst_case")
"""Options that an analog memory has no use for."""


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "verify",
        "Compare every backend with the interpreter, word for word; an analog memory in ngspice "
        "with the float memory.",
        "  lmu-hw verify out\n"
        "  lmu-hw verify out --backends c,cxxrtl --steps 1000000 --seed 7 --json\n"
        "  lmu-hw verify circuit --monte-carlo 1000 --calibrate",
    )
    sub.add_argument(
        "dir", type=Path, metavar="DIR", help="build directory written by generate or analog"
    )
    sub.add_argument(
        "--backends",
        metavar="LIST",
        help="from icarus (Verilog, detects X), c, cxxrtl and verilator (compiled Verilog, for "
        "millions of steps), c-m0, c-m3, c-m4, c-m7, c-m33, c-m55, c-rv32, c-avr and c-uno (C on "
        "microcontrollers, in QEMU); default: all whose tools are installed",
    )
    sub.add_argument("--steps", type=number, metavar="N", help="steps of each backend, at least")
    sub.add_argument(
        "--seed", type=number, default=0, metavar="S", help="seed of stimulus and stalls, or units"
    )
    sub.add_argument("--input", type=Path, metavar="FILE", help="stimulus: .npy, .csv or .wav")
    sub.add_argument("--columns", metavar="LIST", help="see simulate")
    sub.add_argument("--full-scale", type=number, metavar="X", help="see simulate")
    sub.add_argument(
        "--vcd",
        action="store_true",
        help="write a waveform of the steps around the first mismatch in Verilog",
    )
    sub.add_argument(
        "--worst-case",
        action="store_true",
        help="stimulus that drives every signal of a memory to the bound in its certificate",
    )
    analog = sub.add_argument_group("for an analog memory")
    analog.add_argument(
        "--monte-carlo",
        type=number,
        metavar="N",
        help="draw N units with parts of the tolerance, some of them in ngspice too",
    )
    analog.add_argument(
        "--calibrate", action="store_true", help="also fit the taps of every unit drawn"
    )


def run(args: argparse.Namespace) -> int:
    """Verify a build directory."""
    from .._support.build_directory import ANALOG, read_manifest

    return _analog(args) if ANALOG in read_manifest(args.dir, analog=True) else _backends(args)


def _analog(args: argparse.Namespace) -> int:
    """Compare the circuit of a build directory in ngspice with the float memory."""
    from ..circuits.verify_directory import verify_directory

    for option in BACKENDS_ONLY:
        if getattr(args, option) not in (None, False):
            raise SpecError(
                f"--{option.replace('_', '-')} is for Verilog and C, and {args.dir} is an analog "
                "memory: leave it out"
            )
    report = verify_directory(
        args.dir,
        units=args.monte_carlo,
        calibrate=args.calibrate,
        seed=args.seed,
        quiet=args.quiet,
    )
    _show(args, report)
    report.check()
    return 0


def _backends(args: argparse.Namespace) -> int:
    """Compare the backends of a build directory with the interpreter."""
    from .._support.build_directory import read_manifest
    from ..measure.signal_files import parse_columns, read_signal
    from ..measure.simulate import check_full_scale, saturation_text, to_words
    from ..program.integer_program import Role
    from ..verify.load_build import load_program
    from ..verify.verify_build import verify_build
    from ..verify.verify_report import InputFile

    if args.monte_carlo is not None or args.calibrate:
        raise SpecError(
            f"--monte-carlo and --calibrate are for an analog memory, and {args.dir} is not one"
        )
    given = 1.0 if args.full_scale is None else args.full_scale
    check_full_scale(given)
    select = None if args.columns is None else parse_columns(args.columns)
    if select is not None and args.input is None:
        raise SpecError("--columns needs --input: give the file too")
    if args.worst_case and (args.steps is not None or args.input is not None):
        raise SpecError("--worst-case generates its own stimulus: leave out --steps and --input")
    program = load_program(args.dir)
    network = "network" in read_manifest(args.dir)
    full_scale = check_full_scale(given, network=network)
    file, recordings = None, []
    if args.input is not None:
        signal = read_signal(args.input, columns=program.n_words(Role.INPUT), select=select)
        inputs, saturated = to_words(program, signal, full_scale, args.input)
        recordings = [inputs[a:b] for a, b in pairwise(signal.offset)]
        notes = []
        if len(recordings) > 1:
            notes.append(f"{len(recordings)} recordings, the state reset between them")
        if saturated:
            notes.append(saturation_text(saturated, signal.samples, full_scale, network=network))
        file = InputFile(
            input=str(args.input),
            recordings=len(recordings),
            saturated=saturated,
            notes=tuple(notes),
        )
    report = verify_build(
        args.dir,
        backends=args.backends,
        n_steps=args.steps,
        seed=args.seed,
        recordings=recordings,
        file=file,
        worst_case=args.worst_case,
        waves=args.vcd,
        quiet=args.quiet,
    )
    _show(args, report)
    report.check()
    return 0


def _show(args: argparse.Namespace, report: Report) -> None:
    if args.json:
        print_json(report.to_dict())
    elif not args.quiet:
        print(report)
