"""Windows and the weights that read them, trained together.

Each weight row that reads a memory weighs the past by an impulse response within the window,
``k(tau) = sum_i (2i + 1) / theta W_i P_i(tau / theta)`` for white input. A step that shortens the
window alone would squeeze this response in time. The weights would first have to be learned again,
and meanwhile they hold the window where it is: from 240 to a best window of 50, a hundred epochs
were not enough. So where a window gets shorter, the weights are changed such that the response is
kept, as far as the shorter window holds it. Where it gets longer, they stay: the memory holds more
than they read before. A window that moves to and fro would lose a little each time; so it counts as
shorter only against the one that the weights have adapted to, which follows longer ones slowly.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .._support.array_types import Array
from .layer import LMU

ADAPTED = 0.01
"""Share of a longer window that weights are taken to have adapted to in a step of the optimiser."""


class WindowUpdate:
    """Keeps what readers of learned windows respond to while an optimiser shortens the windows.

    Parameters
    ----------
    model : Module
        Any module that holds `LMU` layers. A layer without a cell is read by the next layer, whose
        weights stay as they are.

    Attributes
    ----------
    trained_for : list of tensor
        Windows that the weights have adapted to, for every layer: the state of the update.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = [
            m
            for m in model.modules()
            if isinstance(m, LMU) and m.memory.learns_theta and not m.memory.learns_system
        ]
        self.trained_for = [layer.memory.theta.detach() for layer in self._layers]

    @torch.no_grad()
    def follow(self) -> None:
        """Change the weights that read windows which a step of the optimiser has shortened."""
        for layer, trained_for in zip(self._layers, self.trained_for, strict=True):
            theta, d = layer.memory.theta, layer.memory.order
            ratios = (theta / trained_for).tolist()
            longer = trained_for * (theta / trained_for) ** ADAPTED
            trained_for.copy_(torch.minimum(theta, longer))
            for c, ratio in enumerate(ratios * (layer.memory.channels // len(ratios))):
                if ratio >= 1.0:
                    continue
                change = torch.from_numpy(shortened(d, ratio))
                for weights in (None if layer.cell is None else layer.cell.W, layer.e_m):
                    if weights is not None:
                        _multiply(weights[:, c * d : (c + 1) * d], change)


def _multiply(weights: Tensor, change: Tensor) -> None:
    weights.copy_(weights.double() @ change.to(weights.device))


def shortened(order: int, ratio: float) -> Array:
    """Return the matrix that turns weights of a window into those of a shorter one.

    Parameters
    ----------
    order : int
    ratio : float
        New window over old window, in (0, 1].

    Returns
    -------
    float array, shape (order, order)
        For weights as rows, from the right.

    Notes
    -----
    With ``p_i(r) = P_i(2r - 1)``, ``W'_i = ratio * sum_j W_j (2j + 1) * integral of
    p_i(r) p_j(ratio * r) over r = 0..1``; Gauss's rule with ``order`` nodes is exact.
    """
    nodes, weights = np.polynomial.legendre.leggauss(order)
    r = (nodes + 1.0) / 2.0
    new = np.polynomial.legendre.legvander(2.0 * r - 1.0, order - 1)
    old = np.polynomial.legendre.legvander(2.0 * ratio * r - 1.0, order - 1)
    n = 2.0 * np.arange(order) + 1.0
    return np.asarray(ratio * n[:, None] * (old.T @ (new * (weights / 2.0)[:, None])))
