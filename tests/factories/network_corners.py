"""Corner cases of the C generator in programs of networks."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
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
from tests.factories.programs import cascade_program, copy, dense_program, linear


def _program(title: str, *vectors: tuple[str, int, Role, QFormat], ops: object) -> Program:
    return Program(
        title=title,
        vectors=tuple(Vector(name=n, length=k, role=r, fmt=f) for n, k, r, f in vectors),
        ops=tuple(ops),  # type: ignore[arg-type]
    )


def pieces(in_fmt: QFormat, log2_pieces: int, sizes: tuple[int, ...], **fields: object) -> Function:
    """Return pieces with coefficients up to ``sizes`` in magnitude, both ends among them."""
    rng = np.random.default_rng(in_fmt.width)
    table = [[s if k % 2 else -s for k, s in enumerate(sizes)]]
    table += [[int(rng.integers(-s, s + 1)) for s in sizes] for _ in range((1 << log2_pieces) - 1)]
    return Function(
        name="any text: /* 2 x",
        in_fmt=in_fmt,
        pieces=tuple(map(tuple, table)),
        **fields,  # type: ignore[arg-type]
    )


WIDE_IN = QFormat(8, 32)
FUNCTIONS = {
    # a word of 40 bits, sums of 32; a long shift
    "wide_in": pieces(WIDE_IN, 12, (1 << 20, 3), shifts=(35,), guard=4),
    # sums of 64 bits, from a word of 16
    "wide_sums": pieces(QFormat(4, 12), 4, (1 << 30, 1 << 29, 1 << 25), shifts=(9, 8), guard=20),
    "one_piece": pieces(QFormat(6, 0), 0, (900, 70), shifts=(3,), guard=2),
    "piece_for_each_word": pieces(QFormat(3, 3), 6, (500,), shifts=(), guard=0),
    "one_value": pieces(QFormat(2, 3), 0, (77,), shifts=(), guard=0),
    # nothing is left of the products but their signs
    "endless_shifts": pieces(QFormat(2, 6, signed=False), 2, (9, 9, 9), shifts=(61, 33), guard=1),
    "cubic": pieces(QFormat(3, 7), 3, (3000, 800, 90, 11), shifts=(6, 6, 5), guard=3),
}
FLAT = {
    # values in eighths of a word; +-1024 and beyond are the limits of the target
    "both": (-1200, -1100, -1020, -900, 0, 1014, 1030, 2000),
    "start": (-5000, -4000, -3000, -1100, -20, 30, 40, 50),
    "end": (-20, 30, 40, 50, 1016, 1017, 1100, 5000),
    "bottom": (-2000,) * 8,
    "top": (2000,) * 8,
}
"""Values of pieces of little slope, some at a limit of the target in all words, some in a few."""


def flat(name: str, *, signed: bool) -> Function:
    """Return a function with pieces beyond the limits of 8 bits; of unsigned words, they fall."""
    return Function(
        name=name,
        in_fmt=QFormat(3, 7, signed=signed),
        pieces=tuple((value, 3 if signed else -3) for value in FLAT[name]),
        shifts=(6,),
        guard=3,
    )


def flat_ends() -> Program:
    """Return functions whose outermost pieces are at a limit of the target, or all of them."""
    n, fmt = 9, QFormat(1, 7)
    vectors = [
        ("x", n, Role.INPUT, QFormat(4, 13)),
        ("unused", 1, Role.STATE, fmt),
        # the same function for a target of other limits: fewer pieces are flat
        ("y", n, Role.OUTPUT, QFormat(2, 7)),
    ]
    ops = [Pointwise(terms=(Term("x"),), target="y", function=flat("both", signed=True))]
    for name, signed in product(FLAT, (True, False)):
        target = f"y_{name}_{signed:d}"
        vectors.append((target, n, Role.OUTPUT, fmt))
        ops.append(Pointwise(terms=(Term("x"),), target=target, function=flat(name, signed=signed)))
    return _program("flat ends", *vectors, ops=ops)


def functions() -> Program:
    """Return every kind of function, applied to narrow and wide sums; one is used three times."""
    n = 5
    vectors = [
        ("x", n, Role.INPUT, QFormat(3, 13)),
        ("v", n, Role.STATE, QFormat(6, 34)),
        ("h", n, Role.STATE, QFormat(1, 7)),
    ]
    ops: list[Operation] = [
        Pointwise(terms=(Term("x", "x"), Term("v", minus=True)), target="v"),
        Pointwise(terms=(Term("v"), Term("x")), target="h", function=FUNCTIONS["one_piece"]),
    ]
    for k, f in enumerate((*FUNCTIONS.values(), FUNCTIONS["one_piece"])):
        name = f"y_{k}"
        vectors.append((name, n, Role.OUTPUT, QFormat(20, 0) if k % 2 else QFormat(1, 7)))
        source = "v" if f.in_fmt == WIDE_IN else "x"
        ops.append(Pointwise(terms=(Term(source),), target=name, function=f))
    vectors.append(("y_row", 1, Role.OUTPUT, QFormat(2, 6, signed=False)))
    ops.append(
        replace(
            linear(sources=("h", "v"), target="y_row", rows=((3,) * n + (-5,) * n,), shifts=(9,)),
            function=FUNCTIONS["one_piece"],
        )
    )
    return _program("functions", *vectors, ops=ops)


def products() -> Program:
    """Return sums of products at the brink of 32 bits and far beyond, up and down."""
    a, b = QFormat(8, 8), QFormat(1, 14)
    ops = (
        copy("x", "a"),
        Pointwise(terms=(Term("x", "g"), Term("a", minus=True)), target="b"),
        # 2**15 * 2**14 twice: below 2**31 by itself, not with what aligns it or rounds it
        Pointwise(terms=(Term("a", "b"), Term("a", "b")), target="below"),
        Pointwise(terms=(Term("a", "b"), Term("b", "a"), Term("b", "b")), target="above"),
        Pointwise(terms=(Term("a", "a", minus=True),), target="square"),
        Pointwise(terms=(Term("b", minus=True), Term("g")), target="up"),
        Pointwise(terms=(Term("w", "b"), Term("a", minus=True)), target="w"),
        copy("w", "w_out"),
    )
    return _program(
        "products",
        ("x", 3, Role.INPUT, a),
        ("g", 3, Role.INPUT, QFormat(0, 7, signed=False)),
        ("a", 3, Role.STATE, a),
        ("b", 3, Role.INTERNAL, b),
        ("w", 3, Role.STATE, QFormat(4, 28)),
        ("below", 3, Role.OUTPUT, QFormat(9, 22)),
        ("above", 3, Role.OUTPUT, QFormat(9, 22)),
        ("square", 3, Role.OUTPUT, QFormat(14, 1)),
        ("up", 3, Role.OUTPUT, QFormat(2, 30)),
        ("w_out", 3, Role.OUTPUT, QFormat(4, 3)),
        ops=ops,
    )


def scales(factor: int) -> Program:
    """Return rows of sums of 32 bits whose scaled sums come to the brink of 32 bits and pass it.

    The sources are aligned so that each of them fits 32 bits and the sum of the second row does
    not; the third operation has one scale for all rows, the fourth none.
    """
    fmt = QFormat(1, 15)

    def rows(*fields: object, n: int) -> Linear:
        names = "target", "aligns", "biases", "multipliers", "shifts"
        line = (127, 128, 64, 1, 127, 128)
        return Linear(
            sources=("x", "one", "s"),
            n_channels=1,
            rows=(line, line[::-1])[:n],
            **dict(zip(names, fields, strict=True)),  # type: ignore[arg-type]
        )

    ops = (
        rows("y", (0, 0, 0), (5, -7), (factor, factor + 1), (12, 11), n=2),
        rows("wide", (9, 30, 3), (-(1 << 33), 9), (9, 8), (25, 0), n=2),
        rows("flat", (0, 2, 1), (0, 0), (factor, factor), (9, 9), n=2),
        rows("s", (0, 1, 0), (9, 9), (1, 1), (7, 7), n=2),
    )
    return _program(
        "scales",
        ("x", 3, Role.INPUT, fmt),
        ("one", 1, Role.INPUT, fmt),
        ("s", 2, Role.STATE, fmt),
        ("y", 2, Role.OUTPUT, QFormat(30, 0)),
        ("wide", 2, Role.INTERNAL, QFormat(40, 8)),
        ("flat", 2, Role.OUTPUT, QFormat(20, 0)),
        ("seen", 2, Role.OUTPUT, QFormat(12, 8)),
        ops=(*ops, copy("wide", "seen")),
    )


def labels() -> Program:
    """Return an argmax of few distinct words, a state, read by what follows."""
    return _program(
        "labels",
        ("x", 6, Role.INPUT, QFormat(1, 5)),
        ("coarse", 6, Role.INTERNAL, QFormat(1, 1)),
        ("label", 1, Role.STATE, QFormat(3, 0, signed=False)),
        ("y", 1, Role.OUTPUT, QFormat(8, 0)),
        ops=(
            copy("x", "coarse"),
            Argmax(source="coarse", target="label"),
            linear(sources=("label",), target="y", rows=((-9,),), shifts=(0,)),
        ),
    )


def feedback(every: int) -> Program:
    """Return an output that a state follows from, beside one that none does."""
    program = _program(
        "feedback",
        ("x", 2, Role.INPUT, QFormat(1, 7)),
        ("s", 2, Role.STATE, QFormat(2, 20)),
        ("clock", 1, Role.STATE, QFormat(40, 0, signed=False)),
        ("lazy", 2, Role.OUTPUT, QFormat(1, 3)),
        ("fed", 2, Role.OUTPUT, QFormat(1, 20)),
        ops=(
            linear(sources=("x", "s"), target="fed", rows=((9, -3, 4, 1), (2,) * 4), shifts=(3, 4)),
            copy("fed", "lazy"),
            Pointwise(terms=(Term("fed"), Term("x", minus=True)), target="s"),
        ),
    )
    vectors = tuple(v for v in program.vectors if every > 1 or v.name != "clock")
    clock = "clock" if every > 1 else ""
    return replace(program, vectors=vectors, output_every=every, clock=clock)


def wide_sources() -> Program:
    """Return memories whose input loses most of its 37 bits."""
    cascade, dense = cascade_program(sections="pr", seed=21), dense_program(order=3, seed=22)
    (chain, *_), (rows, *_) = cascade.ops, dense.ops
    assert isinstance(chain, Cascade)
    assert isinstance(rows, DenseUpdate)
    states = [v for p in (cascade, dense) for v in p.with_role(Role.STATE)]
    states = [replace(v, name="quiet") if v is states[-1] else v for v in states]
    return Program(
        title="wide sources",
        vectors=(
            Vector(name="u", length=1, role=Role.INPUT, fmt=QFormat(2, 36)),
            Vector(name="e", length=1, role=Role.INTERNAL, fmt=QFormat(3, 34)),
            *states,
            Vector(name="y", length=3, role=Role.OUTPUT, fmt=QFormat(4, 4)),
        ),
        ops=(
            copy("u", "e"),
            replace(chain, source="u"),
            replace(rows, source="e", silence="quiet"),
            copy("m", "y"),
        ),
    )


def narrow_among_wide() -> Program:
    """Return narrow words in the type of wide ones, and limits wider than the sums they limit."""
    chain = cascade_program(sections="pr", seed=23)
    (op, *_), states = chain.ops, chain.with_role(Role.STATE)
    wide = QFormat(32, 0, signed=False)
    program = _program(
        "narrow among wide",
        ("u", 1, Role.INPUT, QFormat(1, 3)),
        ("v", 2, Role.INPUT, QFormat(1, 3)),
        ("far", 1, Role.INPUT, QFormat(20, 20)),
        ("copied", 1, Role.OUTPUT, wide),
        ("row", 1, Role.OUTPUT, wide),
        ("own", 2, Role.OUTPUT, QFormat(1, 2)),
        ops=(
            copy("u", "copied"),
            linear(sources=("v", "u"), target="row", rows=((1, 1, -1),), shifts=(0,)),
            Pointwise(terms=(Term("v", "v"),), target="own"),
        ),
    )
    return replace(program, vectors=(*program.vectors, *states), ops=(op, *program.ops))


def idle() -> Program:
    """Return a program that looks at nothing but its input, once in a while."""
    return replace(
        _program(
            "idle",
            ("x", 2, Role.INPUT, QFormat(1, 3)),
            ("unused", 1, Role.STATE, QFormat(1, 3)),
            ("y", 1, Role.OUTPUT, QFormat(1, 0, signed=False)),
            ops=(Argmax(source="x", target="y"),),
        ),
        output_every=0,
    )


NETWORK_CORNERS: dict[str, Program] = {
    "functions": functions(),
    "flat_ends": flat_ends(),
    "products": products(),
    # sums reach -(2**15 * 575 + 7): times 113 they fit 32 bits, times 114 they do not
    **{f"scales_{factor}": scales(factor) for factor in (1, 112, 113, 114, 40_000)},
    "labels": labels(),
    **{f"feedback_{every}": feedback(every) for every in (0, 1, 3)},
    "wide_sources": wide_sources(),
    "narrow_among_wide": narrow_among_wide(),
    "idle": idle(),
}
