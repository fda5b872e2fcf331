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
from .fit import Epoch, fit, n_parameters, predict
from .layer import LMU
from .model import Model, export, model_of
from .quantized import Quantized
from .trainable_memory import LegendreMemory

__all__ = [
    "GRU",
    "LMU",
    "LSTM",
    "Activation",
    "Cell",
    "Dense",
    "Epoch",
    "LegendreMemory",
    "Model",
    "Quantized",
    "SimpleRNN",
    "Widths",
    "export",
    "fit",
    "lstm_like",
    "model_of",
    "n_parameters",
    "predict",
]
