"""Blocks of a pipeline of layers, word by word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Function
from lmu_hw.rtl.layers.argmax_tree import ArgmaxTree
from lmu_hw.rtl.layers.format_change import FormatChange
from lmu_hw.rtl.layers.piece_function import PieceFunction
from tests.rtl.bench import simulate

FORMATS = [
    QFormat(1, 4),
    QFormat(3, 2),
    QFormat(2, 0),
    QFormat(0, 5, signed=False),
    QFormat(3, 1, signed=False),
]


def bus(words: list[int], width: int) -> int:
    return sum((word & ((1 << width) - 1)) << (width * k) for k, word in enumerate(words))


@pytest.mark.parametrize("source", FORMATS, ids=str)
@pytest.mark.parametrize("target", FORMATS, ids=str)
def test_every_word_changes_its_format(source: QFormat, target: QFormat) -> None:
    words = list(range(source.min, source.max + 1))
    dut = FormatChange(source, target, len(words))

    async def bench(ctx: Any) -> None:
        ctx.set(dut.read_0, bus(words, source.width))
        await ctx.tick()
        assert ctx.get(dut.words) == bus(dut.model(words), target.width)

    simulate(dut, bench)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("pieces", [1, 4, 64])
def test_every_argument_of_a_function(pieces: int, degree: int) -> None:
    rng = np.random.default_rng(pieces + degree)
    function = Function(
        name="random",
        in_fmt=QFormat(2, 4, signed=degree != 2),
        pieces=tuple(tuple(p) for p in rng.integers(-300, 300, (pieces, degree + 1)).tolist()),
        shifts=tuple(rng.integers(0, 6, degree).tolist()),
        guard=degree,
    )
    dut = PieceFunction(function, QFormat(4, 4))
    words = range(function.in_fmt.min, function.in_fmt.max + 1)
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(len(words) + dut.latency):
            if cycle >= dut.latency:
                got.append(ctx.get(dut.word))
            ctx.set(dut.x, words[min(cycle, len(words) - 1)])
            await ctx.tick()

    simulate(dut, bench)
    assert got == [dut.model(word) for word in words]


@pytest.mark.parametrize("length", [1, 2, 3, 8, 11])
@pytest.mark.parametrize("signed", [False, True])
def test_the_first_of_the_largest_words_wins(length: int, signed: bool) -> None:
    fmt = QFormat(3, 0, signed=signed)
    vectors = np.random.default_rng(0).integers(fmt.min, fmt.max + 1, (30, length)).tolist()
    dut = ArgmaxTree(fmt, length, 4)
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(len(vectors) + dut.latency):
            if cycle >= dut.latency:
                got.append(ctx.get(dut.words))
            ctx.set(dut.read_0, bus(vectors[min(cycle, len(vectors) - 1)], fmt.width))
            await ctx.tick()

    simulate(dut, bench)
    assert got == [dut.model(words) for words in vectors]
