"""What a report is made from: a build directory, and measurements that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..manifest import Manifest
from ..measure.dataset import Dataset
from ..measure.footprint.board_report import FootprintReport
from ..measure.synthesis.synth_report import SynthReport
from ..models.network import FloatNetwork
from ..program.integer_program import Program


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportSource:
    """What the sections of a report read.

    Attributes
    ----------
    path : Path
        Build directory.
    manifest : Manifest
    program : Program
    synthesis : SynthReport or None
        Figures on FPGAs, if they were asked for.
    footprint : FootprintReport or None
        Figures on microcontrollers, if they were asked for.
    network : FloatNetwork or None
        The trained network, if it was given: a build directory does not hold it.
    dataset : Dataset or None
        Data to run through both, if they were given.
    """

    path: Path
    manifest: Manifest
    program: Program
    synthesis: SynthReport | None = None
    footprint: FootprintReport | None = None
    network: FloatNetwork | None = None
    dataset: Dataset | None = None
