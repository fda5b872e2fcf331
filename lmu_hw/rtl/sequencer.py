"""Executes the control ROM, whose words are runs: cycles that repeat one operation."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .block_memories import Rom, RomContents
from .command import EVENTS, Command, Factor, Operand, aligns
from .constant_tables import any_of, lookup
from .enumerations import member_names
from .ports import keep_on_reset
from .schedule import BufferHalf, Kind, Listing, RomRun, Schedule, Stride, walk
from .schedule.plan import ACCUMULATES, ACROSS


class Sequencer(wiring.Component):
    """Issues one command per cycle from the runs of the control ROM.

    Parameters
    ----------
    plan : Schedule
    file : str
        File of the control ROM.

    Members
    -------
    start : In(1)
        Start a step in the next cycle.
    quiet : In(1)
        With ``start``: the step has no output.
    swap : In(1)
        Selects the half of the double-buffered vectors that this step writes.
    command : Out(Command)
    done : Out(1)
        Last cycle of the step.

    Latency: 1 cycle from ``start`` to the first run, 2 to its first command.
    Throughput: one command per cycle.

    Schedule:

    - fetch: the ROM shows the word after that of the run, for the last cycle of the run to take.
    - run: hold the word for all cycles of its run; register the command of each cycle. A loop
      goes back to its first run in a register, while the ROM fetches the second one.
    """

    latency = 2

    def __init__(self, plan: Schedule, file: str = "control.mem") -> None:
        self.plan = plan
        self.layout = layout(plan)
        self.contents = control_contents(plan, file)
        self.n_words = len(self.contents.words)
        super().__init__(
            {
                "start": In(1),
                "quiet": In(1),
                "swap": In(1),
                "command": Out(Command(plan)),
                "done": Out(1),
            }
        )
        keep_on_reset(self.command, *(n for n in self.command.signature.members if n not in EVENTS))

    def model(self, listing: Listing) -> Iterator[tuple[Kind, list[int]]]:
        """Yield the kind of each cycle, and the words it reads."""
        for cycle in walk(listing.runs):
            yield cycle.run.kind, cycle.words(self.plan.lanes) if cycle.run.source else []

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        m.submodules.control = rom = Rom(self.contents)
        held = Signal.like(rom.word, name="run_word", reset_less=True)
        run = self._fields_of(m, held)

        running = Signal()
        # address of the ROM's word, the one after that of the run
        address = Signal.like(rom.address, name="next_address", reset_less=True)
        cycle = Signal(range(max(run.cycles for run in _runs(plan))))
        turn = Signal(range(max(run.times for run in _runs(plan))))
        # known a cycle ahead
        ends = Signal(name="is_last_cycle", reset_less=True)
        last_turn = Signal()
        last_cycle = Signal()
        again = Signal()
        m.d.comb += [
            last_cycle.eq(running & ends),
            again.eq(run.loop & ~last_turn),
            self.done.eq(last_cycle & run.end & ~again),
            rom.address.eq(address),
        ]
        with m.If(last_cycle):
            m.d.sync += running.eq(~self.done)
        m.d.sync += ends.eq(cycle == run.cycles)
        self._next_run(m, rom, run, held, address, ends, last_cycle, again)
        entries = [0] if plan.quiet is plan.due else [0, len(plan.due.runs)]
        firsts = [self.contents.words[entry] for entry in entries]
        singles = [_runs(plan)[entry].cycles == 1 for entry in entries]
        with m.If(self.start):
            # the first run is a constant, so nothing waits for the ROM
            entry = lookup(m, self.quiet, [(e + 1) % self.n_words for e in entries], "second_run")
            m.d.comb += rom.address.eq(entry)
            m.d.sync += [
                running.eq(1),
                held.eq(lookup(m, self.quiet, firsts, "first_run")),
                ends.eq(lookup(m, self.quiet, singles, "first_is_single")),
            ]
        m.d.sync += address.eq(rom.address)

        m.d.sync += cycle.eq(cycle + 1)
        with m.If(self.start | last_cycle):
            m.d.sync += cycle.eq(0)
        with m.If(last_cycle & run.loop):
            m.d.sync += turn.eq(Mux(again, turn + 1, 0))
            # a loop has two turns at least
            m.d.sync += last_turn.eq(again & (turn == run.turns))

        self._address(m, run, cycle, last_cycle, last_turn)
        self._fields(m, run, running, cycle, turn, last_cycle)
        if any(r.keep is not None for r in plan.due.runs):
            self._keep(m, run, running, last_cycle, turn)
        return m

    def _fields_of(self, m: Module, held: Value) -> SimpleNamespace:
        """Return the fields of a word of the ROM by name."""
        run, word = SimpleNamespace(), data.View(self.layout, held)
        for name, field in self.layout:
            value: Value = Const(0)
            if field.width:
                members = member_names(Kind, field.width) if name == "kind" else None
                value = Signal(field.width, name=f"run_{name}", attrs=members)
                m.d.comb += value.eq(word[name])
            setattr(run, name, value)
        return run

    def _next_run(
        self,
        m: Module,
        rom: Rom,
        run: SimpleNamespace,
        held: Signal,
        address: Signal,
        ends: Signal,
        last_cycle: Value,
        again: Value,
    ) -> None:
        """Take the ROM's word as the next run, or go back to the first run of a loop."""

        def single(word: Value) -> Value:
            return data.View(self.layout, word).single

        goes_on, repeats, restarts = (
            Signal(name=name) for name in ("goes_on", "repeats", "restarts")
        )
        m.d.comb += [
            goes_on.eq(last_cycle & ~again),
            repeats.eq(last_cycle & again),
            restarts.eq(repeats & ~run.head),
        ]
        with m.If(goes_on):
            m.d.comb += rom.address.eq(address + 1)
            m.d.sync += [held.eq(rom.word), ends.eq(single(rom.word))]
        # a loop of one run keeps it
        with m.If(repeats):
            m.d.sync += ends.eq(single(held))
        if not self.layout["head"].width:
            return
        first = Signal.like(held, name="first_of_loop", reset_less=True)
        second = Signal.like(address, name="second_of_loop", reset_less=True)
        with m.If(run.head):
            m.d.sync += [first.eq(held), second.eq(address)]
        with m.If(restarts):
            m.d.comb += rom.address.eq(second)
            m.d.sync += [held.eq(first), ends.eq(single(first))]

    def _address(
        self, m: Module, run: SimpleNamespace, cycle: Value, last_cycle: Value, last_turn: Value
    ) -> None:
        """Address the run's first word, then the next word or row in each cycle."""
        plan, command = self.plan, self.command
        word_row = Signal.like(command.row, name="word_row", reset_less=False)
        word_bank = Signal.like(command.bank, name="word_bank", reset_less=False)
        with m.If(last_cycle & run.loop):
            # with one lane, the next word is the next row
            with m.If(run.across if plan.lanes > 1 else 0):
                m.d.sync += word_row.eq(word_row + 1)
            with m.Else():
                _advance(m, word_row, word_bank, plan.lanes)
            with m.If(last_turn):
                m.d.sync += [word_row.eq(0), word_bank.eq(0)]
        copy = Signal()
        m.d.comb += copy.eq((run.old & self.swap) | (run.new & ~self.swap))
        # the word of this turn may lie in the next row
        bank = Signal(range(2 * plan.lanes), name="first_bank")
        m.d.comb += bank.eq(run.bank + Mux(run.by_word, word_bank, 0))
        carry = bank >= plan.lanes
        with m.If(cycle == 0):
            m.d.sync += [
                command.row.eq(
                    run.row + Mux(copy, plan.half_rows, 0) + Mux(run.by_word, word_row, 0) + carry
                ),
                command.bank.eq(Mux(carry, bank - plan.lanes, bank)),
            ]
        with m.Elif(run.across):
            m.d.sync += command.row.eq(command.row + 1)
        with m.Elif(~(run.dual_group & cycle[0]) if plan.two_sums else 1):
            _advance(m, command.row, command.bank, plan.lanes)

    def _fields(
        self,
        m: Module,
        run: SimpleNamespace,
        running: Value,
        cycle: Value,
        turn: Value,
        last_cycle: Value,
    ) -> None:
        """Drive the other fields of the command."""
        command = self.command
        kind = run.kind
        begins = Signal(name="job_begins")
        m.d.comb += begins.eq(running & (cycle == 0) & (turn == 0) & run.begin)
        sums = Signal(name="sum_ends")
        # needs no reset: the first run of every job sets it
        opens = Signal(reset_less=True)
        m.d.comb += sums.eq(last_cycle & run.last)
        with m.If(begins):
            m.d.sync += opens.eq(1)
        with m.If(sums):
            m.d.sync += opens.eq(0)

        # a sum of one cycle ends as its job begins
        first = [r.last and r.cycles == 1 for r in _runs(self.plan) if r.begin]
        opens_now = (opens if not all(first) else 0) | (begins if any(first) else 0)
        used = {r.kind for r in _runs(self.plan)}

        def is_kind(*kinds: Kind) -> Value:
            here = [k for k in kinds if k in used]
            return any_of([kind == k for k in here]) & running if here else Const(0)

        m.d.sync += [
            command.across.eq(is_kind(*ACROSS)),
            command.multiply.eq(is_kind(*ACCUMULATES)),
            command.weight.eq(is_kind(Kind.ROWS, Kind.COLUMNS, Kind.SCALE)),
            command.hold.eq(is_kind(Kind.HOLD)),
            command.compare.eq(is_kind(Kind.COMPARE)),
            command.feed.eq(is_kind(Kind.FEED)),
            command.emit.eq(is_kind(Kind.EMIT)),
            command.operand.eq(Operand.WORD),
            command.factor.eq(Factor.WEIGHT),
            command.minus.eq(run.minus),
            command.align.eq(run.align),
            command.swap.eq((running & run.dual_group) | is_kind(Kind.SECOND)),
            command.first.eq(run.first & ((cycle == 0) | (run.dual_group & (cycle == 1)))),
            command.last.eq(sums),
            command.results.eq(run.results),
            command.job.eq(run.job),
            command.begins.eq(begins),
            command.opens.eq(opens_now),
        ]
        if Kind.SCALE in used:
            m.d.sync += command.scale.eq(is_kind(Kind.SCALE))
        with m.If((kind == Kind.TERM) if Kind.TERM in used else 0):
            m.d.sync += command.factor.eq(Factor.ONE)
        with m.Elif((kind == Kind.PRODUCT) if Kind.PRODUCT in used else 0):
            m.d.sync += [command.operand.eq(Operand.HELD), command.factor.eq(Factor.WORD)]
        with m.Elif((kind == Kind.INDEX) if Kind.INDEX in used else 0):
            m.d.sync += [command.operand.eq(Operand.INDEX), command.factor.eq(Factor.ONE)]

    def _keep(
        self, m: Module, run: SimpleNamespace, running: Value, last_cycle: Value, turn: Value
    ) -> None:
        """Mark the state words that the row sums of a dense memory are added to.

        Row r's sum is added to word r; a group reads its words in consecutive cycles, one per lane.
        """
        command = self.command
        group = Signal(range(max(2, self.plan.rows)))
        lane = Signal.like(command.bank)
        # group and lane of the run's next cycle
        m.d.sync += [group.eq(0), lane.eq(0)]
        with m.If(running & ~last_cycle):
            m.d.sync += [group.eq(group), lane.eq(lane)]
            _advance(m, group, lane, self.plan.lanes)
        m.d.sync += [
            command.keep.eq(running & run.keep & (group == turn + run.group)),
            command.keep_lane.eq(lane),
        ]


