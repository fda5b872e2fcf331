"""Constants that stay in float64 while a module changes its dtype or device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._support.array_types import Array
from ..errors import SpecError

WITHOUT_FLOAT64 = ("mps",)
"""Types of devices that have no float64; their constants are read on the CPU."""


class ExactBuffers(nn.Module):
    """A module with float64 constants that follow ``.to(device)``, but not ``.to(dtype)``.

    They are buffers, so that copies, replicas and moves take them along. They are not in the
    state_dict, because the options of the module determine them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._constants: dict[str, Array] = {}

    def hold(self, name: str, array: Array) -> None:
        """Make or replace a constant."""
        self._constants[name] = np.array(array, dtype=np.float64)
        # as bits: Module.to casts every buffer of floating point
        bits = torch.tensor(self._constants[name].view(np.int64))
        self.register_buffer(name, bits, persistent=False)

    def exact(self, name: str) -> Tensor:
        """Return a constant in float64, on the module's device where that has float64."""
        bits = self.get_buffer(name)
        return (bits.cpu() if bits.device.type in WITHOUT_FLOAT64 else bits).view(torch.float64)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> ExactBuffers:
        super()._apply(fn, recurse)
        for name, array in self._constants.items():
            if not (bits := self.get_buffer(name)).is_meta:
                # to_empty leaves what the memory held before
                bits.copy_(torch.tensor(array.view(np.int64), device="cpu"))
        return self


def numbers(tensor: Tensor) -> Array:
    """Return a copy of a tensor, from any device, as a float64 array.

    Raises
    ------
    SpecError
        If the tensor is on the meta device, which holds no values.
    """
    if tensor.is_meta:
        raise SpecError("a model must hold values, not lie on the meta device; load its weights")
    return np.array(tensor.detach().cpu().double().numpy())
