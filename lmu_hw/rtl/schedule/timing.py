"""How many cycles everything takes: the one place where the pipelines' lengths are written down.

A run's word in cycle t of the step passes these stages, one cycle each:

    issue t | read t+1 | word t+2 | operand t+3
    product t+4 | accumulate t+5 | total t+6 | drain t+7

The accumulated sums move together to the drain, which hands one over every ``interval`` cycles,
or adds them up first where all lanes worked on one row. A result then passes

    bias 1 | scale 0 or more | shift 1 | round 1 | limit 1 | write

and, where the operation has a function, from "limit" on

    piece 1 | fetch 1 | (multiply ``interval`` at most | add 1) for each degree | limit 1 | write
"""

from __future__ import annotations

from dataclasses import dataclass

from ...program.integer_program import Function, Linear, Program

DRAIN = 7
"""Cycles from the issue of a sum's last word to its arrival in the drain."""

FEED = 4
"""Cycles from the issue of a memory's input word to its arrival at the chain."""

COUNT = 4
"""Cycles that a silence counter takes."""

LEAVE = 4
"""Cycles from the arrival of a word at the output FIFO to when its place there is free again."""

QUEUE = 6
"""More cycles to the chain where inputs of several channels queue for it."""

WINDOW = 4
"""Cycles from the chain word of one section to that of the next."""

BESIDE = 2
"""Cycles from a chain's work for one channel to the same for the channel beside it."""

INDEX_GAP = 2
"""Idle cycles between the last word compared and the use of the index."""

SUM_TURNS = 4
"""Most cycles in which the sums of all lanes are added."""

BESIDE_LANES = 4.0
"""What the rest of a design is about as large as [lanes]."""
LANE_BITS = 16
"""Bits of the narrower factor of a lane's multiplier, or a device's."""

OUTER, INNER = 0, 1
"""The two ports' places in what is said of a chain's states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the pipelines' lengths depend on.

    Parameters
    ----------
    lanes, interval : int
    scale_bits : int
        Width of the rows' multipliers; 0 where there are none.
    degree : int
        Highest degree of the functions.
    rest_bits : int
        Widest argument within a piece; 0 where there are no functions.
    """

    lanes: int
    interval: int
    scale_bits: int
    degree: int
    rest_bits: int

    @property
    def scale_cycles(self) -> int:
        """Cycles of the multiplication by a row's multiplier."""
        return turns(self.scale_bits, self.interval)

    @property
    def area(self) -> float:
        """Multipliers of the lanes and behind them, in lanes, and what stands beside them."""
        behind = digit(self.scale_bits, self.interval)
        behind += self.degree * digit(self.rest_bits, self.interval)
        return BESIDE_LANES + self.lanes + behind / LANE_BITS

    @property
    def step_cycles(self) -> int:
        """Cycles of one degree of a function."""
        return turns(self.rest_bits, self.interval) + 1

    def sum_cycles(self, *, one_row: bool) -> int:
        """Return the cycles from the arrival in the drain to the first result handed over."""
        return sum_turns(self.lanes) if one_row else 0

    def result_cycles(self, *, function: bool) -> int:
        """Return the cycles from a result handed over by the drain to its write."""
        plain = 5 + self.scale_cycles
        return plain + 3 + self.degree * self.step_cycles if function else plain

    def drain_cycles(self, results: int, *, one_row: bool) -> int:
        """Return the cycles from the end of one sum to the soonest end of the next one."""
        return max(sum_turns(self.lanes) + 1, self.interval) if one_row else results * self.interval


def addends(lanes: int) -> int:
    """Return how many lanes' sums are added in a cycle where all worked on one row."""
    return -(-lanes // SUM_TURNS)


def sum_turns(lanes: int) -> int:
    """Return the cycles in which the sums of all lanes are added."""
    return -(-lanes // addends(lanes))


def digit(bits: int, interval: int) -> int:
    """Return the bits of a factor that are used in a cycle."""
    return -(-bits // interval)


def turns(bits: int, interval: int) -> int:
    """Return the cycles in which a factor of ``bits`` bits is used up, ``interval`` at most."""
    if bits == 0:
        return 0
    return -(-bits // digit(bits, interval))


def pace(program: Program, lanes: int, interval: int) -> Pace:
    """Return the pace of a program's hardware."""
    functions = functions_of(program)
    most = max(
        (m for op in program.ops if isinstance(op, Linear) for m in op.multipliers), default=1
    )
    return Pace(
        lanes=lanes,
        interval=interval,
        scale_bits=most.bit_length() if most > 1 else 0,
        degree=max((len(f.shifts) for f in functions), default=0),
        # without a degree nothing is multiplied
        rest_bits=max((f.rest_bits for f in functions), default=0),
    )


def functions_of(program: Program) -> tuple[Function, ...]:
    """Return every function of a program, each once."""
    found = (getattr(op, "function", None) for op in program.ops)
    return tuple(dict.fromkeys(f for f in found if f is not None))


@dataclass(frozen=True, slots=True)
class ChainWrite:
    """When a chain writes the mirror of a state, from the issue of its input word on."""

    cycle: int
    port: int
    index: int


def chain_writes(sections: tuple[tuple[tuple[int, int], ...], ...]) -> list[ChainWrite]:
    """Return the mirror writes of a chain in order.

    Window 0 rounds the input word; section k's adaptor on the chain starts with window k + 1, its
    inner one a cycle and a window later; results are there a window and a cycle after that, a
    mirror's word one more cycle later.
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


def chain_cycles(sections: tuple[tuple[tuple[int, int], ...], ...], *, paired: bool) -> int:
    """Return the cycles from the start of a chain to when it can start again."""
    last = max((write.cycle for write in chain_writes(sections)), default=0)
    return max(COUNT, last + 1 - FEED) + BESIDE * paired
