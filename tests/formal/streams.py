"""Proofs of the stream protocol: payload is stable while stalled, and valid never waits."""

from __future__ import annotations

from amaranth.hdl import Array, Assume, Cat, Module, Mux, ResetSignal, Signal

from lmu_hw.rtl.fifo import OutputFifo
from tests.formal.prover import Design, Harness


class FifoOrder(Harness):
    """Every word that is written leaves once, in order, as it was, and the last one is marked.

    A word that is chosen at will is followed from where it is written to where it is taken.
    """

    LATENCY = OutputFifo.latency

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.n_out, self.depth = design.plan.n_out, design.plan.fifo_depth
        self.choose = self.free(1, "choose")
        self.head, self.following = self.probe("head"), self.probe("following")
        self.tail, self.level = self.probe("tail"), self.probe("level")
        self.arrived, self.some = self.probe("arrived"), self.probe("some")
        self.reserved = self.probe("reserved")
        self.position = self.probe_if_there("position")
        word = self["word"].shape()
        self.words = [self.probe(f"words.mem[{k}]", word) for k in range(self.depth)]
        self.read_word = self.probe("words.read_word", word)

    def check(self, m: Module) -> None:
        valid, ready, payload, last = (
            self[f"o{n}"] for n in ("_valid", "_ready", "_data", "_last")
        )
        write, word = self["write"], self["word"]
        taken = Signal()
        m.d.comb += taken.eq(valid & ready)
        # the writer: as many words as it has reserved
        owed = Signal(range(self.depth + 1))
        held = Signal(range(self.depth + 2))
        m.d.comb += [Assume(~self["reserve"] | self["room"]), Assume(~write | (owed > 0))]
        m.d.sync += [
            owed.eq(owed + Mux(self["reserve"], self.n_out, 0) - write),
            held.eq(held + write - taken),
        ]

        # the chosen word, and how many leave before it
        marked = Signal()
        mark = Signal.like(word)
        ahead = Signal.like(held)
        with m.If(~marked & write & self.choose):
            m.d.sync += [marked.eq(1), mark.eq(word), ahead.eq(held - taken)]
        with m.Elif(marked & taken):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        self.claim(m, payload == mark, when=marked & valid & (ahead == 0))
        self.claim(m, held > 0, when=valid)

        # the last word of a step
        leaving = Signal(range(max(2, self.n_out)))
        with m.If(taken):
            m.d.sync += leaving.eq(Mux(leaving == self.n_out - 1, 0, leaving + 1))
        self.claim(m, last == (leaving == self.n_out - 1), when=valid)

        # what is offered stays until it is taken
        stalled, before = Signal(), Signal(len(word) + 1)
        m.d.sync += [stalled.eq(valid & ~ready), before.eq(Cat(payload, last))]
        self.claim(m, valid & (Cat(payload, last) == before), when=stalled)

        # a word that is held is offered in time
        waited = Signal(range(self.LATENCY + 2))
        m.d.sync += waited.eq(Mux((held != 0) & ~valid, waited + 1, 0))
        self.claim(m, waited < self.LATENCY)

        # what the words rest on: the invariant
        inside = Signal(range(2 * self.depth + 2))
        m.d.comb += inside.eq(self.level + self.arrived)
        words = Array(self.words)
        self.claim(m, held == inside + valid)
        self.claim(m, self.reserved == owed + held)
        self.claim(m, self.reserved <= self.depth)
        self.claim(m, self["room"] == (self.reserved <= self.depth - self.n_out))
        self.claim(m, self.some == (self.level != 0))
        self.claim(m, self.following == (self.head + 1)[: len(self.head)])
        self.claim(m, self.tail == (self.head + inside)[: len(self.head)])
        self.claim(m, self.read_word == words[self.head], when=self.some)
        self.claim(m, leaving < self.n_out)
        self.claim(m, ahead < held, when=marked)
        place = (self.head + ahead - valid)[: len(self.head)]
        self.claim(m, words[place] == mark, when=marked & (~valid | (ahead != 0)))
        if self.position is not None:
            self.claim(m, self.position == (leaving + valid) % self.n_out)


STREAMS = {"s_axis": "i", "m_axis": "o"}
STATE_STREAMS = {
    "s_axis_state_command": "state_command",
    "s_axis_state": "state_i",
    "m_axis_state": "state_o",
}
"""The core's streams by the names that AXI4-Stream gives them."""


class AxiNames(Harness):
    """The ports of AXI4-Stream are those of the core, and keep what they offer.

    Words are extended to whole bytes by their sign; what is above one that comes in is dropped.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        streams = STREAMS | (STATE_STREAMS if design.plan.state_port else {})
        self.streams = {
            axi: [self.probe(f"core.{plain}_{part}") for part in ("data", "valid", "ready")]
            for axi, plain in streams.items()
        }
        self.lasts = {
            axi: self.probe(f"core.{plain}_last")
            for axi, plain in streams.items()
            if axi.startswith("m_axis")
        }
        self.core_reset = self.probe("core.rst", 1)

    def check(self, m: Module) -> None:
        self.claim(m, self.core_reset == ResetSignal())
        for axi, (payload, valid, ready) in self.streams.items():
            data = self[f"{axi}_tdata"]
            self.claim(m, self[f"{axi}_tvalid"] == valid)
            self.claim(m, self[f"{axi}_tready"] == ready)
            if axi not in self.lasts:
                self.claim(m, data[: len(payload)] == payload.as_unsigned())
                continue
            word = data.as_signed() if payload.shape().signed else data
            self.claim(m, word == payload)
            self.claim(m, self[f"{axi}_tlast"] == self.lasts[axi])
            now = Cat(data, self[f"{axi}_tlast"])
            stalled, before = Signal(name=f"{axi}_stalled"), Signal(len(now), name=f"{axi}_before")
            m.d.sync += [stalled.eq(valid & ~ready), before.eq(now)]
            self.claim(m, self[f"{axi}_tvalid"] & (now == before), when=stalled)
