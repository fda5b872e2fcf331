"""The timeline of a step, against the signals of the simulated design and against its schedule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from amaranth.hdl import Cat, Fragment, Module
from amaranth.sim import Simulator

from lmu_hw.program.integer_program import Linear, Program, Scale
from lmu_hw.report.lane_work import lane_cycles
from lmu_hw.report.step_timeline import step_timeline
from lmu_hw.report.unit_tracks import (
    ARGMAX,
    CHAIN,
    CONTROL,
    FUNCTION,
    INPUT,
    LADDER,
    LANES,
    NEURONS,
    OUTPUT,
    REQUANTIZER,
    SERIALIZER,
    WRITES,
    StepTimeline,
    WorkKind,
)
from lmu_hw.rtl.block_memories import SimulationPlatform
from lmu_hw.rtl.engine import Engine
from lmu_hw.rtl.schedule import WINDOW, Kind, Schedule, schedule
from tests.factories.hardware_programs import ALL
from tests.factories.programs import cascade_program, stimulus
from tests.factories.spiking_programs import with_neurons

SPIKING = {
    "spiking": with_neurons(ALL["mixed"], population=4),
    "poisson": with_neurons(ALL["channels"], population=3, generators=2),
}
DESIGNS = ALL | SPIKING
SOME = (
    "one_real",
    "ladder_channels",
    "ladder_substeps",
    "dense_channels",
    "lmu_every_3",
    "stack",
    "gates",
    "two_memories",
    "spiking",
    "poisson",
    "wide_layers",
)
"""Programs with every block."""


class Probe(Engine):
    """An engine whose submodules are known once it has been elaborated."""

    module: Module

    def elaborate(self, platform: object) -> Module:
        self.module = super().elaborate(platform)
        return self.module


def watched(plan: Schedule, parts: Any) -> dict[str, Any]:
    """Return the signals that show a unit at work."""
    signals = {
        "take": parts.step_controller.take,
        "start": parts.step_controller.start,
        "clear": parts.step_controller.clear,
        "write": Cat(getattr(parts.memory, name).valid for name in parts.memory.writers),
        "output": parts.fifo.write,
    }
    if plan.jobs:
        signals |= {
            "accumulate": parts.lane_0.valid,
            "load": parts.result_serializer.load,
            "result": parts.result_serializer.valid,
            "word": parts.requantizer.word_valid,
        }
    if plan.functions:
        signals["function"] = parts.polynomial.word_valid
    if plan.chains:
        signals |= {"adaptor": parts.chain.adaptor.port, "chain": parts.chain.valid}
    if plan.ladders:
        signals["ladder"] = parts.ladder.windows.current
    if plan.spiking:
        signals["spikes"] = parts.neurons.read
    return signals


def observed(plan: Schedule, n_steps: int) -> dict[str, set[int]]:
    """Return the cycles of the last step in which each signal is set, the input's included."""
    engine = Probe(plan.program, plan)
    simulator = Simulator(Fragment.get(engine, SimulationPlatform()))
    signals = watched(plan, engine.module.submodules)
    words = [int(w) for w in stimulus(plan.program, n_steps).ravel()]
    seen: list[dict[str, int]] = []

    async def bench(ctx: Any) -> None:
        sent, left = 0, 2 * plan.cycles_per_step + 40
        ctx.set(engine.o.ready, 1)
        if plan.program.output_every == 0:
            ctx.set(engine.i_last, 1)
        while left:
            ctx.set(engine.i.valid, sent < len(words))
            if sent < len(words):
                ctx.set(engine.i.payload, words[sent])
            values = {name: ctx.get(signal) for name, signal in signals.items()}
            seen.append({name: int(getattr(v, "value", v)) for name, v in values.items()})
            await ctx.tick()
            sent += seen[-1]["take"]
            left -= sent == len(words)

    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    last = max(n for n, values in enumerate(seen) if values["start"]) + 1
    first = last - plan.n_in
    return {
        name: {n - last for n in range(first, len(seen)) if seen[n][name] and not seen[n]["clear"]}
        for name in signals
    }


def cycles_of(timeline: StepTimeline, unit: str) -> set[int]:
    """Return the cycles in which a unit works."""
    tracks = [t for t in timeline.tracks if t.unit == unit]
    return {c for t in tracks for s in t.spans for c in range(s.start, s.end)}


def later(cycles: Iterable[int], by: int) -> set[int]:
    return {cycle + by for cycle in cycles}


