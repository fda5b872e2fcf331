"""Hand-made feed-forward networks: a memory of one channel, and layers that read it."""

from __future__ import annotations

from dataclasses import replace

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Argmax, Cascade, Operation, Program, Role, Term
from tests.factories.network_programs import Builder

STATE = QFormat(4, 14)


def feed_forward(
    sections: str = "pr",
    *,
    every: int = 1,
    hidden: int = 5,
    copies: bool = True,
    reads_input: bool = False,
    signed_input: bool = True,
    label: bool = False,
    seed: int = 0,
) -> Program:
    """Return a memory whose states are read through narrow copies, or as they are.

    A hidden layer with a function reads them, and the input with ``reads_input``; then an output
    layer, and with ``label`` an argmax.
    """
    b = Builder(seed)
    b.add("x", 1, Role.INPUT, QFormat(1, 9) if signed_input else QFormat(0, 11, signed=False))
    memory = cascade(b, sections)
    read = []
    for name in memory:
        (state,) = (v for v in b.vectors if v.name == name)
        if copies:
            b.add(f"r{name}", state.length, Role.INTERNAL, QFormat(2, 8))
            b.pointwise(f"r{name}", Term(name))
            read.append(f"r{name}")
        else:
            read.append(name)
    b.add("h", hidden, Role.INTERNAL, QFormat(1, 11))
    b.add("y", 3, Role.OUTPUT, QFormat(3, 6))
    activation = b.function(QFormat(3, 9), 2, 5, 1 << 11)
    b.affine((*read, *(("x",) if reads_input else ())), "h", function=activation)
    b.affine(("h",), "y")
    if label:
        b.add("label", 1, Role.OUTPUT, QFormat(2, 0, signed=False))
        b.ops.append(Argmax(source="y", target="label"))
    return b.program("feed-forward network", every)


def cascade(b: Builder, sections: str) -> tuple[str, ...]:
    """Add a memory of ``sections``; return its state vectors that have words."""
    outer, inner = b.cascade("x", "", 1, sections)
    if "p" in sections:
        return outer, inner
    # a vector has at least one word
    b.vectors = [v for v in b.vectors if v.name != outer]
    (op,) = b.ops[-1:]
    b.ops[-1] = without_outer(op)
    return (inner,)


def without_outer(op: Operation) -> Operation:
    """Return a cascade of real sections alone."""
    assert isinstance(op, Cascade)
    return replace(op, z_outer="")
