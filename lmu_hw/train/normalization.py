"""Normalization of inputs: a scale and an offset for each channel, carried by the model.

No hardware computes it. The exported network has the scales and offsets as the channels of its
input; who makes words of values, in C by ``lmu_units.h``, applies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._support.array_types import Array
from .._support.channel import Channel
from ..errors import SpecError
from .ragged import pad


def channels_of(
    x: Any, *, names: Sequence[str] | None = None, units: Sequence[str] | None = None
) -> tuple[Channel, ...]:
    """Return a channel for each input: offset is the mean of the data, scale its deviation.

    Parameters
    ----------
    x : tensor or array (n_sequences, n_steps, n_in), or list of sequences (n_steps, n_in)
        Training data.
    names, units : sequence of str, optional
        Of the channels.

    Raises
    ------
    SpecError
        If a value is not finite, or there are not as many names or units as channels.
    FormatError
        If a name or a unit is not valid.
    """
    if isinstance(x, list):
        padded, lengths = pad(x, torch.float64)
        rows = np.concatenate([part[:n] for part, n in zip(padded.numpy(), lengths, strict=True)])
    else:
        array = torch.as_tensor(x).detach().cpu().double().numpy()
        if array.ndim != 3 or not array.size:
            raise SpecError(f"x has shape {array.shape} but should be (sequences, steps, n_in)")
        rows = array.reshape(-1, array.shape[2])
    if not np.all(np.isfinite(rows)):
        raise SpecError("x must hold finite numbers, not NaN or infinity")
    n = rows.shape[1]
    for what, given in (("names", names), ("units", units)):
        if given is not None and len(given) != n:
            raise SpecError(f"{what} must be {n}, one for each channel, not {len(given)}")
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    return tuple(
        Channel(
            name="" if names is None else names[k],
            unit="" if units is None else units[k],
            # a constant channel tells nothing
            scale=float(deviation[k]) or 1.0,
            offset=float(mean[k]),
        )
        for k in range(n)
    )


def normalized(x: Tensor, channels: Sequence[Channel]) -> Tensor:
    """Return ``(x - offset) / scale`` of every channel, computed and returned in float64."""
    scale, offset = (
        torch.tensor([getattr(c, name) for c in channels], dtype=torch.float64, device=x.device)
        for name in ("scale", "offset")
    )
    return (x.double() - offset) / scale


def normalized_array(x: npt.ArrayLike, channels: Sequence[Channel]) -> Array:
    """Return ``(x - offset) / scale`` of every channel of an array (..., n_in)."""
    array = np.asarray(x, dtype=np.float64)
    return np.stack([c.normalize(array[..., k]) for k, c in enumerate(channels)], axis=-1)
