"""The cells of `lmu_hw.models.network` in PyTorch; parameters have the same shape and order.

A cell first projects its input, of all steps at once, and then runs step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..models import network
from ..models.network import Activation
from .exact_buffers import numbers
from .known_steps import known, lstm_steps
from .sequence_shapes import check_steps
from .straight_through import FLOATS, StraightThrough
from .torch_activations import activate, activation_of

State = tuple[Tensor, ...]
Initialise = Callable[[Tensor], Tensor]


def lecun_uniform_(weights: Tensor) -> Tensor:
    """Fill weights (n_out, n_in) with uniform numbers of variance 1 / n_in."""
    bound = (3.0 / weights.shape[1]) ** 0.5
    return nn.init.uniform_(weights, -bound, bound)


class Cell(nn.Module):
    """Base class of cells, with weights ``W`` (rows, input_size) and ``b`` (rows,).

    Input ``(n_sequences, n_steps, input_size)``, output ``(n_sequences, n_steps, hidden_size)``,
    state a tuple of tensors ``(n_sequences, hidden_size)`` that starts with the last output.
    """

    blocks: ClassVar[int] = 1
    n_states: ClassVar[int] = 1
    is_recurrent: ClassVar[bool] = True
    W: Tensor
    b: Tensor

    def __init__(self, input_size: int, hidden_size: int, activation: Activation | str) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.activation = activation_of("activation", activation, softmax=not self.is_recurrent)
        rows = self.blocks * hidden_size
        self.W = nn.Parameter(torch.empty(rows, input_size))
        self.b = nn.Parameter(torch.zeros(rows))
        self._each_block(self.W, nn.init.xavier_normal_)

    def _each_block(self, weights: Tensor, initialise: Initialise) -> None:
        for block in weights.split(self.hidden_size):
            initialise(block.data)

    def start(self, like: Tensor) -> State:
        """Return the zero state, for the number of sequences in ``like``."""
        return (like.new_zeros(len(like), self.hidden_size),) * self.n_states

    def project(self, x: Tensor) -> Tensor:
        """Return ``W x + b``, the contribution of the input to the rows."""
        return nn.functional.linear(x, self.W, self.b)

    def step(self, p: Tensor, state: State, estimator: StraightThrough = FLOATS) -> State:
        """Return the state after a step, the output first.

        Parameters
        ----------
        p : tensor, shape (n_sequences, rows)
            As `project` returns it.
        state : tuple of tensor
        estimator : StraightThrough
            Values that replace signals of this step.
        """
        raise NotImplementedError

    def forward(
        self, x: Tensor, state: State | None = None, *, estimator: StraightThrough = FLOATS
    ) -> tuple[Tensor, State]:
        """Run the cell over sequences of at least one step."""
        check_steps(x)
        state = self.start(x) if state is None else state
        outputs = []
        for t, p in enumerate(self.project(x).unbind(1)):
            state = self.step(p, state, estimator.at(t))
            outputs.append(state[0])
        return torch.stack(outputs, 1), state

    def cell(self) -> network.Cell:
        """Return the cell as part of a network."""
        raise NotImplementedError

    @classmethod
    def of(cls, cell: network.Cell) -> Cell:
        """Return a module with the weights of a network's cell."""
        raise NotImplementedError

    def fill(self, cell: network.Cell) -> Cell:
        """Copy the weights of a network's cell and return self."""
        for name, array in network.arrays(cell):
            fill_(getattr(self, name), array)
        return self


def fill_(parameter: Tensor, array: np.ndarray) -> None:
    """Set a parameter to an array, in float64."""
    parameter.data = torch.tensor(np.array(array))


