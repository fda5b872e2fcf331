"""Ports of an emitted design, in either naming scheme."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

AXI_PREFIXES = {
    "i": "s_axis",
    "o": "m_axis",
    "state_command": "s_axis_state_command",
    "state_i": "s_axis_state",
    "state_o": "m_axis_state",
}


@dataclass(frozen=True)
class Stream:
    """The signals of a stream; ``last`` is None if it has none."""

    payload: Any
    valid: Any
    ready: Any
    last: Any = None


class Ports:
    """Clock, reset and streams of a design.

    Parameters
    ----------
    dut : cocotb handle
    axi : bool
        AXI4-Stream names.
    state_port : bool
    on_demand : bool
        The input says which steps have an output.
    """

    def __init__(self, dut: Any, *, axi: bool, state_port: bool, on_demand: bool) -> None:
        self._dut, self._axi = dut, axi
        self.clk = dut.aclk if axi else dut.clk
        self._reset = dut.aresetn if axi else dut.rst
        self.i = self._stream("i", last=on_demand)
        self.o = self._stream("o", last=True)
        self.sources, self.sinks = [self.i], [self.o]
        if state_port:
            self.state_command = self._stream("state_command", last=False)
            self.state_i = self._stream("state_i", last=False)
            self.state_o = self._stream("state_o", last=True)
            self.sources += [self.state_command, self.state_i]
            self.sinks.append(self.state_o)

    def reset(self, active: bool) -> None:
        """Drive the reset; offer words and commands meanwhile, which must not be taken."""
        self._reset.value = int(active != self._axi)
        for stream in self.sources:
            stream.valid.value = int(active)
            if active:
                stream.payload.value = (1 << len(stream.payload)) - 1
            if active and stream.last is not None:
                stream.last.value = 1

    def idle(self) -> None:
        """Set all ``valid`` and ``ready`` inputs to 0."""
        for stream in self.sources:
            stream.valid.value = 0
            stream.payload.value = 0
            if stream.last is not None:
                stream.last.value = 0
        for stream in self.sinks:
            stream.ready.value = 0

    def offered(
        self, stream: Stream, width: int, words: Iterable[int], rng: random.Random
    ) -> list[int]:
        """Return words of ``width`` bits as payloads, with random values in the bits above."""
        above = len(stream.payload) - width
        mask = (1 << width) - 1
        return [(word & mask) | (rng.getrandbits(above) << width if above else 0) for word in words]

    def _stream(self, name: str, *, last: bool) -> Stream:
        prefix = f"{AXI_PREFIXES[name]}_t" if self._axi else f"{name}_"
        parts = ("data", "valid", "ready", *(("last",) if last else ()))
        return Stream(*(getattr(self._dut, prefix + part) for part in parts))