def control_contents(plan: Schedule, file: str) -> RomContents:
    """Return the control ROM: the runs of a step with an output, then those of one without."""
    fields = layout(plan)
    runs = _runs(plan)
    first = {k - run.body + 1 for k, run in enumerate(runs) if run.times > 1}
    words = tuple(encode(plan, run, fields, head=k in first) for k, run in enumerate(runs))
    return RomContents(width=fields.size, words=words, file=file)


def layout(plan: Schedule) -> data.StructLayout:
    """Return the fields of a control ROM word; fields that are always zero take 0 bits."""
    runs = _runs(plan)
    kinds = max(r.kind for r in runs).bit_length()

    def flag(values: list[bool]) -> int:
        return int(any(values))

    return data.StructLayout(
        {
            "kind": max(1, kinds),
            "cycles": max(0, max(r.cycles for r in runs) - 2).bit_length(),
            "single": 1,
            "row": (max(_row(plan, r) for r in runs)).bit_length(),
            "bank": max(_bank(plan, r) for r in runs).bit_length(),
            "old": flag([_half(plan, r) is BufferHalf.OLD for r in runs]),
            "new": flag([_half(plan, r) is BufferHalf.NEW for r in runs]),
            "by_word": flag([r.stride is Stride.WORD for r in runs]),
            "across": flag([r.kind in ACROSS for r in runs]),
            "first": flag([r.first for r in runs]),
            "last": flag([r.last for r in runs]),
            "results": (max(r.results for r in runs) - 1).bit_length(),
            "align": (len(aligns(plan)) - 1).bit_length(),
            "minus": flag([r.minus for r in runs]),
            "dual_group": flag([r.dual_group for r in runs]),
            "keep": flag([r.keep is not None for r in runs]),
            "group": max(r.keep or 0 for r in runs).bit_length(),
            "job": max(r.job for r in runs).bit_length(),
            "begin": flag([r.begin for r in runs]),
            "loop": flag([r.times > 1 for r in runs]),
            # a loop of one run needs no way back
            "head": flag([r.times > 1 and r.body > 1 for r in runs]),
            "turns": max(0, max(r.times for r in runs) - 2).bit_length(),
            "end": 1,
        }
    )


