"""When networks behind a memory take words, and when each layer reads the words of its step."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Assume, Cat, Module, Mux, Signal, Value

from lmu_hw.rtl.parallel.full_plan import FullPlan
from tests.formal.prover import Design, Harness


class LayersInTime(Harness):
    """A step starts when the published interval and the output allow it, and passes the layers.

    Each layer begins in the published cycle of a step and reads the words of that step: its inputs,
    or what a copy took of an earlier layer in the published cycle.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.plan = plan = design.plan.layers
        self.reserved = self.probe("output_columns.reserved")
        self.writes = [self.probe(f"output_columns.write_{k}") for k in range(len(plan.outputs))]
        self.starts = {
            stage.name: self.probe(f"{stage.name}.start")
            for stage in plan.stages
            if self.declared(f"{stage.name}.start") is not None
        }
        self.reads = {
            (stage.name, k): self.probe(f"{stage.name}.read_{k}")
            for stage in plan.stages
            for k in range(len(stage.reads))
        }
        self.made = {s.target.name: self.probe(f"{s.name}_words") for s in plan.stages[:-1]}

    def check(self, m: Module) -> None:
        plan = self.plan
        take, given = Signal(), Signal()
        inside, wait = Signal(range(plan.fifo_depth + 2)), Signal(range(plan.cycles_per_step))
        m.d.comb += [
            take.eq(self["i_valid"] & self["i_ready"]),
            given.eq(self["o_valid"] & self["o_ready"]),
            # what `StepsInOrder` proves: an output is that of a step
            Assume(~self["o_valid"] | (inside != 0)),
        ]
        m.d.sync += [
            inside.eq(inside + take - given),
            wait.eq(Mux(take, plan.cycles_per_step - 1, Mux(wait == 0, 0, wait - 1))),
        ]
        self.claim(m, self["i_ready"] == ((wait == 0) & (inside != plan.fifo_depth)))
        self.claim(m, self.reserved == inside)
        self.claim(m, inside <= plan.fifo_depth)

        # a bit for each cycle before this one
        ago = Signal(max(v.time for v in plan.outputs) + 1)
        at = Cat(take, ago)
        m.d.sync += ago.eq(at)
        for write, vector in zip(self.writes, plan.outputs, strict=True):
            self.claim(m, write == at[vector.time])
        for stage in plan.stages:
            if stage.name in self.starts:
                self.claim(m, self.starts[stage.name] == at[stage.begin - 1])
        self._words(m, take, at)

    def _words(self, m: Module, take: Value, at: Value) -> None:
        """Claim that layers read the inputs of their step, or a copy of what another one made."""
        width, low = self._width(), 0
        known: dict[str, tuple[Value, Value]] = {}
        for vector in self.plan.inputs:
            bits = [
                self["i_data"][low + k * width :][: vector.fmt.width] for k in range(vector.length)
            ]
            known[vector.name] = self._kept(m, vector.name, Cat(bits), take)
            low += vector.length * width
        for stage in self.plan.stages:
            for k, read in enumerate(stage.reads):
                words = self.reads[stage.name, k].as_unsigned()
                for before, copy in pairwise(read):
                    if copy.name not in known:
                        is_known, source = known.get(before.name, (1, None))
                        source = self.made[before.name].as_unsigned() if source is None else source
                        known[copy.name] = self._kept(m, copy.name, source, at[copy.time - 1])
                if read[-1].name in known:
                    is_known, expected = known[read[-1].name]
                    self.claim(m, words == expected, when=is_known)
                else:
                    self.claim(m, words == self.made[read[-1].name].as_unsigned())

    def _kept(self, m: Module, name: str, words: Value, take: Value) -> tuple[Signal, Signal]:
        """Return what registers hold that take words now and then, and whether they took any."""
        held, is_known = Signal(len(words), name=f"held_{name}"), Signal(name=f"known_{name}")
        with m.If(take):
            m.d.sync += [held.eq(words), is_known.eq(1)]
        return is_known, held

    def _width(self) -> int:
        """Return the bits of an input word."""
        return len(self["i_data"]) // self.plan.n_in


