"""Drawings without amplifiers: sums of currents, and parts that belong to no stage."""

from __future__ import annotations

from collections.abc import Sequence

from .amplifier_stages import CurrentSum, TwoPin
from .circuit import GROUND
from .quantities import quantity_text
from .schematic_blocks import GAP, PART, ROW, DrawingBlock, tag_width
from .schematic_pen import AMPLIFIER_LENGTH, HEAD, SchematicPen

SUM_ROW = 2.3
"""Distance of transconductors."""


def sum_block(title: str, sums: Sequence[CurrentSum]) -> DrawingBlock:
    """Return the drawing of sums of currents: transconductors into a node with its capacitor.

    Parameters
    ----------
    title : str
    sums : sequence of CurrentSum
    """
    names = [n for s in sums for g in s.transconductors for n in g.nodes if n != GROUND]
    tag = tag_width(names)
    places, x = [], 0.0
    for s in sums:
        places.append(x)
        x += tag + AMPLIFIER_LENGTH + 1.2 + 2.0 * len(s.loads) + tag + 2 * GAP
    depth = -SUM_ROW * (max(len(s.transconductors) for s in sums) - 1) - 1.9
    depth = min(depth, -0.5 - PART - 1.0)

    def draw(pen: SchematicPen) -> None:
        pen.text((0.0, 1.6), title, halign="left", size=HEAD)
        for s, place in zip(sums, places, strict=True):
            _draw_sum(pen, s, place, tag)

    return DrawingBlock(title=title, low=(0.0, depth), high=(x - 2 * GAP, 2.2), draw=draw)


def _draw_sum(pen: SchematicPen, s: CurrentSum, x: float, tag: float) -> None:
    """Draw the transconductors of a node above each other, then its loads and its tag."""
    bus = x + tag + AMPLIFIER_LENGTH + 0.8
    for row, g in enumerate(s.transconductors):
        y = -SUM_ROW * row
        plus, minus, _ = g.nodes
        pen.transconductor((x + tag + 0.4, y), g.name, quantity_text(g.value, "S", 6))
        for node, level in ((plus, y), (minus, y - 1.0)):
            pen.wire((x + tag + 0.1, level), (x + tag + 0.4, level))
            pen.net((x + tag + 0.1, level), node, left=True, width=tag)
        pen.wire((bus - 0.4, y - 0.5), (bus, y - 0.5))
        if row < len(s.transconductors) - 1:
            pen.dot((bus, y - 0.5))
    pen.wire((bus, -0.5), (bus, -0.5 - SUM_ROW * (len(s.transconductors) - 1)))
    end = bus
    for part in s.loads:
        place = end + 0.6 if end == bus else end + 2.0
        pen.wire((end, -0.5), (place, -0.5))
        pen.dot((place, -0.5))
        pen.two_pin(part, (place, -0.5), (place, -0.5 - PART))
        pen.ground((place, -0.5 - PART))
        end = place
    pen.wire((end, -0.5), (end + 0.5, -0.5))
    pen.net((end + 0.5, -0.5), s.node, left=False, width=tag)


def loose_block(title: str, parts: Sequence[TwoPin]) -> DrawingBlock:
    """Return the drawing of parts that belong to no stage, each between the tags of its nodes."""
    tag = tag_width([n for part in parts for n in part.nodes])

    def draw(pen: SchematicPen) -> None:
        pen.text((0.0, 1.4), title, halign="left", size=HEAD)
        for row, part in enumerate(parts):
            left, right = (tag, -ROW * row), (tag + PART, -ROW * row)
            pen.two_pin(part, left, right)
            pen.net(left, part.nodes[0], left=True, width=tag)
            pen.net(right, part.nodes[1], left=False, width=tag)

    size = (2 * tag + PART, -ROW * (len(parts) - 1) - 1.0)
    return DrawingBlock(title=title, low=(0.0, size[1]), high=(size[0], 2.0), draw=draw)