def encode(plan: Schedule, run: RomRun, fields: data.StructLayout, *, head: bool) -> int:
    """Return the control ROM word of a run; ``head`` is set for the first one of a loop."""
    values = {
        "kind": int(run.kind),
        "cycles": max(0, run.cycles - 2),
        "single": run.cycles == 1,
        "row": _row(plan, run),
        "bank": _bank(plan, run),
        "old": _half(plan, run) is BufferHalf.OLD,
        "new": _half(plan, run) is BufferHalf.NEW,
        "by_word": run.stride is Stride.WORD,
        "across": run.kind in ACROSS,
        "first": run.first,
        "last": run.last,
        "results": run.results - 1,
        "align": aligns(plan).index(run.align) if run.kind in ACCUMULATES else 0,
        "minus": run.minus,
        "dual_group": run.dual_group,
        "keep": run.keep is not None,
        "group": run.keep or 0,
        "job": run.job,
        "begin": run.begin,
        "loop": run.times > 1,
        "head": head and fields["head"].width > 0,
        "turns": max(0, run.times - 2),
        "end": run.end,
    }
    word = 0
    for name, value in values.items():
        field = fields[name]
        assert int(value) < 1 << field.width, name
        word |= int(value) << field.offset
    return word


def _runs(plan: Schedule) -> list[RomRun]:
    return [run for listing in plan.listings for run in listing.runs]


def _row(plan: Schedule, run: RomRun) -> int:
    if run.source is None:
        return 0
    return plan.places[run.source].row + run.word // plan.lanes


def _bank(plan: Schedule, run: RomRun) -> int:
    return run.word % plan.lanes


def _half(plan: Schedule, run: RomRun) -> BufferHalf:
    return BufferHalf.ONLY if run.source is None else plan.places[run.source].half


def _advance(m: Module, row: Signal, bank: Signal, lanes: int) -> None:
    """Advance row and bank to the next word."""
    if lanes == 1:
        m.d.sync += row.eq(row + 1)
        return
    m.d.sync += bank.eq(bank + 1)
    with m.If(bank == lanes - 1):
        m.d.sync += [bank.eq(0), row.eq(row + 1)]
