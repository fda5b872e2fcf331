"""Timing and ports of a feed-forward network whose layers work beside its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...errors import ScheduleError
from ...program.integer_program import Program, Role
from ..layer_style import Layers
from ..layers.layer_plan import LayerPlan, layer_plan
from ..parallel.cascade_plan import CascadePlan, Delivery
from ..parallel_style import Parallel
from ..schedule import Schedule, schedule
from .network_split import NetworkSplit, split_network


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """A feed-forward network: a memory whose sections overlap, and layers that read it.

    A step whose output is due passes its states to the layers when the memory has finished it.
    Meanwhile the memory makes further steps.

    Parameters
    ----------
    program : Program
    split : NetworkSplit
        The same program as memory and layers.
    memory : CascadePlan
        Plan of the memory.
    layers : Schedule or LayerPlan
        Plan of the layers: of lanes, which take a word at a time, or of a pipeline, which takes all
        words of a step at once.
    layer_style : Layers
        How the layers work.
    """

    program: Program
    split: NetworkSplit
    memory: CascadePlan
    layers: Schedule | LayerPlan
    layer_style: Layers

    @property
    def style(self) -> Parallel:
        """The style of the memory."""
        return self.memory.style

    @property
    def read_cycles(self) -> int:
        """Cycles in which the states of a step, and its input word, go to lanes; else 0."""
        if isinstance(self.layers, LayerPlan):
            return 0
        return self.memory.serial_cycles + self.split.passes_input

    @property
    def head(self) -> int:
        """Cycles of the layers for an output, those of its input words included."""
        if isinstance(self.layers, LayerPlan):
            return self.layers.cycles_per_step
        return self.read_cycles + self.layers.cycles_per_step - self.layers.n_in

    @property
    def quiet_cycles(self) -> int:
        """Cycles from a step to the next one if the output of that is not due."""
        return self.memory.cycles_per_step

    @property
    def cycles_per_output(self) -> int:
        """Least cycles from a step whose output is due to the next such step.

        A ring takes input words in one cycle of a turn.
        """
        interval = self.quiet_cycles
        if self.style is Parallel.RING:
            return -(-self.head // interval) * interval
        return max(self.head, interval)

    @property
    def cycles_per_step(self) -> int:
        """Initiation interval: cycles from the start of a step to the next one.

        If outputs are rare: while they are at least `cycles_per_output` cycles apart.
        """
        return self.cycles_per_output if self.program.output_every == 1 else self.quiet_cycles

    @property
    def cycles_per_quiet_step(self) -> int:
        """The same."""
        return self.cycles_per_step

    @property
    def cycle_formula(self) -> str:
        """`cycles_per_step` as an expression."""
        if self.cycles_per_step == self.quiet_cycles:
            return self.memory.cycle_formula
        return self.output_formula

    @property
    def output_formula(self) -> str:
        """`cycles_per_output` as an expression."""
        if isinstance(self.layers, LayerPlan):
            return self.memory.cycle_formula
        interval = self.quiet_cycles
        head = f"{self.read_cycles} + {self.head - self.read_cycles}"
        if self.style is Parallel.RING:
            return f"ceil(({head}) / {interval}) * {interval} = {self.cycles_per_output}"
        return f"max({interval}, {head}) = {self.cycles_per_output}"

    @property
    def latency_parts(self) -> tuple[tuple[str, int], ...]:
        """What the latency consists of, with its cycles."""
        if isinstance(self.layers, LayerPlan):
            return (("memory", self.memory.latency), ("layers", self.layers.latency))
        return (
            ("memory, to its first word", self.memory.first_word),
            ("further words to the lanes", self.read_cycles - 1),
            ("layers, after the last of these words", self.layers.latency),
        )

    @property
    def latency(self) -> int:
        """Cycles from the transfer of an input word to that of the last word of its output."""
        return sum(cycles for _, cycles in self.latency_parts)

    @property
    def latency_formula(self) -> str:
        """`latency` as an expression, with the terms of `latency_parts`."""
        terms = " + ".join(str(cycles) for _, cycles in self.latency_parts)
        return f"{terms} = {self.latency}"

    @property
    def input_depth(self) -> int:
        """Input words that wait for the states of their step: those of two full buffers."""
        return 2 * self.memory.fifo_depth

    @property
    def multipliers(self) -> int:
        """Adaptors of the memory, each with a multiplier."""
        return self.memory.multipliers

    @property
    def lanes(self) -> int:
        """Lanes of the layers; a pipeline has none, which reports count as 1."""
        return 1 if isinstance(self.layers, LayerPlan) else self.layers.lanes

    @property
    def interleave(self) -> int:
        """Signals that take turns."""
        return self.memory.interleave

    @property
    def state_port(self) -> bool:
        """Whether the design has a state port."""
        return self.memory.state_port

    @property
    def n_in(self) -> int:
        """Input words of a step."""
        return self.program.n_words(Role.INPUT)

    @property
    def n_out(self) -> int:
        """Output words of a step."""
        return self.program.n_words(Role.OUTPUT)

    @property
    def words_per_transfer(self) -> int:
        """Output words in a transfer: all of a step, or with lanes one."""
        return self.n_out if isinstance(self.layers, LayerPlan) else 1


def network_plan(
    program: Program,
    style: Parallel,
    memory_plan: Callable[[Program, frozenset[str]], CascadePlan],
    *,
    lanes: int,
    layers: Layers | None = None,
    proven: frozenset[str] = frozenset(),
) -> NetworkPlan:
    """Return the plan of a feed-forward network.

    Parameters
    ----------
    program : Program
    style : Parallel
        Of the memory.
    memory_plan : callable
        Returns the plan of the memory, given its program and the signals that are proven.
    lanes : int
        Of the layers, if they have some.
    layers : Layers, optional
        How the layers work. Default: lanes if there are several, or if outputs are not due at every
        step; else a pipeline.
    proven : frozenset of str
        As in `~lmu_hw.rtl.parallel.cascade_plan.limited_words`.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    split = split_network(program, style)
    rare = program.output_every != 1
    layers = layers or (Layers.LANES if lanes > 1 or rare else Layers.PIPELINED)
    memory = memory_plan(split.memory, proven | split.raw)
    _check(program, memory, layers)
    common = {"program": program, "split": split, "layer_style": layers}
    if layers is not Layers.LANES:
        graphs = layers is Layers.ADDERS
        pipeline = layer_plan(split.layers, memory.cycles_per_step, graphs=graphs)
        return NetworkPlan(**common, memory=memory, layers=pipeline)
    # the cycles of an output do not depend on how many of them are buffered
    delivery = Delivery(gated=rare, shown=split.shown, spacing=1)
    plan = NetworkPlan(
        **common,
        memory=replace(memory, delivery=delivery),
        layers=schedule(split.layers, lanes),
    )
    delivery = replace(delivery, spacing=plan.cycles_per_output)
    return replace(plan, memory=replace(memory, delivery=delivery))


def _check(program: Program, memory: CascadePlan, layers: Layers) -> None:
    """Raise `ScheduleError` if options do not fit."""
    if layers is not Layers.LANES and program.output_every != 1:
        raise ScheduleError(
            f"layers must be lanes where an output is not due at every step, not {layers.value}"
        )
    if layers is Layers.LANES and memory.interleave > 1:
        raise ScheduleError(
            "interleave must be 1 with layers in lanes, which serve one signal, "
            f"not {memory.interleave}"
        )
    if memory.state_port and program.clock:
        raise ScheduleError(
            f"state_port must be left out with parallel {memory.style.value} for outputs at every "
            f"{program.output_every} steps, or outputs be on demand"
        )
