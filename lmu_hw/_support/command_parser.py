"""Parse command lines: an argument parser that raises `UsageError`, and quoting of paths."""

from __future__ import annotations

import argparse
import difflib
import shlex
from pathlib import Path
from typing import NoReturn

from ..errors import LMUHWError


class UsageError(LMUHWError):
    """An invalid command line."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{message} (see {self.prog} --help)")

    def options(self) -> list[str]:
        """Return all names of all options."""
        return [name for action in self._actions for name in action.option_strings]

    def refuse(self, word: str) -> NoReturn:
        """Raise `UsageError` for an unknown argument, with the closest known option."""
        if not word.startswith("-"):
            self.error(f"unexpected argument {word!r}")
        near = difflib.get_close_matches(word.partition("=")[0], self.options(), n=1, cutoff=0.75)
        self.error(f"unknown option {word}" + (f"; did you mean {near[0]}?" if near else ""))


def argument(path: Path) -> str:
    """Return a path quoted for a shell, and prefixed so that it is not taken for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
