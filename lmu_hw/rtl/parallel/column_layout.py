"""The words of a step in the output FIFO, with a column for each section."""

from __future__ import annotations

from ...program.integer_program import Role
from .cascade_plan import CascadePlan
from .output_columns import ColumnPart


def column_layout(plan: CascadePlan) -> tuple[list[int], list[ColumnPart]]:
    """Return the width of each section's column, and the places of the output words in order.

    The inner state of a section is in the lowest bits of its column.
    """
    op = plan.op
    inner = plan.output_of(op.z_inner).fmt.width
    both = [k for k, section in enumerate(op.sections) if len(section) == 2]
    places = {
        op.z_inner: [ColumnPart(column=k, low=0, width=inner) for k in range(len(op.sections))]
    }
    widths = [inner] * len(op.sections)
    if both:
        outer = plan.output_of(op.z_outer).fmt.width
        places[op.z_outer] = [ColumnPart(column=k, low=inner, width=outer) for k in both]
        for k in both:
            widths[k] += outer
    shown = {plan.output_of(name).name: name for name in op.states}
    parts = [part for v in plan.program.with_role(Role.OUTPUT) for part in places[shown[v.name]]]
    return widths, parts
