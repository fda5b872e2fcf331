"""Activations in PyTorch, defined as in `lmu_hw.models.forward.activate`."""

from __future__ import annotations

import torch
from torch import Tensor

from .._support.name_lookup import member
from ..errors import SpecError
from ..models.network import Activation


def activation_of(option: str, value: Activation | str, *, softmax: bool = False) -> Activation:
    """Return an activation that a user gives by name or member.

    Raises
    ------
    SpecError
        If it is not known, or is a softmax where none may be.
    """
    found = member(option, value, Activation)
    if found is Activation.SOFTMAX and not softmax:
        raise SpecError(
            f"{option} must not be softmax, which only a Dense layer at the end of a model has"
        )
    return found


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
    if activation in (Activation.LINEAR, Activation.SOFTMAX):
        return x
    raise SpecError(f"activation must be an Activation, not {activation!r}")
