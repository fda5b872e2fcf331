"""Proofs of the words on their way from a memory to lanes: one by one, and the input after them."""

from __future__ import annotations

from amaranth.hdl import Array, Assume, Cat, Const, Module, Mux, Signal, Value

from lmu_hw.rtl.parallel.cascade_plan import word_latency
from lmu_hw.rtl.parallel.ring_plan import RingPlan
from lmu_hw.rtl.parallel.word_columns import word_parts
from tests.formal.prover import Design, Harness


class WordsInOrder(Harness):
    """The words of every step leave one by one, vector by vector, as its sections wrote them.

    A step that is chosen at will is followed from where space is reserved for it to where its last
    word is taken. Assumes what `ColumnsInTime` proves: each column writes every row of every step
    once, in the order of the steps, and the last section's words come last.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        plan = self.plan = design.plan.memory
        self.parts = word_parts(plan)
        sections = range(len(plan.op.sections))
        self.rows = plan.rows if isinstance(plan, RingPlan) else 1
        self.row_bits = (self.rows - 1).bit_length()
        self.places = [(k, 0) for k in sections]
        if isinstance(plan, RingPlan):
            units = [plan.schedule.unit(k) for k in sections]
            self.places = [(u, plan.schedule.sections(u).index(k)) for k, u in enumerate(units)]
        self.words = [
            (number, k) for number, part in enumerate(self.parts) for k in sections
            if part.sections[k]
        ]  # fmt: skip
        """The words of a step in order: vector and section."""
        self.choose = self.free(1, "choose")
        names = ("level", "arrived", "some", "reserved", "part", "section", "column", "step")
        self.inside = {name: self.probe(name) for name in names}
        self.fetched = {n: self.probe(f"fetched{n}") for n in ("", "_part", "_valid", "_last")}
        self.ends = self.probe("ends")
        # the design has none where it is always zero
        self.row, self.base = (self.probe_if_there(name) for name in ("row", "first_row"))
        self.columns = []
        for k in range(1 + max(column for column, _ in self.places)):
            word = self[f"words_{k}"].shape()
            depth = plan.fifo_depth << self.row_bits
            ram = [self.probe(f"column_{k}.mem[{at}]", word) for at in range(depth)]
            tail = self.probe(f"tail_{k}") if self.rows == 1 else None
            self.columns.append((ram, self.probe(f"column_{k}.read_word", word), tail))

    def check(self, m: Module) -> None:
        depth, n_out = self.plan.fifo_depth, len(self.words)
        valid, data, last = self["o_valid"], self["o_data"], self["o_last"]
        taken, gone = Signal(), Signal()
        # words of the step at the output that were taken; steps reserved and not taken to the end
        leaving, inside, first = (
            Signal(range(n_out)),
            Signal(range(depth + 3)),
            Signal(range(depth)),
        )
        m.d.comb += [
            taken.eq(valid & self["o_ready"]),
            gone.eq(taken & (leaving == n_out - 1)),
            Assume(~self["reserve"] | self["room"]),
        ]
        m.d.sync += [
            inside.eq(inside + self["reserve"] - gone),
            first.eq(first + gone),
            leaving.eq(Mux(gone, 0, leaving + taken)),
        ]
        marked, ahead = Signal(), Signal(range(depth + 2))
        with m.If(~marked & self["reserve"] & self.choose):
            m.d.sync += [marked.eq(1), ahead.eq(inside - gone)]
        with m.Elif(marked & gone):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        # a step whose last word was read and not yet taken
        read = Signal(2)
        m.d.sync += read.eq(read + self.ends - gone)
        found = self._written(m, gone, inside, first, marked, ahead, read)
        written = found[self.plan.last_section][0]
        expected = Array(self._word(number, found[k][1]) for number, k in self.words)
        self.claim(m, data == expected[leaving], when=marked & valid & (ahead == 0))
        self.claim(m, last == (leaving == n_out - 1), when=valid)
        self.claim(m, written > 0, when=valid)
        self.claim(m, self["room"], when=inside < depth)

        stalled, before = Signal(), Signal(len(data) + 1)
        m.d.sync += [stalled.eq(valid & ~self["o_ready"]), before.eq(Cat(data, last))]
        self.claim(m, valid & (Cat(data, last) == before), when=stalled)
        # a place without a word takes a cycle
        absent = len(self.parts) * len(self.places) - n_out
        waited = Signal(8)
        m.d.sync += waited.eq(Mux((written != 0) & ~valid, waited + 1, 0))
        self.claim(m, waited < word_latency(self.plan.columns) + absent)

        self.claim(m, ahead < inside, when=marked)
        self.claim(m, leaving < n_out)
        self._reader(m, inside, first, leaving, read, written)
        # the word behind the output is that of the place that was read
        at = (leaving + valid)[: len(leaving) + 1]
        is_next = at >= n_out
        chosen = Array(self._word(k, self.fetched[""]) for k in range(len(self.parts)))
        own = marked & (ahead == is_next) & self.fetched["_valid"]
        number = Mux(is_next, at - n_out, at)[: len(leaving)]
        part = Array(Const(number, 4) for number, _ in self.words)[number]
        self.claim(m, chosen[self.fetched["_part"]] == expected[number], when=own)
        self.claim(m, self.fetched["_part"] == part, when=self.fetched["_valid"])
        ends = number == n_out - 1
        self.claim(m, self.fetched["_last"] == ends, when=self.fetched["_valid"])

    def _word(self, number: int, words: Value) -> Value:
        """Return the word of a vector in the words of a column."""
        part = self.parts[number]
        return words[part.low : part.low + part.width].as_signed()

    def _written(
        self, m: Module, gone: Value, inside: Value, first: Value, marked: Value, ahead: Value,
        read: Value,
    ) -> dict[int, tuple[Signal, Signal]]:  # fmt: skip
        """Return how many steps each section has written, and its words of the chosen step."""
        depth, last = self.plan.fifo_depth, self.plan.last_section
        found, writes = {}, {}
        for section, (column, row) in enumerate(self.places):
            ram, _, tail = self.columns[column]
            given = self[f"words_{column}"]
            write = Signal(name=f"write_of_{section}")
            count = Signal(range(depth + 3), name=f"steps_{section}")
            word = Signal.like(given, name=f"words_of_{section}")
            place = (first + count)[: len(first)]
            here: Value = Const(1)
            if self.rows > 1:
                here = self[f"place_{column}"][: self.row_bits] == row
                step = self[f"place_{column}"][self.row_bits :]
                m.d.comb += Assume(~write | (step == place))
            m.d.comb += [
                write.eq(self[f"write_{column}"] & here),
                Assume(~write | (count < inside)),
            ]
            m.d.sync += count.eq(count + write - gone)
            with m.If(write & marked & (count == ahead)):
                m.d.sync += word.eq(given)
            self.claim(m, count <= inside)
            at = (first + ahead)[: len(first)]
            kept = Array(ram)[Cat(Const(row, self.row_bits), at)]
            # until the last word of the step was read
            self.claim(m, kept == word, when=marked & (count > ahead) & (ahead >= read))
            if tail is not None:
                self.claim(m, tail == place)
            found[section], writes[section] = (count, word), write
        for section, (count, _) in found.items():
            m.d.comb += Assume(~writes[last] | (count + writes[section] > found[last][0]))
            self.claim(m, count >= found[last][0])
        if self.rows > 1:
            for column in range(len(self.columns)):
                rows = [row for other, row in self.places if other == column]
                row = self[f"place_{column}"][: self.row_bits]
                m.d.comb += Assume(~self[f"write_{column}"] | (row <= max(rows)))
        return found

    def _reader(
        self, m: Module, inside: Value, first: Value, leaving: Value, read: Value, written: Value
    ) -> None:
        """Claim what the words rest on: which place is read next."""
        depth, n, n_out = self.plan.fifo_depth, len(self.places), len(self.words)
        now = self.inside
        self.claim(m, now["reserved"] == inside - read)
        self.claim(m, now["reserved"] <= depth)
        self.claim(m, self["room"] == (now["reserved"] != depth))
        self.claim(m, written == now["level"] + now["arrived"] + read)
        self.claim(m, now["some"] == (now["level"] != 0))
        self.claim(m, read <= 1)
        self.claim(m, now["step"] == (first + read)[: len(first)])
        self.claim(m, (now["section"] < n) & (now["part"] < len(self.parts)))
        section = now["section"]
        self.claim(m, now["some"], when=(section != 0) | (now["part"] != 0))
        columns = Array(Const(column, 4) for column, _ in self.places)
        rows = Array(Const(row, 4) for _, row in self.places)
        self.claim(m, now["column"] == columns[section])
        row: Value = Const(0, self.row_bits)
        if self.row is not None:
            row = self.row
            self.claim(m, row == rows[section])
        if self.base is not None and isinstance(self.plan, RingPlan):
            schedule = self.plan.schedule
            starts = Array(Const(k // schedule.round * schedule.run, 4) for k in range(n))
            self.claim(m, self.base == starts[section])
        # words of the step in turn that were read
        passed = Array(
            Const(sum(word < (number, k) for word in self.words), 8)
            for number in range(len(self.parts))
            for k in range(n)
        )[now["part"] * n + section]
        behind = leaving + self["o_valid"] + self.fetched["_valid"]
        self.claim(m, behind == passed + Mux(read == 1, n_out, 0))
        address = Cat(row, now["step"])
        for k, (ram, word, _) in enumerate(self.columns):
            here = now["some"] & (columns[section] == k)
            self.claim(m, word == Array(ram)[address], when=here)


class InputFollows(Harness):
    """The words of a step pass in its cycles, and after the last one its input word.

    An input word that is chosen at will is followed from where it is given to where it is taken.
    Assumes that no more input words wait than have space: the proof *steps, network*.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.depth = design.plan.input_depth
        self.choose = self.free(1, "choose")
        self.turn = self.probe("input_is_next")
        names = ("head", "following", "tail", "level", "arrived", "some", "o_valid", "o_data")
        self.fifo = {name: self.probe(f"fifo.{name}") for name in names}
        shape = self["input_word"].shape()
        self.ram = [self.probe(f"fifo.words.mem[{k}]", shape) for k in range(self.depth)]
        self.read_word = self.probe("fifo.words.read_word", shape)

    def check(self, m: Module) -> None:
        valid, ready, data = self["o_valid"], self["o_ready"], self["o_data"]
        given, word = self["input_valid"], self["input_word"]
        offered, is_last = self["words_valid"], self["words_last"]
        # whether the last word of a step has passed
        turn, taken = Signal(), Signal()
        held = Signal(range(self.depth + 2))
        m.d.comb += [taken.eq(valid & ready & turn), Assume(~given | (held < self.depth))]
        m.d.sync += [
            held.eq(held + given - taken),
            turn.eq(Mux(turn, ~taken, offered & ready & is_last)),
        ]
        self.claim(m, self["words_ready"] == (ready & ~turn))
        self.claim(m, (valid == offered) & (~valid | (data == self["words_data"])), when=~turn)
        marked, mark, ahead = Signal(), Signal.like(word), Signal.like(held)
        with m.If(~marked & given & self.choose):
            m.d.sync += [marked.eq(1), mark.eq(word), ahead.eq(held - taken)]
        with m.Elif(marked & taken):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        self.claim(m, data == mark, when=turn & valid & marked & (ahead == 0))
        self.claim(m, held > 0, when=turn & valid)

        # what the source keeps is kept, and a word that waits comes in time
        stalled, before = Signal(), Signal.like(data)
        source = Cat(self["words_data"], is_last)
        asked, same = Signal(), Signal.like(source)
        m.d.sync += [stalled.eq(valid & ~ready), before.eq(data)]
        m.d.sync += [asked.eq(offered & ~self["words_ready"]), same.eq(source)]
        m.d.comb += Assume(~asked | (offered & (source == same)))
        self.claim(m, valid & (data == before), when=stalled)
        waited = Signal(4)
        m.d.sync += waited.eq(Mux((held != 0) & ~self.fifo["o_valid"], waited + 1, 0))
        self.claim(m, waited < 3)
        self._inside(m, held, turn, marked, mark, ahead)

    def _inside(
        self, m: Module, held: Value, turn: Value, marked: Value, mark: Value, ahead: Value
    ) -> None:
        """Claim what the words rest on: the counts of the FIFO."""
        fifo, words = self.fifo, Array(self.ram)
        head = fifo["head"]
        n = len(head)
        count = fifo["level"] + fifo["arrived"]
        self.claim(m, turn == self.turn)
        self.claim(m, held == count + fifo["o_valid"])
        self.claim(m, held <= self.depth)
        self.claim(m, fifo["some"] == (fifo["level"] != 0))
        self.claim(m, fifo["following"] == (head + 1)[:n])
        self.claim(m, fifo["tail"] == (head + count)[:n])
        self.claim(m, self.read_word == words[head], when=fifo["some"])
        self.claim(m, ahead < held, when=marked)
        place = (head + ahead - fifo["o_valid"])[:n]
        in_output = fifo["o_valid"] & (ahead == 0)
        self.claim(m, Mux(in_output, fifo["o_data"], words[place]) == mark, when=marked)
