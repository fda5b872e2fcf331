"""Memories in cascade form: the states, and the adaptor that updates them section by section."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .adaptor import AdaptorUnit
from .block_memories import Ram
from .chain_channels import chain_of
from .constant_tables import signed_width
from .neuron_levels import pipeline
from .residue_adder import ResidueAdder
from .schedule import Schedule
from .schedule.timing import ChainWrite
from .section_fetch import SectionFetch
from .section_sequencer import SectionSequencer
from .state_addresses import StateAddresses
from .state_mirror import StateMirror, mirrors_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NewState:
    """A state that leaves the adaptor: its word and address, whether it is an inner or an outer
    one, and whether it is that of the second channel.
    """

    word: Value
    address: Value
    inner: Value
    outer: Value
    second: Value

    @classmethod
    def of(cls, m: Module, adaptor: AdaptorUnit, addresses: StateAddresses) -> NewState:
        """Return the result of an adaptor."""
        word = Signal.like(adaptor.a, name="state_word")
        m.d.comb += [
            addresses.inner.eq(adaptor.a_valid),
            addresses.outer.eq(adaptor.b_valid),
            word.eq(Mux(adaptor.a_valid, adaptor.a, adaptor.b)),
        ]
        return cls(
            word=word,
            address=addresses.write,
            inner=adaptor.a_valid,
            outer=adaptor.b_valid,
            second=addresses.second,
        )


class ChainUnit(wiring.Component):
    """Updates the states of a memory in cascade form, section after section.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain.
    file : str
        File of the section ROM.

    Members
    -------
    word : In(signed)
        Input word.
    feed : In(range(len(plan.feeds)))
        Number of the memory and channel that it is for.
    valid : In(1)
        Start the memory of ``feed`` with input ``word``.
    silent : In(1)
        From `ZeroRunCounter`: round toward zero. If the feed is paired, ``word`` and ``silent``
        belong to the second channel two cycles after ``valid``.
    mirror, mirror_word, mirror_row, mirror_bank : Out
        Write the copy of a state that the lanes read; the copy, in their format; its row; its bank.
    clear : In(1)
        Set the state ``clear_address`` to zero.
    clear_address : In(unsigned)
        Address of the state to clear.

    With a state port also:

    access, address : In
        Read the state at ``address``.
    state : Out(signed)
        That state, one cycle later.
    load, load_word : In
        Write ``load_word`` to the state at ``address``; its mirror is not written.

    With neurons also, before ``valid``:

    borrow, borrow_address : In
        Read the state at ``borrow_address``.
    z : Out(signed)
        That state, one cycle later.
    store, store_address, sent, residue : In
        Give the sections the word ``sent`` in place of a state, and add ``residue`` to the result.

    Latency: see `lmu_hw.rtl.schedule.ChainPlan.writes`.
    Throughput: one section of two interleaved channels every 4 cycles.

    Schedule: that of `SectionSequencer`. States are read 2 cycles before their adaptor and written
    in order 5 cycles after it.
    """

    def __init__(self, plan: Schedule, file: str = "sections.mem") -> None:
        self.plan = plan
        self.adaptor = AdaptorUnit(plan)
        self.fetch = SectionFetch(plan, file)
        self.feeds = [f for f in plan.feeds if f.chain is not None]
        self.depth = max(2, sum(f.states for f in self.feeds))
        self.mirrored = mirrors_of(plan)
        width = max((signed_width(mirror.fmt) for mirror in self.mirrored), default=1)
        super().__init__(
            {
                "word": In(signed(self.adaptor.source_width)),
                "feed": In(range(len(plan.feeds))),
                "valid": In(1),
                "silent": In(1),
                "mirror": Out(1),
                "mirror_word": Out(signed(width)),
                "mirror_row": Out(range(plan.rows)),
                "mirror_bank": Out(range(plan.lanes)),
                "clear": In(1),
                "clear_address": In(ceil_log2(self.depth)),
                **(self._port_members() if plan.state_port else {}),
                **(self._neuron_members() if plan.spiking else {}),
            }
        )

    def _port_members(self) -> dict[str, wiring.Member]:
        word = signed(self.adaptor.state_width)
        return {
            "access": In(1),
            "address": In(ceil_log2(self.depth)),
            "state": Out(word),
            "load": In(1),
            "load_word": In(word),
        }

    def _neuron_members(self) -> dict[str, wiring.Member]:
        address, word = ceil_log2(self.depth), signed(self.adaptor.state_width)
        return {
            "borrow": In(1),
            "borrow_address": In(address),
            "z": Out(word),
            "store": In(1),
            "store_address": In(address),
            "sent": In(word),
            "residue": In(signed(word.width + 1)),
        }

    def model(self, chain: int) -> Iterator[ChainWrite]:
        """Yield the writes of a chain's mirrors, with their cycles."""
        yield from self.plan.chains[chain].writes(paired=False)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.section_sequencer = sequencer = SectionSequencer(self.plan)
        m.submodules.section_fetch = fetch = self.fetch
        m.submodules.state_addresses = addresses = StateAddresses(self.plan, self.depth)
        m.submodules.states = states = Ram(self.adaptor.state_width, self.depth)
        feed = Signal.like(self.feed, name="running_feed", reset_less=True)
        with m.If(sequencer.start):
            m.d.sync += feed.eq(self.feed)
        m.d.comb += [
            sequencer.valid.eq(self.valid),
            sequencer.feed.eq(self.feed),
            sequencer.silent.eq(self.silent),
            sequencer.section.eq(fetch.section),
            fetch.start.eq(sequencer.start),
            fetch.feed.eq(self.feed),
            fetch.next.eq(sequencer.next),
            fetch.phase.eq(sequencer.phase),
            addresses.start.eq(sequencer.start),
            addresses.feed.eq(self.feed),
            addresses.running.eq(feed),
            addresses.phase.eq(sequencer.phase),
            addresses.reads_outer.eq(sequencer.reads_outer),
            addresses.reads_inner.eq(sequencer.reads_inner),
        ]
        number = chain_of(m, self.plan, feed, "chain_number")
        self._adapt(m, sequencer, states, number)
        new = NewState.of(m, self.adaptor, addresses)
        if self.plan.spiking:
            new = self._settled(m, new, number)
        self._store(m, states, addresses, new)
        if self.mirrored:
            self._mirror(m, sequencer.start, feed, new)
        return m

    def _adapt(self, m: Module, sequencer: SectionSequencer, states: Ram, number: Value) -> None:
        """Give the adaptor the state that was read, the input and the coefficient."""
        m.submodules.adaptor = adaptor = self.adaptor
        word = Signal.like(states.read_word, name="operand_word", reset_less=True)
        source = Signal.like(self.word, name="source_word", reset_less=True)
        m.d.sync += word.eq(states.read_word)
        with m.If(sequencer.start | sequencer.second_start):
            m.d.sync += source.eq(self.word)
        m.d.comb += [
            adaptor.port.eq(sequencer.port),
            adaptor.word.eq(word),
            adaptor.source.eq(source),
            adaptor.chain_number.eq(number),
            adaptor.coef.eq(self.fetch.coef),
            adaptor.shift.eq(self.fetch.shift),
            adaptor.silent.eq(sequencer.round_to_zero),
        ]

    def _settled(self, m: Module, new: NewState, number: Value) -> NewState:
        """Add what did not travel as spikes to the new states."""
        formats = [(f.outer, f.inner) for f in self.adaptor.formats]
        spiking = [c.neurons is not None for c in self.plan.chains]
        m.submodules.residue_adder = adder = ResidueAdder(
            formats, spiking, len(new.word), self.depth
        )
        m.d.comb += [
            adder.store.eq(self.store),
            adder.store_address.eq(self.store_address),
            adder.residue.eq(self.residue),
            adder.word.eq(new.word),
            adder.address.eq(new.address),
            adder.chain_number.eq(number),
            adder.inner.eq(new.inner),
        ]

        def later(name: str, value: Value, *, reset_less: bool = False) -> Value:
            return pipeline(m, value, adder.latency, name, reset_less=reset_less)[-1]

        return NewState(
            word=adder.total,
            address=later("settles", new.address, reset_less=True),
            inner=later("inner_settles", new.inner),
            outer=later("outer_settles", new.outer),
            second=later("second_settles", new.second) if self.plan.paired else new.second,
        )

    def _store(self, m: Module, states: Ram, addresses: StateAddresses, new: NewState) -> None:
        """Read and write the states; neurons, the clearing and a state port come before."""
        m.d.comb += [
            states.read_address.eq(addresses.read),
            states.write.eq(new.inner | new.outer),
            states.write_word.eq(new.word),
            states.write_address.eq(new.address),
        ]
        readers: list[tuple[Value, Value]] = []
        writers: list[tuple[Value, Value, Value]] = [(self.clear, self.clear_address, Const(0))]
        if self.plan.spiking:
            m.d.comb += self.z.eq(states.read_word)
            readers.append((self.borrow, self.borrow_address))
            writers.append((self.store, self.store_address, self.sent))
        if self.plan.state_port:
            m.d.comb += self.state.eq(states.read_word)
            readers.append((self.access, self.address))
            writers.append((self.load, self.address, self.load_word))
        for valid, address in readers:
            with m.If(valid):
                m.d.comb += states.read_address.eq(address)
        for valid, address, word in writers:
            with m.If(valid):
                m.d.comb += [
                    states.write.eq(1),
                    states.write_address.eq(address),
                    states.write_word.eq(word),
                ]

    def _mirror(self, m: Module, start: Value, feed: Value, new: NewState) -> None:
        """Write the new states to the lanes' memory too."""
        formats = [(f.outer, f.inner) for f in self.adaptor.formats]
        m.submodules.state_mirror = mirror = StateMirror(self.plan, formats, len(new.word))
        m.d.comb += [
            mirror.start.eq(start),
            mirror.feed.eq(self.feed),
            mirror.running.eq(feed),
            mirror.word.eq(new.word),
            mirror.inner.eq(new.inner),
            mirror.outer.eq(new.outer),
            mirror.second.eq(new.second),
            self.mirror.eq(mirror.mirror),
            self.mirror_word.eq(mirror.mirror_word),
            self.mirror_row.eq(mirror.mirror_row),
            self.mirror_bank.eq(mirror.mirror_bank),
        ]
