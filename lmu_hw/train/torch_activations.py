"""Activations in PyTorch, defined as in `lmu_hw.models.forward.activate`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.network import Activation


def activate(activation: Activation, x: Tensor) -> Tensor:
    """Return the activation of every element.

    Softmax is left out, as in an integer program: losses take scores.
    """
    if activation is Activation.TANH:
        return torch.tanh(x)
    if activation is Activation.SIGMOID:
        return torch.sigmoid(x)
    if activation is Activation.RELU:
        return torch.relu(x)
    if activation is Activation.RELU6:
        return torch.clamp(x, 0.0, 6.0)
    if activation is Activation.HARD_TANH:
        return torch.clamp(x, -1.0, 1.0)
    if activation is Activation.HARD_SIGMOID:
        return torch.clamp(x / 6.0 + 0.5, 0.0, 1.0)
    if activation is Activation.HARD_SIGMOID_5:
        return torch.clamp(x / 5.0 + 0.5, 0.0, 1.0)
    return x
