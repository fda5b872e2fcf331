"""Schematic of a circuit: a drawing for each section and tap, on sheets, as SVG and PDF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._support.svg_pictures import GRID, MUTED, page_style, svg_of, themed
from .amplifier_stages import AmplifierStage, SectionParts, section_parts
from .circuit import GROUND, Amplifier, Circuit, Transconductor
from .op_amp_packages import DECOUPLING, Package, connector_pins, packages
from .pictures import check_drawing, pdf_of
from .quantities import quantity_text
from .schematic_blocks import BoardUnit, DrawingBlock, amplifier_block
from .schematic_pen import HEAD, TEXT, Point, SchematicPen
from .sum_block import loose_block, sum_block
from .supply_block import connector_block, supply_block

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNIT = 0.25
"""Length of a unit of drawing on paper [inch]."""
SHEET = (16.54 / UNIT, 11.69 / UNIT)
"""A3, landscape."""
MARGIN, BETWEEN, HEADER = 1.2, 1.2, 2.2
"""Around a sheet, between drawings, and for its title."""
ABREAST = 4
"""Most amplifiers, or nodes of transconductors, side by side."""


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A drawing at a place of a sheet: its upper left corner, y downwards from the title."""

    block: DrawingBlock
    x: float
    y: float


def schematic(circuit: Circuit) -> dict[str, bytes]:
    """Return the schematic of a circuit: ``schematic.svg`` and ``schematic.pdf``.

    The SVG is one sheet as long as it must be; the PDF has A3 sheets.

    Raises
    ------
    ToolError
        If matplotlib or schemdraw is missing.
    SpecError
        If no package holds as many amplifiers as the amplifier model has in one.
    """
    check_drawing()
    with page_style():
        long, sheets = schematic_sheets(circuit)
        return {"schematic.svg": themed(svg_of(long)), "schematic.pdf": pdf_of(sheets)}


def schematic_sheets(circuit: Circuit) -> tuple[Figure, list[Figure]]:
    """Return the schematic as one long sheet and as A3 sheets.

    Raises
    ------
    ToolError
        If matplotlib or schemdraw is missing.
    """
    check_drawing()
    with page_style():
        blocks = list(circuit_blocks(circuit))
        pages = _pack(blocks, SHEET[1] - 2 * MARGIN - HEADER)
        return (
            _long_sheet(circuit, blocks, SHEET[0]),
            [
                _sheet(circuit, page, SHEET, f"sheet {k} of {len(pages)}")
                for k, page in enumerate(pages, 1)
            ],
        )


def narrow_sheet(circuit: Circuit) -> Figure:
    """Return the schematic as one sheet that is no wider than its widest drawing.

    Raises
    ------
    ToolError
        If matplotlib or schemdraw is missing.
    """
    check_drawing()
    with page_style():
        blocks = list(circuit_blocks(circuit))
        return _long_sheet(circuit, blocks, max(b.size[0] for b in blocks) + 2 * MARGIN)


def _long_sheet(circuit: Circuit, blocks: Sequence[DrawingBlock], width: float) -> Figure:
    """Draw one sheet as long as it must be."""
    (placed,) = _pack(blocks, float("inf"), width)
    height = max(p.y + p.block.size[1] for p in placed) + 2 * MARGIN + HEADER
    return _sheet(circuit, placed, (width, height), "")


def circuit_blocks(circuit: Circuit) -> Iterator[DrawingBlock]:
    """Yield the drawings of a circuit, in the order of its sections, then those of the board."""
    every = {name: section_parts(parts) for name, parts in circuit.sections.items()}
    boards: dict[str, BoardUnit] = {}
    board = [] if _on_a_chip(circuit) else packages(circuit)
    for package in board:
        for k, amplifier in enumerate(package.amplifiers):
            boards[amplifier.name] = BoardUnit(package.unit(k), package.pinout.units[k])
    pieces = [(name, piece) for name, section in every.items() for piece in _pieces(section)]
    users = Counter(node for _, piece in pieces for node in _nodes(piece))
    for number, (name, piece) in enumerate(pieces):
        count = sum(1 for other, _ in pieces if other == name)
        first = next(k for k, (other, _) in enumerate(pieces) if other == name)
        title = name if count == 1 else f"{name} ({number - first + 1} of {count})"
        yield from _blocks(title, piece, users, circuit.taps, boards)
    if board:
        yield from _board_blocks(circuit, board, boards)


def _on_a_chip(circuit: Circuit) -> bool:
    return any(isinstance(part, Transconductor) for part in circuit.parts)


