"""The figures at the top of a report."""

from __future__ import annotations

from dataclasses import dataclass

from ..manifest import Manifest, MemoryManifest
from ..measure.synthesis.synth_report import shown_cycles
from .report_source import ReportSource


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One figure at the top of a report.

    Attributes
    ----------
    name : str
        What it is.
    value : str
        With its unit, short enough for large type.
    note : str
        What it means or rests on, in a few words.
    """

    name: str
    value: str
    note: str


def key_figures(source: ReportSource) -> tuple[KeyFigure, ...]:
    """Return the figures at the top of the report of a build directory."""
    manifest = source.manifest
    return (
        *_error_figure(manifest),
        *_score_figure(source),
        _overflow_figure(manifest),
        KeyFigure(
            name="Multiplies a step",
            value=f"{manifest.multiplies_per_step:,}",
            note=_output_note(manifest),
        ),
        *_cycle_figure(source),
        *_microcontroller_figure(source),
    )


def _error_figure(manifest: Manifest) -> tuple[KeyFigure, ...]:
    if not isinstance(manifest.design, MemoryManifest):
        return ()
    error = manifest.design.error_lsb
    if error.neurons is not None:
        note = f"RMS predicted, {error.neurons:.2f} by the neurons"
    else:
        kept = "kept" if error.kept else "NOT kept"
        note = f"RMS predicted for any input; budget {error.budget:g} LSB {kept}"
    return (KeyFigure(name="Error of an output", value=f"{error.predicted:.2f} LSB", note=note),)


def _score_figure(source: ReportSource) -> tuple[KeyFigure, ...]:
    """Return accuracy or NRMSE of a network, where it ran on data with labels or targets."""
    if source.network_run is None:
        return ()
    found = source.network_run.evaluation
    floats, integers = found.floats.score, found.integers.score
    if floats is None or integers is None:
        return ()
    name = "NRMSE" if found.integers.accuracy is None else "Accuracy"
    note = f"float64: {100 * floats:.2f} %; {found.sequences:,} sequences"
    return (KeyFigure(name=name, value=f"{100 * integers:.2f} %", note=note),)


def _overflow_figure(manifest: Manifest) -> KeyFigure:
    unproven = manifest.certificate.unproven
    if manifest.certificate.proven:
        return KeyFigure(
            name="Overflow of states", value="impossible", note="proven for every input"
        )
    names = ", ".join(unproven[:3]) + ", ..." * (len(unproven) > 3)
    return KeyFigure(
        name="Overflow of states", value="saturates", note=f"no proof for {names or 'a sum'}"
    )


def _output_note(manifest: Manifest) -> str:
    if manifest.multiplies_per_output:
        return f"and {manifest.multiplies_per_output:,} for an output"
    dense = sum(1 for n in manifest.multiplies.values() if n)
    return f"in {dense} operation{'s' * (dense != 1)}"


def _cycle_figure(source: ReportSource) -> tuple[KeyFigure, ...]:
    if source.manifest.cycles_per_step is None:
        return ()
    cycles: float = source.manifest.cycles_per_step
    note = "of the Verilog's clock"
    for target in source.synthesis.targets if source.synthesis else ():
        if target.routed is not None:
            rate = f"{target.routed.steps_per_second:,.0f} steps/s"
            note = f"{rate} at {target.routed.fmax_mhz:.0f} MHz on {target.target}"
            cycles = source.synthesis.cycles_per_step if source.synthesis else cycles
            break
    return (KeyFigure(name="Cycles a step", value=shown_cycles(cycles), note=note),)


def _microcontroller_figure(source: ReportSource) -> tuple[KeyFigure, ...]:
    if source.footprint is None or not source.footprint.targets:
        return ()
    target = source.footprint.targets[0]
    counts = target.instructions.with_output or target.instructions.without_output
    if counts is None:
        return ()
    flash = f"{target.flash.total / 1024:.1f} KiB flash, {target.ram.total / 1024:.1f} KiB RAM"
    return (
        KeyFigure(
            name=f"Instructions a step, {target.core}", value=f"{counts.mean:,.0f}", note=flash
        ),
    )
