"""A serial line that loses, damages and adds bytes: put between a program and a port.

    python noisy_line.py PORT FAULT[,FAULT] PROGRAM [ARGUMENT ...]

The program's argument LINE becomes the other end. A fault is a direction (``>`` to the port, ``<``
from it), a kind (``-`` lose, ``~`` damage, ``+`` add one before) and the number of a byte: ``>-3``.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tty


def noisy(data: bytes, start: int, faults: dict[int, str]) -> bytes:
    """Return bytes as they arrive; ``start`` is the number of the first."""
    arrive = bytearray()
    for number, byte in enumerate(data, start):
        kind = faults.pop(number, "")
        if kind == "+":
            arrive.append(0xA5)
        if kind != "-":
            arrive.append(byte ^ 0x10 if kind == "~" else byte)
    return bytes(arrive)


def main() -> int:
    port, listed, *command = sys.argv[1:]
    faults: dict[str, dict[int, str]] = {">": {}, "<": {}}
    for fault in listed.split(","):
        faults[fault[0]][int(fault[2:])] = fault[1]
    leader, follower = os.openpty()
    tty.setraw(follower)
    board = os.open(port, os.O_RDWR | os.O_NOCTTY)
    counts = {leader: 0, board: 0}
    ways = {leader: (board, faults[">"]), board: (leader, faults["<"])}
    line = os.ttyname(follower)
    with subprocess.Popen([line if part == "LINE" else part for part in command]) as program:
        while program.poll() is None:
            for end in select.select(list(ways), [], [], 0.05)[0]:
                data = os.read(end, 4096)
                to, left = ways[end]
                os.write(to, noisy(data, counts[end], left))
                counts[end] += len(data)
    unused = faults[">"] | faults["<"]
    if unused:
        print(f"no byte with the numbers {sorted(unused)}", file=sys.stderr)
        return 9
    return program.returncode


if __name__ == "__main__":
    sys.exit(main())
