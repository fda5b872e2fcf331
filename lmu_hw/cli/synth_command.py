"""The command on real devices: synth."""

from __future__ import annotations

import argparse
import json

from .arguments import print_json

MAX_SEED = 2**31 - 1
MAX_FREQ = 1000.0
"""No device that is known here comes near this clock [MHz]."""


def synth(args: argparse.Namespace) -> int:
    """Synthesize, place and route the Verilog of a folder."""
    from .._support.build_directory import check_file, write_file
    from .._support.validation import check_int, check_positive
    from ..errors import SpecError, plain
    from ..measure.synthesis.devices import chosen
    from ..measure.synthesis.flow import synth as run

    check_int("--seed", args.seed, 0, MAX_SEED)
    freq = None if args.freq is None else check_positive("--freq", args.freq)
    if freq is not None and freq > MAX_FREQ:
        raise SpecError(f"--freq must be at most {MAX_FREQ:g} MHz, not {freq:g}")
    if args.out is not None:
        check_file(args.out, force=args.force)
    result = run(
        args.dir,
        chosen(args.target),
        seed=args.seed,
        freq=freq,
        keep=args.keep,
        quiet=args.quiet,
    )
    if args.out is not None:
        report = (json.dumps(result.to_dict(), indent=2) + "\n").encode()
        write_file(args.out, lambda file: file.write(report))
    if args.json:
        print_json(result.to_dict())
    elif not args.quiet:
        for line in str(result).splitlines():
            print(plain(line))
    return 0
