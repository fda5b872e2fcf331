"""Reports of networks: figures are those of `evaluate`, and wrong models are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import ModelFileError, SpecError
from lmu_hw.generate import describe_network
from lmu_hw.manifest import NetworkManifest, load_manifest
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import Outputs, evaluate
from lmu_hw.models.network import FloatNetwork
from lmu_hw.report.built_network import built_network
from lmu_hw.report.network_run import NetworkRun, run_network, worst_examples
from lmu_hw.report.network_sections import network_sections
from lmu_hw.report.report_source import ReportSource
from lmu_hw.report.section import CommandLine, DataTable, Section
from tests.factories.networks import lmu, network, rng, with_classes

pytest.importorskip("matplotlib")
SEQUENCES, STEPS = 24, 30


def classifier(seed: int = 1) -> FloatNetwork:
    return with_classes(lmu(rng(seed), 2, kind="simple_rnn", n=4, reads_input=True))


def data_of(net: FloatNetwork, *, labels: bool = True) -> Dataset:
    sequences = tuple(rng(k).uniform(-1, 1, (STEPS, net.n_in)) for k in range(SEQUENCES))
    found = np.arange(SEQUENCES) % net.n_out if labels else None
    return Dataset(sequences=sequences, labels=found)


@pytest.fixture(scope="module", name="build")
def fixture_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "out"
    design = lh.compile(classifier(), widths={"weight_bits": 3, "act_bits": 5})
    return design.write(path).path


def design_of(path: Path) -> NetworkManifest:
    design = load_manifest(path).design
    assert isinstance(design, NetworkManifest)
    return design


@cache
def run_of(path: Path) -> NetworkRun:
    net = classifier()
    return run_network(design_of(path), lh.open_build(path).program, net, data_of(net))


def sections_of(path: Path, run: NetworkRun | None) -> dict[str, Section]:
    program = lh.open_build(path).program
    source = ReportSource(path=path, manifest=load_manifest(path), program=program, network_run=run)
    return {section.key: section for section in network_sections(source)}


def table(section: Section, caption: str) -> DataTable:
    found = (b for b in section.blocks if isinstance(b, DataTable))
    return next(block for block in found if block.caption.startswith(caption))


def test_the_network_of_a_build_directory_is_the_one_it_was_written_from(build: Path) -> None:
    """Its evaluation equals that of the design itself, word for word."""
    net = classifier()
    design = lh.compile(net, widths={"weight_bits": 3, "act_bits": 5}).network
    found = built_network(design_of(build), lh.open_build(build).program, net)
    assert found.program.digest == design.program.digest
    assert [(b.signal, b.fmt, b.proven, b.stands_for) for b in found.bases] == [
        (b.signal, b.fmt, b.proven, b.stands_for) for b in design.bases
    ]
    expected = evaluate(design, data_of(net), engine="interpreter").to_dict()
    got = run_of(build).evaluation.to_dict()
    assert {k: v for k, v in got.items() if k != "engine"} == {
        k: v for k, v in expected.items() if k != "engine"
    }


def test_wide_states_stand_for_their_copies() -> None:
    """A memory's state of more than 16 bits is read from a copy, which names it."""
    design = lh.compile(classifier(), widths={"state_bits": 24})
    found = built_network(describe_network(design.network), design.program, classifier())
    assert any(basis.stands_for for basis in found.bases)
    assert [b.stands_for for b in found.bases] == [b.stands_for for b in design.network.bases]


@pytest.mark.some(4)
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_its_own_model_is_accepted_at_every_width(bits: int, kind: str) -> None:
    for seed in range(5):
        net = network(lmu(rng(seed), 2, kind=kind, n=5, reads_input=True))
        design = lh.compile(net, widths={"weight_bits": bits})
        found = built_network(describe_network(design.network), design.program, net)
        assert found.program is design.program


def test_a_model_with_other_weights_is_refused(build: Path) -> None:
    design, program = design_of(build), lh.open_build(build).program
    with pytest.raises(ModelFileError, match="weights must be those of the build directory"):
        built_network(design, program, classifier(seed=2))


def test_a_model_with_other_layers_is_refused(build: Path) -> None:
    design, program = design_of(build), lh.open_build(build).program
    first = lmu(rng(1), 2, kind="simple_rnn", n=5, reads_input=True)
    with pytest.raises(ModelFileError, match=r"layer 1 is LMU .*, and the model has LMU"):
        built_network(design, program, with_classes(first))


def test_a_report_needs_model_and_data_together(build: Path) -> None:
    with pytest.raises(SpecError, match="given together"):
        lh.open_build(build).report("none", model=lh.Network(classifier()))
    net = lh.Network(classifier(seed=2))
    with pytest.raises(ModelFileError, match="weights must be"):
        lh.open_build(build).report("none", model=net, data=data_of(net.model))
    assert not (build / "report.html").exists()


def test_a_memory_has_no_model(tmp_path: Path) -> None:
    build = lh.compile(lh.Memory(3)).write(tmp_path / "out")
    net = classifier()
    with pytest.raises(SpecError, match="left out for a memory"):
        build.report("none", model=lh.Network(net), data=data_of(net))


def test_without_data_the_page_says_the_command(build: Path) -> None:
    sections = sections_of(build, None)
    assert list(sections) == ["layers", "accuracy"]
    (command,) = (b for b in sections["accuracy"].blocks if isinstance(b, CommandLine))
    assert command.command == "lmu-hw report . --model MODEL --data D.npz"