@pytest.mark.some(4)
@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("mixed", 1),
        ("readout", 2),
        ("readout", 1),
        ("channels", 3),
        ("ladder", 2),
        ("ladder_substeps", 1),
        ("dense_readout", 2),
        ("lmu_every_3", 4),
        ("lmu_on_demand", 2),
        ("stack", 3),
        ("gates_every_2", 4),
        ("spiking", 1),
        ("poisson", 2),
    ],
)
def test_units_work_when_the_simulation_says(name: str, lanes: int) -> None:
    plan = schedule(DESIGNS[name], lanes)
    every = plan.program.output_every
    # outputs are due in the last step, or in none of these
    kinds = [(plan.due, max(every, 1))] + [(plan.quiet, 1)] * (every > 1)
    for listing, n_steps in kinds:
        timeline = step_timeline(plan, listing)
        seen = observed(plan, n_steps)
        assert seen["take"] == cycles_of(timeline, INPUT) == set(range(-plan.n_in, 0))
        assert seen["write"] - seen["take"] == cycles_of(timeline, WRITES)
        assert seen["output"] == cycles_of(timeline, OUTPUT)
        # lanes take x and the factor one cycle before the sum takes the product
        lanes_work = {c.time for c in lane_cycles(plan, listing) if c.run.kind is not Kind.INDEX}
        index = cycles_of(timeline, LANES) - lanes_work
        assert seen.get("accumulate", set()) == later(lanes_work | index, 1)
        loads = {s.start for t in timeline.tracks if t.unit == SERIALIZER for s in t.spans}
        assert later(seen.get("load", ()), 1) == loads
        assert seen.get("result", set()) <= cycles_of(timeline, SERIALIZER)
        assert seen.get("word", set()) <= cycles_of(timeline, REQUANTIZER)
        assert seen.get("function", set()) <= cycles_of(timeline, FUNCTION)
        assert seen.get("adaptor", set()) <= cycles_of(timeline, CHAIN)
        assert seen.get("spikes", set()) <= cycles_of(timeline, NEURONS)
        ladder = cycles_of(timeline, LADDER)
        # the next input may start the ladder while it still turns
        turns = set(range(max(ladder, default=0), max(ladder, default=0) + WINDOW))
        assert seen.get("ladder", set()) <= ladder | turns


@pytest.mark.parametrize("lanes", [1, 5, 64])
@pytest.mark.parametrize("name", SOME)
def test_tracks_agree_with_the_schedule(name: str, lanes: int) -> None:
    plan = schedule(DESIGNS[name], lanes)
    for listing in plan.listings:
        timeline = step_timeline(plan, listing)
        control = timeline.track(CONTROL)
        # the control ROM issues or waits in every cycle of the step
        assert control.spans[0].start == 0
        assert control.spans[-1].end == timeline.next_step
        assert all(a.end == b.start for a, b in zip(control.spans, control.spans[1:], strict=False))
        waits = sum(s.end - s.start for s in control.spans if s.kind is WorkKind.WAIT)
        drain = sum(p.length for p in listing.phases if p.name == "drain")
        assert waits == sum(p.wait for p in listing.phases) + drain
        assert timeline.cycles == listing.cycles
        assert cycles_of(timeline, OUTPUT) == set(listing.streamed)
        # each unit does one thing at a time
        for track in timeline.tracks:
            for a, b in zip(track.spans, track.spans[1:], strict=False):
                assert a.end <= b.start, track.unit
            assert 0.0 < timeline.share(track) <= 1.0
            assert all(0.0 < s.level <= 1.0 for s in track.spans)
    assert step_timeline(plan).latency == plan.latency


def multiplied(program: Program) -> int:
    """Return the multiplications of the operations that lanes execute, without dense memories."""
    return sum(
        len(op.coefs) if isinstance(op, Scale) else program.multiplies(op)
        for op in program.ops
        if isinstance(op, Linear | Scale)
    )


@pytest.mark.parametrize("lanes", [3, 64])
@pytest.mark.parametrize(
    "name", ["readout", "wide", "ladder", "lmu", "feed_forward", "gates", "wide_layers"]
)
def test_lanes_do_the_multiplications_of_the_program(name: str, lanes: int) -> None:
    plan = schedule(ALL[name], lanes)
    weighted = (Kind.ROWS, Kind.COLUMNS, Kind.SCALE)
    done = sum(c.lanes for c in lane_cycles(plan, plan.due) if c.run.kind in weighted)
    assert done == multiplied(plan.program)


def test_windows_of_a_chain_of_32_sections() -> None:
    timeline = step_timeline(schedule(cascade_program(sections="p" * 32)))
    windows = timeline.track(CHAIN).spans
    assert [w.label for w in windows] == ["u", *map(str, range(1, 33)), "write"]
    assert all(w.end - w.start == WINDOW for w in windows[:-1])
    assert timeline.cycles == 179
    assert timeline.busiest.unit == CHAIN


def test_windows_of_a_ladder_are_its_products() -> None:
    windows = step_timeline(schedule(ALL["ladder"])).track(LADDER).spans
    # odd sections from right to left, the source, even ones from left to right
    assert [w.label for w in windows] == [
        "turn", "3 ←", "1 ←", "u", "0 →", "2 →", "4 →", "turn"
    ]  # fmt: skip


def test_argmax_searches_every_logit() -> None:
    plan = schedule(ALL["lmu"], 2)
    length = plan.program.vector("logits").length
    assert step_timeline(plan).track(ARGMAX).busy == length
