"""State port of a design with several signals: clears, saves and loads the state of one."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..ports import keep_on_reset
from ..state_port import StateCommand

START = 3
"""Cycles from a command to its first word."""
FETCH = 2
"""Cycles from one saved word to the next."""


def save_cycles(n_words: int) -> int:
    """Return the cycles from accepting a SAVE to accepting the next input word."""
    return START + FETCH * (n_words - 1) + 1


def load_cycles(n_words: int) -> int:
    """Return the cycles from accepting a LOAD, whose words never stall, to the next input word."""
    return START + n_words


CLEAR_CYCLES = START + 1
"""Cycles from accepting a CLEAR to accepting the next input word."""


def command_shape(n_signals: int) -> data.StructLayout:
    """Return the payload of a command: its code, and above it the number of the signal."""
    return data.StructLayout({"code": StateCommand, "signal": ceil_log2(n_signals)})


class SignalStatePort(wiring.Component):
    """Clears, saves or loads the state of a signal while no step is in the pipeline.

    Parameters
    ----------
    n_words : int
        State words of a signal.
    n_signals : int
    word : Shape
        Shape of a state word.
    moving : bool
        The words move through the design; each passes once in a while.

    Members
    -------
    command : In(stream of ``{"code", "signal"}``)
        Accepted at any time and executed when the pipeline is empty. One more command is accepted
        during execution and executed next.
    i : In(stream)
        The words to load.
    o : Out(stream)
        The words saved.
    o_last : Out(1)
        With ``o``: the last word of the state.
    empty : In(1)
        No step is in the pipeline.
    hold : Out(1)
        Start no step.
    busy : Out(1)
        The port reads and writes the states of ``signal``.
    signal, index : Out(unsigned)
        Signal, and number of the word of its state.
    state : In(word)
        That word, in the same cycle.
    passes, active : In(1), Out(StateCommand)
        If words move: ``state`` is that word now, or can be written now; for a CLEAR, ``erase`` is
        understood now. In the first cycle of a new ``index`` it is not looked at. The command that
        is executed.
    load : Out(1)
        Write ``load_word`` to that word.
    erase : Out(1)
        Write zero to all words of ``signal``.
    load_word : Out(word)
        Word to load.

    Latency: `save_cycles`, `load_cycles`, `CLEAR_CYCLES`, and until the pipeline is empty.
    Throughput: one word every `FETCH` cycles to save, one word per cycle to load.

    Schedule: wait until the pipeline is empty; then word by word.
    """

    latency = START

    def __init__(self, n_words: int, n_signals: int, word: Shape, *, moving: bool = False) -> None:
        self.n_words, self.moving = n_words, moving
        super().__init__(
            {
                "command": In(stream.Signature(command_shape(n_signals))),
                "i": In(stream.Signature(word)),
                "o": Out(stream.Signature(word)),
                "o_last": Out(1),
                "empty": In(1),
                "hold": Out(1),
                "busy": Out(1),
                "signal": Out(ceil_log2(n_signals)),
                "index": Out(range(n_words)),
                "state": In(word),
                **({"passes": In(1), "active": Out(StateCommand)} if moving else {}),
                "load": Out(1),
                "erase": Out(1),
                "load_word": Out(word),
            }
        )
        keep_on_reset(self, "signal", "index")

    def model(self, code: StateCommand) -> int:
        """Return the cycles from accepting a command to accepting the next input word."""
        if code is StateCommand.SAVE:
            return save_cycles(self.n_words)
        return load_cycles(self.n_words) if code is StateCommand.LOAD else CLEAR_CYCLES

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        pending = Signal(StateCommand)
        active = self.active if self.moving else Signal(StateCommand, name="active")
        coming = Signal.like(self.signal, name="coming_signal", reset_less=True)
        fetching = Signal(reset_less=True)
        idle = Signal()
        start = Signal()
        saves = Signal()
        last = Signal()
        held = Signal(self.state.shape(), name="held", reset_less=True)
        passes = ~fetching & self.passes if self.moving else ~fetching
        there: Value = ~fetching
        if self.moving:
            passed = Signal()
            m.d.sync += passed.eq(passes)
            there = ~fetching & passed
        m.d.comb += [
            idle.eq(active == StateCommand.NONE),
            self.command.ready.eq(pending == StateCommand.NONE),
            self.hold.eq(~idle | (pending != StateCommand.NONE)),
            self.busy.eq(~idle),
            start.eq(idle & (pending != StateCommand.NONE) & self.empty),
            last.eq(self.index == self.n_words - 1),
            self.erase.eq((active == StateCommand.CLEAR) & passes),
            self.i.ready.eq((active == StateCommand.LOAD) & passes),
            self.load.eq(self.i.valid & self.i.ready),
            self.load_word.eq(Mux(active == StateCommand.LOAD, self.i.payload, 0)),
            saves.eq((active == StateCommand.SAVE) & there & (~self.o.valid | self.o.ready)),
        ]
        m.d.sync += held.eq(self.state)
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += pending.eq(self.command.payload.code)
            if len(coming):
                m.d.sync += coming.eq(self.command.payload.signal)
        with m.If(start):
            m.d.sync += [
                active.eq(pending),
                pending.eq(StateCommand.NONE),
                self.signal.eq(coming),
                self.index.eq(0),
                fetching.eq(1),
            ]
        with m.Else():
            m.d.sync += fetching.eq(saves | self.load if self.moving else saves)
            with m.If(saves | self.load):
                m.d.sync += self.index.eq(self.index + 1)
        with m.If(self.erase | ((saves | self.load) & last)):
            m.d.sync += active.eq(StateCommand.NONE)
        with m.If(saves):
            m.d.sync += [self.o.payload.eq(held), self.o.valid.eq(1), self.o_last.eq(last)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
