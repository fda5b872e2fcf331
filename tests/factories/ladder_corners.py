"""Corner cases of the C generator in ladders and their readouts."""

from __future__ import annotations

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Ladder,
    Operation,
    Program,
    Role,
    Scale,
    Vector,
)
from tests.factories.programs import ladder_program, linear, with_op, with_vectors

ALMOST_ONE = Adaptor((1 << 16) - 1, 16)
HALF = Adaptor(1, 1)


def brink(width: int) -> Program:
    """Return a ladder of waves of ``width`` bits, whose sums are as large as any.

    At 29 to 33 bits a doubled sum, T, a sum, a wave and a difference leave 32 bits.
    """
    program = ladder_program(order=5, state=QFormat(width - 12, 12), scaled=True, seed=21)
    tiny = Adaptor(1, 16)
    sections = (ALMOST_ONE, tiny, tiny, ALMOST_ONE, ALMOST_ONE)
    return with_op(program, 0, sections=sections, reflection=ALMOST_ONE)


def saturating() -> Program:
    """Return a ladder of narrow waves, all of which leave their format at both ends."""
    program = ladder_program(order=6, channels=2, state=QFormat(2, 8), scaled=True, seed=22)
    fine = Adaptor(251, 8)
    sections = (fine, Adaptor(3, 8), HALF, fine, Adaptor(9, 11), Adaptor(3, 2))
    return with_op(program, 0, sections=sections, reflection=Adaptor(7, 3))


def coarse() -> Program:
    """Return a ladder whose products end in zeros as often as not: ties, and words without rest."""
    program = ladder_program(order=4, state=QFormat(4, 3), substeps=2, seed=23)
    sections = (HALF, Adaptor(3, 2), Adaptor(1, 2), HALF)
    return with_op(program, 0, sections=sections, reflection=Adaptor(-1, 1))


def own_shifts() -> Program:
    """Return a ladder and a readout whose coefficients share no scale of 32 bits."""
    program = ladder_program(order=4, scaled=True, seed=24)
    sections = (Adaptor(1, 40), ALMOST_ONE, Adaptor(5, 44), HALF)
    program = with_op(program, 0, sections=sections, reflection=Adaptor(-3, 33))
    return with_op(program, 1, coefs=(1, 70_001, -3, 255), shifts=(1, 46, 2, 8))


def readout(order: int) -> Program:
    """Return a ladder whose readout multiplies odd words only."""
    program = ladder_program(order=order, channels=2, scaled=True, seed=25)
    coefs = tuple(1 if i % 2 == 0 else 8191 - i for i in range(order))
    shifts = tuple(6 if i % 2 == 0 else 14 + i for i in range(order))
    return with_op(program, 1, coefs=coefs, shifts=shifts)


def twice() -> Program:
    """Return two ladders, the second of which reads the scaled output of the first.

    Waves of 16 bits beside 40, a counter of 64, and a row of the words of both.
    """
    fmt, wide, narrow = QFormat(2, 14), QFormat(10, 30), QFormat(4, 12)
    vectors = (
        Vector(name="u", length=3, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="w", length=9, fmt=wide, role=Role.STATE),
        Vector(name="silence", length=3, fmt=QFormat(33, 0, signed=False), role=Role.STATE),
        Vector(name="z", length=9, fmt=narrow, role=Role.STATE),
        Vector(name="before", length=9, fmt=fmt, role=Role.STATE),
        Vector(name="quiet", length=9, fmt=QFormat(3, 0, signed=False), role=Role.STATE),
        Vector(name="m", length=9, fmt=fmt, role=Role.OUTPUT),
        Vector(name="y", length=3, fmt=QFormat(9, 24), role=Role.OUTPUT),
    )
    ops: tuple[Operation, ...] = (
        Ladder(
            source="u",
            state="w",
            previous="",
            silence="silence",
            window=9,
            substeps=1,
            sections=(Adaptor(3, 5), Adaptor(1, 7), Adaptor(77, 8)),
            reflection=Adaptor(0, 0),
        ),
        Scale(source="w", target="m", n_channels=3, coefs=(1, -300, 7), shifts=(0, 16, 20)),
        Ladder(
            source="m",
            state="z",
            previous="before",
            silence="quiet",
            window=5,
            substeps=8,
            sections=(Adaptor(1, 6),),
            reflection=Adaptor(-99, 7),
        ),
        linear(
            sources=("z", "w"), target="y", n_channels=3, rows=((9, -5, 3, 1, 2, 4),), shifts=(3,)
        ),
    )
    return Program(title="two ladders", vectors=vectors, ops=ops)


LADDER_CORNERS: dict[str, Program] = {
    **{f"ladder_brink_{width}": brink(width) for width in (28, 29, 30, 31, 32, 33)},
    "ladder_saturating": saturating(),
    "ladder_coarse": coarse(),
    "ladder_own_shifts": own_shifts(),
    "ladder_odd_readout": readout(7),
    "ladder_even_readout": readout(4),
    "ladder_window_one": ladder_program(order=3, window=1, substeps=2, seed=26),
    # waves coarser than the input, and an input that passes them
    "ladder_input_rounded": ladder_program(order=3, bits=16, state=QFormat(1, 5), seed=27),
    "ladder_input_unsigned": with_vectors(
        ladder_program(order=2, bits=8, substeps=4, seed=28),
        u=QFormat(1, 7, signed=False),
        previous=QFormat(1, 7, signed=False),
    ),
    "ladders": twice(),
}
