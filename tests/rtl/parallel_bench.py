"""Plays designs of `--parallel full` and `--parallel ring` in Amaranth's simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import ResetInserter, Signal

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.parallel.full_core import FullCore
from lmu_hw.rtl.parallel.ring_core import RingCore
from lmu_hw.rtl.state_port import StateCommand
from tests.rtl.bench import simulate

Core = FullCore | RingCore
SATURATING = {"outer": QFormat(3, 5), "inner": QFormat(2, 6), "chain": QFormat(3, 4)}
"""Formats that words leave."""


class PlayedSteps:
    """What a core made of input words, and when."""

    def __init__(self, core: Core, u: np.ndarray, stalls: float, reset_at: int = -1) -> None:
        self.core, self.u, self.stalls, self.reset_at = core, u, stalls, reset_at
        self.rng = np.random.default_rng(0)
        self.got: list[list[int]] = []
        self.taken: list[int] = []
        self.given: list[int] = []
        self.reset = Signal()
        simulate(ResetInserter(self.reset)(core), self.bench)

    async def bench(self, ctx: Any) -> None:
        core, plan, offered = self.core, self.core.plan, False
        limit = (len(self.u) + 2) * plan.cycles_per_step + plan.latency + 50
        for cycle in range(int(limit * (1 + 12 * self.stalls)) + max(0, self.reset_at)):
            offered |= len(self.taken) < len(self.u) and self.rng.random() >= self.stalls
            ready = self.rng.random() >= self.stalls
            ctx.set(core.i.valid, int(offered))
            ctx.set(core.o.ready, int(ready))
            if offered:
                ctx.set(core.i.payload, int(self.u[len(self.taken), 0]))
            if ready and ctx.get(core.o.valid):
                self.got.append(words(core, ctx.get(core.o.payload)))
                self.given.append(cycle)
            if offered and ctx.get(core.i.ready):
                self.taken.append(cycle)
                offered = False
            ctx.set(self.reset, int(cycle == self.reset_at))
            await ctx.tick()
            if cycle == self.reset_at:
                for found in (self.got, self.taken, self.given):
                    found.clear()
                offered = False


def words(core: Core, payload: int) -> list[int]:
    """Return the words of a transfer."""
    width, found = core.out_shape.width, []
    for k in range(core.plan.n_out):
        word = payload >> (k * width) & ((1 << width) - 1)
        found.append(word - (word >> (width - 1) << width))
    return found


class Commanded:
    """What a core made of input words with commands of its state port between them.

    Commands are given when the steps before them are in flight; an interpreter for each signal
    executes the same.
    """

    def __init__(self, core: Core, u: np.ndarray) -> None:
        self.core, self.u = core, u
        signals, program = core.plan.interleave, core.plan.program
        self.rng = np.random.default_rng(1)
        self.models = [Interpreter(program) for _ in range(signals)]
        self.expected: list[list[int]] = []
        self.got: list[list[int]] = []
        self.saves: list[tuple[list[int], list[int]]] = []
        simulate(core, self.bench)

    async def bench(self, ctx: Any) -> None:
        core, rng, signals = self.core, self.rng, len(self.models)
        ctx.set(core.o.ready, 1)
        for number, word in enumerate(self.u[:, 0].tolist()):
            model = self.models[number % signals]
            await self.send(ctx, core.i, word)
            self.expected.append(model.run(np.array([[[word]]]))[0, 0].tolist())
            if rng.random() < 0.2:
                await self.save(ctx, int(rng.integers(signals)))
            elif rng.random() < 0.1:
                signal = int(rng.integers(signals))
                self.models[signal].reset()
                await self.command(ctx, StateCommand.CLEAR, signal)
            elif rng.random() < 0.2:
                signal, other = (int(k) for k in rng.integers(signals, size=2))
                state = self.models[other].save() // 2
                self.models[signal].load(state)
                await self.command(ctx, StateCommand.LOAD, signal)
                for stored in state[0].tolist():
                    await self.send(ctx, core.state_i, stored)
        for _ in range(core.plan.latency + 5):
            await self.tick(ctx)

    async def tick(self, ctx: Any) -> None:
        if ctx.get(self.core.o.valid):
            self.got.append(words(self.core, ctx.get(self.core.o.payload)))
        await ctx.tick()

    async def send(self, ctx: Any, stream: Any, value: Any) -> None:
        ctx.set(stream.payload, value)
        ctx.set(stream.valid, 1)
        while not ctx.get(stream.ready):
            await self.tick(ctx)
        await self.tick(ctx)
        ctx.set(stream.valid, 0)

    async def command(self, ctx: Any, code: StateCommand, signal: int) -> None:
        await self.send(ctx, self.core.state_command, {"code": code, "signal": signal})

    async def save(self, ctx: Any, signal: int) -> None:
        core = self.core
        await self.command(ctx, StateCommand.SAVE, signal)
        found: list[int] = []
        last = 0
        while not last:
            ready = self.rng.random() < 0.6
            ctx.set(core.state_o.ready, int(ready))
            if ready and ctx.get(core.state_o.valid):
                found.append(ctx.get(core.state_o.payload))
                last = ctx.get(core.state_o_last)
            await self.tick(ctx)
        ctx.set(core.state_o.ready, 0)
        self.saves.append((found, self.models[signal].save()[0].tolist()))