class Dense(Cell):
    """``y = f(W x + b)``.

    Parameters
    ----------
    input_size, hidden_size : int
    activation : Activation or str
    dropout : float
        Share of outputs set to zero in training.
    """

    is_recurrent = False

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activation: Activation | str = Activation.LINEAR,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(input_size, hidden_size, activation)
        self.dropout = nn.Dropout(dropout)

    def step(self, p: Tensor, state: State, estimator: StraightThrough = FLOATS) -> State:
        """Return the output."""
        return (self.dropout(estimator("h", activate(self.activation, p))),)

    def forward(
        self, x: Tensor, state: State | None = None, *, estimator: StraightThrough = FLOATS
    ) -> tuple[Tensor, State]:
        """Run the layer over all steps at once."""
        check_steps(x)
        (y,) = self.step(self.project(x), (), estimator)
        return y, (y[:, -1],)

    def cell(self) -> network.DenseLayer:
        """Return the cell as part of a network."""
        return network.DenseLayer(W=numbers(self.W), b=numbers(self.b), activation=self.activation)

    @classmethod
    def of(cls, cell: network.Cell) -> Cell:
        """Return a module with the weights of a network's cell."""
        assert isinstance(cell, network.DenseLayer)
        return cls(cell.W.shape[1], len(cell.b), cell.activation).fill(cell)


class Recurrent(Cell):
    """Base class of cells that read their last output, through ``U`` (rows, hidden_size)."""

    U: Tensor

    def __init__(self, input_size: int, hidden_size: int, activation: Activation | str) -> None:
        super().__init__(input_size, hidden_size, activation)
        self.U = nn.Parameter(torch.empty(self.blocks * hidden_size, hidden_size))
        self._each_block(self.U, nn.init.xavier_normal_)

    def _arrays(self) -> dict[str, Any]:
        names = ("W", "U", "b")
        return {n: numbers(getattr(self, n)) for n in names} | {"activation": self.activation}


class SimpleRNN(Recurrent):
    """``h' = f(W x + U h + b)``: the hidden layer of the paper where x is a memory's output.

    Parameters
    ----------
    input_size, hidden_size : int
    activation : Activation or str
    """

    def __init__(
        self, input_size: int, hidden_size: int, activation: Activation | str = Activation.TANH
    ) -> None:
        super().__init__(input_size, hidden_size, activation)

    def step(self, p: Tensor, state: State, estimator: StraightThrough = FLOATS) -> State:
        """Return the state after a step."""
        h = torch.addmm(p, state[0], self.U.T)
        return (estimator("h", activate(self.activation, h)),)

    def cell(self) -> network.SimpleRNNLayer:
        """Return the cell as part of a network."""
        return network.SimpleRNNLayer(**self._arrays())

    @classmethod
    def of(cls, cell: network.Cell) -> Cell:
        """Return a module with the weights of a network's cell."""
        assert isinstance(cell, network.SimpleRNNLayer)
        return cls(cell.W.shape[1], len(cell.b), cell.activation).fill(cell)


