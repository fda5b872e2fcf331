"""Lesson 4: the same words come out of the hardware, and of the Verilog that is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

import lmu_hw as lh
from tests.tools import require, succeed

DESIGN = lh.compile(lh.Memory(3, theta=12), bits=8)
WORDS = np.random.default_rng(0).integers(-128, 128, 20)


def test_the_component_gives_the_words_of_the_program() -> None:
    """`component` is an Amaranth component with a stream of words in and one out."""
    core, got = DESIGN.component(), []

    async def source(ctx: Any) -> None:
        for word in WORDS.tolist():
            ctx.set(core.i.payload, word)
            ctx.set(core.i.valid, 1)
            await ctx.tick().until(core.i.ready)
        ctx.set(core.i.valid, 0)

    async def sink(ctx: Any) -> None:
        ctx.set(core.o.ready, 1)
        while len(got) < 3 * len(WORDS):
            (word,) = await ctx.tick().sample(core.o.payload.data).until(core.o.valid)
            got.append(word)

    simulator = Simulator(core)
    simulator.add_clock(1e-8)
    simulator.add_testbench(source)
    simulator.add_testbench(sink)
    simulator.run()
    assert got == DESIGN.run(WORDS).outputs.ravel().tolist()


def test_more_lanes_take_fewer_cycles() -> None:
    cycles = [DESIGN.schedule(lh.Hardware(lanes=n)).cycles_per_step for n in (1, 2)]
    assert cycles[0] > cycles[1]


@pytest.mark.sim
def test_a_build_directory_brings_its_own_bench(tmp_path: Path) -> None:
    """`make` in `rtl` plays vectors into the Verilog and compares every word."""
    require("make", "iverilog", "vvp")
    DESIGN.write(tmp_path / "out")
    assert "PASS" in succeed("make", "-C", tmp_path / "out" / "rtl")
