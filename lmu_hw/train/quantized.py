"""Training whose forward pass is the integer program itself.

For every batch, the current weights are quantized to a program, as for hardware, and the
interpreter runs it. The model then runs with every signal replaced by the program's words, and
gradients pass straight through. No rounding is simulated: the trained model equals the exported
program, word for word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from .._support.array_types import Array, Words
from ..firmware.bulk import BulkEngine, available
from ..models import network
from ..program.fixedpoint import from_real, to_real
from ..program.integer_program import Role
from ..program.interpreter import Interpreter
from ..quantize.calibration import Calibration
from ..quantize.lower import readouts
from ..quantize.quantize_network import QuantizedNetwork, quantize_network
from ..quantize.word_lengths import Widths
from .cells import Cell, State
from .layer import LMU
from .model import Model, States, export
from .straight_through import StraightThrough

TITLE = "network trained as integers"
OUTPUT = "all outputs"
"""No vector's name."""


class Quantized(nn.Module):
    """A model that trains and runs as the integer program that is exported.

    Parameters
    ----------
    model : Model
        Usually trained in floats before; its parameters are trained further. Dropout is off: the
        program has none.
    widths : Widths
    sequences : sequence of float array, shape (n_steps, n_in)
        Inputs on which the ranges without a proof are calibrated. The ranges stay fixed until
        `calibrate` is called again.
    title, name : str
        See `~lmu_hw.program.integer_program.Program`.

    Notes
    -----
    Input and output are those of the model; outputs are exactly words times their LSB. Each
    weight is rounded to nearest: training compensates the rounding errors, as
    `~lmu_hw.quantize.weight_rounding.round_weights` does without training.

    Raises
    ------
    SpecError
        If the model cannot be quantized, or not to these widths.
    """

    def __init__(
        self,
        model: Model,
        widths: Widths,
        sequences: Sequence[Array],
        *,
        title: str = TITLE,
        name: str = "lmu",
    ) -> None:
        super().__init__()
        self.model, self.widths = model, widths
        self._title, self._name = title, name
        self._made: tuple[tuple[int, ...], QuantizedNetwork] | None = None
        self.calibrate(sequences)

    def calibrate(self, sequences: Sequence[Array]) -> None:
        """Calibrate the ranges of signals again, with the current weights."""
        calibration = Calibration(export(self.model), sequences)
        statistics = calibration.statistics(self.widths.coef_bits)
        self._calibrated = {name: replace(s, read=None) for name, s in statistics.items()}
        self._about, self._made = calibration.about, None

    @property
    def ranges(self) -> dict[str, tuple[float, Array]]:
        """Calibrated peak and power of every signal, as a model file holds them."""
        return {name: (s.peak, s.power) for name, s in self._calibrated.items()}

    def design(self) -> QuantizedNetwork:
        """Return the program of the current weights."""
        version = tuple(n for p in self.model.parameters() for n in (p.data_ptr(), p._version))
        if self._made is None or self._made[0] != version:
            design = quantize_network(
                export(self.model),
                self.widths,
                self._calibrated,
                title=self._title,
                calibration=self._about,
                name=self._name,
                output_every=1 if self.model.every_step else 0,
            )
            self._made = version, design
        return self._made[1]

    def train(self, mode: bool = True) -> Quantized:
        """Set the mode; dropout stays off in both."""
        super().train(mode)
        self.model.eval()
        return self

    def forward(self, x: Tensor, words: Tensor | None = None) -> tuple[Tensor, States]:
        """Return the program's outputs as real values, with the gradients of the model.

        Parameters
        ----------
        x : tensor, shape (n_sequences, n_steps, n_in)
        words : int tensor, shape (n_sequences, n_state), optional
            State to start from, as `~lmu_hw.program.interpreter.Interpreter.save` gives it.
            Default: zeros.
        """
        design, steps = self.design(), []
        (source,) = design.program.with_role(Role.INPUT)
        inputs, _ = from_real(x.detach().numpy(), source.fmt)
        interpreter = Interpreter(design.program, len(x))
        states = None
        if words is not None:
            interpreter.load(words.numpy().astype(np.int64))
            states = self._states(_signals(design, [_by_name(design, interpreter.save())], x.dtype))
        # the interpreter replaces vectors and never changes them: no copy is needed
        interpreter.run(inputs.transpose(1, 0, 2), watch=lambda found: steps.append(dict(found)))
        signals = _signals(design, steps, x.dtype)
        y, after = self.model(x, states, estimator=StraightThrough(signals=signals))
        estimator = StraightThrough(
            signals=signals, steps=slice(None) if self.model.every_step else -1
        )
        return estimator(OUTPUT, y), after

    @property
    def starts_at_last_step(self) -> bool:
        """Whether training needs only the last step: no trained weight precedes the memory's state.

        This holds where the first layer is a fixed memory of the input, no other layer has a state,
        and only the last output is used.
        """
        first, *others = self.model.layers
        return (
            not self.model.every_step
            and isinstance(first, LMU)
            and first.is_feed_forward
            and not first.memory.is_learned
            and first.e_x is None
            and first.b is None
            and (first.cell is None or not first.cell.is_recurrent)
            and not any(isinstance(layer, LMU) or layer.is_recurrent for layer in others)
        )

    def before_last(self, x: Tensor, batch_size: int = 5000) -> tuple[Tensor, Tensor]:
        """Return the last step of sequences and the state words before it.

        `forward` takes both: the words of a fixed memory are computed only once, by compiled C
        where there is a compiler.

        Parameters
        ----------
        x : tensor, shape (n_sequences, n_steps, n_in)
        batch_size : int

        Returns
        -------
        x : tensor, shape (n_sequences, 1, n_in)
        words : int32 tensor, shape (n_sequences, n_state)
        """
        assert self.starts_at_last_step, "the state depends on trained weights"
        program = self.design().program
        (source,) = program.with_role(Role.INPUT)
        parts = []
        for part in x.split(batch_size):
            runner = (BulkEngine if available() else Interpreter)(program, len(part))
            words, _ = from_real(part[:, :-1].numpy(), source.fmt)
            runner.run(words.transpose(1, 0, 2))
            parts.append(torch.tensor(runner.save(), dtype=torch.int32))
        return x[:, -1:], torch.cat(parts)

    def _states(self, signals: Mapping[str, Tensor]) -> States:
        """Return the state of every layer from signals of one step."""
        return tuple(
            _state(layer, [{n: signals.get(p + n) for n in "mhc"} for p in prefixes])
            for layer, prefixes in zip(self.model.layers, self.model.prefixes(), strict=True)
        )


