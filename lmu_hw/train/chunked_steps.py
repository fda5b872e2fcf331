"""The steps of a folded layer, with their own gradients, as one operator of PyTorch.

One operator, because autograd would keep several tensors of every step, and because torch.compile
would unroll the loop. Backward needs the outputs, u, and the memory at the start of every chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..models.network import Activation

SLOPES = (Activation.TANH, Activation.SIGMOID, Activation.RELU, Activation.LINEAR)
"""Activations whose slope follows from their output."""


def run_steps(
    x: Tensor,
    m: Tensor,
    h: Tensor,
    inputs: Tensor,
    start: Tensor,
    hidden: Tensor,
    lags: Tensor,
    decay: Tensor,
    last_decay: Tensor,
    drive: Tensor,
    activation: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Run all steps.

    A step has the row ``[z, u, 0]``: the inputs of the cell and of the memory, and unused columns
    that align the rows.

    Parameters
    ----------
    x : tensor, shape (n_sequences, n_steps, n_in)
    m : tensor, shape (n_sequences, channels * d)
    h : tensor, shape (n_sequences, n)
    inputs : tensor, shape (n_in, width)
        From x to the row.
    start : tensor, shape (channels * d, length * width)
        From the memory before a chunk to the rows of its steps.
    hidden : tensor, shape (n, width)
        From the last output to the row.
    lags : tensor, shape ((length - 1) * channels, width)
        From u of one step before, two, and so on, to the row.
    decay, last_decay : tensor, shape (d, d)
        From the memory before a chunk, and before the last one, to that behind it.
    drive : tensor, shape (length, d)
        From u of the last step of a chunk, the one before, and so on, to the memory behind it.
    activation : str
        Name of one of `SLOPES`.

    Returns
    -------
    y : tensor, shape (n_sequences, n_steps, n)
    m, h : tensor
        After the last step.
    starts : tensor, shape (n_sequences, n_chunks, channels * d)
        The memory before every chunk.
    u : tensor, shape (n_sequences, n_chunks, length, channels)
        Of the steps of every chunk, the last first.
    """
    n_sequences, n_steps, n_in = x.shape
    (n, width), (length, d) = hidden.shape, drive.shape
    channels, n_chunks = m.shape[1] // d, -(-n_steps // length)
    y = x.new_empty(n_sequences, n_steps, n)
    starts = x.new_empty(n_sequences, n_chunks, channels * d)
    u = x.new_zeros(n_sequences, n_chunks, length, channels)
    for k in range(n_chunks):
        steps = slice(k * length, min((k + 1) * length, n_steps))
        size = steps.stop - steps.start
        starts[:, k], behind = m, u[:, k].reshape(n_sequences, length * channels)
        rows = (x[:, steps].reshape(-1, n_in) @ inputs).view(n_sequences, size * width)
        rows.addmm_(m, start[:, : size * width])
        each = zip(
            rows.view(n_sequences, size, width).unbind(1),
            y[:, steps].unbind(1),
            reversed(u[:, k].unbind(1)),
            strict=False,
        )
        for j, (row, y_j, u_j) in enumerate(each):
            row.addmm_(h, hidden)
            if j:
                row.addmm_(behind[:, (length - j) * channels :], lags[: j * channels])
            u_j.copy_(row[:, n : n + channels])
            h = _activate(activation, row[:, :n], y_j)
        driven = u[:, k, length - size :].transpose(1, 2).reshape(-1, size) @ drive[:size]
        m = torch.addmm(driven, m.reshape(-1, d), decay if size == length else last_decay)
        m = m.view(n_sequences, channels * d)
    return y, m, h.clone(), starts, u


