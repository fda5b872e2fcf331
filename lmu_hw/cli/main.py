"""The command line: one function a command, each returning its exit code.

Exit codes: 0 done, 1 an expected error (one line with the remedy), 2 no command given, 3 backends
disagree, 130 Ctrl-C. With ``--json`` stdout holds one JSON object or, after an error, nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise

from .. import __version__
from .._support.command_parser import argument
from ..errors import LMUHWError, MismatchError, SpecError, UndefinedBehaviourError, plain
from .arguments import MODEL_ONLY, parse_args, parser, print_json

Command = Callable[[argparse.Namespace], int]

MAX_STEPS = 10**9
MAX_SEED = 2**31 - 1
MAX_LINE = 2000
"""Longest error [characters]."""


def generate(args: argparse.Namespace) -> int:
    """Write the folder of a memory, or of a model."""
    from ..models.importers import is_model

    if args.spec is not None and is_model(args.spec):
        from .model_commands import generate_model

        return generate_model(args)
    for name in MODEL_ONLY:
        if getattr(args, name) is not None:
            flag = "--spec" if name == "config" else f"--{name.replace('_', '-')}"
            raise SpecError(f"{flag} is for a trained model: give its file as well")
    from .._support.build_directory import MANIFEST, check_target, write_build_dir
    from .._support.progress import progress
    from ..generate import files_of, proven_files_of
    from ..manifest import MemoryManifest, parse_manifest
    from ..memory.spec import load, parse
    from ..quantize.quantize_memory import quantize_memory
    from ..rtl.options import chosen

    data = load(args.spec) if args.spec else {}
    names = ("order", "theta", "discretizer", "bits", "realization", "output", "channels", "name")
    widths = ("coef_bits", "weight_bits", "state_bits")
    for name in (*names, *widths):
        value = getattr(args, name)
        if value is not None:
            data.pop("d" if name == "order" else name, None)
            if name == "output":
                data.pop("taps", None)
            data[name] = value
    hardware = chosen(vars(args), data)
    # a width left to lmu-hw is one that is not given
    given = {k: v for k, v in data.items() if not (k in widths and v == "auto")}
    spec = parse(given, beside=hardware.to_data())
    check_target(args.out, force=args.force)
    with progress(f"generating {spec.describe()}", 2, args.quiet) as advance:
        if args.require_proof:
            files = proven_files_of(spec, hardware)
        else:
            files = files_of(quantize_memory(spec), hardware)
        advance(1)
        write_build_dir(args.out, files, force=args.force)
        advance(1)
    manifest = parse_manifest(json.loads(files[MANIFEST]))
    assert isinstance(manifest.design, MemoryManifest)
    error = manifest.design.error_lsb
    if not error.kept:
        print(
            f"lmu-hw: warning: an error of {error.predicted:.2f} LSB RMS is predicted, over the "
            f"error budget of {error.budget:g}: a width was forced too low",
            file=sys.stderr,
        )
    if args.json:
        print_json({"folder": str(args.out), **manifest.to_dict()})
    elif not args.quiet:
        print(manifest)
        print(plain(f"wrote {args.out}: next, lmu-hw verify {argument(args.out)}"))
    return 0


def verify(args: argparse.Namespace) -> int:
    """Run the backends of a build directory."""
    from .._support.build_directory import read_manifest
    from .._support.validation import check_int
    from ..measure.signal_files import parse_columns, read_signal
    from ..measure.simulate import check_full_scale, saturation_text, to_words
    from ..program.integer_program import Role
    from ..verify.load_build import load_program
    from ..verify.verify_build import verify_build
    from ..verify.verify_report import InputFile

    if args.steps is not None:
        check_int("--steps", args.steps, 1, MAX_STEPS)
    check_int("--seed", args.seed, 0, MAX_SEED)
    check_full_scale(args.full_scale)
    select = None if args.columns is None else parse_columns(args.columns)
    if select is not None and args.input is None:
        raise SpecError("--columns is of the file that --input names: give that too")
    if args.worst_case and (args.steps is not None or args.input is not None):
        raise SpecError("--worst-case is a stimulus of its own: leave out --steps and --input")
    program = load_program(args.dir)
    network = "network" in read_manifest(args.dir)
    full_scale = check_full_scale(args.full_scale, network=network)
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
    if args.json:
        print_json(report.to_dict())
    elif not args.quiet:
        print(report)
    report.check()
    return 0


def simulate(args: argparse.Namespace) -> int:
    """Stream a file through the program."""
    from .._support.build_directory import read_manifest
    from ..measure.signal_files import parse_columns
    from ..measure.simulate import check_full_scale
    from ..measure.simulate import simulate as run
    from ..program.integer_program import Role
    from ..verify.load_build import load_program

    check_full_scale(args.full_scale, raw=args.raw)
    select = None if args.columns is None else parse_columns(args.columns)
    program = load_program(args.dir)
    network = "network" in read_manifest(args.dir)
    result = run(
        program,
        args.input,
        args.output,
        full_scale=check_full_scale(args.full_scale, network=network),
        raw=args.raw,
        words=args.words,
        select=select,
        network=network,
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
        for note in result.notes:
            print(plain(note))
    return 0


def doctor(args: argparse.Namespace) -> int:
    """Say what is installed."""
    from dataclasses import asdict

    from .tool_checks import checks

    found = checks()
    if args.json:
        print_json({"checks": [asdict(check) for check in found]})
        return 0
    for check in found:
        mark = "ok     " if check.ok else "missing"
        print(f"{mark} {check.name:16} {check.found or ''}".rstrip())
        if not check.ok:
            print(f"        needed for {check.needed_for}; {check.remedy}")
    return 0


def _of_models(name: str) -> Command:
    """Return a command on trained models, whose module loads when it is called."""

    def command(args: argparse.Namespace) -> int:
        from . import model_commands

        code: int = getattr(model_commands, name)(args)
        return code

    return command


def synth(args: argparse.Namespace) -> int:
    """Synthesize a folder; the module loads when it is called."""
    from .synth_command import synth as run

    return run(args)


def footprint(args: argparse.Namespace) -> int:
    """Measure the C of a folder; the module loads when it is called."""
    from .footprint_command import footprint as run

    return run(args)


def certify(args: argparse.Namespace) -> int:
    """Hold a folder's certificate against its program; the module loads when it is called."""
    from .certify_command import certify as run

    return run(args)


