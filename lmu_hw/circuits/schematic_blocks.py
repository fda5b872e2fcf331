"""Drawings of a section or tap: stages side by side, wires between them, tags at the edges.

Amplifiers stand in a row. An input that comes from the stage before is a straight wire; one from
another stage of the drawing runs on a track below; one from outside has a tag. The input network of
a stage is to the left of its amplifier, the feedback above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .amplifier_stages import AmplifierStage, TwoPin
from .circuit import GROUND
from .schematic_pen import AMPLIFIER_LENGTH, HEAD, NET, Point, SchematicPen

ROW, PART = 1.15, 2.3
"""Distance of parts, length of a part with its leads."""
INPUT_LEAD = 1.2
"""From the vertical wire of the input network to the amplifier."""
OUTPUT = INPUT_LEAD + AMPLIFIER_LENGTH + 0.45
"""From there to the vertical wire of the output."""
FEEDBACK = 1.2
"""Height of the first feedback part."""
COLUMN, TRACK, GAP = 0.4, 0.75, 0.5
"""Distance of vertical wires, of tracks, and between an output and what follows."""


class BoardUnit(NamedTuple):
    """What a drawing says of an amplifier: its unit and pins (+ input, - input, output)."""

    unit: str = ""
    pins: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, kw_only=True)
class DrawingBlock:
    """A drawing of known size.

    Parameters
    ----------
    title : str
    low, high : Point
        Corners.
    draw : callable
        Draws it with a pen.
    """

    title: str
    low: Point
    high: Point
    draw: Callable[[SchematicPen], None]

    @property
    def size(self) -> Point:
        """Width and height."""
        return self.high[0] - self.low[0], self.high[1] - self.low[1]


def tag_width(names: Sequence[str]) -> float:
    """Return a width of tags that holds any of some names."""
    return 0.9 + 0.26 * max(map(len, names), default=1)


@dataclass(frozen=True, kw_only=True)
class _Wiring:
    """Inputs of stages by how they are connected, and the nets on tracks.

    Parameters
    ----------
    straight, tagged, dropped : lists, one for each stage, of lists of (str, TwoPin)
        Inputs from the stage before, from outside, and from a track.
    tracks : list of str
    outside : set of str
        Outputs that are used elsewhere.
    """

    straight: list[list[tuple[str, TwoPin]]]
    tagged: list[list[tuple[str, TwoPin]]]
    dropped: list[list[tuple[str, TwoPin]]]
    tracks: list[str]
    outside: set[str]


def _wiring(stages: Sequence[AmplifierStage], outside: set[str]) -> _Wiring:
    made = {stage.output: k for k, stage in enumerate(stages)}
    uses = Counter(node for stage in stages for node, _ in stage.inputs if node not in made)
    straight, tagged, dropped = [], [], []
    for k, stage in enumerate(stages):
        before = [(n, p) for n, p in stage.inputs if made.get(n) == k - 1 and k][:1]
        edge = [(n, p) for n, p in stage.inputs if n == GROUND or uses[n] == 1]
        straight.append(before)
        tagged.append(edge)
        dropped.append([pair for pair in stage.inputs if pair not in before + edge])
    below = dict.fromkeys(node for pairs in dropped for node, _ in pairs)
    # outputs that only others use leave on a track too, but for the last, which ends at the edge
    leaving = [stage.output for stage in stages[:-1] if stage.output in outside]
    tracks = list(dict.fromkeys([*(n for n in below if n not in made), *leaving, *below]))
    return _Wiring(
        straight=straight,
        tagged=tagged,
        dropped=dropped,
        tracks=tracks,
        outside=outside & set(made),
    )


def amplifier_block(
    title: str, stages: Sequence[AmplifierStage], outside: set[str], boards: Mapping[str, BoardUnit]
) -> DrawingBlock:
    """Return the drawing of amplifiers in a row.

    Parameters
    ----------
    title : str
    stages : sequence of AmplifierStage
    outside : set of str
        Nodes that are used outside the drawing.
    boards : mapping of str to BoardUnit
        Unit and pins of each amplifier.
    """
    wiring = _wiring(stages, outside)
    made = {stage.output for stage in stages}
    ends = [node for node in wiring.tracks if node not in made]
    tag = tag_width([*(n for edge in wiring.tagged for n, _ in edge), *ends, *wiring.outside])
    places, right = _places(stages, wiring, tag, bool(ends))
    floor = min(_depth(stage) for stage in stages)
    levels = {net: floor - 0.8 - TRACK * k for k, net in enumerate(wiring.tracks)}
    ceiling = max(FEEDBACK + ROW * (max(1, len(s.feedback)) - 1) for s in stages) + 0.9

    def draw(pen: SchematicPen) -> None:
        pen.text((0.0, ceiling + 0.6), title, halign="left", size=HEAD)
        joins: dict[str, list[float]] = {net: [] for net in wiring.tracks}
        for k, (stage, place) in enumerate(zip(stages, places, strict=True)):
            _draw_stage(pen, stage, place, boards.get(stage.amplifier.name, BoardUnit()))
            previous = places[k - 1] + OUTPUT if k else 0.0
            _draw_inputs(pen, wiring, k, place, previous, (tag, levels), joins)
            _draw_output(
                pen, wiring, k, stage, place + OUTPUT, tag, levels, joins, k == len(stages) - 1
            )
        for net, level in levels.items():
            _draw_track(pen, net, level, joins[net], (tag, right), wiring, net in made)

    bottom = (floor - 0.8 - TRACK * (len(levels) - 1) if levels else floor) - 0.6
    return DrawingBlock(title=title, low=(0.0, bottom), high=(right, ceiling + 1.2), draw=draw)


def _places(
    stages: Sequence[AmplifierStage], wiring: _Wiring, tag: float, ends: bool
) -> tuple[list[float], float]:
    """Return the place of each stage, and the right edge of the drawing."""
    places, x, name = [], tag + GAP if ends else 0.0, 0.0
    for k, stage in enumerate(stages):
        edge, drop = wiring.tagged[k], wiring.dropped[k]
        inputs = max(tag + 0.1 if edge else 0.0, COLUMN * len(drop))
        # the name of the output before is above the wires to the inputs, but not above a tag
        over = 0.0 if edge and not wiring.straight[k] else inputs
        places.append(x + max(GAP, name - over) * bool(k) + inputs + PART)
        x, name = places[-1] + OUTPUT, 0.15 + 0.19 * len(stage.output)
    return places, x + max(GAP + tag, name)


def _depth(stage: AmplifierStage) -> float:
    """Return the height of the lowest thing of a stage."""
    plus = -1.0 - (PART + 1.0 if stage.plus else 1.2)
    return min(plus, -ROW * (len(stage.inputs) - 1) - 0.4)


def _draw_stage(pen: SchematicPen, stage: AmplifierStage, x: float, board: BoardUnit) -> None:
    """Draw the amplifier, its feedback and its + input."""
    pen.amplifier((x + INPUT_LEAD, 0.0), stage.amplifier.name, board.unit, board.pins)
    pen.wire((x, 0.0), (x + INPUT_LEAD, 0.0))
    pen.wire((x + INPUT_LEAD + AMPLIFIER_LENGTH, -0.5), (x + OUTPUT, -0.5))
    levels = [FEEDBACK + ROW * k for k in range(max(1, len(stage.feedback)))]
    for k, level in enumerate(levels):
        if stage.feedback:
            pen.two_pin(stage.feedback[k], (x, level), (x + OUTPUT, level))
        else:
            pen.wire((x, level), (x + OUTPUT, level))
        if k < len(levels) - 1:
            pen.dot((x, level))
            pen.dot((x + OUTPUT, level))
    pen.wire((x, 0.0), (x, levels[-1]))
    pen.wire((x + OUTPUT, -0.5), (x + OUTPUT, levels[-1]))
    # the + input
    plus = (x + INPUT_LEAD - 0.4, -1.0)
    pen.wire((x + INPUT_LEAD, -1.0), plus)
    if stage.plus is not None:
        top, low = (plus[0], plus[1] - 0.6), (plus[0], plus[1] - 0.6 - PART)
        pen.wire(plus, top)
        pen.two_pin(stage.plus, top, low)
        pen.ground(low)
    elif stage.amplifier.nodes[0] == GROUND:
        pen.ground(plus)
    else:
        low = (plus[0], plus[1] - 1.2)
        pen.wire(plus, low)
        name = stage.amplifier.nodes[0]
        pen.net(low, name, left=False, width=tag_width([name]))


def _draw_inputs(
    pen: SchematicPen,
    wiring: _Wiring,
    k: int,
    x: float,
    previous: float,
    edges: tuple[float, dict[str, float]],
    joins: dict[str, list[float]],
) -> None:
    """Draw the input network of a stage; add where it meets tracks to ``joins``."""
    tag, levels = edges
    straight, tagged, dropped = wiring.straight[k], wiring.tagged[k], wiring.dropped[k]
    rows = [*straight, *tagged, *dropped]
    if not rows:
        return
    for row, (node, part) in enumerate(rows):
        y, start = -ROW * row, x - PART
        pen.two_pin(part, (start, y), (x, y))
        # the first row meets feedback and amplifier, the last is a corner
        if row < len(rows) - 1 or row == 0:
            pen.dot((x, y))
        if row < len(straight):
            pen.wire((previous, y), (start, y))
            pen.dot((previous, y))
        elif row < len(straight) + len(tagged):
            pen.net((start, y), node, left=True, width=tag)
        else:
            # upper rows go down further to the left: vertical wires cross no other row
            column = start - COLUMN * (len(rows) - 1 - row)
            pen.wire((start, y), (column, y), (column, levels[node]))
            joins[node].append(column)
    pen.wire((x, 0.0), (x, -ROW * (len(rows) - 1)))


def _draw_output(
    pen: SchematicPen,
    wiring: _Wiring,
    k: int,
    stage: AmplifierStage,
    x: float,
    tag: float,
    levels: dict[str, float],
    joins: dict[str, list[float]],
    last: bool,
) -> None:
    """Draw where an output leaves: down to its track, or at the right edge."""
    net = stage.output
    if net in levels:
        pen.wire((x, -0.5), (x, levels[net]))
        pen.dot((x, -0.5))
        joins[net].append(x)
    if last and net in wiring.outside:
        pen.wire((x, -0.5), (x + GAP, -0.5))
        pen.net((x + GAP, -0.5), net, left=False, width=tag)
        pen.dot((x, -0.5))
    else:
        pen.text((x + 0.1, 0.3), net, halign="left", color=NET)


def _draw_track(
    pen: SchematicPen,
    net: str,
    y: float,
    joins: list[float],
    edges: tuple[float, float],
    wiring: _Wiring,
    made: bool,
) -> None:
    """Draw a track between all that it joins, and the tag at its end."""
    tag, right = edges
    ends = list(joins)
    if not made:
        ends.append(tag)
        pen.net((tag, y), net, left=True, width=tag)
    elif net in wiring.outside:
        ends.append(right - tag)
        pen.net((right - tag, y), net, left=False, width=tag)
    pen.wire((min(ends), y), (max(ends), y))
    for x in joins:
        if min(ends) < x < max(ends):
            pen.dot((x, y))
