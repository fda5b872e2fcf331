"""Sizes of a pipeline of layers: its multiplications, adders, tables and registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..program.integer_program import Function, Role
from ..rtl.constant_tables import shape_of
from ..rtl.function_width import sum_width
from ..rtl.inventory import Product, Storage
from ..rtl.layers.adder_graph import AdderGraph
from ..rtl.layers.layer_plan import LayerPlan
from ..rtl.layers.layer_stages import (
    ArgmaxStage,
    CopyStage,
    GraphSums,
    LayerStage,
    RowSums,
    SumStage,
    TermSums,
)
from ..rtl.layers.result_shape import (
    LOW_BITS,
    PRODUCT_CYCLES,
    ResultShape,
    product_cycles,
)
from ..rtl.schedule import payload_bits
from .unit_sizes import UnitSizes, written_ram

LUT_TURNS = 16
"""Entries of a table that a LUT holds for each bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A factor of a multiplication.

    Attributes
    ----------
    width : int
        Bits of its signal.
    signed : bool
        Whether its value may be negative.
    own : int or None
        Bits without those that repeat its sign, or the zeros above it. Default: all.
    constant : bool
        It is known.
    """

    width: int
    signed: bool = True
    own: int | None = None
    constant: bool = False

    def above(self, low: int) -> Word:
        """Return the bits from one on."""
        own = (self.width if self.own is None else self.own) - low
        return replace(self, width=self.width - low, own=max(int(self.signed), own))

    def within(self, width: int) -> Word:
        """Return the word in a signal of another width."""
        own = self.width if self.own is None else self.own
        return replace(self, width=width, own=min(own, width))

    def lengths(self, width: int) -> tuple[int, int]:
        """Return its bits among ``width``, read without and with a sign.

        Zeros at the top need not be read without a sign, nor copies of the sign with one.
        """
        own = self.width if self.own is None else self.own
        if self.signed:
            return width, min(own, width)
        return own, min(own + 1, width)


def factor_widths(a: Word, b: Word) -> tuple[int, int]:
    """Return the widths of the factors of a product as Amaranth emits it."""
    width = a.width + b.width
    (a_plain, a_signed), (b_plain, b_signed) = a.lengths(width), b.lengths(width)
    if a.constant or a_plain == 0:
        signed = b_signed < b_plain
    elif b.constant or b_plain == 0:
        signed = a_signed < a_plain
    else:
        signed = a_signed < a_plain == width or b_signed < b_plain == width
    return (a_signed, b_signed) if signed else (a_plain, b_plain)


@dataclass(slots=True, kw_only=True)
class LayerSizes:
    """Sizes of a layer while they are added up; as in `UnitSizes`."""

    products: list[Product] = field(default_factory=list)
    adders: int = 0
    limits: int = 0
    registers: int = 0
    selected: int = 0
    tables: int = 0

    def choose(self, words: int, width: int) -> None:
        """Count a multiplexer of words."""
        self.selected += (words - 1) * width

    def look_up(self, values: Sequence[int]) -> Word:
        """Count a table and the register behind it, unless it is a constant; return its word."""
        shape = shape_of(values)
        if len(set(values)) == 1:
            value = values[0]
            own = value.bit_length() if value >= 0 else (-value - 1).bit_length() + 1
            width = max(1, shape.width)
            return Word(width=width, signed=value < 0, own=own, constant=True)
        self.tables += shape.width * -(-len(values) // LUT_TURNS)
        self.registers += shape.width
        return Word(width=shape.width, signed=shape.signed)

    def multiply(self, name: str, a: Word, b: Word, cycles: int = PRODUCT_CYCLES) -> int:
        """Count a multiplication and its registers; return the bits of the product."""
        widths, bits = factor_widths(a, b), a.width + b.width
        result = bits if bits < sum(widths) else None
        self.products.append(Product(name=name, widths=widths, result=result))
        self.registers += cycles * bits
        return bits

    def multiply_wide(self, name: str, a: Word, b: Word) -> int:
        """Count a product as `split_product` builds it; return its bits."""
        if product_cycles(a.width) == PRODUCT_CYCLES:
            return self.multiply(name, a, b)
        high = self.multiply(name, a.above(LOW_BITS), b)
        low = LOW_BITS if a.signed or a.own is None else min(LOW_BITS, a.own)
        self.multiply(name, Word(width=LOW_BITS, signed=False, own=low), b)
        self.adders += high
        self.registers += a.width + b.width
        return a.width + b.width

    def done(self) -> UnitSizes:
        """Return the sizes."""
        return UnitSizes(
            products=tuple(self.products),
            adders=self.adders,
            limits=self.limits,
            registers=self.registers,
            selected=self.selected,
            tables=self.tables,
        )


def layer_units(plan: LayerPlan) -> Iterator[UnitSizes]:
    """Yield the sizes of the layers."""
    for stage in plan.stages:
        if isinstance(stage, SumStage):
            yield _sum_layer(stage)
        elif isinstance(stage, CopyStage):
            yield _copy_layer(stage)
        else:
            assert isinstance(stage, ArgmaxStage)
            yield _argmax_layer(stage)


def layer_storages(plan: LayerPlan) -> Iterator[Storage]:
    """Yield the columns of the output FIFO."""
    for number, v in enumerate(plan.outputs):
        name = f"output_columns.column_{number}"
        yield written_ram(name, v.fmt.width * v.length, plan.fifo_depth)


def layer_registers(plan: LayerPlan) -> int:
    """Return the bits of the registers beside the layers: inputs, copies, steps, and outputs."""
    kept = {v.name: v for v in plan.inputs}
    kept |= {copy.name: copy for stage in plan.stages for read in stage.reads for copy in read[1:]}
    words = sum(v.fmt.width * v.length for v in kept.values())
    fetched = sum(storage.width for storage in layer_storages(plan))
    shown = plan.n_out * payload_bits(plan.program.with_role(Role.OUTPUT))[0]
    return words + fetched + shown + max(v.time for v in plan.outputs)


def _copy_layer(stage: CopyStage) -> UnitSizes:
    source, target = stage.operands[0], stage.target
    sizes = LayerSizes(registers=target.fmt.width * target.length)
    for _ in range(target.length):
        sizes.adders += source.fmt.width
    sizes.limits = target.fmt.width * target.length
    return sizes.done()


def _argmax_layer(stage: ArgmaxStage) -> UnitSizes:
    source, sizes = stage.operands[0], LayerSizes()
    entry = source.fmt.width + (source.length - 1).bit_length()
    left = source.length
    while left > 1:
        for _ in range(left // 2):
            sizes.adders += source.fmt.width
            sizes.choose(2, entry)
        left = -(-left // 2)
        sizes.registers += left * entry
    return sizes.done()


def _sum_layer(stage: SumStage) -> UnitSizes:
    """Return the sizes of sums, of the lanes behind them, and of the words' registers."""
    sizes, seen = LayerSizes(), set()
    found: list[Word] = []
    for number, sums in enumerate(stage.sums):
        if isinstance(sums, RowSums):
            # groups of rows with the same turns have one multiplexer, and pass its words on
            words = sums.columns[0], sums.folded.fold
            if words not in seen:
                seen.add(words)
                sizes.selected += (sums.folded.fold - 1) * sums.operand_width * sums.multipliers
            sizes.registers += sums.operand_width * sums.multipliers
            found.append(_row_sums(sizes, sums, f"layers.{stage.name}.rows_{number}"))
        elif isinstance(sums, GraphSums):
            found += _graph_sums(sizes, sums.graph)
        else:
            name = f"layers.{stage.name}.terms_{number}"
            found.append(_term_sums(sizes, sums, stage, name))
    for number, lane in enumerate(stage.lanes):
        total = Word(width=lane.total_width)
        if not lane.picks:
            total = found[lane.turns.sources[0]].within(lane.total_width)
        _lane(sizes, lane, total, f"layers.{stage.name}.lane_{number}")
    last = max(lane.first + lane.latency for lane in stage.lanes)
    sizes.registers += stage.target.fmt.width * stage.target.length + last - stage.begin
    return sizes.done()


