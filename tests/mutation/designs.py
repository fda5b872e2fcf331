"""The designs that mutants are made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lmu_hw.generate import files_of
from lmu_hw.memory.spec import parse
from lmu_hw.models.network import Activation
from lmu_hw.program import vectors
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.quantize_network import QuantizedNetwork
from lmu_hw.rtl.options import Hardware
from lmu_hw.verify.worst_case import worst_case
from tests.mutation.networks import SmallNetwork, quantized

STEPS = 300
"""Steps of random stimulus in the bench of the build directory, before the worst cases."""
FEWER_STEPS = {"lanes": 60}
"""Where a step takes many cycles of a large design."""
SPIKING = {"realization": "spiking", "neurons": 160}
MEMORIES = {
    "cascade": {"d": 6, "theta": 20, "realization": "cascade"},
    "channels": {"d": 5, "theta": 15, "channels": 3, "output": "state", "realization": "cascade"},
    "dense": {"d": 5, "output": "taps=0,0.5", "realization": "dense"},
    "ladder": {
        "d": 5,
        "theta": 20,
        "channels": 2,
        "discretizer": "bilinear",
        "substeps": 2,
        "realization": "ladder",
    },
    "integrate": {"d": 5, "theta": 20, **SPIKING, "neuron_model": "integrate-fire"},
    "poisson": {"d": 5, "theta": 20, **SPIKING, "neuron_model": "poisson", "generators": 4},
    "port": {"d": 6, "theta": 7, "realization": "cascade"},
    "full": {"d": 3, "theta": 12, "output": "state", "realization": "cascade"},
    "ring": {"d": 5, "theta": 20, "output": "state", "realization": "cascade"},
}
"""Large enough that few counters come to their ends both ways round."""
NETWORKS = {
    "lanes": SmallNetwork(order=5, reads_input=True),
    "pipelined": SmallNetwork(order=4, activation=Activation.TANH),
    "adders": SmallNetwork(order=4, activation=Activation.RELU, reads_input=True),
}
"""One with lanes, one with shared multipliers, one with graphs of adders."""
DESIGNS = (*MEMORIES, *NETWORKS)
NARROWER = {
    "ladder": {"w": 5},
    "full": {"z_inner": 3, "z_outer": 3},
    "ring": {"z_inner": 3, "z_outer": 3},
    **{name: {"l1_z_inner": 3, "l1_z_outer": 3} for name in NETWORKS},
}
"""Bits that vectors lose at the top: words that are proven to fit never saturate."""
HARDWARE = {
    **{name: Hardware(state_port=True) for name in ("port", "integrate")},
    "full": Hardware(parallel="full", pipeline=3, interleave=2, state_port=True),
    "ring": Hardware(parallel="ring", pipeline=2, sections_per_multiplier=2, state_port=True),
    "lanes": Hardware(parallel="ring", pipeline=2, sections_per_multiplier=2, layers="lanes"),
    "pipelined": Hardware(parallel="full", pipeline=2, layers="pipelined", state_port=True),
    "adders": Hardware(parallel="full", pipeline=2, interleave=2, layers="adders"),
}
"""Where it is not the usual one."""
SHARES = {
    "c": {
        "cascade": 0.3,
        "channels": 0.15,
        "dense": 0.15,
        "ladder": 0.15,
        "integrate": 0.1,
        "poisson": 0.15,
    },
    "verilog": {
        "cascade": 0.12,
        "channels": 0.09,
        "dense": 0.06,
        "ladder": 0.09,
        "port": 0.09,
        "integrate": 0.09,
        "poisson": 0.06,
        "full": 0.2,
        "ring": 0.2,
        **dict.fromkeys(NETWORKS, 0.12),
    },
}
"""The C knows nothing of a state port."""


def prepare(place: Path, name: str) -> Program:
    """Write the build directory of a design, with random and worst-case test vectors."""
    design: QuantizedMemory | QuantizedNetwork
    if name in NETWORKS:
        design = quantized(NETWORKS[name])
    else:
        design = quantize_memory(parse(MEMORIES[name]))
    design = replace(design, program=narrowed(design.program, NARROWER.get(name, {})))
    for file, content in files_of(design, HARDWARE.get(name, Hardware())).items():
        path = place / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    inputs = vectors.stimulus(design.program, FEWER_STEPS.get(name, STEPS), 1, 1)[:, 0]
    inputs = np.concatenate([inputs, worst_case(design.program).inputs])
    expected = vectors.expect(design.program, inputs)
    for file, content in vectors.to_files(design.program, expected).items():
        (place / "vectors" / file).write_text(content)
    return design.program


def narrowed(program: Program, bits: dict[str, int]) -> Program:
    """Return a program with fewer integer bits in some vectors."""
    vectors_ = [
        replace(v, fmt=QFormat(v.fmt.int_bits - bits.get(v.name, 0), v.fmt.frac_bits, v.fmt.signed))
        for v in program.vectors
    ]
    return replace(program, vectors=tuple(vectors_))
