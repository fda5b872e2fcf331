"""Index of the largest word of a vector, from all words at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import QFormat
from .layer_stages import argmax_levels
from .word_bus import delayed, words_of


class ArgmaxTree(wiring.Component):
    """Compares words in pairs, then the larger ones, and so on; the first one wins ties.

    Parameters
    ----------
    fmt, length
        Of the vector.
    out_width : int
        Bits of the index.

    Members
    -------
    start : In(1)
        Not used: the pipeline takes words in every cycle.
    read_0 : In(unsigned)
        All words, the first one in the lowest bits.
    words : Out(unsigned)
        The index.

    Latency: `argmax_levels` cycles.
    Throughput: one vector per cycle.

    Schedule: a register on each level.
    """

    def __init__(self, fmt: QFormat, length: int, out_width: int) -> None:
        self.fmt, self.length = fmt, length
        self.latency = argmax_levels(length)
        super().__init__(
            {"start": In(1), "read_0": In(fmt.width * length), "words": Out(out_width)}
        )

    def model(self, words: Sequence[int]) -> int:
        """Return the index of the largest word."""
        return int(np.argmax(words))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        bits = (self.length - 1).bit_length()
        words = words_of(self.read_0, self.fmt, self.length)
        level: list[tuple[Value, Value]] = [(w, Const(k, bits)) for k, w in enumerate(words)]
        for number in range(self.latency):
            following = []
            for k in range(0, len(level), 2):
                word, index = level[k]
                if k + 1 < len(level):
                    later, its_index = level[k + 1]
                    wins = Signal(name=f"second_wins_{number}_{k // 2}")
                    m.d.comb += wins.eq(later > word)
                    word, index = Mux(wins, later, word), Mux(wins, its_index, index)
                following.append(
                    (
                        delayed(m, word, 1, f"largest_{number}_{k // 2}"),
                        delayed(m, index, 1, f"index_{number}_{k // 2}"),
                    )
                )
            level = following
        m.d.comb += self.words.eq(level[0][1])
        return m
