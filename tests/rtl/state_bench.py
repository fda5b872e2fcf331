"""Plays steps and state commands in Amaranth's simulator, with the expected results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from amaranth.hdl import ResetInserter, Signal

from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.engine import Engine
from lmu_hw.rtl.schedule import Schedule
from lmu_hw.rtl.state_port import StateCommand
from tests.factories.programs import random_inputs
from tests.rtl.bench import simulate

Words = tuple[list[int], list[int]]
"""Output words, and those of saved states."""


@dataclass
class Action:
    """Something that a user does next: a command, input words, or a reset after some cycles."""

    command: StateCommand | None = None
    words: list[int] = field(default_factory=list)
    due: list[bool] = field(default_factory=list)
    reset_after: int | None = None


class Script:
    """Actions of several streams that share a core, and what the interpreter makes of them."""

    def __init__(self, program: Program, n_streams: int = 1, seed: int = 0) -> None:
        self.program = program
        self.rng = np.random.default_rng(seed)
        self.streams = [Interpreter(program) for _ in range(n_streams)]
        self.core = Interpreter(program)
        self.actions: list[Action] = []
        self.outputs: list[int] = []
        self.saved: list[int] = []
        self.loaded: list[int] = []
        self.cut: list[Words] = []

    def steps(self, n_steps: int, stream: int | None = None) -> None:
        """Run steps; with ``stream``, its interpreter goes along and must agree."""
        inputs = random_inputs(self.program, self.rng, (n_steps,))
        if self.rng.random() < 0.3:
            inputs[:] = 0
        due = None
        if self.program.output_every == 0:
            due = self.rng.random(n_steps) < 0.4
        made = self.core.run(inputs[:, None, :], due=due)[:, 0]
        if stream is not None:
            own = self.streams[stream].run(inputs[:, None, :], due=due)[:, 0]
            np.testing.assert_array_equal(own, made)
        self.outputs += made.ravel().tolist()
        marks = [] if due is None else due.tolist()
        self.actions.append(Action(words=inputs.ravel().tolist(), due=marks))

    def save(self) -> None:
        self.saved += self.core.save()[0].tolist()
        self.actions.append(Action(command=StateCommand.SAVE))

    def load(self, words: np.ndarray, legal: np.ndarray | None = None) -> None:
        """Load words; ``legal`` are those that they become, where they are none."""
        self.core.load((words if legal is None else legal)[None])
        self.loaded += words.tolist()
        self.actions.append(Action(command=StateCommand.LOAD))

    def load_stream(self, stream: int) -> None:
        self.load(self.streams[stream].save()[0])

    def clear(self) -> None:
        self.core.reset()
        self.actions.append(Action(command=StateCommand.CLEAR))

    def nothing(self) -> None:
        self.actions.append(Action(command=StateCommand.NONE))

    def reset(self, cycles: int) -> None:
        """Reset some cycles after the last action was taken: some words may not come."""
        self.core.reset()
        self.cut.append((self.outputs, self.saved))
        self.outputs, self.saved = [], []
        self.actions.append(Action(reset_after=cycles))


@dataclass
class Ran:
    """What came out up to each reset and after it, and when words and commands were taken."""

    outputs: list[int] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)
    cut: list[Words] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    commands: list[int] = field(default_factory=list)


def run(plan: Schedule, script: Script, stalls: float = 0.0, seed: int = 0) -> Ran:
    """Play a script; every stream stalls with the given probability."""
    program = plan.program
    dut = Engine(program, plan)
    reset = Signal()
    rng = np.random.default_rng(seed)
    n_state = program.n_words(Role.STATE)
    ran = Ran()
    actions = list(script.actions)
    coming = list(script.loaded)
    steps = sum(len(a.words) // plan.n_in for a in actions)
    limit = plan.due.cycles * (steps + 2) + len(actions) * (4 * n_state + plan.rows + 40) + 500
    limit = int(limit * (1 + 20 * stalls))

    async def bench(ctx: Any) -> None:
        cycle = sent = since = idle = 0
        offered = asked = state_offered = False

        def stalled() -> bool:
            return bool(rng.random() < stalls)

        # nothing may follow
        quiet = plan.due.cycles + 20
        while actions or idle < quiet:
            action = actions[0] if actions else Action()
            # what is offered stays until it is taken
            offered = sent < len(action.words) and (offered or not stalled())
            asked = action.command is not None and (asked or not stalled())
            state_offered = bool(coming) and (state_offered or not stalled())
            ready, state_ready = not stalled(), not stalled()
            ctx.set(dut.i.valid, int(offered))
            ctx.set(dut.o.ready, int(ready))
            ctx.set(dut.state_command.valid, int(asked))
            ctx.set(dut.state_i.valid, int(state_offered))
            ctx.set(dut.state_o.ready, int(state_ready))
            if offered:
                ctx.set(dut.i.payload, action.words[sent])
                if action.due:
                    step, place = divmod(sent, plan.n_in)
                    ctx.set(dut.i_last, int(action.due[step] and place == plan.n_in - 1))
            if asked:
                ctx.set(dut.state_command.payload, action.command)
            if state_offered:
                ctx.set(dut.state_i.payload, coming[0])
            fires = offered and bool(ctx.get(dut.i.ready))
            asks = asked and bool(ctx.get(dut.state_command.ready))
            loads = state_offered and bool(ctx.get(dut.state_i.ready))
            resets = action.reset_after is not None and cycle - since >= action.reset_after
            left, state_left = ctx.get(dut.o.valid), ctx.get(dut.state_o.valid)
            if ready and left:
                ran.outputs.append(ctx.get(dut.o.payload))
                assert ctx.get(dut.o_last) == (len(ran.outputs) % plan.n_out == 0)
            if state_ready and state_left:
                ran.saved.append(ctx.get(dut.state_o.payload))
                assert ctx.get(dut.state_o_last) == (len(ran.saved) % n_state == 0)
            ctx.set(reset, int(resets))
            await ctx.tick()
            leaves = (ready and left) or (state_ready and state_left)
            idle = 0 if fires or asks or loads or leaves else idle + 1
            if fires:
                ran.words.append(cycle)
                sent, offered = sent + 1, False
            if asks:
                ran.commands.append(cycle)
                asked = False
            if loads:
                coming.pop(0)
                state_offered = False
            if asks or resets or (fires and sent == len(action.words)):
                actions.pop(0)
                sent, since = 0, cycle
            if resets:
                ctx.set(reset, 0)
                offered = asked = state_offered = False
                ran.cut.append((ran.outputs, ran.saved))
                ran.outputs, ran.saved = [], []
                # of the loads up to here nothing is left
                later = sum(a.command is StateCommand.LOAD for a in actions)
                coming[:] = script.loaded[len(script.loaded) - later * n_state :]
            cycle += 1
            assert cycle < limit, f"{len(actions)} actions left after {cycle} cycles"

    simulate(ResetInserter(reset)(dut), bench)
    return ran
