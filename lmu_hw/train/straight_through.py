"""Straight-through estimator: quantized values forward, float gradients backward.

The estimator holds the real values of an integer program's signals, by the names that
`~lmu_hw.quantize.lower.lower` gives them. Forward, such a value replaces the float value of the
model; backward, the gradient passes unchanged. An estimator without signals changes nothing.

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
    """Returns the second tensor; the gradient goes to the first."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, floats: Tensor, known: Tensor) -> Tensor:
        return known.clone()

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *grads: Tensor
    ) -> tuple[Tensor | None, None]:
        return grads[0], None


@dataclass(frozen=True, eq=False, kw_only=True)
class StraightThrough:
    """Replaces float signals by the values of an integer program.

    Parameters
    ----------
    signals : mapping of str to tensor, shape (n_sequences, n_steps, length)
        Values of the program's signals [signal unit].
    prefixes : tuple of str
        Name prefixes of the current layer in the program. A layer that became several layers of the
        program has several; its signal is their signals, concatenated.
    steps : slice or int
        The current steps.
    """

    signals: Mapping[str, Tensor] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ("",)
    steps: slice | int = field(default_factory=lambda: slice(None))

    def of(self, *prefixes: str) -> StraightThrough:
        """Return the estimator of a layer, given the prefixes of its signals."""
        return replace(self, prefixes=prefixes)

    def at(self, steps: slice | int) -> StraightThrough:
        """Return the estimator of some steps."""
        return replace(self, steps=steps) if self.signals else self

    def __call__(self, name: str, floats: Tensor) -> Tensor:
        """Return the program's values of a signal, or the float values where it has none."""
        known = self.known(name) if self.signals else None
        if known is None:
            return floats
        return _Replaced.apply(floats, known)  # type: ignore[no-any-return,no-untyped-call]

    def known(self, name: str) -> Tensor | None:
        """Return the program's values of a signal, or None where it has none."""
        names = [prefix + name for prefix in self.prefixes]
        found = [self.signals[n][:, self.steps] for n in names if n in self.signals]
        return torch.cat(found, dim=-1) if found else None


FLOATS = StraightThrough()
"""The estimator without signals: float training."""
