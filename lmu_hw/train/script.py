"""Command line and error messages of the task scripts."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError, Namespace, RawTextHelpFormatter
from collections.abc import Callable
from pathlib import Path

from .._support.command_parser import Parser
from ..errors import LMUHWError, ModelFileError

MOST = 2**31 - 1


def arguments(text: str | None, epochs: int, *, qat_epochs: int, rival_epochs: int) -> Parser:
    """Return a parser with the options that all task scripts share."""
    parser = Parser(description=text, formatter_class=RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="directory of the data; default: LMU_HW_DATA")
    parser.add_argument(
        "--out", type=Path, default=Path("build/train"), help="directory for all results"
    )
    parser.add_argument("--epochs", type=_whole(0), default=epochs)
    parser.add_argument(
        "--qat-epochs", type=_whole(0), default=qat_epochs, help="epochs of each width; 0: none"
    )
    parser.add_argument("--qat-bits", type=int, nargs="*", default=(8, 4), help="widths of weights")
    parser.add_argument(
        "--qat-limit", type=_whole(1), help="train as integers on so few examples; default: all"
    )
    parser.add_argument(
        "--rival-epochs", type=_whole(0), default=rival_epochs, help="epochs of the LSTM; 0: none"
    )
    parser.add_argument("--seed", type=_whole(0), default=0)
    parser.add_argument(
        "--seeds", type=_whole(0), nargs="+", help="several: a directory for each, mean and spread"
    )
    parser.add_argument("--threads", type=_whole(1), default=1)
    parser.add_argument(
        "--limit", type=_whole(1), help="train and test on so few examples, for a trial"
    )
    parser.add_argument("--quiet", action="store_true")
    return parser


def _whole(least: int) -> Callable[[str], int]:
    """Return what reads a whole number of an option."""

    def whole(text: str) -> int:
        value = int(text)
        if not least <= value <= MOST:
            raise ArgumentTypeError(f"must be a whole number from {least} to {MOST}, not {value}")
        return value

    # argparse names it in its message on what is no number
    whole.__name__ = "int"
    return whole


def main(script: Callable[[], object]) -> None:
    """Run a script; an expected error is one line and exit code 1, Ctrl-C is 130."""
    try:
        script()
    except LMUHWError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; the same command continues after the last epoch", file=sys.stderr)
        sys.exit(130)


def find(options: Namespace, *parts: str, source: str) -> Path:
    """Return the path of a data file.

    Raises
    ------
    ModelFileError
        If it is missing; the message says where to download it.
    """
    data_dir = options.data or Path(os.environ.get("LMU_HW_DATA", "../shared/data"))
    for path in (data_dir / parts[-1], data_dir.joinpath(*parts)):
        if path.is_file():
            return Path(path)
    raise ModelFileError(
        f"no {parts[-1]} in {data_dir}: name its directory with --data; download it from {source}"
    )
