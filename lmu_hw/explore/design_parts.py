"""Memories and multiplications of a design, from its schedule alone.

`lmu_hw.rtl.inventory` counts them in the elaborated hardware, which takes seconds. Here their
sizes come from the schedule, and ROMs from their contents; a test compares both on every kind of
design.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..program.integer_program import Ladder, Role, Spiking
from ..rtl.adaptor import LOW_BITS, coefficient_widths, formats_of
from ..rtl.block_memories import RomContents
from ..rtl.constant_tables import signed_width
from ..rtl.function_width import sum_width
from ..rtl.inventory import Product, Storage
from ..rtl.ladder_unit import ladder_contents, ladder_widths
from ..rtl.lane import low_bits_of
from ..rtl.lane_widths import LaneWidths, widths
from ..rtl.multiplier import FEW_BITS
from ..rtl.neuron_levels import neuron_contents
from ..rtl.polynomial import piece_contents
from ..rtl.requantizer import param_contents
from ..rtl.schedule import Schedule, payload_bits, pipeline_timing
from ..rtl.schedule.timing import digit, turns
from ..rtl.section_fetch import section_contents
from ..rtl.sequencer import control_contents
from ..rtl.state_port import count_width
from ..rtl.weight_fetch import words_in_row


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptorWidths:
    """Widths of a chain's adaptor [bits].

    Attributes
    ----------
    x, coef : int
        Factors of its product.
    base : int
        Words that the product is added to.
    state : int
        Word of the state RAM.
    """

    x: int
    coef: int
    base: int
    state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderWidths:
    """Widths of a ladder's unit [bits]: its waves, coefficients and states."""

    wave: int
    coef: int
    coef_signed: bool
    state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWidths:
    """Widths behind the lanes [bits].

    Attributes
    ----------
    word : int
        Requantized word.
    scale : int
        Factor of the requantizer; 0 without one.
    rest, y : int
        Factors of a function's product; 0 without functions.
    degree : int
        Products of a function.
    piece : int
        Coefficient of a function.
    """

    word: int
    scale: int
    rest: int
    y: int
    degree: int
    piece: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignParts:
    """Memories and multiplications of a design, and the widths that decide its logic.

    Attributes
    ----------
    plan : Schedule
    lane_widths : LaneWidths
    storages : tuple of Storage
    products : tuple of Product
    adaptor : AdaptorWidths or None
        Of a cascade.
    ladder : LadderWidths or None
    results : ResultWidths or None
    """

    plan: Schedule
    lane_widths: LaneWidths
    storages: tuple[Storage, ...]
    products: tuple[Product, ...]
    adaptor: AdaptorWidths | None
    ladder: LadderWidths | None
    results: ResultWidths | None


def design_parts(plan: Schedule) -> DesignParts:
    """Return the memories and multiplications of a design.

    Parameters
    ----------
    plan : Schedule

    Returns
    -------
    DesignParts
    """
    sizes = widths(plan)
    adaptor = _adaptor_widths(plan) if plan.chains else None
    ladder = _ladder_widths(plan) if plan.ladders else None
    results = _result_widths(plan) if plan.jobs else None
    storages = (
        *_of_words(plan, sizes),
        *_of_memories(plan, sizes, adaptor, ladder),
        *_of_results(plan, sizes),
    )
    return DesignParts(
        plan=plan,
        lane_widths=sizes,
        storages=storages,
        products=tuple(_products(plan, sizes, adaptor, ladder, results)),
        adaptor=adaptor,
        ladder=ladder,
        results=results,
    )


def _adaptor_widths(plan: Schedule) -> AdaptorWidths:
    formats = [formats_of(plan.program, plan.program.ops[chain.op]) for chain in plan.chains]
    words = [fmt for f in formats for fmt in f.all]
    grid = max(fmt.frac_bits for f in formats for fmt in (*f.all, f.source))
    aligned = max(signed_width(fmt) + grid - fmt.frac_bits for fmt in words)
    sources = [signed_width(f.source) + grid - f.source.frac_bits for f in formats]
    return AdaptorWidths(
        x=aligned + 1,
        coef=coefficient_widths(plan)[0],
        base=max(aligned + 2, *sources),
        state=max(map(signed_width, words)),
    )


