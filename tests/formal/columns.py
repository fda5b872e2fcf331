"""Proofs of the output of the parallel styles: the words of a step leave together, in order."""

from __future__ import annotations

from amaranth.hdl import Array, Assume, Cat, Module, Mux, Signal, Value

from lmu_hw.rtl.parallel.column_layout import column_layout
from lmu_hw.rtl.parallel.output_columns import ColumnPart
from lmu_hw.rtl.parallel.ring_plan import RingPlan
from tests.formal.prover import Design, Harness


class StepsInOrder(Harness):
    """Every step leaves once, in order, with the words that its sections wrote.

    A step that is chosen at will is followed from where space is reserved for it to where it is
    taken. Assumes what `ColumnsInTime` proves: each column writes every row of every step once,
    in the order of the steps, and the last section's words come last.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        plan = self.plan = design.plan
        self.is_ring = isinstance(plan, RingPlan)
        self.rows = plan.rows if self.is_ring else 1
        self.row_bits = (self.rows - 1).bit_length()
        n_columns = plan.multipliers if self.is_ring else len(plan.ends)
        self.sections = [
            plan.schedule.sections(k) if self.is_ring else (k,) for k in range(n_columns)
        ]
        self.choose = self.free(1, "choose")
        names = ("head", "following", "level", "arrived", "some", "reserved")
        self.inside = {name: self.probe(name) for name in names}
        # whether a whole step is between the RAMs and the output register
        self.fetched = self.probe("closing" if self.rows > 1 else "fetched_valid")
        depth = plan.fifo_depth << self.row_bits
        self.columns = []
        for k in range(n_columns):
            word = self[f"words_{k}"].shape()
            ram = [self.probe(f"column_{k}.mem[{at}]", word) for at in range(depth)]
            tail = self.probe(f"tail_{k}") if self.rows == 1 else None
            self.columns.append((ram, self.probe(f"column_{k}.read_word", word), tail))
        self.fetched_words = [
            self.probe(f"fetched_{k}", word.shape()) for k, (_, word, _) in enumerate(self.columns)
        ]

    def check(self, m: Module) -> None:
        depth = self.plan.fifo_depth
        valid, ready = self["o_valid"], self["o_ready"]
        payload = self._payload()
        taken, inside, first = Signal(), Signal(range(depth + 2)), Signal(range(depth))
        m.d.comb += [taken.eq(valid & ready), Assume(~self["reserve"] | self["room"])]
        m.d.sync += [inside.eq(inside + self["reserve"] - taken), first.eq(first + taken)]

        # the chosen step, and how many leave before it
        marked, ahead = Signal(), Signal(range(depth + 1))
        with m.If(~marked & self["reserve"] & self.choose):
            m.d.sync += [marked.eq(1), ahead.eq(inside - taken)]
        with m.Elif(marked & taken):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        words = self._written(m, taken, inside, first, marked, ahead)
        written = words[self.plan.last_section][0]
        leaves = marked & valid & (ahead == 0)
        self.claim(m, payload == self._expected(words), when=leaves)
        self.claim(m, written > 0, when=valid)

        # what is offered stays until it is taken, and what is complete is offered in time
        stalled, before = Signal(), Signal(len(payload))
        m.d.sync += [stalled.eq(valid & ~ready), before.eq(payload)]
        self.claim(m, valid & (payload == before), when=stalled)
        latency, waited = 3 + self.rows, Signal(8)
        m.d.sync += waited.eq(Mux((written != 0) & ~valid, waited + 1, 0))
        self.claim(m, waited < latency)
        self._inside(m, inside, first, written)
        self.claim(m, ahead < inside, when=marked)

    def _written(
        self, m: Module, taken: Value, inside: Value, first: Value, marked: Value, ahead: Value
    ) -> dict[int, tuple[Signal, Signal]]:
        """Return how many steps each section has written, and its words of the chosen step."""
        depth, last = self.plan.fifo_depth, self.plan.last_section
        found, writes = {}, {}
        for k, sections in enumerate(self.sections):
            ram, _, tail = self.columns[k]
            given = self[f"words_{k}"]
            row = self[f"place_{k}"][: self.row_bits] if self.rows > 1 else 0
            if self.rows > 1:
                m.d.comb += Assume(~self[f"write_{k}"] | (row < len(sections)))
            for number, section in enumerate(sections):
                write, here = Signal(name=f"write_of_{section}"), Signal(name=f"there_{section}")
                count = Signal(range(depth + 2), name=f"steps_{section}")
                word = Signal.like(given, name=f"words_of_{section}")
                place = (first + count)[: len(first)]
                m.d.comb += write.eq(self[f"write_{k}"] & (number == row))
                m.d.comb += Assume(~write | (count < inside))
                if self.rows > 1:
                    step = self[f"place_{k}"][self.row_bits :]
                    m.d.comb += Assume(~write | (step == place))
                m.d.sync += count.eq(count + write - taken)
                with m.If(write & marked & (count == ahead)):
                    m.d.sync += word.eq(given)
                m.d.comb += here.eq(marked & (count > ahead))
                self.claim(m, count <= inside)
                at = (first + ahead)[: len(first)]
                kept = Array(ram)[
                    Cat((at << self.row_bits) + number)[: (len(ram) - 1).bit_length()]
                ]
                self.claim(m, kept == word, when=here)
                if tail is not None:
                    self.claim(m, tail == place)
                found[section], writes[section] = (count, word), write
        for section, (count, _) in found.items():
            m.d.comb += Assume(~writes[last] | (count + writes[section] > found[last][0]))
            self.claim(m, count >= found[last][0])
        return found

    def _inside(self, m: Module, inside: Value, first: Value, written: Value) -> None:
        """Claim what the words rest on: where the next row is read."""
        valid, head = self["o_valid"], self.inside["head"]
        depth = self.plan.fifo_depth
        row, step = head[: self.row_bits], head[self.row_bits :]
        read, following = valid + self.fetched, (head + 1)[: len(head)]
        if self.rows > 1:
            end = Cat(row ^ row, (step + 1)[: len(step)])
            following = Mux(row == self.rows - 1, end, following)
            self.claim(m, ~(valid & self.fetched))
            self.claim(m, row < self.rows)
            self.claim(m, ~valid & ~self.fetched & self.inside["some"], when=row != 0)
        self.claim(m, written == self.inside["level"] + self.inside["arrived"] + read)
        self.claim(m, self.inside["some"] == (self.inside["level"] != 0))
        self.claim(m, self.inside["reserved"] == inside)
        self.claim(m, inside <= depth)
        self.claim(m, self["room"] == (inside != depth))
        self.claim(m, step == (first + read)[: len(step)])
        self.claim(m, self.inside["following"] == following)
        for (ram, word, _), sections in zip(self.columns, self.sections, strict=True):
            there = self.inside["some"] & ((row < len(sections)) if self.rows > 1 else 1)
            self.claim(m, word == Array(ram)[head], when=there)
        if self.rows == 1:
            at = (first + valid)[: len(first)]
            for (ram, _, _), word in zip(self.columns, self.fetched_words, strict=True):
                self.claim(m, word == Array(ram)[at], when=self.fetched)

    def _parts(self) -> list[ColumnPart]:
        """Return the places of the output words, in columns of one section each."""
        return column_layout(self.plan)[1]

    def _row(self, section: int) -> int:
        return next(s.index(section) for s in self.sections if section in s)

    def _payload(self) -> Value:
        """Return the output words in order."""
        if "o_data" in self.ports:
            return self["o_data"]
        # the words of a row are beside each other, in order
        width, used = payload_width(self.plan), dict.fromkeys(range(self.rows), 0)
        found = []
        for part in self._parts():
            row = self._row(part.column)
            word = self[f"row_{row}"][used[row] : used[row] + part.width]
            found.append(Cat(word, word[-1].replicate(width - part.width)))
            used[row] += part.width
        return Cat(found)

    def _expected(self, words: dict[int, tuple[Signal, Signal]]) -> Value:
        """Return the same, from the words that the sections wrote."""
        width, found = payload_width(self.plan), []
        for part in self._parts():
            word = words[part.column][1].as_unsigned()[part.low : part.low + part.width]
            found.append(Cat(word, word[-1].replicate(width - part.width)))
        return Cat(found)


def payload_width(plan: RingPlan) -> int:
    """Return the bits of an output word."""
    return max(part.width for part in column_layout(plan)[1])
