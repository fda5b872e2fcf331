"""Analog memories and the setup of their benches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.benches import BenchSetup, bench_setup
from lmu_hw.circuits.circuit import Circuit
from lmu_hw.circuits.request import make_request

DELAYS = (0.25, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class MemoryCircuit:
    circuit: Circuit
    setup: BenchSetup


def memory_circuit(
    order: int,
    *,
    form: str = "op-amp",
    structure: str = "cascade",
    series: str = "exact",
    opamp: str = "ideal",
    theta: str = "1ms",
    delays: Sequence[float] = DELAYS,
    scale: float = 1.0,
) -> MemoryCircuit:
    """Return the circuit of a request: exact and ideal unless something else is asked for.

    ``scale`` multiplies the full scale; above 1 nodes leave the range of the amplifiers.
    """
    request = make_request(
        order,
        theta,
        delays,
        form=form,
        structure=structure,
        series=series,
        opamp=opamp,
        r_min="100",
        r_max="10Meg",
    )
    design = make_design(request)
    setup = bench_setup(design)
    return MemoryCircuit(
        circuit=design.circuit, setup=replace(setup, full_scale=scale * setup.full_scale)
    )