def test_layers_are_those_of_the_summary(build: Path) -> None:
    section = sections_of(build, None)["layers"]
    design = design_of(build)
    rows = table(section, "Layers").rows
    assert [row[0] for row in rows] == [layer.name for layer in design.network.layers]
    assert [row[-1] for row in rows] == [f"{x.multiplies:,}" for x in design.network.layers]
    assert f"{design.network.multiplies:,} multiplies" in section.lead


def test_scores_and_confusion_are_those_of_the_run(build: Path) -> None:
    run = run_of(build)
    section = sections_of(build, run)["accuracy"]
    accuracy = run.evaluation.integers.accuracy
    assert accuracy is not None
    assert f"{100 * accuracy:.2f} % of {SEQUENCES} sequences right" in section.lead
    confusion = np.array(run.evaluation.integers.confusion)
    rows = table(section, "By class").rows
    assert [int(row[2]) for row in rows] == np.diag(confusion).tolist()
    assert sum(int(row[1]) for row in rows) == SEQUENCES
    # every count that is not zero is written into the picture
    svg = next(p.svg for p in section.pictures if p.name == "confusion").decode()
    for count in confusion[confusion > 0]:
        assert f">{count}<" in svg
    for k, row in enumerate(rows):
        others = np.delete(confusion[k], k)
        assert (row[4] == "-") == (others.max() == 0)
        if others.max():
            assert confusion[k, int(row[4].split()[0])] == others.max()


def test_every_signal_has_its_snr(build: Path) -> None:
    run = run_of(build)
    section = sections_of(build, run)["signals"]
    signals = run.evaluation.trace.signals
    rows = {row[0].strip("`"): row for row in table(section, "Signals").rows}
    assert set(rows) == set(signals) - {"label"}
    assert float(rows["y"][3]) == pytest.approx(signals["y"].snr_db, abs=0.06)
    svg = section.pictures[0].svg.decode()
    assert all(name in svg for name in rows)


def test_saturation_is_said(build: Path) -> None:
    run = run_of(build)
    trace = run.evaluation.trace
    spoilt = {**trace.signals, "y": replace(trace.signals["y"], saturated=0.25)}
    evaluation = replace(run.evaluation, trace=replace(trace, signals=spoilt))
    section = sections_of(build, replace(run, evaluation=evaluation))["signals"]
    assert "1 signal saturated" in section.lead
    assert "`y` most often: 25 %" in section.lead
    assert "25 % saturate" in section.pictures[0].svg.decode()


def outputs(*last: tuple[float, ...]) -> Outputs:
    return Outputs(values=tuple(np.array([row]) for row in last))


def test_sequences_that_are_told_differently_come_first() -> None:
    floats = outputs((1.0, 0.0), (0.9, 1.0), (0.0, 5.0), (1.0, 0.99))
    integers = outputs((1.2, 0.0), (1.0, 0.9), (0.0, 5.0), (1.0, 1.01))
    x = np.zeros((7, 1))
    data = Dataset(sequences=(x, x, x, x), labels=np.array([0, 1, 1, 0]))
    found = worst_examples(data, floats, integers, classes=True)
    # 1 and 3 change their class, 1 by more; of the others 0 differs most
    assert [e.sequence for e in found] == [1, 3, 0]
    assert found[0].text == "sequence 1: label 1, float 1, integers 0"
    assert found[0].step == 6
    assert found[2].difference == pytest.approx(0.2)


def test_outputs_of_every_step_are_judged_at_the_worst_step() -> None:
    a = np.zeros((9, 2))
    b = a.copy()
    b[4, 1] = -3.0
    data = Dataset(sequences=(a, a))
    floats = Outputs(values=(a, a))
    found = worst_examples(data, floats, Outputs(values=(a, b)), classes=False)
    assert [e.sequence for e in found] == [1, 0]
    assert found[0].text == "sequence 1: largest difference 3 at step 4"
    assert found[0].integer_class is None


@pytest.mark.some(1)
@pytest.mark.parametrize("n_in", [1, 5])
def test_networks_without_classes_have_outputs_over_time(tmp_path: Path, n_in: int) -> None:
    net = network(lmu(rng(7), n_in, kind="simple_rnn", n=3, reads_input=True))
    sequences = data_of(net, labels=False).sequences
    targets = tuple(np.zeros((STEPS, 3)) for _ in sequences)
    data = Dataset(sequences=sequences, targets=targets)
    build = lh.compile(net).write(tmp_path / "out")
    report = build.report("none", model=lh.Network(net), data=data)
    assert "NRMSE against the targets" in report.section("accuracy").lead
    assert [p.name for p in report.section("accuracy").pictures] == ["differences"]
    svg = report.section("examples").pictures[0].svg.decode()
    # many inputs are an image, few are lines
    assert ("<image" in svg) == (n_in == 5)
    assert "target" in svg
    assert report.figures[0].name == "NRMSE"
    assert report.path.stat().st_size < 2_000_000


def test_the_same_data_gives_the_same_bytes(build: Path) -> None:
    run = run_of(build)
    first, second = sections_of(build, run), sections_of(build, run)
    assert [p.svg for s in first.values() for p in s.pictures] == [
        p.svg for s in second.values() for p in s.pictures
    ]
