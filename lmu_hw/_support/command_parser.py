"""Command lines: a parser whose errors are ours, and paths as a shell takes them."""

from __future__ import annotations

import argparse
import difflib
import shlex
from pathlib import Path
from typing import NoReturn

from ..errors import LMUHWError


class UsageError(LMUHWError):
    """A command line that cannot be understood."""


class Parser(argparse.ArgumentParser):
    """Raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{message} (see {self.prog} --help)")

    def options(self) -> list[str]:
        """Return every option by every name."""
        return [name for action in self._actions for name in action.option_strings]

    def refuse(self, word: str) -> NoReturn:
        """Raise the error of an argument that no command takes, with what may have been meant."""
        if not word.startswith("-"):
            self.error(f"unexpected argument {word!r}")
        near = difflib.get_close_matches(word.partition("=")[0], self.options(), n=1, cutoff=0.75)
        self.error(f"unknown option {word}" + (f"; did you mean {near[0]}?" if near else ""))


def argument(path: Path) -> str:
    """Return a path as a shell takes it, and no command for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
