"""Memories in ladder form: state RAM, section ROM and the two sweeps over the sections."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..program.fixedpoint import QFormat
from ..program.integer_program import Ladder
from .block_memories import Ram, Rom, RomContents
from .constant_tables import lookup, one_of, requantized, signed_width
from .ladder_windows import LAST, LadderWindows, Move
from .ports import keep_on_reset
from .schedule import Schedule
from .schedule.timing import ladder_writes
from .three_port import ThreePort

KEPT = ("wave", "t", "t_behind", "t_lost")
"""Outputs of the three-port that are kept on the way left for the way right."""


class LadderUnit(wiring.Component):
    """Updates the states of a memory in ladder form in two sweeps over the sections.

    Parameters
    ----------
    plan : Schedule
        Must have at least one ladder.
    file : str
        File of the section ROM.

    Members
    -------
    word : In(signed)
        Input word.
    feed : In(range(len(plan.feeds)))
        Number of the memory and channel that it is for.
    valid : In(1)
        Start the memory of ``feed`` with input ``word``, if it is a ladder.
    silent : In(1)
        From `ZeroRunCounter`, three cycles after ``valid``: round toward zero.
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

    Latency: see `lmu_hw.rtl.schedule.timing.ladder_writes`.
    Throughput: d + 1 products in d + 2 windows of 4 cycles, for each substep.

    Schedule: that of `LadderWindows`. Only odd sections multiply on the way left, only even ones on
    the way right; the wave passes a section of the other kind between two windows. What an odd
    section computes on the way left is kept in a RAM for the way right. The last cycle of a window
    loads the operands of the next one.
    """

    def __init__(self, plan: Schedule, file: str = "ladder.mem") -> None:
        self.plan, self.windows = plan, LadderWindows(plan)
        program, vector = plan.program, plan.program.vector
        self.ops = [op for k in plan.ladders if isinstance(op := program.ops[k.op], Ladder)]
        self.formats = [vector(op.state).fmt for op in self.ops]
        sources = [vector(op.source).fmt for op in self.ops]
        self.contents, self.layout = ladder_contents(plan, file), ladder_layout(plan)
        self.three_port = ThreePort(self.formats, *ladder_widths(plan))
        self.depth = self.windows.depth
        self.mirrors = [
            k.mirror.fmt if k.mirror is not None and k.mirror.target in plan.places else None
            for k in plan.ladders
        ]
        mirrored = [signed_width(fmt) for fmt in self.mirrors if fmt is not None]
        stored = [fmt for op, fmt in zip(self.ops, sources, strict=True) if op.previous]
        self.state_width = max(signed_width(fmt) for fmt in (*self.formats, *stored))
        state, address = signed(self.state_width), ceil_log2(self.depth)
        port = {
            "access": In(1),
            "address": In(address),
            "state": Out(state),
            "load": In(1),
            "load_word": In(state),
        }
        super().__init__(
            {
                "word": In(signed(max(map(signed_width, sources)))),
                "feed": In(range(len(plan.feeds))),
                "valid": In(1),
                "silent": In(1),
                "mirror": Out(1),
                "mirror_word": Out(signed(max(mirrored, default=1))),
                "mirror_row": Out(range(plan.rows)),
                "mirror_bank": Out(range(plan.lanes)),
                "clear": In(1),
                "clear_address": In(address),
                **(port if plan.state_port else {}),
            }
        )
        keep_on_reset(self, "mirror_word", "mirror_row", "mirror_bank")
        if self.windows.clears:
            keep_on_reset(self, "mirror")

    def model(self, ladder: int) -> list[int]:
        """Return the cycle in which each mirror is written, from the issue of the input."""
        return ladder_writes(self.plan.ladders[ladder].order, self.plan.ladders[ladder].substeps)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.windows = now = self.windows
        m.submodules.three_port = three_port = self.three_port
        m.submodules.states = states = Ram(self.state_width, self.depth)
        self._coefficients(m)
        u = Signal.like(self.word, name="u", reset_less=True)
        word = Signal.like(states.read_word, name="word_read", reset_less=True)
        with m.If(now.fed):
            m.d.sync += u.eq(self.word)
        m.d.sync += word.eq(states.read_word)
        m.d.comb += [
            now.feed.eq(self.feed),
            now.valid.eq(self.valid),
            states.read_address.eq(now.read_address),
            states.write.eq(now.write | now.write_input),
            states.write_address.eq(now.write_address),
            states.write_word.eq(Mux(now.write_input, u, three_port.state)),
        ]
        self._operands(m, word, states.read_word, self._input(m, u, word), self._kept(m))
        self._control(m)
        if any(self.mirrors):
            self._mirror(m)
        writers = [(self.clear, self.clear_address, 0)]
        if self.plan.state_port:
            writers.append((self.load, self.address, self.load_word))
            m.d.comb += self.state.eq(states.read_word)
            with m.If(self.access):
                m.d.comb += states.read_address.eq(self.address)
        for valid, address, value in writers:
            with m.If(valid):
                m.d.comb += [
                    states.write.eq(1),
                    states.write_address.eq(address),
                    states.write_word.eq(value),
                ]
        return m

    def _coefficients(self, m: Module) -> None:
        """Read the coefficients of the section ROM, each held for its window."""
        m.submodules.sections = rom = Rom(self.contents)
        word = data.View(self.layout, rom.word)
        m.d.comb += rom.address.eq(self.windows.coefficient)
        for name, field in self.layout:
            if field.width:
                held = Signal(field.width, name=name, reset_less=True)
                m.d.sync += held.eq(word[name])
                m.d.comb += getattr(self.three_port, name).eq(held)

    def _input(self, m: Module, u: Value, word: Value) -> Value:
        """Return twice the interpolated input of the substep, as a wave."""
        now, plan = self.windows, self.plan
        # partial sums of a substep are at most 2 K input words
        growth = max(k.substeps for k in plan.ladders).bit_length() + 2
        total = Signal(signed(len(u) + growth), name="input", reset_less=True)
        m.d.comb += total.eq(u << 1)
        if now.interpolates:
            before = word[: len(u)].as_signed()
            total = Signal.like(total, name="interpolated", reset_less=True)
            step = Signal(signed(len(u) + 2), name="input_step", reset_less=True)
            first = []
            for k, ladder in enumerate(plan.ladders):
                doubled = u - before + (before << ladder.substeps.bit_length())
                first.append(Signal.like(total, name=f"first_input_{k}"))
                m.d.comb += first[k].eq(doubled if ladder.substeps > 1 else u << 1)
            with m.If((now.current == Move.TURN) & (now.phase == 2)):
                m.d.sync += total.eq(total + step)
                with m.If(now.starting):
                    m.d.sync += [
                        total.eq(one_of(m, now.number, first, "first_input")),
                        step.eq((u - before) << 1),
                    ]
        words = {}
        kinds = []
        for op, fmt in zip(self.ops, self.formats, strict=True):
            frac = op.input_shift(plan.program.vector) + fmt.frac_bits
            kinds.append((QFormat(len(total) - frac, frac), fmt))
        for k, (source, fmt) in enumerate(kinds):
            if (source, fmt) not in words:
                words[source, fmt] = Signal.like(self.three_port.other, name=f"source_{k}")
                wave = requantized(m, total, source, fmt, f"raised_{k}")
                m.d.comb += words[source, fmt].eq(wave)
        return one_of(m, now.number, [words[kind] for kind in kinds], "source_wave")

    def _kept(self, m: Module) -> Any:
        """Keep the words of the way left; return those of the next window on the way right."""
        now = self.windows
        words = [getattr(self.three_port, name) for name in KEPT]
        shapes = {name: word.shape() for name, word in zip(KEPT, words, strict=True)}
        layout = data.StructLayout(shapes)
        pairs = max(k.order // 2 for k in self.plan.ladders) + 1
        m.submodules.waves = waves = Ram(layout.size, max(2, pairs))
        m.d.comb += [
            waves.read_address.eq(now.pair),
            waves.write.eq((now.phase == LAST) & (now.current == Move.LEFT)),
            waves.write_address.eq(now.current_pair),
            waves.write_word.eq(Cat(*words)),
        ]
        return data.View(layout, waves.read_word.as_unsigned())

    def _operands(self, m: Module, even: Value, word: Value, source: Value, kept: Any) -> None:
        """Give the operands of the next window to the three-port.

        ``even`` and ``word`` are the states read in the second and third cycle of this one.
        """
        now, three_port = self.windows, self.three_port
        even_order = now.of_ladder(m, lambda k: 1 - k.order % 2, "even_order")
        left, none = Signal(name="goes_left"), Signal(name="passes_none")
        m.d.comb += [
            left.eq((now.coming == Move.LEFT) | (now.coming == Move.SOURCE)),
            # no section lies to the right of an odd last one, nor to the left of section 0
            none.eq(Mux(left, (now.current == Move.TURN) & even_order, now.current == Move.SOURCE)),
        ]
        m.d.comb += [
            three_port.own.eq(Mux(now.coming == Move.RIGHT, word, 0)),
            three_port.passed.eq(Mux(none, 0, Mux(left, even, kept.t))),
            three_port.lost.eq(~none & ~left & kept.t_lost),
            three_port.behind.eq(kept.t_behind),
            # the wave of section 0 has just come
            three_port.other.eq(Mux(now.current == Move.SOURCE, three_port.wave, kept.wave)),
        ]
        with m.If(now.coming == Move.LEFT):
            m.d.comb += three_port.other.eq(word)
        with m.Elif(now.coming == Move.SOURCE):
            m.d.comb += three_port.other.eq(source)

    def _control(self, m: Module) -> None:
        """Control the three-port."""
        now, three_port = self.windows, self.three_port
        silent = Signal(name="held_silent", reset_less=True)
        with m.If(now.starting & (now.phase == LAST)):
            m.d.sync += silent.eq(self.silent)
        m.d.comb += [
            three_port.number.eq(now.number),
            three_port.enter.eq(now.phase == 0),
            three_port.leave.eq(now.phase == LAST),
            three_port.restart.eq(now.current == Move.TURN),
            three_port.source.eq(now.current == Move.SOURCE),
            three_port.even.eq(now.current == Move.RIGHT),
            three_port.silent.eq(silent),
        ]

    def _mirror(self, m: Module) -> None:
        """Round the new states of a step to the lanes' format and write them to their memory."""
        now, plan = self.windows, self.plan
        row = Signal.like(self.mirror_row, name="row", reset_less=True)
        bank = Signal.like(self.mirror_bank, name="bank", reset_less=True)
        reads = [int(fmt is not None) for fmt in self.mirrors]
        words = {}
        kinds = list(zip(self.formats, self.mirrors, strict=True))
        for k, (state, fmt) in enumerate(kinds):
            if (state, fmt) not in words:
                words[state, fmt] = word = Signal.like(self.mirror_word, name=f"rounded_{k}")
                if fmt is not None:
                    rounded = requantized(m, self.three_port.state, state, fmt, f"unlimited_{k}")
                    m.d.comb += word.eq(rounded)
        m.d.sync += [
            self.mirror.eq(now.write & now.last & lookup(m, now.number, reads, "is_read")),
            self.mirror_word.eq(one_of(m, now.number, [words[k] for k in kinds], "rounded")),
            self.mirror_row.eq(row),
            self.mirror_bank.eq(bank),
        ]
        with m.If(now.fed):
            starts = [self._start(number) for number in range(len(plan.feeds))]
            m.d.sync += [
                row.eq(lookup(m, self.feed, [r for r, _ in starts], "first_row")),
                bank.eq(lookup(m, self.feed, [b for _, b in starts], "first_bank")),
            ]
        with m.Elif(now.write & now.last):
            m.d.sync += bank.eq(bank + 1)
            with m.If(bank == plan.lanes - 1):
                m.d.sync += [bank.eq(0), row.eq(row + 1)]

    def _start(self, number: int) -> tuple[int, int]:
        """Return the (row, bank) of the first word of a feed's mirror."""
        feed = self.plan.feeds[number]
        if feed.ladder is None or self.mirrors[feed.ladder] is None:
            return 0, 0
        ladder = self.plan.ladders[feed.ladder]
        assert ladder.mirror is not None
        word = feed.channel * ladder.order
        row = self.plan.places[ladder.mirror.target].row + word // self.plan.lanes
        return row, word % self.plan.lanes


