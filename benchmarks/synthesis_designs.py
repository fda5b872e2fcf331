"""Designs that `synthesis.py`, `synthesis_styles.py` and `state_port.py` synthesize."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import lmu_hw as lh
from lmu_hw import layers

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))
import digits as spoken  # noqa: E402


@dataclass(frozen=True)
class Point:
    """A design on a target.

    Parameters
    ----------
    label : str
    target : str
    make : callable
        Writes its build directory and returns the path.
    """

    label: str
    target: str
    make: Callable[[Path], Path]


def memory(
    build_dir: Path,
    lanes: int = 1,
    *,
    state_port: bool = False,
    hardware: lh.Hardware | None = None,
    **keys: object,
) -> Path:
    """Write the build directory of a memory; keys are those of a specification file."""
    order, theta = keys.pop("d"), keys.pop("theta", None)
    design = lh.compile(lh.Memory(order, theta).spec(**keys))
    hardware = hardware or lh.Hardware(lanes=lanes, state_port=state_port)
    return design.write(build_dir, hardware, force=True).path


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
    activation: layers.Activation = layers.Activation.TANH,
) -> Path:
    """Write the paper's LMU with random weights, with a head where it has classes."""
    rng = np.random.default_rng(0)

    def weights(n: int, m: int, gain: float = 1.0) -> np.ndarray:
        return gain * rng.standard_normal((n, m)) / np.sqrt(m)

    chain: list[layers.Layer] = [
        layers.LMULayer(
            memory=layers.LinearMemory(order=order, theta=theta),
            n_in=1,
            e_x=np.ones((1, 1)),
            e_h=weights(1, hidden, 0.3),
            e_m=weights(1, order, 0.1),
            cell=layers.SimpleRNNLayer(
                W=weights(hidden, order + 1),
                U=weights(hidden, hidden, 0.5),
                b=np.zeros(hidden),
                activation=activation,
            ),
            reads_input=True,
        )
    ]
    if classes:
        W, linear = weights(classes, hidden), layers.Activation.LINEAR
        chain.append(layers.DenseLayer(W=W, b=np.zeros(classes), activation=linear))
    net = lh.Network.from_layers(*chain, name=f"LMU d={order} n={hidden}")
    data = rng.random((16, min(int(theta), 200), 1))
    design = lh.compile(net, widths={"weight_bits": weight_bits}, calibration=data)
    return design.write(build_dir, lh.Hardware(lanes=lanes, state_port=state_port), force=True).path


def digits(build_dir: Path) -> Path:
    """Write the smallest of the explored digits networks; needs its recordings."""
    data = spoken.find_data()
    if data is None:
        raise FileNotFoundError("LMU_HW_DATA must name the folder of speech/fsdd_logmel20_i8.npz")
    network = lh.load_model(EXAMPLES / "models" / "digits.npz")
    widths = {"weight_bits": 3, "act_bits": 5}
    calibration = spoken.split(data)["fit"].sample(256)
    design = lh.compile(network, widths=widths, calibration=calibration)
    return design.write(build_dir, lh.Hardware(lanes=8), force=True).path
