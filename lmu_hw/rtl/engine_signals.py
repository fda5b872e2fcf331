"""Signals that an engine collects while it adds its blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Module, Value

from .chain import ChainUnit
from .chain_input_fifo import ChainInputFifo
from .ladder_unit import LadderUnit
from .neuron_unit import NeuronUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryInput:
    """The input of a memory: its word, the number of its feed, and its zero-run flag."""

    word: Value
    feed: Value
    valid: Value
    silent: Value

    def drive(self, m: Module, block: Any) -> None:
        """Connect a block that takes the input."""
        m.d.comb += [
            block.word.eq(self.word),
            block.feed.eq(self.feed),
            block.valid.eq(self.valid),
            block.silent.eq(self.silent),
        ]

    def through(self, m: Module, block: ChainInputFifo | NeuronUnit) -> MemoryInput:
        """Connect a block that takes the input and passes it on later; return it as it leaves."""
        self.drive(m, block)
        return MemoryInput(
            word=block.next_word,
            feed=block.next_feed,
            valid=block.start,
            silent=block.next_silent,
        )


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where words go: to the lanes' memory, and to the output FIFO.

    ``writes`` holds valid, row, bank and word for each member of `Banks`; ``leaving`` holds valid
    and word.
    """

    writes: dict[str, tuple[Value, Value, Value, Value]] = field(default_factory=dict)
    leaving: list[tuple[Value, Value]] = field(default_factory=list)

    def add_mirror(self, name: str, block: ChainUnit | LadderUnit) -> None:
        """Let a block write the states that the lanes read."""
        place = block.mirror_row, block.mirror_bank
        self.writes[name] = (block.mirror, *place, block.mirror_word)
