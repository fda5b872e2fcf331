"""Small designs, as they are emitted, for proofs."""

from __future__ import annotations

from functools import cache
from unittest import mock

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Linear, Program, Role, Vector
from lmu_hw.rtl import emit, three_port
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.streams import Streams
from tests.factories.programs import cascade_program, dense_program, ladder_program, with_op
from tests.factories.spiking_programs import with_neurons
from tests.formal.prover import Design

NARROW = QFormat(3, 2)
"""Words of the memories: wide enough to be rounded and limited."""


def layer(every: int, multipliers: tuple[int, ...] = (1, 1)) -> Program:
    """Return a recurrent layer of two inputs and two units, and a readout of them."""
    word, unit = QFormat(1, 2), QFormat(1, 3)
    vectors = [
        Vector(name="x", length=2, fmt=word, role=Role.INPUT),
        Vector(name="h", length=2, fmt=unit, role=Role.STATE),
        Vector(name="y", length=2, fmt=QFormat(2, 1), role=Role.OUTPUT),
    ]
    if every > 1:
        count = QFormat((every - 1).bit_length(), 0, signed=False)
        vectors.append(Vector(name="clock", length=1, fmt=count, role=Role.STATE))

    def rows(sources: tuple[str, ...], target: str, table: tuple[tuple[int, ...], ...]) -> Linear:
        return Linear(
            sources=sources,
            target=target,
            n_channels=1,
            rows=table,
            aligns=(0,) * len(sources),
            biases=(1, -2),
            multipliers=multipliers,
            shifts=(2, 1),
        )

    ops = (
        rows(("x", "h"), "h", ((1, -2, 3, 1), (-1, 1, 2, -3))),
        rows(("h",), "y", ((2, -1), (3, 1))),
    )
    clock = "clock" if every > 1 else ""
    return Program(title="layer", vectors=tuple(vectors), ops=ops, output_every=every, clock=clock)


def _spiking(sections: str, **keys: int) -> Program:
    """Return a memory of real sections whose states travel as spikes."""
    plain = cascade_program(sections=sections, bits=4, inner=NARROW, chain=NARROW, window=2)
    plain = with_op(plain, 0, sections=((Adaptor(3, 2),),) * len(sections))
    return with_neurons(plain, **keys)


PROGRAMS = {
    "cascade": cascade_program(sections="rrr", bits=4, inner=NARROW, chain=NARROW, window=2),
    "one section": with_op(
        cascade_program(sections="r", bits=4, inner=NARROW, chain=NARROW, window=2),
        0,
        sections=((Adaptor(3, 2),),),
    ),
    "ladder": with_op(
        ladder_program(order=2, bits=4, state=NARROW, window=2),
        0,
        sections=(Adaptor(3, 2), Adaptor(5, 3)),
        reflection=Adaptor(-1, 1),
    ),
    "integrate": _spiking("r", population=1, seed=1),
    "integrate, two states": _spiking("rr", population=1, seed=1),
    "poisson": _spiking("r", population=1, generators=1, seed=1),
    # waves as wide as those of order 64 for 16-bit outputs
    "wide ladder": ladder_program(order=2, bits=16, state=QFormat(11, 19), window=2),
    "dense": dense_program(order=2, bits=4, state=NARROW, window=2),
    "layer": layer(1),
    "scaled layer": layer(1, multipliers=(5, 3)),
    "layer, every 2": layer(2),
}


@cache
def design(
    name: str,
    module: str = "lmu",
    *,
    lanes: int = 1,
    state_port: bool = False,
    streams: Streams = Streams.PLAIN,
    cut: tuple[str, ...] = (),
) -> Design:
    """Return a module of the Verilog of a program."""
    program = PROGRAMS[name]
    plan = schedule(program, lanes, state_port=state_port)
    files = emit(program, plan, streams=streams)
    return Design(plan=plan, files=files, module=module, cut=cut)


@cache
def halves(name: str, module: str, low_bits: int) -> Design:
    """Return the same, with ladders whose factors are divided into two from few bits on."""
    with mock.patch.object(three_port, "LOW_BITS", low_bits):
        return design.__wrapped__(name, module)
