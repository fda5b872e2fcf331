"""Training whose forward pass is the integer program itself.

For every batch, the current weights are quantized as for hardware, and the program runs. The model
then runs with every signal replaced by the program's words, and gradients pass straight through. No
rounding is simulated: the trained model equals the exported program, word for word.

Formats, tables and fixed memories stay while weights are trained: only the integers of the weights
are made for every batch. A memory whose window is trained makes a new program each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._support.array_types import Array, Words
from ..errors import SpecError
from ..firmware.bulk import available
from ..models.network import FloatNetwork, Layer, LinearMemory, LMULayer
from ..program.all_steps import AllSteps, by_name
from ..program.fixedpoint import from_real
from ..program.integer_program import MemoryUpdate, Role
from ..program.interpreter import Interpreter
from ..program.row_arrays import RowArrays
from ..quantize.calibration import Calibration
from ..quantize.quantize_network import QuantizedNetwork, quantize_network, requantize_weights
from ..quantize.ranges import SignalStatistics
from ..quantize.word_lengths import Widths
from .cells import Cell, State
from .compiled_memories import CompiledMemories
from .layer import LMU
from .model import Model, States, export
from .ragged import each_length
from .signal_values import OUTPUT, SignalValues
from .straight_through import StraightThrough

TITLE = "network trained as integers"

Calibrated = Sequence[Array] | Mapping[str, tuple[float, Array]]


class Quantized(nn.Module):
    """A model that trains and runs as the integer program that is exported.

    Parameters
    ----------
    model : Model
        Usually trained in floats before; its parameters are trained further. Dropout is off: the
        program has none.
    widths : Widths
    sequences : sequence of float array, shape (n_steps, n_in), or mapping
        Inputs on which the ranges without a proof are calibrated. The ranges stay fixed until
        `calibrate` is called again. Or the `ranges` of an earlier one.
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
        sequences: Calibrated,
        *,
        title: str = TITLE,
        name: str = "lmu",
    ) -> None:
        super().__init__()
        self.model, self.widths = model, widths
        self._title, self._name = title, name
        self._weights: dict[str, RowArrays] | None = None
        self._made_from: tuple[int, ...] = ()
        self.calibrate(sequences)

    def calibrate(self, sequences: Calibrated) -> None:
        """Calibrate the ranges of signals again, with the current weights.

        Raises
        ------
        SpecError
            If there is no sequence, or one is of a wrong shape or not finite.
        """
        if isinstance(sequences, Mapping):
            known = {n: SignalStatistics(peak=peak, power=p) for n, (peak, p) in sequences.items()}
            calibration = Calibration(export(self.model), known=known)
        else:
            _check_sequences(sequences, export(self.model).n_in)
            inputs = [self.model.normalized_array(x) for x in sequences]
            calibration = Calibration(export(self.model), inputs)
        statistics = calibration.statistics(self.widths.coef_bits)
        self._calibrated = {name: replace(s, read=None) for name, s in statistics.items()}
        self._about = calibration.about
        self._set_template(export(self.model))
        # a memory that training changes would be compiled for every batch
        fixed = not any(isinstance(x, LMU) and x.memory.is_learned for x in self.model.layers)
        self._memories = CompiledMemories(self._template.program) if fixed and available() else None

    @property
    def ranges(self) -> dict[str, tuple[float, Array]]:
        """Calibrated peak and power of every signal, as a model file holds them."""
        return {name: (s.peak, s.power) for name, s in self._calibrated.items()}

    def design(self) -> QuantizedNetwork:
        """Return the program of the current weights."""
        _, weights = self._current()
        if weights is not None:
            self._set_template(export(self.model))
        return self._template

    def _current(self) -> tuple[QuantizedNetwork, dict[str, RowArrays] | None]:
        """Return a program, and what its weights are instead if it is of other weights."""
        version = self._weights_version()
        if version != self._made_from:
            network = export(self.model)
            if _same_memories(network, self._template.network):
                self._weights = requantize_weights(self._template, network, self._calibrated)
                self._made_from = version
            else:
                self._set_template(network)
        return self._template, self._weights

    def _weights_version(self) -> tuple[int, ...]:
        """Return what changes with any change of a weight."""
        return tuple(n for p in self.model.parameters() for n in (p.data_ptr(), p._version))

    def _set_template(self, network: FloatNetwork) -> None:
        self._weights, self._made_from = None, self._weights_version()
        self._template = quantize_network(
            network,
            self.widths,
            self._calibrated,
            title=self._title,
            calibration=self._about,
            name=self._name,
            output_every=1 if self.model.every_step else 0,
        )

    def train(self, mode: bool = True) -> Quantized:
        """Set the mode; dropout stays off in both."""
        super().train(mode)
        self.model.eval()
        return self

    def forward(
        self, x: Tensor, words: Tensor | None = None, *, lengths: Any = None
    ) -> tuple[Tensor, States]:
        """Return the program's outputs as real values, with the gradients of the model.

        Parameters
        ----------
        x : tensor, shape (n_sequences, n_steps, n_in)
        words : int tensor, shape (n_sequences, n_state), optional
            State to start from, as `~lmu_hw.program.interpreter.Interpreter.save` gives it.
            Default: zeros.
        lengths : int tensor (n_sequences,) or bool mask (n_sequences, n_steps), optional
            As in `Model.forward`: sequences of one length run together, without their padding.

        Raises
        ------
        SpecError
            If x has a wrong shape or dtype, or is not finite.
        """
        self._check(x)
        if lengths is not None:
            return each_length(self, x, lengths, every_step=self.model.every_step), ()
        design, weights = self._current()
        program = design.program
        memories = self._memories
        runner = AllSteps(
            program,
            weights=weights,
            run_memory=memories,
            start_memory=None if memories is None else memories.start,
            run_loop=None if memories is None else memories.run_loop,
        )
        state = None if words is None else words.cpu().numpy().astype(np.int64)
        found = runner.run(self._input_words(x), state)
        signals = SignalValues(design, found, x)
        states, only_last = None, self.starts_at_last_step
        if state is not None and not only_last:
            before = by_name(program, Role.STATE, state[:, None])
            states = self._states(SignalValues(design, before, x))
        y, after = self.model(x, states, estimator=StraightThrough(signals=signals))
        if state is not None and only_last:
            # no gradient passes the fixed memory: its floats need not run from that state
            after = self._states(signals)
        estimator = StraightThrough(
            signals=signals, steps=slice(None) if self.model.every_step else -1
        )
        return estimator(OUTPUT, y), after

    @property
    def ignores_zeros_in_front(self) -> bool:
        """Whether zeros before a sequence change nothing."""
        return self.model.ignores_zeros_in_front

    def _input_words(self, x: Tensor) -> Words:
        (source,) = self._template.program.with_role(Role.INPUT)
        real = self.model.normalized(x.detach()).cpu().numpy()
        words, _ = from_real(real, source.fmt)
        return words

    def _check(self, x: Tensor) -> None:
        (source,) = self._template.program.with_role(Role.INPUT)
        if x.ndim != 3 or x.shape[2] != source.length or not x.numel():
            raise SpecError(
                f"x must have shape (n_sequences, n_steps, {source.length}), at least one of each, "
                f"not {tuple(x.shape)}"
            )
        if x.is_meta:
            raise SpecError("x must hold values, not lie on the meta device")
        wanted = next((p.dtype for p in self.model.parameters()), x.dtype)
        if x.dtype != wanted:
            raise SpecError(
                f"x must be {wanted}, as the model is, not {x.dtype}: use x.to({wanted})"
            )
        if not torch.isfinite(x).all():
            raise SpecError("x must be finite, but holds NaN or infinity")

    @property
    def starts_at_last_step(self) -> bool:
        """Whether training needs only the last step: no trained weight precedes the memory's state.

        This holds where the first layer is a fixed memory of the input, with one window, no other
        layer has a state, and only the last output is used.
        """
        first, *others = self.model.layers
        return (
            not self.model.every_step
            and isinstance(first, LMU)
            and first.is_feed_forward
            and not first.memory.is_learned
            and first.memory.n_windows == 1
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

        Raises
        ------
        SpecError
            If x has a wrong shape or dtype, or is not finite.
        """
        assert self.starts_at_last_step, "the state depends on trained weights"
        self._check(x)
        program = self._current()[0].program
        (op,) = (op for op in program.ops if isinstance(op, MemoryUpdate))
        parts = []
        for part in x.split(batch_size):
            inputs = self._input_words(part[:, :-1])
            if self._memories is not None:
                found = self._memories.after(op, inputs)
            else:
                runner = Interpreter(program, len(part))
                runner.run(inputs.transpose(1, 0, 2))
                found = by_name(program, Role.STATE, runner.save())
            states = [found[v.name] for v in program.with_role(Role.STATE)]
            words = np.concatenate(states, axis=1).astype(np.int32)
            parts.append(torch.from_numpy(words).to(x.device))
        return x[:, -1:], torch.cat(parts)

    def _states(self, signals: Mapping[str, Tensor]) -> States:
        """Return the state of every layer after the last step of signals."""
        return tuple(
            _state(layer, [{n: signals.get(p + n) for n in "mhc"} for p in prefixes])
            for layer, prefixes in zip(self.model.layers, self.model.prefixes(), strict=True)
        )


def _check_sequences(sequences: Sequence[Array], n_in: int) -> None:
    """Raise `SpecError` unless there are data to calibrate on."""
    if not len(sequences):
        raise SpecError("ranges must be calibrated on at least one sequence")
    for k, x in enumerate(sequences):
        if np.ndim(x) != 2 or np.shape(x)[1] != n_in or not np.size(x):
            raise SpecError(f"sequence {k} must have shape (n_steps, {n_in}), not {np.shape(x)}")
        if not np.all(np.isfinite(x)):
            raise SpecError(f"sequence {k} must be finite, but holds NaN or infinity")


def _same_memories(a: FloatNetwork, b: FloatNetwork) -> bool:
    return [_memory(layer) for layer in a.layers] == [_memory(layer) for layer in b.layers]


def _memory(layer: Layer) -> LinearMemory | None:
    return layer.memory if isinstance(layer, LMULayer) else None


def _state(layer: LMU | Cell, parts: Sequence[Mapping[str, Tensor | None]]) -> State | None:
    """Return the state of a layer; parts that the program does not hold are zero and not read."""
    known = {n: [p[n][:, -1] for p in parts if p[n] is not None] for n in "mhc"}  # type: ignore[index]
    if not isinstance(layer, LMU):
        return (*known["h"][-1:], *known["c"][-1:]) if layer.is_recurrent else None
    m = torch.cat(known["m"], 1)
    if layer.cell is None:
        return m, m.new_zeros(len(m), layer.output_size)
    inner = (*known["h"][-1:], *known["c"][-1:])
    return m, *(inner if layer.cell.is_recurrent else layer.cell.start(m))