def _ladder_widths(plan: Schedule) -> LadderWidths:
    vector = plan.program.vector
    ops = [op for k in plan.ladders if isinstance(op := plan.program.ops[k.op], Ladder)]
    waves = [vector(op.state).fmt for op in ops]
    stored = [vector(op.source).fmt for op in ops if op.previous]
    coef, _, _ = ladder_widths(plan)
    return LadderWidths(
        wave=max(fmt.width for fmt in waves),
        coef=coef.width,
        coef_signed=coef.signed,
        state=max(signed_width(fmt) for fmt in (*waves, *stored)),
    )


def _result_widths(plan: Schedule) -> ResultWidths:
    timing = pipeline_timing(plan.program, plan.lanes, plan.interval)
    shaped = any(job.function is not None for job in plan.jobs)
    return ResultWidths(
        word=max(signed_width(job.fmt) for job in plan.jobs),
        scale=timing.scale_bits,
        rest=timing.rest_bits if shaped else 0,
        y=max(map(sum_width, plan.functions)) if shaped else 0,
        degree=timing.degree if shaped else 0,
        piece=piece_contents(plan, "").width // (timing.degree + 1) if shaped else 0,
    )


def _address_bits(n: int) -> int:
    return (n - 1).bit_length()


def _ram(name: str, width: int, depth: int) -> Storage:
    return Storage(name=name, width=width, depth=depth, varying=width, writable=True)


def _rom(name: str, contents: RomContents) -> Iterator[Storage]:
    """Yield a ROM, unless its contents need no memory."""
    if contents.is_memory:
        width, depth = contents.width, len(contents.words)
        ones = zeros = 0
        for word in contents.words:
            ones, zeros = ones | word, zeros | ~word
        varying = bin(ones & zeros & ((1 << width) - 1)).count("1")
        yield Storage(name=name, width=width, depth=depth, varying=varying, writable=False)


def _of_words(plan: Schedule, sizes: LaneWidths) -> Iterator[Storage]:
    """Yield the control ROM, the lanes' memory and the output FIFO."""
    yield from _rom("sequencer.control", control_contents(plan, ""))
    for lane in range(plan.lanes):
        yield _ram(f"memory.bank_{lane}", sizes.word, plan.rows)
    yield _ram("fifo.words", payload_bits(plan.program.with_role(Role.OUTPUT))[0], plan.fifo_depth)


