"""Random programs without state: feed-forward layers, their widths and shapes odd."""

from __future__ import annotations

import numpy as np

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Argmax,
    Function,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
    Term,
    Vector,
)


class LayerBuilder:
    """Collects vectors and operations with random coefficients."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.vectors: dict[str, Vector] = {}
        self.ops: list[Operation] = []

    def ints(self, low: int, high: int, n: int) -> tuple[int, ...]:
        return tuple(self.rng.integers(low, high, n).tolist())

    def add(self, length: int, role: Role, *, signed: bool | None = None) -> str:
        name = f"{'xhy'[[Role.INPUT, Role.INTERNAL, Role.OUTPUT].index(role)]}{len(self.vectors)}"
        width = int(self.rng.integers(3, 11))
        frac = int(self.rng.integers(0, width))
        sign = bool(self.rng.integers(2)) if signed is None else signed
        fmt = QFormat(width - frac, frac, sign)
        self.vectors[name] = Vector(name=name, length=length, role=role, fmt=fmt)
        return name

    def function(self) -> Function | None:
        if self.rng.random() < 0.5:
            return None
        in_fmt = QFormat(2, int(self.rng.integers(3, 7)))
        pieces, degree = 1 << int(self.rng.integers(0, 4)), int(self.rng.integers(0, 4))
        return Function(
            name="random",
            in_fmt=in_fmt,
            pieces=tuple(self.ints(-900, 900, degree + 1) for _ in range(pieces)),
            shifts=self.ints(1, 6, degree),
            guard=int(self.rng.integers(0, 5)),
        )

    def linear(self, sources: tuple[str, ...], n_rows: int, role: Role, n_channels: int = 1) -> str:
        n = sum(self.vectors[s].length for s in sources) // n_channels
        target = self.add(n_rows * n_channels, role)
        function = self.function()
        rows = [self.ints(-127, 128, n) for _ in range(n_rows)]
        if self.rng.random() < 0.3:
            rows[0] = (0,) * n
        self.ops.append(
            Linear(
                sources=sources,
                target=target,
                n_channels=n_channels,
                rows=tuple(rows),
                aligns=self.ints(0, 3, len(sources)),
                biases=self.ints(-3000, 3000, n_rows),
                multipliers=self.ints(1, 1 << 14, n_rows),
                shifts=self.ints(14, 20, n_rows),
                function=function,
            )
        )
        return target

    def scale(self, source: str, role: Role) -> str:
        n = self.vectors[source].length
        target = self.add(n, role)
        self.ops.append(
            Scale(
                source=source,
                target=target,
                n_channels=1,
                coefs=self.ints(-99, 100, n),
                shifts=self.ints(0, 8, n),
            )
        )
        return target

    def pointwise(self, names: tuple[str, ...], role: Role) -> str:
        target = self.add(self.vectors[names[0]].length, role)
        terms = tuple(
            Term(names[k], names[-1] if self.rng.random() < 0.5 else "", bool(k % 2))
            for k in range(len(names))
        )
        self.ops.append(Pointwise(terms=terms, target=target, function=self.function()))
        return target

    def copy(self, source: str, role: Role) -> str:
        target = self.add(self.vectors[source].length, role)
        self.ops.append(Pointwise(terms=(Term(source),), target=target))
        return target

    def argmax(self, source: str) -> None:
        name = f"label{len(self.vectors)}"
        fmt = QFormat(6, 0, signed=False)
        self.vectors[name] = Vector(name=name, length=1, role=Role.OUTPUT, fmt=fmt)
        self.ops.append(Argmax(source=source, target=name))

    def program(self) -> Program:
        return Program(
            title="layers", vectors=tuple(self.vectors.values()), ops=tuple(self.ops), name="layers"
        )


def two_layers(seed: int, shape: tuple[int, int, int] = (9, 6, 7)) -> Program:
    """Return two layers of two inputs, one of them read late, and a label."""
    b = LayerBuilder(seed)
    n_in, hidden, n_out = shape
    x, late = b.add(n_in - n_in // 2, Role.INPUT), b.add(n_in // 2, Role.INPUT)
    changed = b.copy(late, Role.INTERNAL)
    h = b.linear((x, changed), hidden, Role.INTERNAL)
    y = b.linear((h, late), n_out, Role.OUTPUT)
    b.argmax(y)
    return b.program()


def every_operation(seed: int) -> Program:
    """Return a program with channels, gates, a scale and outputs that come early."""
    b = LayerBuilder(seed)
    x, z = b.add(6, Role.INPUT), b.add(4, Role.INPUT)
    h = b.linear((x, z), 3, Role.INTERNAL, n_channels=2)
    g = b.pointwise((h, x), Role.OUTPUT)
    s = b.scale(g, Role.INTERNAL)
    b.pointwise((s, h, x), Role.OUTPUT)
    b.copy(x, Role.OUTPUT)
    b.linear((s,), 1, Role.OUTPUT)
    b.argmax(z)
    return b.program()


def written_again() -> Program:
    """Return a program that writes a vector twice, and reads both versions."""
    b = LayerBuilder(5)
    x = b.add(3, Role.INPUT)
    h = b.linear((x,), 3, Role.INTERNAL)
    b.linear((h, x), 2, Role.OUTPUT)
    b.ops.append(Pointwise(terms=(Term(h), Term(x)), target=h))
    b.linear((h,), 2, Role.OUTPUT)
    return b.program()
