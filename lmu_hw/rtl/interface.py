"""Description of a design's ports for the header and the testbench templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Shape

from ..program.integer_program import Role, Vector
from .lane_widths import payload_shape
from .schedule import Schedule
from .state_port import StateCommand, clear_cycles, load_cycles, save_cycles
from .streams import Streams

AXI_BYTE = 8
"""TDATA is a whole number of bytes."""
COMMAND_BITS = Shape.cast(StateCommand).width


def interface_context(plan: Schedule, name: str, streams: Streams, depth: int) -> dict[str, Any]:
    """Return the template variables that describe the ports.

    Parameters
    ----------
    plan : Schedule
    name : str
        Name of the module that a user instantiates.
    streams : Streams
        Naming scheme of the ports.
    depth : int
        Words of the deepest memory to clear.
    """
    axi = streams is Streams.AXI
    context: dict[str, Any] = {
        "axi": axi,
        # the engine's module, which the AXI wrapper instantiates
        "top": f"{name}_core" if axi else name,
        "state_port": plan.state_port,
    }
    for prefix, role in (("in", Role.INPUT), ("out", Role.OUTPUT), ("state", Role.STATE)):
        if role is Role.STATE and not plan.state_port:
            continue
        shape = payload_shape(plan.program.with_role(role))
        context |= {
            f"{prefix}_width": shape.width,
            f"{prefix}_signed": shape.signed,
            f"{prefix}_tdata": -(-shape.width // AXI_BYTE) * AXI_BYTE,
        }
    # name, bits of a word, bits of TDATA
    incoming = [("s_axis_tdata", context["in_width"], context["in_tdata"])]
    if plan.state_port:
        incoming += [
            ("s_axis_state_command_tdata", COMMAND_BITS, AXI_BYTE),
            ("s_axis_state_tdata", context["state_width"], context["state_tdata"]),
        ]
    context["inputs_in_bytes"] = incoming
    if plan.state_port:
        n_state = plan.program.n_words(Role.STATE)
        context |= {
            "n_state": n_state,
            "states": list(spans(plan.program.with_role(Role.STATE))),
            "state_save_cycles": save_cycles(n_state),
            "state_load_cycles": load_cycles(n_state),
            "state_clear_cycles": clear_cycles(depth),
        }
        names = ("clear", "save", "load")
        context["command_cycles"] = tuple(context[f"state_{name}_cycles"] for name in names)
    return context


def spans(vectors: tuple[Vector, ...]) -> Iterator[dict[str, Any]]:
    """Yield the position of each vector in the words of a step, and its format."""
    start = 0
    for v in vectors:
        end = start + v.length
        yield {
            "name": v.name,
            "label": f"{v.name} ({v.fmt})",
            "start": start,
            "end": end,
            "width": v.fmt.width,
            "signed": v.fmt.signed,
        }
        start = end
