"""Pictures of the structure of a memory: a chain of sections, a ladder, or a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from .._support.svg_pictures import MUTED, page_style
from ..program.integer_program import (
    Adaptor,
    Cascade,
    DenseUpdate,
    Ladder,
    MemoryUpdate,
    Program,
    Spiking,
)
from .diagram_pen import LINE, SMALL, TITLE, DiagramPen, Point

WIDTH = 10.0
"""Width of a picture [inches]."""
MOST = 5
"""Most sections that a picture shows; of more, the first ones and the last one."""
BOX, BOX_HEIGHT = 1.3, 0.5
"""Size of an adaptor [inches]."""
STATE, STATE_HEIGHT = 1.1, 0.26
"""Size of a state register [inches]."""
LEFT = 1.15
"""Room for the input and its formats [inches]."""


def memory_picture(program: Program, index: int) -> bytes:
    """Return the picture of the structure of a memory, as SVG in both themes.

    Parameters
    ----------
    program : Program
    index : int
        Index of the memory's operation.
    """
    op = program.ops[index]
    assert isinstance(op, MemoryUpdate)
    with page_style():
        if isinstance(op, Ladder):
            return _ladder(program, op)
        if isinstance(op, DenseUpdate):
            return _dense(program, op)
        return _cascade(program, op)


def memories(program: Program) -> list[int]:
    """Return the indices of the memories of a program; of equal structures the first one."""
    found: dict[object, int] = {}
    for index, op in enumerate(program.ops):
        if isinstance(op, MemoryUpdate):
            cascade = op.cascade if isinstance(op, Spiking) else op
            structure = getattr(cascade, "sections", None) or getattr(cascade, "rows", index)
            found.setdefault((op.kind, structure), index)
    return list(found.values())


def _shown(n: int) -> list[int | None]:
    """Return the sections that a picture shows; None where it leaves some out."""
    if n <= MOST:
        return list(range(n))
    return [*range(MOST - 2), None, n - 1]


def _format(program: Program, name: str) -> str:
    return str(program.vector(name).fmt)


def _value(adaptor: Adaptor) -> str:
    """Return a coefficient as a number."""
    return f"{adaptor.coef / 2.0**adaptor.shift:.5f}"


def _input(pen: DiagramPen, y: float, name: str, fmt: str, end: float) -> None:
    pen.arrow([(0.1, y), (end, y)])
    pen.text((0.1, y - 0.14), name, bold=True, ha="left")
    pen.text((0.1, y + 0.14), fmt, size=SMALL, color=MUTED, ha="left")


def _adaptor(pen: DiagramPen, x: float, y: float, title: str, e: Adaptor) -> None:
    """Draw an adaptor around a point."""
    pen.box((x - BOX / 2, y - BOX_HEIGHT / 2), (BOX, BOX_HEIGHT), "arithmetic")
    pen.text((x, y - 0.5 * LINE - 0.02), title, bold=True)
    pen.text((x, y + 0.5 * LINE), f"e = {_value(e)}")


def _state(pen: DiagramPen, x: float, y: float, name: str) -> None:
    pen.box((x - STATE / 2, y - STATE_HEIGHT / 2), (STATE, STATE_HEIGHT), "storage")
    pen.text((x, y), name)


def _columns(shown: Sequence[int | None], left: float, right: float) -> list[float]:
    """Return the middle of each section; what is left out takes half the room."""
    widths = [1.0 if k is not None else 0.6 for k in shown]
    unit = min((WIDTH - left - right) / sum(widths), 2.1)
    xs, x = [], left
    for width in widths:
        xs.append(x + width * unit / 2)
        x += width * unit
    return xs


def _cascade(program: Program, op: Cascade | Spiking) -> bytes:
    """Draw sections in a row: the word of the chain passes them, the states are below."""
    cascade = op.cascade if isinstance(op, Spiking) else op
    sections, spiking = cascade.sections, isinstance(op, Spiking)
    pairs = any(len(s) == 2 for s in sections)
    height = 3.55 if pairs else 1.95
    pen = DiagramPen(WIDTH, height + 0.2 * spiking)
    shown, y = _shown(len(sections)), 0.75
    xs = _columns(shown, LEFT, 0.8)
    _input(pen, y, op.source, _format(program, op.source), xs[0] - BOX / 2)
    pen.text((xs[0] - BOX / 2 - 0.1, y + 0.14), str(cascade.chain_fmt), size=SMALL, color=MUTED,
             ha="right")  # fmt: skip
    before = [sum(len(s) == 2 for s in sections[:k]) for k in range(len(sections))]
    for place, (k, x) in enumerate(zip(shown, xs, strict=True)):
        if place:
            _link(pen, y, xs[place - 1], x, shown[place - 1], k)
        if k is None:
            pen.text((x, y), f"{len(sections) - MOST + 1} more", color=MUTED)
            continue
        pen.text((x, y - 0.42), f"section {k + 1}", size=TITLE, bold=True)
        _section(pen, cascade, k, before[k], (x, y))
    end = xs[-1] + BOX / 2
    pen.arrow([(end, y), (end + 0.45, y)])
    pen.text((end + 0.05, y + 0.14), "unused", size=SMALL, color=MUTED, ha="left")
    formats = " and ".join(f"{_format(program, n)} ({n})" for n in cascade.states)
    text = f"states in {formats}; an adaptor: t = e (b - a), a' = a + t, b' = 2 a - b + t"
    pen.text((0.1, height - 0.15), text, size=SMALL, color=MUTED, ha="left")
    if isinstance(op, Spiking):
        kind = "Poisson" if op.generators else "integrate-and-fire"
        text = (
            f"each state sends the spikes of {2 << op.population} {kind} neurons in its place; "
            "what was not sent is kept"
        )
        pen.text((0.1, height + 0.05), text, size=SMALL, color=MUTED, ha="left")
    return pen.svg()


def _link(
    pen: DiagramPen, y: float, x: float, x_next: float, before: int | None, after: int | None
) -> None:
    """Draw the word of the chain from a section to the next one."""
    start = x + (BOX / 2 if before is not None else 0.35)
    end = x_next - (BOX / 2 if after is not None else 0.35)
    pen.arrow([(start, y), (end, y)])


def _section(pen: DiagramPen, op: Cascade, k: int, pair: int, at: Point) -> None:
    """Draw a section: one adaptor, or the outer and the inner one, with their states."""
    (x, y), section = at, op.sections[k]
    if len(section) == 1:
        _adaptor(pen, x, y, "real", section[0])
        _loop(pen, x, y, f"z_inner[{k}]")
        return
    _adaptor(pen, x, y, "outer", section[0])
    low = y + 1.3
    middle = (y + low) / 2
    pen.arrow([(x - 0.62, y + BOX_HEIGHT / 2), (x - 0.62, low - BOX_HEIGHT / 2)])
    pen.text((x - 0.55, middle), "f", ha="left", size=SMALL, color=MUTED)
    _state(pen, x + 0.18, middle, f"z_outer[{pair}]")
    pen.arrow([(x + 0.18, low - BOX_HEIGHT / 2), (x + 0.18, middle + STATE_HEIGHT / 2)])
    pen.arrow([(x + 0.18, middle - STATE_HEIGHT / 2), (x + 0.18, y + BOX_HEIGHT / 2)])
    _adaptor(pen, x, low, "inner", section[1])
    _loop(pen, x, low, f"z_inner[{k}]")


def _loop(pen: DiagramPen, x: float, y: float, name: str) -> None:
    """Draw a state below an adaptor that reads and writes it."""
    below = y + BOX_HEIGHT / 2 + 0.42
    _state(pen, x, below, name)
    for shift, ends in ((-0.25, (y + BOX_HEIGHT / 2, below - STATE_HEIGHT / 2)), (0.25, None)):
        start, end = ends or (below - STATE_HEIGHT / 2, y + BOX_HEIGHT / 2)
        pen.arrow([(x + shift, start), (x + shift, end)])


def _ladder(program: Program, op: Ladder) -> bytes:
    """Draw the source, the sections and the matched end; waves go both ways."""
    pen = DiagramPen(WIDTH, 2.35)
    sections, y = op.sections, 0.85
    shown = _shown(len(sections))
    source = 0.75 + BOX / 2
    xs = _columns(shown, source + BOX / 2 + 0.2, 0.75)
    _input(pen, y, op.source, _format(program, op.source), source - BOX / 2)
    pen.box((source - BOX / 2, y - BOX_HEIGHT / 2), (BOX, BOX_HEIGHT), "arithmetic")
    pen.text((source, y - 0.5 * LINE - 0.02), "source", bold=True)
    pen.text((source, y + 0.5 * LINE), f"rho = {_value(op.reflection)}")
    last: tuple[float, int | None] = (source, 0)
    for k, x in zip(shown, xs, strict=True):
        _waves(pen, y, last, (x, k))
        last = (x, k)
        if k is None:
            pen.text((x, y), f"{len(sections) - MOST + 1} more", color=MUTED)
            continue
        pen.text((x, y - 0.42), f"section {k}", size=TITLE, bold=True)
        _adaptor(pen, x, y, "parallel" if k % 2 else "series", sections[k])
        _loop(pen, x, y, f"w[{k}]")
    end = xs[-1] + BOX / 2
    pen.arrow([(end, y - 0.12), (end + 0.3, y - 0.12)])
    pen.arrow([(end + 0.3, y + 0.12), (end, y + 0.12)])
    pen.text((end + 0.35, y - 0.12), "matched", size=SMALL, color=MUTED, ha="left")
    pen.text((end + 0.35, y + 0.12), "sends 0", size=SMALL, color=MUTED, ha="left")
    substeps = f"; {op.substeps} substeps in a step" if op.substeps > 1 else ""
    text = (
        f"waves and states w in {_format(program, op.state)}; odd sections multiply on the way "
        f"left, even ones on the way right{substeps}"
    )
    pen.text((0.1, 2.2), text, size=SMALL, color=MUTED, ha="left")
    return pen.svg()


def _waves(
    pen: DiagramPen, y: float, before: tuple[float, int | None], after: tuple[float, int | None]
) -> None:
    """Draw the waves between two neighbours."""
    start = before[0] + (BOX / 2 if before[1] is not None else 0.35)
    end = after[0] - (BOX / 2 if after[1] is not None else 0.35)
    pen.arrow([(start, y - 0.12), (end, y - 0.12)])
    pen.arrow([(end, y + 0.12), (start, y + 0.12)])


def _dense(program: Program, op: DenseUpdate) -> bytes:
    """Draw the matrix with its state in a loop."""
    pen = DiagramPen(WIDTH, 2.3)
    d, y = len(op.rows), 0.75
    _input(pen, y, op.source, _format(program, op.source), 1.4)
    pen.box((1.4, y - 0.3), (1.9, 0.6), "arithmetic")
    pen.text((2.35, y - 0.5 * LINE), "subtract", bold=True)
    pen.text((2.35, y + 0.6 * LINE), "v = m, v[0] -= u")
    pen.arrow([(3.3, y), (4.5, y)])
    pen.box((4.5, y - 0.42), (2.3, 0.84), "arithmetic")
    pen.text((5.65, y - LINE), f"{d} x {d} matrix", bold=True)
    pen.text((5.65, y), "rows of A - I")
    pen.text((5.65, y + LINE), f"{d * d:,} multiplies in the lanes")
    pen.arrow([(6.8, y), (7.5, y)])
    pen.box((7.5, y - 0.3), (1.6, 0.6), "arithmetic")
    pen.text((8.3, y - 0.5 * LINE), "add m, round", bold=True)
    pen.text((8.3, y + 0.6 * LINE), "once a row")
    state = f"{op.state}: {d} words of {_format(program, op.state)}"
    pen.box((4.1, 1.55), (3.1, 0.3), "storage")
    pen.text((5.65, 1.7), state)
    pen.arrow([(8.3, y + 0.3), (8.3, 1.7), (7.2, 1.7)])
    pen.arrow([(4.1, 1.7), (2.35, 1.7), (2.35, y + 0.3)])
    pen.text((0.1, 2.15), "all rows read the old state; it is double-buffered", size=SMALL,
             color=MUTED, ha="left")  # fmt: skip
    return pen.svg()
