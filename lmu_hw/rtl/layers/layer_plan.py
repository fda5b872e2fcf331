"""Timing of a pipeline of feed-forward layers."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ScheduleError
from ...program.integer_program import Program, Role
from .held_words import HeldVector
from .layer_stages import LayerStage, SumStage
from .stage_planning import StagePlanner

MAX_INTERVAL = 64
"""Largest interval of a pipeline of layers [cycles]."""
ENTER = 1
"""Cycles from the transfer of the inputs to their registers."""
LEAVE = 4
"""Cycles from the registers of the last output words to the transfer: write, read, fetch, hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """Feed-forward layers that start a step every few cycles.

    Parameters
    ----------
    program : Program
        Without state; an output at every step.
    cycles_per_step : int
        Initiation interval: cycles from the transfer of a step's inputs to that of the next step.
    inputs : tuple of HeldVector
        The input vectors, in order.
    stages : tuple of LayerStage
        The operations, in order.
    outputs : tuple of HeldVector
        The output vectors, in order.
    """

    program: Program
    cycles_per_step: int
    inputs: tuple[HeldVector, ...]
    stages: tuple[LayerStage, ...]
    outputs: tuple[HeldVector, ...]

    @property
    def cycle_formula(self) -> str:
        """`cycles_per_step` as an expression, ``"... = cycles_per_step"``."""
        busiest = max(self._sum_stages, key=_work, default=None)
        n = self.cycles_per_step
        if busiest is None or _work(busiest) < n:
            return f"{n} = {n}"
        sums = max(busiest.sums, key=lambda entry: entry.cycles)
        rows = len(sums.words)
        if sums.cycles == n and n % rows == 0:
            return f"{rows} * {n // rows} = {n}"
        return f"{n} = {n}"

    @property
    def latency(self) -> int:
        """Cycles from the transfer of the inputs to that of the outputs of their step."""
        return max(vector.time for vector in self.outputs) + LEAVE

    @property
    def latency_formula(self) -> str:
        """`latency` as an expression: input, stages on the longest path, output."""
        made = {stage.target.name: stage for stage in self.stages}
        vector, parts = max(self.outputs, key=lambda v: v.time), [LEAVE]
        while vector.name in made:
            stage = made[vector.name]
            before = max((read[0] for read in stage.reads), key=lambda v: v.time)
            parts.append(vector.time - before.time)
            vector = before
        parts.append(ENTER)
        return f"{' + '.join(map(str, reversed(parts)))} = {self.latency}"

    @property
    def multipliers(self) -> int:
        """Multipliers of words and weights; those of the lanes are not among them."""
        return sum(entry.multipliers for stage in self._sum_stages for entry in stage.sums)

    @property
    def requantizers(self) -> int:
        """Lanes that scale, round and saturate sums."""
        return sum(len(stage.lanes) for stage in self._sum_stages)

    @property
    def adders(self) -> int:
        """Adders of the matrices that are graphs of adders."""
        return sum(entry.adders for stage in self._sum_stages for entry in stage.sums)

    @property
    def n_in(self) -> int:
        """Input words of a step."""
        return self.program.n_words(Role.INPUT)

    @property
    def n_out(self) -> int:
        """Output words of a step."""
        return self.program.n_words(Role.OUTPUT)

    @property
    def fifo_depth(self) -> int:
        """Steps that the output FIFO holds, a power of two: all that are in the pipeline."""
        return 1 << (self.latency // self.cycles_per_step + 1).bit_length()

    @property
    def _sum_stages(self) -> list[SumStage]:
        return [stage for stage in self.stages if isinstance(stage, SumStage)]


def layer_plan(program: Program, interval: int, *, graphs: bool = False) -> LayerPlan:
    """Return the plan of a pipeline of layers.

    Parameters
    ----------
    program : Program
        Operations without state: linear, pointwise, scale, argmax.
    interval : int
        Most cycles between two steps, 1 to `MAX_INTERVAL`. The plan has fewer if fewer take no more
        multipliers.
    graphs : bool
        Matrices are graphs of adders whatever the interval is.

    Raises
    ------
    ScheduleError
        If the interval is out of range, or the hardware cannot run the program.
    """
    if not 1 <= interval <= MAX_INTERVAL:
        raise ScheduleError(f"interval must be 1 to {MAX_INTERVAL} cycles, not {interval}")
    if program.with_role(Role.STATE) or program.output_every != 1:
        raise ScheduleError(
            "a pipeline of layers must have no state and an output at every step; "
            "use --parallel shared"
        )
    while True:
        planner = StagePlanner(program, interval, graphs=graphs)
        used = max((_work(s) for s in planner.stages if isinstance(s, SumStage)), default=1)
        if used >= interval:
            break
        interval = used
    return LayerPlan(
        program=program,
        cycles_per_step=interval,
        inputs=planner.inputs,
        stages=tuple(planner.stages),
        outputs=tuple(planner.now[v.name] for v in program.with_role(Role.OUTPUT)),
    )


def _work(stage: SumStage) -> int:
    """Return the cycles that the busiest part of a stage needs for a step."""
    lanes = max(len(lane.turns.turns) for lane in stage.lanes)
    return max(lanes, *(entry.cycles for entry in stage.sums))