def run_steps_back(
    grad_y: Tensor | None,
    grad_m: Tensor | None,
    grad_h: Tensor | None,
    x: Tensor,
    h: Tensor,
    inputs: Tensor,
    start: Tensor,
    hidden: Tensor,
    lags: Tensor,
    decay: Tensor,
    last_decay: Tensor,
    drive: Tensor,
    y: Tensor,
    starts: Tensor,
    u: Tensor,
    activation: str,
) -> list[Tensor]:
    """Return the gradients of x, m, h and the matrices; None is a gradient of zeros."""
    (n_sequences, n_steps, n), (n_chunks, length, channels) = y.shape, u.shape[1:]
    width, d = hidden.shape[1], drive.shape[1]
    grad_x = torch.empty_like(x)
    grads = [torch.zeros_like(a) for a in (inputs, start, hidden, decay, last_decay, drive)]
    grad_inputs, grad_start, grad_hidden, grad_decay, grad_last, grad_drive = grads
    # of all pairs of a step's u and a step's row in a chunk
    pairs = y.new_zeros(length * channels, length * width)
    buffer = y.new_zeros(n_sequences, length, width)
    grad_m = torch.zeros_like(starts[:, 0]) if grad_m is None else grad_m
    grad_h = torch.zeros_like(h) if grad_h is None else grad_h
    for k in reversed(range(n_chunks)):
        first, size = k * length, min(length, n_steps - k * length)
        steps, m, rows = slice(first, first + size), starts[:, k], buffer[:, :size]
        u_k, after = u[:, k, length - size :], grad_m.reshape(-1, d)
        grad_drive[:size].addmm_(u_k.permute(1, 0, 2).reshape(size, -1), after)
        into, matrix = (grad_decay, decay) if size == length else (grad_last, last_decay)
        into.addmm_(m.reshape(-1, d).T, after)
        grad_m = (after @ matrix.T).view(n_sequences, channels * d)
        grad_u = (after @ drive[:size].T).view(n_sequences, channels, size)
        grad_u = grad_u.transpose(1, 2).reshape(n_sequences, size * channels)
        each = (a.unbind(1) for a in (rows, y[:, steps]))
        found = [None] * size if grad_y is None else grad_y[:, steps].unbind(1)
        for j, row, y_j, grad in reversed([*zip(range(size), *each, found, strict=True)]):
            at = (size - 1 - j) * channels
            _slope(activation, grad_h if grad is None else grad_h + grad, y_j, row[:, :n])
            row[:, n : n + channels] = grad_u[:, at : at + channels]
            if j:
                grad_u[:, at + channels :].addmm_(row, lags[: j * channels].T)
            grad_h = row @ hidden.T
        before = h if k == 0 else y[:, first - 1]
        before = torch.cat([before[:, None], y[:, first : first + size - 1]], 1)
        flat, wide = rows.reshape(-1, width), rows.reshape(n_sequences, size * width)
        grad_x[:, steps] = (flat @ inputs.T).view(n_sequences, size, -1)
        grad_m.addmm_(wide, start[:, : size * width].T)
        grad_inputs.addmm_(x[:, steps].reshape(len(flat), -1).T, flat)
        grad_start[:, : size * width].addmm_(m.T, wide)
        grad_hidden.addmm_(before.view(-1, n).T, flat)
        in_order = u_k.flip(1).reshape(n_sequences, size * channels)
        pairs[: size * channels, : size * width].addmm_(in_order.T, wide)
    pairs = pairs.view(length, channels, length, width)
    by_lag = [pairs.diagonal(lag, 0, 2).sum(2) for lag in range(1, length)]
    grads.insert(3, torch.cat([pairs.new_empty(0, width), *by_lag]))
    return [grad_x, grad_m, grad_h, *grads]


def _shapes(x: Tensor, m: Tensor, h: Tensor, *matrices: Any) -> tuple[Tensor, ...]:
    (n_sequences, n_steps, _), n = x.shape, h.shape[1]
    length, d = matrices[6].shape
    n_chunks = -(-n_steps // length)
    return (
        x.new_empty(n_sequences, n_steps, n),
        torch.empty_like(m),
        torch.empty_like(h),
        x.new_empty(n_sequences, n_chunks, m.shape[1]),
        x.new_empty(n_sequences, n_chunks, length, m.shape[1] // d),
    )


def _shapes_back(
    grad_y: Any, grad_m: Any, grad_h: Any, x: Tensor, h: Tensor, *others: Any
) -> list[Tensor]:
    *matrices, _, starts, _, _ = others
    return [torch.empty_like(a) for a in (x, starts[:, 0], h, *matrices)]


def _operator(function: Callable[..., Any], shapes: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as an operator that torch.compile calls and does not look into."""
    name = f"lmu_hw::{function.__name__}"
    torch.library.define(name, torch.library.infer_schema(function, mutates_args=()))
    torch.library.impl(name, "default", function)
    torch.library.register_fake(name, shapes)
    return getattr(torch.ops.lmu_hw, function.__name__)  # type: ignore[no-any-return]


chunked_steps = _operator(run_steps, _shapes)
chunked_steps_back = _operator(run_steps_back, _shapes_back)


class ChunkedSteps(torch.autograd.Function):
    """`run_steps` with its gradients; arguments and results are the same."""

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, ...]:
        """Run all steps."""
        found: tuple[Tensor, ...] = chunked_steps(*inputs)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep what backward needs."""
        x, _, h, *matrices, ctx.activation = inputs
        y, _, _, starts, u = output
        ctx.mark_non_differentiable(starts, u)
        ctx.save_for_backward(x, h, *matrices, y, starts, u)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients."""
        # torch.compile cannot look into a function in a function, and has no second derivatives
        back = chunked_steps_back if torch.compiler.is_compiling() else _ChunkedStepsBack.apply
        return *back(*grads[:3], *ctx.saved_tensors, ctx.activation), None


class _ChunkedStepsBack(torch.autograd.Function):
    """`run_steps_back`, which refuses second derivatives: autograd would take them for zero."""

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, ...]:
        return tuple(chunked_steps_back(*inputs))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> None:
        raise NotImplementedError(
            "second derivatives of a layer with feedback must go step by step: call its in_steps"
        )


def _activate(activation: str, x: Tensor, out: Tensor) -> Tensor:
    """Write the activation of x to ``out`` and return it."""
    if activation == Activation.TANH.name:
        return torch.tanh(x, out=out)
    if activation == Activation.SIGMOID.name:
        return torch.sigmoid(x, out=out)
    return out.copy_(torch.relu(x) if activation == Activation.RELU.name else x)


def _slope(activation: str, grad: Tensor, y: Tensor, out: Tensor) -> None:
    """Write the gradient before the activation to ``out``."""
    if activation == Activation.TANH.name:
        torch.ops.aten.tanh_backward.grad_input(grad, y, grad_input=out)
    elif activation == Activation.SIGMOID.name:
        torch.ops.aten.sigmoid_backward.grad_input(grad, y, grad_input=out)
    else:
        out.copy_(grad * (y > 0) if activation == Activation.RELU.name else grad)
