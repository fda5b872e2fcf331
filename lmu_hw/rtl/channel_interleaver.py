"""The channel beside: what a chain does in the two cycles of a window that one channel leaves."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value

from .adaptor import AdaptorUnit, ChainPort
from .block_memories import Ram
from .schedule.timing import BESIDE


class Beside:
    """What is done for a second channel: all that was done for the first, two cycles before.

    Parameters
    ----------
    m : Module
    phase : Signal
        Cycle of the window: in the first two it is the first channel's turn.
    fed : Value
        The first channel's word is there,
    paired : Value
        and another one comes beside it.
    silent : Value
        Of the channel whose word is there.
    """

    def __init__(self, m: Module, phase: Signal, fed: Value, paired: Value, silent: Value) -> None:
        self.phase = phase
        self.fed = later(m, fed & paired, "beside_fed", reset_less=False)
        self._present = Signal(name="beside_present")
        first, second = (
            Signal(name=f"{which}_silent", reset_less=True) for which in ("first", "second")
        )
        with m.If(fed):
            m.d.sync += [self._present.eq(paired), first.eq(silent)]
        with m.If(self.fed):
            m.d.sync += second.eq(silent)
        # it is asked for two cycles after the command
        self.silent = Mux(phase[1], first, second)

    def operand(
        self, m: Module, adaptor: AdaptorUnit, port: Value, coef: Value, shift: Value
    ) -> None:
        """Give the adaptor the commands of both."""
        again = later(m, port, "beside_port", reset_less=False)
        m.d.comb += [
            adaptor.silent.eq(self.silent),
            adaptor.coef.eq(Mux(self.phase[1], later(m, coef, "beside_coef"), coef)),
            adaptor.shift.eq(Mux(self.phase[1], later(m, shift, "beside_shift"), shift)),
        ]
        with m.If(self.phase[1]):
            m.d.comb += adaptor.port.eq(Mux(self._present, again, ChainPort.NONE))

    def read(self, m: Module, states: Ram, first: Value, distance: Value) -> None:
        """Read the states so far behind those of the first."""
        address = later(m, (first + distance)[: len(first)], "beside_read")
        with m.If(~self.phase[1]):
            m.d.comb += states.read_address.eq(address)

    def written(self, m: Module, inner: Value) -> Signal:
        """Return whether a state that is written now is the second channel's.

        A real section's inner word comes in phase 1, that of a pair in phase 2, its outer one in
        phase 3; the second channel's two cycles later.
        """
        writes = Signal(name="beside_writes")
        m.d.comb += writes.eq(Mux(inner, self.phase[0] == self.phase[1], ~self.phase[1]))
        return writes


def later(m: Module, value: Value, name: str, *, reset_less: bool = True) -> Signal:
    """Return a value two cycles later."""
    for stage in range(BESIDE):
        delayed = Signal.like(value, name=f"{name}_{stage}", reset_less=reset_less)
        m.d.sync += delayed.eq(value)
        value = delayed
    return delayed
