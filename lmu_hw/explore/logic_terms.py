"""Sizes of a design that its logic, flip-flops and clock rate follow from.

Every term is a number of bits, cells or blocks of the schedule; the estimates are sums of terms
times factors, which `benchmarks/estimate_error.py` fits to measured designs.
"""

from __future__ import annotations

import math

from ..measure.synthesis.families import Family, Style, multiplier_units, place
from ..rtl.adaptor import coefficient_widths
from ..rtl.inventory import Storage
from ..rtl.ladder_unit import ladder_widths
from ..rtl.requantizer import fields_of
from ..rtl.state_port import count_width
from ..rtl.weight_fetch import words_in_row
from .design_parts import DesignParts

LUT_MEMORY_WORDS = 16
LUT_MEMORY_BITS = 4
"""Words and bits of a cell of LUT memory."""
ROM_BITS_PER_LUT = 16
GENERATOR_BITS = 32

Terms = dict[str, float]


def logic_terms(parts: DesignParts, family: Family) -> Terms:
    """Return the sizes that LUTs and flip-flops follow from.

    Parameters
    ----------
    parts : DesignParts
    family : Family
        Decides which memories and products are built from logic.

    Returns
    -------
    dict of str to float
        Size by name; every name is there for every design.
    """
    plan, sizes = parts.plan, parts.lane_widths
    lanes = plan.lanes
    sums = 2 if plan.two_sums else 1
    numbers = max(len(plan.jobs), len(plan.feeds), 1)
    command = 12.0 + _bits(plan.rows) + 3 * _bits(lanes) + _bits(numbers)
    soft = [p.widths for p in parts.products if not multiplier_units(family, p.widths)]
    terms: Terms = {
        "one": 1.0,
        "command": command,
        "word": sizes.word,
        "lane_sums": lanes * sizes.total * sums,
        "lane_factors": lanes * (sizes.x + sizes.factor),
        "lane_words": lanes * sizes.word,
        "weight_row": lanes * sizes.weight * words_in_row(len(plan.weights)) if plan.weights else 0,
        "jobs": len(plan.jobs),
        "runs": _bits(sum(len(listing.runs) for listing in plan.listings)),
        "fifo": _bits(plan.fifo_depth) * 3,
        "soft_products": sum(a * b for a, b in soft),
        "port": count_width(plan) if plan.state_port else 0,
    }
    terms |= _memory_terms(parts) | _result_terms(parts)
    return terms | _storage_terms(parts, family)


def clock_terms(parts: DesignParts, family: Family) -> Terms:
    """Return the sizes that the shortest clock period follows from.

    Parameters
    ----------
    parts : DesignParts
    family : Family

    Returns
    -------
    dict of str to float
    """
    plan, sizes = parts.plan, parts.lane_widths
    adaptor, ladder, results = parts.adaptor, parts.ladder, parts.results
    soft = any(not multiplier_units(family, p.widths) for p in parts.products)
    return {
        "one": 1.0,
        "lanes": _bits(plan.lanes),
        "lane_width": max(sizes.x, sizes.factor) / 16 if results is not None else 0.0,
        "sum_width": sizes.total / 16 if results is not None else 0.0,
        "two_sums": float(plan.two_sums),
        "adaptor": adaptor.x / 16 if adaptor is not None else 0.0,
        "ladder": ladder.wave / 16 if ladder is not None else 0.0,
        "dense": float(any(job.gated for job in plan.jobs)),
        "functions": len(plan.functions),
        "memory": sum(map(_bits, (s.depth for s in parts.storages if s.depth > 1024))),
        "soft": float(soft),
    }


def _bits(n: int) -> float:
    """Return the address bits of n words."""
    return float(math.ceil(math.log2(n))) if n > 1 else 0.0


def _memory_terms(parts: DesignParts) -> Terms:
    plan, adaptor, ladder = parts.plan, parts.adaptor, parts.ladder
    terms = dict.fromkeys(
        ("feeds", "queue", "adaptor", "adaptor_product", "adaptor_shift", "ladder"), 0.0
    ) | dict.fromkeys(("ladder_product", "substeps", "spiking", "generators"), 0.0)
    if plan.feeds:
        terms["feeds"] = max(feed.window for feed in plan.feeds).bit_length() + _bits(
            len(plan.feeds)
        )
    if adaptor is not None:
        shift = coefficient_widths(plan)[2]
        terms["queue"] = parts.lane_widths.word if plan.queued else 0.0
        terms["adaptor"] = adaptor.base
        terms["adaptor_product"] = adaptor.x + adaptor.coef
        terms["adaptor_shift"] = (adaptor.x + adaptor.coef) * shift
        terms["spiking"] = adaptor.state if plan.spiking else 0.0
        terms["generators"] = GENERATOR_BITS * sum(n.generators for n in plan.spiking)
    if ladder is not None:
        terms["ladder"] = ladder.wave
        terms["ladder_product"] = (ladder.wave + ladder.coef) * max(1, ladder_widths(plan)[2])
        terms["substeps"] = ladder.wave * any(k.substeps > 1 for k in plan.ladders)
    return terms


def _result_terms(parts: DesignParts) -> Terms:
    plan, results, sizes = parts.plan, parts.results, parts.lane_widths
    terms = dict.fromkeys(("result", "result_shift", "scale", "function", "functions"), 0.0)
    terms["dense_base"] = plan.lanes * sizes.base if any(j.gated for j in plan.jobs) else 0.0
    if results is not None:
        terms["result"] = sizes.total + results.word
        terms["result_shift"] = (sizes.total + results.scale) * fields_of(plan).shift_width
        terms["scale"] = (sizes.total + results.scale) if results.scale else 0.0
        terms["function"] = results.degree * (results.y + results.rest + 2 * results.piece)
        terms["functions"] = (len(plan.functions) - 1) * results.y if plan.functions else 0.0
    return terms


def _storage_terms(parts: DesignParts, family: Family) -> Terms:
    """Return the memories that are built from logic."""
    terms = dict.fromkeys(("lut_memory", "rom_logic", "ram_logic"), 0.0)
    for storage in parts.storages:
        style = place(family, storage).style
        if style is Style.DISTRIBUTED:
            terms["lut_memory"] += lut_cells(storage)
        elif style is Style.LOGIC and storage.writable:
            terms["ram_logic"] += storage.varying * storage.depth
        elif style is Style.LOGIC:
            terms["rom_logic"] += storage.varying * storage.depth / ROM_BITS_PER_LUT
    return terms


def lut_cells(storage: Storage) -> int:
    """Return the cells of a LUT memory.

    Parameters
    ----------
    storage : Storage
    """
    return -(-storage.depth // LUT_MEMORY_WORDS) * -(-storage.varying // LUT_MEMORY_BITS)
