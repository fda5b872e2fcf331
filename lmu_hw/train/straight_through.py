"""Straight-through estimator: quantized values forward, float gradients backward.

A tape holds the real values of an integer program's signals, by the names that
`~lmu_hw.quantize.lower.lower` gives them. A value on the tape replaces the float value, and the
gradient passes straight through; an empty tape changes nothing.

References
----------
Bengio, Léonard, Courville, "Estimating or propagating gradients through stochastic neurons",
arXiv:1308.3432, 2013 (straight-through estimator).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


class _Replaced(torch.autograd.Function):
    """The second tensor, exactly, with the gradient of the first."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, floats: Tensor, known: Tensor) -> Tensor:
        return known.clone()

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *grads: Tensor
    ) -> tuple[Tensor | None, None]:
        return grads[0], None


@dataclass(frozen=True, eq=False, kw_only=True)
class Tape:
    """Known values of signals.

    Parameters
    ----------
    signals : mapping of str to tensor, shape (n_sequences, n_steps, length)
    prefixes : tuple of str
        Of the layers that play now; what they call by one name is joined.
    steps : slice or int
        Which steps play now.
    """

    signals: Mapping[str, Tensor] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ("",)
    steps: slice | int = field(default_factory=lambda: slice(None))

    def of(self, *prefixes: str) -> Tape:
        """Return the part of some layers."""
        return replace(self, prefixes=prefixes)

    def at(self, steps: slice | int) -> Tape:
        """Return the part of some steps."""
        return replace(self, steps=steps) if self.signals else self

    def __call__(self, name: str, floats: Tensor) -> Tensor:
        """Return the known values of a signal, or the float ones where there are none."""
        if not self.signals:
            return floats
        names = [prefix + name for prefix in self.prefixes]
        known = [self.signals[n][:, self.steps] for n in names if n in self.signals]
        if not known:
            return floats
        return _Replaced.apply(floats, torch.cat(known, dim=-1))  # type: ignore[no-any-return,no-untyped-call]


FLOATS = Tape()
"""The tape that changes nothing."""
