"""Words that arrive section by section and leave one by one, and the input word after them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed

from lmu_hw.rtl.networks.input_appender import InputAppender
from lmu_hw.rtl.parallel.word_columns import Walk, WordColumns, WordPart
from tests.rtl.bench import simulate


@pytest.mark.parametrize(
    ("sections", "columns", "run"), [(5, 2, 1), (5, 2, 3), (19, 10, 1), (27, 17, 2)]
)
def test_words_leave_section_by_section(sections: int, columns: int, run: int) -> None:
    """Writers write rows of different steps in turn; the reader stalls; nothing is lost."""
    walk = Walk(sections=sections, run=run)
    places = [walk.place(section, columns) for section in range(sections)]
    assert len(set(places)) == sections
    last, last_row = places[-1]
    there = np.arange(sections) % 4 != 2
    there[-1] = False
    rows = 3 if columns == 2 else 2
    dut = WordColumns(
        (5,) * columns,
        [
            WordPart(low=0, width=3, sections=(True,) * sections),
            WordPart(low=3, width=2, sections=tuple(there.tolist())),
        ],
        width=4,
        depth=4,
        last=last,
        walk=walk,
        rows=rows,
        last_row=last_row,
    )
    n_words = sections + int(there.sum())
    rng = np.random.default_rng(run)
    n_steps = 40 if columns == 2 else 14
    steps = [[int(rng.integers(32)) for _ in range(rows * columns)] for _ in range(n_steps)]
    got: list[int] = []
    ends: list[int] = []
    full = False
    first_word = -1
    # cycle after the start at which each section is written: one each column and cycle
    after = {place: 1 + 2 * section for section, place in enumerate(places)}
    turn = 2 * sections + 2

    async def bench(ctx: Any) -> None:
        nonlocal full, first_word
        begun: list[int] = []
        for cycle in range(2000):
            room = bool(ctx.get(dut.room))
            full |= not room
            starts = cycle % turn == 0 and rng.random() < 0.8
            begin = room and len(begun) < len(steps) and starts
            ctx.set(dut.reserve, int(begin))
            if begin:
                begun.append(cycle)
            for column in range(columns):
                ctx.set(getattr(dut, f"write_{column}"), 0)
                for (of, row), wait in after.items():
                    if of == column and cycle - wait in begun:
                        step = begun.index(cycle - wait)
                        ctx.set(getattr(dut, f"write_{column}"), 1)
                        ctx.set(getattr(dut, f"words_{column}"), steps[step][rows * column + row])
                        ctx.set(getattr(dut, f"place_{column}"), row | step % 4 << dut.row_bits)
            ready = rng.random() < 0.5
            ctx.set(dut.o.ready, int(ready))
            if first_word < 0 and ctx.get(dut.o.valid):
                first_word = cycle - begun[0] - max(after.values())
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
                if ctx.get(dut.o_last):
                    ends.append(len(got))
            await ctx.tick()

    simulate(dut, bench)
    assert got == [word for step in steps for word in dut.model(step)]
    assert ends == [n_words * (k + 1) for k in range(len(steps))]
    assert full
    assert first_word == dut.latency


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
