"""Hand-made programs of networks: legal, but not accurate, and they saturate now and then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Argmax,
    Cascade,
    DenseUpdate,
    Function,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Term,
    Vector,
)
from tests.factories.programs import ladder_program

UNIT = QFormat(1, 7)


class Builder:
    """Collects vectors and operations with random coefficients."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.vectors: list[Vector] = []
        self.ops: list[Operation] = []

    def add(self, name: str, length: int, role: Role, fmt: QFormat = UNIT) -> str:
        self.vectors.append(Vector(name=name, length=length, role=role, fmt=fmt))
        return name

    def ints(self, low: int, high: int, n: int) -> tuple[int, ...]:
        return tuple(self.rng.integers(low, high, n).tolist())

    def function(self, in_fmt: QFormat, degree: int, log2_pieces: int, size: int) -> Function:
        """Return pieces that have nothing to do with each other, of results up to ``size``."""
        rest = in_fmt.width - log2_pieces
        slopes = [self.ints(-4 * size, 4 * size, 1 << log2_pieces) for _ in range(degree)]
        first = self.ints(-8 * size, 8 * size, 1 << log2_pieces)
        shifts = self.ints(max(0, rest - 2), rest + 3, degree)
        pieces = tuple(zip(first, *slopes, strict=True))
        return Function(name="noise", in_fmt=in_fmt, pieces=pieces, shifts=shifts, guard=3)

    def affine(
        self,
        sources: tuple[str, ...],
        target: str,
        *,
        n_channels: int = 1,
        function: Function | None = None,
        bias: int = 3000,
        deaf: tuple[int, int] | None = None,
    ) -> None:
        """Add rows whose results fill the range and leave it now and then.

        With ``deaf``, the row of that number reads nothing from the last words of that number.
        """
        vector = {v.name: v for v in self.vectors}
        n_rows = vector[target].length // n_channels
        columns = sum(vector[s].length for s in sources) // n_channels
        rows = [self.ints(-127, 128, columns) for _ in range(n_rows)]
        if deaf is not None:
            row, last = deaf
            rows[row] = (*rows[row][:-last], *(0,) * last)
        op = Linear(
            sources=sources,
            target=target,
            n_channels=n_channels,
            rows=tuple(rows),
            aligns=self.ints(0, 4, len(sources)),
            biases=(0,) * n_rows,
            multipliers=self.ints(1 << 14, 1 << 15, n_rows),
            shifts=(0,) * n_rows,
            function=function,
        )
        fmt = function.in_fmt if function else vector[target].fmt
        # the middle of what an unsigned format holds is not zero
        middle = 0 if fmt.signed else min(op.peaks(vector.__getitem__)) // 4
        op = replace(op, biases=self.ints(middle - bias, middle + bias + 1, n_rows))
        peaks = zip(op.peaks(vector.__getitem__), op.multipliers, strict=True)
        widths = [(peak * multiplier).bit_length() for peak, multiplier in peaks]
        loud = self.ints(0, 3, n_rows)
        shifts = tuple(max(0, w - fmt.width + 1 - k) for w, k in zip(widths, loud, strict=True))
        self.ops.append(replace(op, shifts=shifts))

    def cascade(self, source: str, prefix: str, channels: int, sections: str) -> tuple[str, str]:
        n_pairs = sections.count("p")
        outer = self.add(f"{prefix}z_outer", channels * n_pairs, Role.STATE, QFormat(5, 11))
        inner = self.add(f"{prefix}z_inner", channels * len(sections), Role.STATE, QFormat(4, 14))
        count = QFormat(4, 0, signed=False)
        silence = self.add(f"{prefix}silence", channels, Role.STATE, count)

        def adaptor() -> Adaptor:
            return Adaptor(int(self.rng.integers(1, 1 << 10)), 10)

        self.ops.append(
            Cascade(
                source=source,
                z_outer=outer,
                z_inner=inner,
                silence=silence,
                chain_fmt=QFormat(4, 10),
                window=9,
                sections=tuple((adaptor(), adaptor())[: 1 + (s == "p")] for s in sections),
            )
        )
        return outer, inner

    def ladder(
        self, source: str, state: str, order: int, *, substeps: int = 1, fmt: QFormat
    ) -> None:
        """Add a ladder of one channel for each word of its source, and its state vectors."""
        (op,) = ladder_program(order=order, substeps=substeps, seed=order).ops[:1]
        (u,) = (v for v in self.vectors if v.name == source)
        self.add(state, u.length * order, Role.STATE, fmt)
        previous = ""
        if substeps > 1:
            previous = self.add(f"{state}_previous", u.length, Role.STATE, u.fmt)
        silence = self.add(f"{state}_silence", u.length, Role.STATE, QFormat(4, 0, signed=False))
        names = {"source": source, "state": state, "previous": previous, "silence": silence}
        self.ops.append(replace(op, **names))  # type: ignore[arg-type]

    def pointwise(self, target: str, *terms: Term, function: Function | None = None) -> None:
        self.ops.append(Pointwise(terms=terms, target=target, function=function))

    def program(self, title: str, every: int = 1) -> Program:
        if every > 1:
            self.add("clock", 1, Role.STATE, QFormat((every - 1).bit_length(), 0, signed=False))
        return Program(
            title=title,
            vectors=tuple(self.vectors),
            ops=tuple(self.ops),
            output_every=every,
            clock="clock" if every > 1 else "",
        )


