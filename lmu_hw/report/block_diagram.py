"""The blocks of a design as a diagram: which there are, with their memories and word lengths.

Everything is read from the schedule and from the elaborated design; `block_picture` places and
draws it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ..program.integer_program import Program, Role
from ..rtl.adaptor import coefficient_widths
from ..rtl.block_tree import DesignBlock, DesignMemory, block_tree
from ..rtl.ladder_unit import ladder_widths
from ..rtl.lane_widths import LaneWidths, widths
from ..rtl.schedule import Kind, Schedule, payload_bits, pipeline_timing


class BoxKind(Enum):
    """What a box of the diagram is."""

    CONTROL = "control"
    ARITHMETIC = "arithmetic"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramBox:
    """A box of the diagram.

    Attributes
    ----------
    key : str
        Instance name of the block; ``lanes`` for all lanes.
    title : str
    kind : BoxKind
    lines : tuple of str
        Texts below the title.
    memories : tuple of (str, str)
        ``RAM`` or ``ROM``, and what it holds with its size.
    copies : int
        Number of equal blocks, drawn as a stack.
    """

    key: str
    title: str
    kind: BoxKind
    lines: tuple[str, ...] = ()
    memories: tuple[tuple[str, str], ...] = ()
    copies: int = 1


BoxText = tuple[str, BoxKind, tuple[str, ...]]
"""Title, kind and lines of a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramWire:
    """A connection of the diagram, from a box to a box, with a text such as ``16 bit``.

    Attributes
    ----------
    start, end : str
        Keys of boxes; ``i`` and ``o`` are the streams.
    text : str
    """

    start: str
    end: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDiagram:
    """Boxes and wires of a design.

    Attributes
    ----------
    boxes : dict of str to DiagramBox
    wires : tuple of DiagramWire
    rom_bits, ram_bits : int
        Bits of all ROMs and RAMs.
    """

    boxes: dict[str, DiagramBox]
    wires: tuple[DiagramWire, ...]
    rom_bits: int
    ram_bits: int


HOLDS = {
    "control": "control",
    "weight_rom": "weights",
    "params": "params",
    "pieces": "pieces",
    "sections": "coefficients",
    "states": "states",
    "waves": "waves",
    "levels": "levels",
    "membranes": "membranes",
    "residues": "residues",
    "counts": "",
    "words": "",
    "waiting": "",
}
"""What a memory holds, by its instance name; empty where the box says it."""
INSIDE = {
    "command_pipeline": "sequencer",
    "writeback": "requantizer",
    "function_writeback": "polynomial",
}
"""Blocks that the diagram shows as a wire of another one, or as a part of it."""


def block_diagram(plan: Schedule, tree: tuple[DesignBlock, ...] | None = None) -> BlockDiagram:
    """Return the diagram of a schedule's hardware.

    Parameters
    ----------
    plan : Schedule
    tree : tuple of DesignBlock, optional
        The elaborated blocks. Default: from `block_tree`.
    """
    tree = block_tree(plan.program, plan) if tree is None else tree
    boxes = {box.key: box for box in _boxes(plan, tree)}
    memories = [b.memory for b in tree if b.memory is not None]
    return BlockDiagram(
        boxes=boxes,
        wires=tuple(w for w in _wires(plan, boxes) if _ends(w) <= {*boxes, "i", "o"}),
        rom_bits=sum(m.bits for m in memories if not m.writable),
        ram_bits=sum(m.bits for m in memories if m.writable),
    )


def box_of(path: str) -> str:
    """Return the key of the box that shows a block."""
    top = path.partition(".")[0]
    return "lanes" if top.startswith("lane_") else INSIDE.get(top, top)


def _ends(wire: DiagramWire) -> set[str]:
    return {wire.start, wire.end}


def _boxes(plan: Schedule, tree: tuple[DesignBlock, ...]) -> Iterator[DiagramBox]:
    sizes = widths(plan)
    for key in dict.fromkeys(box_of(block.path) for block in tree):
        title, kind, lines = _texts(plan, sizes, key)
        yield DiagramBox(
            key=key,
            title=title,
            kind=kind,
            lines=lines,
            memories=tuple(_memories(plan, key, tree)),
            copies=plan.lanes if key == "lanes" else 1,
        )