def _pieces(section: SectionParts) -> Iterator[SectionParts]:
    """Yield the stages of a section in groups that fit side by side."""
    amplifiers, sums = section.amplifiers, section.sums
    for k in range(0, len(amplifiers), ABREAST):
        yield SectionParts(amplifiers=amplifiers[k : k + ABREAST], sums=(), others=())
    for k in range(0, len(sums), ABREAST):
        yield SectionParts(amplifiers=(), sums=sums[k : k + ABREAST], others=())
    if section.others:
        yield SectionParts(amplifiers=(), sums=(), others=section.others)


def _nodes(piece: SectionParts) -> set[str]:
    """Return the nodes of a piece that another may use."""
    nodes = {stage.output for stage in piece.amplifiers}
    nodes |= {node for stage in piece.amplifiers for node, _ in stage.inputs}
    nodes |= {stage.amplifier.nodes[0] for stage in piece.amplifiers}
    nodes |= {node for part in piece.others for node in part.nodes}
    return nodes - {GROUND}


def _blocks(
    title: str,
    piece: SectionParts,
    users: Mapping[str, int],
    taps: Sequence[str],
    boards: Mapping[str, BoardUnit],
) -> Iterator[DrawingBlock]:
    if piece.amplifiers:
        outside = {node for node in _nodes(piece) if users[node] > 1 or node in taps}
        outside |= {stage.amplifier.nodes[0] for stage in piece.amplifiers}
        yield amplifier_block(title, piece.amplifiers, outside, boards)
    elif piece.sums:
        yield sum_block(title, piece.sums)
    else:
        yield loose_block(title, piece.others)


def _board_blocks(
    circuit: Circuit, board: Sequence[Package], boards: dict[str, BoardUnit]
) -> Iterator[DrawingBlock]:
    """Yield the drawings of connector, supply and amplifiers left over."""
    yield connector_block(connector_pins(circuit))
    yield supply_block(board, quantity_text(DECOUPLING))
    last = board[-1]
    spare = []
    for k in range(len(last.amplifiers), len(last.pinout.units)):
        node = f"unused_{last.unit(k)}"
        amplifier = Amplifier(name=last.unit(k), nodes=(GROUND, node, node))
        boards[amplifier.name] = BoardUnit(pins=last.pinout.units[k])
        spare.append(AmplifierStage(amplifier=amplifier, inputs=(), feedback=()))
    if spare:
        yield amplifier_block("amplifiers left over", spare, set(), boards)


def _pack(
    blocks: Sequence[DrawingBlock], height: float, width: float = SHEET[0]
) -> list[list[_Placed]]:
    """Return sheets with the drawings in rows, from left to right."""
    sheets: list[list[_Placed]] = [[]]
    x = y = row = 0.0
    room = width - 2 * MARGIN
    for block in blocks:
        w, h = block.size
        if x > 0 and x + w > room:
            x, y, row = 0.0, y + row + BETWEEN, 0.0
        # a row is as high as its highest drawing: look ahead is not needed, it moves as a whole
        if y > 0 and y + h > height:
            moved = [p for p in sheets[-1] if p.y == y]
            sheets[-1] = [p for p in sheets[-1] if p.y != y]
            sheets.append([_Placed(block=p.block, x=p.x, y=0.0) for p in moved])
            y = 0.0
        sheets[-1].append(_Placed(block=block, x=x, y=y))
        x, row = x + w + BETWEEN, max(row, h)
    return sheets


def _sheet(
    circuit: Circuit, placed: Sequence[_Placed], size: tuple[float, float], number: str
) -> Figure:
    """Draw a sheet."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    width, height = size
    figure = Figure(figsize=(width * UNIT, height * UNIT))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    pen = SchematicPen(axes)
    top = height - MARGIN
    axes.text(MARGIN, top, circuit.title, fontsize=2 * HEAD, va="top")
    axes.text(width - MARGIN, top, number, fontsize=HEAD, va="top", ha="right")
    note = "Ground (GND) is the middle of the supply. Tags of one name are one net."
    axes.text(MARGIN, top - 1.2, note, fontsize=TEXT + 1, va="top", color=MUTED)
    for p in placed:
        (w, h), pad = p.block.size, BETWEEN / 4
        corner: Point = (MARGIN + p.x, top - HEADER - p.y - h)
        pen.corner = (corner[0] - p.block.low[0], corner[1] - p.block.low[1])
        frame = Rectangle(
            (corner[0] - pad, corner[1] - pad), w + 2 * pad, h + 2 * pad, fill=False, ec=GRID
        )
        axes.add_patch(frame)
        p.block.draw(pen)
    pen.finish()
    axes.set_xlim(0.0, width)
    axes.set_ylim(0.0, height)
    axes.set_aspect("auto")
    return figure
