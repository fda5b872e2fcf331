"""Proofs that whole steps of the parallel styles give the words that the program defines.

The definition is `lmu_hw.program.memory_step.chain` itself, with Amaranth's values in its arrays.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
from amaranth.hdl import Array, Assume, Cat, Module, Mux, ResetSignal, Signal, Value, signed

from lmu_hw.program import memory_step
from lmu_hw.program.fixedpoint import QFormat, Rounding, round_shift
from lmu_hw.program.integer_program import Role
from tests.formal.adapting import rounded
from tests.formal.prover import Design, Harness
from tests.formal.requantizing import saturate


class WholeSteps(Harness):
    """The first steps after a reset have the words of the definition.

    The source and the sink never wait; that a step which has begun hears nothing of either is what
    the proofs of its cycles and of the output say.
    """

    def __init__(self, design: Design, *, steps: int) -> None:
        super().__init__(design)
        self.plan, self.steps = design.plan, steps

    def check(self, m: Module) -> None:
        taken, given = (Signal(range(self.steps + 1), name=n) for n in ("taken", "given"))
        m.d.comb += [
            Assume(~self.started | ~ResetSignal()),
            Assume(self["i_valid"] == (taken != self.steps)),
            Assume(self["o_ready"]),
        ]
        take = Signal()
        m.d.comb += take.eq(self["i_valid"] & self["i_ready"])
        m.d.sync += [
            taken.eq(taken + take),
            given.eq(given + (self["o_valid"] & (given != self.steps))),
        ]
        step = self._step(m, self["i_data"], take, taken)
        expected = [Signal(len(step), name=f"expected_{k}") for k in range(self.steps)]
        for number, words in enumerate(expected):
            with m.If(take & (taken == number)):
                m.d.sync += words.eq(step)
        now = self["o_valid"] & (given != self.steps)
        self.claim(m, self["o_data"] == Array(expected)[given], when=now)

    def _step(self, m: Module, u: Value, take: Value, number: Value) -> Value:
        """Return the output of a step by the definition, and keep its state."""
        plan, op, signals = self.plan, self.plan.op, self.plan.interleave
        own = number % signals
        words: dict[str, Any] = {op.source: _array([u])}
        kept: dict[str, list[list[Signal]]] = {}
        for v in plan.program.with_role(Role.STATE):
            kept[v.name] = [
                [Signal(signed(v.fmt.width + 1), name=f"{v.name}_{s}_{k}") for k in range(v.length)]
                for s in range(signals)
            ]
            columns = zip(*kept[v.name], strict=True)
            words[v.name] = _array([Array(column)[own] for column in columns])
        count = words[op.silence][0, 0]
        counted = Mux(u == 0, Mux(count == op.window, count, count + 1), 0)
        silent = Signal()
        m.d.comb += silent.eq(counted == op.window)
        new = self._sections(m, words, silent)
        new[op.silence] = [counted]
        for name, columns in kept.items():
            for number_of, signals_ in enumerate(columns):
                with m.If(take & (own == number_of)):
                    m.d.sync += [s.eq(w) for s, w in zip(signals_, new[name], strict=True)]
        return self._output(new)

    def _sections(self, m: Module, words: dict[str, Any], silent: Value) -> dict[str, list[Value]]:
        """Return the new states by the definition."""
        plan, op = self.plan, self.plan.op

        def named(value: Value) -> Any:
            # an expression that is used many times is one signal
            found = Signal(signed(24), name="word")
            m.d.comb += found.eq(value)
            return _array([found])

        def round_and_saturate(base: Any, x: Any, shift: int, toward_zero: Value, fmt: QFormat):
            total = rounded(base[0, 0], x[0, 0], shift, toward_zero, fmt)
            return named(saturate(total, fmt))

        def requantize(x: Any, source: QFormat, target: QFormat, _mode: Rounding) -> Any:
            return named(requantized(x[0, 0], source, target))

        with (
            mock.patch.object(memory_step, "round_and_saturate", round_and_saturate),
            mock.patch.object(memory_step, "requantize", requantize),
        ):
            sections = list(memory_step.chain(plan.program, op, words, silent))
        found = {op.z_inner: [s.inner[0, 0] for s in sections]}
        if op.n_pairs:
            found[op.z_outer] = [s.outer[0, 0] for s in sections if s.outer is not None]
        return found

    def _output(self, states: dict[str, list[Value]]) -> Value:
        """Return the output words, each as wide as the widest."""
        plan = self.plan
        outputs = plan.program.with_role(Role.OUTPUT)
        width = max(v.fmt.width for v in outputs)
        shown = {plan.output_of(name).name: name for name in plan.op.states}
        found = []
        for v in outputs:
            source = plan.program.vector(shown[v.name]).fmt
            words = [requantized(state, source, v.fmt) for state in states[shown[v.name]]]
            # bits above a word are its sign
            found += [Cat(word, word[-1].replicate(width))[:width] for word in words]
        return Cat(found)


def requantized(x: Value, source: QFormat, target: QFormat) -> Value:
    """Return a word in another format: rounded to nearest, then saturated."""
    drop = source.frac_bits - target.frac_bits
    exact = round_shift(x, drop, Rounding.RND) if drop > 0 else x << -drop
    return saturate(exact, target)


def _array(values: list[Value]) -> Any:
    """Return values as words of one stream; NumPy would take each for an array of bits."""
    found = np.empty((1, len(values)), dtype=object)
    for k, value in enumerate(values):
        found[0, k] = value
    return found
