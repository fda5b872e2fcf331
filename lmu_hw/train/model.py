"""Trainable models: chains of layers, converted to and from the networks that lmu-hw compiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .._support.array_types import Array
from .._support.channel import Channel, check_channels
from ..errors import SpecError
from ..models import network
from .cells import CELLS, Cell, State
from .layer import LMU
from .normalization import normalized, normalized_array
from .ragged import ValidSteps
from .straight_through import FLOATS, StraightThrough

States = tuple[State | None, ...]


class Model(nn.Module):
    """A chain of layers.

    Parameters
    ----------
    layers : sequence of LMULayer or Cell
    names : sequence of str, optional
        Default: ``layer 1`` and so on.
    every_step : bool
        The model has an output at every step; otherwise at the last only.
    inputs, outputs : sequence of Channel, optional
        What each element stands for; exported with the network. See `channels_of`.
    normalizes : bool
        The model takes inputs in the units of their channels, and normalizes them first. The
        exported network takes them normalized, as its words are made from values; the outputs are
        the same.

    Notes
    -----
    Input ``(n_sequences, n_steps, input_size)``; output ``(n_sequences, n_steps, n)`` or, of the
    last step only, ``(n_sequences, n)``. A final softmax is left out in training, because losses
    such as cross-entropy take scores; the exported network has it.
    """

    def __init__(
        self,
        layers: Sequence[LMU | Cell],
        *,
        names: Sequence[str] | None = None,
        every_step: bool = True,
        inputs: Sequence[Channel] | None = None,
        outputs: Sequence[Channel] | None = None,
        normalizes: bool = False,
    ) -> None:
        super().__init__()
        if not layers:
            raise SpecError("a model must have at least one layer")
        self.layers: Sequence[LMU | Cell] = nn.ModuleList(layers)  # type: ignore[assignment]
        self.names = tuple(names or (f"layer {k}" for k in range(1, len(layers) + 1)))
        if len(self.names) != len(layers):
            raise SpecError(f"a model of {len(layers)} layers must have as many names")
        for name, layer in zip(self.names[:-1], self.layers, strict=False):
            cell = layer.cell if isinstance(layer, LMU) else layer
            if cell is not None and cell.activation is network.Activation.SOFTMAX:
                raise SpecError(f"{name}: softmax must be the last activation of a model")
        self.every_step, self.normalizes = every_step, normalizes
        self.inputs = None if inputs is None else tuple(inputs)
        self.outputs = None if outputs is None else tuple(outputs)
        if self.inputs is not None:
            check_channels("the input", self.inputs, layers[0].input_size)
        elif normalizes:
            raise SpecError("inputs must be given, a Channel for each, where a model normalizes")
        if self.outputs is not None:
            last = layers[-1]
            width = last.output_size if isinstance(last, LMU) else last.hidden_size
            check_channels("the output", self.outputs, width)

    def normalized(self, x: Tensor) -> Tensor:
        """Return inputs as the first layer reads them; float64 where the model normalizes."""
        return normalized(x, self.inputs or ()) if self.normalizes else x

    def normalized_array(self, x: Array) -> Array:
        """Return inputs (..., n_in) as the exported network takes them."""
        return normalized_array(x, self.inputs or ()) if self.normalizes else x

    def forward(
        self,
        x: Tensor,
        states: States | None = None,
        *,
        lengths: Any = None,
        estimator: StraightThrough = FLOATS,
    ) -> tuple[Tensor, States]:
        """Return the output and the state of every layer.

        Parameters
        ----------
        x : tensor, shape (n_sequences, n_steps, input_size)
        states : tuple, optional
            State of every layer before the first step. Default: zeros.
        lengths : int tensor (n_sequences,) or bool mask (n_sequences, n_steps), optional
            The steps of every sequence in padded x: the first ones, or those of the mask. Each is
            run from the zero state to its own last step. Outputs of other steps are zero; no states
            are returned.
        estimator : StraightThrough
            Values that replace signals.

        Raises
        ------
        SpecError
            If shapes, lengths or states do not match.
        """
        self._check(x, states)
        x = self.normalized(x).to(x.dtype)
        if lengths is not None:
            if states is not None:
                raise SpecError("states must be left out with lengths: sequences start from zero")
            return self._ragged(x, ValidSteps.of(lengths, x)), ()
        states = states or (None,) * len(self.layers)
        # layers after the last one with a state need only the last step
        stateful = [k for k, layer in enumerate(self.layers) if _has_state(layer)]
        last = -1 if self.every_step else max(stateful, default=-1)
        found: list[State | None] = []
        x = estimator.of("")("x", x)
        for k, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            part = estimator.of(*self.prefixes()[k])
            if k > last >= 0:
                part = part.at(slice(-1, None))
            if isinstance(layer, LMU):
                x, after = layer(x, state, last_only=k == last, estimator=part)
            else:
                x, after = layer(x, state, estimator=part)
                x = x[:, -1:] if k == last else x
            found.append(after)
        return (x if self.every_step else x[:, -1]), tuple(found)

    @property
    def ignores_zeros_in_front(self) -> bool:
        """Whether zeros before a sequence change nothing: its only state stays zero on them."""
        stateful = [k for k, layer in enumerate(self.layers) if _has_state(layer)]
        alone = not self.every_step and not self.normalizes and stateful == [0]
        return alone and _zero_stays_zero(self.layers[0])

    def _ragged(self, x: Tensor, steps: ValidSteps) -> Tensor:
        """Return the outputs of padded sequences; what follows their last step is never read."""
        x = x if steps.at_front else steps.to_front(x)
        stateful = [k for k, layer in enumerate(self.layers) if _has_state(layer)]
        last = -1 if self.every_step else max(stateful, default=-1)
        for k, layer in enumerate(self.layers):
            if k == last and _zero_stays_zero(layer):
                # one matrix product gives the last step, as without padding
                x = layer(steps.to_end(x), last_only=True)[0]
            else:
                x = layer(x)[0]
                x = steps.last(x) if k == last else x
        if self.every_step:
            return steps.back(x)
        return x[:, 0] if last >= 0 else steps.last(x)[:, 0]

    def _check(self, x: Tensor, states: States | None) -> None:
        first = self.layers[0]
        if x.ndim != 3 or x.shape[2] != first.input_size or not x.shape[1]:
            raise SpecError(
                f"x has shape {tuple(x.shape)} but should be "
                f"(sequences, steps, {first.input_size}), of at least one step"
            )
        if states is not None and len(states) != len(self.layers):
            raise SpecError(
                f"states must be {len(self.layers)}, one for each layer, not {len(states)}; "
                "a run with lengths returns none"
            )

    def prefixes(self) -> tuple[tuple[str, ...], ...]:
        """Return the prefixes of signal names in the program, for every layer."""
        found, k = [], 1
        for layer in self.layers:
            n = layer.memory.n_windows if isinstance(layer, LMU) else 1
            found.append(tuple(f"l{j}_" for j in range(k, k + n)))
            k += n
        return tuple(found)


def export(model: Model) -> network.FloatNetwork:
    """Return the network of a model; `lmu_hw.models.importers.model_file.to_bytes` writes it.

    Raises
    ------
    SpecError
        If a weight is not finite.
    UnstableError
        If a trained memory is not stable.
    """
    names: list[str] = []
    layers: list[network.Layer] = []
    for name, layer in zip(model.names, model.layers, strict=True):
        made = layer.layers() if isinstance(layer, LMU) else (layer.cell(),)
        layers += made
        names += [name] if len(made) == 1 else [f"{name}, channel {c}" for c in range(len(made))]
    return network.FloatNetwork(
        names=tuple(names),
        layers=tuple(layers),
        every_step=model.every_step,
        inputs=model.inputs,
        outputs=model.outputs,
    )


def model_of(net: network.FloatNetwork, dtype: torch.dtype = torch.float32) -> Model:
    """Return a model with the weights of a network, from any framework.

    Its memories are not trained. It takes inputs as the network does: normalized, where its inputs
    have channels.
    """
    layers: list[LMU | Cell] = [
        LMU.of(layer) if isinstance(layer, network.LMULayer) else CELLS[type(layer)].of(layer)
        for layer in net.layers
    ]
    return Model(
        layers,
        names=net.names,
        every_step=net.every_step,
        inputs=net.inputs,
        outputs=net.outputs,
    ).to(dtype)


def _zero_stays_zero(layer: LMU | Cell) -> bool:
    """Whether a layer runs in parallel, and stays in its zero state while its input is zero."""
    if not isinstance(layer, LMU) or not layer.is_feed_forward or layer.b is not None:
        return False
    return layer.cell is None or not layer.cell.is_recurrent


def _has_state(layer: LMU | Cell) -> bool:
    return isinstance(layer, LMU) or layer.is_recurrent
