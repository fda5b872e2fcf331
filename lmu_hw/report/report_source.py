"""What a report is made from: a build directory, and measurements that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..manifest import Manifest
from ..measure.dataset import Dataset
from ..measure.footprint.board_report import FootprintReport
from ..measure.synthesis.synth_report import SynthReport
from ..models.network import FloatNetwork
from ..program.integer_program import Program
from .network_run import NetworkRun


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
    network_run : NetworkRun or None
        The outputs of both on the data.
    not_measured : mapping of str to str
        Why a target has no figures, by its name.
    edited : tuple of str
        Files of the build directory that were edited after generation.
    """

    path: Path
    manifest: Manifest
    program: Program
    synthesis: SynthReport | None = None
    footprint: FootprintReport | None = None
    network: FloatNetwork | None = None
    dataset: Dataset | None = None
    network_run: NetworkRun | None = None
    not_measured: Mapping[str, str] = field(default_factory=dict)
    edited: tuple[str, ...] = ()
