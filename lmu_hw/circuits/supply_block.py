"""Drawings of what a board has beside its circuit: connector and supply of the op-amps."""

from __future__ import annotations

from collections.abc import Sequence

from .circuit import GROUND, Capacitor
from .op_amp_packages import DECOUPLING, Package
from .schematic_blocks import DrawingBlock, tag_width
from .schematic_pen import HEAD, SMALL, SchematicPen

PITCH, COLUMN_ROWS = 0.8, 12
"""Distance of pins of the connector, most pins in a column."""


def connector_block(pins: Sequence[str]) -> DrawingBlock:
    """Return the drawing of the connector.

    Parameters
    ----------
    pins : sequence of str
        Net at each pin.
    """
    tag = tag_width(pins)
    columns = [pins[k : k + COLUMN_ROWS] for k in range(0, len(pins), COLUMN_ROWS)]
    step = 1.2 + 0.7 + tag + 1.0

    def draw(pen: SchematicPen) -> None:
        pen.text((0.0, 1.2), "J1", halign="left", size=HEAD)
        for k, column in enumerate(columns):
            x, low = step * k, -PITCH * (len(column) - 1) - 0.5
            pen.outline((x, 0.5), (x + 1.2, 0.5), (x + 1.2, low), (x, low), (x, 0.5))
            for row, net in enumerate(column):
                y = -PITCH * row
                pen.text((x + 0.6, y), str(COLUMN_ROWS * k + row + 1), size=SMALL)
                pen.wire((x + 1.2, y), (x + 1.9, y))
                pen.net((x + 1.9, y), net, left=False, width=tag)

    depth = -PITCH * (max(map(len, columns)) - 1) - 1.0
    return DrawingBlock(
        title="J1", low=(0.0, depth), high=(step * len(columns) - 1.0, 1.8), draw=draw
    )


def supply_block(board: Sequence[Package], value: str) -> DrawingBlock:
    """Return the drawing of the supply of the packages, with the first one's capacitors.

    Parameters
    ----------
    board : sequence of Package
    value : str
        Of each capacitor.
    """
    first, last = board[0], board[-1]
    rails = (("V+", first.pinout.positive), ("V-", first.pinout.negative))
    tag = tag_width(["V+"])
    note = f"{value} at each package, from each rail to ground"
    if len(board) > 1:
        note += (
            f":\n{first.decoupling[0]}, {first.decoupling[1]} at {first.name} to "
            f"{last.decoupling[0]}, {last.decoupling[1]} at {last.name}"
        )

    def draw(pen: SchematicPen) -> None:
        pen.text((0.0, 1.2), "supply", halign="left", size=HEAD)
        for k, ((rail, pin), name) in enumerate(zip(rails, first.decoupling, strict=True)):
            x = tag + 1.2 + (tag + 4.6) * k
            part = Capacitor(name=name, nodes=(rail, GROUND), value=DECOUPLING, exact=DECOUPLING)
            pen.net((x - 1.0, 0.0), rail, left=True, width=tag)
            pen.wire((x - 1.0, 0.0), (x + 1.4, 0.0))
            pen.dot((x, 0.0))
            pen.two_pin(part, (x, 0.0), (x, -2.3))
            pen.ground((x, -2.3))
            pen.text((x + 1.5, 0.0), f"{first.name}, pin {pin}", halign="left")
        pen.text((0.0, -3.6), note, halign="left", valign="top")

    width = 2 * (tag + 5.2)
    return DrawingBlock(title="supply", low=(0.0, -5.2), high=(width, 1.8), draw=draw)
