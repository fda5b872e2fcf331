"""Symbols, wires and names of a schematic at given places, drawn by schemdraw."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._support.svg_pictures import BLUE, INK
from .circuit import GROUND, Capacitor, Resistor
from .quantities import quantity_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
"""Place on a sheet [unit of schemdraw: half the length of its two-pin symbols or so]."""
LINE, SMALL, TEXT, HEAD = 0.7, 4.0, 5.5, 7.5
"""Width of lines, sizes of pin numbers, of other texts and of headings [pt]."""
SCALE = 0.8
"""Of amplifiers: a - input is 1 above the + input, the output half way."""
AMPLIFIER_LENGTH = SCALE * 2.5 * math.sqrt(3) / 2
"""From the inputs to the output."""
TAG_HEIGHT = 0.6
COLOR, NET = INK, BLUE
"""Of symbols and wires, and of names of nets."""


class SchematicPen:
    """Draws on a sheet, from a corner of it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        One unit of data is one unit of schemdraw.
    """

    def __init__(self, axes: Axes) -> None:
        import schemdraw

        self._axes = axes
        self._drawing = schemdraw.Drawing(canvas=axes, show=False)
        self._drawing.config(lw=LINE, fontsize=TEXT, margin=0, color=COLOR)
        self.corner: Point = (0.0, 0.0)

    def finish(self) -> None:
        """Draw all symbols on the axes."""
        self._drawing.draw(show=False)

    def wire(self, *points: Point) -> None:
        """Connect points."""
        import schemdraw.elements as elm

        for start, end in itertools.pairwise(points):
            if start != end:
                self._add(elm.Line().endpoints(self._at(start), self._at(end)))

    def outline(self, *points: Point) -> None:
        """Draw lines that connect nothing."""
        self.wire(*points)

    def dot(self, place: Point) -> None:
        """Mark a node of three wires or more."""
        import schemdraw.elements as elm

        self._add(elm.Dot(radius=0.065).at(self._at(place)))

    def ground(self, place: Point) -> None:
        """Draw the ground symbol, downwards."""
        import schemdraw.elements as elm

        self._add(elm.Ground().scale(0.8).at(self._at(place)))

    def two_pin(self, part: Resistor | Capacitor, start: Point, end: Point) -> None:
        """Draw a resistor or capacitor with its reference and value, above or to the right."""
        import schemdraw.elements as elm

        kind: Any = elm.ResistorIEEE if isinstance(part, Resistor) else elm.Capacitor
        self._add(kind().endpoints(self._at(start), self._at(end)))
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        value = quantity_text(part.value, digits=6)
        if start[1] == end[1]:
            self.text((x, y + 0.34), f"{part.name}  {value}", valign="bottom")
        else:
            self.text((x + 0.4, y), f"{part.name}\n{value}", halign="left")

    def amplifier(self, minus: Point, name: str, unit: str, pins: Sequence[str]) -> None:
        """Draw an op-amp with its - input at a place.

        Parameters
        ----------
        minus : Point
            The + input is 1 below it, the output `AMPLIFIER_LENGTH` to the right and half below.
        name, unit : str
            Its name in the circuit and its unit on the board.
        pins : sequence of str
            Numbers of the pins: + input, - input, output.
        """
        import schemdraw.elements as elm

        x, y = minus
        self._add(elm.Opamp().scale(SCALE).anchor("in1").at(self._at(minus)).theta(0))
        self.text((x + 0.42 * AMPLIFIER_LENGTH, y - 0.5), name)
        if unit:
            self.text((x + 0.6 * AMPLIFIER_LENGTH, y - 1.12), unit, halign="left", valign="top")
        plus, inverting, output = pins
        for place, pin in (
            ((x - 0.08, y + 0.07), inverting),
            ((x - 0.08, y - 0.93), plus),
        ):
            self.text(place, pin, halign="right", valign="bottom", size=SMALL)
        end = (x + AMPLIFIER_LENGTH + 0.08, y - 0.43)
        self.text(end, output, halign="left", valign="bottom", size=SMALL)

    def transconductor(self, plus: Point, name: str, value: str) -> None:
        """Draw a transconductor with its + input at a place, - below, output half way."""
        x, y = plus
        right = x + AMPLIFIER_LENGTH
        back, front = 0.5, 0.28
        top, bottom = (x, y + back), (x, y - 1.0 - back)
        self.outline(top, (right, y - 0.5 + front), (right, y - 0.5 - front), bottom, top)
        self.text((x + 0.22, y), "+")
        self.text((x + 0.22, y - 1.0), "−")  # noqa: RUF001
        self.text((x + 0.55 * AMPLIFIER_LENGTH, y - 0.5), f"{name}\n{value}")

    def net(self, place: Point, name: str, *, left: bool, width: float) -> None:
        """Name a net at the end of a wire: a tag that points to it, or ground.

        Parameters
        ----------
        place : Point
        name : str
        left : bool
            The tag is to the left of the place.
        width : float
        """
        if name == GROUND:
            self.ground(place)
            return
        (x, y), half = place, TAG_HEIGHT / 2
        side = -1.0 if left else 1.0
        slant, end = x + side * half, x + side * width
        self.outline(
            (x, y), (slant, y + half), (end, y + half), (end, y - half), (slant, y - half), (x, y)
        )
        self.text(((slant + end) / 2, y), name, color=NET)

    def text(
        self,
        place: Point,
        text: str,
        *,
        halign: str = "center",
        valign: str = "center",
        size: float = TEXT,
        color: str = COLOR,
    ) -> None:
        """Write a text."""
        # not by schemdraw, which moves a label that belongs to no symbol
        x, y = self._at(place)
        self._axes.text(
            x, y, text, ha=halign, va=valign, fontsize=size, color=color, linespacing=1.1
        )

    def _at(self, place: Point) -> Point:
        return self.corner[0] + place[0], self.corner[1] + place[1]

    def _add(self, element: Any) -> None:
        self._drawing.add(element)
