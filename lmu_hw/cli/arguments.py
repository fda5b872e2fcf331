"""Options that several commands share, and the JSON output of all commands."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..errors import plain

if TYPE_CHECKING:
    from ..program.codec import Report

MODEL_FILES = ".keras, .h5, .weights.h5, .npz, .safetensors or PyTorch"


def print_json(data: dict[str, Any]) -> None:
    """Print one object as strict JSON."""
    print(json.dumps(data, allow_nan=False))


def show_report(args: argparse.Namespace, report: Report) -> None:
    """Write the JSON of a report to ``--out``, and print it or the text."""
    from .._support.build_directory import write_file

    data = report.to_dict()
    if args.out is not None:
        content = (json.dumps(data, indent=2) + "\n").encode()
        write_file(args.out, lambda file: file.write(content))
    if args.json:
        print_json(data)
    elif not args.quiet:
        for line in str(report).splitlines():
            print(plain(line))


def number(text: str) -> Any:
    """Return a text as a number, or unchanged: the check of the value names the option."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def add_command(commands: Any, name: str, text: str, examples: str) -> Any:
    """Add a command with the options of all commands; return its parser."""
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


def add_hardware(sub: Any) -> None:
    """Add the options of the hardware."""
    sub.add_argument(
        "--lanes",
        type=number,
        metavar="P",
        help="multiply-accumulate lanes of the Verilog, 1 to 64 (default 1)",
    )
    sub.add_argument(
        "--streams",
        metavar="NAMES",
        help="port names of the Verilog: plain (default), or axi for AXI4-Stream",
    )
    sub.add_argument(
        "--state-port",
        action="store_const",
        const=True,
        help="add ports to the Verilog that clear, save and load the state",
    )
    sub.add_argument(
        "--parallel",
        metavar="STYLE",
        help="shared (default): one multiplier for the memory; ring: one for a few neighbouring "
        "sections; full: one for each coefficient. Ring and full are for a memory of one channel, "
        "and for layers that read it and feed nothing back",
    )
    sub.add_argument(
        "--layers",
        metavar="STYLE",
        help="with --parallel ring or full, of a network: lanes, which take the states of a step "
        "one by one (default with --lanes, and where outputs are not due at every step); pipelined "
        "(default otherwise): all at once; adders: the same with weights as graphs of adders",
    )
    sub.add_argument(
        "--pipeline",
        type=number,
        metavar="L",
        help="with --parallel full: registers of an adaptor, 1 to 6 (default 5); ring: 2 to 6",
    )
    sub.add_argument(
        "--interleave",
        type=number,
        metavar="S",
        help="with --parallel full: independent signals in one pipeline, 1 (default) to 2 L",
    )
    sub.add_argument(
        "--sections-per-multiplier",
        type=number,
        metavar="K",
        help="with --parallel ring: most sections, of two coefficients each, that share a "
        "multiplier, 1 to 64 (default 6)",
    )


def add_word_lengths(group: Any) -> None:
    """Add the widths of layer outputs and of the input."""
    group.add_argument(
        "--act-bits",
        type=number,
        metavar="N",
        help="width of the layers' outputs, 4 to 16 (default 16)",
    )
    group.add_argument(
        "--input-bits", type=number, metavar="N", help="width of the input, 4 to 16 (default 16)"
    )


def add_input_peak(group: Any) -> None:
    """Add the largest magnitude of the input."""
    group.add_argument(
        "--input-peak",
        type=number,
        metavar="X",
        help="largest magnitude of the input (default: that of the data, or 1)",
    )
