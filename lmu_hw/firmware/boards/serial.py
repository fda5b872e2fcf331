"""Data exchange with a board through its serial port.

QEMU's AVR has no semihosting and cannot exit by itself. So its serial port is a multiplexed
character device, and the escape sequence that makes QEMU exit follows the input.
"""

from __future__ import annotations

from pathlib import Path

KEY = b"\x01"
"""Escape byte of QEMU's commands; doubled, it is a data byte."""
END = KEY + b"x"
AHEAD = bytes(1024)
"""Padding, more than the 32 bytes that QEMU reads ahead, so the program ends before QEMU does."""
FAREWELL = b"QEMU: Terminated\n\r"
"""Text that QEMU appends to the output."""
NO_CODE = 256
"""Exit code for a board that sent none."""
PORT = "port"
OPTIONS = (
    *("-chardev", f"pipe,id=words,path={PORT},mux=on"),
    *("-serial", "chardev:words"),
)


def prepare(place: Path) -> None:
    """Convert ``input`` in a directory to the bytes that the serial port receives."""
    words = (place / "input").read_bytes()
    (place / f"{PORT}.in").write_bytes(words.replace(KEY, 2 * KEY) + AHEAD + END)
    (place / f"{PORT}.out").write_bytes(b"")


def finish(place: Path) -> int:
    """Write ``output`` from the bytes that the board sent; return its exit code."""
    sent = (place / f"{PORT}.out").read_bytes().removesuffix(FAREWELL)
    (place / "output").write_bytes(sent[:-1])
    return sent[-1] if sent else NO_CODE
