"""Files of benchmarks that go on where they were stopped, and that share a page."""

from __future__ import annotations

import json
from argparse import RawTextHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmu_hw._support.build_directory import write_file
from lmu_hw._support.command_parser import Parser
from lmu_hw.errors import EmitError, ModelFileError, reason_of

Row = dict[str, Any]


class Results:
    """Rows by name, in a JSON file: what it holds is not measured again.

    Parameters
    ----------
    path : Path
        Written after every new row; its directory is made.

    Raises
    ------
    EmitError
        If the directory cannot be made.
    ModelFileError
        If the file is no JSON object.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.rows: dict[str, Row] = json.loads(path.read_text()) if path.is_file() else {}
        except OSError as error:
            raise EmitError(f"cannot write {path}: {error.strerror or reason_of(error)}") from error
        except ValueError as error:
            raise ModelFileError(f"{path} is damaged; delete it to measure again") from error

    def add(self, name: str, measure: Callable[[], Row]) -> Row:
        """Return a row; measure it first, unless it is known."""
        if name not in self.rows:
            self.rows[name] = measure()
            text = json.dumps(self.rows, indent=1) + "\n"
            write_file(self._path, lambda file: file.write(text.encode()))
        print(f"{name}: {json.dumps(self.rows[name])}", flush=True)
        return self.rows[name]


def arguments(text: str | None, name: str) -> Parser:
    """Return a parser with the option ``--out``, by default a directory of this name in build."""
    parser = Parser(description=text, formatter_class=RawTextHelpFormatter)
    where = Path("build") / name
    parser.add_argument("--out", type=Path, default=where, help=f"results; default: {where}")
    return parser


def with_section(page: str, title: str, text: str) -> str:
    r"""Return a page whose section of this title, new or old, holds the text.

    Examples
    --------
    >>> with_section("# Page", "A", "new")
    '# Page\n\n## A\n\nnew\n'
    """
    head = f"\n## {title}\n"
    before, found, after = page.partition(head)
    rest = after.partition("\n## ")
    following = rest[1] + rest[2] if found else ""
    return f"{before.rstrip()}\n{head}\n{text.strip()}\n{following}"
