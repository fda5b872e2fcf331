"""Reports of memories on neurons: spikes are those of the program, errors those predicted."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.generate import describe
from lmu_hw.manifest import MemoryManifest
from lmu_hw.memory.neurons import NeuronModel
from lmu_hw.program.integer_program import Role
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.report.spiking_pictures import draw_raster, draw_sizes, raster_steps
from lmu_hw.report.spiking_run import SpikingRun, run_spiking
from lmu_hw.report.spiking_sections import spiking_sections
from tests.factories.spiking_errors import spiking_design

pytest.importorskip("matplotlib")
MODELS = [model.value for model in NeuronModel]


@cache
def run_of(model: str, **keys: Any) -> tuple[QuantizedMemory, MemoryManifest, SpikingRun]:
    options = {"d": 3, "theta": 40.0, "neurons": 96, "neuron_model": model, **keys}
    design = spiking_design(**options)
    manifest = describe(design)
    return design, manifest, run_spiking(manifest, design.program)


@pytest.mark.parametrize("model", MODELS)
def test_error_and_spikes_are_near_those_predicted(model: str) -> None:
    _, manifest, run = run_of(model)
    neurons = manifest.neurons
    assert neurons is not None
    # some windows of eight inputs: more differs by chance
    assert run.error == pytest.approx(neurons.nrmse, rel=0.2)
    assert run.mean_spikes == pytest.approx(neurons.spikes_per_step, rel=0.2)
    own = next(size for size in run.sizes if size.neurons == neurons.neurons)
    assert own.measured == run.error
    assert own.predicted == pytest.approx(neurons.nrmse, rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_other_sizes_are_measured_too(model: str) -> None:
    _, manifest, run = run_of(model)
    assert manifest.neurons is not None
    others = [
        size
        for size in run.sizes
        if size.measured is not None and size.neurons != manifest.neurons.neurons
    ]
    assert others
    for size in others:
        assert size.measured == pytest.approx(size.predicted, rel=0.3)
    assert [size.neurons for size in run.sizes] == sorted(size.neurons for size in run.sizes)


@pytest.mark.parametrize("model", MODELS)
def test_recorded_spikes_are_the_output_of_the_program(model: str) -> None:
    _, _, run = run_of(model)
    counts = np.bincount(run.time, minlength=run.recorded)
    assert counts.tolist() == run.spikes[: run.recorded].tolist()
    assert run.address.max() < np.prod(run.shape)
    assert run.rates.sum() == pytest.approx(counts[min(run.start, run.recorded // 2) :].mean())


def test_channels_are_averaged() -> None:
    design, _, run = run_of("integrate-fire", channels=2)
    assert run.shape[0] == 2
    assert design.program.n_words(Role.INPUT) == 2
    assert run.error == pytest.approx(design.neurons.nrmse, rel=0.2)  # type: ignore[union-attr]
    counts = np.bincount(run.time, minlength=run.recorded)
    assert counts.tolist() == (2 * run.spikes[: run.recorded]).tolist()


def test_outputs_do_not_matter() -> None:
    """m is decoded from the state, so that designs with other outputs have the same error."""
    _, _, run = run_of("integrate-fire")
    _, _, other = run_of("integrate-fire", output="taps=0.5")
    assert other.error == pytest.approx(run.error, rel=1e-3)


def test_few_spikes_are_dashes_and_many_an_image() -> None:
    _, _, few = run_of("integrate-fire")
    assert not draw_raster(few, 40.0).axes[0].images
    _, manifest, many = run_of("integrate-fire", neurons=24576)
    assert manifest.neurons is not None
    axes = draw_raster(many, 40.0).axes[0]
    assert len(axes.images) == 1
    first, end = raster_steps(many, 40.0)
    assert end - first == 48
    assert axes.get_ylim() == (-0.5, 24576 - 0.5)


def test_the_curve_has_this_design() -> None:
    _, manifest, run = run_of("integrate-fire")
    assert manifest.neurons is not None
    axes = draw_sizes(run.sizes, 96, NeuronModel.INTEGRATE_FIRE).axes[0]
    labels = [text.get_text() for text in axes.texts]
    assert any("with 96 neurons" in text for text in labels)


def test_the_sections_have_the_figures(tmp_path: Any) -> None:
    memory = lh.Memory(3, theta=40)
    build = lh.compile(memory, realization="spiking", neurons=96).write(tmp_path / "out")
    report = build.report("none")
    spikes, neurons = report.section("spikes"), report.section("neurons")
    assert "96 integrate-and-fire neurons for each channel" in spikes.lead
    assert [p.name for p in spikes.pictures] == ["raster", "rates"]
    assert [p.name for p in neurons.pictures] == ["neurons"]
    measured = spikes.data["spikes_per_step"]["measured"]
    by_state = spikes.data["by_state"]
    assert sum(by_state["positive"]) + sum(by_state["negative"]) == pytest.approx(measured, rel=0.5)
    assert neurons.data["measured"] == pytest.approx(neurons.data["predicted"], rel=0.2)
    assert report.path.stat().st_size < 2_000_000


def test_other_designs_have_no_such_sections(tmp_path: Any) -> None:
    from lmu_hw.report.report_source import ReportSource

    build = lh.compile(lh.Memory(3)).write(tmp_path / "out")
    source = ReportSource(path=build.path, manifest=build.manifest, program=build.program)
    assert spiking_sections(source) == ()
