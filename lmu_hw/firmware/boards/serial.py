"""The serial port of a board: how words reach it, and how they and its exit code come back.

QEMU's AVR has no semihosting and no way to end. So its serial port is a multiplexed character
device, which has a key of QEMU's own that ends the machine: it stands behind the input.
"""

from __future__ import annotations

from pathlib import Path

KEY = b"\x01"
"""What QEMU takes a command by; twice it stands for itself."""
END = KEY + b"x"
AHEAD = bytes(1024)
"""More than the 32 bytes that QEMU reads ahead of the program: it is done when the end is read."""
FAREWELL = b"QEMU: Terminated\n\r"
"""What QEMU adds to the output."""
NO_CODE = 256
"""An exit code that no board sends."""
PORT = "port"
OPTIONS = (
    *("-chardev", f"pipe,id=words,path={PORT},mux=on"),
    *("-serial", "chardev:words"),
)


def prepare(place: Path) -> None:
    """Turn ``input``, in a folder, into what the serial port of the board receives."""
    words = (place / "input").read_bytes()
    (place / f"{PORT}.in").write_bytes(words.replace(KEY, 2 * KEY) + AHEAD + END)
    (place / f"{PORT}.out").write_bytes(b"")


def finish(place: Path) -> int:
    """Write ``output`` from what the board sent; return its exit code."""
    sent = (place / f"{PORT}.out").read_bytes().removesuffix(FAREWELL)
    (place / "output").write_bytes(sent[:-1])
    return sent[-1] if sent else NO_CODE
