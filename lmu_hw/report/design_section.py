"""Section of a report: the hardware as a drawing."""

from __future__ import annotations

from collections.abc import Sequence

from ..manifest import NoHardware
from ..program.integer_program import Cascade, DenseUpdate, Ladder, Program, Spiking
from ..rtl.block_tree import DesignBlock, block_tree
from ..rtl.schedule import Schedule
from .block_diagram import BlockDiagram, block_diagram
from .block_picture import block_picture
from .memory_picture import memories, memory_picture
from .report_source import ReportSource
from .section import Block, DataTable, Paragraph, Picture, Section

KEY, TITLE = "design", "The design"


def design_section(source: ReportSource, plan: Schedule | None) -> Section:
    """Return the section with the drawings of a design.

    Parameters
    ----------
    source : ReportSource
    plan : Schedule or None
        None where the program has no Verilog.
    """
    program = source.program
    pictures = [_memory(program, index) for index in memories(program)]
    if plan is None:
        refused = source.manifest.hardware
        why = refused.refused if isinstance(refused, NoHardware) else "no schedule"
        return Section(
            key=KEY,
            title=TITLE,
            lead="This program has C, and no Verilog.",
            blocks=(Paragraph(text=f"The hardware cannot run it: {why}."), *pictures),
            data={"refused": why},
        )
    tree = block_tree(program, plan)
    diagram = block_diagram(plan, tree)
    blocks: list[Block] = [*pictures, _blocks(plan, diagram), _memories(tree)]
    return Section(
        key=KEY,
        title=TITLE,
        lead=_lead(plan, diagram),
        blocks=tuple(blocks),
        data={
            "lanes": plan.lanes,
            "interval": plan.interval,
            "rom_bits": diagram.rom_bits,
            "ram_bits": diagram.ram_bits,
            "blocks": [block.path for block in tree],
            "memories": {
                b.path: {
                    "words": b.memory.depth,
                    "bits": b.memory.width,
                    "writable": b.memory.writable,
                }
                for b in tree
                if b.memory is not None
            },
        },
    )


def structure(program: Program, index: int) -> str:
    """Return what a memory is made of, such as ``a chain of 3 sections``."""
    op = program.ops[index]
    if isinstance(op, Ladder):
        return f"a ladder of {len(op.sections)} sections"
    if isinstance(op, DenseUpdate):
        return f"a matrix of {len(op.rows)} x {len(op.rows)}"
    cascade = op.cascade if isinstance(op, Spiking) else op
    assert isinstance(cascade, Cascade)
    neurons = " of spiking neurons" if isinstance(op, Spiking) else ""
    n = len(cascade.sections)
    return f"a chain of {n} section{'s' if n > 1 else ''}{neurons}"


def _lead(plan: Schedule, diagram: BlockDiagram) -> str:
    found = [structure(plan.program, k) for k in memories(plan.program)]
    what = " and ".join([*found, f"{plan.lanes} lane{'s' if plan.lanes > 1 else ''}"])
    return (
        f"{what[0].upper()}{what[1:]}; {_bits(diagram.rom_bits)} of ROM and "
        f"{_bits(diagram.ram_bits)} of RAM."
    )


def _bits(n: int) -> str:
    return f"{n:,} bits" if n < 10_000 else f"{n / 1024:,.1f} kbit"


def _memory(program: Program, index: int) -> Picture:
    op, what = program.ops[index], structure(program, index)
    alike = [k for k, other in enumerate(program.ops) if other.kind == op.kind and k != index]
    more = f" {len(alike) + 1} memories of the design are built so." if alike else ""
    captions = {
        "ladder": "The memory as a ladder: waves pass the sections in both directions, and every "
        "section keeps one state.",
        "dense": "The memory as a matrix: the lanes multiply it with all states.",
    }
    chain = (
        "The memory as a chain of sections: the input passes them from left to right; a section "
        "keeps a state for each of its adaptors, and realizes a pair of poles or a real one."
    )
    return Picture(
        name=f"memory-{index}",
        svg=memory_picture(program, index),
        alt=f"Structure of the memory of {op.reads[0]}: {what}.",
        caption=f"{captions.get(op.kind, chain)}{more}",
    )


def _blocks(plan: Schedule, diagram: BlockDiagram) -> Picture:
    names = ", ".join(box.title for box in diagram.boxes.values())
    return Picture(
        name="blocks",
        svg=block_picture(diagram),
        alt=f"Block diagram of the Verilog, along the data path: {names}.",
        caption=f"The blocks of `{plan.program.name}.v`, as scheduled: the words of a step are "
        "stored in the lanes' memory, and pass the operand mux, the lanes and the requantizer. "
        "Memories have units of their own. Sizes are words x bits.",
    )


def _memories(tree: tuple[DesignBlock, ...]) -> DataTable:
    rows = []
    for block in tree:
        if block.memory is None:
            continue
        m = block.memory
        kind = "RAM" if m.writable else "ROM"
        rows.append((block.path, (kind, f"{m.depth:,}", f"{m.width:,}"), m.bits))
    return DataTable(
        caption="Memories of the Verilog, by instance path",
        head=("instance", "kind", "words", "bits of a word", "bits in all"),
        rows=joined_rows(rows),
    )


def joined_rows(
    rows: Sequence[tuple[str, tuple[str, ...], int]],
) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table of instances; numbered ones that are alike are one row.

    Parameters
    ----------
    rows : sequence of (str, tuple of str, int)
        Instance path, what it is, and a number that the rows add up to.
    """
    found: dict[tuple[str, tuple[str, ...]], list[tuple[str, int]]] = {}
    for path, what, number in rows:
        found.setdefault((path.rstrip("0123456789"), what), []).append((path, number))
    return tuple(
        (
            f"`{alike[0][0]}`" + (f" to `{alike[-1][0]}`" if len(alike) > 1 else ""),
            *what,
            f"{sum(n for _, n in alike):,}",
        )
        for (_, what), alike in found.items()
    )
