"""Training in PyTorch: LMU layers with trainable windows, exported exactly to networks.

Needs the extra ``train``: ``pip install lmu-hw[train]``. Nothing else in lmu-hw imports torch.
"""

from __future__ import annotations

from ..errors import ToolError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ToolError("training needs PyTorch: pip install 'lmu-hw[train]'") from error

from ..models.network import Activation
from ..quantize.word_lengths import Widths
from .baseline import lstm_like
from .cells import GRU, LSTM, Cell, Dense, SimpleRNN
from .checkpoint import Epoch
from .fit import fit, n_parameters, predict
from .layer import LMU
from .model import Model, export, model_of
from .normalization import channels_of
from .parameter_groups import parameter_groups
from .quantized import Quantized
from .ragged import pad
from .saved_model import load, save
from .torch_rnn import cells_of
from .trainable_memory import LegendreMemory
from .training_data import Batch, collate

__all__ = [
    "GRU",
    "LMU",
    "LSTM",
    "Activation",
    "Batch",
    "Cell",
    "Dense",
    "Epoch",
    "LegendreMemory",
    "Model",
    "Quantized",
    "SimpleRNN",
    "Widths",
    "cells_of",
    "channels_of",
    "collate",
    "export",
    "fit",
    "load",
    "lstm_like",
    "model_of",
    "n_parameters",
    "pad",
    "parameter_groups",
    "predict",
    "save",
]
