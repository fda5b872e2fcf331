"""Timing and ports of a design with a multiplier for each coefficient."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ScheduleError
from ...program.integer_program import Program
from ..parallel_style import Parallel
from .adaptor_shape import AdaptorShape, without_low_zeros
from .cascade_plan import CHAIN, ENTER, INNER, LEAVE, OUTER, CascadePlan, limited_words


@dataclass(frozen=True, slots=True, kw_only=True)
class FullPlan(CascadePlan):
    """A memory in cascade form with a multiplier for each coefficient.

    Its parameters are those of `CascadePlan`; ``interleave``, S, is at most L for each adaptor of a
    section.
    """

    @property
    def style(self) -> Parallel:
        """The style of the design."""
        return Parallel.FULL

    @property
    def loop(self) -> int:
        """Cycles from the start of a step in a section to the next one of the same signal."""
        return self.pipeline * max(map(len, self.op.sections))

    @property
    def cycles_per_step(self) -> int:
        """Initiation interval: cycles from the start of a step to the next one of any signal."""
        return -(-self.loop // self.interleave)

    @property
    def cycle_formula(self) -> str:
        """`cycles_per_step` as an expression."""
        depth = max(map(len, self.op.sections))
        return f"ceil({depth} * {self.pipeline} / {self.interleave}) = {self.cycles_per_step}"

    @property
    def multipliers(self) -> int:
        """Adaptors of the design, each with a multiplier."""
        return sum(map(len, self.op.sections))

    @property
    def ends(self) -> tuple[int, ...]:
        """Cycles from the start of a step in the first section to the states of each section."""
        return tuple(self.pipeline * (k + len(s)) for k, s in enumerate(self.op.sections))

    @property
    def latency_formula(self) -> str:
        """`latency` as an expression."""
        adaptors = self.finish // self.pipeline
        return f"{ENTER} + {adaptors} * {self.pipeline} + {LEAVE + self.rows} = {self.latency}"

    @property
    def clear_cycles(self) -> int:
        """Cycles after a reset in which no word is accepted."""
        return self.interleave if self.interleave > 1 else 0

    def adaptors(self, section: int) -> list[AdaptorShape]:
        """Return the adaptors of a section: the outer and the inner one, or the real one."""
        op = self.op
        coefficients = op.sections[section]
        ports = {
            CHAIN: (op.chain_fmt, CHAIN in self.limited),
            INNER: (self.inner_fmt, op.z_inner in self.limited),
            OUTER: (self.outer_fmt, op.z_outer in self.limited),
        }
        pairs = [(CHAIN, OUTER), (INNER, OUTER)] if len(coefficients) == 2 else [(INNER, CHAIN)]
        return [
            AdaptorShape(
                e=without_low_zeros(e),
                a_fmt=ports[a][0],
                b_fmt=ports[b][0],
                limit_a=ports[a][1],
                limit_b=ports[b][1],
                pipeline=self.pipeline,
            )
            for e, (a, b) in zip(coefficients, pairs, strict=True)
        ]


def full_plan(
    program: Program,
    *,
    pipeline: int,
    interleave: int,
    state_port: bool,
    proven: frozenset[str] = frozenset(),
) -> FullPlan:
    """Return the plan of a design with a multiplier for each coefficient.

    Parameters
    ----------
    program : Program
    pipeline, interleave : int
        As in `FullPlan`.
    state_port : bool
    proven : frozenset of str
        As in `limited_words`.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program, or not as many signals.
    """
    plan = FullPlan(
        program=program,
        pipeline=pipeline,
        interleave=interleave,
        state_port=state_port,
        limited=limited_words(program, proven=proven, state_port=state_port, style=Parallel.FULL),
    )
    if interleave > plan.loop:
        raise ScheduleError(
            f"interleave must be at most {plan.loop}, the registers of a section with pipeline "
            f"{pipeline}, not {interleave}"
        )
    return plan