def _row_sums(sizes: LayerSizes, sums: RowSums, name: str) -> Word:
    """Count the multipliers of some rows, the tree behind them, and the accumulator."""
    widest, level = sums.peak.bit_length() + 1, []
    for multiplier in range(sums.multipliers):
        weight = sizes.look_up(sums.turn_weights(multiplier))
        level.append(sizes.multiply(name, Word(width=sums.operand_width), weight))
    while len(level) > 1:
        pairs = [level[k : k + 2] for k in range(0, len(level), 2)]
        level = [min(widest, max(pair) + len(pair) - 1) for pair in pairs]
        for bits, pair in zip(level, pairs, strict=True):
            sizes.registers += bits
            if len(pair) == 2:
                sizes.adders += bits
    if sums.turns:
        sizes.adders += widest
        sizes.registers += 2 * widest
        return Word(width=widest)
    return Word(width=level[0])


def _graph_sums(sizes: LayerSizes, graph: AdderGraph) -> Iterator[Word]:
    """Count the adders of a graph, and the registers in which its values wait for their use."""
    words = len(graph.ranges)
    shapes = [shape_of(ends) for ends in graph.node_ranges]
    widths = [shape.width for shape in shapes]
    last = [graph.stage(node) for node in range(len(widths))]
    for node, adder in enumerate(graph.adders, words):
        # the lowest bits of the word that is not shifted pass by
        sizes.adders += widths[node] - max(adder.a_shift, adder.b_shift)
        for used in (adder.a, adder.b):
            last[used] = max(last[used], graph.stage(node) - 1)
    for output in graph.outputs:
        if output.node >= 0:
            last[output.node] = max(last[output.node], graph.latency)
    for node, width in enumerate(widths):
        first = graph.stage(node) - (node >= words)
        sizes.registers += width * (last[node] - first)
    for output in graph.outputs:
        if output.node < 0:
            yield Word(width=1, own=0, signed=False)
            continue
        shape = shapes[output.node]
        yield Word(width=shape.width + output.shift, signed=shape.signed)


