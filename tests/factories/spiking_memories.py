"""Programs with several memories, some of whose states travel as spikes."""

from __future__ import annotations

from lmu_hw.program.integer_program import Program
from tests.factories.hardware_programs import two_memories
from tests.factories.spiking_programs import with_neurons

SEVERAL: dict[str, Program] = {
    "integrate_and_poisson": with_neurons(
        with_neurons(two_memories(), population=5, seed=1),
        population=3,
        generators=4,
        seed=2,
        index=2,
        prefix="b_",
    ),
    "poisson_twice": with_neurons(
        with_neurons(two_memories(), population=2, generators=2, seed=3),
        population=3,
        generators=1,
        seed=4,
        index=2,
        prefix="b_",
    ),
    "integrate_twice": with_neurons(
        with_neurons(two_memories(), population=6, seed=5),
        population=2,
        seed=6,
        index=2,
        prefix="b_",
    ),
    "channels_beside_a_plain_one": with_neurons(two_memories(), population=4, seed=7),
    "integrate_beside_a_plain_one": with_neurons(two_memories(1), population=4, seed=9, index=2),
    "plain_channels_beside_one": with_neurons(
        two_memories(), population=3, generators=8, seed=8, index=2
    ),
}
