"""The feed-forward networks that mutants are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmu_hw.api.compilation import compile as compiled
from lmu_hw.models.network import Activation, DenseLayer, FloatNetwork, LinearMemory, LMULayer
from lmu_hw.quantize.quantize_network import QuantizedNetwork


@dataclass(frozen=True, kw_only=True)
class SmallNetwork:
    """A memory of one channel, a hidden layer and an output layer.

    Parameters
    ----------
    order, theta : int
        Of the memory.
    hidden, outputs : int
        Units.
    activation : Activation
        Of the hidden layer.
    reads_input : bool
        The hidden layer reads the input beside the memory.
    """

    order: int = 4
    theta: int = 12
    hidden: int = 3
    outputs: int = 2
    activation: Activation = Activation.TANH
    reads_input: bool = False


WIDTHS = {"weight_bits": 5, "act_bits": 8, "input_bits": 8, "coef_bits": 10}


def quantized(of: SmallNetwork) -> QuantizedNetwork:
    """Return the network in integers, with random weights.

    It is calibrated on inputs of a quarter of full scale, so that larger ones saturate its words.
    """
    rng = np.random.default_rng(of.order)
    n_read = of.order + of.reads_input
    network = FloatNetwork(
        names=("memory", "y"),
        layers=(
            LMULayer(
                memory=LinearMemory(order=of.order, theta=of.theta),
                n_in=1,
                cell=DenseLayer(
                    W=rng.normal(size=(of.hidden, n_read)),
                    b=rng.normal(size=of.hidden) / 4,
                    activation=of.activation,
                ),
                reads_input=of.reads_input,
            ),
            DenseLayer(
                W=rng.normal(size=(of.outputs, of.hidden)),
                b=rng.normal(size=of.outputs) / 4,
                activation=Activation.LINEAR,
            ),
        ),
    )
    inputs = rng.uniform(-0.25, 0.25, (4, 64, 1))
    return compiled(network, widths=WIDTHS, calibration=inputs).network
