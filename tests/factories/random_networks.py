"""Random networks, and programs of them with biases at the brink of a C type now and then."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from lmu_hw.errors import FormatError
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    Layer,
    LinearMemory,
    n_out,
)
from lmu_hw.program.integer_program import Linear, Operation, Program
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.networks import CELLS, GATES, cell, lmu, network, trained

STRIDE = 1 << 20
"""From one seed to the next for the same network."""
BRINKS = (15, 16, 31, 32, 40)
"""Powers of two that a sum with its bias comes close to."""


def random_network(seed: int) -> FloatNetwork:
    """Return a stack of one to three layers, every choice by the dice."""
    rng = np.random.default_rng(seed)
    width, layers = int(rng.integers(1, 4)), []
    for _ in range(rng.integers(1, 4)):
        kind, n = str(rng.choice(CELLS)), int(rng.integers(1, 5))
        activation, gate = (list(Activation)[rng.integers(8)], GATES[rng.integers(3)])
        if rng.random() < 0.3:
            layer: Layer = cell(rng, kind, width, n, activation, gate)
        else:
            order, given = int(rng.integers(1, 6)), rng.random(4) < 0.5
            terms = tuple(t for t, g in zip(("e_x", "e_h", "e_m", "b"), given, strict=True) if g)
            channels = int(rng.integers(1, 4)) if "e_x" in terms else width
            system = trained(rng, order) if rng.random() < 0.3 else None
            theta = float(rng.uniform(3.0, 20.0))
            layer = lmu(
                rng,
                width,
                kind=kind if rng.random() < 0.6 else None,
                n=n,
                reads_input=bool(rng.random() < 0.5),
                terms=terms,
                activation=activation,
                gate=gate,
                memory=LinearMemory(order=order, theta=theta, channels=channels, trained=system),
            )
        layers.append(layer)
        width = n_out(layer)
    if rng.random() < 0.3:
        layers.append(cell(rng, "dense", width, 3, Activation.SOFTMAX))
    return network(*layers)


def random_program(seed: int) -> Program:
    """Return a program of one to three layers of any kind, its widths and biases by the dice."""
    rng = np.random.default_rng(seed)
    net = remembering(seed)
    data = [rng.uniform(-1, 1, (30, net.n_in)) for _ in range(2)]
    widths = Widths(
        weight_bits=int(rng.integers(2, 17)),
        act_bits=int(rng.integers(4, 17)),
        coef_bits=int(rng.integers(4, 17)),
        input_bits=int(rng.integers(4, 17)),
    )
    every = int(rng.choice([0, 1, 1, 2]))
    design = Calibration(net, data).design(widths, title=f"network {seed}", output_every=every)
    program = design.program
    for n, op in enumerate(program.ops):
        if isinstance(op, Linear) and rng.random() < 0.5:
            program = _with_biases(program, n, op, rng)
    return program


def remembering(seed: int) -> FloatNetwork:
    """Return a random network with a state: lmu-hw makes no program of others."""
    stacks = (random_network(seed + k * STRIDE) for k in count())
    return next(s for s in stacks if not all(isinstance(layer, DenseLayer) for layer in s.layers))


def _with_biases(program: Program, n: int, op: Linear, rng: np.random.Generator) -> Program:
    """Return the program with biases that bring the sums of rows to a power of two, if it may."""
    biases = []
    for peak, bias in zip(op.peaks(program.vector), op.biases, strict=True):
        room = (1 << int(rng.choice(BRINKS))) - (peak - abs(bias))
        brink = max(0, room + int(rng.integers(-2, 3)))
        least = -(1 << int(rng.choice([15, 31])))
        biases.append(least if rng.random() < 0.2 else int(rng.choice([-1, 1])) * brink)
    ops: list[Operation] = list(program.ops)
    ops[n] = replace(op, biases=tuple(biases))
    try:
        return replace(program, ops=tuple(ops))
    except FormatError:  # more than 63 bits with the factor of the row
        return program
