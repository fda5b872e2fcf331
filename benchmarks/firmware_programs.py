"""Programs that `benchmarks/firmware.py` measures.

Some of them cannot be compiled from a model, so they are written as integer programs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

import lmu_hw as lh
from benchmarks.bulk_speed import network
from lmu_hw.memory.spec import parse
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
)
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Program, Role, Vector
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.word_lengths import Widths

ROWS, COLUMNS = 212, 468
"""The hidden layer of the psMNIST network: 212 units, 256 words of memory and 212 of its own."""
DIGITS = Path(__file__).parent.parent / "examples" / "models" / "digits.npz"


def affine(weight_bits: int, word_bits: int) -> Program:
    """Return rows of random weights, the largest of each at its limit, and words in and out."""
    rows = np.random.default_rng(0).standard_normal((ROWS, COLUMNS))
    peak = np.abs(rows).max(axis=1, keepdims=True)
    weights = np.rint(rows / peak * ((1 << weight_bits - 1) - 1)).astype(int)
    fmt = QFormat(1, word_bits - 1)
    vectors = (
        Vector(name="x", length=COLUMNS, role=Role.INPUT, fmt=fmt),
        Vector(name="unused", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=ROWS, role=Role.OUTPUT, fmt=fmt),
    )
    op = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=tuple(tuple(int(w) for w in row) for row in weights),
        aligns=(0,),
        biases=(0,) * ROWS,
        multipliers=(1,) * ROWS,
        shifts=(weight_bits + 5,) * ROWS,
    )
    return Program(title="affine", vectors=vectors, ops=(op,))


def memory(**keys: object) -> Program:
    """Return a memory with outputs on request only: all other steps just update it."""
    return with_output_every(
        quantize_memory(parse({"bits": 16, "output": "state", **keys})).program, 0
    )


def memories() -> list[tuple[str, Program]]:
    """Return memories with their names."""
    return [
        ("cascade, d = 64", memory(order=64)),
        ("cascade, d = 64, 32-bit states", memory(order=64, state_bits=32)),
        ("cascade, d = 256", memory(order=256)),
        ("dense, d = 64", memory(order=64, realization="dense")),
    ]


def with_output_memory(order: int) -> list[tuple[str, Program]]:
    """Return designs with all coefficients of the memory as their output, by name."""
    keys = {"bits": 16, "order": order, "output": "memory"}
    ladder = {**keys, "discretizer": "bilinear", "realization": "ladder"}
    return [
        ("cascade and d^2 readout", quantize_memory(parse(keys)).program),
        ("ladder", quantize_memory(parse(ladder)).program),
        ("ladder, 4 substeps", quantize_memory(parse({**ladder, "substeps": 4})).program),
    ]


@cache
def psmnist(act_bits: int = 16) -> Program:
    """Return the paper's network, random weights of 8 bits, with an output at every step."""
    x = np.random.default_rng(1).random((64, 784))
    widths = Widths(weight_bits=8, act_bits=act_bits, input_bits=act_bits)
    design = Calibration(network(), x[:, :, None]).design(widths, title="benchmark")
    return with_output_every(design.program, 1)


@cache
def beats() -> Program:
    """Return the network of `examples/ecg_detector`, with random weights."""
    rng = np.random.default_rng(2)
    hidden, score = rng.standard_normal((128, 16)) / 4, rng.standard_normal((1, 128)) / 16
    layers = (
        LMULayer(memory=LinearMemory(order=16, theta=84), n_in=1),
        DenseLayer(W=hidden, b=np.zeros(128), activation=Activation.TANH),
        DenseLayer(W=score, b=np.zeros(1), activation=Activation.LINEAR),
    )
    net = FloatNetwork(names=("memory", "hidden", "score"), layers=layers, every_step=False)
    x = rng.uniform(-1, 1, (64, 84, 1))
    return Calibration(net, x).design(Widths(weight_bits=8), title="benchmark").program


@cache
def digits() -> Program:
    """Return `examples/models/digits.npz` with weights of 8 bits: spoken digits, 20 channels."""
    return lh.compile(lh.load_model(DIGITS), widths={"weight_bits": 8}).program


def networks() -> dict[str, Program]:
    """Return networks by name."""
    return {
        "psMNIST": psmnist(),
        "psMNIST, activations of 8 bits": psmnist(8),
        "ECG beats": beats(),
        "spoken digits": digits(),
    }
