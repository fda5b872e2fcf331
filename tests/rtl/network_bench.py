"""Plays feed-forward networks of a ring or full memory in Amaranth's simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import ResetInserter, Signal

from lmu_hw.rtl.networks.network_core import NetworkCore
from tests.rtl.bench import simulate


class PlayedNetwork:
    """What a network made of input words, and when.

    ``due`` says which steps have an output; only a program on demand is told.
    """

    def __init__(
        self,
        core: NetworkCore,
        u: np.ndarray,
        due: np.ndarray,
        stalls: float = 0.0,
        reset_at: int = -1,
    ) -> None:
        self.core, self.u, self.due, self.stalls, self.reset_at = core, u, due, stalls, reset_at
        self.rng = np.random.default_rng(0)
        self.got: list[list[int]] = []
        self.words: list[int] = []
        self.taken: list[int] = []
        self.given: list[int] = []
        self.reset = Signal()
        simulate(ResetInserter(self.reset)(core), self.bench)

    async def bench(self, ctx: Any) -> None:
        core, offered = self.core, False
        n_out, payload = core.plan.n_out, 0
        idle = 0
        patience = int((core.plan.cycles_per_output + core.latency + 400) * (1 + 20 * self.stalls))
        cycle = -1
        while idle < patience:
            cycle += 1
            offered |= len(self.taken) < len(self.u) and self.rng.random() >= self.stalls
            ready = self.rng.random() >= self.stalls
            step = len(self.taken)
            ctx.set(core.i.valid, int(offered))
            ctx.set(core.o.ready, int(ready))
            if offered:
                payload = int(self.u[step, 0])
            ctx.set(core.i.payload, payload)
            if "i_last" in core.signature.members:
                ctx.set(core.i_last, int(self.due[step]) if offered else int(cycle % 2))
            idle += 1
            if ready and ctx.get(core.o.valid):
                idle = 0
                self.words.append(self.word(ctx))
                is_last = len(self.words) == n_out
                assert ctx.get(core.o_last) == is_last
                if is_last:
                    self.got.append(self.words)
                    self.words = []
                    self.given.append(cycle)
            if offered and ctx.get(core.i.ready):
                idle = 0
                self.taken.append(cycle)
                offered = False
            ctx.set(self.reset, int(cycle == self.reset_at))
            await ctx.tick()
            if cycle == self.reset_at:
                for found in (self.got, self.words, self.taken, self.given):
                    found.clear()
                offered = False

    def word(self, ctx: Any) -> int:
        """Return the output word."""
        return int(ctx.get(self.core.o.payload))

    def check_times(self) -> None:
        """Assert the published cycles, without stalls."""
        plan, last = self.core.plan, -1
        taken = self.taken
        for step in range(1, len(taken)):
            if self.due[step - 1]:
                last = taken[step - 1]
            wanted = taken[step - 1] + plan.quiet_cycles
            if self.due[step] and last >= 0:
                wanted = max(wanted, last + plan.cycles_per_output)
            assert taken[step] == wanted, step
        due = np.flatnonzero(self.due)
        late = np.subtract(self.given, np.array(taken)[due]).tolist()
        assert set(late) <= {plan.latency}, (late, plan.latency)
