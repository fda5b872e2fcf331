"""The pipeline of the commands: every stage sees each command in its cycle."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmu_hw.rtl.command_pipeline import STAGES, CommandPipeline
from lmu_hw.rtl.schedule import schedule
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import simulate


def test_every_stage_has_the_command_in_its_cycle() -> None:
    dut = CommandPipeline(schedule(PROGRAMS["dense_readout"], 3))
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 1 << len(dut.command.row), 20).tolist()
    lasts = rng.integers(0, 2, 20).tolist()

    async def bench(ctx: Any) -> None:
        for cycle, (row, last) in enumerate(zip(rows, lasts, strict=True)):
            ctx.set(dut.command.row, row)
            ctx.set(dut.command.last, last)
            for stage in STAGES[1:]:
                found = getattr(dut, stage)
                expected = dut.model(rows, stage)[cycle]
                assert expected is None or ctx.get(found.row) == expected, (stage, cycle)
                # an event is reset, so that none happens before the first command
                assert ctx.get(found.last) == (dut.model(lasts, stage)[cycle] or 0), (stage, cycle)
            await ctx.tick()

    simulate(dut, bench)
