"""Training of what follows a fixed memory, on states of the memory that are computed only once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .cells import Dense
from .layer import LMU
from .model import Model


class AfterMemory(nn.Module):
    """The layers of a model after its memory; the parameters are the model's.

    Parameters
    ----------
    model : Model
        One that `has_fixed_memory`.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, m: Tensor) -> Tensor:
        """Return the model's output.

        Parameters
        ----------
        m : tensor, shape (n_sequences, channels * order)
            The last state of the memory, as `last_states` returns it.
        """
        lmu, *others = self.model.layers
        assert isinstance(lmu, LMU)
        assert lmu.cell is not None
        y = m[:, None]
        for layer in (lmu.cell, *others):
            y, _ = layer(y)
        return y[:, -1]


def has_fixed_memory(model: Model) -> bool:
    """Return whether only dense layers are trained, on the last state of a fixed memory of x."""
    first, *others = model.layers
    return (
        not model.every_step
        and isinstance(first, LMU)
        and first.is_feed_forward
        and not first.memory.is_learned
        and first.e_x is None
        and first.b is None
        and not first.reads_input
        and isinstance(first.cell, Dense)
        and all(isinstance(layer, Dense) for layer in others)
    )


@torch.no_grad()
def last_states(model: Model, x: Tensor, batch_size: int = 5000) -> Tensor:
    """Return the last state of the memory, shape (n_sequences, channels * order)."""
    lmu = model.layers[0]
    assert isinstance(lmu, LMU)
    return torch.cat([lmu.memory(part, last_only=True)[1] for part in x.split(batch_size)])
