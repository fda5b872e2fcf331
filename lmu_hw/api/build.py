"""`Build`: verifies, synthesizes and measures a build directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..firmware.boards import microcontrollers
from ..manifest import Manifest, load_manifest
from ..measure.footprint.board_report import FootprintReport
from ..measure.footprint.footprint_report import footprint
from ..measure.synthesis import devices
from ..measure.synthesis.flow import synth
from ..measure.synthesis.synth_report import SynthReport
from ..program.integer_program import Program
from ..proof.certificate import certify
from ..proof.certificate_report import Certificate
from ..verify.load_build import load_program
from ..verify.verify_build import verify_build
from ..verify.verify_report import VerifyReport


@dataclass(frozen=True)
class Build:
    """A build directory.

    Attributes
    ----------
    path : Path
    """

    path: Path

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

    def verify(
        self,
        backends: Sequence[str] | None = None,
        *,
        steps: int | None = None,
        seed: int = 0,
        inputs: npt.ArrayLike | None = None,
        worst_case: bool = False,
    ) -> VerifyReport:
        """Compare backends with the interpreter, word for word.

        Parameters
        ----------
        backends : sequence of str, optional
            Such as ``["icarus", "c"]``. Default: all whose tools are installed.
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
        recordings = [] if inputs is None else [np.atleast_2d(np.asarray(inputs, dtype=np.int64))]
        return verify_build(
            self.path,
            backends=None if backends is None else ",".join(backends),
            n_steps=steps,
            seed=seed,
            recordings=recordings,
            worst_case=worst_case,
            quiet=True,
        )

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

    def footprint(self, *targets: str) -> FootprintReport:
        """Compile the C for microcontrollers and count instructions per step in QEMU.

        Parameters
        ----------
        *targets : str
            Such as ``"c-m4"``. Default: all whose tools are installed and that the program fits.

        Raises
        ------
        ToolError
            If a tool is missing or fails.
        """
        chosen = microcontrollers.chosen(targets) if targets else None
        return footprint(self.path, chosen, quiet=True)


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
