"""Trainable models: chains of layers, converted to and from the networks that lmu-hw compiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import SpecError
from ..models import network
from .cells import CELLS, Cell, State
from .layer import LMU
from .straight_through import FLOATS, StraightThrough

States = tuple[State | None, ...]


class Model(nn.Module):
    """A chain of layers.

    Parameters
    ----------
    layers : sequence of LMULayer or Cell
    names : sequence of str, optional
        Default: ``layer 1`` and so on.
    every_step : bool
        The model has an output at every step; otherwise at the last only.

    Notes
    -----
    Input ``(n_sequences, n_steps, input_size)``; output ``(n_sequences, n_steps, n)`` or, of the
    last step only, ``(n_sequences, n)``. A final softmax is left out in training, because losses
    such as cross-entropy take scores; the exported network has it.
    """

    def __init__(
        self,
        layers: Sequence[LMU | Cell],
        *,
        names: Sequence[str] | None = None,
        every_step: bool = True,
    ) -> None:
        super().__init__()
        self.layers: Sequence[LMU | Cell] = nn.ModuleList(layers)  # type: ignore[assignment]
        self.names = tuple(names or (f"layer {k}" for k in range(1, len(layers) + 1)))
        if len(self.names) != len(layers):
            raise SpecError(f"a model of {len(layers)} layers must have as many names")
        self.every_step = every_step

    def forward(
        self, x: Tensor, states: States | None = None, *, estimator: StraightThrough = FLOATS
    ) -> tuple[Tensor, States]:
        """Return the output and the state of every layer."""
        states = states or (None,) * len(self.layers)
        # layers after the last one with a state need only the last step
        stateful = [k for k, layer in enumerate(self.layers) if _has_state(layer)]
        last = -1 if self.every_step else max(stateful, default=-1)
        found: list[State | None] = []
        x = estimator.of("")("x", x)
        for k, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            part = estimator.of(*self.prefixes()[k])
            if k > last >= 0:
                part = part.at(slice(-1, None))
            if isinstance(layer, LMU):
                x, after = layer(x, state, last_only=k == last, estimator=part)
            else:
                x, after = layer(x, state, estimator=part)
                x = x[:, -1:] if k == last else x
            found.append(after)
        return (x if self.every_step else x[:, -1]), tuple(found)

    def prefixes(self) -> tuple[tuple[str, ...], ...]:
        """Return the prefixes of signal names in the program, for every layer."""
        found, k = [], 1
        for layer in self.layers:
            n = layer.memory.n_windows if isinstance(layer, LMU) else 1
            found.append(tuple(f"l{j}_" for j in range(k, k + n)))
            k += n
        return tuple(found)


def export(model: Model) -> network.FloatNetwork:
    """Return the network of a model; `lmu_hw.models.importers.model_file.to_bytes` writes it.

    Raises
    ------
    SpecError
        If a weight is not finite.
    UnstableError
        If a trained memory is not stable.
    """
    names: list[str] = []
    layers: list[network.Layer] = []
    for name, layer in zip(model.names, model.layers, strict=True):
        made = layer.layers() if isinstance(layer, LMU) else (layer.cell(),)
        layers += made
        names += [name] if len(made) == 1 else [f"{name}, channel {c}" for c in range(len(made))]
    return network.FloatNetwork(
        names=tuple(names), layers=tuple(layers), every_step=model.every_step
    )


def model_of(net: network.FloatNetwork, dtype: torch.dtype = torch.float32) -> Model:
    """Return a model with the weights of a network, from any framework.

    Its memories are not trained.
    """
    layers: list[LMU | Cell] = [
        LMU.of(layer) if isinstance(layer, network.LMULayer) else CELLS[type(layer)].of(layer)
        for layer in net.layers
    ]
    return Model(layers, names=net.names, every_step=net.every_step).to(dtype)


def _has_state(layer: LMU | Cell) -> bool:
    return isinstance(layer, LMU) or layer.is_recurrent
