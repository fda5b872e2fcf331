"""What every task script takes from its command line and says to its user."""

from __future__ import annotations

import os
import sys
from argparse import Namespace, RawTextHelpFormatter
from collections.abc import Callable
from pathlib import Path

from .._support.command_parser import Parser
from ..errors import LMUHWError, ModelFileError


def arguments(text: str | None, epochs: int, *, qat_epochs: int, rival_epochs: int) -> Parser:
    """Return a parser of what all task scripts take."""
    parser = Parser(description=text, formatter_class=RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data; default: LMU_HW_DATA")
    parser.add_argument("--out", type=Path, default=Path("build/train"), help="for everything")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--qat-epochs", type=int, default=qat_epochs, help="at each width; 0: none")
    parser.add_argument("--qat-bits", type=int, nargs="*", default=(8, 4), help="widths of weights")
    parser.add_argument(
        "--rival-epochs", type=int, default=rival_epochs, help="of the LSTM; 0: none"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, help="examples to train and to test on, for a trial")
    parser.add_argument("--quiet", action="store_true")
    return parser


def main(script: Callable[[], object]) -> None:
    """Run a script; an expected error is one line and exit code 1, Ctrl-C is 130."""
    try:
        script()
    except LMUHWError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last epoch", file=sys.stderr)
        sys.exit(130)


def find(options: Namespace, *parts: str, source: str) -> Path:
    """Return the path of a data file.

    Raises
    ------
    ModelFileError
        If it is not there; the text says where the public can get it.
    """
    build_dir = options.data or Path(os.environ.get("LMU_HW_DATA", "../shared/data"))
    for path in (build_dir / parts[-1], build_dir.joinpath(*parts)):
        if path.is_file():
            return Path(path)
    raise ModelFileError(
        f"no {parts[-1]} in {build_dir}: give its folder with --data; from {source}"
    )
