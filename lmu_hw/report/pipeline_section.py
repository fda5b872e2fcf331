"""Section of a report: a step in a design whose sections work on several steps at a time."""

from __future__ import annotations

from typing import Any

from ..rtl.networks.network_plan import NetworkPlan
from ..rtl.parallel.cascade_plan import ENTER, CascadePlan
from ..rtl.parallel.full_plan import FullPlan
from ..rtl.parallel.ring_plan import RingPlan
from ..rtl.parallel.ring_schedule import SlotKind
from ..rtl.schedule import Schedule
from .section import DataTable, Paragraph, Section


def pipeline_section(plan: CascadePlan) -> Section:
    """Return the section with the times of a step in each section of the cascade."""
    if isinstance(plan, RingPlan):
        data: dict[str, Any] = {"sections_per_multiplier": plan.sections_per_multiplier}
        return _section(plan, _turns(plan), _ring_formula(plan), data)
    assert isinstance(plan, FullPlan)
    return _section(plan, _adaptors(plan), _formula(plan), {"interleave": plan.interleave})


def network_pipeline_section(plan: NetworkPlan) -> Section:
    """Return the section with the times of a step in the memory, and in the layers behind it."""
    memory = pipeline_section(plan.memory)
    (table, *_) = memory.blocks
    rare = plan.program.output_every != 1
    apart = (
        f" Steps whose output is due start {plan.cycles_per_output:,} cycles apart or more."
        if rare
        else ""
    )
    return Section(
        key="schedule",
        title="A step, in the memory and in the layers",
        lead=f"A step starts every {plan.cycles_per_step:,} clock cycles; its output leaves "
        f"{plan.latency:,} cycles after its input word. Meanwhile the memory makes further steps, "
        f"and the layers work on earlier ones.{apart}",
        blocks=(_parts(plan), table, _network_formula(plan)),
        data={
            **memory.data,
            "cycles_per_step": plan.cycles_per_step,
            "cycles_per_output": plan.cycles_per_output,
            "latency": plan.latency,
            "formula": plan.cycle_formula,
            "latency_formula": plan.latency_formula,
            "layers": plan.layer_style.value,
            "lanes": plan.lanes,
        },
    )


def _parts(plan: NetworkPlan) -> DataTable:
    """Return the cycles of memory and layers."""
    rows, start = [], 0
    for name, cycles in plan.latency_parts:
        rows.append((name, f"{start:,}", f"{start + cycles:,}"))
        start += cycles
    return DataTable(
        caption="The way of a step, whose input word is taken in cycle 0",
        head=("part", "from cycle", "to cycle"),
        rows=tuple(rows),
    )


def _network_formula(plan: NetworkPlan) -> Paragraph:
    """Return how the figures follow."""
    layers = plan.layers
    if isinstance(layers, Schedule):
        lanes = f"{layers.lanes} lane{'s' * (layers.lanes > 1)}"
        text = (
            f"The memory starts a step every `{plan.memory.cycle_formula}` cycles. {lanes} take "
            f"the states of a step one by one and are ready for those of another one after "
            f"{plan.head:,} cycles, so outputs are at least `{plan.output_formula}` cycles apart. "
        )
    else:
        text = (
            f"The memory starts a step every `{plan.memory.cycle_formula}` cycles, the pipeline "
            f"of the layers every `{layers.cycle_formula}` or later. "
        )
    return Paragraph(
        text=f"{text}The latency is `{plan.latency_formula}`. All are exact while the source is "
        "always valid and the sink always ready."
    )


def _section(
    plan: CascadePlan, table: DataTable, formula: Paragraph, data: dict[str, Any]
) -> Section:
    signals = "one signal" if plan.interleave == 1 else f"{plan.interleave} signals in turn"
    return Section(
        key="schedule",
        title="A step, section by section",
        lead=f"A step starts every {plan.cycles_per_step:,} clock cycles, of {signals}; its output "
        f"leaves {plan.latency:,} cycles after its input word. Meanwhile the sections work on "
        "other steps.",
        blocks=(table, formula),
        data={
            "cycles_per_step": plan.cycles_per_step,
            "latency": plan.latency,
            "formula": plan.cycle_formula,
            "latency_formula": plan.latency_formula,
            "pipeline": plan.pipeline,
            **data,
        },
    )


def _turns(plan: RingPlan) -> DataTable:
    """Return the multiplier and the slots of each adaptor."""
    names = {SlotKind.OUTER: "outer", SlotKind.INNER: "inner", SlotKind.REAL: "real"}
    found = {}
    for unit, slots in enumerate(plan.schedule.slots):
        for place, slot in enumerate(slots):
            if slot.kind is not SlotKind.IDLE:
                late = plan.schedule.half if slot.kind is SlotKind.INNER else 0
                first = ENTER + plan.schedule.start(slot.section) + late
                last = first + plan.pipeline - 1
                name = f"{slot.section}, {names[slot.kind]}"
                found[first, slot.section] = (
                    name,
                    f"{unit}",
                    f"{place}",
                    f"{first:,}",
                    f"{last:,}",
                )
    return DataTable(
        caption="Adaptors, with the cycles in which a step is in them; its input word is taken in "
        "cycle 0",
        head=("section, adaptor", "multiplier", "slot of its turn", "first cycle", "last cycle"),
        rows=tuple(found[key] for key in sorted(found)),
    )


def _ring_formula(plan: RingPlan) -> Paragraph:
    return Paragraph(
        text=f"At most {plan.rows} sections share a multiplier, and each has two slots of a turn. "
        f"So a step starts every `{plan.cycle_formula}` cycles, and the latency is "
        f"`{plan.latency_formula}`. Both are exact while the source is always valid and the sink "
        "always ready."
    )


def _adaptors(plan: FullPlan) -> DataTable:
    rows = []
    for number in range(len(plan.op.sections)):
        start = ENTER + number * plan.pipeline
        for k, unit in enumerate(plan.adaptors(number)):
            name = "real" if len(plan.op.sections[number]) == 1 else ("outer", "inner")[k]
            first = start + k * plan.pipeline
            rows.append(
                (
                    f"{number}, {name}",
                    f"{unit.e.coef / 2**unit.e.shift:.6f}",
                    ", ".join(f"{a} x {b}" for a, b in unit.products),
                    f"{first:,}",
                    f"{first + plan.pipeline - 1:,}",
                )
            )
    return DataTable(
        caption="Adaptors, with the cycles in which a step is in them; its input word is taken in "
        "cycle 0",
        head=("section, adaptor", "coefficient", "products [bits]", "first cycle", "last cycle"),
        rows=tuple(rows),
    )


def _formula(plan: FullPlan) -> Paragraph:
    return Paragraph(
        text=f"The states of a signal are ready for its next step after {plan.loop} cycles, "
        f"{plan.pipeline} for each adaptor of a section. So a step starts every "
        f"`{plan.cycle_formula}` cycles, and the latency is `{plan.latency_formula}`. Both are "
        "exact while the source is always valid and the sink always ready."
    )
