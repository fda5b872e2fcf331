"""Sections on a memory: what they say agrees with the program, for every kind of memory."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw._support.channel import Channel
from lmu_hw.api.compilation import compile
from lmu_hw.cli.main import main
from lmu_hw.manifest import MemoryManifest, load_manifest
from lmu_hw.memory.spec import parse
from lmu_hw.report import memory_run as run_module
from lmu_hw.report.certificate_section import certificate_sections
from lmu_hw.report.command_sections import command_sections
from lmu_hw.report.error_section import error_sections
from lmu_hw.report.format_section import format_sections, signal_reaches
from lmu_hw.report.headline import key_figures
from lmu_hw.report.impulse_section import impulse_sections
from lmu_hw.report.memory_run import MAX_STEPS, WINDOWS, lengths, memory_run
from lmu_hw.report.report_source import ReportSource
from lmu_hw.report.request_section import generate_command, request_sections
from lmu_hw.report.section import CommandLine, DataTable
from lmu_hw.report.window_section import decoded_window, window_sections
from lmu_hw.rtl.options import Hardware

pytest.importorskip("matplotlib")
KINDS: dict[str, dict[str, Any]] = {
    "cascade": {"order": 8, "bits": 12},
    "ladder": {"order": 8, "bits": 12, "discretizer": "bilinear", "realization": "ladder"},
    "dense": {"order": 4, "realization": "dense"},
    "substeps": {"order": 5, "theta": 60, "discretizer": "bilinear", "substeps": 2},
    "taps": {"order": 6, "channels": 2, "output": "taps=0.5,1"},
    "state": {"order": 6, "output": "state"},
    "ladder-state": {
        "order": 6,
        "output": "state",
        "discretizer": "bilinear",
        "realization": "ladder",
    },
    "spiking": {"order": 3, "realization": "spiking", "neurons": 512},
    "poisson": {
        "order": 3,
        "realization": "spiking",
        "neurons": 512,
        "neuron_model": "poisson",
        "generators": 2,
    },
    "widths": {"order": 4, "coef_bits": 9, "weight_bits": 10, "state_bits": 20, "name": "own"},
    "accuracy": {"order": 8, "theta": 64, "accuracy": 0.05, "bandwidth": 0.01},
    "one": {"order": 1},
}
DRAWN = ("cascade", "poisson")
"""Kinds whose pictures are drawn, which takes seconds."""


def make_source(keys: dict[str, Any], path: Path, **options: Any) -> ReportSource:
    build = compile(parse(keys), **options).write(path, Hardware(lanes=2, streams="axi"))
    return ReportSource(path=path, manifest=build.manifest, program=build.program)


OFTEN = ("cascade", "ladder", "taps", "state", "poisson")
"""Kinds of every run of the tests; the others are soaks."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(k, marks=[pytest.mark.soak] * (k not in OFTEN)) for k in KINDS],
)
def source(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[ReportSource]:
    found = make_source(KINDS[request.param], tmp_path_factory.mktemp("build") / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "MIN_STEPS", 1536)
        if request.param != "cascade":
            # faster than to compile
            patch.setattr(run_module, "available", lambda: False)
        assert memory_run(found) is not None
        yield found


@pytest.mark.some(1)
def test_the_command_makes_the_same_design(source: ReportSource, tmp_path: Path) -> None:
    words = shlex.split(generate_command(source.manifest))
    assert words.pop(0) == "lmu-hw"
    place = tmp_path / "again"
    words[words.index("-o") + 1] = str(place)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([*words, "-q"]) == 0
    again = load_manifest(place)
    assert again.files == source.manifest.files
    assert again.design == source.manifest.design


def test_the_command_has_names_units_and_scales(tmp_path: Path) -> None:
    inputs = [Channel(name="a", unit="mV", scale=0.1, offset=-2.5), Channel(name="b", unit="m V")]
    keys = {"order": 2, "channels": 2, "output": "taps=1"}
    source = make_source(keys, tmp_path / "out", inputs=inputs)
    words = shlex.split(generate_command(source.manifest))
    words[words.index("-o") + 1] = str(tmp_path / "again")
    assert main([*words[1:], "-q"]) == 0
    assert load_manifest(tmp_path / "again").files == source.manifest.files


def test_errors_are_near_their_prediction(source: ReportSource) -> None:
    run = memory_run(source)
    assert run is not None
    assert run.prediction is not None
    assert run.error is not None
    measured = np.sqrt(np.mean(run.error**2, axis=(0, 1)))
    np.testing.assert_allclose(measured, run.prediction.total_rms(run.input_rms), rtol=0.12)
    # an error that is a whole LSB off, or a step late, is far from it
    late = run.output[run.start :] - run.wanted[run.start - 1 : -1]
    assert np.max(np.sqrt(np.mean((late / run.lsb) ** 2, axis=(0, 1))) / measured) > 1.5


def test_the_input_is_as_it_is_described(source: ReportSource) -> None:
    run = memory_run(source)
    assert run is not None
    power = np.mean(np.abs(np.fft.rfft(run.u, axis=0)) ** 2, axis=1)
    f = np.fft.rfftfreq(len(run.u))
    beyond = power[f > run.bandwidth + 1.0 / len(run.u)].sum()
    assert beyond < 1e-3 * power.sum()
    assert 0.9 < np.max(np.abs(run.u)) < 1.0


def test_the_window_is_decoded(source: ReportSource) -> None:
    run = memory_run(source)
    assert run is not None
    window = decoded_window(run)
    # a wrong sign, scale or delay is an error of the size of the signal
    scale = np.sqrt(np.mean(window.true**2))
    off = np.sqrt(np.mean((window.ideal - window.true) ** 2)) / scale
    assert off < (0.12 if run.spec.order > 1 else 0.5)
    if window.built is not None and run.spec.neurons is None:
        both = np.sqrt(np.mean((window.built - window.ideal) ** 2)) / scale
        assert both < 0.01
    assert (window.built is None) == (run.spec.output.value == "taps")


@pytest.mark.parametrize("source", DRAWN, indirect=True)
def test_pictures_have_texts_and_figures_their_data(source: ReportSource) -> None:
    names: list[str] = []
    for make in (window_sections, error_sections, impulse_sections, format_sections):
        for section in make(source):
            assert section.lead.endswith(".")
            assert "nan" not in section.lead
            assert section.data
            for picture in section.pictures:
                assert picture.svg.startswith(b"<?xml")
                assert len(picture.alt) > 30
                assert "nan" not in picture.alt
                names.append(picture.name)
    assert len(names) == len(set(names))
    neurons = isinstance(source.manifest.design, MemoryManifest) and source.manifest.design.neurons
    assert ("impulse" in names) == (not neurons)
    assert {"window", "error-spectrum", "error-spread", "formats"} <= set(names)


def test_worst_cases_are_those_of_the_certificate(source: ReportSource) -> None:
    (section,) = format_sections(source)
    (table,) = (b for b in section.blocks if isinstance(b, DataTable))
    reaches = signal_reaches(source)
    assert len(table.rows) == len(reaches)
    unproven = set(source.manifest.certificate.unproven)
    for reach in reaches:
        if reach.rests_on == "proven":
            # a word beyond the format is the most that rounding adds
            assert reach.share <= 1.01
            assert 0.0 <= reach.rounding <= reach.share + 1e-9
    assert {r.name for r in reaches if r.rests_on == "may saturate" and r.claim.recurrent} == (
        unproven
    )
    (proof,) = certificate_sections(source)
    assert proof.data["proven"] == source.manifest.certificate.proven


def test_figures_at_the_top_are_those_of_the_manifest(source: ReportSource) -> None:
    values = {figure.name: figure.value for figure in key_figures(source)}
    manifest = source.manifest
    assert values["Multiplies a step"] == f"{manifest.multiplies_per_step:,}"
    assert values["Cycles a step"] == f"{manifest.cycles_per_step:,}"


def test_commands_are_only_those_that_fit(source: ReportSource) -> None:
    (section,) = command_sections(source)
    commands = [b.command for b in section.blocks if isinstance(b, CommandLine)]
    assert "lmu-hw synth . --target ecp5-25k" in commands
    assert (source.path / "rtl" / "Makefile").exists()
    assert (source.path / "c" / "Makefile").exists()
    (request,) = request_sections(source)
    assert request.data["command"] == generate_command(source.manifest)


def test_a_run_over_a_long_window_is_as_long() -> None:
    program = compile(parse({"order": 2, "theta": 40_000})).program
    steps, runs = lengths(parse({"order": 2, "theta": 40_000}), program)
    assert steps >= WINDOWS * 40_000 > MAX_STEPS
    assert runs >= 1
    steps, _ = lengths(parse({"order": 2, "theta": 900_000}), program)
    assert steps <= 200_000