COMMANDS: dict[str, Command] = {
    "generate": generate,
    "verify": verify,
    "certify": certify,
    "simulate": simulate,
    "import": _of_models("import_model"),
    "inspect": _of_models("inspect"),
    "evaluate": _of_models("evaluate"),
    "tune": _of_models("tune"),
    "synth": synth,
    "footprint": footprint,
    "doctor": doctor,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    # a path need not be text that the terminal can show
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        args = parse_args(argv, __version__)
        if args.command is None:
            parser(__version__)[0].print_help(sys.stderr)
            return 2
        code: int = COMMANDS[args.command](args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except (MismatchError, UndefinedBehaviourError) as error:
        return _fail(error, 3)
    except LMUHWError as error:
        return _fail(error, 1)
    except BrokenPipeError:
        # whoever reads our output has left: not an error of ours
        _silence_stdout()
        return 0
    except OSError as error:
        try:
            sys.stdout.flush()
        except (AttributeError, OSError, ValueError):
            _silence_stdout()
        at = f" at {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror or error}{at}; make room or choose another place", 1)
    except MemoryError:
        return _fail("out of memory; ask for a smaller d or a shorter input", 1)
    except KeyboardInterrupt:
        # what Amaranth had under way is no news
        warnings.filterwarnings("ignore", message=".* created but never used")
        return _fail("interrupted", 130)


def _fail(error: object, code: int) -> int:
    """Say what went wrong in one line; return the exit code."""
    text = " ".join(str(error).split())[:MAX_LINE]
    print("lmu-hw:", plain(text), file=sys.stderr)
    return code


def _silence_stdout() -> None:
    """Drop what cannot be written, which Python would try again on its way out."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
