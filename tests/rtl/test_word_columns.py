"""Words that arrive section by section and leave one by one, and the input word after them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed

from lmu_hw.rtl.networks.input_appender import InputAppender
from lmu_hw.rtl.parallel.word_columns import Walk, WordColumns, WordPart
from tests.rtl.bench import simulate

INNER = WordPart(low=0, width=3, sections=(True,) * 5)
OUTER = WordPart(low=3, width=2, sections=(True, True, False, True, False))


@pytest.mark.parametrize("run", [1, 3])
def test_words_leave_section_by_section(run: int) -> None:
    """Writers write rows of different steps in turn; the reader stalls; nothing is lost."""
    walk = Walk(sections=5, run=run)
    places = [walk.place(section, 2) for section in range(5)]
    assert len(set(places)) == 5
    last, last_row = places[4]
    dut = WordColumns(
        (5, 5), [INNER, OUTER], width=4, depth=4, last=last, walk=walk, rows=3, last_row=last_row
    )
    rng = np.random.default_rng(run)
    steps = [[int(rng.integers(32)) for _ in range(6)] for _ in range(40)]
    got: list[int] = []
    ends: list[int] = []
    full = False
    # cycle after the start at which each section is written: one each column and cycle
    after = {place: 1 + 2 * section for section, place in enumerate(places)}

    async def bench(ctx: Any) -> None:
        nonlocal full
        begun: list[int] = []
        for cycle in range(1500):
            room = bool(ctx.get(dut.room))
            full |= not room
            begin = room and len(begun) < len(steps) and cycle % 12 == 0 and rng.random() < 0.8
            ctx.set(dut.reserve, int(begin))
            if begin:
                begun.append(cycle)
            for column in (0, 1):
                ctx.set(getattr(dut, f"write_{column}"), 0)
                for (of, row), wait in after.items():
                    if of == column and cycle - wait in begun:
                        step = begun.index(cycle - wait)
                        ctx.set(getattr(dut, f"write_{column}"), 1)
                        ctx.set(getattr(dut, f"words_{column}"), steps[step][3 * column + row])
                        ctx.set(getattr(dut, f"place_{column}"), row | step % 4 << 2)
            ready = rng.random() < 0.5
            ctx.set(dut.o.ready, int(ready))
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
                if ctx.get(dut.o_last):
                    ends.append(len(got))
            await ctx.tick()

    simulate(dut, bench)
    assert got == [word for step in steps for word in dut.model(step)]
    assert ends == [8 * (k + 1) for k in range(len(steps))]
    assert full


def test_the_input_word_follows_the_words_of_its_step() -> None:
    dut = InputAppender(signed(5), signed(8), 8)
    rng = np.random.default_rng(2)
    steps = [rng.integers(-16, 16, 3).tolist() for _ in range(30)]
    inputs = rng.integers(-128, 128, 30).tolist()
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        given = taken = 0
        for _ in range(600):
            # never more input words than fit, and none later than the last word of its step
            ahead = given < len(inputs) and given - taken // 3 < 6
            give = ahead and (given <= taken // 3 or rng.random() < 0.3)
            ctx.set(dut.input_valid, int(give))
            ctx.set(dut.input_word, inputs[given] if give else 77)
            begun = taken < 3 * given and rng.random() < 0.7
            ctx.set(dut.words.valid, int(begun))
            step, word = divmod(taken, 3)
            ctx.set(dut.words.payload, steps[step][word] if begun else -9)
            ctx.set(dut.words_last, int(word == 2))
            ready = rng.random() < 0.7
            ctx.set(dut.o.ready, int(ready))
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
            taken += bool(begun and ctx.get(dut.words.ready))
            given += int(give)
            await ctx.tick()

    simulate(dut, bench)
    assert got == [w for step, u in zip(steps, inputs, strict=True) for w in dut.model(step, u)]
