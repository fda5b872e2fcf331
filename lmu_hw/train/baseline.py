"""The baseline of an LMU: an LSTM with as many parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from .._support.channel import Channel
from .fit import n_parameters
from .normalization import normalized
from .ragged import ValidSteps


class LSTMNetwork(nn.Module):
    """A `torch.nn.LSTM` and a linear readout.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
    num_layers : int
    every_step : bool
        Return the outputs of all steps, not of the last.
    inputs : sequence of Channel, optional
        Normalize inputs with these, as a `Model` does.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        num_layers: int = 1,
        every_step: bool = False,
        inputs: Sequence[Channel] = (),
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, output_size)
        self.every_step, self.inputs = every_step, tuple(inputs)

    def forward(self, x: Tensor, *, lengths: Any = None) -> Tensor:
        """Return the outputs; lengths, or a mask, as in `Model`."""
        x = normalized(x, self.inputs).to(x.dtype) if self.inputs else x
        steps = None if lengths is None else ValidSteps.of(lengths, x)
        h, _ = self.lstm(x if steps is None else steps.to_front(x))
        if steps is not None:
            h = steps.back(h) if self.every_step else steps.last(h)
        y: Tensor = self.head(h if self.every_step else h[:, -1])
        return y


def lstm_like(
    model: nn.Module, input_size: int, output_size: int, *, num_layers: int = 1, **options: Any
) -> LSTMNetwork:
    """Return the largest LSTM that has no more parameters than a model."""
    n = 1
    while True:
        wider = LSTMNetwork(input_size, n + 1, output_size, num_layers=num_layers, **options)
        if n_parameters(wider) > n_parameters(model):
            return LSTMNetwork(input_size, n, output_size, num_layers=num_layers, **options)
        n += 1
