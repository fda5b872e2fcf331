"""`Build`: a build directory, to verify, synthesize and measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._support.build_directory import read_manifest
from ..firmware.boards import microcontrollers
from ..measure.footprint.footprint_report import footprint
from ..measure.synthesis import devices
from ..measure.synthesis.flow import synth
from ..program.integer_program import Program
from ..proof.certificate import Certificate, certify
from ..verify.load_build import load_program


@dataclass(frozen=True)
class Build:
    """A build directory.

    Attributes
    ----------
    path : Path
    """

    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest: what was asked for, formats, costs, digests of all files."""
        return read_manifest(self.path)

    @property
    def program(self) -> Program:
        """The integer program.

        Raises
        ------
        ModelFileError
            If it is missing, damaged, or not the program that the manifest names.
        """
        return load_program(self.path)

    def certify(self) -> Certificate:
        """Derive every claim of the certificate again, from the program alone.

        Raises
        ------
        CertificateError
            If a claim does not hold.
        """
        return certify(self.path)

    def synth(self, *targets: str, seed: int = 1, freq: float | None = None) -> dict[str, Any]:
        """Synthesize, place and route the Verilog on FPGA devices.

        Parameters
        ----------
        *targets : str
            Such as ``"ecp5-25k"``; an unknown name lists those that are known.
        seed : int
            Of the placement.
        freq : float, optional
            Clock to aim at [MHz]. Default: as fast as it goes.

        Raises
        ------
        ToolError
            If a tool is missing or fails.
        """
        return synth(self.path, devices.chosen(targets), seed=seed, freq=freq, quiet=True)

    def footprint(self, *targets: str) -> dict[str, Any]:
        """Compile the C for microcontrollers and count instructions per step in QEMU.

        Parameters
        ----------
        *targets : str
            Such as ``"c-m4"``. Default: all whose tools are installed and that it fits.

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
