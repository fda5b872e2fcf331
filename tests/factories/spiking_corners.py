"""Corner cases of the C generator in memories on spiking neurons."""

from __future__ import annotations

from dataclasses import replace

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Pointwise, Program, Role, Term, Vector
from tests.factories.programs import cascade_program
from tests.factories.spiking_programs import with_neurons


def brink(quantum: int) -> Program:
    """Return integrate-and-fire neurons whose sum of membrane and state comes to 32 bits.

    With a quantum of ``2**30`` it just fits, and with one of ``2**31`` it does not.
    """
    fmt = QFormat(5, quantum - 4)
    program = cascade_program(sections="pr", outer=fmt, inner=fmt, chain=QFormat(3, 20), seed=31)
    return with_neurons(program, population=0, quanta=(quantum,) * 3)


def narrow(quanta: tuple[int, ...], population: int, generators: int = 0) -> Program:
    """Return a pair and a real pole of states of 11 to 14 bits."""
    program = cascade_program(
        sections="pr", outer=QFormat(6, 8), inner=QFormat(3, 8), chain=QFormat(3, 10), seed=32
    )
    return with_neurons(program, population=population, quanta=quanta, generators=generators)


def wide(width: int) -> Program:
    """Return Poisson neurons of states of ``width`` bits."""
    fmt = QFormat(7, width - 7)
    program = cascade_program(sections="pr", outer=fmt, inner=fmt, chain=QFormat(3, 20), seed=33)
    return with_neurons(program, population=4, generators=2, seed=1)


def read() -> Program:
    """Return Poisson neurons whose generators another operation reads, which takes signed words."""
    program = narrow((7, 9, 7), population=4, generators=4)
    y = Vector(name="seen", length=4, role=Role.OUTPUT, fmt=QFormat(33, 0))
    op = Pointwise(target="seen", terms=(Term(a="generators"),))
    return replace(program, vectors=(*program.vectors, y), ops=(*program.ops, op))


SPIKING_CORNERS: dict[str, Program] = {
    "spiking_brink_30": brink(30),
    "spiking_brink_31": brink(31),
    "spiking_unscaled": narrow((0, 0, 0), population=4),
    "spiking_mixed": narrow((0, 11, 3), population=3),
    "spiking_lifted": narrow((4, 4, 4), population=6, generators=8),
    "spiking_both_ways": narrow((14, 1, 6), population=9, generators=2),
    "spiking_full": narrow((2, 2, 2), population=6, generators=1),
    "spiking_drawn_32": wide(32),
    "spiking_drawn_40": wide(40),
    "spiking_read": read(),
}
"""Also among the corner cases of the generator."""
