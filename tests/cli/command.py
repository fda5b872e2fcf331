"""Runs the command line inside the test's own process."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
