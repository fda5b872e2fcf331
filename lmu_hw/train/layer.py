"""The LMU layer of the paper (equations 6 and 7) and its feed-forward form, in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import SpecError
from ..models import network
from ..models.network import Activation
from .cells import CELLS, Cell, Dense, SimpleRNN, State, fill_, lecun_uniform_
from .chunked_steps import SLOPES
from .exact_buffers import numbers
from .folded_layer import LayerWeights, run_folded
from .known_steps import PRECISE, known, lmu_steps
from .sequence_shapes import check_steps
from .straight_through import FLOATS, StraightThrough
from .trainable_memory import LegendreMemory, wide

ENCODERS = ("e_x", "e_h", "e_m")


class LMU(nn.Module):
    """An LMU layer: ``u = e_x x + e_h h + e_m m + b`` drives a memory, and a cell reads the memory.

    Parameters
    ----------
    input_size : int
        Width of x.
    memory : LegendreMemory
    cell : Cell, optional
        Reads m, or m and x where ``reads_input`` is set. None: these are the layer's output.
    encoders : sequence of str
        Which of ``e_x``, ``e_h`` and ``e_m`` the layer has. Without e_x, x itself is added to u.
    bias : bool
        The layer has b.
    reads_input : bool
        The cell reads x beside m.

    Notes
    -----
    As in torch.nn with ``batch_first``: input ``(n_sequences, n_steps, input_size)``, output
    ``(n_sequences, n_steps, output_size)``, and ``layer(x, state)`` returns the output and the
    state ``(m, h)``, or ``(m, h, c)`` of an LSTM cell: m ``(n_sequences, channels * order)``,
    h, the last output, ``(n_sequences, output_size)``. Without e_h and e_m all steps of
    the memory run at once. With them, a dense or simple recurrent cell runs folded
    (`lmu_hw.train.folded_layer`), and other cells step by step. Second derivatives need `in_steps`.
    16-bit layers and autocast keep the recurrence in float32.

    Encoders start as in the paper: e_x and e_h uniform (LeCun), e_m zero; cells start normal
    (Xavier).

    Raises
    ------
    SpecError
        If sizes do not match, or channels with windows of their own have feedback or no cell.
    """

    def __init__(
        self,
        input_size: int,
        memory: LegendreMemory,
        cell: Cell | None = None,
        *,
        encoders: Sequence[str] = ("e_x",),
        bias: bool = False,
        reads_input: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.memory, self.cell = input_size, memory, cell
        self.reads_input = reads_input
        n_m = memory.channels * memory.order
        self.read_size = n_m + (input_size if reads_input else 0)
        self.output_size: int = self.read_size if cell is None else cell.hidden_size
        if cell is not None and cell.input_size != self.read_size:
            raise SpecError(f"the cell must read {self.read_size} words, not {cell.input_size}")
        if "e_x" not in encoders and input_size != memory.channels:
            raise SpecError(f"x must have {memory.channels} words without e_x, not {input_size}")
        widths = {"e_x": input_size, "e_h": self.output_size, "e_m": n_m}
        for name in ENCODERS:
            matrix = None
            if name in encoders:
                matrix = nn.Parameter(torch.zeros(memory.channels, widths[name]))
                if name != "e_m":
                    lecun_uniform_(matrix.data)
            setattr(self, name, matrix)
        self.b = nn.Parameter(torch.zeros(memory.channels)) if bias else None
        self.is_feed_forward = self.e_h is None and self.e_m is None
        if memory.n_windows > 1 and (cell is None or not self.is_feed_forward):
            raise SpecError(
                "a window for each channel must be without e_h and e_m, and read by a cell"
            )

    e_x: Tensor | None
    e_h: Tensor | None
    e_m: Tensor | None

    @classmethod
    def of_paper(
        cls,
        input_size: int,
        hidden_size: int,
        order: int,
        theta: float,
        *,
        memory_d: int = 1,
        activation: Activation | str = Activation.TANH,
        learn_theta: bool = False,
    ) -> LMU:
        """Return the layer of the paper: all encoders, and a tanh layer that reads m, x and h."""
        memory = LegendreMemory(order, theta, channels=memory_d, learn_theta=learn_theta)
        cell = SimpleRNN(memory_d * order + input_size, hidden_size, activation)
        return cls(input_size, memory, cell, encoders=ENCODERS, reads_input=True)

    @classmethod
    def feed_forward(
        cls,
        channels: int,
        hidden_size: int,
        order: int,
        theta: float | Sequence[float],
        *,
        activation: Activation | str = Activation.RELU,
        learn_theta: bool = False,
        dropout: float = 0.0,
    ) -> LMU:
        """Return a layer without feedback: a memory for each input, and a dense layer on all.

        References
        ----------
        Chilkuri, Eliasmith, "Parallelizing Legendre memory unit training", ICML 2021.
        """
        memory = LegendreMemory(order, theta, channels=channels, learn_theta=learn_theta)
        cell = Dense(channels * order, hidden_size, activation, dropout=dropout)
        return cls(channels, memory, cell, encoders=())

    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        last_only: bool = False,
        estimator: StraightThrough = FLOATS,
    ) -> tuple[Tensor, State]:
        """Run the layer over sequences; ``last_only`` gives the output of the last step alone.

        Raises
        ------
        SpecError
            If the sequences have no step.
        """
        check_steps(x)
        if self.is_feed_forward:
            return self._parallel(x, state, last_only, estimator)
        if self._can_be_folded and not estimator.signals:
            return self._folded(x, state, last_only)
        if self._follows_signals(x):
            signals = known(estimator, "m")
            outputs = known(estimator.of(estimator.prefixes[-1]), "h")
            if signals is not None and outputs is not None:
                return self._known(x, state, last_only, signals | outputs)
        return self.in_steps(x, state, last_only=last_only, estimator=estimator)

    def _parallel(
        self, x: Tensor, state: State | None, last_only: bool, estimator: StraightThrough
    ) -> tuple[Tensor, State]:
        start, *inner = (None,) if state is None else state
        last = slice(-1, None) if last_only and not self._cell_is_recurrent else slice(None)
        m, m_n = self.memory(estimator("u", self._encode(x)), start, last_only=last != slice(None))
        estimator = estimator.at(last)
        m = estimator("m", m)
        read = torch.cat([m, x[:, last]], dim=2) if self.reads_input else m
        if self.cell is None:
            return read, (m_n, read[:, -1])
        cell_estimator = estimator.of(estimator.prefixes[-1])
        y, inner_n = self.cell(read, tuple(inner) if inner else None, estimator=cell_estimator)
        return (y[:, -1:] if last_only else y), (m_n, *inner_n)

    @property
    def _can_be_folded(self) -> bool:
        cell = self.cell
        if isinstance(cell, Dense) and cell.dropout.training and cell.dropout.p > 0.0:
            return False
        if cell is None or type(cell) not in (SimpleRNN, Dense):
            return False
        return cell.activation in SLOPES

    def _folded(self, x: Tensor, state: State | None, last_only: bool) -> tuple[Tensor, State]:
        m, h = self._start(x) if state is None else state
        dtype, x = x.dtype, x.to(wide(x.dtype))
        # errors add up over the steps, so that 16 bits are too few
        with _no_autocast(x.device.type):
            y, m, h = run_folded(
                self.memory.recursion(), self._weights().to(x), x, m.to(x), h.to(x)
            )
        # h, not y[:, -1]: the gradient of a slice of y is a tensor of all steps
        h = h.to(dtype)
        return (h[:, None] if last_only else y.to(dtype)), (m, h)

    def _follows_signals(self, x: Tensor) -> bool:
        """Whether gradients follow from the signals of all steps, with matrices that stay."""
        fixed = not self.memory.is_learned and self.memory.n_windows == 1
        return fixed and type(self.cell) is SimpleRNN and x.dtype in PRECISE

    def _known(
        self, x: Tensor, state: State | None, last_only: bool, signals: Mapping[str, Tensor]
    ) -> tuple[Tensor, State]:
        cell, n_m = self.cell, self.memory.channels * self.memory.order
        assert isinstance(cell, SimpleRNN), "checked before"
        y, after = lmu_steps(
            self._encode(x),
            self._project_input(x),
            (cell.W[:, :n_m], cell.U, self.e_h, self.e_m),
            self.memory.recursion().to(x),
            self._start(x) if state is None else state,
            signals,
            cell.activation,
        )
        return (y[:, -1:] if last_only else y), after

    def _weights(self) -> LayerWeights:
        """Return all weights; those that the layer does not have are zeros."""
        cell, n_m = self.cell, self.memory.channels * self.memory.order
        assert cell is not None, "only layers with a cell are folded"
        b, n = cell.b, cell.hidden_size
        eye = torch.eye(self.memory.channels, dtype=b.dtype, device=b.device)
        return LayerWeights(
            e_x=eye if self.e_x is None else self.e_x,
            e_h=b.new_zeros(self.memory.channels, n) if self.e_h is None else self.e_h,
            e_m=b.new_zeros(self.memory.channels, n_m) if self.e_m is None else self.e_m,
            b=b.new_zeros(self.memory.channels) if self.b is None else self.b,
            W_x=cell.W[:, n_m:] if self.reads_input else b.new_zeros(n, self.input_size),
            W=cell.W[:, :n_m],
            U=cell.U if isinstance(cell, SimpleRNN) else b.new_zeros(n, n),
            b_z=b,
            activation=cell.activation,
        )

    def in_steps(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        last_only: bool = False,
        estimator: StraightThrough = FLOATS,
    ) -> tuple[Tensor, State]:
        """Run the layer step by step; the result is that of `forward`, which is faster."""
        check_steps(x)
        memory, cell = self.memory, self.cell
        m, *inner = self._start(x) if state is None else state
        m = m.to(wide(m.dtype)).reshape(len(x), memory.channels, memory.order)
        recursion = memory.recursion().to(m)
        n_m = memory.channels * memory.order
        outputs = []
        # unbind, not index: the gradient of every index would be a tensor of all steps
        steps = (a.unbind(1) for a in (x, self._encode(x), self._project_input(x)))
        for t, (x_t, u, projected) in enumerate(zip(*steps, strict=True)):
            now = estimator.at(t)
            flat = m.reshape(len(x), n_m).to(x)
            if self.e_h is not None:
                u = torch.addmm(u, inner[0], self.e_h.T)
            if self.e_m is not None:
                u = torch.addmm(u, flat, self.e_m.T)
            m = now("m", recursion.step(m, now("u", u).to(m)).reshape(len(x), n_m))
            flat, m = m.to(x), m.view(-1, memory.channels, memory.order)
            if cell is None:
                inner = [torch.cat([flat, x_t], dim=1) if self.reads_input else flat]
            else:
                p = nn.functional.linear(flat, cell.W[:, :n_m]) + projected
                inner = list(cell.step(p, tuple(inner), now.of(now.prefixes[-1])))
            outputs.append(inner[0])
        y = outputs[-1][:, None] if last_only else torch.stack(outputs, 1)
        return y, (m.reshape(len(x), n_m), *inner)

    @property
    def _cell_is_recurrent(self) -> bool:
        return self.cell is not None and self.cell.is_recurrent

    def _start(self, x: Tensor) -> State:
        m = x.new_zeros(len(x), self.memory.channels * self.memory.order)
        if self.cell is None:
            return m, x.new_zeros(len(x), self.output_size)
        return m, *self.cell.start(x)

    def _encode(self, x: Tensor) -> Tensor:
        """Return the contribution of x to u, at all steps."""
        u = x if self.e_x is None else nn.functional.linear(x, self.e_x)
        return u if self.b is None else u + self.b

    def _project_input(self, x: Tensor) -> Tensor:
        """Return the contribution of x to the cell's rows, at all steps."""
        if self.cell is None:
            return x
        if not self.reads_input:
            return self.cell.b.expand(*x.shape[:2], -1)
        n_m = self.memory.channels * self.memory.order
        return nn.functional.linear(x, self.cell.W[:, n_m:], self.cell.b)

    def layers(self) -> tuple[network.LMULayer, ...]:
        """Return the layers of the network: one, or one for each channel's window."""
        memories = self.memory.memories()
        cell = None if self.cell is None else self.cell.cell()
        arrays = {
            name: numbers(value)
            for name in (*ENCODERS, "b")
            if (value := getattr(self, name)) is not None
        }
        if len(memories) == 1:
            return (
                network.LMULayer(
                    memory=memories[0],
                    n_in=self.input_size,
                    cell=cell,
                    reads_input=self.reads_input,
                    **arrays,
                ),
            )
        assert cell is not None, "checked when the layer was made"
        return self._one_by_one(memories, cell, arrays)

    def _one_by_one(
        self, memories: Sequence[network.LinearMemory], cell: network.Cell, arrays: dict[str, Any]
    ) -> tuple[network.LMULayer, ...]:
        """Return a chain of layers of one channel each; each passes on the words of those before.

        After channel c a layer's words are ``m_c, ..., m_0, x``.
        """
        d, n_m = self.memory.order, self.memory.channels * self.memory.order
        e_x = arrays.get("e_x", np.eye(self.input_size))
        made = []
        for c, memory in enumerate(memories):
            row = np.zeros((1, c * d + self.input_size))
            row[0, c * d :] = e_x[c]
            bias = {"b": arrays["b"][c : c + 1].copy()} if "b" in arrays else {}
            made.append(
                network.LMULayer(
                    memory=memory, n_in=row.shape[1], e_x=row, reads_input=True, **bias
                )
            )
        order = [c * d + i for c in reversed(range(len(memories))) for i in range(d)]
        W = np.zeros((len(cell.W), n_m + self.input_size))
        W[:, :n_m] = cell.W[:, order]
        if self.reads_input:
            W[:, n_m:] = cell.W[:, n_m:]
        made[-1] = replace(made[-1], cell=replace(cell, W=W))
        return tuple(made)

    @classmethod
    def of(cls, layer: network.LMULayer) -> LMU:
        """Return a module with the weights of a network's layer."""
        cell = None if layer.cell is None else CELLS[type(layer.cell)].of(layer.cell)
        made = cls(
            layer.n_in,
            LegendreMemory.of(layer.memory),
            cell,
            encoders=[name for name in ENCODERS if getattr(layer, name) is not None],
            bias=layer.b is not None,
            reads_input=layer.reads_input,
        )
        for name in (*ENCODERS, "b"):
            if (array := getattr(layer, name)) is not None:
                fill_(getattr(made, name), array)
        return made


def _no_autocast(device: str) -> AbstractContextManager[object]:
    """Return the context in which products keep their dtype."""
    available = torch.amp.is_autocast_available(device)
    return torch.autocast(device, enabled=False) if available else nullcontext()
