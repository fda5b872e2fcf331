"""Small programs whose states travel as spikes, made by hand: legal, not accurate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Cascade, Operation, Program, Role, Spiking, Vector
from lmu_hw.program.spiking_update import GENERATOR_FMT
from tests.factories.programs import cascade_program


def with_neurons(
    program: Program,
    *,
    population: int,
    generators: int = 0,
    quanta: tuple[int, ...] = (),
    seed: int = 0,
    index: int = 0,
    prefix: str = "",
) -> Program:
    """Return the program with neurons between the sections of one operation, a cascade.

    Integrate-and-fire, or Poisson with ``generators``. Quanta differ from state to state: some
    populations reach the ends of the format, others only a part of it; or ``quanta`` are given.
    ``spikes`` is an output.
    """
    rng = np.random.default_rng(seed)
    cascade = program.ops[index]
    assert isinstance(cascade, Cascade)
    base = Spiking(cascade=cascade, population=population, quanta=(), spikes=f"{prefix}spikes")
    widths = [program.vector(name).fmt.width for name, _ in base.places]
    drawn = tuple(max(0, w - 1 - population - int(rng.integers(0, 5))) for w in widths)
    quanta = quanta or drawn
    seeds = tuple(int(x) for x in rng.integers(1, 1 << 32, generators))
    channels = program.vector(cascade.source).length
    kept = Vector(
        name=prefix + ("generators" if generators else "membrane"),
        length=generators or channels * len(widths),
        role=Role.STATE,
        fmt=GENERATOR_FMT if generators else QFormat(max(1, *quanta), 0),
    )
    op = replace(
        base,
        quanta=quanta,
        membrane="" if generators else kept.name,
        generators=kept.name if generators else "",
        seeds=seeds,
    )
    vectors = (*program.vectors, kept)
    most = op.most_spikes({v.name: v for v in vectors}.__getitem__)
    spikes = Vector(
        name=base.spikes,
        length=channels,
        role=Role.OUTPUT,
        fmt=QFormat(most.bit_length(), 0, signed=False),
    )
    ops: tuple[Operation, ...] = (*program.ops[:index], op, *program.ops[index + 1 :])
    return replace(program, title=f"test program {op.kind}", vectors=(*vectors, spikes), ops=ops)


SPIKING: dict[str, Program] = {
    "integrate_one": with_neurons(cascade_program(sections="r"), population=3),
    "integrate_pair": with_neurons(cascade_program(sections="p"), population=2, seed=1),
    "integrate_mixed": with_neurons(
        cascade_program(sections="pprpr", seed=1), population=6, seed=2
    ),
    "integrate_readout": with_neurons(
        cascade_program(sections="ppp", readout=5, seed=3), population=0, seed=3
    ),
    "integrate_channels": with_neurons(
        cascade_program(sections="prp", channels=3, readout=2, seed=7), population=5, seed=4
    ),
    "integrate_wide": with_neurons(
        cascade_program(
            sections="pppp",
            bits=16,
            outer=QFormat(9, 27),
            inner=QFormat(5, 31),
            chain=QFormat(3, 33),
            readout=7,
            seed=6,
        ),
        population=12,
        seed=5,
    ),
    "poisson_one": with_neurons(cascade_program(sections="r"), population=0, generators=1),
    "poisson_pair": with_neurons(cascade_program(sections="p"), population=3, generators=1, seed=1),
    "poisson_mixed": with_neurons(
        cascade_program(sections="pprpr", seed=1), population=4, generators=4, seed=2
    ),
    "poisson_readout": with_neurons(
        cascade_program(sections="ppp", readout=5, seed=3), population=4, generators=16, seed=3
    ),
    "poisson_channels": with_neurons(
        cascade_program(sections="prp", channels=3, readout=2, seed=7),
        population=3,
        generators=2,
        seed=4,
    ),
    "poisson_odd_widths": with_neurons(
        cascade_program(
            sections="ppr",
            bits=11,
            outer=QFormat(9, 8),
            inner=QFormat(3, 18),
            chain=QFormat(2, 15),
            readout=3,
            seed=4,
        ),
        population=5,
        generators=8,
        seed=5,
    ),
}
"""Programs that every backend is tested on."""