def _term_sums(sizes: LayerSizes, sums: TermSums, stage: LayerStage, name: str) -> Word:
    """Count the words that a sum is made of, and its products and adders."""
    words = [Word(width=v.fmt.width, signed=v.fmt.signed) for v in stage.operands]
    for word in words:
        sizes.choose(len(sums.words), word.width)
        sizes.registers += word.width
    for term in sums.terms:
        if term.b is not None:
            sizes.multiply(name, words[term.a], words[term.b], 1)
        elif sums.multiplies:
            sizes.registers += words[term.a].width
    widest = sums.peak.bit_length() + 1
    for _ in sums.terms[1:]:
        sizes.adders += widest
    sizes.registers += widest * (len(sums.terms) > 1)
    return Word(width=widest)


def _lane(sizes: LayerSizes, lane: ResultShape, total: Word, name: str) -> None:
    """Count what turns sums into words."""
    if lane.picks:
        sizes.choose(len(lane.turns.turns), total.width)
        sizes.registers += total.width
    if lane.scales:
        sizes.multiply_wide(name, total, sizes.look_up(lane.factors))
    sizes.look_up(lane.constants)
    sizes.adders += lane.exact_width
    sizes.registers += lane.exact_width - lane.shift + lane.fmt.width
    sizes.limits += lane.fmt.width
    if lane.function is not None:
        _function(sizes, lane.function, f"{name}.piece_function")
        sizes.limits += lane.out_fmt.width
        sizes.registers += lane.out_fmt.width
    sizes.registers += lane.wait * lane.out_fmt.width


def _function(sizes: LayerSizes, function: Function, name: str) -> None:
    """Count the tables of the coefficients, and a product and a sum for each degree."""
    degree, rest = len(function.shifts), Word(width=function.rest_bits, signed=False)
    width = sum_width(function)
    cycles = product_cycles(width)
    coefs = [sizes.look_up([p[j] for p in function.pieces]) for j in range(degree + 1)]
    # those that are the same for all pieces need no registers
    kept = [0 if c.constant else c.width for c in coefs]
    y = coefs[-1].within(width)
    sizes.registers += rest.width
    for j in reversed(range(degree)):
        sizes.multiply_wide(name, y, rest)
        sizes.adders += width
        y = Word(width=width)
        # lower coefficients and the argument wait for the product
        waiting = sum(kept[: j + 1]) * cycles + sum(kept[:j])
        sizes.registers += width + waiting + rest.width * (cycles + 1) * (j > 0)
