"""All hand-made programs that the hardware is tested on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Program, Role, Vector
from tests.factories import programs
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, copy


def rows(n_rows: int, n_columns: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Return random matrix rows."""
    table = np.random.default_rng(seed).integers(-127, 128, (n_rows, n_columns))
    return tuple(tuple(int(x) for x in row) for row in table)


def linear(sources: tuple[str, ...], target: str, shape: tuple[int, int], seed: int) -> Linear:
    """Return a linear operation with random words."""
    shifts = np.random.default_rng(seed).integers(7, 12, shape[0])
    return programs.linear(
        sources=sources,
        target=target,
        rows=rows(*shape, seed),
        shifts=tuple(int(s) for s in shifts),
        biases=tuple(range(shape[0])),
    )


def network() -> Program:
    """Return a recurrent network: two inputs, an encoder, a memory, a hidden layer that reads
    itself, outputs in another order than they are computed, one of them read again."""
    memory = cascade_program(sections="pr", seed=11)
    q = QFormat(2, 6)
    vectors_ = (
        Vector(name="h", length=3, fmt=q, role=Role.STATE),
        Vector(name="x", length=2, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="y", length=2, fmt=QFormat(3, 8), role=Role.OUTPUT),
        replace(memory.vector("u"), role=Role.INTERNAL),
        *memory.with_role(Role.STATE),
        Vector(name="k", length=1, fmt=QFormat(0, 5, signed=False), role=Role.INPUT),
        Vector(name="copy", length=3, fmt=QFormat(2, 4), role=Role.OUTPUT),
        Vector(name="positive", length=2, fmt=QFormat(1, 6, signed=False), role=Role.OUTPUT),
    )
    ops = (
        linear(("x", "h", "z_outer", "k"), "u", (1, 7), 1),
        memory.ops[0],
        linear(("x", "h", "z_inner"), "h", (3, 7), 2),
        copy("h", "copy"),
        linear(("copy", "h"), "y", (2, 6), 3),
        linear(("h", "u"), "positive", (2, 4), 4),
    )
    return Program(title="network", vectors=vectors_, ops=ops)


def feed_forward() -> Program:
    """Return a program without a memory and without a multiplication."""
    vectors_ = (
        Vector(name="x", length=4, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="s", length=4, fmt=QFormat(2, 5), role=Role.STATE),
        Vector(name="y", length=4, fmt=QFormat(3, 9), role=Role.OUTPUT),
    )
    ops = (copy("x", "s"), copy("s", "y"))
    return Program(title="copy", vectors=vectors_, ops=ops)


def wide_layers(rows_: int = 19, columns: int = 37) -> Program:
    """Return two layers of more rows than lanes, the rows no multiple of them."""
    vectors_ = (
        Vector(name="x", length=columns, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="h", length=rows_, fmt=QFormat(1, 7), role=Role.STATE),
        Vector(name="y", length=3, fmt=QFormat(4, 4), role=Role.OUTPUT),
    )
    ops = (
        linear(("x", "h"), "h", (rows_, columns + rows_), 20),
        linear(("h",), "y", (3, rows_), 21),
    )
    return Program(title="layers", vectors=vectors_, ops=ops)


def two_memories(channels: int = 2) -> Program:
    """Return cascades of different formats, the second fed by the first; mixed, of channels."""
    one = cascade_program(sections="prp", channels=channels, seed=12)
    two = cascade_program(
        sections="rpp", outer=QFormat(6, 6), inner=QFormat(3, 8), chain=QFormat(4, 5), seed=13
    )
    names = {v.name: f"b_{v.name}" for v in two.vectors}
    second = replace(
        two.ops[0], source="b_u", z_outer="b_z_outer", z_inner="b_z_inner", silence="b_silence"
    )
    states = [replace(v, name=names[v.name]) for v in two.with_role(Role.STATE)]
    y = Vector(name="y", length=4, fmt=QFormat(3, 7), role=Role.OUTPUT)
    u = Vector(name="b_u", length=1, fmt=QFormat(2, 7), role=Role.INTERNAL)
    ops = (
        one.ops[0],
        linear(("z_inner", "z_outer"), "b_u", (1, 5 * channels), 22),
        second,
        linear(("b_z_outer", "z_inner", "b_z_inner"), "y", (4, 5 + 3 * channels), 23),
    )
    kept = (one.vector("u"), *one.with_role(Role.STATE))
    return Program(title="two memories", vectors=(*kept, u, *states, y), ops=ops)


ALL = {
    **PROGRAMS,
    **NETWORKS,
    "network": network(),
    "copies": feed_forward(),
    "channels_mixed": cascade_program(sections="rpprp", channels=2, readout=3, seed=12),
    "wide_layers": wide_layers(),
    "two_memories": two_memories(),
}
QUICK = (
    *("one_real", "mixed", "odd_widths", "channels", "ladder_substeps", "ladder_channels"),
    *("dense_readout", "lmu", "lmu_every_3", "feed_forward_on_demand", "gates_every_2"),
    *("order_on_demand", "copies", "channels_mixed", "two_memories"),
)
"""Programs of which every kind of operation, schedule and output is one."""


def every(*more: Any) -> list[Any]:
    """Return the names of all programs, with other parameters; all but `QUICK` are soaks."""
    return [
        pytest.param(name, *more, marks=() if name in QUICK else pytest.mark.soak) for name in ALL
    ]
