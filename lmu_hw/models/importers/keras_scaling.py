"""Keras layers that scale and shift: BatchNormalization, Normalization and Rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._support.array_types import Array
from ...errors import ModelFileError
from .folding import ScaleAndShift
from .keras_config import KerasLayer
from .keras_weights import Weights

SCALING = ("BatchNormalization", "Normalization", "Rescaling")
SMALLEST = 1e-7
"""Smallest divisor of Normalization: Keras's backend epsilon."""


def affine_of(layer: KerasLayer, weights: Weights, axes: int) -> ScaleAndShift:
    """Return the scale and shift that a layer of `SCALING` applies at inference.

    Parameters
    ----------
    layer : KerasLayer
    weights : Weights
    axes : int
        Dimensions of its input: 3 (sequences, steps, words), or 2 (sequences, words).

    Raises
    ------
    ModelFileError
        If it scales along time, or has unsupported options.
    """
    if layer.kind != "Rescaling":
        _check_axis(layer, axes)
    with np.errstate(all="ignore"):
        scale, shift = {
            "BatchNormalization": _batch_normalization,
            "Normalization": _normalization,
            "Rescaling": _rescaling,
        }[layer.kind](layer, weights)
    return ScaleAndShift(name=layer.name, scale=scale, shift=shift)


def _check_axis(layer: KerasLayer, axes: int) -> None:
    axis = layer.config.get("axis", -1)
    every_word = layer.kind == "Normalization" and axis in (None, [])
    last = (-1, axes - 1)
    if not every_word and axis not in last and axis not in [[value] for value in last]:
        raise ModelFileError(
            f"layer {layer.name!r} has axis {str(axis)[:20]}, must be -1 (words, not steps)"
        )


def _batch_normalization(layer: KerasLayer, weights: Weights) -> tuple[Array, Array]:
    config = layer.config
    if config.get("renorm"):
        raise ModelFileError(f"layer {layer.name!r} must have no renorm")
    has = {
        "gamma": config.get("scale", True),
        "beta": config.get("center", True),
        "moving_mean": True,
        "moving_variance": True,
    }
    got = weights.of(layer, tuple(name for name, here in has.items() if here))
    scale = got.get("gamma", np.ones(())) / np.sqrt(
        got["moving_variance"] + float(config.get("epsilon", 1e-3))
    )
    return scale, got.get("beta", np.zeros(())) - scale * got["moving_mean"]


def _normalization(layer: KerasLayer, weights: Weights) -> tuple[Array, Array]:
    config = layer.config
    if config.get("mean") is not None:
        mean, variance = (_numbers(layer, name) for name in ("mean", "variance"))
    else:
        got = weights.of(layer, ("mean", "variance", "count"))
        mean, variance = got["mean"], got["variance"]
    mean, variance = (a.reshape(-1) if a.ndim else a for a in (mean, variance))
    deviation = np.maximum(np.sqrt(variance), SMALLEST)
    if config.get("invert"):
        return deviation, mean
    return 1.0 / deviation, -mean / deviation


def _rescaling(layer: KerasLayer, weights: Weights) -> tuple[Array, Array]:
    return _numbers(layer, "scale"), _numbers(layer, "offset", 0.0)


def _numbers(layer: KerasLayer, key: str, usual: float | None = None) -> Array:
    """Return the numbers under a key of the configuration."""
    value: Any = layer.config.get(key, usual)
    if isinstance(value, dict):
        # an array as Keras serializes it
        value = value["config"]["value"]
    return np.asarray(value, dtype=np.float64)