def _state(layer: LMU | Cell, parts: Sequence[Mapping[str, Tensor | None]]) -> State | None:
    """Return the state of a layer; parts that the program does not hold are zero and not read."""
    known = {n: [p[n][:, 0] for p in parts if p[n] is not None] for n in "mhc"}  # type: ignore[index]
    if not isinstance(layer, LMU):
        return (*known["h"][-1:], *known["c"][-1:]) if layer.is_recurrent else None
    m = torch.cat(known["m"], 1)
    if layer.cell is None:
        return m, m.new_zeros(len(m), layer.output_size)
    inner = (*known["h"][-1:], *known["c"][-1:])
    return m, *(inner if layer.cell.is_recurrent else layer.cell.start(m))


def _by_name(design: QuantizedNetwork, state: Words) -> dict[str, Words]:
    """Return state words by the names of their vectors."""
    vectors = design.program.with_role(Role.STATE)
    parts = np.split(state, np.cumsum([v.length for v in vectors])[:-1], axis=1)
    return {v.name: words for v, words in zip(vectors, parts, strict=True)}


def _signals(
    design: QuantizedNetwork, steps: Sequence[Mapping[str, Words]], dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return every signal of a model, in real values.

    Parameters
    ----------
    design : QuantizedNetwork
    steps : sequence of mapping of str to int array, shape (n_sequences, length)
        Words of every vector after each step.
    dtype : dtype

    Returns
    -------
    dict of str to tensor, shape (n_sequences, n_steps, length)
        All vectors; also the memories as ``l<k>_m`` and all outputs, concatenated.
    """
    program, layers = design.program, design.network.layers
    real = {
        v.name: to_real(np.stack([words[v.name] for words in steps], 1), v.fmt)
        for v in program.vectors
        if v.name in steps[0]
    }
    copies = {b.stands_for: b.signal for b in design.bases if b.stands_for}
    for k, layer in enumerate(layers, 1):
        if isinstance(layer, network.LMULayer):
            T = readouts(design.network, layer, design.widths.coef_bits)
            states = {z: f"l{k}_{z}" for z in T}
            # a saved state holds no copy that every step computes again
            read = {z: real.get(copies.get(name, ""), real[name]) for z, name in states.items()}
            real[f"l{k}_m"] = np.sum([_coefficients(read[z], T[z]) for z in T], axis=0)
    outputs = [real[v.name] for v in program.with_role(Role.OUTPUT) if v.name in real]
    if outputs:
        # the label of a classifier, the last output, follows from the scores
        real[OUTPUT] = np.concatenate(outputs, axis=2)[:, :, : design.network.n_out]
        # a last layer that nothing reads writes the output directly
        real.setdefault(f"l{len(layers)}_h", real[OUTPUT])
    return {name: torch.tensor(x, dtype=dtype) for name, x in real.items()}


def _coefficients(z: Array, T: Array) -> Array:
    """Return the Legendre coefficients of states, channel after channel."""
    each = z.reshape(*z.shape[:2], -1, T.shape[1]) @ T.T
    return each.reshape(*z.shape[:2], -1)
