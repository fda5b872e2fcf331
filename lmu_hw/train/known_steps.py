"""Gradients of recurrent layers whose signals an integer program has computed, all steps at once.

Forward, nothing is left to compute. Backward, all slopes follow from the known signals of all steps
at once, and the loop over the steps has only the products that wait for the step after. The
gradients are those of the straight-through estimator in the plain loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..models.network import Activation
from .straight_through import StraightThrough
from .torch_activations import activate
from .trainable_memory import Recursion

PRECISE = (torch.float32, torch.float64)
"""Types in which a layer's memory has the precision of its inputs."""


def known(estimator: StraightThrough, names: str) -> dict[str, Tensor] | None:
    """Return the signals of one letter each at all steps, or None unless the program has them."""
    every = estimator.at(slice(None))
    found = {name: every.known(name) for name in names}
    signals = {name: x for name, x in found.items() if x is not None}
    return signals if len(signals) == len(found) else None


def lstm_steps(
    p: Tensor,
    U: Tensor,
    state: tuple[Tensor, ...],
    signals: Mapping[str, Tensor],
    activation: Activation,
    gate: Activation,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the outputs of an LSTM at all steps, and its state after the last.

    Parameters
    ----------
    p : tensor, shape (n_sequences, n_steps, 4 n)
        ``W x + b``.
    U : tensor, shape (4 n, n)
    state : tuple of tensor, shape (n_sequences, n)
    signals : mapping of str to tensor, shape (n_sequences, n_steps, n)
        The gates i, f, g, o, the cell state c, a of it, and the output h.
    activation, gate : Activation
    """
    h, c = state
    known = [signals[name] for name in "ifgoach"]
    y, c = _LSTMSteps.apply(p, U, h, c, *known, activation, gate)  # type: ignore[no-untyped-call]
    return y, (y[:, -1], c)


def lmu_steps(
    u: Tensor,
    p: Tensor,
    weights: tuple[Tensor, Tensor, Tensor | None, Tensor | None],
    recursion: Recursion,
    state: tuple[Tensor, ...],
    signals: Mapping[str, Tensor],
    activation: Activation,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the outputs of the paper's layer at all steps, and its state after the last.

    Parameters
    ----------
    u : tensor, shape (n_sequences, n_steps, channels)
        What x contributes to the memory's input.
    p : tensor, shape (n_sequences, n_steps, n)
        What x contributes to the cell's rows.
    weights : tuple of tensor
        Of the cell those that read m and h; of the memory's input e_h and e_m, which may be None.
    recursion : Recursion
        One for all channels, without gradients.
    state : tuple of tensor
        m, shape (n_sequences, channels * d), and h, shape (n_sequences, n).
    signals : mapping of str to tensor, shape (n_sequences, n_steps, ...)
        m and h.
    activation : Activation
        Of the cell.
    """
    A, B = recursion.Abar.squeeze(0), recursion.Bbar.squeeze(0)
    m, h = signals["m"], signals["h"]
    y, m = _LMUSteps.apply(u, p, *weights, *state, m, h, A, B, activation)  # type: ignore[no-untyped-call]
    return y, (m, y[:, -1])


class _LSTMSteps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, Tensor]:
        *tensors, ctx.activation, ctx.gate = given
        ctx.save_for_backward(*tensors)
        c, h = tensors[-2:]
        return h.clone(), c[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, dy: Tensor, dc: Tensor) -> tuple[Tensor | None, ...]:
        p, U, h_0, c_0, i, f, g, o, a, c, h = ctx.saved_tensors
        before, c_before = _before(h_0, h), _before(c_0, c)
        rows = (p + before @ U.T).chunk(4, dim=2)
        functions = (ctx.gate, ctx.gate, ctx.activation, ctx.gate)
        slopes = [_slope(function, x) for function, x in zip(functions, rows, strict=True)]
        # what a change of c' or, the last, of h' becomes in the rows
        factors = [x * s for x, s in zip((g, c_before, i, a), slopes, strict=True)]
        through = _by_step(torch.stack(factors, dim=2))
        to_c, keep = _by_step(o * _slope(ctx.activation, c)), _by_step(f)
        dz = torch.empty_like(through)
        dh, outputs = torch.zeros_like(h_0), _by_step(dy)
        for t in reversed(range(len(dz))):
            dh = dh + outputs[t]
            dc = dc + dh * to_c[t]
            torch.mul(through[t, :, :3], dc[:, None], out=dz[t, :, :3])
            torch.mul(through[t, :, 3], dh, out=dz[t, :, 3])
            dh = dz[t].flatten(1) @ U
            dc = dc * keep[t]
        dp = dz.flatten(2).transpose(0, 1)
        return dp, _product(dp, before), dh, dc, *(None,) * 9


class _LMUSteps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, Tensor]:
        *tensors, ctx.activation = given
        ctx.save_for_backward(*tensors)
        m, h = tensors[-4:-2]
        return h.clone(), m[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, dy: Tensor, dm: Tensor) -> tuple[Tensor | None, ...]:
        u, p, W, U, e_h, e_m, m_0, h_0, m, h, A, B = ctx.saved_tensors
        before, m_before = _before(h_0, h), _before(m_0, m)
        slopes = _by_step(_slope(ctx.activation, p + m @ W.T + before @ U.T))
        dz, du = torch.empty_like(slopes), torch.empty_like(_by_step(u))
        dh, outputs, channels = torch.zeros_like(h_0), _by_step(dy), u.shape[2]
        for t in reversed(range(len(dz))):
            torch.mul(dh + outputs[t], slopes[t], out=dz[t])
            each = torch.addmm(dm, dz[t], W).view(-1, channels, len(B))
            torch.matmul(each, B, out=du[t])
            dh, dm = dz[t] @ U, (each @ A).flatten(1)
            dh = dh if e_h is None else torch.addmm(dh, du[t], e_h)
            dm = dm if e_m is None else torch.addmm(dm, du[t], e_m)
        du, dp = du.transpose(0, 1), dz.transpose(0, 1)
        weights = (
            _product(dp, m),
            _product(dp, before),
            None if e_h is None else _product(du, before),
            None if e_m is None else _product(du, m_before),
        )
        return du, dp, *weights, dm, dh, *(None,) * 5


def _before(start: Tensor, steps: Tensor) -> Tensor:
    """Return what a signal was before every step."""
    return torch.cat([start[:, None], steps[:, :-1]], dim=1)


def _by_step(x: Tensor) -> Tensor:
    return x.transpose(0, 1).contiguous()


def _product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return the sum of outer products over all sequences and steps."""
    return rows.flatten(0, 1).T @ columns.flatten(0, 1)


@torch.enable_grad()  # type: ignore[untyped-decorator]
def _slope(activation: Activation, x: Tensor) -> Tensor:
    """Return the derivative of an activation."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(activate(activation, x).sum(), x)
    return slope