class LSTM(Recurrent):
    """``i, f, g, o = W x + U h + b;  c' = s(f) c + s(i) a(g);  h' = s(o) a(c')``.

    Parameters
    ----------
    input_size, hidden_size : int
    activation : Activation or str
        The function a.
    gate : Activation or str
        The function s.

    Notes
    -----
    State ``(h, c)``. The forget gate's bias starts at 1. With tanh and sigmoid, floats run through
    PyTorch's own LSTM, which is several times faster than the steps one by one.
    """

    blocks = 4
    n_states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activation: Activation | str = Activation.TANH,
        gate: Activation | str = Activation.SIGMOID,
    ) -> None:
        super().__init__(input_size, hidden_size, activation)
        self.gate = activation_of("gate", gate)
        self.b.data[hidden_size : 2 * hidden_size] = 1.0

    def forward(
        self, x: Tensor, state: State | None = None, *, estimator: StraightThrough = FLOATS
    ) -> tuple[Tensor, State]:
        """Run the cell over sequences of at least one step."""
        check_steps(x)
        is_plain = (self.activation, self.gate) == (Activation.TANH, Activation.SIGMOID)
        signals = known(estimator, "ifgoach") if estimator.signals else None
        if signals is not None:
            state = self.start(x) if state is None else state
            p = self.project(x)
            return lstm_steps(p, self.U, state, signals, self.activation, self.gate)
        if estimator.signals or not is_plain:
            return super().forward(x, state, estimator=estimator)
        start = [a[None] for a in (self.start(x) if state is None else state)]
        weights = [self.W, self.U, self.b, torch.zeros_like(self.b)]
        # "training" keeps what gradients need, in any mode of the module
        trains = torch.is_grad_enabled()
        y, h, c = torch.lstm(x, start, weights, True, 1, 0.0, trains, False, True)
        return y, (h[0], c[0])

    def step(self, p: Tensor, state: State, estimator: StraightThrough = FLOATS) -> State:
        """Return the state after a step."""
        h, c = state
        rows = torch.addmm(p, h, self.U.T).chunk(4, dim=1)
        functions = (self.gate, self.gate, self.activation, self.gate)
        i, f, g, o = (
            estimator(name, activate(function, x))
            for name, function, x in zip("ifgo", functions, rows, strict=True)
        )
        c = estimator("c", f * c + i * g)
        a = estimator("a", activate(self.activation, c))
        return estimator("h", o * a), c

    def cell(self) -> network.LSTMLayer:
        """Return the cell as part of a network."""
        return network.LSTMLayer(gate=self.gate, **self._arrays())

    @classmethod
    def of(cls, cell: network.Cell) -> Cell:
        """Return a module with the weights of a network's cell."""
        assert isinstance(cell, network.LSTMLayer)
        return cls(cell.W.shape[1], len(cell.b) // 4, cell.activation, cell.gate).fill(cell)


class GRU(Recurrent):
    """``z, r = s(W x + U h + b);  g = a(W_g x + b_g + r (U_g h + c));  h' = z h + (1 - z) g``.

    Parameters
    ----------
    input_size, hidden_size : int
    activation : Activation or str
        The function a.
    gate : Activation or str
        The function s.
    inner_bias : bool
        The cell has c; without it ``r`` is applied before ``U_g``, as ``U_g (r h)``.
    """

    blocks = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activation: Activation | str = Activation.TANH,
        gate: Activation | str = Activation.SIGMOID,
        *,
        inner_bias: bool = True,
    ) -> None:
        super().__init__(input_size, hidden_size, activation)
        self.gate = activation_of("gate", gate)
        self.c = nn.Parameter(torch.zeros(hidden_size)) if inner_bias else None

    def step(self, p: Tensor, state: State, estimator: StraightThrough = FLOATS) -> State:
        """Return the state after a step."""
        (h,), n = state, self.hidden_size
        gates = torch.addmm(p[:, : 2 * n], h, self.U[: 2 * n].T)
        z, r = (
            estimator(name, activate(self.gate, x))
            for name, x in zip("zr", gates.chunk(2, dim=1), strict=True)
        )
        U_g = self.U[2 * n :].T
        if self.c is None:
            before = torch.addmm(p[:, 2 * n :], estimator("rh", r * h), U_g)
        else:
            before = estimator("p", p[:, 2 * n :]) + r * estimator("q", torch.addmm(self.c, h, U_g))
        g = estimator("g", activate(self.activation, before))
        return (estimator("h", z * h + (1.0 - z) * g),)

    def cell(self) -> network.GRULayer:
        """Return the cell as part of a network."""
        c = None if self.c is None else numbers(self.c)
        return network.GRULayer(gate=self.gate, c=c, **self._arrays())

    @classmethod
    def of(cls, cell: network.Cell) -> Cell:
        """Return a module with the weights of a network's cell."""
        assert isinstance(cell, network.GRULayer)
        made = cls(
            cell.W.shape[1],
            len(cell.b) // 3,
            cell.activation,
            cell.gate,
            inner_bias=cell.c is not None,
        )
        return made.fill(cell)


CELLS: dict[type[network.Cell], type[Cell]] = {
    network.DenseLayer: Dense,
    network.SimpleRNNLayer: SimpleRNN,
    network.LSTMLayer: LSTM,
    network.GRULayer: GRU,
}
"""The module for each kind of cell of a network."""