def lmu(every: int = 1, *, recurrent: bool = True, seed: int = 0) -> Program:
    """Return an LMU layer with a dense readout and an argmax; several channels, odd widths.

    The first channel gets the input alone, so it has a zero-input run when the input has one.
    """
    b = Builder(seed)
    b.add("x", 3, Role.INPUT, QFormat(1, 9))
    b.add("u", 2, Role.INTERNAL, QFormat(3, 7))
    b.add("h", 5, Role.STATE if recurrent else Role.INTERNAL, QFormat(1, 11))
    b.add("logits", 4, Role.OUTPUT, QFormat(4, 6))
    b.add("label", 1, Role.OUTPUT, QFormat(2, 0, signed=False))
    heard = ("x", "h") if recurrent else ("x",)
    b.affine(heard, "u", bias=0, deaf=(0, 5) if recurrent else None)
    memory = b.cascade("u", "", 2, "prp")
    activation = b.function(QFormat(3, 9), 2, 5, 1 << 11)
    b.affine((*memory, "x", *(("h",) if recurrent else ())), "h", function=activation)
    b.affine(("h",), "logits")
    b.ops.append(Argmax(source="logits", target="label"))
    return b.program("LMU with a head", every)


def stack(every: int = 1) -> Program:
    """Return two memories in a row, the second dense, read through narrow words."""
    b = Builder(1)
    b.add("x", 1, Role.INPUT, QFormat(2, 14))
    b.add("z_read", 5, Role.STATE, QFormat(2, 6))
    b.add("u1", 1, Role.INTERNAL, QFormat(2, 14))
    b.add("h1", 3, Role.INTERNAL, QFormat(0, 8, signed=False))
    b.add("m", 12, Role.STATE, QFormat(4, 12))
    b.add("quiet", 3, Role.STATE, QFormat(3, 0, signed=False))
    b.add("y", 6, Role.OUTPUT, QFormat(3, 9))
    cubic = b.function(QFormat(2, 8, signed=False), 3, 4, 1 << 13)
    b.affine(("x", "z_read"), "u1", function=cubic)
    _, inner = b.cascade("u1", "a_", 1, "prrpp")
    b.pointwise("z_read", Term(inner))
    b.affine(("z_read", "x"), "h1")
    rows = tuple(
        tuple(-30 if r == c else int(b.rng.integers(-9, 9)) for c in range(4)) for r in range(4)
    )
    b.ops.append(
        DenseUpdate(
            source="h1", state="m", silence="quiet", window=5, rows=rows, shifts=(6, 7, 6, 7)
        )
    )
    b.affine(("m",), "y", n_channels=3)
    return b.program("stack of two", every)