def _memories(plan: Schedule, key: str, tree: tuple[DesignBlock, ...]) -> Iterator[tuple[str, str]]:
    """Yield the memories of a box; the banks of the lanes' memory are one."""
    found = [(b.path, b.memory) for b in tree if b.memory is not None and box_of(b.path) == key]
    if key == "memory":
        memory = found[0][1]
        banks = f"{len(found)} x " if len(found) > 1 else ""
        yield "RAM", f"{banks}{_size(memory)}"
        return
    for path, memory in found:
        what = HOLDS.get(path.rpartition(".")[2], path.rpartition(".")[2])
        yield "RAM" if memory.writable else "ROM", f"{what} {_size(memory)}".lstrip()


def _size(memory: DesignMemory) -> str:
    return f"{memory.depth:,} x {memory.width}"


def _texts(plan: Schedule, sizes: LaneWidths, key: str) -> BoxText:
    """Return the title, the kind and the lines of a box."""
    timing = pipeline_timing(plan.program, plan.lanes, plan.interval)
    if key == "lanes":
        lanes = f"{plan.lanes} lanes" if plan.lanes > 1 else "1 lane"
        sums = "two sums in turn" if plan.two_sums else "one sum"
        product = f"{sizes.x} x {sizes.factor} bit product"
        return lanes, BoxKind.ARITHMETIC, (product, f"{sizes.total} bit, {sums}")
    if key == "result_serializer":
        every = "every cycle" if plan.interval == 1 else f"every {plan.interval} cycles"
        return "result serializer", BoxKind.ARITHMETIC, (f"a result {every}",)
    if key == "requantizer":
        scale = (f"x scale of {timing.scale_bits} bit",) if timing.scale_bits else ()
        return "requantizer", BoxKind.ARITHMETIC, ("+ bias", *scale, "shift, round, limit")
    if key == "memory":
        banks = (f"{plan.lanes} banks",) if plan.lanes > 1 else ()
        return "lanes' memory", BoxKind.STORAGE, banks
    if key == "polynomial":
        names = ", ".join(f.name for f in plan.functions)
        return "function", BoxKind.ARITHMETIC, (names, f"polynomial, degree {timing.degree}")
    if key == "chain":
        return _chain(plan)
    if key == "ladder":
        return _ladder(plan)
    if key == "neurons":
        return _neurons(plan)
    return FIXED.get(key, (key.replace("_", " "), BoxKind.CONTROL, ()))


FIXED: dict[str, BoxText] = {
    "step_controller": (
        "step controller",
        BoxKind.CONTROL,
        ("takes inputs, starts steps",),
    ),
    "sequencer": ("sequencer", BoxKind.CONTROL, ("a command a cycle",)),
    "operand_mux": ("operand mux", BoxKind.ARITHMETIC, ()),
    "weight_fetch": ("weight fetch", BoxKind.CONTROL, ()),
    "fifo": ("output FIFO", BoxKind.STORAGE, ()),
    "zero_run_counter": ("zero-run counter", BoxKind.CONTROL, ()),
    "chain_input_fifo": ("input FIFO", BoxKind.STORAGE, ()),
    "argmax": ("argmax", BoxKind.ARITHMETIC, ()),
    "state_port": ("state port", BoxKind.CONTROL, ("clear, save, load", "between two steps")),
}
"""Titles and lines of the boxes that are the same in all designs."""


def _chain(plan: Schedule) -> BoxText:
    bits, _, _ = coefficient_widths(plan)
    sections = [len(s) for chain in plan.chains for s in chain.sections if s]
    pairs, reals = sections.count(2), sections.count(1)
    texts = [f"{n} {what}" for n, what in ((pairs, "pairs"), (reals, "real")) if n]
    title = "chain" if len(plan.chains) == 1 else f"chain, for {len(plan.chains)} memories"
    product = f"one adaptor, e of {bits} bit"
    return title, BoxKind.ARITHMETIC, (product, f"sections: {', '.join(texts)}")


