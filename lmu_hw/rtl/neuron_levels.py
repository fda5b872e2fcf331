"""What distinguishes the states that travel as spikes: the LSBs for a spike, and a format."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value

from .adaptor import formats_of
from .block_memories import RomContents
from .constant_tables import lookup, saturated
from .schedule import NeuronPlan, Schedule


@dataclass(frozen=True, slots=True)
class Level:
    """Constants of a state.

    Attributes
    ----------
    neurons : int
        Index into the schedule's neurons.
    quantum : int
        Log2 of the LSBs for a spike.
    full : int
        Log2 of the LSBs at which all neurons of a sign fire.
    width : int
        Bits of the state.
    """

    neurons: int
    quantum: int
    full: int
    width: int


def state_levels(plan: Schedule) -> tuple[list[Level], list[int], list[bool]]:
    """Return the distinct levels, and for each state of all neurons its level and whether outer."""
    chosen: list[Level] = []
    outer: list[bool] = []
    chains = [chain for chain in plan.chains if chain.neurons is not None]
    for number, (chain, neurons) in enumerate(zip(chains, plan.spiking, strict=True)):
        f = formats_of(plan.program, plan.program.ops[chain.op])
        for quantum, is_outer in neurons.states:
            width = (f.outer if is_outer else f.inner).width
            chosen.append(Level(number, quantum, quantum + neurons.population, width))
            outer.append(is_outer)
    distinct = list(dict.fromkeys(chosen))
    return distinct, [distinct.index(level) for level in chosen], outer


def neuron_contents(plan: Schedule, file: str) -> RomContents:
    """Return the ROM of the states: its level, above a bit that is set for an outer state."""
    distinct, chosen, outer = state_levels(plan)
    width = (len(distinct) - 1).bit_length() + 1
    words = tuple(level << 1 | is_outer for level, is_outer in zip(chosen, outer, strict=True))
    return RomContents(width=width, words=words, file=file)


def own_levels(levels: list[Level], plan: Schedule, neurons: list[NeuronPlan]) -> list[Level]:
    """Return the levels with those of other neurons replaced: they do not matter."""
    mine = [plan.spiking[level.neurons] in neurons for level in levels]
    first = levels[mine.index(True)]
    return [level if own else first for level, own in zip(levels, mine, strict=True)]


def pipeline(
    m: Module, value: Value, cycles: int, name: str, *, reset_less: bool = True
) -> list[Value]:
    """Return a value and its delays by 1 to ``cycles`` cycles."""
    stages = [value]
    for number in range(1, cycles + 1):
        later = Signal(value.shape(), name=f"{name}_{number}", reset_less=reset_less)
        m.d.sync += later.eq(stages[-1])
        stages.append(later)
    return stages


def limited(m: Module, value: Value, level: Value, levels: list[Level], shape: Shape) -> Value:
    """Return a word saturated to the format of its state."""
    kinds = sorted({entry.width for entry in levels})
    word = Signal(shape, name="limited_sent")
    for width in kinds:
        here = lookup(m, level, [int(e.width == width) for e in levels], f"has_{width}_bits")
        low, high = -1 << (width - 1), (1 << (width - 1)) - 1
        fits = len(value) <= width
        with m.If(here):
            m.d.comb += word.eq(value if fits else saturated(value, low, high))
    return word


def magnitude(value: Value) -> Value:
    """Return the magnitude of a signed value, as wide as it is."""
    return Mux(value[-1], 0 - value, value)[: len(value)]


def shifted(m: Module, value: Value, amount: Value, name: str, *, left: bool) -> Value:
    """Return a value shifted by a variable amount: a multiplexer for each bit of the amount."""
    if isinstance(amount, Const):
        return value << amount.value if left else value >> amount.value
    for bit in reversed(range(len(amount))):
        moved = value << (1 << bit) if left else value >> (1 << bit)
        stage = Signal((moved if left else value).shape(), name=f"{name}_{1 << bit}")
        m.d.comb += stage.eq(Mux(amount[bit], moved, value))
        value = stage
    return value
