"""The copies of states that lanes read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.rtl.adaptor import formats_of
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.schedule.timing import INNER, OUTER
from lmu_hw.rtl.state_mirror import StateMirror
from tests.factories.programs import cascade_program
from tests.rtl.bench import simulate


@pytest.mark.parametrize("lanes", [1, 3])
def test_states_are_copied_to_their_places(lanes: int) -> None:
    """Inner and outer states of two channels, in any order between the ports."""
    program = cascade_program(
        sections="ppr", channels=2, readout=1, outer=QFormat(7, 9), inner=QFormat(4, 12)
    )
    plan = schedule(program, lanes)
    formats = [
        (f.outer, f.inner) for f in (formats_of(program, program.ops[c.op]) for c in plan.chains)
    ]
    dut = StateMirror(plan, formats, 17)
    rng = np.random.default_rng(0)
    length = {INNER: 3, OUTER: 2}

    async def bench(ctx: Any) -> None:
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        counts = {(port, second): 0 for port in length for second in range(2)}
        states = [key for key in counts for _ in range(length[key[0]])]
        for number in rng.permutation(len(states)).tolist():
            port, second = states[number]
            word = int(rng.integers(formats[0][port].min, formats[0][port].max + 1))
            ctx.set(dut.word, word)
            ctx.set(dut.second, second)
            ctx.set(dut.inner, int(port == INNER))
            ctx.set(dut.outer, int(port == OUTER))
            await ctx.tick()
            ctx.set(dut.inner, 0)
            ctx.set(dut.outer, 0)
            name = "z_inner" if port == INNER else "z_outer"
            place = plan.places[name, 1]
            at = second * length[port] + counts[port, second]
            counts[port, second] += 1
            assert ctx.get(dut.mirror)
            assert ctx.get(dut.mirror_word) == dut.model(0, port, word)
            assert (ctx.get(dut.mirror_row), ctx.get(dut.mirror_bank)) == (
                place.row + at // lanes,
                at % lanes,
            )
            await ctx.tick()
            assert not ctx.get(dut.mirror)

    simulate(dut, bench)