class NetworkPaced(Harness):
    """A network with lanes takes words in the published cycles while a step fits into its buffer.

    No more input words wait for the states of their step than `InputFollows` assumes. Assumes what
    `ColumnsInTime` proves: the words of a step arrive after it has begun.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        columns = ("reserved", "ends", "fetched_valid", "fetched_last", "o_valid", "o_last", "some")
        columns += ("part", "section", "level", "arrived")
        self.columns = {n: self.probe(f"states.output_columns.{n}") for n in columns}
        self.layers_ready = self.probe("layers_i_ready")
        names = ("fifo.level", "fifo.arrived", "fifo.o_valid", "input_is_next", "o_valid")
        self.appender = {n: self.probe(f"input_appender.{n}") for n in names}
        self.slot = self.probe_if_there("states.slot")
        self.wait, self.cleared = self.probe("cycles_to_output"), self.probe("layers_cleared")

    def check(self, m: Module) -> None:
        plan = self.design.plan
        memory, apart = plan.memory, plan.cycles_per_output
        take, taken = Signal(), Signal()
        inside, waiting = Signal(range(8)), Signal(range(16))
        cleared, seen = Signal(range(memory.clear_cycles + 1)), Signal()
        wait = Signal(range(apart))
        turn = self.appender["input_is_next"]
        m.d.comb += [
            take.eq(self["i_valid"] & self["i_ready"]),
            taken.eq(turn & self.appender["o_valid"] & self.layers_ready),
        ]
        is_clear = cleared == memory.clear_cycles
        m.d.sync += [
            inside.eq(inside + take - self.columns["ends"]),
            waiting.eq(waiting + take - taken),
            cleared.eq(Mux(is_clear, cleared, cleared + 1)),
            seen.eq(seen | self.layers_ready),
            wait.eq(Mux(take, apart - 1, Mux(wait == 0, 0, wait - 1))),
        ]
        is_free = (seen | self.layers_ready) & (wait == 0)
        has_room = inside != memory.fifo_depth
        due = self._due(m, take)
        self.claim(m, self["i_ready"] == (is_clear & due & has_room & is_free))
        # what that rests on
        self.claim(m, (self.wait == wait) & (self.cleared == seen))
        self.claim(m, is_clear | (waiting == 0))

        # an input word waits until the last word of its step has left
        columns, fifo = self.columns, self.appender
        is_last = [columns[f"{n}_valid"] & columns[f"{n}_last"] for n in ("fetched", "o")]
        last = sum(is_last)
        held = fifo["fifo.level"] + fifo["fifo.arrived"] + fifo["fifo.o_valid"]
        self.claim(m, held == waiting)
        self.claim(m, waiting == inside + last + turn)
        self.claim(m, waiting <= plan.input_depth)
        m.d.comb += Assume(columns["level"] + columns["arrived"] <= inside)
        # what that rests on: one word at most is a last one, because two are on their way
        place = columns["part"] * len(memory.op.sections) + columns["section"]
        self.claim(m, columns["some"], when=place != 0)
        self.claim(m, columns["some"] == (columns["level"] != 0))
        self.claim(m, place == 0, when=is_last[0])
        self.claim(m, place == columns["fetched_valid"], when=is_last[1])
        self.claim(m, place == columns["fetched_valid"], when=turn & ~columns["o_valid"])
        self.claim(m, place <= 2, when=turn)
        self.claim(m, last + turn <= 1)
        self.claim(m, columns["reserved"] == inside)
        self.claim(m, inside <= memory.fifo_depth)

    def _due(self, m: Module, take: Value) -> Value:
        """Return whether the memory can begin a step."""
        memory = self.design.plan.memory
        cycles = memory.cycles_per_step
        phase = Signal(range(cycles))
        if isinstance(memory, FullPlan):
            m.d.sync += phase.eq(Mux(take, cycles - 1, Mux(phase == 0, 0, phase - 1)))
        else:
            m.d.sync += phase.eq(Mux(phase == cycles - 1, 0, phase + 1))
            self.claim(m, self.slot == Mux(phase == 0, cycles - 1, phase - 1))
        return phase == 0
