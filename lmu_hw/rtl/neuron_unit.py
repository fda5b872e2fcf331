"""Neurons between the states of a memory and its sections: what a chain reads are spikes."""

from __future__ import annotations

from types import SimpleNamespace

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.integer_program import Spiking
from .block_memories import Ram
from .constant_tables import lookup
from .integrate_fire import REST, IntegrateFire
from .neuron_levels import magnitude, own_levels, pipeline, state_levels
from .neuron_pass import NeuronPass
from .poisson_neurons import PoissonNeurons
from .ports import keep_on_reset
from .random_generators import WIDTH, RandomGenerators
from .schedule import NeuronPlan, Schedule
from .schedule.timing import AHEAD, INTEGRATE, POISSON


class NeuronUnit(wiring.Component):
    """Gives the sections of a chain the spikes of its states, then starts the chain.

    Parameters
    ----------
    plan : Schedule
        Must have neurons.
    depth, state_width, word_width : int
        States in the chain's RAM, their bits, and those of an input word.
    file : str
        File of the ROM of the states.

    Members
    -------
    word, feed, valid, silent : In
        The input of a memory, as the chain takes it.
    start, next_word, next_feed, next_silent : Out
        The input of the chain, at once if its memory has no neurons.
    read, read_address : Out
        Read the state at this address of the chain's RAM.
    z : In(signed)
        That state, one cycle later.
    store, store_address, sent, residue : Out
        Give the sections ``sent`` in place of the state; ``residue`` is added to the result.
    spikes, spikes_word, spikes_row, spikes_bank : Out
        Write the spikes of a channel to the lanes' memory.
    clear, clear_address : In
        Set the membrane at this address to zero, and all generators to their seeds.

    With a state port also:

    access, address : In
        Read the membrane or generator at this address.
    membrane, generator : Out
        That word, one cycle later.
    load_membrane, load_generator : In(1)
        Write ``load_word`` there.

    Latency: `NeuronPlan.cycles`.
    Throughput: d states, each for `NeuronPlan.rounds` cycles: H / S with S generators, else 1.

    Schedule: that of `NeuronPass`; the states pass `IntegrateFire` or `PoissonNeurons` and are
    stored; the chain starts while the last ones pass.
    """

    def __init__(
        self,
        plan: Schedule,
        depth: int,
        state_width: int,
        word_width: int,
        file: str = "neurons.mem",
    ) -> None:
        self.plan, self.depth, self.file = plan, depth, file
        ops = [plan.program.ops[c.op] for c in plan.chains if c.neurons is not None]
        self.ops = [op for op in ops if isinstance(op, Spiking)]
        vector = plan.program.vector
        kept = [vector(op.membrane) for op in self.ops if op.membrane]
        self.membranes = max(2, sum(v.length for v in kept))
        self.membrane_width = max((v.fmt.width for v in kept), default=0)
        self.generators = sum(len(op.seeds) for op in self.ops)
        totals = [vector(op.spikes).fmt.width for op in self.ops]
        feeds = range(len(plan.feeds))
        places = range(max(2, self.membranes, self.generators))
        port = {
            "access": In(1),
            "address": In(places),
            "load_membrane": In(1),
            "load_generator": In(1),
            "load_word": In(signed(max(self.membrane_width, WIDTH))),
            "membrane": Out(signed(max(1, self.membrane_width))),
            "generator": Out(WIDTH),
        }
        state = signed(state_width)
        super().__init__(
            {
                "word": In(signed(word_width)),
                "feed": In(feeds),
                "valid": In(1),
                "silent": In(1),
                "start": Out(1),
                "next_word": Out(signed(word_width)),
                "next_feed": Out(feeds),
                "next_silent": Out(1),
                "read": Out(1),
                "read_address": Out(range(depth)),
                "z": In(state),
                "store": Out(1),
                "store_address": Out(range(depth)),
                "sent": Out(state),
                "residue": Out(signed(state_width + 1)),
                "spikes": Out(1),
                "spikes_word": Out(max(totals)),
                "spikes_row": Out(range(plan.rows)),
                "spikes_bank": Out(range(plan.lanes)),
                "clear": In(1),
                "clear_address": In(range(self.membranes)),
                **(port if plan.state_port else {}),
            }
        )
        keep_on_reset(self, "spikes_word")

    def model(self, chain: int, *, paired: bool) -> tuple[int, list[int]]:
        """Return the cycles from the input to the chain's start and to the write of the spikes."""
        neurons = self.plan.chains[chain].neurons
        assert neurons is not None
        return neurons.cycles(paired=paired), neurons.totals(paired=paired)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.neuron_pass = now = NeuronPass(
            self.plan, self.depth, self.membranes, self.file
        )
        feed = Signal.like(self.feed, name="held_feed", reset_less=True)
        begin, silent = self._input(m, now, feed)
        longest = max(n.timing.store for n in self.plan.spiking)
        flags = SimpleNamespace()
        for name in ("valid", "first", "last", "opens", "ends", "second", "done"):
            data = name not in ("valid", "done")
            flags_of = pipeline(m, getattr(now, name), longest, name, reset_less=data)
            setattr(flags, name, flags_of)
        address = pipeline(m, now.address, longest, "address")
        level = pipeline(m, now.level, 1, "level")[1]
        m.d.comb += [
            now.start.eq(begin),
            now.feed.eq(self.feed),
            self.read.eq(now.valid),
            self.read_address.eq(now.address),
        ]
        found = []
        if any(not n.generators for n in self.plan.spiking):
            found.append(self._integrate(m, now, flags, level, silent, feed))
        for number, neurons in enumerate(self.plan.spiking):
            if neurons.generators:
                found.append(self._poisson(m, number, flags, level, silent, feed))
        self._leave(m, found, flags, address, feed)
        return m

    def _of_chain(self, m: Module, feed: Value, values: list[int], name: str) -> Value:
        """Return the entry of a feed's chain; feeds without one are don't-cares."""
        return lookup(m, feed, [values[f.chain or 0] for f in self.plan.feeds], name)

    def _input(self, m: Module, now: NeuronPass, feed: Signal) -> tuple[Value, Value]:
        """Hold the input until the chain starts; return the start of a pass, and its zero-run flag.

        The flag belongs to the state that was read one cycle ago.
        """
        plan = self.plan
        has = [int(f.chain is not None and _spikes(plan, f.chain)) for f in plan.feeds]
        begin = Signal(name="begins")
        chosen = silent = self.silent
        m.d.comb += begin.eq(self.valid & lookup(m, self.feed, has, "has_neurons"))
        word = Signal.like(self.word, name="held_word", reset_less=True)
        with m.If(begin):
            m.d.sync += [word.eq(self.word), feed.eq(self.feed)]
        if plan.paired:
            second_word = Signal.like(self.word, name="second_word", reset_less=True)
            flag = Signal(name="held_silent", reset_less=True)
            second_flag = Signal(name="second_silent", reset_less=True)
            follows = Signal()
            m.d.sync += follows.eq(begin)
            with m.If(begin):
                m.d.sync += flag.eq(self.silent)
            with m.If(follows):
                m.d.sync += [second_word.eq(self.word), second_flag.eq(self.silent)]
            silent = Mux(pipeline(m, now.second, 1, "is_second")[1], second_flag, flag)
            # the chain takes the second input after the first one
            with m.If(self.start):
                m.d.sync += [word.eq(second_word), flag.eq(second_flag)]
            chosen = flag
        m.d.comb += [
            self.next_word.eq(word),
            self.next_feed.eq(feed),
            self.next_silent.eq(chosen),
        ]
        if any(f.chain is not None and not _spikes(plan, f.chain) for f in plan.feeds):
            self._pass_on(m, begin, [int(not h) for h in has])
        return begin, silent

    def _pass_on(self, m: Module, begin: Value, plain: list[int]) -> None:
        """Pass the inputs of memories without neurons on at once."""
        held = Signal(name="holds")
        passes = Signal()
        m.d.comb += passes.eq(self.valid & lookup(m, self.feed, plain, "has_none"))
        with m.If(begin | passes):
            m.d.sync += held.eq(begin)
        with m.If(passes | ~held):
            m.d.comb += [
                self.next_word.eq(self.word),
                self.next_feed.eq(self.feed),
                self.next_silent.eq(self.silent),
            ]
        with m.If(passes):
            m.d.comb += self.start.eq(1)

    def _integrate(
        self,
        m: Module,
        now: NeuronPass,
        flags: SimpleNamespace,
        level: Value,
        silent: Value,
        feed: Value,
    ) -> SimpleNamespace:
        """Add the integrate-and-fire neurons and their membranes."""
        mine = [n for n in self.plan.spiking if not n.generators]
        levels = own_levels(state_levels(self.plan)[0], self.plan, mine)
        m.submodules.integrate_fire = unit = IntegrateFire(levels, len(self.z), self.membrane_width)
        m.submodules.membranes = ram = Ram(self.membrane_width, self.membranes)
        address = pipeline(m, now.membrane_address, REST, "membrane_address")
        spiking = self._of_chain(m, feed, self._which(mine), "integrates")
        m.d.comb += [
            unit.z.eq(self.z),
            unit.membrane.eq(ram.read_word),
            unit.level.eq(level),
            unit.silent.eq(silent),
            ram.read_address.eq(now.membrane_address),
            ram.write.eq(flags.valid[REST] & spiking),
            ram.write_address.eq(address[REST]),
            ram.write_word.eq(unit.rest),
        ]
        writers = [(self.clear, self.clear_address, Const(0))]
        if self.plan.state_port:
            writers.append((self.load_membrane, self.address, self.load_word))
            m.d.comb += self.membrane.eq(ram.read_word)
            with m.If(self.access):
                m.d.comb += ram.read_address.eq(self.address)
        for valid, where, word in writers:
            with m.If(valid):
                m.d.comb += [
                    ram.write.eq(1),
                    ram.write_address.eq(where),
                    ram.write_word.eq(word),
                ]
        return SimpleNamespace(unit=unit, mine=mine, timing=INTEGRATE, count=magnitude(unit.count))

    def _poisson(
        self,
        m: Module,
        number: int,
        flags: SimpleNamespace,
        level: Value,
        silent: Value,
        feed: Value,
    ) -> SimpleNamespace:
        """Add the Poisson neurons of a memory and their generators."""
        neurons, op = self.plan.spiking[number], self.ops[number]
        levels = own_levels(state_levels(self.plan)[0], self.plan, [neurons])
        unit = PoissonNeurons(levels, len(self.z), neurons.population, neurons.generators)
        first = neurons.kept if self.plan.state_port else None
        generators = RandomGenerators(op.seeds, first, self.generators)
        m.submodules[f"poisson_neurons_{number}"] = unit
        m.submodules[f"random_generators_{number}"] = generators
        mine = self._of_chain(m, feed, self._which([neurons]), f"poisson_{number}")
        m.d.comb += [
            unit.z.eq(self.z),
            unit.level.eq(level),
            unit.silent.eq(silent),
            unit.valid.eq(flags.valid[1] & mine),
            unit.first.eq(flags.first[1]),
            generators.draw.eq(unit.draw),
            generators.clear.eq(self.clear),
        ]
        for mine_, theirs in zip(unit.numbers, generators.numbers, strict=True):
            m.d.comb += mine_.eq(theirs)
        if self.plan.state_port:
            m.d.comb += [
                generators.load.eq(self.load_generator),
                generators.index.eq(self.address),
                generators.load_word.eq(self.load_word),
            ]
        return SimpleNamespace(
            unit=unit, mine=[neurons], timing=POISSON, count=unit.count, generators=generators
        )

    def _which(self, mine: list[NeuronPlan]) -> list[int]:
        return [int(chain.neurons in mine) for chain in self.plan.chains]

    def _leave(
        self,
        m: Module,
        found: list[SimpleNamespace],
        flags: SimpleNamespace,
        address: list[Value],
        feed: Value,
    ) -> None:
        """Store what the neurons send, count their spikes and start the chain."""
        count = Signal(len(self.spikes_word), name="count")
        counted, opens, totals, second = (
            Signal(name=name) for name in ("counted", "opens_count", "totals", "totals_second")
        )
        for number, kind in enumerate(found):
            store, total = kind.timing.store, kind.timing.total
            here = self._of_chain(m, feed, self._which(kind.mine), f"is_kind_{number}")
            with m.If(here):
                m.d.comb += [
                    self.store.eq(flags.valid[store] & flags.last[store]),
                    self.store_address.eq(address[store]),
                    self.sent.eq(kind.unit.sent),
                    self.residue.eq(kind.unit.residue),
                    count.eq(kind.count),
                    counted.eq(flags.valid[total - 1] & flags.last[total - 1]),
                    opens.eq(flags.opens[total - 1]),
                    totals.eq(flags.valid[total] & flags.last[total] & flags.ends[total]),
                    second.eq(flags.second[total]),
                ]
                with m.If(flags.done[store - AHEAD]):
                    m.d.comb += self.start.eq(1)
        with m.If(counted):
            m.d.sync += self.spikes_word.eq(count + Mux(opens, 0, self.spikes_word))
        if self.plan.state_port:
            generators = [kind.generators for kind in found if hasattr(kind, "generators")]
            kept = Const(0, WIDTH)
            for unit in generators:
                kept = kept | unit.kept
            m.d.comb += self.generator.eq(kept)
        self._address_spikes(m, feed, totals, second)

    def _address_spikes(self, m: Module, feed: Value, totals: Value, second: Value) -> None:
        """Write the spikes of a channel where the lanes and the output read them."""
        plan, rows, banks, stored = self.plan, [], [], []
        for f in plan.feeds:
            neurons = plan.chains[f.chain].neurons if f.chain is not None else None
            place = plan.places.get(neurons.spikes) if neurons is not None else None
            stored.append(int(place is not None))
            rows.append(0 if place is None else place.row + f.channel // plan.lanes)
            banks.append(f.channel % plan.lanes)
        m.d.comb += [
            self.spikes.eq(totals & lookup(m, feed, stored, "stores_spikes")),
            self.spikes_row.eq(lookup(m, feed, rows, "row_of_spikes")),
            self.spikes_bank.eq(lookup(m, feed, banks, "bank_of_spikes")),
        ]
        if plan.paired:
            following = [*range(1, len(plan.feeds)), 0]
            with m.If(second):
                m.d.comb += [
                    self.spikes_row.eq(
                        lookup(m, feed, [rows[k] for k in following], "second_row_of_spikes")
                    ),
                    self.spikes_bank.eq(
                        lookup(m, feed, [banks[k] for k in following], "second_bank_of_spikes")
                    ),
                ]


def _spikes(plan: Schedule, chain: int) -> bool:
    return plan.chains[chain].neurons is not None