def _of_memories(
    plan: Schedule, sizes: LaneWidths, adaptor: AdaptorWidths | None, ladder: LadderWidths | None
) -> Iterator[Storage]:
    """Yield the counters of zero runs, and the memories of chains, neurons and ladders."""
    if plan.feeds:
        state = count_width(plan) if plan.state_port else 0
        count = max(max(feed.window for feed in plan.feeds).bit_length(), state)
        depth = 1 << max(1, _address_bits(len(plan.feeds)))
        yield _ram("zero_run_counter.counts", count + 1, depth)
    if adaptor is not None:
        depth = max(2, sum(f.states for f in plan.feeds if f.chain is not None))
        if plan.queued:
            # a word, its feed, whether it is paired, and its zero-run flag
            entry = sizes.word + _address_bits(len(plan.feeds)) + 2
            waiting = 1 << max(1, _address_bits(len(plan.feeds) + 1))
            yield _ram("chain_input_fifo.waiting", entry, waiting)
        yield from _of_neurons(plan, adaptor.state, depth)
        yield from _rom("chain.section_fetch.sections", section_contents(plan, ""))
        yield _ram("chain.states", adaptor.state, depth)
    if ladder is not None:
        depth = max(2, sum(f.states for f in plan.feeds if f.ladder is not None))
        yield _ram("ladder.states", ladder.state, depth)
        yield from _rom("ladder.sections", ladder_contents(plan, ""))
        # the words of the way left
        pairs = max(k.order // 2 for k in plan.ladders) + 1
        yield _ram("ladder.waves", 3 * ladder.wave + 5, max(2, pairs))


def _of_neurons(plan: Schedule, state_width: int, depth: int) -> Iterator[Storage]:
    if not plan.spiking:
        return
    ops = [plan.program.ops[c.op] for c in plan.chains if c.neurons is not None]
    vector = plan.program.vector
    kept = [vector(op.membrane) for op in ops if isinstance(op, Spiking) and op.membrane]
    yield from _rom("neurons.neuron_pass.levels", neuron_contents(plan, ""))
    if kept:
        length = max(2, sum(v.length for v in kept))
        yield _ram("neurons.membranes", max(v.fmt.width for v in kept), length)
    yield _ram("chain.residue_adder.residues", state_width + 1, depth)


def _of_results(plan: Schedule, sizes: LaneWidths) -> Iterator[Storage]:
    """Yield the ROMs of weights, parameters and functions."""
    if not plan.jobs:
        return
    if plan.weights:
        yield from _weights(plan, sizes.weight)
    yield from _rom("requantizer.params", param_contents(plan, ""))
    if plan.functions:
        yield from _rom("polynomial.pieces", piece_contents(plan, ""))


def _weights(plan: Schedule, width: int) -> Iterator[Storage]:
    in_row = words_in_row(len(plan.weights))
    depth = -(-len(plan.weights) // in_row)
    if depth < 2:
        return
    words: npt.NDArray[np.int64] = np.zeros((depth * in_row, plan.lanes), dtype=np.int64)
    words[: len(plan.weights)] = plan.weights
    rows = (words & ((1 << width) - 1)).reshape(depth, -1)
    changes = np.bitwise_or.reduce(rows, axis=0) & ~np.bitwise_and.reduce(rows, axis=0)
    varying = sum(bin(int(bits)).count("1") for bits in changes)
    yield Storage(
        name="weight_fetch.weight_rom",
        width=width * plan.lanes * in_row,
        depth=depth,
        varying=varying,
        writable=False,
    )


def _products(
    plan: Schedule,
    sizes: LaneWidths,
    adaptor: AdaptorWidths | None,
    ladder: LadderWidths | None,
    results: ResultWidths | None,
) -> Iterator[Product]:
    if adaptor is not None:
        yield from _wide("chain.adaptor", adaptor.x, adaptor.coef)
    if ladder is not None:
        yield from _wide("ladder.three_port", ladder.wave + 1, ladder.coef, ladder.coef_signed)
    if results is None:
        return
    for lane in range(plan.lanes):
        low = low_bits_of(sizes.x)
        yield Product(name=f"lane_{lane}", widths=(sizes.x - low, sizes.factor))
        if low:
            yield Product(name=f"lane_{lane}", widths=(low + 1, sizes.factor))
    yield from _digits("requantizer.scale", sizes.total, results.scale, plan.interval)
    for degree in reversed(range(results.degree)):
        # in a single turn the first product takes a coefficient as it is
        whole = degree == results.degree - 1 and turns(results.rest, plan.interval) == 1
        y = min(results.piece, results.y) if whole else results.y
        yield from _digits(f"polynomial.degree_{degree}", y, results.rest, plan.interval)


def _wide(name: str, x: int, coef: int, coef_signed: bool = False) -> Iterator[Product]:
    """Yield the products of a coefficient: two where the other factor is wide."""
    low = LOW_BITS if x > LOW_BITS + 1 else 0
    # a factor without a sign takes a bit more beside one with a sign
    yield Product(name=name, widths=(x - low, coef + (not coef_signed)))
    if low:
        yield Product(name=name, widths=(low + coef_signed, coef))


def _digits(name: str, x: int, bits: int, interval: int) -> Iterator[Product]:
    """Yield the product of a digit-serial multiplier, unless it is built from adders."""
    if bits and (one := digit(bits, interval)) > FEW_BITS:
        yield Product(name=name, widths=(x, one + 1))
