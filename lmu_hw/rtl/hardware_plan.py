"""The plan of a design's hardware in each style, and its Verilog."""

from __future__ import annotations

from functools import partial

from ..errors import ScheduleError
from ..program.integer_program import Program
from .emit import emit as emit_shared
from .networks.emit_network import emit_network
from .networks.network_plan import NetworkPlan, network_plan
from .options import Hardware
from .parallel.cascade_plan import CascadePlan, why_not_parallel
from .parallel.emit_parallel import emit_parallel
from .parallel.full_plan import full_plan
from .parallel.ring_plan import ring_plan
from .parallel_style import Parallel
from .schedule import Schedule, schedule
from .streams import Streams

HardwarePlan = Schedule | CascadePlan | NetworkPlan
"""What is known of a design before it is built: cycles, latency and ports."""


def hardware_plan(
    program: Program, hardware: Hardware, proven: frozenset[str] = frozenset()
) -> HardwarePlan:
    """Return the plan of a program's hardware.

    Parameters
    ----------
    program : Program
    hardware : Hardware
    proven : frozenset of str
        Signals of the certificate that cannot leave their formats; see
        `~lmu_hw.rtl.parallel.cascade_plan.limited_words`. No cycle depends on them.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    style = hardware.parallel
    if style is Parallel.SHARED:
        return schedule(program, hardware.lanes, state_port=hardware.state_port)
    if why_not_parallel(program, style) is None:
        if hardware.lanes > 1:
            raise ScheduleError(
                f"lanes must be 1 with parallel {style.value} for a memory, which has none, "
                f"not {hardware.lanes}"
            )
        if hardware.layers is not None:
            raise ScheduleError("layers must be left out for a memory, which has none")
        return _memory_plan(program, proven, hardware=hardware)
    memory_plan = partial(_memory_plan, hardware=hardware)
    return network_plan(
        program,
        style,
        memory_plan,
        lanes=hardware.lanes,
        layers=hardware.layers,
        proven=proven,
    )


def cycles_between_inputs(plan: HardwarePlan) -> float:
    """Return the least cycles from a step to the next one when steps are equally spaced.

    They are `cycles_per_step` of the plan, unless the layers of a network need longer for an output
    than its memory for all steps from one output to the next. Where the caller decides which steps
    have an output, these are taken to be rare.
    """
    every = plan.program.output_every
    return max(plan.cycles_per_step, plan.cycles_per_output / every if every else 0)


def _memory_plan(program: Program, proven: frozenset[str], *, hardware: Hardware) -> CascadePlan:
    """Return the plan of a memory whose sections work on several steps at a time."""
    assert hardware.pipeline is not None
    if hardware.parallel is Parallel.RING:
        assert hardware.sections_per_multiplier is not None
        return ring_plan(
            program,
            sections_per_multiplier=hardware.sections_per_multiplier,
            pipeline=hardware.pipeline,
            state_port=hardware.state_port,
            proven=proven,
        )
    return full_plan(
        program,
        pipeline=hardware.pipeline,
        interleave=hardware.interleave,
        state_port=hardware.state_port,
        proven=proven,
    )


def emit(
    program: Program, plan: HardwarePlan, version: str = "", streams: Streams = Streams.PLAIN
) -> dict[str, str]:
    """Return the files of the ``rtl/`` directory, name to text; see `lmu_hw.rtl.emit.emit`."""
    if isinstance(plan, CascadePlan):
        return emit_parallel(plan, version)
    if isinstance(plan, NetworkPlan):
        return emit_network(plan, version)
    return emit_shared(program, plan, version, streams)
