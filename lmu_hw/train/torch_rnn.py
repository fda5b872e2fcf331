"""Cells with the weights of recurrent and linear layers of `torch.nn`."""

from __future__ import annotations

from torch import nn

from .._support.name_lookup import member
from ..errors import SpecError
from ..models.importers.named_arrays import ImportOptions
from ..models.importers.rnn_names import torch_layers
from ..models.network import Activation
from .cells import CELLS, Cell, Dense, fill_
from .exact_buffers import numbers

RECURRENT = (nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell)


def cells_of(module: nn.Module) -> list[Cell]:
    """Return cells that compute what a module of `torch.nn` does, one for each of its layers.

    Parameters
    ----------
    module : torch.nn.LSTM, GRU, RNN, one of their cells, or Linear
        Not bidirectional, without ``proj_size`` and without dropout between its layers.

    Returns
    -------
    list of Cell
        For `Model`, in the module's precision.

    Raises
    ------
    SpecError
        If the module is another, or has what no cell has.
    ModelFileError
        If a weight is not finite.

    Examples
    --------
    >>> [type(cell).__name__ for cell in cells_of(nn.GRU(3, 5, num_layers=2))]
    ['GRU', 'GRU']
    """
    if isinstance(module, nn.Linear):
        made = Dense(module.in_features, module.out_features)
        fill_(made.W, numbers(module.weight))
        if module.bias is not None:
            fill_(made.b, numbers(module.bias))
        return [made.to(module.weight.dtype)]
    if not isinstance(module, RECURRENT):
        raise SpecError(
            "module must be a torch.nn.LSTM, GRU, RNN, one of their cells or Linear, "
            f"not {type(module).__name__}"
        )
    for name, plain in (("bidirectional", False), ("proj_size", 0), ("dropout", 0.0)):
        if getattr(module, name, plain) != plain:
            raise SpecError(f"{name} must be {plain}, not {getattr(module, name)}: no cell has it")
    group = {name: numbers(p) for name, p in module.named_parameters()}
    activation = member("nonlinearity", getattr(module, "nonlinearity", "tanh"), Activation)
    dtype = next(module.parameters()).dtype
    found = torch_layers("", group, ImportOptions(activation=activation))
    return [CELLS[type(layer)].of(layer).to(dtype) for _, layer in found]  # type: ignore[index,arg-type]
