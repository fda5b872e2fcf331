"""State port: clears, saves and loads the state words in the order of the program."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..program.integer_program import Role
from ..program.spiking_update import GENERATOR_FMT
from .constant_tables import lookup, signed_width
from .lane_widths import payload_shape
from .ports import keep_on_reset
from .schedule import BufferHalf, Schedule
from .schedule.state import StateBank, segments
from .schedule.timing import FEED

FETCH = FEED
"""Cycles from one saved word to the next."""
START = FEED + 2
"""Cycles from a command to its first word: writes of the previous step finish first."""


class StateCommand(enum.Enum, shape=2):
    """Commands of the state port."""

    NONE = 0
    CLEAR = 1
    SAVE = 2
    LOAD = 3


def save_cycles(n_words: int) -> int:
    """Return the cycles from accepting a SAVE to accepting the next input word."""
    return START + FETCH * (n_words - 1) + 2


def load_cycles(n_words: int) -> int:
    """Return the cycles from accepting a LOAD, whose words never stall, to the next input word."""
    return START + n_words + 1


def clear_cycles(depth: int) -> int:
    """Return the cycles from accepting a CLEAR to the next input word; ``depth`` [words]."""
    return START + depth + 2


def state_members(plan: Schedule) -> dict[str, wiring.Member]:
    """Return the state ports of a design."""
    words = stream.Signature(payload_shape(plan.program.with_role(Role.STATE)))
    return {
        "state_command": In(stream.Signature(StateCommand)),
        "state_i": In(words),
        "state_o": Out(words),
        "state_o_last": Out(1),
    }


def count_width(plan: Schedule) -> int:
    """Return the width of the widest zero-run counter in the program."""
    return max((s.fmt.width for s in segments(plan) if s.memory is StateBank.COUNTS), default=0)


def legal(plan: Schedule, words: Sequence[int]) -> list[int]:
    """Return the state that a LOAD of any words results in: each word cut to its format."""
    formats = [s.fmt for s in segments(plan) for _ in range(s.length)]
    kept = []
    for word, fmt in zip(words, formats, strict=True):
        low = word & ((1 << fmt.width) - 1)
        kept.append(low - (1 << fmt.width) if low > fmt.max else low)
    return kept


class StatePort(wiring.Component):
    """Clears, saves or loads the state between two steps.

    Parameters
    ----------
    plan : Schedule
    lane_width, chain_width, ladder_width : int
        Bits of a word of the lanes' memory, and of the states of cascades and ladders; 0 without a
        ladder.

    Members
    -------
    command : In(stream of StateCommand)
        Accepted at any time and executed before the next step starts. One more command is accepted
        during execution and executed next.
    i : In(stream)
        The words to load.
    o : Out(stream)
        The words saved.
    o_last : Out(1)
        With ``o``: the last word of the state.
    between, swap : In(1)
        From `StepController`.
    hold, erase : Out(1)
        To `StepController`.
    busy : Out(1)
        The port drives the addresses of all memories.
    row, bank : Out(unsigned)
        Address in the lanes' memory.
    address : Out(unsigned)
        Address in the other memories.
    lane_word, chain_word, ladder_word, membrane_word, generator_word, count, clock : In
        The words at these addresses, at most `FETCH` - 1 cycles later.
    to_lanes, to_chain, to_ladder, to_membranes, to_generators, to_counts, to_clock : Out(1)
        Write ``word`` at these addresses.
    word : Out(signed)
        Word to load.

    Latency: `save_cycles`, `load_cycles`, `clear_cycles`.
    Throughput: one word every `FETCH` cycles to save, one word per cycle to load.

    Schedule: wait for the end of the running step and for its last writes; then word by word.
    """

    def __init__(
        self, plan: Schedule, lane_width: int, chain_width: int, ladder_width: int = 0
    ) -> None:
        self.plan = plan
        self.segments = segments(plan)
        words = payload_shape(plan.program.with_role(Role.STATE))
        apart = [s for s in self.segments if s.memory is not StateBank.LANES]
        depth = max((s.address + s.length for s in apart), default=1)
        clock = [s.fmt.width for s in self.segments if s.memory is StateBank.CLOCK]
        self.has_lanes = any(s.place is not None for s in self.segments)
        self.has_ladder = ladder_width > 0
        ladder = {"ladder_word": In(signed(max(1, ladder_width))), "to_ladder": Out(1)}
        membranes = [s.fmt.width for s in self.segments if s.memory is StateBank.MEMBRANES]
        neurons = {
            "membrane_word": In(signed(max(membranes, default=1))),
            "generator_word": In(GENERATOR_FMT.width),
            "to_membranes": Out(1),
            "to_generators": Out(1),
        }
        super().__init__(
            {
                "command": In(stream.Signature(StateCommand)),
                "i": In(stream.Signature(words)),
                "o": Out(stream.Signature(words)),
                "o_last": Out(1),
                "between": In(1),
                "swap": In(1),
                "hold": Out(1),
                "erase": Out(1),
                "busy": Out(1),
                "row": Out(range(plan.rows)),
                "bank": Out(range(plan.lanes)),
                "address": Out(range(depth)),
                "lane_word": In(signed(lane_width)),
                "chain_word": In(signed(chain_width)),
                "count": In(count_width(plan)),
                "clock": In(max(clock, default=0)),
                "to_lanes": Out(1),
                "to_chain": Out(1),
                "to_counts": Out(1),
                "to_clock": Out(1),
                "word": Out(signed(max(signed_width(s.fmt) for s in self.segments))),
                **(ladder if self.has_ladder else {}),
                **(neurons if plan.spiking else {}),
            }
        )
        keep_on_reset(self, "row", "bank", "address")

    def model(self, words: Sequence[int]) -> list[int]:
        """Return the state after a LOAD of any words, see `legal`."""
        return legal(self.plan, words)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        pending = Signal(StateCommand)
        active = Signal(StateCommand)
        pause = Signal(range(START), reset_less=True)
        idle = Signal()
        start = Signal()
        ready = Signal()
        saves = Signal()
        loads = Signal()
        m.d.comb += [
            self.command.ready.eq(pending == StateCommand.NONE),
            idle.eq(active == StateCommand.NONE),
            self.hold.eq(~idle | (pending != StateCommand.NONE)),
            start.eq(self.between & idle & (pending != StateCommand.NONE)),
            # until then the previous step still uses the memories
            self.busy.eq(~idle & (pause < FETCH)),
            ready.eq(pause == 0),
            self.erase.eq(ready & (active == StateCommand.CLEAR)),
            saves.eq(ready & (active == StateCommand.SAVE) & (~self.o.valid | self.o.ready)),
            self.i.ready.eq(ready & (active == StateCommand.LOAD)),
            loads.eq(self.i.ready & self.i.valid),
        ]
        segment, last = self._walk(m, start, saves | loads)
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += pending.eq(self.command.payload)
        with m.If(start):
            m.d.sync += [active.eq(pending), pending.eq(StateCommand.NONE), pause.eq(START - 1)]
        with m.Elif(~ready):
            m.d.sync += pause.eq(pause - 1)
        with m.Elif(saves):
            m.d.sync += pause.eq(FETCH - 1)
        with m.If(self.erase | ((saves | loads) & last)):
            m.d.sync += active.eq(StateCommand.NONE)

        held = self._held(m, segment)
        with m.If(saves):
            m.d.sync += [self.o.payload.eq(held), self.o.valid.eq(1), self.o_last.eq(last)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        self._cut(m, segment)
        writers = [
            ("lanes", self.to_lanes, [s.place is not None for s in self.segments]),
            ("chain", self.to_chain, [s.memory is StateBank.CHAIN for s in self.segments]),
            ("counts", self.to_counts, [s.memory is StateBank.COUNTS for s in self.segments]),
            ("clock", self.to_clock, [s.memory is StateBank.CLOCK for s in self.segments]),
        ]
        if self.has_ladder:
            in_ladder = [s.memory is StateBank.LADDER for s in self.segments]
            writers.append(("ladder", self.to_ladder, in_ladder))
        if self.plan.spiking:
            for name, port, bank in (
                ("membranes", self.to_membranes, StateBank.MEMBRANES),
                ("generators", self.to_generators, StateBank.GENERATORS),
            ):
                writers.append((name, port, [s.memory is bank for s in self.segments]))
        for name, port, holds in writers:
            m.d.comb += port.eq(loads & lookup(m, segment, [int(h) for h in holds], f"in_{name}"))
        return m

    def _walk(self, m: Module, start: Value, moves: Value) -> tuple[Value, Value]:
        """Step through the words; return the segment's index, and whether this is the last word."""
        found = self.segments
        segment = Signal(range(len(found)), reset_less=True)
        following = Signal(range(len(found)))
        left = Signal(range(max(s.length for s in found)), reset_less=True)
        ends = Signal()
        last = Signal()
        m.d.comb += [
            ends.eq(left == 0),
            last.eq(ends & (segment == len(found) - 1)),
            following.eq(Mux(start, 0, (segment + 1)[: len(segment)])),
        ]

        def of_following(name: str, values: Sequence[int]) -> Value:
            return lookup(m, following, values, f"following_{name}")

        length = of_following("length", [s.length - 1 for s in found])
        address = of_following("address", [s.address for s in found])
        row = of_following("row", [s.place.row if s.place else 0 for s in found])
        two = [s.place is not None and s.place.half is BufferHalf.OLD for s in found]
        copy = of_following("has_two", [int(t) for t in two]) & self.swap
        with m.If(moves):
            m.d.sync += [
                left.eq(left - 1),
                self.bank.eq(self.bank + 1),
                self.address.eq(self.address + 1),
            ]
            with m.If(self.bank == self.plan.lanes - 1):
                m.d.sync += [self.bank.eq(0), self.row.eq(self.row + 1)]
        with m.If(start | (moves & ends)):
            m.d.sync += [
                segment.eq(following),
                left.eq(length),
                self.address.eq(address),
                self.bank.eq(0),
                self.row.eq(row + Mux(copy, self.plan.half_rows, 0)),
            ]
        return segment, last

    def _held(self, m: Module, segment: Value) -> Value:
        """Return the state word at the current address."""
        words: dict[StateBank, Value] = {
            StateBank.LANES: self.lane_word,
            StateBank.CHAIN: self.chain_word,
            StateBank.COUNTS: self.count,
            StateBank.CLOCK: self.clock,
        }
        if self.has_ladder:
            words[StateBank.LADDER] = self.ladder_word
        if self.plan.spiking:
            words[StateBank.MEMBRANES] = self.membrane_word
            words[StateBank.GENERATORS] = self.generator_word
        memory = lookup(m, segment, [s.memory for s in self.segments], "memory")
        held: Value | None = None
        for kind in sorted({s.memory for s in self.segments}):
            held = words[kind] if held is None else Mux(memory == kind, words[kind], held)
        assert held is not None
        return held

    def _cut(self, m: Module, segment: Value) -> None:
        """Cut the input word to the format of its vector; higher bits are ignored."""
        formats = [(s.fmt.width, s.fmt.signed) for s in self.segments]
        kinds = list(dict.fromkeys(formats))
        number = lookup(m, segment, [kinds.index(fmt) for fmt in formats], "format")
        for k, (width, is_signed) in enumerate(kinds):
            low = self.i.payload[:width]
            cut = self.word.eq(low.as_signed() if is_signed else low)
            if k == 0:
                m.d.comb += cut
            else:
                with m.If(number == k):
                    m.d.comb += cut
