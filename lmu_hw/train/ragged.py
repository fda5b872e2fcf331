"""Sequences of different lengths: padded for a batch, and read at their own last step.

Padding is never part of a sequence: the hardware starts each from zero and stops at its last step.
A model gives the same only if it is told where the sequences begin and end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import SpecError

SHARE = 0.1
"""Least share of sequences with zeros at one end that is taken for padding."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ValidSteps:
    """The steps of padded sequences that count.

    Attributes
    ----------
    start, length : int64 tensor, shape (n_sequences,)
    n_steps : int
        Steps of a padded sequence.
    """

    start: Tensor
    length: Tensor
    n_steps: int

    @classmethod
    def of(cls, lengths: Any, x: Tensor) -> ValidSteps:
        """Return the steps that lengths, or a mask, give for x (n_sequences, n_steps, n_in).

        Raises
        ------
        SpecError
            If they do not fit x, or a sequence has no step or has a gap.
        """
        try:
            given = torch.as_tensor(lengths, device=x.device)
        except (TypeError, ValueError, RuntimeError):
            given = torch.tensor(float("nan"))
        n, n_steps = x.shape[:2]
        if given.dtype is torch.bool:
            if given.shape != (n, n_steps):
                raise SpecError(
                    f"the mask has shape {tuple(given.shape)} but should be {(n, n_steps)}"
                )
            start, length = given.to(torch.uint8).argmax(1), given.sum(1)
            made = cls(start=start, length=length, n_steps=n_steps)
            if bool((length < 1).any()) or not torch.equal(made.mask(), given):
                raise SpecError("each row of the mask must hold one run of true steps")
            return made
        # an empty list is a tensor of floats
        if (given.dtype.is_floating_point and given.numel()) or given.shape != (n,):
            raise SpecError(f"lengths must be {n} whole numbers, or a mask of the steps of x")
        if n and not 1 <= int(given.min()) <= int(given.max()) <= n_steps:
            raise SpecError(
                f"lengths must be from 1 to {n_steps}, the steps of x, "
                f"not {int(given.min())} to {int(given.max())}"
            )
        length = given.long()
        return cls(start=torch.zeros_like(length), length=length, n_steps=n_steps)

    def mask(self) -> Tensor:
        """Return which steps count, shape (n_sequences, n_steps)."""
        t = torch.arange(self.n_steps, device=self.start.device)
        return (t >= self.start[:, None]) & (t < (self.start + self.length)[:, None])

    @property
    def at_front(self) -> bool:
        """Whether all sequences begin at the first step."""
        return not bool(self.start.any())

    def moved(self, x: Tensor, shift: Tensor) -> Tensor:
        """Return x (n_sequences, n_steps, n), each sequence ``shift`` steps later."""
        t = torch.arange(self.n_steps, device=x.device)
        at = (t - shift[:, None]) % self.n_steps
        return x.gather(1, at[:, :, None].expand(-1, -1, x.shape[2]))

    def to_front(self, x: Tensor) -> Tensor:
        """Return x with its sequences at the front, zeros behind them."""
        front = ValidSteps(
            start=torch.zeros_like(self.start), length=self.length, n_steps=self.n_steps
        )
        return self.moved(x, -self.start) * front.mask()[:, :, None]

    def back(self, y: Tensor) -> Tensor:
        """Return outputs of sequences at the front where x has the sequences, zeros elsewhere."""
        return self.moved(y, self.start) * self.mask()[:, :, None]

    def to_end(self, x: Tensor) -> Tensor:
        """Return x, whose sequences are at the front, with them at the end, zeros before."""
        t = torch.arange(self.n_steps, device=x.device)
        late = t >= (self.n_steps - self.length)[:, None]
        return self.moved(x, self.n_steps - self.length) * late[:, :, None]

    def last(self, y: Tensor) -> Tensor:
        """Return the last step of outputs of sequences at the front, (n_sequences, 1, n)."""
        at = (self.length - 1)[:, None, None].expand(-1, 1, y.shape[2])
        return y.gather(1, at)


def pad(sequences: Sequence[Any], dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Return sequences of different lengths as one tensor, padded with zeros behind, and lengths.

    Parameters
    ----------
    sequences : sequence of array, each of shape (n_steps, n), or (n_steps,) for one channel
    dtype : dtype

    Returns
    -------
    x : tensor, shape (n_sequences, longest, n)
    lengths : int64 tensor, shape (n_sequences,)

    Raises
    ------
    SpecError
        If there is none, one has no step, or widths differ.
    """
    try:
        parts = [torch.as_tensor(np.asarray(s), dtype=dtype) for s in sequences]
    except (TypeError, ValueError):
        raise SpecError("sequences must be (n_steps, n) arrays of numbers") from None
    parts = [part[:, None] if part.ndim == 1 else part for part in parts]
    widths = {part.shape[1:] for part in parts}
    if not parts or min(map(len, parts)) < 1:
        raise SpecError("x must hold sequences of at least one step")
    if len(widths) > 1 or parts[0].ndim != 2:
        shown = ", ".join(str(tuple(part.shape)) for part in parts[:3])
        raise SpecError(f"sequences must be (n_steps, n) arrays of one n, not {shown} ...")
    lengths = torch.tensor([len(part) for part in parts])
    return nn.utils.rnn.pad_sequence(parts, batch_first=True), lengths


def each_length(
    run: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor, lengths: Any, *, every_step: bool
) -> Tensor:
    """Return outputs of padded sequences, run in groups of one length, without their padding.

    Parameters
    ----------
    run : callable
        Takes sequences (n, n_steps, n_in), returns outputs (n, n_steps, n_out) if ``every_step``,
        or (n, n_out), and more.
    x : tensor, shape (n_sequences, n_steps, n_in)
    lengths : int tensor (n_sequences,) or bool mask (n_sequences, n_steps)
    every_step : bool
    """
    steps = ValidSteps.of(lengths, x)
    x = x if steps.at_front else steps.to_front(x)
    groups = [(steps.length == n).nonzero()[:, 0] for n in steps.length.unique()]
    found = []
    for at in groups:
        n = int(steps.length[at[0]])
        y, _ = run(x[at, :n])
        found.append(nn.functional.pad(y, (0, 0, 0, steps.n_steps - n)) if every_step else y)
    y = torch.cat(found)[torch.argsort(torch.cat(groups))]
    return steps.back(y) if every_step else y


def check_unpadded(x: Tensor, *, zeros_in_front: bool = False) -> None:
    """Raise `SpecError` if x (n_sequences, n_steps, n_in) looks padded.

    It does where sequences start or end in zero steps, not all in as many, and no other step is
    zero in all its channels. ``zeros_in_front``: those at the start change nothing.
    """
    if x.ndim != 3 or x.shape[1] < 2 or len(x) < 2:
        return
    zero = (x == 0).all(2)
    head = zero.cumprod(1).sum(1)
    tail = zero.flip(1).cumprod(1).sum(1)
    if bool((head + tail < zero.sum(1)).any()) or bool((head == x.shape[1]).any()):
        return
    for side, run in (("start", head), ("end", tail))[zeros_in_front:]:
        padded = int((run > 0).sum())
        if padded >= SHARE * len(x) and int(run.min()) < int(run.max()):
            raise SpecError(
                f"x looks padded: {padded} of {len(x)} sequences {side} in 1 to {int(run.max())} "
                f"zero steps; give lengths=, a mask, or a list of sequences "
                f"(lengths=[{x.shape[1]}] * {len(x)} if the zeros are data)"
            )
