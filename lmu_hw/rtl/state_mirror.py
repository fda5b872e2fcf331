"""Copies of a chain's states in the lanes' memory: rounded to their format, and addressed."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import Overflow, QFormat, Rounding, requantize
from .chain_channels import ChainChannel, chain_of, channels
from .constant_tables import lookup, one_of, requantized, signed_width
from .ports import keep_on_reset
from .schedule import Feed, Mirror, Schedule
from .schedule.timing import INNER, OUTER

PORTS = {INNER: "inner", OUTER: "outer"}


class StateMirror(wiring.Component):
    """Writes the states that lanes read to the lanes' memory, each when it is new.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain with a mirror.
    formats : list of (QFormat, QFormat)
        For each chain those of its outer and inner states.
    width : int
        Bits of a state.

    Members
    -------
    start, feed : In
        Start with the first states of this feed, and of the next one if they are paired.
    running : In(range(len(plan.feeds)))
        The feed that has started.
    word : In(signed(width))
        A state.
    inner, outer : In(1)
        ``word`` is a new inner or real state; it is a new outer one, if not an inner one.
    second : In(1)
        It is that of the second channel.
    mirror, mirror_word, mirror_row, mirror_bank : Out
        Write the copy of the state; the copy, in the format of the lanes; its row; its bank.

    Latency: 1 cycle.
    Throughput: one state per cycle.

    Schedule: round and saturate into the output register.
    """

    latency = 1

    def __init__(self, plan: Schedule, formats: list[tuple[QFormat, QFormat]], width: int) -> None:
        self.plan, self.formats = plan, formats
        feeds = range(len(plan.feeds))
        widths = [signed_width(mirror.fmt) for mirror in mirrors_of(plan)]
        super().__init__(
            {
                "start": In(1),
                "feed": In(feeds),
                "running": In(feeds),
                "word": In(signed(width)),
                "inner": In(1),
                "outer": In(1),
                "second": In(1),
                "mirror": Out(1),
                "mirror_word": Out(signed(max(widths, default=1))),
                "mirror_row": Out(range(plan.rows)),
                "mirror_bank": Out(range(plan.lanes)),
            }
        )
        keep_on_reset(self, "mirror_word", "mirror_row", "mirror_bank")

    def model(self, chain: int, port: int, word: int) -> int:
        """Return the copy of a state; `INNER` or `OUTER` says which port it belongs to."""
        mirror = self._present(self.plan.chains[chain].mirrors[port])
        assert mirror is not None
        source = self.formats[chain][port]
        return int(requantize(word, source, mirror.fmt, Rounding.RND, Overflow.SAT))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        outer_comes = Signal()
        m.d.comb += outer_comes.eq(self.outer & ~self.inner)
        m.d.sync += self.mirror.eq(0)
        for port, valid in ((INNER, self.inner), (OUTER, outer_comes)):
            mirrors = [self._present(chain.mirrors[port]) for chain in self.plan.chains]
            if not any(mirrors):
                continue
            with m.If(valid):
                m.d.sync += [
                    self.mirror.eq(self._is_read(m, mirrors, PORTS[port])),
                    self.mirror_word.eq(self._mirrored(m, port)),
                ]
            for channel in channels(self.plan, self.second):
                self._address(m, channel, port, channel.of(valid))
        return m

    def _address(self, m: Module, channel: ChainChannel, port: int, valid: Value) -> None:
        """Count through the places of a channel's states."""
        name = channel.prefix + PORTS[port]
        row = Signal.like(self.mirror_row, name=f"{name}_row", reset_less=True)
        bank = Signal.like(self.mirror_bank, name=f"{name}_bank", reset_less=True)
        starts = [self._start(feed, port) for feed in channel.feeds]
        rows, banks = [r for r, _ in starts], [b for _, b in starts]
        first_row = channel.first(m, self.plan, self.feed, rows, f"{PORTS[port]}_first_row")
        first_bank = channel.first(m, self.plan, self.feed, banks, f"{PORTS[port]}_first_bank")
        with m.If(self.start):
            m.d.sync += [row.eq(first_row), bank.eq(first_bank)]
        with m.If(valid):
            m.d.sync += [self.mirror_row.eq(row), self.mirror_bank.eq(bank), bank.eq(bank + 1)]
            if self.plan.lanes == 1:
                m.d.sync += row.eq(row + 1)
            else:
                with m.If(bank == self.plan.lanes - 1):
                    m.d.sync += [bank.eq(0), row.eq(row + 1)]

    def _is_read(self, m: Module, mirrors: list[Mirror | None], what: str) -> Value:
        """Return whether the lanes read this port's states of the chain."""
        if all(mirrors):
            return Const(1)
        number = chain_of(m, self.plan, self.running, f"{what}_chain_read")
        return lookup(m, number, [int(x is not None) for x in mirrors], f"{what}_is_read")

    def _mirrored(self, m: Module, port: int) -> Value:
        """Return a state as its mirror's word; chains of equal formats share the rounding."""
        kinds = [
            None if mirror is None else (formats[port], mirror.fmt)
            for formats, chain in zip(self.formats, self.plan.chains, strict=True)
            for mirror in [self._present(chain.mirrors[port])]
        ]
        words = {kind: self._rounded(m, kinds.index(kind), port) for kind in kinds}
        if len(words) == 1:
            return words[kinds[0]]
        number = chain_of(m, self.plan, self.running, f"{PORTS[port]}_chain_mirrored")
        return one_of(m, number, [words[kind] for kind in kinds], f"{PORTS[port]}_word")

    def _rounded(self, m: Module, number: int, port: int) -> Value:
        """Return a state as its mirror's word; zero where the chain has no mirror."""
        name = f"{PORTS[port]}_{number}"
        rounded = Signal.like(self.mirror_word, name=f"rounded_{name}")
        mirror = self._present(self.plan.chains[number].mirrors[port])
        if mirror is not None:
            state = self.formats[number][port]
            m.d.comb += rounded.eq(requantized(m, self.word, state, mirror.fmt, f"raised_{name}"))
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


def mirrors_of(plan: Schedule) -> list[Mirror]:
    """Return the mirrors of all chains that lanes read."""
    every = [mirror for chain in plan.chains for mirror in chain.mirrors]
    return [mirror for mirror in every if mirror is not None and mirror.target in plan.places]
