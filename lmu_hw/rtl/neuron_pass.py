"""Order in which neurons read the states of one or two channels."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .block_memories import Rom
from .constant_tables import lookup
from .neuron_levels import neuron_contents, state_levels
from .ports import keep_on_reset
from .schedule import NeuronPlan, Schedule


class NeuronPass(wiring.Component):
    """Reads the states of a memory in the order of the sections, each for all rounds of its draws.

    Parameters
    ----------
    plan : Schedule
        Must have neurons.
    depth : int
        States in the chain's RAM.
    membranes : int
        Words in the membrane RAM.
    file : str
        File of the ROM of the states.

    Members
    -------
    start, feed : In
        Start the pass of ``feed``, and of the next one if they are paired.
    valid : Out(1)
        A state is read in this cycle, with what follows.
    address, membrane_address : Out(unsigned)
        Address of the state; address of its membrane.
    level : Out(unsigned)
        Constants of the state, see `Level`.
    first, last : Out(1)
        First cycle of the state; last cycle of the state.
    opens, ends : Out(1)
        First state of its channel; last state of its channel.
    second : Out(1)
        The channel is the second one of a pair.
    done : Out(1)
        Last cycle of the pass.

    Latency: 2 cycles (`lmu_hw.rtl.schedule.timing.PASS`).
    Throughput: one state every `NeuronPlan.rounds` cycles.

    Schedule: address the ROM; a cycle later, read the state that its word describes.
    """

    latency = 2

    def __init__(self, plan: Schedule, depth: int, membranes: int, file: str) -> None:
        self.plan = plan
        self.contents = neuron_contents(plan, file)
        levels, _, _ = state_levels(plan)
        # neurons of the chain that each feed starts; of other feeds, any
        of_chain = {k: c.neurons for k, c in enumerate(plan.chains) if c.neurons is not None}
        some = plan.spiking[0]
        self.neurons: list[NeuronPlan] = [
            some if f.chain is None else of_chain.get(f.chain, some) for f in plan.feeds
        ]
        super().__init__(
            {
                "start": In(1),
                "feed": In(range(len(plan.feeds))),
                "valid": Out(1),
                "address": Out(ceil_log2(depth)),
                "membrane_address": Out(range(membranes)),
                "level": Out(range(len(levels))),
                "first": Out(1),
                "last": Out(1),
                "opens": Out(1),
                "ends": Out(1),
                "second": Out(1),
                "done": Out(1),
            }
        )
        keep_on_reset(self, "first", "last", "opens", "ends", "second")

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.levels = rom = Rom(self.contents)
        reads = Signal()
        address = Signal.like(rom.address)
        beat = Signal(range(max(n.rounds for n in self.neurons)), reset_less=True)
        left = Signal(range(max(len(n.states) for n in self.neurons)), reset_less=True)
        length, restart, rounds = self._constants(m, rom.address)
        more = Signal(reset_less=True)
        second = Signal(name="reads_second", reset_less=True)
        opens = Signal(name="reads_first", reset_less=True)
        last, ends = Signal(name="last_round"), Signal(name="last_state")
        m.d.comb += [
            rom.address.eq(address),
            last.eq(beat == rounds),
            ends.eq(left == 0),
        ]
        m.d.sync += beat.eq(Mux(last, 0, beat + 1))
        with m.If(last):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1), opens.eq(0)]
            with m.If(ends):
                m.d.sync += [
                    address.eq(restart),
                    left.eq(length),
                    opens.eq(1),
                    second.eq(1),
                    more.eq(0),
                ]
                with m.If(~more):
                    m.d.sync += reads.eq(0)
        with m.If(self.start):
            m.d.sync += [
                reads.eq(1),
                address.eq(self._of_feed(m, [n.first_state for n in self.neurons], "first_state")),
                left.eq(self._of_feed(m, [len(n.states) - 1 for n in self.neurons], "states")),
                beat.eq(0),
                more.eq(self._of_feed(m, [int(f.paired) for f in self.plan.feeds], "is_paired")),
                second.eq(0),
                opens.eq(1),
            ]
        m.d.sync += [
            self.valid.eq(reads),
            self.first.eq(beat == 0),
            self.last.eq(last),
            self.opens.eq(opens),
            self.ends.eq(ends),
            self.second.eq(second),
            self.done.eq(reads & last & ends & ~more),
        ]
        self._addresses(m, rom.word)
        return m

    def _of_feed(self, m: Module, values: list[int], name: str) -> Value:
        return lookup(m, self.feed, values, name)

    def _constants(self, m: Module, like: Value) -> tuple[Signal, Signal, Signal]:
        """Return the last state, first address and last round of the memory that runs."""
        tables = {
            "length": [len(n.states) - 1 for n in self.neurons],
            "restart": [n.first_state for n in self.neurons],
            "rounds": [n.rounds - 1 for n in self.neurons],
        }
        held = []
        for name, values in tables.items():
            width = len(like) if name == "restart" else max(values).bit_length()
            held.append(Signal(width, name=name, reset_less=True))
            with m.If(self.start):
                m.d.sync += held[-1].eq(self._of_feed(m, values, f"{name}_of_feed"))
        return held[0], held[1], held[2]

    def _addresses(self, m: Module, word: Value) -> None:
        """Address the states in order: those of a second channel follow the first one's."""
        feeds = self.plan.feeds
        moves = Signal()
        m.d.comb += [moves.eq(self.valid & self.last), self.level.eq(word[1:])]
        outer = Signal.like(self.address, name="outer_address", reset_less=True)
        inner = Signal.like(self.address, name="inner_address", reset_less=True)
        is_outer = word[0] if len(self.contents.words) > 1 else Const(self.contents.words[0] & 1)
        m.d.comb += self.address.eq(Mux(is_outer, outer, inner))
        with m.If(moves):
            with m.If(is_outer):
                m.d.sync += outer.eq(outer + 1)
            with m.Else():
                m.d.sync += inner.eq(inner + 1)
            m.d.sync += self.membrane_address.eq(self.membrane_address + 1)
        kept = [
            n.kept + f.channel * len(n.states) if f.chain is not None and not n.generators else 0
            for f, n in zip(feeds, self.neurons, strict=True)
        ]
        with m.If(self.start):
            m.d.sync += [
                outer.eq(lookup(m, self.feed, [f.outer for f in feeds], "first_outer")),
                inner.eq(lookup(m, self.feed, [f.inner for f in feeds], "first_inner")),
                self.membrane_address.eq(lookup(m, self.feed, kept, "first_membrane")),
            ]
