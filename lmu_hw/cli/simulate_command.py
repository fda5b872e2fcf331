"""``lmu-hw simulate``: run the integer program on a recorded signal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import plain
from .arguments import add_command, number, print_json

if TYPE_CHECKING:
    from ..measure.simulate import SpikeCount


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "simulate",
        "Run the integer program on a file.",
        "  lmu-hw simulate out --input ecg.npy --output delayed.csv --full-scale 1024\n"
        "  lmu-hw simulate out --input log.csv --columns ax,ay --output classes.csv\n"
        "  lmu-hw simulate out --input test.npz --output outputs.npz --words\n"
        "  lmu-hw simulate out --input words.npy --output words_out.npy --raw\n"
        "  lmu-hw simulate out --input u.npy --output y.npy --spikes raster.png\n\n"
        "recordings: blank lines separate them in CSV, a .npz data set holds them as sequences\n"
        "(see evaluate); each starts from reset\n"
        ".npz output: an array for each output vector (rows of all recordings), and offset;\n"
        "recording i is y[offset[i]:offset[i + 1]]. Labels are integers; with --words all\n"
        "outputs are integers, and a value is y * 2.0**-y_frac_bits",
    )
    sub.add_argument("dir", type=Path, metavar="DIR", help="build directory written by generate")
    sub.add_argument(
        "--input", type=Path, required=True, metavar="FILE", help=".npy, .csv, .wav or .npz"
    )
    sub.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=".npy, .csv, .wav or .npz"
    )
    sub.add_argument(
        "--columns",
        metavar="LIST",
        help="columns of the inputs, in order: numbers from 1, or names of CSV columns",
    )
    sub.add_argument(
        "--full-scale",
        type=number,
        default=1.0,
        metavar="X",
        help="for a memory: input value that becomes 1.0, the largest u; outputs are scaled back "
        "(default 1)",
    )
    sub.add_argument("--words", action="store_true", help="write integer words")
    sub.add_argument("--raw", action="store_true", help="read and write integer words")
    sub.add_argument(
        "--spikes",
        type=Path,
        metavar="FILE",
        help="for a memory on neurons: write address and time of every spike, .npz; .png: a raster",
    )
    sub.add_argument(
        "--engine",
        choices=("auto", "c", "interpreter"),
        default="auto",
        help="auto: compiled C where there is a compiler; all give the same words",
    )


def run(args: argparse.Namespace) -> int:
    """Run the integer program on a file."""
    from .._support.build_directory import read_manifest
    from ..measure.signal_files import parse_columns
    from ..measure.simulate import check_full_scale, simulate
    from ..program.integer_program import Role
    from ..verify.load_build import load_program

    check_full_scale(args.full_scale, raw=args.raw)
    select = None if args.columns is None else parse_columns(args.columns)
    program = load_program(args.dir)
    network = "network" in read_manifest(args.dir)
    result = simulate(
        program,
        args.input,
        args.output,
        full_scale=check_full_scale(args.full_scale, network=network),
        raw=args.raw,
        words=args.words,
        select=select,
        network=network,
        spikes=args.spikes,
        engine=args.engine,
        quiet=args.quiet,
    )
    outputs = program.with_role(Role.OUTPUT)
    if args.json:
        print_json(
            {
                "output": str(args.output),
                "recordings": result.recordings,
                "steps": result.steps,
                "samples": result.samples,
                "saturated": result.saturated,
                "engine": result.engine,
                "formats": {v.name: str(v.fmt) for v in outputs},
                "notes": result.notes,
                **_spikes(args.spikes, result.spikes),
            }
        )
    elif not args.quiet:
        several = result.recordings > 1
        what = f"{result.recordings} recordings, " if several else ""
        reset = ", the state reset between them" if several else ""
        steps = f"{what}{result.steps} steps through {args.dir}{reset}"
        print(plain(f"{steps}, written to {args.output}"))
        if args.raw or args.words:
            values = (f"{v.name} {v.fmt}, word * 2^{-v.fmt.frac_bits}" for v in outputs)
            print(f"words of {'; '.join(values)}")
        if result.spikes is not None:
            each = result.spikes.spikes / max(1, result.steps * result.spikes.neurons)
            print(
                plain(
                    f"{result.spikes.spikes} spikes of {result.spikes.neurons} neurons "
                    f"({each:.3g} a neuron and step), written to {args.spikes}"
                )
            )
        for note in result.notes:
            print(plain(note))
    return 0


def _spikes(target: Path | None, found: SpikeCount | None) -> dict[str, Any]:
    """Return what ``--json`` says of spikes; nothing if they were not asked for."""
    if found is None:
        return {}
    return {"spikes": {"file": str(target), "spikes": found.spikes, "neurons": found.neurons}}
