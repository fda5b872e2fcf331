"""Random sequences of run, reset, save and load, and how any backend plays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from hypothesis import strategies as st

from lmu_hw.program.integer_program import Program
from lmu_hw.program.interpreter import Interpreter
from tests.factories.programs import random_inputs, random_state, random_steps

LONGEST = 11
"""Steps of one call: past the zero-input windows of most programs."""
ACTIONS = 12


class Saved(NamedTuple):
    """A saved state: its words, and for `Histories` how it came about."""

    words: tuple[int, ...]
    history: Any = None


class Instances(Protocol):
    """Independent instances of a program, by number, in one backend."""

    def run(self, instance: int, inputs: np.ndarray, due: np.ndarray | None) -> None:
        """Run steps in one call, inputs of shape (n_steps, n_in)."""

    def reset(self, instance: int) -> None:
        """Forget everything."""

    def save(self, instance: int) -> Saved:
        """Return the state."""

    def load(self, instance: int, saved: Saved) -> None:
        """Go on from a state."""

    def finish(self) -> list[list[int]]:
        """Return the output words of each instance."""


@dataclass(frozen=True)
class Run:
    """Steps in one call: noise, zero input or a rail; some have an output, if that is optional."""

    instance: int
    n_steps: int
    kind: str
    seed: int


@dataclass(frozen=True)
class Reset:
    """Forget everything."""

    instance: int


@dataclass(frozen=True)
class Save:
    """Keep the state."""

    instance: int


@dataclass(frozen=True)
class Load:
    """Go on from a state that was kept, of this instance or of another."""

    instance: int
    slot: int


@dataclass(frozen=True)
class Give:
    """Go on from words that no run has made: any within their formats."""

    instance: int
    seed: int


Action = Run | Reset | Save | Load | Give


def scripts(n_instances: int) -> st.SearchStrategy[list[Action]]:
    """Return scripts of some actions in any order, of instances in any order."""
    instance, seed = st.integers(0, n_instances - 1), st.integers(0, 99)
    runs = st.builds(
        Run,
        instance,
        st.integers(0, LONGEST),
        st.sampled_from(["noise", "silence", "rail"]),
        seed,
    )
    others = st.one_of(
        st.builds(Save, instance),
        st.builds(Load, instance, st.integers(0, 3)),
        st.builds(Reset, instance),
        st.builds(Give, instance, seed),
    )
    return st.lists(runs | others, min_size=1, max_size=ACTIONS)


def play(
    program: Program, script: Sequence[Action], made: Instances
) -> tuple[list[tuple[int, ...]], list[list[int]]]:
    """Return the words of all saved states, and the output words of each instance."""
    slots: list[Saved] = []
    for action in script:
        k = action.instance
        if isinstance(action, Run):
            made.run(k, *steps(program, action))
        elif isinstance(action, Reset):
            made.reset(k)
        elif isinstance(action, Save):
            slots.append(made.save(k))
        elif isinstance(action, Give):
            rng = np.random.default_rng(action.seed)
            words = random_state(program, rng, 1)[0].tolist()
            made.load(k, Saved(tuple(words)))
        elif slots:
            made.load(k, slots[action.slot % len(slots)])
    # whatever was forgotten shows in the state, if not in an output
    ends = [made.save(k) for k in sorted({action.instance for action in script})]
    return [saved.words for saved in slots + ends], made.finish()


def steps(program: Program, action: Run) -> tuple[np.ndarray, np.ndarray | None]:
    """Return input words, shape (n_steps, n_in), and which steps have an output, if open."""
    rng = np.random.default_rng(action.seed)
    inputs = random_inputs(program, rng, (action.n_steps,))
    if action.kind == "silence":
        inputs[:] = 0
    elif action.kind == "rail":
        inputs[:] = random_inputs(program, rng, (1,))
    return inputs, random_steps(program, rng, action.n_steps)


class Histories:
    """What the contract says: a state is what the steps since a reset have made of nothing.

    Steps run one by one; what is saved is the steps themselves, and a load plays them again.
    """

    def __init__(self, program: Program, n_instances: int) -> None:
        self._program = program
        self._outputs: list[list[int]] = [[] for _ in range(n_instances)]
        self._pasts: list[tuple[Any, ...]] = [()] * n_instances
        self._made = [Interpreter(program) for _ in range(n_instances)]

    def run(self, instance: int, inputs: np.ndarray, due: np.ndarray | None) -> None:
        for t, row in enumerate(inputs):
            asked = None if due is None else due[t : t + 1]
            step = (row[None, None], asked)
            self._outputs[instance] += self._step(instance, step)
            self._pasts[instance] += (step,)

    def reset(self, instance: int) -> None:
        self._begin(instance, ())

    def save(self, instance: int) -> Saved:
        words = self._made[instance].save()[0].tolist()
        return Saved(tuple(words), self._pasts[instance])

    def load(self, instance: int, saved: Saved) -> None:
        self._begin(instance, (saved.words,) if saved.history is None else saved.history)

    def finish(self) -> list[list[int]]:
        return self._outputs

    def _begin(self, instance: int, past: tuple[Any, ...]) -> None:
        self._made[instance] = Interpreter(self._program)
        self._pasts[instance] = past
        for event in past:
            if isinstance(event[0], np.ndarray):
                self._step(instance, event)
            else:
                self._made[instance].load(np.array([event]))

    def _step(self, instance: int, step: tuple[Any, ...]) -> list[int]:
        row, asked = step
        words: list[int] = self._made[instance].run(row, due=asked).ravel().tolist()
        return words


class Interpreters:
    """The interpreter as it is used: many steps in a call, states that are words."""

    def __init__(self, program: Program, n_instances: int) -> None:
        self._outputs: list[list[int]] = [[] for _ in range(n_instances)]
        self._made = [Interpreter(program) for _ in range(n_instances)]

    def run(self, instance: int, inputs: np.ndarray, due: np.ndarray | None) -> None:
        outputs = self._made[instance].run(inputs[:, None], due=due)
        self._outputs[instance] += outputs.ravel().tolist()

    def reset(self, instance: int) -> None:
        self._made[instance].reset()

    def save(self, instance: int) -> Saved:
        return Saved(tuple(self._made[instance].save()[0].tolist()))

    def load(self, instance: int, saved: Saved) -> None:
        self._made[instance].load(np.array([saved.words]))

    def finish(self) -> list[list[int]]:
        return self._outputs
