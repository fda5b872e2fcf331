"""Fold layers that scale and shift their input into the weights of a neighbouring layer.

``y = scale x + shift`` folds exactly into a linear layer before it, ``scale (W x + b) + shift``, or
into any layer after it, ``W (scale x + shift) + b``; results differ by float64 rounding only. If
neither neighbour can absorb it (after a nonlinear activation at the end of the network, or between
two of them), it becomes a dense layer with a diagonal matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..._support.array_types import Array
from ...errors import ModelFileError
from ..network import Activation, DenseLayer, FloatNetwork, Layer, LMULayer, n_in, n_out


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleAndShift:
    """An elementwise affine layer, ``y = scale x + shift``.

    Parameters
    ----------
    name : str
        Name of the layer.
    scale, shift : float array, shape (n,) or ()
        Shape () applies one number to all elements.

    Raises
    ------
    ModelFileError
        If a number is not finite, for example because a variance is negative.
    """

    name: str
    scale: Array
    shift: Array

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.scale)) or not np.all(np.isfinite(self.shift)):
            raise ModelFileError(
                f"layer {self.name!r} must hold finite numbers, and variances that are positive"
            )

    def broadcast(self, n: int) -> tuple[Array, Array]:
        """Return scale and shift for ``n`` elements."""
        for values in (self.scale, self.shift):
            if values.shape not in ((), (1,), (n,)):
                raise ModelFileError(
                    f"layer {self.name!r} has {values.shape} numbers but should have ({n},)"
                )
        return np.broadcast_to(self.scale, (n,)), np.broadcast_to(self.shift, (n,))

    def after(self, first: ScaleAndShift) -> ScaleAndShift:
        """Return the composition of ``first`` and then this layer."""
        n = max(v.size for v in (self.scale, self.shift, first.scale, first.shift))
        scale, shift = self.broadcast(n)
        inner_scale, inner_shift = first.broadcast(n)
        return ScaleAndShift(
            name=self.name, scale=scale * inner_scale, shift=scale * inner_shift + shift
        )


class LayerChain:
    """A network under construction, with any scaling that the next layer has to absorb.

    Parameters
    ----------
    width : int or None
        Width of the network's input, if known.
    """

    def __init__(self, width: int | None) -> None:
        self._width = width
        self._names: list[str] = []
        self._layers: list[Layer] = []
        self._waiting: ScaleAndShift | None = None

    @property
    def width(self) -> int | None:
        """Width of the next layer's input, if known."""
        return n_out(self._layers[-1]) if self._layers else self._width

    def add(self, name: str, layer: Layer) -> None:
        """Append a layer."""
        if not self._layers and self._width not in (None, n_in(layer)):
            raise ModelFileError(
                f"layer {name!r} reads {n_in(layer)} words, but the model's input has {self._width}"
            )
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            layer, self._waiting = _reading(layer, waiting)
        self._names.append(name)
        self._layers.append(layer)

    def scale(self, affine: ScaleAndShift) -> None:
        """Append a layer that scales and shifts."""
        if self._waiting is not None:
            self._waiting = affine.after(self._waiting)
        elif self._layers and (folded := _followed(self._layers[-1], affine)) is not None:
            self._layers[-1] = folded
        else:
            self._waiting = affine

    def activate(self, name: str, activation: Activation) -> None:
        """Append an activation layer.

        Raises
        ------
        ModelFileError
            If the layer before it has an activation already, or feeds back its linear output.
        """
        if activation is Activation.LINEAR:
            return
        self._flush()
        last = _last_dense(self._layers[-1]) if self._layers else None
        if last is None:
            raise ModelFileError(
                f"layer {name!r} is an activation and must follow a linear Dense layer, "
                "which absorbs it"
            )
        self._replace_last(replace(last, activation=activation))

    def network(self, *, every_step: bool) -> FloatNetwork:
        """Return the network."""
        self._flush()
        return FloatNetwork(
            names=tuple(self._names), layers=tuple(self._layers), every_step=every_step
        )

    def _flush(self) -> None:
        """Append pending scaling as a layer of its own."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        n = self.width or max(waiting.scale.size, waiting.shift.size)
        if n == 1 and self.width is None:
            raise ModelFileError(
                f"layer {waiting.name!r} has an input of unknown width; save the model with "
                "an InputLayer"
            )
        scale, shift = waiting.broadcast(n)
        self.add(
            waiting.name, DenseLayer(W=np.diag(scale), b=shift.copy(), activation=Activation.LINEAR)
        )

    def _replace_last(self, dense: DenseLayer) -> None:
        self._layers[-1] = _with_last(self._layers[-1], dense)


def _last_dense(layer: Layer) -> DenseLayer | None:
    """Return the linear dense layer at the output of a layer, if only the next layer reads it.

    An LMU layer that feeds back its output has none: folding would change what is fed back.
    """
    if isinstance(layer, LMULayer):
        if layer.e_h is not None or not isinstance(layer.cell, DenseLayer):
            return None
        layer = layer.cell
    return (
        layer if isinstance(layer, DenseLayer) and layer.activation is Activation.LINEAR else None
    )


def _with_last(layer: Layer, dense: DenseLayer) -> Layer:
    return replace(layer, cell=dense) if isinstance(layer, LMULayer) else dense


def _followed(layer: Layer, affine: ScaleAndShift) -> Layer | None:
    """Return a layer with the scaling after it folded in, or None if it cannot absorb it."""
    last = _last_dense(layer)
    if last is None:
        return None
    scale, shift = affine.broadcast(n_out(layer))
    with np.errstate(all="ignore"):
        dense = replace(last, W=scale[:, None] * last.W, b=scale * last.b + shift)
    return _with_last(layer, dense)


def _reading(layer: Layer, affine: ScaleAndShift) -> tuple[Layer, ScaleAndShift | None]:
    """Return a layer with the scaling before it folded in, and any scaling left for the next."""
    scale, shift = affine.broadcast(n_in(layer))
    # the constructor of the layer rejects non-finite values and names the array
    with np.errstate(all="ignore"):
        if isinstance(layer, LMULayer):
            return _lmu_reading(layer, affine.name, scale, shift)
        return replace(layer, W=layer.W * scale, b=layer.b + layer.W @ shift), None


def _lmu_reading(
    layer: LMULayer, name: str, scale: Array, shift: Array
) -> tuple[Layer, ScaleAndShift | None]:
    e_x = np.eye(layer.n_in) if layer.e_x is None else layer.e_x
    b, left, cell = layer.b, None, layer.cell
    if np.any(shift):
        b = e_x @ shift + (0.0 if b is None else b)
    if layer.reads_input:
        n_m = layer.n_read - layer.n_in
        scale_read = np.concatenate([np.ones(n_m), scale])
        shift_read = np.concatenate([np.zeros(n_m), shift])
        if cell is not None:
            cell = replace(cell, W=cell.W * scale_read, b=cell.b + cell.W @ shift_read)
        elif layer.e_h is None:
            # the layer passes its input through unchanged
            left = ScaleAndShift(name=name, scale=scale_read, shift=shift_read)
        else:
            raise ModelFileError(
                f"layer {name!r} must not precede an LMU layer that feeds back its own input; "
                "scale the data instead"
            )
    return replace(layer, e_x=e_x * scale, b=b, cell=cell), left
