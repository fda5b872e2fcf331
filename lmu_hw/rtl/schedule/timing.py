"""Lengths of all pipelines: the one place where they are defined.

A command issued in cycle t of the step passes these stages, one cycle each:

    issue t | read t+1 | word t+2 | operand t+3
    product t+4 | accumulate t+5 | total t+6 | serialize t+7

The result serializer loads the sums of all lanes together and outputs one every ``interval``
cycles; if all lanes computed one row, it adds their sums first. A result then passes

    bias 1 | scale 0 or more | shift 1 | round 1 | limit 1 | write

and, if the operation has a function, after "limit"

    piece 1 | fetch 1 | (multiply ``interval`` at most | add 1) for each degree | limit 1 | write
"""

from __future__ import annotations

from dataclasses import dataclass

from ...program.integer_program import Function, Linear, Program

SERIALIZE = 7
"""Cycles from the issue of a sum's last word to its load into the result serializer."""

PRODUCT = 4
"""Cycles from the issue of a word to the cycle in which the lanes multiply it."""

FEED = 4
"""Cycles from the issue of a memory's input word to its arrival at the chain."""

COUNT = 4
"""Cycles from the input of a zero-run counter to the next input of any counter."""

LEAVE = 4
"""Cycles from the write of a word to the output FIFO until its space is free again."""

QUEUE = 6
"""Latency of the chain's input FIFO, in programs with several channels."""

WINDOW = 4
"""Cycles from the chain word of one section to that of the next."""

SETTLE = 4
"""Cycles from the result of a section to the write of a state, in programs with neurons: the rest
of the state that did not travel as spikes is read and added."""

CHANNEL_OFFSET = 2
"""Cycles from a chain's operation for the first channel to the same for the second one."""

INDEX_GAP = 2
"""Idle cycles between the last comparison and the use of the argmax index."""

SUM_TURNS = 4
"""Most cycles for adding the sums of all lanes."""

OVERHEAD_LANES = 4.0
"""Approximate area of the rest of a design [lanes]."""
LANE_BITS = 16
"""Width of the narrower factor of a lane's multiplier, or of a hard multiplier."""

OUTER, INNER = 0, 1
"""Indices of the two ports in pairs such as `ChainPlan.mirrors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineTiming:
    """Parameters that determine the lengths of the pipelines.

    Parameters
    ----------
    lanes, interval : int
    scale_bits : int
        Width of the requantizer's scale factors; 0 without any.
    degree : int
        Highest degree of the functions' polynomials.
    rest_bits : int
        Width of the widest argument within a piece; 0 without functions.
    """

    lanes: int
    interval: int
    scale_bits: int
    degree: int
    rest_bits: int

    @property
    def scale_cycles(self) -> int:
        """Cycles of the multiplication by a scale factor."""
        return turns(self.scale_bits, self.interval)

    @property
    def area(self) -> float:
        """Approximate area of a design [lanes]: its multipliers, and a constant for the rest."""
        behind = digit(self.scale_bits, self.interval)
        behind += self.degree * digit(self.rest_bits, self.interval)
        return OVERHEAD_LANES + self.lanes + behind / LANE_BITS

    @property
    def step_cycles(self) -> int:
        """Cycles for one degree of a function's polynomial."""
        return turns(self.rest_bits, self.interval) + 1

    def sum_cycles(self, *, one_row: bool) -> int:
        """Return the cycles from the load of the result serializer to its first result."""
        return sum_turns(self.lanes) if one_row else 0

    def result_cycles(self, *, function: bool) -> int:
        """Return the cycles from the result serializer's output to the write of the result."""
        plain = 5 + self.scale_cycles
        return plain + 3 + self.degree * self.step_cycles if function else plain

    def serializer_cycles(self, results: int, *, one_row: bool) -> int:
        """Return the fewest cycles from the end of one sum to the end of the next one."""
        return max(sum_turns(self.lanes) + 1, self.interval) if one_row else results * self.interval


