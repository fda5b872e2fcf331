"""Interleaving of a second channel into the two free cycles of a chain's window."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value

from .adaptor import AdaptorUnit, ChainPort
from .block_memories import Ram
from .schedule.timing import CHANNEL_OFFSET


class ChannelInterleaver:
    """Repeats the commands of the first channel for a second one, two cycles later.

    Parameters
    ----------
    m : Module
    phase : Signal
        Cycle of the window; the first channel uses cycles 0 and 1.
    fed : Value
        The input word of the first channel is valid.
    paired : Value
        With ``fed``: a second channel follows.
    silent : Value
        Zero-run flag of the channel whose word is valid.
    """

    def __init__(self, m: Module, phase: Signal, fed: Value, paired: Value, silent: Value) -> None:
        self.phase = phase
        self.fed = later(m, fed & paired, "second_fed", reset_less=False)
        self._present = Signal(name="second_present")
        first, second = (
            Signal(name=f"{which}_silent", reset_less=True) for which in ("first", "second")
        )
        with m.If(fed):
            m.d.sync += [self._present.eq(paired), first.eq(silent)]
        with m.If(self.fed):
            m.d.sync += second.eq(silent)
        # the adaptor reads it two cycles after the command
        self.silent = Mux(phase[1], first, second)

    def repeat(self, m: Module, port: Signal) -> None:
        """Load the next command again, in the two cycles after those of the first channel."""
        before = Signal.like(port, name="port_before")
        m.d.sync += before.eq(port)
        with m.If(self.phase[0] ^ self.phase[1]):
            m.d.sync += port.eq(Mux(self._present, before, ChainPort.NONE))

    def operand(self, m: Module, adaptor: AdaptorUnit, coef: Value, shift: Value) -> None:
        """Drive the adaptor with the coefficients of both channels."""
        m.d.comb += [
            adaptor.silent.eq(self.silent),
            adaptor.coef.eq(Mux(self.phase[1], later(m, coef, "second_coef"), coef)),
            adaptor.shift.eq(Mux(self.phase[1], later(m, shift, "second_shift"), shift)),
        ]

    def read(self, m: Module, states: Ram, first: Value, distance: Value) -> None:
        """Read the second channel's states, at ``distance`` from the first one's."""
        address = later(m, (first + distance)[: len(first)], "second_read")
        with m.If(~self.phase[1]):
            m.d.comb += states.read_address.eq(address)

    def written(self, m: Module, inner: Value) -> Signal:
        """Return whether the state written in this cycle is the second channel's.

        The first channel writes the inner word of a real section in phase 1, that of a pair in
        phase 2 and its outer word in phase 3; the second channel writes two cycles later.
        """
        writes = Signal(name="second_writes")
        m.d.comb += writes.eq(Mux(inner, self.phase[0] == self.phase[1], ~self.phase[1]))
        return writes


def later(m: Module, value: Value, name: str, *, reset_less: bool = True) -> Signal:
    """Return a value delayed by two cycles."""
    for stage in range(CHANNEL_OFFSET):
        delayed = Signal.like(value, name=f"{name}_{stage}", reset_less=reset_less)
        m.d.sync += delayed.eq(value)
        value = delayed
    return delayed
