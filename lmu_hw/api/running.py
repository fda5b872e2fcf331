"""Runs of an integer program on words and on real values, common to `Design` and `Build`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._support.array_types import AnyArray, Array, Words
from .._support.channel import Channel
from .._support.validation import integer_array, real_array
from ..errors import SpecError
from ..firmware.bulk import BulkEngine, available
from ..measure.output_file import real_outputs
from ..program import saved_state
from ..program.fixedpoint import QFormat, from_real
from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter

ENGINES = ("auto", "c", "interpreter")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Run:
    """Result of a run.

    Attributes
    ----------
    outputs : int64 array, shape (n_due, n_out) or (n_due, n_streams, n_out)
        Output words of the steps in which they were due.
    state : int64 array, shape (n_state,) or (n_streams, n_state)
        State words after the last step; `run` continues from them.
    """

    outputs: Words
    state: Words


class ProgramRunner:
    """Base of the classes that hold an integer program: runs it on words or real values."""

    @property
    def program(self) -> Program:
        """The integer program."""
        raise NotImplementedError

    @property
    def formats(self) -> dict[str, QFormat]:
        """Format of every vector of words, by name."""
        return {v.name: v.fmt for v in self.program.vectors}

    def run(
        self, words: npt.ArrayLike, *, state: npt.ArrayLike | None = None, engine: str = "auto"
    ) -> Run:
        """Run the integer program on words.

        Parameters
        ----------
        words : array_like of int, shape (n_steps,), (n_steps, n_in) or (n_steps, n_streams, n_in)
            Input words, each in the range of its format. Streams are independent.
        state : array_like of int, optional
            State to start from, as `Run.state` holds it. Default: zeros, the state after reset.
        engine : str
            ``"auto"`` (compiled C where there is a compiler), ``"c"`` or ``"interpreter"``: their
            words are equal.

        Returns
        -------
        Run

        Raises
        ------
        SpecError
            If a shape is wrong, or the words are not integers.
        RangeError
            If a word does not fit its format.
        ToolError
            With ``engine="c"``, if there is no C compiler, or it fails.
        """
        check_engine(engine)
        inputs = integer_array("words", words, "to_words converts real values")
        streams, single = self._streams(inputs)
        machine = self._machine(streams.shape[1], engine)
        if state is not None:
            start = integer_array("state", state, "give the state of a Run")
            machine.load(np.atleast_2d(start))
        outputs, after = machine.run(streams), machine.save()
        if single:
            outputs, after = outputs[:, 0], after[0]
        return Run(outputs=outputs, state=after)

    def state_to_bytes(self, state: npt.ArrayLike) -> bytes:
        """Return a state as the bytes that ``NAME_save`` writes in C and ``NAME_load`` reads.

        Parameters
        ----------
        state : array_like of int, shape (n_state,)
            As `Run.state` of a single stream holds it.

        Raises
        ------
        SpecError
            If the shape is wrong, or the words are not integers.
        RangeError
            If a word does not fit its format.
        """
        words = integer_array("state", state, "give the state of a Run")
        n_state = self.program.n_words(Role.STATE)
        if words.shape != (n_state,):
            raise SpecError(f"state must have shape ({n_state},), not {words.shape}")
        (saved,) = saved_state.to_bytes(self.program, words[None])
        return bytes(saved)

    def state_from_bytes(self, data: bytes) -> Words:
        """Return the state in bytes that ``NAME_save`` wrote in C.

        Parameters
        ----------
        data : bytes, bytearray or memoryview

        Returns
        -------
        int64 array, shape (n_state,)

        Raises
        ------
        SpecError
            If the data are not bytes.
        ModelFileError
            If the bytes are damaged, of another version, or the state of another program.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise SpecError(f"data must be bytes, not {type(data).__name__}")
        saved = np.frombuffer(bytes(data), dtype=np.uint8)[None]
        return np.asarray(saved_state.from_bytes(self.program, saved)[0])

    def to_words(self, u: npt.ArrayLike) -> Words:
        """Return real inputs as words, rounded half up.

        Parameters
        ----------
        u : array_like of float, shape (n_steps,), (n_steps, n_in) or (n_steps, n_streams, n_in)
            Values beyond the input's format saturate, with a warning.

        Returns
        -------
        int64 array, shape (n_steps, n_in) or (n_steps, n_streams, n_in)

        Raises
        ------
        SpecError
            If the shape is wrong, or a value is not finite.
        """
        streams, single = self._streams(real_array("the input", u))
        words = self._quantized(streams)
        return words[:, 0] if single else words

    def to_real(self, outputs: npt.ArrayLike) -> Array:
        """Return output words times their LSB.

        Parameters
        ----------
        outputs : array_like of int, shape (..., n_out)
            As `Run.outputs` holds them.

        Returns
        -------
        float array, shape (..., n_real)
            Without the label of a classifier, which is not a real value.

        Raises
        ------
        SpecError
            If the shape is wrong, or the words are not integers.
        """
        words, n_out = integer_array("outputs", outputs), self.program.n_words(Role.OUTPUT)
        if words.ndim == 0 or words.shape[-1] != n_out:
            raise SpecError(f"outputs have shape {words.shape} but should be (..., {n_out})")
        classes = self.program.counts
        vectors = self.program.with_role(Role.OUTPUT)
        kept = np.repeat([v.name not in classes for v in vectors], [v.length for v in vectors])
        return np.asarray(real_outputs(self.program, words)[..., kept])

    def normalize(self, values: npt.ArrayLike) -> Array:
        """Return input values in the units of the inputs' channels as the model reads them.

        Parameters
        ----------
        values : array_like of float, shape (..., n_in)
            Or (n_steps,) of a single input.

        Returns
        -------
        float array, of the shape of ``values``
            ``(value - offset) / scale``, for `to_words` and `predict`.

        Raises
        ------
        SpecError
            If the shape is wrong, a value is not finite, or the inputs have no channels.
        """
        array, channels = real_array("values", values), self._channels(Role.INPUT)
        flat = array.ndim == 1 and len(channels) == 1
        columns = self._columns("values", array[:, None] if flat else array, channels)
        made = np.stack([c.normalize(x) for c, x in zip(channels, columns, strict=True)], axis=-1)
        return np.asarray(made[:, 0] if flat else made)

    def denormalize(self, outputs: npt.ArrayLike) -> Array:
        """Return real outputs, as of `to_real` and `predict`, in the units of their channels.

        Parameters
        ----------
        outputs : array_like of float, shape (..., n_real)

        Returns
        -------
        float array, shape (..., n_real)
            ``scale * output + offset``.

        Raises
        ------
        SpecError
            If the shape is wrong, a value is not finite, or the outputs have no channels.
        """
        channels = self._channels(Role.OUTPUT)
        columns = self._columns("outputs", real_array("outputs", outputs), channels)
        return np.stack([c.denormalize(x) for c, x in zip(channels, columns, strict=True)], axis=-1)

    def predict(self, u: npt.ArrayLike) -> Array:
        """Run the integer program on real values, each sequence from reset.

        Parameters
        ----------
        u : array_like of float, shape (n_steps,), (n_steps, n_in) or (n_sequences, n_steps, n_in)
            Values beyond the input's format saturate, with a warning.

        Returns
        -------
        float array, shape (n_due, n_out) or (n_sequences, n_due, n_out)
            Output words times their LSB. There is no axis of steps where the design has its only
            output at the last step. A classifier returns its scores before softmax.

        Raises
        ------
        SpecError
            If the shape is wrong, or a value is not finite.
        """
        streams, single = self._streams(
            real_array("the input", u), axes="(n_sequences, n_steps, n_in)"
        )
        if not single:
            streams = streams.transpose(1, 0, 2)
        words = self._quantized(streams)
        outputs = self._machine(streams.shape[1], "auto").run(words)
        real = self.to_real(outputs).transpose(1, 0, 2)
        if self.program.output_every == 0:
            real = real[:, 0]
        return np.asarray(real[0] if single else real)

    def _channels(self, role: Role) -> list[Channel]:
        """Return the channels of the inputs, or of all outputs but a label."""
        classes = self.program.counts
        vectors = [v for v in self.program.with_role(role) if v.name not in classes]
        found = [channel for v in vectors for channel in v.channels or ()]
        if not found:
            raise SpecError(
                f"the {role.value}s must have channels: give {role.value}s=[Channel(...)] to "
                f"compile, or --{role.value}-scale to generate"
            )
        return found

    @staticmethod
    def _columns(what: str, array: Array, channels: list[Channel]) -> list[Array]:
        n = len(channels)
        if array.ndim == 0 or array.shape[-1] != n:
            raise SpecError(f"{what} have shape {array.shape} but should be (..., {n})")
        return [array[..., k] for k in range(n)]

    def _machine(self, n_streams: int, engine: str) -> BulkEngine | Interpreter:
        """Return compiled C or an interpreter, in the state after reset."""
        if engine == "c" or (engine == "auto" and available()):
            return self._compiled_engine(n_streams)
        return Interpreter(self.program, n_streams)

    def _compiled_engine(self, n_streams: int) -> BulkEngine:
        raise NotImplementedError

    def _streams(
        self, values: AnyArray, axes: str = "(n_steps, n_streams, n_in)"
    ) -> tuple[AnyArray, bool]:
        """Return values as (n_steps, n_streams, n_in), and whether the caller has one stream."""
        n_in, shape = self.program.n_words(Role.INPUT), values.shape
        if values.ndim == 1 and n_in == 1:
            values = values[:, None]
        single = values.ndim == 2
        streams = values[:, None, :] if single else values
        if streams.ndim != 3 or streams.shape[2] != n_in:
            raise SpecError(
                f"the input has shape {shape} but should be (n_steps, {n_in}) or {axes} "
                f"with n_in = {n_in}"
            )
        return streams, single

    def _quantized(self, streams: AnyArray) -> Words:
        """Quantize real values (n_steps, n_streams, n_in); warn if any saturates."""
        formats = [v.fmt for v in self.program.with_role(Role.INPUT) for _ in range(v.length)]
        columns = [from_real(streams[:, :, k], fmt) for k, fmt in enumerate(formats)]
        saturated = sum(n for _, n in columns)
        if saturated:
            lowest, highest, lsb = formats[0].min, formats[0].max, formats[0].lsb
            warnings.warn(
                f"{saturated} of {streams.size} values saturate beyond {lowest * lsb:g} to "
                f"{highest * lsb:g}, the range of the input; scale them down",
                stacklevel=3,
            )
        return np.stack([words for words, _ in columns], axis=2)


def check_engine(engine: str) -> None:
    """Raise `SpecError` unless there is an engine of that name."""
    if engine not in ENGINES:
        raise SpecError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}")
