"""The words of a program as the signals of a model, in real values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from .._support.array_types import Array, Words
from ..models import network
from ..program.fixedpoint import to_real
from ..program.integer_program import Role
from ..quantize.lower import readouts
from ..quantize.quantize_network import QuantizedNetwork

OUTPUT = "all outputs"
"""No vector's name."""


class SignalValues(Mapping[str, Tensor]):
    """Every signal of a model, of which a layer converts those that it asks for.

    Signals are the vectors of the program, the memories as ``l<k>_m``, and all outputs together as
    `OUTPUT`; their shape is (n_sequences, n_steps, length).

    Parameters
    ----------
    design : QuantizedNetwork
    words : mapping of str to int64 array, shape (n_sequences, n_steps, length)
        Words of the program's vectors, of all or of the states alone.
    like : tensor
        Gives the dtype and the device.
    """

    def __init__(self, design: QuantizedNetwork, words: Mapping[str, Words], like: Tensor) -> None:
        self._design, self._words, self._like = design, words, like
        self._copies = {b.stands_for: b.signal for b in design.bases if b.stands_for}
        layers = design.network.layers
        self._memories = {
            f"l{k}_m": (k, layer)
            for k, layer in enumerate(layers, 1)
            if isinstance(layer, network.LMULayer)
        }
        self._names = {*words, *self._memories}
        self._last = f"l{len(layers)}_h"
        if any(v.name in words for v in design.program.with_role(Role.OUTPUT)):
            self._names |= {OUTPUT, self._last}
        self._made: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        """Return a signal as a tensor."""
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            # not torch.tensor: a copy more
            x = torch.from_numpy(self._real(name))
            self._made[name] = x.to(device=self._like.device, dtype=self._like.dtype)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of signals."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Return whether the program has a signal."""
        return name in self._names

    def _real(self, name: str) -> Array:
        program = self._design.program
        if name in self._memories and name not in self._words:
            return self._coefficients(*self._memories[name])
        if name == OUTPUT or (name == self._last and name not in self._words):
            # a last layer that nothing reads writes the output directly
            outputs = [v.name for v in program.with_role(Role.OUTPUT) if v.name in self._words]
            # the label of a classifier, the last output, follows from the scores
            return np.concatenate([self._real(n) for n in outputs], axis=2)[
                :, :, : self._design.network.n_out
            ]
        return to_real(self._words[name], program.vector(name).fmt)

    def _coefficients(self, k: int, layer: network.LMULayer) -> Array:
        """Return the Legendre coefficients of a memory, channel after channel."""
        total: Array | float = 0.0
        for z, T in readouts(self._design.network, layer, self._design.widths.coef_bits).items():
            state = f"l{k}_{z}"
            # a saved state holds no copy that every step computes again
            read = self._copies.get(state, state)
            x = self._real(read if read in self._words else state)
            each = x.reshape(*x.shape[:2], -1, T.shape[1]) @ T.T
            total = total + each.reshape(*x.shape[:2], -1)
        return np.asarray(total)
