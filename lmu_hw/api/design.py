"""`Design`: an integer program that runs on words and is written as Verilog and C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy.typing as npt

from .. import firmware
from .._support.build_directory import write_build_dir
from .._support.validation import real_array
from .._support.version import __version__
from ..errors import SpecError
from ..firmware.bulk import BulkEngine
from ..firmware.shared_kernels import shared_kernels, shared_path
from ..generate import certificate_of, files_of, in_format
from ..interchange.nir_graph import write_nir
from ..kits import catalogue
from ..measure.dataset import Dataset, dataset_of
from ..measure.evaluate import evaluate
from ..measure.evaluation import Evaluation
from ..models.network import FloatNetwork
from ..program.integer_program import Program
from ..proof.certificate_report import Certificate
from ..quantize.memory_design import QuantizedMemory
from ..quantize.quantize_network import QuantizedNetwork
from ..rtl.hardware_plan import HardwarePlan, hardware_plan
from ..rtl.networks.network_core import NetworkCore
from ..rtl.networks.network_plan import NetworkPlan
from ..rtl.options import Hardware
from ..rtl.parallel.cascade_plan import CascadePlan
from ..rtl.parallel.full_core import FullCore
from ..rtl.parallel.parallel_core import parallel_core
from ..rtl.parallel.ring_core import RingCore
from ..rtl.parallel_style import Parallel
from .build import Build
from .running import ProgramRunner, check_engine

if TYPE_CHECKING:
    from ..rtl.core import Core

Data = Dataset | npt.ArrayLike


@dataclass(frozen=True, eq=False, kw_only=True)
class Design(ProgramRunner):
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

    @cached_property
    def _compiled(self) -> BulkEngine:
        # streaming in pieces compiles once
        return BulkEngine(self.program)

    def _compiled_engine(self, n_streams: int) -> BulkEngine:
        return self._compiled.with_streams(n_streams)

    def __getstate__(self) -> dict[str, object]:
        """Return what is pickled: not the loaded library."""
        return {"quantized": self.quantized}

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
        check_engine(engine)
        return evaluate(self.network, as_dataset(x, y, self.network.network), engine=engine)

    def certificate(self) -> Certificate:
        """Return the proven bounds of every signal, accumulator and C expression."""
        return certificate_of(self.quantized)

    def component(
        self, hardware: Hardware | None = None
    ) -> Core | FullCore | RingCore | NetworkCore:
        """Return the design as an `amaranth.lib.wiring.Component`, for other Amaranth designs.

        Its streams ``i`` and ``o`` carry words; see `~lmu_hw.rtl.core.Core`, and for
        ``parallel="full"`` and ``"ring"`` ``lmu_hw.rtl.parallel.full_core.FullCore`` and
        ``lmu_hw.rtl.parallel.ring_core.RingCore``, of a network
        ``lmu_hw.rtl.networks.network_core.NetworkCore``.

        Raises
        ------
        ScheduleError
            If the program has no schedule in hardware.
        """
        from ..rtl.core import Core

        plan = self.schedule(hardware)
        if isinstance(plan, CascadePlan):
            return parallel_core(plan)
        if isinstance(plan, NetworkPlan):
            return NetworkCore(plan, self.name)
        return Core(self.program, plan)

    def schedule(self, hardware: Hardware | None = None) -> HardwarePlan:
        """Return the schedule of the hardware: cycles per step, latency, memory map.

        Raises
        ------
        ScheduleError
            If the program has no schedule in hardware.
        """
        hardware = hardware or Hardware()
        if hardware.parallel is Parallel.SHARED:
            return hardware_plan(self.program, hardware)
        # only there the words that saturate make a difference
        safe = in_format(self.program, self.certificate().claims)
        return hardware_plan(self.program, hardware, safe)

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
        self,
        path: str | Path,
        hardware: Hardware | None = None,
        *,
        force: bool = False,
        kernels: str | Path | None = None,
        kits: str | Sequence[str] = (),
    ) -> Build:
        """Write the build directory: Verilog, C, vectors, program, certificate, manifest.

        Parameters
        ----------
        path : str or Path
            Written atomically; an earlier build directory there is replaced.
        hardware : Hardware, optional
            Lanes, port names and state port of the Verilog.
        force : bool
            Replace the build directory even if it was edited, and other kernels in ``kernels``.
        kernels : str or Path, optional
            Directory of one ``lmu_kernels.h`` for several designs. It is written there unless it is
            there already, and not into the build directory.
        kits : str or sequence of str
            Kits to add, such as ``"litex,cmake"``; `lmu-hw kit list` explains them. The hardware
            gets the state port where a kit needs it.

        Raises
        ------
        EmitError
            If the path holds other files, or cannot be written; or if there are kernels of another
            version in ``kernels``.
        SpecError
            If ``kernels`` is in the build directory, or the Makefile cannot hold its path; or a kit
            is unknown, or needs Verilog that the design does not have.
        """
        if kernels is not None and not isinstance(kernels, str | Path):
            raise SpecError(f"kernels must be a path, not {kernels!r}")
        path, directory = Path(path), None if kernels is None else Path(kernels)
        shared = "" if directory is None else shared_path(path, directory)
        files = files_of(self.quantized, hardware, kernels=shared, kits=catalogue.chosen(kits))
        with shared_kernels(directory, force=force):
            write_build_dir(path, files, force=force)
        return Build(path)

    def write_nir(self, path: str | Path, *, force: bool = False) -> None:
        """Write a memory on integrate-and-fire neurons as a NIR graph; experimental.

        ``lmu_hw.interchange.nir_graph`` says what is in the graph and what NIR cannot carry.

        Parameters
        ----------
        path : str or Path
            File to write, HDF5.
        force : bool
            Replace an existing file.

        Raises
        ------
        EmitError
            If the file exists, or cannot be written.
        SpecError
            Unless the design is one memory on integrate-and-fire neurons.
        ToolError
            If the package nir is missing.
        """
        write_nir(self.program, Path(path), force=force)


def as_dataset(x: Data, y: npt.ArrayLike | None, network: FloatNetwork) -> Dataset:
    """Return a data set; arrays are checked against the network's shapes."""
    if isinstance(x, Dataset):
        if y is not None:
            raise SpecError("y must be left out: the data set holds labels or targets itself")
        return x
    arrays = {"x": real_array("x", x)} | ({} if y is None else {"y": real_array("y", y)})
    return dataset_of(arrays, network, "data")
