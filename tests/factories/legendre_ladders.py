"""Ladders that compute the bilinear Legendre memory, with coefficients of few bits."""

from __future__ import annotations

import math

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Program
from tests.factories.programs import ladder_program, with_op


def legendre_ladder(
    order: int,
    theta: float,
    state: QFormat,
    *,
    bits: int = 12,
    coef_bits: int = 18,
    substeps: int = 1,
    channels: int = 1,
    scaled: bool = False,
    readout: int = 0,
) -> Program:
    """Return the ladder of a Legendre memory of ``theta`` steps: its words are m, scaled."""
    R, sections = 1.0, []
    for i in reversed(range(order)):
        r = (2 * i + 1) / (2 * theta * substeps)
        left = R + 2 * r if i % 2 == 0 else 1 / (1 / R + 2 * r)
        sections.append(2 * r / left if i % 2 == 0 else 2 * r * left)
        R = left
    program = ladder_program(
        order=order,
        bits=bits,
        state=state,
        substeps=substeps,
        channels=channels,
        scaled=scaled,
        readout=readout,
        window=math.ceil(theta),
    )
    return with_op(
        program,
        0,
        sections=tuple(_rounded(e, coef_bits) for e in reversed(sections)),
        reflection=_rounded((R - 1) / (R + 1), coef_bits),
    )


def _rounded(value: float, bits: int) -> Adaptor:
    """Return a coefficient with this many significant bits."""
    shift = min(30, bits - 1 - math.frexp(value)[1]) if value else 0
    top = (1 << shift) - 1
    return Adaptor(max(-top, min(top, round(value * 2.0**shift))), shift)
