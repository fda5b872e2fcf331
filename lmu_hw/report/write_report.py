"""Write the report of a build directory: ``report.html`` and ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .._support.build_directory import (
    ANALOG,
    REPORT_PAGE,
    changed_files,
    check_report,
    read_manifest,
)
from .._support.progress import progress
from .._support.svg_pictures import check_matplotlib
from .._support.validation import check_int
from .._support.workers import one_blas_thread
from ..circuits.analog_manifest import load_analog
from ..errors import SpecError
from ..manifest import Manifest, NetworkManifest, load_manifest
from ..measure.dataset import Dataset
from ..measure.synthesis.flow import MAX_SEED
from ..models.network import FloatNetwork
from ..program.integer_program import Program
from ..verify.load_build import load_program
from . import section_list
from .analog_sections import analog_data, analog_figures, analog_sections
from .build_report import BuildReport
from .headline import key_figures
from .measured_targets import check_tools, chosen, measure_targets
from .network_run import NetworkRun, run_network
from .report_source import ReportSource
from .section import Section


def write_report(
    build_dir: Path,
    *,
    targets: Sequence[str] | None = None,
    seed: int = 1,
    network: FloatNetwork | None = None,
    dataset: Dataset | None = None,
    quiet: bool = True,
) -> BuildReport:
    """Write the report of a build directory into it.

    Parameters
    ----------
    build_dir : Path
    targets : sequence of str, optional
        Devices and microcontrollers to measure on, or ``none``. Default: `DEFAULT
        <lmu_hw.report.measured_targets.DEFAULT>`, as far as their tools are installed.
    seed : int
        Seed of the placement on devices.
    network : FloatNetwork, optional
        The trained network of the design.
    dataset : Dataset, optional
        Data to run through network and design.
    quiet : bool
        No progress.

    Returns
    -------
    BuildReport

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    SpecError
        If a target or the seed is not possible, or a network is given for a memory.
    ToolError
        If Matplotlib, or a tool of a target that was named, is missing.
    EmitError
        If the report cannot be written.
    """
    check_matplotlib()
    check_int("seed", seed, 0, MAX_SEED)
    raw = read_manifest(build_dir, analog=True)
    check_report(build_dir)
    if ANALOG in raw:
        report = _analog(build_dir, targets, network, dataset, quiet)
    else:
        report = _digital(build_dir, targets, seed, network, dataset, quiet)
    report.write()
    return report


def _digital(
    build_dir: Path,
    targets: Sequence[str] | None,
    seed: int,
    network: FloatNetwork | None,
    dataset: Dataset | None,
    quiet: bool,
) -> BuildReport:
    manifest, program = load_manifest(build_dir), load_program(build_dir)
    wanted = chosen(targets)
    if targets is not None:
        check_tools(wanted, program)
    # before the tools run: a wrong model is found early
    run = _network_run(manifest, program, network, dataset, quiet)
    measured = measure_targets(build_dir, program, wanted, seed=seed, quiet=quiet)
    source = ReportSource(
        path=build_dir,
        manifest=manifest,
        program=program,
        synthesis=measured.synthesis,
        footprint=measured.footprint,
        network=network,
        dataset=dataset,
        network_run=run,
        not_measured=measured.not_measured,
        edited=tuple(changed_files(build_dir, manifest.to_dict())),
    )
    made: list[Section] = []
    n = len(section_list.SECTIONS)
    # many small systems: threads of BLAS wait for each other
    with one_blas_thread(), progress("drawing the report", n, quiet) as advance:
        for make in section_list.SECTIONS:
            made += make(source)
            advance(1)
    return BuildReport(
        path=build_dir / REPORT_PAGE,
        title=manifest.title,
        digest=manifest.digest,
        figures=key_figures(source),
        sections=tuple(made),
        warnings=_warnings(source.edited),
        not_measured=measured.not_measured,
    )


def _network_run(
    manifest: Manifest,
    program: Program,
    network: FloatNetwork | None,
    dataset: Dataset | None,
    quiet: bool,
) -> NetworkRun | None:
    """Return the outputs of a network in floats and integers on data, if both were given."""
    if network is None and dataset is None:
        return None
    if not isinstance(manifest.design, NetworkManifest):
        raise SpecError("model and data must be left out for a memory: they are for a network")
    if network is None or dataset is None:
        raise SpecError("model and data must be given together")
    with progress("float and integer runs", 2 * len(dataset), quiet) as advance:
        return run_network(manifest.design, program, network, dataset, advance)


def _analog(
    build_dir: Path,
    targets: Sequence[str] | None,
    network: FloatNetwork | None,
    dataset: Dataset | None,
    quiet: bool,
) -> BuildReport:
    if targets is not None and list(targets) != ["none"]:
        raise SpecError("targets must be left out for an analog memory, which has no program")
    if network is not None or dataset is not None:
        raise SpecError("model and data must be left out for an analog memory")
    manifest, _ = load_analog(build_dir)
    edited = changed_files(build_dir, read_manifest(build_dir, analog=True))
    with progress("drawing the report", 0, quiet):
        data = analog_data(build_dir)
        return BuildReport(
            path=build_dir / REPORT_PAGE,
            title=manifest.title,
            digest="",
            figures=analog_figures(data),
            sections=analog_sections(data),
            warnings=_warnings(edited),
            not_measured={},
        )


def _warnings(edited: Sequence[str]) -> tuple[str, ...]:
    if not edited:
        return ()
    return (
        f"This build directory is stale: {', '.join(edited)} changed after generation. Generate it "
        "again, or read the figures below with that in mind.",
    )
