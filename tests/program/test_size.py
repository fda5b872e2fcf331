"""Bits of the tables and words of a program, counted by hand."""

from __future__ import annotations

from lmu_hw.program.integer_program import Adaptor
from lmu_hw.program.size import ram_bits, rom_bits
from tests.factories.programs import ladder_program, with_op


def test_a_ladder_and_its_readout() -> None:
    program = ladder_program(order=4, channels=3, substeps=2, scaled=True)
    program = with_op(
        program,
        0,
        sections=(Adaptor(3, 7), Adaptor(63, 6), Adaptor(1, 4), Adaptor(2, 9)),
        reflection=Adaptor(-64, 8),
    )
    program = with_op(program, 1, coefs=(1, -128, 1, 100), shifts=(0, 1, 2, 3))
    # five coefficients of 7 bits, four of 8, each with a shift of 6, for all channels
    assert rom_bits(program) == 5 * (7 + 6) + 4 * (8 + 6)
    # states of 18 bits, previous inputs of 8 and counters of 4
    assert ram_bits(program) == 3 * (4 * 18 + 8 + 4)
