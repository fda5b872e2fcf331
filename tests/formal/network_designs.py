"""Small feed-forward networks behind a ring or full memory, as they are emitted, for proofs."""

from __future__ import annotations

from functools import cache
from typing import Any

from lmu_hw._support.identifiers import COLLISION_MACRO
from lmu_hw._support.templates import environment
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Argmax,
    Cascade,
    Function,
    Linear,
    Pointwise,
    Program,
    Role,
    Scale,
    Term,
    Vector,
)
from lmu_hw.rtl.hardware_plan import emit, hardware_plan
from lmu_hw.rtl.layers.layer_core import LAYER_BLOCKS, LayerCore
from lmu_hw.rtl.layers.layer_plan import layer_plan
from lmu_hw.rtl.networks.network_plan import NetworkPlan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.verilog_modules import verilog_of
from tests.formal.prover import Design

ADAPTORS = {"p": (Adaptor(5, 3), Adaptor(3, 2)), "r": (Adaptor(3, 1),)}
"""Coefficients of a section."""
ROWS = (3, -2, 1, 2), (-1, 3, 2, -3), (2, 1, -3, 1)
"""Weights of the hidden layer: one unit a row."""


@cache
def network_program(sections: str = "pr", *, reads_input: bool = False) -> Program:
    """Return a memory, a hidden layer of three units, an output layer of two words and a label.

    Parameters
    ----------
    sections : str
        Spells pairs "p" and reals "r".
    reads_input : bool
        The hidden layer reads the input too.
    """
    pairs, n = sections.count("p"), len(sections)
    state, read, unit = QFormat(3, 2), QFormat(2, 1), QFormat(1, 2)
    vectors = {
        "x": (1, QFormat(2, 2), Role.INPUT),
        "z_outer": (pairs, state, Role.STATE),
        "z_inner": (n, state, Role.STATE),
        "silence": (1, QFormat(2, 0, signed=False), Role.STATE),
        "r_outer": (pairs, read, Role.INTERNAL),
        "r_inner": (n, read, Role.INTERNAL),
        "h": (len(ROWS), unit, Role.INTERNAL),
        "y": (2, QFormat(3, 0), Role.OUTPUT),
        "label": (1, QFormat(1, 0, signed=False), Role.OUTPUT),
    }
    read_by = ("r_outer", "r_inner", *(("x",) if reads_input else ()))
    columns = sum(vectors[name][0] for name in read_by)
    ops = (
        Cascade(
            source="x",
            z_outer="z_outer",
            z_inner="z_inner",
            silence="silence",
            chain_fmt=state,
            window=2,
            sections=tuple(ADAPTORS[kind] for kind in sections),
        ),
        *(Pointwise(terms=(Term(f"z_{k}"),), target=f"r_{k}") for k in ("outer", "inner")),
        _linear(read_by, "h", tuple((row * 2)[:columns] for row in ROWS)),
        _linear(("h",), "y", ((2, -1, 3), (1, 3, -2))),
        Argmax(source="y", target="label"),
    )
    return Program(
        title="narrow network",
        vectors=tuple(
            Vector(name=name, length=length, fmt=fmt, role=role)
            for name, (length, fmt, role) in vectors.items()
        ),
        ops=ops,
    )


def _linear(sources: tuple[str, ...], target: str, rows: tuple[tuple[int, ...], ...]) -> Linear:
    n = len(rows)
    return Linear(
        sources=sources,
        target=target,
        n_channels=1,
        rows=rows,
        aligns=(0,) * len(sources),
        biases=(1, -2, 3)[:n],
        multipliers=(3, 5, 2)[:n],
        shifts=(3, 4, 2)[:n],
    )


@cache
def network_design(
    sections: str = "pr",
    module: str = "lmu",
    *,
    cut: tuple[str, ...] = (),
    reads_input: bool = False,
    **options: Any,
) -> Design:
    """Return a module of the Verilog of a narrow network.

    Parameters
    ----------
    sections, reads_input
        As in `network_program`.
    module, cut
        As in `Design`.
    **options
        Those of `Hardware`.
    """
    program = network_program(sections, reads_input=reads_input)
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, NetworkPlan)
    return Design(plan=plan, files=emit(program, plan), module=module, cut=cut)


SLOPES = Function(
    name="slopes",
    in_fmt=QFormat(1, 2),
    pieces=((9, -3), (-6, 5), (2, 7), (-11, 4)),
    shifts=(1,),
    guard=1,
)
"""A function in four pieces that have nothing to do with each other."""


@cache
def gate_program() -> Program:
    """Return layers of products with a function, of a change of format, and a label."""
    word = QFormat(1, 2)
    vectors = {
        "x": (2, word, Role.INPUT),
        "gate": (2, QFormat(0, 2, signed=False), Role.INPUT),
        "z": (3, QFormat(2, 2), Role.INPUT),
        "p": (2, QFormat(2, 1), Role.OUTPUT),
        "s": (2, word, Role.OUTPUT),
        "c": (3, word, Role.OUTPUT),
        "label": (1, QFormat(2, 0, signed=False), Role.OUTPUT),
    }
    return Program(
        title="gates",
        vectors=tuple(
            Vector(name=name, length=length, fmt=fmt, role=role)
            for name, (length, fmt, role) in vectors.items()
        ),
        ops=(
            Pointwise(
                terms=(Term("x", "gate"), Term("x", minus=True)), target="p", function=SLOPES
            ),
            Scale(source="x", target="s", n_channels=1, coefs=(3, -5), shifts=(1, 2)),
            Pointwise(terms=(Term("z"),), target="c"),
            Argmax(source="z", target="label"),
        ),
    )


@cache
def gate_design(module: str) -> Design:
    """Return a module of the Verilog of these layers, which start a step every two cycles."""
    program = gate_program()
    plan = layer_plan(program, 2)
    text = (
        environment()
        .get_template("rtl/design.v.j2")
        .render(
            header="",
            axi=False,
            roms=[],
            modules=verilog_of(LayerCore(plan), program.name, program.name, LAYER_BLOCKS, {}),
            name=program.name,
            collision_macro=COLLISION_MACRO,
        )
    )
    return Design(plan=plan, files={"lmu.v": text}, module=module)
