"""Designs that `synthesis.py` and `state_port.py` synthesize."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmu_hw._support.build_directory import write_build_dir
from lmu_hw.generate import files_of
from lmu_hw.memory.spec import parse
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
    SimpleRNNLayer,
)
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.word_lengths import Widths
from lmu_hw.rtl.options import Hardware


def memory(build_dir: Path, lanes: int = 1, *, state_port: bool = False, **keys: object) -> Path:
    """Write the folder of a memory alone; keys are those of a specification file."""
    design = quantize_memory(parse(dict(keys)))
    hardware = Hardware(lanes=lanes, state_port=state_port)
    write_build_dir(build_dir, files_of(design, hardware), force=True)
    return build_dir


def network(
    build_dir: Path,
    *,
    order: int,
    hidden: int,
    theta: float,
    lanes: int = 1,
    state_port: bool = False,
    classes: int = 0,
    weight_bits: int = 8,
    activation: Activation = Activation.TANH,
) -> Path:
    """Write the folder of the paper's LMU with random weights, with a head where it has classes."""
    rng = np.random.default_rng(0)

    def weights(n: int, m: int, gain: float = 1.0) -> np.ndarray:
        return gain * rng.standard_normal((n, m)) / np.sqrt(m)

    layers: tuple[LMULayer | DenseLayer, ...] = (
        LMULayer(
            memory=LinearMemory(order=order, theta=theta),
            n_in=1,
            e_x=np.ones((1, 1)),
            e_h=weights(1, hidden, 0.3),
            e_m=weights(1, order, 0.1),
            cell=SimpleRNNLayer(
                W=weights(hidden, order + 1),
                U=weights(hidden, hidden, 0.5),
                b=np.zeros(hidden),
                activation=activation,
            ),
            reads_input=True,
        ),
    )
    names = ("lmu",)
    if classes:
        head = DenseLayer(
            W=weights(classes, hidden), b=np.zeros(classes), activation=Activation.LINEAR
        )
        layers, names = (*layers, head), ("lmu", "classes")
    net = FloatNetwork(names=names, layers=layers, every_step=True)
    data = rng.random((16, min(int(theta), 200), 1))
    design = Calibration(net, data).design(
        Widths(weight_bits=weight_bits),
        title=f"LMU d={order} n={hidden}, {weight_bits}-bit weights",
    )
    hardware = Hardware(lanes=lanes, state_port=state_port)
    write_build_dir(build_dir, files_of(design, hardware), force=True)
    return build_dir
