"""Runs the command line inside the test's own process."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lmu_hw.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1
        data = json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
        assert isinstance(data, dict)
        return data


def call(capsys: pytest.CaptureFixture[str], *argv: object) -> Said:
    """Run a command and return what became of it."""
    capsys.readouterr()
    code = main([str(word) for word in argv])
    out, err = capsys.readouterr()
    return Said(code, out, err)


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """Run a command that must end in an expected error; return its one line."""
    said = call(capsys, *argv)
    assert said.code == 1, said
    assert said.out == ""
    assert said.err.startswith("lmu-hw: ")
    assert said.err.endswith("\n")
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err


def contents(build_dir: Path) -> dict[str, bytes]:
    """Return every file below a folder, by relative name."""
    return {
        path.relative_to(build_dir).as_posix(): path.read_bytes()
        for path in sorted(build_dir.rglob("*"))
        if path.is_file()
    }


def mutate_c(build_dir: Path) -> None:
    """Add one to the first coefficient of lmu.c."""
    path = build_dir / "c" / "lmu.c"
    text = path.read_text()
    table = re.search(r"static LMU_KERNELS_TABLE \w+ \w+\[[^=]* = \{[\s{]*-?\d+", text)
    assert table
    path.write_text(f"{text[: table.end()]} + 1{text[table.end() :]}")


def mutate_v(build_dir: Path) -> None:
    """Turn one addition of lmu.v into a subtraction."""
    path = build_dir / "rtl" / "lmu.v"
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        code, slashes, comment = line.partition("//")
        if " + " in code and "$signed" in code:
            lines[i] = code.replace(" + ", " - ", 1) + slashes + comment
            break
    else:
        pytest.fail("no signed addition in lmu.v")
    path.write_text("\n".join(lines) + "\n")
