"""Follows the README of a kit."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def follow(kit_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the ``sh`` blocks of a kit's README in its directory, until one fails.

    Parameters
    ----------
    kit_dir : Path
        Holds README.md.
    **variables : str
        Environment variables to add.
    """
    blocks = BLOCK.findall((kit_dir / "README.md").read_text())
    assert blocks, "the README has no sh block"
    return subprocess.run(
        ["sh", "-e", "-c", "".join(blocks)],
        cwd=kit_dir,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def damage(path: Path, pattern: str) -> None:
    """Change the digit that follows the only match of a pattern in a file."""
    text = path.read_text()
    found = re.findall(f"({pattern})([0-9a-f])", text)
    assert len(found) == 1, found
    match = re.search(f"({pattern})([0-9a-f])", text)
    assert match is not None
    other = f"{int(match[2], 16) ^ 1:x}"
    path.write_text(text[: match.start(2)] + other + text[match.end(2) :])
