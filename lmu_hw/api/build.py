"""`Build`: verifies, synthesizes and measures a build directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy.typing as npt

from .._support.array_types import Words
from .._support.validation import integer_array
from ..errors import SpecError
from ..firmware.boards import microcontrollers
from ..firmware.bulk import BulkEngine
from ..manifest import Manifest, MemoryManifest, load_manifest
from ..measure.dataset import Dataset
from ..measure.footprint.board_report import FootprintReport
from ..measure.footprint.footprint_report import footprint
from ..measure.synthesis import devices
from ..measure.synthesis.flow import synth
from ..measure.synthesis.synth_report import SynthReport
from ..models.network import FloatNetwork
from ..program.integer_program import Program
from ..proof.certificate import certify
from ..proof.certificate_report import Certificate
from ..report.build_report import BuildReport
from ..report.write_report import write_report
from ..verify.load_build import load_program
from ..verify.verify_build import verify_build
from ..verify.verify_report import VerifyReport
from .add_kits import add_kits
from .running import ProgramRunner
from .sources import Memory, Network


@dataclass(frozen=True)
class Build(ProgramRunner):
    """A build directory.

    It runs words like the `Design` that it was written from, with its own C files.

    Attributes
    ----------
    path : Path
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))  # a caller may give a str

    @property
    def manifest(self) -> Manifest:
        """The manifest: specification, formats, costs, and digests of all files."""
        return load_manifest(self.path)

    @property
    def program(self) -> Program:
        """The integer program.

        Raises
        ------
        ModelFileError
            If it is missing or damaged, or its digest is not that of the manifest.
        """
        return load_program(self.path)

    @property
    def memory(self) -> Memory:
        """The memory that was compiled, in float64: its decoder reads windows from the words.

        Raises
        ------
        SpecError
            If the build directory is a network's.
        ModelFileError
            If the manifest is damaged.
        """
        design = self.manifest.design
        if not isinstance(design, MemoryManifest):
            raise SpecError("the build directory must be a memory's; this one is a network's")
        spec = design.spec
        return Memory(
            spec.order,
            spec.theta,
            discretizer=spec.discretizer.value,
            substeps=spec.substeps,
            channels=spec.channels,
        )

    def verify(
        self,
        backends: str | Sequence[str] | None = None,
        *,
        steps: int | None = None,
        seed: int = 0,
        inputs: npt.ArrayLike | None = None,
        worst_case: bool = False,
    ) -> VerifyReport:
        """Compare backends with the interpreter, word for word.

        Parameters
        ----------
        backends : str or sequence of str, optional
            Such as ``"c"`` or ``["icarus", "c"]``. Default: all whose tools are installed.
        steps : int, optional
            Steps of each backend, at least. Default: as many as take seconds to minutes.
        seed : int
            Seed of the stimulus and of the stalls.
        inputs : array_like of int, shape (n_steps, n_in), optional
            Input words that replace the generated stimulus.
        worst_case : bool
            Use inputs that drive every signal of a memory to its proven bound.

        Returns
        -------
        VerifyReport
            A mismatch raises no error here: ``report.passed`` is false, and ``report.check()``
            raises it.

        Raises
        ------
        SpecError
            If a backend is not known (the message lists all), or an option is out of range.
        ToolError
            If a tool is missing or fails.
        """
        recordings = [] if inputs is None else [self._recording(inputs)]
        return verify_build(
            self.path,
            backends=None if backends is None else ",".join(_names(backends)),
            n_steps=steps,
            seed=seed,
            recordings=recordings,
            worst_case=worst_case,
            quiet=True,
        )

    def kit(self, *names: str, force: bool = False) -> Build:
        """Add kits to the build directory: packages for the tools in which people build.

        Parameters
        ----------
        *names : str
            Such as ``"litex"``; ``lmu-hw kit list`` explains them.
        force : bool
            Go on if the build directory holds other files too, which are removed.

        Returns
        -------
        Build
            This build; each kit is in a directory of its own, with a ``README.md``.

        Raises
        ------
        SpecError
            If a kit is unknown, or the design lacks what it needs.
        EmitError
            If the build directory was edited, or cannot be written.
        """
        add_kits(self.path, names, force=force)
        return self

    def certify(self) -> Certificate:
        """Derive every claim of the certificate again, from the program alone.

        Raises
        ------
        CertificateError
            If a claim does not hold.
        """
        return certify(self.path)

    def synth(self, *targets: str, seed: int = 1, freq: float | None = None) -> SynthReport:
        """Synthesize, place and route the Verilog on FPGA devices.

        Parameters
        ----------
        *targets : str
            Such as ``"ecp5-25k"``.
        seed : int
            Seed of the placement.
        freq : float, optional
            Target clock rate [MHz]. Default: as fast as possible.

        Raises
        ------
        ToolError
            If a tool is missing or fails.
        """
        return synth(self.path, devices.chosen(targets), seed=seed, freq=freq, quiet=True)

    def footprint(
        self, *targets: str, cflags: Sequence[str] = (), cycles: bool = False
    ) -> FootprintReport:
        """Compile the C for microcontrollers and count instructions per step in QEMU.

        Parameters
        ----------
        *targets : str
            Such as ``"c-m4"``. Default: all whose tools are installed and that the program fits.
        cflags : sequence of str
            More options for the compiler, such as ``["-Os"]``; they win over ours.
        cycles : bool
            Estimate the cycles of the inner loops with llvm-mca: an estimate of LLVM's models of
            ``c-m4``, ``c-m7`` and ``c-m55``, not a measurement.

        Raises
        ------
        SpecError
            If a target is unknown, or an option cannot be used.
        ToolError
            If a tool is missing or fails.
        """
        chosen = microcontrollers.chosen(targets) if targets else None
        return footprint(self.path, chosen, cflags=_names(cflags), cycles=cycles, quiet=True)

    def report(
        self,
        targets: str | Sequence[str] | None = None,
        *,
        seed: int = 1,
        model: Network | FloatNetwork | None = None,
        data: Dataset | None = None,
    ) -> BuildReport:
        """Write ``report.html`` and ``report.json`` into the build directory.

        The page is one file: pictures, tables and commands, without a network.

        Parameters
        ----------
        targets : str or sequence of str, optional
            Devices and microcontrollers to measure on, such as ``["ecp5-25k", "c-m4"]``, or
            ``"none"``. Default: these two, as far as their tools are installed.
        seed : int
            Seed of the placement on devices.
        model : Network or FloatNetwork, optional
            The trained network of the design, which a build directory does not hold.
        data : Dataset, optional
            Data to run through both.

        Raises
        ------
        SpecError
            If an option is not possible.
        ToolError
            If Matplotlib, or a tool of a target that was named, is missing.
        EmitError
            If the report cannot be written.
        """
        return write_report(
            self.path,
            targets=None if targets is None else _names(targets),
            seed=seed,
            network=model.model if isinstance(model, Network) else model,
            dataset=data,
        )

    def _recording(self, inputs: npt.ArrayLike) -> Words:
        streams, single = self._streams(integer_array("inputs", inputs))
        if not single:
            raise SpecError("inputs must be one stream, of shape (n_steps, n_in)")
        return streams[:, 0]

    def _compiled_engine(self, n_streams: int) -> BulkEngine:
        return BulkEngine.from_c_files(self.program, self.path / "c", n_streams)


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


def open_build(path: str | Path) -> Build:
    """Return the build directory at a path.

    Raises
    ------
    ModelFileError
        If it was not written by lmu-hw, or its program is damaged.
    """
    build = Build(Path(path))
    load_program(build.path)
    return build
