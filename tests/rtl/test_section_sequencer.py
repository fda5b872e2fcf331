"""The parts of a chain that order its sections: operations, coefficients, addresses."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Module

from lmu_hw.rtl.adaptor import ChainPort
from lmu_hw.rtl.schedule import Schedule, schedule
from lmu_hw.rtl.schedule.timing import CHANNEL_OFFSET, FEED, INNER, OUTER, WINDOW
from lmu_hw.rtl.section_fetch import SectionFetch
from lmu_hw.rtl.section_sequencer import SectionSequencer
from lmu_hw.rtl.state_addresses import StateAddresses
from tests.factories.programs import cascade_program
from tests.rtl.bench import simulate

SECTIONS = ("p", "r", "ppr", "prpprr")
RESULT = 5
"""Cycles from an operation of the adaptor to its inner or real result; an outer one is a cycle
later than the inner one of its section."""


def plan_of(sections: str) -> Schedule:
    """Return the schedule of three channels: two go beside each other, the third alone."""
    return schedule(cascade_program(sections=sections, channels=3, readout=1, seed=3), 3)


def ordered(plan: Schedule) -> tuple[Module, SectionSequencer, SectionFetch]:
    """Return a sequencer with the ROM that tells it the sections."""
    m = Module()
    m.submodules.sequencer = sequencer = SectionSequencer(plan)
    m.submodules.fetch = fetch = SectionFetch(plan)
    m.d.comb += [
        sequencer.section.eq(fetch.section),
        fetch.start.eq(sequencer.start),
        fetch.feed.eq(sequencer.feed),
        fetch.next.eq(sequencer.next),
        fetch.phase.eq(sequencer.phase),
    ]
    return m, sequencer, fetch


@pytest.mark.parametrize("sections", SECTIONS)
def test_operations_and_coefficients_come_in_their_cycles(sections: str) -> None:
    plan = plan_of(sections)
    dut, sequencer, fetch = ordered(plan)

    async def bench(ctx: Any) -> None:
        for feed, paired in ((0, True), (2, False), (0, True)):
            ports = sequencer.model(0, paired=paired)
            coefs = {}
            for cycle, *found in fetch.model(0):
                for beside in range(1 + paired):
                    coefs[cycle + CHANNEL_OFFSET * beside] = tuple(found)
            # a section of one adaptor beside nothing else, of two beside the next section
            assert set(coefs) <= set(ports)
            ctx.set(sequencer.feed, feed)
            for cycle in range(max(ports) + WINDOW):
                ctx.set(sequencer.valid, int(cycle == 0))
                port = ChainPort(ctx.get(sequencer.port))
                if cycle:
                    assert ctx.get(sequencer.second_start) == (cycle == CHANNEL_OFFSET and paired)
                    expected = ports.get(cycle, ChainPort.NONE)
                    assert port == expected, (cycle, port, expected)
                if cycle in coefs:
                    assert (ctx.get(fetch.coef), ctx.get(fetch.shift)) == coefs[cycle], cycle
                await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize("sections", SECTIONS)
def test_states_are_read_and_written_in_order(sections: str) -> None:
    plan = plan_of(sections)
    dut, sequencer, _ = ordered(plan)
    addresses = StateAddresses(plan, sum(feed.states for feed in plan.feeds))
    dut.submodules.addresses = addresses
    dut.d.comb += [
        addresses.start.eq(sequencer.start),
        addresses.feed.eq(sequencer.feed),
        addresses.running.eq(sequencer.feed),
        addresses.phase.eq(sequencer.phase),
        addresses.reads_outer.eq(sequencer.reads_outer),
        addresses.reads_inner.eq(sequencer.reads_inner),
    ]
    # the mirror is written a cycle after the state, and cycles count from the issue of the input
    shift = FEED + 1

    async def bench(ctx: Any) -> None:
        for channels in ((0, 1), (2,)):
            reads: dict[int, int] = {}
            writes: dict[int, tuple[int, int, int]] = {}
            for beside, channel in enumerate(channels):
                written = plan.chains[0].writes(paired=False)
                for write, address in zip(written, addresses.model(channel), strict=True):
                    cycle = write.cycle - shift + CHANNEL_OFFSET * beside
                    writes[cycle] = (address, write.port, beside)
                    # an outer adaptor's word leaves after that of the inner one behind it
                    behind = WINDOW + 2 if write.port == OUTER else 0
                    reads[cycle - RESULT - 2 - behind] = address
            ctx.set(sequencer.feed, channels[0])
            for cycle in range(max(writes) + 2):
                ctx.set(sequencer.valid, int(cycle == 0))
                address, port, second = writes.get(cycle, (0, None, 0))
                ctx.set(addresses.inner, int(port == INNER))
                ctx.set(addresses.outer, int(port == OUTER))
                if port is not None:
                    assert ctx.get(addresses.write) == address, cycle
                    assert ctx.get(addresses.second) == second, cycle
                if cycle in reads:
                    assert ctx.get(addresses.read) == reads[cycle], cycle
                await ctx.tick()

    simulate(dut, bench)
