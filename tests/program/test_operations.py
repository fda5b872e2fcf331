"""Operations: shapes that must agree, and widths that must fit, each refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lmu_hw.errors import FormatError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, DenseUpdate, Linear, Pointwise, Program, Term
from tests.factories.program_networks import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, with_op, with_vectors

CASCADE = PROGRAMS["readout"]
DENSE = PROGRAMS["dense_readout"]
LMU = NETWORKS["lmu"]
GATES = NETWORKS["gates"]


def with_rows(program: Program, index: int, edit: Callable[[tuple[int, ...]], Any]) -> Program:
    op = program.ops[index]
    assert isinstance(op, DenseUpdate | Linear)
    return with_op(program, index, rows=(edit(op.rows[0]), *op.rows[1:]))


def with_function(program: Program, index: int, **fields: Any) -> Program:
    op = program.ops[index]
    assert isinstance(op, Linear | Pointwise)
    assert op.function is not None
    return with_op(program, index, function=replace(op.function, **fields))


ONE = cascade_program(sections="r")
PAIR = cascade_program(sections="p")
ZERO_ROWS = with_op(LMU, 0, rows=((0,) * 8,) * 2)
BITS = r"needs \d+ bits but must fit 63: use fewer state or coefficient bits"
HOLDS = r"silence must be an unsigned integer format that holds window >= 1, "

REFUSALS: dict[str, tuple[Callable[[], Program], str]] = {
    "inner length": (
        lambda: with_vectors(ONE, z_inner={"length": 2}),
        "z_inner has length 2 but should be 1",
    ),
    "outer length": (
        lambda: with_vectors(PAIR, z_outer={"length": 2}),
        "z_outer has length 2 but should be 1",
    ),
    "counter length": (
        lambda: with_vectors(ONE, silence={"length": 2}),
        "silence has length 2 but should be 1",
    ),
    "signed counter": (
        lambda: with_vectors(ONE, silence=QFormat(6, 0)),
        HOLDS + r"not Q6\.0 with window 12",
    ),
    "fractional counter": (
        lambda: with_vectors(ONE, silence=QFormat(4, 1, signed=False)),
        HOLDS + r"not UQ4\.1 with window 12",
    ),
    "narrow counter": (
        lambda: with_vectors(ONE, silence=QFormat(3, 0, signed=False)),
        HOLDS + r"not UQ3\.0 with window 12",
    ),
    "wide window": (lambda: with_op(ONE, 0, window=16), HOLDS + r"not UQ4\.0 with window 16"),
    "no window": (lambda: with_op(ONE, 0, window=0), HOLDS + r"not UQ4\.0 with window 0"),
    "dense without window": (lambda: with_op(DENSE, 0, window=0), HOLDS + r".* with window 0"),
    "empty section": (
        lambda: with_op(ONE, 0, sections=((),)),
        "a section must have 1 or 2 adaptors, not 0",
    ),
    "long section": (
        lambda: with_op(ONE, 0, sections=((Adaptor(1, 1),) * 3,)),
        "a section must have 1 or 2 adaptors, not 3",
    ),
    "no section": (lambda: with_op(ONE, 0, sections=()), "z_inner has length 1 but should be 0"),
    **{
        f"adaptor {adaptor}": (
            lambda adaptor=adaptor: with_op(ONE, 0, sections=((adaptor,),)),
            rf"adaptor must have 0 < coef \* 2\*\*-shift < 2, not Adaptor\(coef={adaptor.coef}, .*",
        )
        for adaptor in (
            Adaptor(0, 3),
            Adaptor(-1, 3),
            Adaptor(16, 3),
            Adaptor(2, 0),
            Adaptor(1, -1),
        )
    },
    "wide adaptor": (
        lambda: with_op(ONE, 0, sections=((Adaptor((1 << 47) - 1, 47),),)),
        f"adaptor {BITS}",
    ),
    "adaptor of a far shift": (
        lambda: with_op(ONE, 0, sections=((Adaptor(1, 62),),)),
        "adaptor needs 64 bits but must fit 63: .*",
    ),
    "adaptor of ports far apart": (
        lambda: with_op(ONE, 0, chain_fmt=QFormat(3, 50)),
        f"adaptor {BITS}",
    ),
    "input far from the chain": (
        lambda: with_vectors(ONE, u=QFormat(57, -50)),
        f"cascade input {BITS}",
    ),
    "state length": (
        lambda: with_vectors(DENSE, m={"length": 5}),
        "m has length 5 but should be 6",
    ),
    "dense row": (
        lambda: with_rows(DENSE, 0, lambda row: row[1:]),
        "dense must have 6 columns and one shift for each row",
    ),
    "dense shifts": (
        lambda: with_op(DENSE, 0, shifts=(1, 2)),
        "dense must have 6 columns and one shift for each row",
    ),
    "dense negative shift": (
        lambda: with_op(DENSE, 0, shifts=(1, 1, 1, -1, 1, 1)),
        "dense must have shifts from 0 to 61, not -1",
    ),
    "wide dense": (lambda: with_rows(DENSE, 0, lambda row: (1 << 50,) * 6), f"dense {BITS}"),
    "dense far shift": (
        lambda: with_op(DENSE, 0, shifts=(62,) * 6),
        "dense must have shifts from 0 to 61, not 62",
    ),
    "input far above the state": (
        lambda: with_vectors(DENSE, u=QFormat(1, 40), m=QFormat(60, -30)),
        f"dense input {BITS}",
    ),
    "linear row": (
        lambda: with_rows(CASCADE, 1, lambda row: (*row, 1)),
        "linear must have 6 columns and one shift for each row",
    ),
    "linear shifts": (
        lambda: with_op(CASCADE, 1, shifts=(1,)),
        "linear must have 6 columns and one shift for each row",
    ),
    "linear biases": (
        lambda: with_op(CASCADE, 1, biases=(1,)),
        "linear has 1 biases but should have 5",
    ),
    "linear channels": (
        lambda: with_op(CASCADE, 1, n_channels=2),
        r"linear sources \('z_outer', 'z_inner'\) do not split into 2 channels",
    ),
    "linear without channels": (
        lambda: with_op(CASCADE, 1, n_channels=0),
        r"linear sources .* do not split into 0 channels",
    ),
    "linear without sources": (
        lambda: with_op(CASCADE, 1, sources=()),
        "linear must have at least one source and one row",
    ),
    "linear without rows": (
        lambda: with_op(CASCADE, 1, rows=(), shifts=(), biases=(), multipliers=()),
        "linear must have at least one source and one row",
    ),
    "linear target": (
        lambda: with_vectors(CASCADE, y={"length": 4}),
        "y has length 4 but should be 5",
    ),
    "wide linear": (lambda: with_rows(CASCADE, 1, lambda row: (1 << 60,) * 6), f"linear {BITS}"),
    "wide bias": (
        lambda: with_op(CASCADE, 1, biases=(1 << 61, 0, 0, 0, 0)),
        "linear needs 64 bits but must fit 63: .*",
    ),
    "copy length": (
        lambda: with_vectors(ONE, y_z_inner={"length": 2}),
        "z_inner has length 1 but should be 2",
    ),
    "wide copy": (
        lambda: with_vectors(ONE, y_z_inner=QFormat(1, 60)),
        "pointwise needs 66 bits but must fit 63: .*",
    ),
    "linear far shift": (
        lambda: with_op(CASCADE, 1, shifts=(1, 1, 62, 1, 1)),
        "linear must have shifts from 0 to 61, not 62",
    ),
    "linear negative shift": (
        lambda: with_op(CASCADE, 1, shifts=(1, 1, 62, -2, 1)),
        "linear must have shifts from 0 to 61, not -2",
    ),
    "linear multipliers": (
        lambda: with_op(CASCADE, 1, multipliers=(1,) * 6),
        "linear has 6 multipliers but should have 5",
    ),
    "linear without a multiplier": (
        lambda: with_op(LMU, 0, multipliers=(7, 0)),
        "multipliers must be >= 1, not 0",
    ),
    "linear negative multiplier": (
        lambda: with_op(LMU, 0, multipliers=(-1, 7)),
        "multipliers must be >= 1, not -1",
    ),
    "linear wide multiplier": (lambda: with_op(LMU, 0, multipliers=(7, 1 << 45)), f"linear {BITS}"),
    "multiplier of an empty row": (
        lambda: with_op(ZERO_ROWS, 0, multipliers=(1 << 61, 1)),
        "linear needs 64 bits but must fit 63: .*",
    ),
    "linear aligns": (
        lambda: with_op(LMU, 0, aligns=(0,)),
        "linear has 1 aligns but should have 2",
    ),
    "linear negative align": (
        lambda: with_op(LMU, 0, aligns=(0, -1)),
        "linear must have shifts from 0 to 61, not -1",
    ),
    "linear far align": (
        lambda: with_op(LMU, 0, aligns=(62, 0)),
        "linear must have shifts from 0 to 61, not 62",
    ),
    "linear wide align": (lambda: with_op(LMU, 0, aligns=(40, 0)), f"linear {BITS}"),
    "linear channels of the target": (
        lambda: with_op(PROGRAMS["channels"], 1, n_channels=1),
        "y has length 6 but should be 2",
    ),
    "pointwise without terms": (
        lambda: with_op(GATES, 4, terms=()),
        "pointwise must have at least one term",
    ),
    "pointwise of another length": (
        lambda: with_op(GATES, 4, terms=(Term("f"), Term("g", "x"))),
        "x has length 2 but should be 7",
    ),
    "pointwise wide product": (
        lambda: with_vectors(GATES, c=QFormat(30, 24)),
        f"pointwise {BITS}",
    ),
    "pointwise far target": (
        lambda: with_vectors(GATES, y=QFormat(-50, 60)),
        f"pointwise {BITS}",
    ),
    "pointwise far drop": (
        lambda: with_vectors(GATES, y=QFormat(60, -50)),
        f"pointwise {BITS}",
    ),
    "pointwise many terms": (
        lambda: with_op(GATES, 6, terms=(Term("o", "a"),) * 45),
        "pointwise needs 64 bits but must fit 63: .*",
    ),
    "argmax into a word for fewer": (
        lambda: with_vectors(LMU, label=QFormat(1, 0, signed=False)),
        "label must be an integer format that holds 3",
    ),
    "argmax into a signed word for fewer": (
        lambda: with_vectors(LMU, label=QFormat(2, 0)),
        "label must be an integer format that holds 3",
    ),
    "argmax into a fraction": (
        lambda: with_vectors(LMU, label=QFormat(2, 1, signed=False)),
        "label must be an integer format that holds 3",
    ),
    "argmax into two words": (
        lambda: with_vectors(LMU, label={"length": 2}),
        "label has length 2 but should be 1",
    ),
    **{
        f"function: {what}": (
            lambda op=op, program=program, fields=fields: with_function(program, op, **fields),
            text,
        )
        for program, op in ((LMU, 2), (GATES, 5))
        for what, fields, text in (
            ("no piece", {"pieces": ()}, "noise must have a power of two of pieces, .*, not 0"),
            (
                "three pieces",
                {"pieces": ((0,), (1,), (2,)), "shifts": ()},
                "noise must have a power of two of pieces, at most one a word, not 3",
            ),
            (
                "more pieces than words",
                {"pieces": ((0,),) * 4, "shifts": (), "in_fmt": QFormat(1, 0)},
                "noise must have a power of two of pieces, at most one a word, not 4",
            ),
            (
                "too steep a degree",
                {"pieces": ((0,) * 5,), "shifts": (0,) * 4},
                "noise must have at most 4 coefficients in a piece, not 5",
            ),
            (
                "a coefficient less",
                {"pieces": ((0, 1), (1,)), "shifts": (3,)},
                "noise must have 2 coefficients in every piece, one more than shifts",
            ),
            (
                "no coefficient",
                {"pieces": ((),), "shifts": ()},
                "noise must have 1 coefficients in every piece, one more than shifts",
            ),
            (
                "a shift more",
                {"pieces": ((0, 1),), "shifts": (3, 4)},
                "noise must have 3 coefficients in every piece, one more than shifts",
            ),
            ("guard", {"guard": -1}, "noise must have shifts from 0 to 61, not -1"),
            ("far guard", {"guard": 62}, "noise must have shifts from 0 to 61, not 62"),
            (
                "shift",
                {"pieces": ((0, 1),), "shifts": (-3,)},
                "noise must have shifts from 0 to 61, not -3",
            ),
            (
                "far shift",
                {"pieces": ((0, 1),), "shifts": (62,)},
                "noise must have shifts from 0 to 61, not 62",
            ),
            (
                "wide constant",
                {"pieces": ((1 << 61,),), "shifts": ()},
                "noise needs 64 bits but must fit 63: .*",
            ),
            (
                "a slope of a bit too many",
                {"pieces": ((0, -(1 << 50)),), "shifts": (12,)},
                "noise needs 64 bits but must fit 63: .*",
            ),
            (
                "a sum of one too many",
                {"pieces": (((1 << 61) - 9, 1),), "shifts": (9,)},
                "noise needs 64 bits but must fit 63: .*",
            ),
            ("wide slope", {"pieces": ((0, -(1 << 60)),), "shifts": (9,)}, f"noise {BITS}"),
            ("wide sum", {"pieces": ((1 << 61, 1),), "shifts": (9,)}, f"noise {BITS}"),
        )
    },
}


@pytest.mark.parametrize(("build", "text"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(build: Callable[[], Program], text: str) -> None:
    with pytest.raises(FormatError, match=r"\A" + text + r"\Z") as error:
        build()
    assert "\n" not in str(error.value)


def test_what_just_fits() -> None:
    """The other side of the limits."""
    with_op(ONE, 0, window=15)
    with_op(ONE, 0, window=1)
    with_op(ONE, 0, sections=((Adaptor(15, 3),),))
    with_op(ONE, 0, sections=((Adaptor(1, 0),),))
    with_op(ONE, 0, sections=((Adaptor(1, 61),),))
    with_op(CASCADE, 1, shifts=(61,) * 5)
    with_op(LMU, 0, aligns=(0, 0), multipliers=(1, 1), shifts=(0, 0))
    with_op(ZERO_ROWS, 0, multipliers=(1 << 60, 1))
    with_op(GATES, 6, terms=(Term("o", "a"),) * 44)
    with_function(LMU, 2, pieces=((0,),) * 4096, shifts=())
    with_function(LMU, 2, pieces=((0,) * 4,), shifts=(61,) * 3, guard=61)
    with_function(LMU, 2, pieces=(((1 << 61) - 1,),), shifts=())
    with_function(LMU, 2, pieces=((0, -(1 << 49)),), shifts=(12,))
    with_function(LMU, 2, pieces=(((1 << 61) - 10, 1),), shifts=(9,))
    with_vectors(LMU, label=QFormat(3, 0))
    with_op(ONE, 0, sections=((Adaptor((1 << 46) - 1, 46),),))
    with_op(DENSE, 0, shifts=(61,) * 6)
    with_op(ZERO_ROWS, 0, multipliers=(1, 1), biases=(-(1 << 61) + 1, 0))
    with_vectors(ONE, y_z_inner=QFormat(1, 57))
