"""The hardware that a program can have, from which a rate chooses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..errors import ScheduleError
from ..measure.synthesis.devices import Device
from ..program.integer_program import Program
from ..rtl.hardware_plan import hardware_plan
from ..rtl.layer_style import Layers
from ..rtl.networks.network_split import NetworkSplit, split_network
from ..rtl.options import (
    MAX_LANES,
    MAX_PIPELINE,
    MAX_SECTIONS_PER_MULTIPLIER,
    MIN_PIPELINE,
    MIN_RING_PIPELINE,
    Hardware,
)
from ..rtl.parallel.cascade_plan import cascade_of, why_not_parallel
from ..rtl.parallel_style import Parallel
from ..rtl.streams import Streams
from .estimates import estimate

LANES = tuple(1 << k for k in range(MAX_LANES.bit_length()))
"""Numbers of lanes: 1, 2, 4 .. 64."""
MOST_WEIGHTS = 1024
"""Weights of the largest layers that are tried as graphs of adders: more take minutes to search."""


def rate_candidates(
    base: Hardware, program: Program, target: Device, proven: frozenset[str], *, shared_only: bool
) -> Iterator[Hardware]:
    """Yield the hardware that a program may have; plans may still refuse some.

    Parameters
    ----------
    base : Hardware
        Streams and state port.
    program : Program
    target : Device
        Networks take memories that no other one beats there.
    proven : frozenset of str
        As in `hardware_plan`.
    shared_only : bool
        Shared multipliers alone.
    """
    for lanes in LANES:
        yield replace(base, lanes=lanes)
    if shared_only or base.streams is not Streams.PLAIN:
        return
    if why_not_parallel(program, Parallel.RING) is None:
        yield from _memories(base, program)
        return
    try:
        split = split_network(program, Parallel.RING)
    except ScheduleError:
        return
    every_step = program.output_every == 1
    for memory in _unbeaten(base, split, target, proven):
        if every_step:
            yield replace(memory, layers=Layers.PIPELINED)
        if every_step and split.layers.multiplies_per_step <= MOST_WEIGHTS:
            yield replace(memory, layers=Layers.ADDERS)
        for lanes in LANES:
            yield replace(memory, layers=Layers.LANES, lanes=lanes)


def _memories(base: Hardware, memory: Program) -> Iterator[Hardware]:
    """Yield the hardware of a memory beside shared multipliers."""
    for pipeline in range(MIN_RING_PIPELINE, MAX_PIPELINE + 1):
        ring = replace(base, parallel=Parallel.RING, pipeline=pipeline)
        for sections in shares(len(cascade_of(memory).sections)):
            yield replace(ring, sections_per_multiplier=sections)
    for pipeline in range(MIN_PIPELINE, MAX_PIPELINE + 1):
        yield replace(base, parallel=Parallel.FULL, pipeline=pipeline)


def _unbeaten(
    base: Hardware, split: NetworkSplit, target: Device, proven: frozenset[str]
) -> list[Hardware]:
    """Return the hardware of a network's memory that fits; none is both faster and cheaper."""
    found = []
    for hardware in _memories(base, split.memory):
        plan = hardware_plan(split.memory, hardware, proven | split.raw)
        figures = estimate(split.memory, plan, target)
        if figures.fits:
            cost = figures.share, figures.luts
            found.append((-(figures.steps_per_second or 0.0), cost, hardware))
    best: list[Hardware] = []
    least: tuple[float, int] | None = None
    for _, cost, hardware in sorted(found, key=lambda entry: entry[:2]):
        if least is None or cost < least:
            least = cost
            best.append(hardware)
    return best


def shares(n: int) -> list[int]:
    """Return the most of n sections that a multiplier has, for each number of multipliers.

    Examples
    --------
    >>> shares(8)
    [1, 2, 3, 4, 8]
    """
    found = {-(-n // multipliers) for multipliers in range(1, n + 1)}
    return sorted(most for most in found if most <= MAX_SECTIONS_PER_MULTIPLIER)