def _ladder(plan: Schedule) -> BoxText:
    coef, _, _ = ladder_widths(plan)
    orders = ", ".join(f"{k.order} sections" for k in plan.ladders)
    substeps = max(k.substeps for k in plan.ladders)
    more = (f"{substeps} substeps",) if substeps > 1 else ()
    product = f"one three-port, e of {coef.width} bit"
    return "ladder", BoxKind.ARITHMETIC, (product, orders, *more)


def _neurons(plan: Schedule) -> BoxText:
    texts = []
    for n in plan.spiking:
        both = 2 << n.population
        model = f"Poisson, {n.generators} generators" if n.generators else "integrate-and-fire"
        texts += [model, f"{both} for each of {len(n.states)} states"]
    return "neurons", BoxKind.ARITHMETIC, tuple(dict.fromkeys(texts))


def _wires(plan: Schedule, boxes: dict[str, DiagramBox]) -> Iterator[DiagramWire]:
    """Yield the connections of all units; those to units that the design lacks are left out."""
    sizes, program = widths(plan), plan.program
    first = next(
        (k for k in ("chain_input_fifo", "neurons", "chain") if k in boxes and plan.chains), ""
    )
    yield DiagramWire(start="i", end="memory", text=_stream(program, Role.INPUT))
    yield DiagramWire(start="memory", end="operand_mux", text=_of_lanes(plan, sizes.word))
    yield DiagramWire(start="operand_mux", end="lanes", text=f"{sizes.x} bit")
    yield DiagramWire(start="weight_fetch", end="lanes", text=_of_lanes(plan, sizes.weight))
    yield DiagramWire(start="lanes", end="result_serializer", text=f"{sizes.total} bit")
    yield DiagramWire(start="result_serializer", end="requantizer")
    yield DiagramWire(start="requantizer", end="polynomial")
    for key, function in (("requantizer", False), ("polynomial", True)):
        jobs = [job for job in plan.jobs if (job.function is not None) is function]
        if any(job.target in plan.places for job in jobs):
            yield DiagramWire(start=key, end="memory", text="results")
        if any(job.to_stream for job in jobs):
            yield DiagramWire(start=key, end="fifo")
    if any(run.kind is Kind.EMIT for run in plan.due.runs):
        yield DiagramWire(start="operand_mux", end="fifo", text="words as stored")
    yield DiagramWire(start="operand_mux", end="argmax")
    yield DiagramWire(start="operand_mux", end="zero_run_counter", text="input of a memory")
    for start, end in zip(
        ("zero_run_counter", "chain_input_fifo", "neurons"),
        (first, "neurons" if "neurons" in boxes else "chain", "chain"),
        strict=True,
    ):
        yield DiagramWire(start=start, end=end)
    yield DiagramWire(start="zero_run_counter", end="ladder")
    mirrors = [m for chain in plan.chains for m in chain.mirrors]
    if any(m is not None and m.target in plan.places for m in mirrors):
        yield DiagramWire(start="chain", end="memory", text="states for the lanes")
    if any(k.mirror is not None and k.mirror.target in plan.places for k in plan.ladders):
        yield DiagramWire(start="ladder", end="memory", text="states for the lanes")
    if any(n.spikes in plan.places for n in plan.spiking):
        yield DiagramWire(start="neurons", end="memory", text="spikes")
    yield DiagramWire(start="sequencer", end="operand_mux", text="commands")
    yield DiagramWire(start="step_controller", end="sequencer", text="start")
    yield DiagramWire(start="fifo", end="o", text=_stream(program, Role.OUTPUT))


def _of_lanes(plan: Schedule, bits: int) -> str:
    return f"{bits} bit" if plan.lanes == 1 else f"{plan.lanes} x {bits} bit"


def _stream(program: Program, role: Role) -> str:
    width, _ = payload_bits(program.with_role(role))
    n = program.n_words(role)
    return f"{n:,} word{'s' if n > 1 else ''}, {width} bit"