def side_by_side() -> Program:
    """Return a cascade and a dense memory whose zero-input runs begin in different steps."""
    b = Builder(4)
    b.add("x", 1, Role.INPUT, QFormat(1, 7))
    b.add("v", 1, Role.INPUT, QFormat(1, 7))
    b.add("m", 3, Role.STATE, QFormat(5, 11))
    b.add("quiet", 1, Role.STATE, QFormat(2, 0, signed=False))
    b.add("y_cascade", 6, Role.OUTPUT, QFormat(5, 9))
    b.add("y_dense", 3, Role.OUTPUT, QFormat(5, 9))
    cascade = b.cascade("x", "", 1, "pppppp")
    rows = ((-30, 5, -7), (4, -30, 6), (-8, 3, -30))
    b.ops.append(
        DenseUpdate(source="v", state="m", silence="quiet", window=3, rows=rows, shifts=(6, 7, 6))
    )
    b.affine(cascade, "y_cascade")
    b.affine(("m",), "y_dense")
    return b.program("memories side by side")


def gates(every: int = 1) -> Program:
    """Return a cell with gates: products, sums and differences of products, plain terms."""
    b = Builder(2)
    gate, wide, n = QFormat(0, 10, signed=False), QFormat(3, 9), 7
    b.add("x", 2, Role.INPUT, QFormat(1, 7))
    b.add("h", n, Role.STATE)
    b.add("c", n, Role.STATE, QFormat(3, 12))
    for name in "ifo":
        b.add(name, n, Role.INTERNAL, gate)
    for name in ("g", "a"):
        b.add(name, n, Role.INTERNAL, UNIT)
    b.add("y", n, Role.OUTPUT, QFormat(2, 5))
    sigmoid, tanh = b.function(wide, 1, 3, 1 << 10), b.function(wide, 0, 7, 1 << 7)
    for name in "ifo":
        b.affine(("x", "h"), name, function=sigmoid)
    b.affine(("x", "h"), "g", function=tanh)
    b.pointwise("c", Term("f", "c"), Term("i", "g"))
    b.pointwise("a", Term("c"), function=tanh)
    b.pointwise("h", Term("o", "a"))
    b.pointwise("y", Term("h"), Term("i", "g", minus=True), Term("c", minus=True))
    return b.program("gates", every)


def order(every: int = 1) -> Program:
    """Return operations that must not change places: what they read is written again later.

    Three of them are lazy; they read a state before, and an internal vector between, two writes.
    """
    b = Builder(6)
    b.add("y_old", 3, Role.OUTPUT, QFormat(2, 10))
    b.add("x", 3, Role.INPUT, QFormat(1, 7))
    b.add("s", 3, Role.STATE, QFormat(2, 9))
    b.add("t", 3, Role.INTERNAL, QFormat(1, 11))
    b.add("y_t", 3, Role.OUTPUT, QFormat(1, 5))
    b.pointwise("y_old", Term("s", "s", minus=True), Term("x"))
    b.affine(("x",), "t")
    b.pointwise("y_t", Term("t"))
    b.affine(("x", "s"), "t")
    b.affine(("t", "s"), "s")
    return b.program("order", every)


def feedback() -> Program:
    """Return a network whose memory hears a hidden layer that reads that memory."""
    build = Builder(3)
    x = build.add("x", 2, Role.INPUT)
    h = build.add("h", 3, Role.STATE)
    u = build.add("u", 1, Role.INTERNAL)
    y = build.add("y", 2, Role.OUTPUT)
    build.affine((x, h), u)
    outer, inner = build.cascade(u, "m_", 1, "pr")
    build.affine((outer, inner, x), h)
    build.affine((h,), y)
    return build.program("feedback")


NETWORKS: dict[str, Program] = {
    "lmu": lmu(),
    "lmu_every_3": lmu(3),
    "lmu_on_demand": lmu(0),
    "feed_forward": lmu(seed=3, recurrent=False),
    "feed_forward_every_4": lmu(4, seed=4, recurrent=False),
    "feed_forward_on_demand": lmu(0, seed=5, recurrent=False),
    "stack": stack(),
    "stack_on_demand": stack(0),
    "side_by_side": side_by_side(),
    "gates": gates(),
    "gates_every_2": gates(2),
    "order": order(),
    "order_every_2": order(2),
    "order_on_demand": order(0),
    "constant_function": replace(
        gates(),
        ops=tuple(
            replace(op, function=replace(op.function, pieces=((300,),), shifts=()))
            if isinstance(op, Linear) and op.function is not None and op.function.shifts
            else op
            for op in gates().ops
        ),
    ),
}
"""Programs that every backend of networks is tested on."""