def addends(lanes: int) -> int:
    """Return how many partial sums of one row are added per cycle."""
    return -(-lanes // SUM_TURNS)


def sum_turns(lanes: int) -> int:
    """Return the cycles for adding the partial sums of all lanes."""
    return -(-lanes // addends(lanes))


def digit(bits: int, interval: int) -> int:
    """Return the bits of a factor that a digit-serial multiplier uses per cycle."""
    return -(-bits // interval)


def turns(bits: int, interval: int) -> int:
    """Return the cycles of a digit-serial multiplication by ``bits`` bits, at most ``interval``."""
    if bits == 0:
        return 0
    return -(-bits // digit(bits, interval))


def pipeline_timing(program: Program, lanes: int, interval: int) -> PipelineTiming:
    """Return the pipeline timing of a program's hardware."""
    functions = functions_of(program)
    most = max(
        (m for op in program.ops if isinstance(op, Linear) for m in op.multipliers), default=1
    )
    return PipelineTiming(
        lanes=lanes,
        interval=interval,
        scale_bits=most.bit_length() if most > 1 else 0,
        degree=max((len(f.shifts) for f in functions), default=0),
        # functions of degree 0 need no multiplication
        rest_bits=max((f.rest_bits for f in functions), default=0),
    )


def functions_of(program: Program) -> tuple[Function, ...]:
    """Return the distinct functions of a program."""
    found = (getattr(op, "function", None) for op in program.ops)
    return tuple(dict.fromkeys(f for f in found if f is not None))


@dataclass(frozen=True, slots=True)
class ChainWrite:
    """The write of a state's mirror; ``cycle`` counts from the issue of the memory's input."""

    cycle: int
    port: int
    index: int


def chain_writes(sections: tuple[tuple[tuple[int, int], ...], ...]) -> list[ChainWrite]:
    """Return the mirror writes of a chain in order.

    Window 0 rounds the input word. The outer or real adaptor of section k starts with window k + 1,
    its inner adaptor a window and a cycle later. A result is written a window and a cycle after its
    start, and its mirror one cycle later.
    """
    start = FEED + 2
    writes = []
    pair = index = 0
    for k, section in enumerate(sections):
        if not section:
            continue
        window = start + WINDOW * (k + 2)
        if len(section) == 2:
            writes.append(ChainWrite(window + WINDOW + 2, INNER, index))
            writes.append(ChainWrite(window + WINDOW + 3, OUTER, pair))
            pair += 1
        else:
            writes.append(ChainWrite(window + 1, INNER, index))
        index += 1
    return writes


@dataclass(frozen=True, slots=True)
class NeuronTiming:
    """Cycles from the read of a state, in its last cycle, to the write of what follows from it.

    Parameters
    ----------
    store : int
        The word that the sections read in place of the state.
    total : int
        The spikes of a channel, after its last state.
    """

    store: int
    total: int


INTEGRATE = NeuronTiming(store=7, total=7)
"""Timing of integrate-and-fire neurons."""
POISSON = NeuronTiming(store=11, total=9)
"""Timing of Poisson neurons."""
PASS = 2
"""Cycles from the input of a memory with neurons to the read of its first state."""
AHEAD = 2
"""Cycles from the start of a chain to the one before its first read."""


def ladder_writes(order: int, substeps: int) -> list[int]:
    """Return the cycle in which each state's mirror is written, from the issue of the input.

    The ladder starts a window after its input arrives. A substep takes a window for each of its d +
    1 products, and one to turn. A new state is computed at the end of the window of an even
    section, and in the first cycle after it for the odd section to its right; written one cycle
    later, and its mirror another cycle later.
    """
    start = FEED + WINDOW + (substeps - 1) * WINDOW * (order + 2)
    to_the_left = order // 2 + 1
    return [start + WINDOW * (to_the_left + i // 2 + 1) + 1 + i % 2 for i in range(order)]


def ladder_cycles(order: int, substeps: int) -> int:
    """Return the cycles from the start of a ladder until it can start again."""
    return ladder_writes(order, substeps)[-1] + 1 - FEED


def chain_cycles(sections: tuple[tuple[tuple[int, int], ...], ...], *, paired: bool) -> int:
    """Return the cycles from the start of a chain until it can start again."""
    last = max((write.cycle for write in chain_writes(sections)), default=0)
    return max(COUNT, last + 1 - FEED) + CHANNEL_OFFSET * paired
