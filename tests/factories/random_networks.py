"""Programs of random networks, their biases at the brink of a C type now and then."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from lmu_hw.errors import FormatError
from lmu_hw.models.network import DenseLayer, FloatNetwork
from lmu_hw.program.integer_program import Linear, Operation, Program
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.small_networks import random_network

STRIDE = 1 << 20
"""From one seed to the next for the same network."""
BRINKS = (15, 16, 31, 32, 40)
"""Powers of two that a sum with its bias comes close to."""


def random_program(seed: int) -> Program:
    """Return a program of one to three layers of any kind, its widths and biases by the dice."""
    rng = np.random.default_rng(seed)
    net = _remembering(seed)
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


def _remembering(seed: int) -> FloatNetwork:
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
