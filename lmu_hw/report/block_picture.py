"""Picture of the blocks of a design: data from left to right, memories' units below."""

from __future__ import annotations

from dataclasses import dataclass

from .._support.svg_pictures import MUTED, page_style
from .block_diagram import BlockDiagram, DiagramBox, DiagramWire
from .diagram_pen import LINE, MOST_COPIES, SMALL, STACK, STYLES, TITLE, DiagramPen, Point

WIDTH = 9.6
"""Least width of the picture [inches]."""
LETTER = 0.075
"""Width of a letter, amply [inches]."""
COLUMNS = (
    ("memory",),
    ("operand_mux", "argmax"),
    ("lanes", "result_serializer"),
    ("requantizer", "polynomial"),
    ("fifo",),
)
"""The data path, column by column; boxes of a column are below each other."""
ABOVE = ("step_controller", "sequencer", "weight_fetch", "state_port")
"""Boxes over the first columns."""
BELOW = ("zero_run_counter", "chain_input_fifo", "neurons", "chain", "ladder")
"""Units of the memories, from left to right."""
ASIDE = 0.3
"""Room beside the argmax for a wire that passes it [inches]."""
PORT = 0.85
"""Room for the text of a stream [inches]."""
GAP, WIDE_GAP = 0.6, 1.0
"""Least and most distance of two columns [inches]."""


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box with its place [inches]."""

    box: DiagramBox
    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        """Middle of the left side."""
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> Point:
        """Middle of the right side."""
        return self.x + self.width, self.y + self.height / 2

    @property
    def top(self) -> Point:
        """Middle of the upper side."""
        return self.x + self.width / 2, self.y

    @property
    def bottom(self) -> Point:
        """Middle of the lower side."""
        return self.x + self.width / 2, self.y + self.height


def block_picture(diagram: BlockDiagram) -> bytes:
    """Return the picture of a diagram, as SVG in both themes."""
    places, (width, height) = _places(diagram)
    with page_style():
        pen = DiagramPen(width, height)
        for place in places.values():
            _box(pen, place)
        wiring = _DiagramWiring(pen, places, (width, height))
        for wire in diagram.wires:
            wiring.draw(wire)
        _legend(pen, height)
        return pen.svg()


def _size(box: DiagramBox) -> Point:
    texts = [*box.lines, *(f"{kind} {text}" for kind, text in box.memories)]
    width = max([len(box.title) * 1.12, *(len(t) + 1.5 for t in texts)]) * LETTER + 0.16
    height = 0.16 + LINE * (1.15 + len(box.lines)) + 0.24 * len(box.memories)
    return max(width, 1.0), height


def _places(diagram: BlockDiagram) -> tuple[dict[str, PlacedBox], Point]:
    """Return the place of every box, and the size of the picture."""
    boxes, places = diagram.boxes, {}
    columns = [c for c in ([k for k in keys if k in boxes] for keys in COLUMNS) if c]
    wide = [max(_size(boxes[k])[0] for k in column) for column in columns]
    gap = (WIDTH - 2 * PORT - sum(wide)) / max(1, len(columns) - 1)
    gap = min(max(GAP, gap), WIDE_GAP)
    over = [k for k in ABOVE if k in boxes]
    top = 0.12
    data_top = top + max(_size(boxes[k])[1] for k in over) + 0.5
    x = PORT
    for column, width in zip(columns, wide, strict=True):
        y = data_top
        for key in column:
            height = _size(boxes[key])[1]
            aside = ASIDE if key == "argmax" else 0.0
            places[key] = PlacedBox(boxes[key], x + aside, y, width - aside, height)
            y += height + 0.32
        x += width + gap
    total = max(WIDTH, x - gap + PORT)
    x = PORT
    for key in over:
        width, height = _size(boxes[key])
        at = places["lanes"].top[0] - width / 2 if key == "weight_fetch" else x
        at = max(at, x)
        places[key] = PlacedBox(boxes[key], at, top, width, height)
        x = at + width + 0.35
    data_end = max(p.y + p.height for p in places.values())
    end = data_end + 0.42
    low = [k for k in BELOW if k in boxes]
    x = places["operand_mux"].x
    bottom = end
    for key in low:
        width, height = _size(boxes[key])
        if x + width > total - 0.1:
            x, end = places["operand_mux"].x, bottom + 0.4
        places[key] = PlacedBox(boxes[key], x, end, width, height)
        bottom = max(bottom, end + height)
        x += width + GAP
    return places, (total, bottom + 0.3 + 0.4)


def _box(pen: DiagramPen, place: PlacedBox) -> None:
    box = place.box
    pen.box((place.x, place.y), (place.width, place.height), box.kind.value, copies=box.copies)
    x, y = place.x + place.width / 2, place.y + 0.06 + LINE / 2
    pen.text((x, y), box.title, size=TITLE, bold=True)
    y += LINE * 1.1
    for line in box.lines:
        pen.text((x, y), line)
        y += LINE
    for kind, text in box.memories:
        pen.box((place.x + 0.07, y - 0.06), (place.width - 0.14, 0.2), kind.lower())
        pen.text((x, y + 0.04), f"{kind} {text}")
        y += 0.24


class _DiagramWiring:
    """Routes the wires between placed boxes."""

    def __init__(self, pen: DiagramPen, places: dict[str, PlacedBox], size: Point) -> None:
        self.pen, self.places, self.size = pen, places, size
        column = [places[k] for keys in COLUMNS for k in keys if k in places]
        self.data_end = max(place.y + place.height for place in column)
        self.units_end = size[1] - 0.62
        self._bus: set[str] = set()

    def draw(self, wire: DiagramWire) -> None:
        """Draw a wire."""
        start, end = self.places.get(wire.start), self.places.get(wire.end)
        pen = self.pen
        if start is None:
            assert end is not None
            self._port((0.05, end.left[1]), end.left, wire)
        elif end is None:
            self._port(start.right, (self.size[0] - 0.05, start.right[1]), wire)
        elif wire.start in ("requantizer", "polynomial") and wire.end != "polynomial":
            self._result(start, end, wire)
        elif wire.end == "memory":
            self._back(start, end, wire)
        elif wire.start == "operand_mux" and wire.end == "fifo":
            y = start.y - 0.22
            x = start.x + 0.75 * start.width
            pen.arrow([(x, start.y), (x, y), (end.top[0], y), end.top])
            pen.text((end.top[0] - 0.1, y - 0.1), wire.text, size=SMALL, color=MUTED, ha="right")
        elif wire.start == "operand_mux" and wire.end == "zero_run_counter":
            x = end.x + 0.14
            pen.arrow([(x, start.y + start.height), (x, end.y)])
        elif wire.end == "argmax":
            x = end.top[0]
            pen.arrow([(x, start.y + start.height), (x, end.y)], both=True)
        elif wire.start in ABOVE and wire.end not in ABOVE:
            self._command(start, end, wire)
        elif start.x == end.x:
            pen.arrow([start.bottom, end.top])
        else:
            self._right(start, end, wire)

    def _port(self, start: Point, end: Point, wire: DiagramWire) -> None:
        self.pen.arrow([start, end])
        name, words, bits = wire.start if wire.start == "i" else wire.end, *wire.text.split(", ")
        x = (start[0] + end[0]) / 2
        self.pen.text((x, start[1] - 0.12), name, bold=True)
        self.pen.text((x, start[1] + 0.13), words, size=SMALL, color=MUTED)
        self.pen.text((x, start[1] + 0.13 + LINE), bits, size=SMALL, color=MUTED)

    def _right(self, start: PlacedBox, end: PlacedBox, wire: DiagramWire) -> None:
        """Draw a wire to a box further right; at the height of the start, if the end is there."""
        dashed = wire.start in ABOVE
        (x, y), (x_end, y_end) = start.right, end.left
        if end.y < y < end.y + end.height:
            self.pen.arrow([(x, y), (x_end, y)], dashed=dashed)
        elif start.y < y_end < start.y + start.height:
            self.pen.arrow([(x, y_end), (x_end, y_end)], dashed=dashed)
            y = y_end
        else:
            middle = (x + x_end) / 2
            self.pen.arrow([(x, y), (middle, y), (middle, y_end), (x_end, y_end)])
        if wire.text:
            self._label(((x + x_end) / 2, y - 0.1), wire.text, x_end - x)

    def _label(self, at: Point, text: str, room: float) -> None:
        if len(text) * LETTER < room + 0.25:
            self.pen.text(at, text, size=SMALL, color=MUTED)
            return
        *head, last = text.rsplit(" x ", 1)
        lines = [f"{head[0]} x", last] if head else text.split(" ", 1)
        for k, line in enumerate(reversed(lines)):
            self.pen.text((at[0], at[1] - k * LINE), line, size=SMALL, color=MUTED)

    def _command(self, start: PlacedBox, end: PlacedBox, wire: DiagramWire) -> None:
        x = min(max(start.bottom[0], end.x + 0.15), end.x + end.width - 0.15)
        dashed = wire.text == "commands"
        y = end.y - STACK * (min(end.box.copies, MOST_COPIES) - 1)
        self.pen.arrow([(x, start.y + start.height), (x, y)], dashed=dashed)
        y = (start.y + start.height + end.y) / 2
        self.pen.text((x + 0.07, y - 0.05), wire.text, size=SMALL, color=MUTED, ha="left")

    def _result(self, start: PlacedBox, end: PlacedBox, wire: DiagramWire) -> None:
        """Draw a wire of the bus behind the requantizer, to the output or back to the memory."""
        (x, y), bus = start.right, self.places["requantizer"].right[0] + 0.2
        if wire.end in self._bus:
            # the rest of the wire is there already
            self.pen.line([(x, y), (bus, y)])
            return
        self._bus.add(wire.end)
        if wire.end == "fifo":
            y_end = min(max(y, end.y + 0.1), end.y + end.height - 0.1)
            self.pen.arrow([(x, y), (bus, y), (bus, y_end), (end.x, y_end)])
            return
        down, back = self.data_end + 0.2, end.x + end.width * 0.35
        path = [(x, y), (bus, y), (bus, down), (back, down), (back, end.y + end.height)]
        self.pen.arrow(path)
        self.pen.text((back + 0.1, down - 0.1), wire.text, size=SMALL, color=MUTED, ha="left")

    def _back(self, start: PlacedBox, end: PlacedBox, wire: DiagramWire) -> None:
        """Draw a wire from the unit of a memory to the lanes' memory, below all boxes."""
        down, back = self.units_end + 0.16, end.x + end.width * 0.18
        x = start.bottom[0]
        self.pen.arrow(
            [(x, start.y + start.height), (x, down), (back, down), (back, end.y + end.height)]
        )
        at = (start.x - 0.1 if wire.text == "spikes" else back + 0.1, down - 0.1)
        self.pen.text(at, wire.text, size=SMALL, color=MUTED, ha="left")


def _legend(pen: DiagramPen, height: float) -> None:
    x, y = PORT, height - 0.2
    for kind, text in (
        ("arithmetic", "computes"),
        ("ram", "RAM, words x bits"),
        ("rom", "ROM, words x bits"),
        ("control", "controls"),
    ):
        assert kind in STYLES
        pen.box((x, y - 0.07), (0.2, 0.14), kind)
        pen.text((x + 0.27, y), text, size=SMALL, color=MUTED, ha="left")
        x += 0.55 + len(text) * LETTER
