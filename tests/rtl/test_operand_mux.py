"""The selection of the lanes' factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.rtl.command import kinds_of
from lmu_hw.rtl.lane_widths import widths
from lmu_hw.rtl.operand_mux import OperandMux
from lmu_hw.rtl.schedule import schedule
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import simulate


@pytest.mark.parametrize("lanes", [1, 3])
def test_words_meet_their_command(lanes: int) -> None:
    """Words are a cycle before their command, and leave two cycles after they came."""
    plan = schedule(PROGRAMS["dense_readout"], lanes)
    dut = OperandMux(widths(plan), lanes, kinds_of(plan))
    rng = np.random.default_rng(0)
    most = 1 << (len(dut.word) - 1)
    rows = rng.integers(-most, most, (20, lanes)).tolist()
    banks, across = rng.integers(0, lanes, 20).tolist(), rng.integers(0, 2, 20).tolist()

    async def bench(ctx: Any) -> None:
        for cycle in range(1, 20):
            for port, word in zip(dut.words, rows[cycle], strict=True):
                ctx.set(port, word)
            ctx.set(dut.bank, banks[cycle - 1])
            ctx.set(dut.across, across[cycle - 1])
            if cycle > 1 + dut.latency:
                before = cycle - dut.latency
                words, bank = rows[before], banks[before]
                assert ctx.get(dut.word) == words[bank]
                assert [ctx.get(x) for x in dut.x] == [
                    _cut(word, len(dut.x[0])) for word in dut.model(words, bank, across[before])
                ]
            await ctx.tick()

    simulate(dut, bench)


def _cut(word: int, width: int) -> int:
    """Return the low bits of a word, as what lanes multiply may be narrower than the memory."""
    low = word & ((1 << width) - 1)
    return low - (1 << width) if low >> (width - 1) else low
