"""Memories in cascade form: state RAM, section ROM and the sequence of adaptor commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import SimpleNamespace

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .adaptor import AdaptorUnit, ChainPort, coefficient_widths
from .block_memories import Ram, Rom, RomContents
from .channel_interleaver import ChannelInterleaver
from .constant_tables import lookup, one_of, requantized
from .neuron_levels import pipeline
from .ports import keep_on_reset
from .residue_adder import ResidueAdder
from .schedule import Feed, Mirror, Schedule
from .schedule.timing import INNER, OUTER, WINDOW, ChainWrite


class SectionWord(IntEnum):
    """Kind of a word in the section ROM."""

    NONE = 0
    """No section."""
    PAIR = 1
    REAL = 2
    HOLD = 3
    """A gap that keeps the state writes in order: an adaptor with coefficient zero, which
    recirculates the chain word."""


@dataclass(frozen=True, slots=True)
class ChainChannel:
    """One of up to two interleaved channels.

    ``feeds`` gives its feed for each feed of the first channel, ``mine`` is set in its cycles.
    """

    prefix: str
    feeds: tuple[Feed, ...]
    mine: Value | None

    def of(self, valid: Value) -> Value:
        """Return ``valid`` in the cycles of this channel."""
        return valid if self.mine is None else valid & self.mine


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
        Write the copy of a state that the lanes read, in their format and at their address.
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

    Schedule: windows of 4 cycles. Window 0 rounds the input. Window k + 1 starts the outer (or
    real) adaptor of section k in its first cycle, and the inner adaptor of section k - 1 in its
    second. States are read 2 cycles earlier and written in order 5 cycles later. The last two
    cycles of a window do the same for the second channel.
    """

    def __init__(self, plan: Schedule, file: str = "sections.mem") -> None:
        self.plan = plan
        self.adaptor = AdaptorUnit(plan)
        self.has_real = ChainPort.REAL in self.adaptor.used
        self.has_gaps = any(not section for chain in plan.chains for section in chain.sections)
        self.layout = section_layout(plan)
        self.contents = section_contents(plan, file)
        self.feeds = [f for f in plan.feeds if f.chain is not None]
        self.depth = max(2, sum(f.states for f in self.feeds))
        targets = [m for chain in plan.chains for m in chain.mirrors if m is not None]
        self.mirrored = [m for m in targets if m.target in plan.places]
        width = max((m.fmt.width + (not m.fmt.signed) for m in self.mirrored), default=1)
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
        keep_on_reset(self, "mirror_word", "mirror_row", "mirror_bank")

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
        """Yield the mirror writes of a chain, with their cycles."""
        yield from self.plan.chains[chain].writes(paired=False)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.adaptor = adaptor = self.adaptor
        m.submodules.sections = rom = Rom(self.contents)
        m.submodules.states = states = Ram(adaptor.state_width, self.depth)
        section = SimpleNamespace()
        for name, field in self.layout:
            value: Value = Const(0)
            if field.width:
                value = Signal(field.width, name=name, reset_less=True)
                m.d.sync += value.eq(data.View(self.layout, rom.word)[name])
            setattr(section, name, value)
        feeds = self.plan.feeds

        # operation of the adaptor in this cycle
        port = Signal(ChainPort)
        phase = Signal(range(WINDOW))
        word = Signal.like(states.read_word, name="operand_word", reset_less=True)
        source = Signal.like(self.word, name="source_word", reset_less=True)
        feed = Signal.like(self.feed, reset_less=True)
        left = Signal(range(max(len(c.sections) for c in self.plan.chains) + 1))
        # registers that an input or every cycle sets need no reset
        # sections whose outer or real adaptor, and whose inner adaptor, run in this window
        current, before = Signal(2, name="current"), Signal(2, name="before")
        # section of the next window, valid in the last two cycles of this one
        coming = Signal(2, reset_less=True)
        outer_read = Signal.like(states.read_address, name="outer_read", reset_less=True)
        inner_read = Signal.like(states.read_address, name="inner_read", reset_less=True)

        number = self._of_chain(m, self.feed, "chain_fed")
        m.d.sync += phase.eq(phase + 1)
        m.d.sync += coming.eq(Mux(left == 0, 0, data.View(self.layout, rom.word).section))
        with m.If(phase == WINDOW - 1):
            m.d.sync += [current.eq(coming), before.eq(current)]
            with m.If(left != 0):
                m.d.sync += left.eq(left - 1)

        # A section word is valid from the last but one cycle of the previous window to the second
        # cycle of its own. The address is reset for simulators: to them 0 times X is X.
        address = Signal.like(rom.address)
        m.d.comb += rom.address.eq(address)
        with m.If((phase == WINDOW - 1) & (left > 1)):
            m.d.sync += address.eq(address + 1)

        fed = Signal()
        m.d.comb += fed.eq(self.valid & self._is_chain(m))
        reads_outer = (phase == WINDOW - 2) & (coming == SectionWord.PAIR)
        first_read = Mux(reads_outer, outer_read, inner_read)
        m.d.comb += states.read_address.eq(first_read)
        self._move_on(m, phase, coming, current, outer_read, inner_read)
        m.d.sync += word.eq(states.read_word)
        count = lookup(m, number, [len(c.sections) for c in self.plan.chains], "count")
        first = lookup(m, number, [c.first_section for c in self.plan.chains], "first_section")
        firsts = [
            (
                self._first(m, c, [f.outer for f in c.feeds], "first_outer"),
                self._first(m, c, [f.inner for f in c.feeds], "first_inner"),
            )
            for c in self._channels(Const(0))
        ]
        self._next_port(m, port, phase, coming, before)
        if self.plan.paired:
            paired = self._of_fed(m, [int(f.paired) for f in feeds], "paired")
            interleaver = ChannelInterleaver(m, phase, fed, paired, self.silent)
            interleaver.repeat(m, port)
        with m.If(fed):
            m.d.sync += [
                phase.eq(0),
                port.eq(ChainPort.LOAD),
                source.eq(self.word),
                feed.eq(self.feed),
                current.eq(SectionWord.NONE),
                before.eq(SectionWord.NONE),
                left.eq(count),
                address.eq(first),
                outer_read.eq(firsts[0][0]),
                inner_read.eq(firsts[0][1]),
            ]

        # the inner adaptor runs a window later, so its coefficient is held
        held_coef = Signal(self.layout["inner_coef"].width, reset_less=True)
        held_shift = Signal(self.layout["inner_shift"].width, reset_less=True)
        with m.If(phase == 1):
            m.d.sync += [held_coef.eq(section.inner_coef), held_shift.eq(section.inner_shift)]
        inner = phase == 1
        coef = Mux(inner, held_coef, section.outer_coef)
        shift = Mux(inner, held_shift, section.outer_shift)
        m.d.comb += [
            adaptor.port.eq(port),
            adaptor.word.eq(word),
            adaptor.source.eq(source),
            adaptor.chain_number.eq(self._of_chain(m, feed, "chain_number")),
            adaptor.coef.eq(coef),
            adaptor.shift.eq(shift),
            adaptor.silent.eq(self.silent),
        ]
        second: Value = Const(0)
        if self.plan.paired:
            with m.If(interleaver.fed):
                m.d.sync += source.eq(self.word)
            interleaver.operand(m, adaptor, coef, shift)
            interleaver.read(m, states, first_read, self._distance(m, feed, reads_outer))
            second = interleaver.written(m, adaptor.a_valid)
        left = self._write(m, states, fed, feed, second, firsts)
        if self.mirrored:
            self._mirror(m, left, fed, feed)
        if self.plan.spiking:
            self._neurons(m, states)
        if self.plan.state_port:
            m.d.comb += self.state.eq(states.read_word)
            with m.If(self.access):
                m.d.comb += states.read_address.eq(self.address)
            with m.If(self.load):
                m.d.comb += [
                    states.write.eq(1),
                    states.write_address.eq(self.address),
                    states.write_word.eq(self.load_word),
                ]
        return m

    def _next_port(
        self, m: Module, port: Signal, phase: Value, coming: Value, before: Value
    ) -> None:
        """Decode the operation of the next cycle."""
        m.d.sync += port.eq(ChainPort.NONE)
        with m.Switch(phase):
            with m.Case(WINDOW - 1):
                with m.If(coming == SectionWord.PAIR):
                    m.d.sync += port.eq(ChainPort.OUTER)
                with m.Elif((coming == SectionWord.REAL) if self.has_real else 0):
                    m.d.sync += port.eq(ChainPort.REAL)
                with m.Elif((coming == SectionWord.HOLD) if self.has_gaps else 0):
                    m.d.sync += port.eq(ChainPort.OUTER)
            with m.Case(0), m.If(before == SectionWord.PAIR):
                m.d.sync += port.eq(ChainPort.INNER)

    def _is_chain(self, m: Module) -> Value:
        return lookup(m, self.feed, [int(f.chain is not None) for f in self.plan.feeds], "is_chain")

    def _of_fed(
        self, m: Module, values: Sequence[int], name: str, *, second: bool = False
    ) -> Value:
        """Return the value of the starting feed; with ``second``, that of its second channel."""
        behind, kept = False, []
        last: int | None = None
        for feed, value in zip(self.plan.feeds, values, strict=True):
            # the second feed of a pair never starts: its entry is a don't-care
            if not behind and (feed.paired or not second):
                last = value
            kept.append(value if last is None else last)
            behind = feed.paired
        return lookup(m, self.feed, kept, name)

    def _first(self, m: Module, channel: ChainChannel, values: Sequence[int], name: str) -> Value:
        """Return the table entry of a starting channel."""
        return self._of_fed(m, values, f"{channel.prefix}{name}", second=channel.prefix != "")

    def _of_chain(self, m: Module, feed: Value, name: str) -> Value:
        return lookup(m, feed, [f.chain or 0 for f in self.plan.feeds], name)

    def _move_on(
        self,
        m: Module,
        phase: Value,
        coming: Value,
        current: Value,
        outer_read: Signal,
        inner_read: Signal,
    ) -> None:
        """Advance the read addresses: states are read once, in order, two cycles ahead."""
        with m.If(phase == WINDOW - 2):
            with m.If(coming == SectionWord.PAIR):
                m.d.sync += outer_read.eq(outer_read + 1)
            with m.Elif((coming == SectionWord.REAL) if self.has_real else 0):
                m.d.sync += inner_read.eq(inner_read + 1)
        # the inner adaptor of this window's section runs in the next window
        with m.If((phase == WINDOW - 1) & (current == SectionWord.PAIR)):
            m.d.sync += inner_read.eq(inner_read + 1)

    def _distance(self, m: Module, feed: Value, outer: Value) -> Value:
        """Return the address offset from the first channel's states to the second's."""
        sizes = [[len(s) for s in chain.sections if s] for chain in self.plan.chains]
        number = self._of_chain(m, feed, "second_chain")
        pairs = lookup(m, number, [n.count(2) for n in sizes], "outer_distance")
        return Mux(outer, pairs, lookup(m, number, [len(n) for n in sizes], "inner_distance"))

    def _channels(self, second: Value) -> list[ChainChannel]:
        """Return the channel that uses the chain, or the two interleaved ones."""
        feeds = self.plan.feeds
        if not self.plan.paired:
            return [ChainChannel("", feeds, None)]
        others = tuple(feeds[k + feed.paired] for k, feed in enumerate(feeds))
        return [ChainChannel("", feeds, ~second), ChainChannel("second_", others, second)]

    def _write(
        self,
        m: Module,
        states: Ram,
        fed: Value,
        feed: Value,
        second: Value,
        firsts: Sequence[tuple[Value, Value]],
    ) -> SimpleNamespace:
        """Write the states back in order; return the word written, and which it is."""
        adaptor = self.adaptor
        word = Signal.like(adaptor.a, name="state")
        left = SimpleNamespace(
            word=word, inner=adaptor.a_valid, outer=adaptor.b_valid, second=second
        )
        m.d.comb += word.eq(Mux(adaptor.a_valid, adaptor.a, adaptor.b))
        addresses = []
        for channel, (first_outer, first_inner) in zip(self._channels(second), firsts, strict=True):
            outer = Signal.like(
                states.write_address, name=f"{channel.prefix}outer_write", reset_less=True
            )
            inner = Signal.like(
                states.write_address, name=f"{channel.prefix}inner_write", reset_less=True
            )
            addresses.append(Mux(adaptor.a_valid, inner, outer))
            with m.If(fed):
                m.d.sync += [outer.eq(first_outer), inner.eq(first_inner)]
            with m.If(channel.of(adaptor.a_valid)):
                m.d.sync += inner.eq(inner + 1)
            with m.Elif(channel.of(adaptor.b_valid)):
                m.d.sync += outer.eq(outer + 1)
        address = addresses[0] if len(addresses) == 1 else Mux(second, addresses[1], addresses[0])
        if self.plan.spiking:
            left, address = self._settled(m, left, address, feed)
        m.d.comb += [
            states.write.eq(left.inner | left.outer),
            states.write_word.eq(left.word),
            states.write_address.eq(address),
        ]
        with m.If(self.clear):
            m.d.comb += [
                states.write.eq(1),
                states.write_address.eq(self.clear_address),
                states.write_word.eq(0),
            ]
        return left

    def _settled(
        self, m: Module, left: SimpleNamespace, address: Value, feed: Value
    ) -> tuple[SimpleNamespace, Value]:
        """Add what did not travel as spikes to the results; return them and their addresses."""
        formats = [(f.outer, f.inner) for f in self.adaptor.formats]
        spiking = [c.neurons is not None for c in self.plan.chains]
        m.submodules.residue_adder = adder = ResidueAdder(
            formats, spiking, len(left.word), self.depth
        )
        m.d.comb += [
            adder.store.eq(self.store),
            adder.store_address.eq(self.store_address),
            adder.residue.eq(self.residue),
            adder.word.eq(left.word),
            adder.address.eq(address),
            adder.chain_number.eq(self._of_chain(m, feed, "settled_chain")),
            adder.inner.eq(left.inner),
        ]

        def later(name: str, value: Value) -> Value:
            return pipeline(m, value, adder.latency, name, reset_less=False)[-1]

        settled = SimpleNamespace(
            word=adder.total,
            inner=later("inner_settles", left.inner),
            outer=later("outer_settles", left.outer),
            second=later("second_settles", left.second) if self.plan.paired else left.second,
        )
        return settled, pipeline(m, address, adder.latency, "settles")[-1]

    def _neurons(self, m: Module, states: Ram) -> None:
        """Let the neurons read the states, and put the words in their place that they send."""
        m.d.comb += self.z.eq(states.read_word)
        with m.If(self.borrow):
            m.d.comb += states.read_address.eq(self.borrow_address)
        with m.If(self.store):
            m.d.comb += [
                states.write.eq(1),
                states.write_address.eq(self.store_address),
                states.write_word.eq(self.sent),
            ]

    def _mirror(self, m: Module, left: SimpleNamespace, fed: Value, feed: Value) -> None:
        """Round a state to the lanes' format and write it to their memory."""
        word, second = left.word, left.second
        outer_comes = Signal()
        m.d.comb += outer_comes.eq(left.outer & ~left.inner)
        valid = {INNER: left.inner, OUTER: outer_comes}
        m.d.sync += self.mirror.eq(0)
        for port, what in ((INNER, "inner"), (OUTER, "outer")):
            mirrors = [self._present(chain.mirrors[port]) for chain in self.plan.chains]
            if not any(mirrors):
                continue
            with m.If(valid[port]):
                m.d.sync += [
                    self.mirror.eq(self._is_read(m, feed, mirrors, what)),
                    self.mirror_word.eq(self._mirrored(m, word, feed, port, what)),
                ]
            for channel in self._channels(second):
                name = channel.prefix + what
                row = Signal.like(self.mirror_row, name=f"{name}_row", reset_less=True)
                bank = Signal.like(self.mirror_bank, name=f"{name}_bank", reset_less=True)
                starts = [self._start(feed_, port) for feed_ in channel.feeds]
                first_row = self._first(m, channel, [r for r, _ in starts], f"{what}_first_row")
                first_bank = self._first(m, channel, [b for _, b in starts], f"{what}_first_bank")
                with m.If(fed):
                    m.d.sync += [row.eq(first_row), bank.eq(first_bank)]
                with m.If(channel.of(valid[port])):
                    m.d.sync += [
                        self.mirror_row.eq(row),
                        self.mirror_bank.eq(bank),
                        bank.eq(bank + 1),
                    ]
                    if self.plan.lanes == 1:
                        m.d.sync += row.eq(row + 1)
                    else:
                        with m.If(bank == self.plan.lanes - 1):
                            m.d.sync += [bank.eq(0), row.eq(row + 1)]

    def _is_read(self, m: Module, feed: Value, mirrors: list[Mirror | None], what: str) -> Value:
        """Return whether the lanes read this port's states of the chain."""
        if all(mirrors):
            return Const(1)
        number = self._of_chain(m, feed, f"{what}_chain_read")
        return lookup(m, number, [int(x is not None) for x in mirrors], f"{what}_is_read")

    def _mirrored(self, m: Module, word: Value, feed: Value, port: int, what: str) -> Value:
        """Return a state as its mirror's word; chains of equal formats share the rounding."""
        part = 2 if port == INNER else 1
        kinds = [
            None if mirror is None else (f.all[part], mirror.fmt)
            for f, chain in zip(self.adaptor.formats, self.plan.chains, strict=True)
            for mirror in [self._present(chain.mirrors[port])]
        ]
        words = {kind: self._rounded(m, word, kinds.index(kind), port) for kind in kinds}
        if len(words) == 1:
            return words[kinds[0]]
        number = self._of_chain(m, feed, f"{what}_chain_mirrored")
        return one_of(m, number, [words[kind] for kind in kinds], f"{what}_word")

    def _rounded(self, m: Module, word: Value, number: int, port: int) -> Value:
        """Return a state as its mirror's word; zero where the chain has no mirror."""
        rounded = Signal.like(self.mirror_word, name=f"rounded_{number}_{('outer', 'inner')[port]}")
        mirror = self._present(self.plan.chains[number].mirrors[port])
        if mirror is not None:
            state = self.adaptor.formats[number].all[2 if port == INNER else 1]
            value = requantized(m, word, state, mirror.fmt, f"raised_{rounded.name}")
            m.d.comb += rounded.eq(value)
        return rounded

    def _present(self, mirror: Mirror | None) -> Mirror | None:
        return mirror if mirror is not None and mirror.target in self.plan.places else None

    def _start(self, feed: Feed, port: int) -> tuple[int, int]:
        """Return the (row, bank) of the first word of a feed's mirror."""
        if feed.chain is None:
            return 0, 0
        chain = self.plan.chains[feed.chain]
        mirror = self._present(chain.mirrors[port])
        if mirror is None:
            return 0, 0
        size = [len(s) for s in chain.sections]
        part = sum(n == 2 for n in size) if port == OUTER else sum(n > 0 for n in size)
        word = feed.channel * part
        place = self.plan.places[mirror.target]
        return place.row + word // self.plan.lanes, word % self.plan.lanes


def section_layout(plan: Schedule) -> data.StructLayout:
    """Return the fields of a section ROM word."""
    coef, _, shift = coefficient_widths(plan)
    pairs = any(len(s) == 2 for chain in plan.chains for s in chain.sections)
    return data.StructLayout(
        {
            "section": 2,
            "outer_coef": coef,
            "outer_shift": shift,
            "inner_coef": coef if pairs else 0,
            "inner_shift": shift if pairs else 0,
        }
    )


def section_contents(plan: Schedule, file: str) -> RomContents:
    """Return the section ROM; a real section's adaptor takes the place of a pair's outer one."""
    layout, (_, least, _) = section_layout(plan), coefficient_widths(plan)
    words = []
    for chain in plan.chains:
        for section in chain.sections:
            outer, inner = (*section, (0, least), (0, least))[:2]
            values = {
                "section": (SectionWord.HOLD, SectionWord.REAL, SectionWord.PAIR)[len(section)],
                "outer_coef": outer[0],
                "outer_shift": outer[1] - least,
                "inner_coef": inner[0],
                "inner_shift": inner[1] - least,
            }
            words.append(sum(int(v) << layout[name].offset for name, v in values.items()))
    return RomContents(width=layout.size, words=tuple(words), file=file)
