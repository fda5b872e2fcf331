"""Plays pipelines of layers in Amaranth's simulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmu_hw.program.integer_program import Program, Role
from lmu_hw.rtl.layers.layer_core import LayerCore
from lmu_hw.rtl.layers.layer_plan import layer_plan
from tests.rtl.bench import simulate


def inputs_of(program: Program, n_steps: int, seed: int) -> np.ndarray:
    """Return random words, with the ends of the formats among them."""
    rng = np.random.default_rng(seed)
    parts = []
    for v in program.with_role(Role.INPUT):
        words = rng.integers(v.fmt.min, v.fmt.max + 1, (n_steps, v.length))
        ends = rng.choice([v.fmt.min, v.fmt.max], words.shape)
        parts.append(np.where(rng.random(words.shape) < 0.2, ends, words))
    return np.concatenate(parts, axis=1)


class PlayedLayers:
    """What a pipeline made of input words, and when."""

    def __init__(self, program: Program, interval: int, *, stalls: float, n_steps: int = 16):
        self.plan = layer_plan(program, interval)
        self.core, self.stalls = LayerCore(self.plan), stalls
        self.inputs = inputs_of(program, n_steps, interval)
        self.expected = self.core.model(self.inputs)
        self.rng = np.random.default_rng(0)
        self.got: list[list[int]] = []
        self.taken: list[int] = []
        self.given: list[int] = []
        simulate(self.core, self.bench)

    async def bench(self, ctx: Any) -> None:
        core, plan, offered = self.core, self.plan, False
        limit = (len(self.inputs) + 2) * plan.cycles_per_step + plan.latency + 20
        for cycle in range(int(limit * (1 + 8 * self.stalls))):
            offered |= len(self.taken) < len(self.inputs) and self.rng.random() >= self.stalls
            ready = self.rng.random() >= self.stalls
            ctx.set(core.i.valid, int(offered))
            ctx.set(core.o.ready, int(ready))
            if offered:
                ctx.set(core.i.payload, self.payload(self.inputs[len(self.taken)]))
            if ready and ctx.get(core.o.valid):
                self.got.append(self.words(ctx.get(core.o.payload)))
                self.given.append(cycle)
            if offered and ctx.get(core.i.ready):
                self.taken.append(cycle)
                offered = False
            await ctx.tick()

    def payload(self, words: np.ndarray) -> int:
        width = self.core.in_shape.width
        mask = (1 << width) - 1
        return sum((int(word) & mask) << (width * k) for k, word in enumerate(words))

    def words(self, payload: int) -> list[int]:
        shape, found = self.core.out_shape, []
        for k in range(self.plan.n_out):
            word = payload >> (k * shape.width) & ((1 << shape.width) - 1)
            found.append(word - (word >> (shape.width - 1) << shape.width) * shape.signed)
        return found
