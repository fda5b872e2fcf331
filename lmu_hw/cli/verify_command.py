"""``lmu-hw verify``: every backend against the interpreter, word for word."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, plain
from .arguments import add_command, number, print_json

if TYPE_CHECKING:
    from ..verify.worst_case import Reached

MAX_STEPS = 10**9
MAX_SEED = 2**31 - 1


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "verify",
        "Compare every backend with the interpreter, word for word.",
        "  lmu-hw verify out\n"
        "  lmu-hw verify out --backends c,cxxrtl --steps 1000000 --seed 7 --json",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory written by generate")
    sub.add_argument(
        "--backends",
        metavar="LIST",
        help="of icarus (Verilog, sees X), c, cxxrtl and verilator (Verilog compiled, for millions "
        "of steps), c-m0, c-m3, c-m4, c-m7, c-rv32, c-avr and c-uno (C on microcontrollers, in "
        "QEMU); default: all that are installed",
    )
    sub.add_argument("--steps", type=number, metavar="N", help="least steps for each backend")
    sub.add_argument("--seed", type=number, default=0, metavar="S", help="of stimulus and stalls")
    sub.add_argument("--input", type=Path, metavar="FILE", help="stimulus: .npy, .csv or .wav")
    sub.add_argument("--columns", metavar="LIST", help="see simulate")
    sub.add_argument("--full-scale", type=number, default=1.0, metavar="X", help="see simulate")
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


def run(args: argparse.Namespace) -> int:
    """Run the backends of a folder."""
    from dataclasses import asdict

    from .._support.build_directory import read_manifest
    from .._support.validation import check_int
    from ..measure.signal_files import parse_columns, read_signal
    from ..measure.simulate import check_full_scale, saturation_text, to_words
    from ..program.integer_program import Role
    from ..verify.load_build import edited, load_program
    from ..verify.recordings import verify_recordings
    from ..verify.selection import choose
    from ..verify.verification import summary, verify

    if args.steps is not None:
        check_int("--steps", args.steps, 1, MAX_STEPS)
    check_int("--seed", args.seed, 0, MAX_SEED)
    check_full_scale(args.full_scale)
    select = None if args.columns is None else parse_columns(args.columns)
    if select is not None and args.input is None:
        raise SpecError("--columns is of the file that --input names: give that too")
    program = load_program(args.dir)
    network = "network" in read_manifest(args.dir)
    full_scale = check_full_scale(args.full_scale, network=network)
    backends, missing = choose(args.backends, program, args.dir)
    inputs, notes = None, []
    recordings: list[Any] = []
    reached: list[Reached] = []
    if args.worst_case:
        from ..verify.worst_case import drive

        if args.steps is not None or args.input is not None:
            raise SpecError("--worst-case is a stimulus of its own: leave out --steps and --input")
        inputs, reached = drive(program)
    elif args.input is not None:
        signal = read_signal(args.input, columns=program.n_words(Role.INPUT), select=select)
        inputs, saturated = to_words(program, signal, full_scale, args.input)
        recordings = [inputs[a:b] for a, b in pairwise(signal.offset)]
        if len(recordings) > 1:
            notes.append(f"{len(recordings)} recordings, the state reset between them")
        if saturated:
            notes.append(saturation_text(saturated, signal.samples, full_scale, network=network))
    options = {"backends": backends, "n_steps": args.steps, "seed": args.seed}
    if len(recordings) > 1:
        outcomes = verify_recordings(args.dir, recordings, **options, quiet=args.quiet)
    else:
        outcomes = verify(args.dir, **options, inputs=inputs, quiet=args.quiet)
    result = summary(program, outcomes)
    result |= {"seed": args.seed, "not_verified": list(missing), "edited": edited(args.dir)}
    if args.input is not None:
        result |= {"input": str(args.input), "recordings": len(recordings)}
        result |= {"saturated": saturated, "notes": notes}
    if args.worst_case:
        result |= {"worst_case": [asdict(r) for r in reached]}
    found = []
    if any(o.first is not None for o in outcomes):
        from ..verify.divergence import locate

        failed = (o for o in outcomes if o.failing is not None)
        found = [locate(args.dir, program, o, args.seed, waves=args.vcd) for o in failed]
        result |= {"divergences": [f.data() for f in found]}
    if args.json:
        print_json(result)
    elif not args.quiet:
        for r in reached:
            share = f"{100 * r.observed / r.bound:.1f} % of its bound"
            print(f"{r.signal}: {r.observed} words reached, {share} of {r.bound}")
        for o in outcomes:
            clock = "" if o.cycles_per_step is None else f", {o.cycles_per_step} cycles per step"
            verdict = "equal in every word" if not o.mismatches else f"{o.mismatches} words differ"
            print(
                f"{o.backend:9} {o.steps} steps ({o.silent_steps} silent), {o.words} words: "
                f"{verdict}{clock}"
            )
        for name, why in missing.items():
            print(f"{name:9} NOT VERIFIED: {why}")
        for name in result["edited"]:
            print(plain(f"note: {name} was edited since generate wrote it"))
        for note in notes:
            print(plain(f"note: {note}"))
        for divergence in found:
            for line in divergence.text().splitlines():
                print(plain(line))
    for o in outcomes:
        if o.first is not None:
            raise o.first
    return 0
