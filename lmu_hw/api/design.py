"""`Design`: an integer program that runs on words and is written as Verilog and C."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import firmware
from .._support.array_types import Array, Words
from .._support.build_directory import write_build_dir
from .._support.version import __version__
from ..errors import SpecError
from ..firmware.bulk import BulkEngine, available
from ..generate import certificate_of, files_of
from ..measure.dataset import Dataset, dataset_of
from ..measure.evaluate import evaluate
from ..measure.evaluation import Evaluation
from ..measure.output_file import real_outputs
from ..models.network import FloatNetwork
from ..program.fixedpoint import QFormat, from_real
from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from ..proof.certificate_report import Certificate
from ..quantize.quantize_memory import QuantizedMemory
from ..quantize.quantize_network import QuantizedNetwork
from ..quantize.word_lengths import Widths
from ..rtl.options import Hardware
from ..rtl.schedule import Schedule, schedule
from .build import Build

if TYPE_CHECKING:
    from ..rtl.core import Core

CALIBRATION_SEQUENCES = 256
"""Most sequences of a data set that ranges are calibrated on."""
ENGINES = ("auto", "c", "interpreter")

WidthsLike = Widths | Mapping[str, int | None]
Data = Dataset | npt.ArrayLike


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Run:
    """Result of a run.

    Attributes
    ----------
    outputs : int64 array, shape (n_due, n_out) or (n_due, n_streams, n_out)
        Output words of the steps in which they were due.
    state : int64 array, shape (n_state,) or (n_streams, n_state)
        State words after the last step; `Design.run` continues from them.
    """

    outputs: Words
    state: Words


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """A quantized memory or network: an integer program with the same words in every backend.

    `compile` returns it.

    Attributes
    ----------
    quantized : QuantizedMemory or QuantizedNetwork
        The program, with formats, ranges and errors of its quantization.
    """

    quantized: QuantizedMemory | QuantizedNetwork

    @property
    def program(self) -> Program:
        """The integer program."""
        return self.quantized.program

    @property
    def network(self) -> QuantizedNetwork:
        """The quantized network.

        Raises
        ------
        SpecError
            If the design is a memory.
        """
        if not isinstance(self.quantized, QuantizedNetwork):
            raise SpecError("the design must be a network's; this one is a memory")
        return self.quantized

    @property
    def name(self) -> str:
        """Prefix of files, Verilog modules and C names."""
        return self.program.name

    @property
    def formats(self) -> dict[str, QFormat]:
        """Format of every vector of words, by name."""
        return {v.name: v.fmt for v in self.program.vectors}

    @property
    def error(self) -> float | None:
        """Predicted RMS error of the worst output word of a memory [output LSB]; None of a network.

        `evaluate` measures the error of a network.
        """
        return self.quantized.error if isinstance(self.quantized, QuantizedMemory) else None

    def __repr__(self) -> str:
        """Return the title and the cost of a step."""
        return (
            f"<Design {self.program.title}: {self.program.multiplies_per_step} multiplies a step>"
        )

    def run(self, words: npt.ArrayLike, *, state: npt.ArrayLike | None = None) -> Run:
        """Run the integer program on words.

        Parameters
        ----------
        words : array_like of int, shape (n_steps,), (n_steps, n_in) or (n_steps, n_streams, n_in)
            Input words, each in the range of its format. Streams are independent.
        state : array_like of int, optional
            State to start from, as `Run.state` holds it. Default: zeros, the state after reset.

        Returns
        -------
        Run
            From compiled C where there is a compiler, otherwise from the interpreter: the words are
            equal.

        Raises
        ------
        SpecError
            If a shape is wrong, or the words are not integers.
        RangeError
            If a word does not fit its format.
        """
        inputs = np.asarray(words)
        if inputs.dtype.kind not in "iu":
            raise SpecError(
                f"words must be integers, not {inputs.dtype}; predict takes real values"
            )
        streams, single = self._streams(inputs)
        machine = _machine(self.program, streams.shape[1])
        if state is not None:
            machine.load(np.atleast_2d(np.asarray(state, dtype=np.int64)))
        outputs, after = machine.run(streams.astype(np.int64)), machine.save()
        if single:
            outputs, after = outputs[:, 0], after[0]
        return Run(outputs=outputs, state=after)

    def predict(self, u: npt.ArrayLike) -> Array:
        """Run the integer program on real values, each sequence from reset.

        Parameters
        ----------
        u : array_like of float, shape (n_steps,), (n_steps, n_in) or (n_sequences, n_steps, n_in)
            Values beyond the input's format saturate, with a warning.

        Returns
        -------
        float array, shape (n_due, n_out) or (n_sequences, n_due, n_out)
            Output words times their LSB. There is no step axis where the design has a single
            output, at the last step. A classifier returns scores, before softmax.

        Raises
        ------
        SpecError
            If the shape is wrong.
        """
        values = np.asarray(u, dtype=np.float64)
        if values.ndim == 3:
            values = values.transpose(1, 0, 2)
        streams, single = self._streams(values)
        formats = [v.fmt for v in self.program.with_role(Role.INPUT) for _ in range(v.length)]
        columns = [from_real(streams[:, :, k], fmt) for k, fmt in enumerate(formats)]
        saturated = sum(n for _, n in columns)
        if saturated:
            lowest, highest, lsb = formats[0].min, formats[0].max, formats[0].lsb
            warnings.warn(
                f"{saturated} of {streams.size} values saturate beyond {lowest * lsb:g} to "
                f"{highest * lsb:g}, the range of the input; scale them down",
                stacklevel=2,
            )
        outputs = _machine(self.program, streams.shape[1]).run(
            np.stack([words for words, _ in columns], axis=2)
        )
        real = real_outputs(self.program, outputs).transpose(1, 0, 2)
        if isinstance(self.quantized, QuantizedNetwork):
            # drop the label of a classifier, the last output
            real = real[:, :, : self.quantized.network.n_out]
        if self.program.output_every == 0:
            real = real[:, 0]
        return np.asarray(real[0] if single else real)

    def evaluate(
        self, x: Data, y: npt.ArrayLike | None = None, *, engine: str = "auto"
    ) -> Evaluation:
        """Compare a network's integer program with the float64 network on data.

        Parameters
        ----------
        x : Dataset or array_like of float, shape (n_sequences, n_steps, n_in)
        y : array_like, optional
            Labels (n_sequences,), or targets of the last step or of every step.
        engine : str
            ``"auto"`` (compiled C where there is a compiler), ``"c"`` or ``"interpreter"``.

        Raises
        ------
        SpecError
            If the design is a memory, or an option is not known.
        MismatchError
            If compiled C and the interpreter differ in a word.
        """
        _check_engine(engine)
        return evaluate(self.network, as_dataset(x, y, self.network.network), engine=engine)

    def certificate(self) -> Certificate:
        """Return the proven bounds of every signal, accumulator and C expression."""
        return certificate_of(self.quantized)

    def component(self, hardware: Hardware | None = None) -> Core:
        """Return the design as an `amaranth.lib.wiring.Component`, for other Amaranth designs.

        Its streams ``i`` and ``o`` carry words; see `~lmu_hw.rtl.core.Core`.

        Raises
        ------
        ScheduleError
            If the program has no schedule in hardware.
        """
        from ..rtl.core import Core

        return Core(self.program, self.schedule(hardware))

    def schedule(self, hardware: Hardware | None = None) -> Schedule:
        """Return the schedule of the hardware: cycles per step, latency, memory map.

        Raises
        ------
        ScheduleError
            If the program has no schedule in hardware.
        """
        hardware = hardware or Hardware()
        return schedule(self.program, hardware.lanes, state_port=hardware.state_port)

    def verilog(self, hardware: Hardware | None = None) -> dict[str, str]:
        """Return the files of the Verilog: design, ROMs, test bench, Makefile, by name.

        Raises
        ------
        ScheduleError
            If the program has no schedule in hardware.
        """
        from .. import rtl

        hardware = hardware or Hardware()
        plan = self.schedule(hardware)
        return rtl.emit(self.program, plan, version=__version__, streams=hardware.streams)

    def c(self) -> dict[str, str]:
        """Return the files of the C: header, code, kernels, host test, Makefile, by name."""
        return firmware.emit(self.program, version=__version__)

    def write(
        self, path: str | Path, hardware: Hardware | None = None, *, force: bool = False
    ) -> Build:
        """Write the build directory: Verilog, C, vectors, program, certificate, manifest.

        Parameters
        ----------
        path : str or Path
            Written atomically; an earlier build directory there is replaced.
        hardware : Hardware, optional
            Lanes, port names and state port of the Verilog.
        force : bool
            Replace the build directory even if it was edited.

        Raises
        ------
        EmitError
            If the path holds other files, or cannot be written.
        """
        write_build_dir(Path(path), files_of(self.quantized, hardware), force=force)
        return Build(Path(path))

    def _streams(self, values: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return values as (n_steps, n_streams, n_in), and whether the caller has one stream."""
        n_in = self.program.n_words(Role.INPUT)
        if values.ndim == 1 and n_in == 1:
            values = values[:, None]
        single = values.ndim == 2
        streams = values[:, None, :] if single else values
        if streams.ndim != 3 or streams.shape[2] != n_in:
            raise SpecError(f"the input has shape {values.shape} but should be (n_steps, {n_in})")
        return streams, single


def as_dataset(x: Data, y: npt.ArrayLike | None, network: FloatNetwork) -> Dataset:
    """Return a data set; arrays are checked against the network's shapes."""
    if isinstance(x, Dataset):
        if y is not None:
            raise SpecError("y must be left out: the data set holds labels or targets itself")
        return x
    arrays = {"x": np.asarray(x)} | ({} if y is None else {"y": np.asarray(y)})
    return dataset_of(arrays, network, "data")


def _machine(program: Program, n_streams: int) -> BulkEngine | Interpreter:
    return (BulkEngine if available() else Interpreter)(program, n_streams)


def _check_engine(engine: str) -> None:
    if engine not in ENGINES:
        raise SpecError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}")
