"""A layer with feedback, folded into few matrix products a step.

Between two steps of the nonlinear cell the memory is linear. So its part of the cell's input is
known for several steps at once, but for u of these steps: with m the memory before a chunk and
P_i = Abar^i Bbar, step j = 0, 1, ... of the chunk has ::

    u_j = x_j e_x' + b + h_{j-1} e_h' + m (Abar')^j e_m' + sum_{i<j} u_i P_{j-1-i}' e_m'
    z_j = x_j W_x' + b_z + h_{j-1} U' + m (Abar')^(j+1) W' + sum_{i<=j} u_i P_{j-i}' W'

and h_j = f(z_j). u_j is put into z_j. Then a step is one product with h and a narrow one with the
u of the chunk, and m changes once a chunk. This takes fewer multiplications than the plain loop,
which multiplies m by Abar, W and e_m at every step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..models.network import Activation
from .chunked_steps import ChunkedSteps
from .sequence_shapes import one_more
from .trainable_memory import Recursion

ALIGNED = 8
"""Columns of matrices in the loop are multiples of this."""
CHUNK_MULTIPLIES = 200_000
"""Multiplications in the time that the calls for a chunk take, on one CPU core."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerWeights:
    """The weights of a layer that has the feedback and the cell of the paper.

    Attributes
    ----------
    e_x : tensor, shape (channels, n_in)
    e_h : tensor, shape (channels, n)
    e_m : tensor, shape (channels, channels * d)
    b : tensor, shape (channels,)
    W_x : tensor, shape (n, n_in)
    W : tensor, shape (n, channels * d)
    U : tensor, shape (n, n)
    b_z : tensor, shape (n,)
    activation : Activation
        One of `~lmu_hw.train.chunked_steps.SLOPES`.
    """

    e_x: Tensor
    e_h: Tensor
    e_m: Tensor
    b: Tensor
    W_x: Tensor
    W: Tensor
    U: Tensor
    b_z: Tensor
    activation: Activation

    def to(self, like: Tensor) -> LayerWeights:
        """Return the same weights in the precision and on the device of another tensor."""
        tensors: dict[str, Any] = {
            name: value.to(like) for name, value in vars(self).items() if name != "activation"
        }
        return replace(self, **tensors)


def chunk_length(n_steps: int, n_sequences: int, order: int, n: int, channels: int) -> int:
    """Return the number of steps in a chunk that takes the least time.

    With k steps, c channels and s sequences: ``s c d^2 / k`` multiplications a step to change the
    memory, ``s c k (n + c) / 2`` a step to read u of the chunk, ``k c n d^2`` a batch to make the
    matrices, and the time of `CHUNK_MULTIPLIES` a chunk to call PyTorch.
    """
    s = max(1, n_sequences)
    each = s * channels * (n + channels) / 2 + channels * n * order**2 / n_steps
    once = s * channels * order**2 + CHUNK_MULTIPLIES
    longest = max(1, min(n_steps, round((once / each) ** 0.5)))
    n_chunks = -(-n_steps // longest)
    return -(-n_steps // n_chunks)


def run_folded(
    recursion: Recursion, weights: LayerWeights, x: Tensor, m: Tensor, h: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Run a layer over sequences.

    Parameters
    ----------
    recursion : Recursion
        In float64, one for all channels.
    weights : LayerWeights
        In the dtype of x, as the state.
    x : tensor, shape (n_sequences, n_steps, n_in)
    m, h : tensor, shape (n_sequences, channels * d) and (n_sequences, n)
        The state before the first step.

    Returns
    -------
    y : tensor, shape (n_sequences, n_steps, n)
    m, h : tensor
        After the last step.
    """
    if not len(x):
        y, m, h = run_folded(recursion, weights, one_more(x), one_more(m), one_more(h))
        return y[:0], m[:0], h[:0]
    # plain numbers: the length of a chunk is no symbol, also in torch.compile
    n_sequences, n_steps = int(x.shape[0]), int(x.shape[1])
    channels, n = weights.e_h.shape
    d = m.shape[1] // channels
    k = chunk_length(n_steps, n_sequences, d, n, channels)
    last = (n_steps - 1) % k + 1
    eye = torch.eye(d, dtype=recursion.Abar.dtype, device=recursion.Abar.device)
    # (Abar')^j, j = 0..k, and P_i, i = 0..k-1: powers are taken in float64
    powers = recursion.free(eye[:, None], k + 1)[:, :, 0].to(x)
    drive = recursion.responses(k)[:, 0].to(x)
    # what reads the memory, [W' e_m'], behind j steps and driven by u of i steps ago
    read = torch.cat([weights.W, weights.e_m]).view(-1, channels, d).permute(1, 2, 0)
    later = torch.matmul(powers[:, None], read).split([n, channels], 3)
    driven = torch.einsum("id,cdr->icr", drive, read).split([n, channels], 2)
    # from u to z in the same step
    through = driven[0][0]
    start = _row(later[0][1:] + later[1][:-1] @ through, later[1][:-1])
    lags = _row(driven[0][1:] + driven[1][:-1] @ through, driven[1][:-1])
    W_x = _row((weights.W_x + through.T @ weights.e_x).T, weights.e_x.T)
    b = _row(weights.b_z + weights.b @ through, weights.b)
    y, m, h, _, _ = ChunkedSteps.apply(
        nn.functional.pad(x, (0, 1), value=1.0),
        m,
        h,
        torch.cat([W_x, b[None]]),
        start.permute(1, 2, 0, 3).reshape(channels * d, -1),
        _row(weights.U.T + weights.e_h.T @ through, weights.e_h.T),
        lags.flatten(0, 1),
        powers[k],
        powers[last],
        drive,
        weights.activation.name,
    )
    return y, m, h


def _row(z: Tensor, u: Tensor) -> Tensor:
    """Join columns for z and u; their number is rounded up, as products of odd widths are slow."""
    both = torch.cat([z, u], -1)
    return nn.functional.pad(both, (0, -both.shape[-1] % ALIGNED))