def ladder_widths(plan: Schedule) -> tuple[Shape, int, int]:
    """Return the shape of a coefficient, the smallest shift, and the width of shift - min."""
    coefs = [coef for k in plan.ladders for coef, _ in k.coefs]
    # the shift of a zero does not matter
    shifts = [shift for k in plan.ladders for coef, shift in k.coefs if coef]
    width, has_sign = max(abs(coef) for coef in coefs).bit_length(), min(coefs) < 0
    return (
        Shape(width + has_sign, signed=has_sign),
        min(shifts),
        (max(shifts) - min(shifts)).bit_length(),
    )


def ladder_layout(plan: Schedule) -> data.StructLayout:
    """Return the fields of a section ROM word."""
    coef, _, shift = ladder_widths(plan)
    return data.StructLayout({"coef": coef.width, "shift": shift})


def ladder_contents(plan: Schedule, file: str) -> RomContents:
    """Return the section ROM: the coefficients of each ladder in the order of use."""
    coef, least, _ = ladder_widths(plan)
    layout, mask = ladder_layout(plan), (1 << coef.width) - 1
    words = tuple(
        value & mask | (max(0, shift - least) if value else 0) << layout["shift"].offset
        for k in plan.ladders
        for value, shift in k.coefs
    )
    return RomContents(width=layout.size, words=words, file=file)
