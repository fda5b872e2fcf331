"""Corner cases of the C generator; those of networks, ladders and neurons have their own files."""

from __future__ import annotations

from dataclasses import replace

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Cascade,
    DenseUpdate,
    Linear,
    Operation,
    Program,
    Role,
    Vector,
)
from tests.factories.ladder_corners import LADDER_CORNERS
from tests.factories.network_corners import NETWORK_CORNERS
from tests.factories.programs import cascade_program, copy, linear
from tests.factories.spiking_corners import SPIKING_CORNERS


def _vector(name: str, length: int, fmt: QFormat, role: Role) -> Vector:
    return Vector(name=name, length=length, fmt=fmt, role=role)


def network() -> Program:
    """Return an encoder, two memories and a hidden layer in place: every kind of operation, twice.

    Inputs differ in width and sign, outputs in width; a target is its own source; shifts of zero
    and a common shift; states of more than 32 bits beside narrow ones.
    """
    q16, wide = QFormat(2, 14), QFormat(6, 34)
    vectors = (
        _vector("x", 3, QFormat(1, 7), Role.INPUT),
        _vector("gain", 1, QFormat(4, 8, signed=False), Role.INPUT),
        _vector("h", 2, q16, Role.STATE),
        _vector("u", 2, QFormat(3, 9), Role.STATE),
        _vector("z_outer", 2, wide, Role.STATE),
        _vector("z_inner", 4, QFormat(6, 10), Role.STATE),
        _vector("silence", 2, QFormat(33, 0, signed=False), Role.STATE),
        _vector("m", 4, QFormat(4, 6), Role.STATE),
        _vector("quiet", 2, QFormat(3, 0, signed=False), Role.STATE),
        _vector("y", 2, QFormat(3, -1), Role.OUTPUT),
        _vector("probe", 4, QFormat(10, 24), Role.OUTPUT),
        _vector("trace", 2, QFormat(8, 0, signed=False), Role.OUTPUT),
    )
    ops: tuple[Operation, ...] = (
        linear(
            sources=("x", "h", "gain"),
            target="u",
            rows=((90, -5, 3, 77, 0, -90), (1, 2, -128, 300, -300, 255)),
            shifts=(7, 7),
        ),
        Cascade(
            source="u",
            z_outer="z_outer",
            z_inner="z_inner",
            silence="silence",
            chain_fmt=QFormat(2, 6),
            window=9,
            sections=((Adaptor(1, 0),), (Adaptor(3, 2), Adaptor(70_001, 16))),
        ),
        DenseUpdate(
            source="u",
            state="m",
            silence="quiet",
            window=7,
            rows=((-3, 1), (0, -1)),
            shifts=(2, 0),
        ),
        Linear(
            sources=("h", "m", "z_outer"),
            target="h",
            n_channels=2,
            rows=((-40, 9, 13, 2),),
            aligns=(3, 0, 1),
            biases=(-70_000,),
            multipliers=(3,),
            shifts=(22,),
        ),
        copy("z_inner", "probe"),
        linear(sources=("h",), target="y", rows=((1, 0), (0, -1)), shifts=(0, 15), biases=(0, 1)),
        copy("h", "trace"),
    )
    return Program(title="every operation // twice /* ", vectors=vectors, ops=ops)


def through(state: str = "s") -> Program:
    """Return a program that copies its input to its output by way of a state, unrounded."""
    names = {"u": Role.INPUT, state: Role.STATE, "y": Role.OUTPUT}
    return Program(
        title="copy",
        vectors=tuple(_vector(n, 1, QFormat(1, 7), role) for n, role in names.items()),
        ops=(copy("u", state), copy(state, "y")),
    )


def saturating() -> Program:
    """Return a cascade that leaves its formats at both ends, with coefficients of few bits.

    A product of a coarse coefficient often ends in zeros: then only the bits that aligning the
    ports adds say whether toward zero differs from floor.
    """
    narrow = QFormat(2, 8), QFormat(2, 12), QFormat(1, 10)
    program = cascade_program(
        sections="pprpr", outer=narrow[0], inner=narrow[1], chain=narrow[2], seed=15
    )
    coarse = {1: (Adaptor(1, 0),), 2: (Adaptor(1, 1), Adaptor(3, 1))}
    (cascade, *rest) = program.ops
    assert isinstance(cascade, Cascade)
    sections = tuple(coarse[len(s)] if k % 2 else s for k, s in enumerate(cascade.sections))
    return replace(program, ops=(replace(cascade, sections=sections), *rest))


def brink(width: int) -> Program:
    """Return memories whose sums of words of ``width`` bits come to the brink of 32 bits.

    The readout's sum, taken before the memories move, reaches ``2**(width + 8)`` with every word at
    its lower rail.
    """
    fmt, less = QFormat(6, width - 6), QFormat(5, width - 6)
    program = cascade_program(sections="ppr", outer=less, inner=fmt, chain=fmt, seed=16)
    m = _vector("m", 2, fmt, Role.STATE)
    y = _vector("y", 1, QFormat(12, width), Role.OUTPUT)
    quiet = _vector("quiet", 1, QFormat(4, 0, signed=False), Role.STATE)
    rows = ((40, 61), (-63, 64))
    dense = DenseUpdate(source="u", state="m", silence="quiet", window=9, rows=rows, shifts=(6, 6))
    row = (-128, -128, -128, -128, 0)
    readout = linear(sources=("m", "z_inner"), target="y", rows=(row,), shifts=(0,))
    return replace(
        program, vectors=(*program.vectors, m, quiet, y), ops=(readout, *program.ops, dense)
    )


CORNERS: dict[str, Program] = (
    NETWORK_CORNERS
    | LADDER_CORNERS
    | SPIKING_CORNERS
    | {
        "network": network(),
        "copy": through(),
        "saturating": saturating(),
        **{f"brink_{width}": brink(width) for width in (22, 23, 24, 29, 30, 31, 32, 33)},
        "narrow_difference": cascade_program(
            sections="pp", outer=QFormat(5, 25), inner=QFormat(5, 25), chain=QFormat(5, 25), seed=11
        ),
        "input_rounded": cascade_program(sections="pr", bits=16, chain=QFormat(1, 5), seed=12),
        "window_one": cascade_program(sections="rp", window=1, seed=13),
        "reals_then_pairs": cascade_program(sections="rrpprr", channels=2, seed=14),
    }
)
