"""Explorations in this process: points against designs, resumption, extension, refusals."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import EmitError, SpecError
from lmu_hw.explore.estimates import estimate
from lmu_hw.explore.exploration import Exploration
from lmu_hw.explore.explored_point import FigureBasis, Metric
from lmu_hw.explore.exploring import explore
from lmu_hw.explore.quality import DELAYS
from lmu_hw.explore.result_store import ResultKind, ResultStore
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.models.network import Activation, DenseLayer, LinearMemory, LMULayer
from lmu_hw.program.integer_program import Role
from tests.factories.networks import network as network_of
from tests.factories.networks import rng, uniform

HERE: dict[str, Any] = {"workers": 0, "measure": "none"}


def small_network() -> lh.Network:
    """Return a classifier of two classes of 12 steps."""
    memory = LMULayer(memory=LinearMemory(order=4, theta=10.0), n_in=1)
    head = DenseLayer(
        W=4 * uniform(rng(1), 2, 4), b=np.array([0.1, 0.0]), activation=Activation.SOFTMAX
    )
    return lh.Network(network_of(memory, head, every_step=False), name="small")


def classes(n: int = 40) -> lh.Dataset:
    """Return sequences labelled by the network itself."""
    x = rng(2).uniform(-1, 1, (n, 12, 1))
    labels = np.argmax(small_network().predict(x), axis=1)
    return lh.Dataset(sequences=tuple(x), labels=labels)


def test_points_are_what_their_designs_are() -> None:
    found = explore({"d": 5}, {"bits": [8, 12], "lanes": [1, 2]}, targets=["ecp5-25k"], **HERE)
    assert [p.number for p in found.points] == [1, 2, 3, 4]
    for point in found.points:
        bits, lanes = int(point.settings["bits"]), int(point.settings["lanes"])
        design = lh.compile(lh.Memory(5), bits=bits)
        assert point.digest == design.program.digest
        plan = design.schedule(lh.Hardware(lanes=lanes))
        assert point.cycles_per_step == plan.cycles_per_step
        (m,) = design.program.with_role(Role.OUTPUT)
        assert point.quality is not None
        assert design.error is not None
        assert point.quality.loss == design.error * 2.0**-m.fmt.frac_bits
        (device,) = point.devices
        assert device.basis is FigureBasis.ESTIMATED
        assert device.luts > 0
        assert point.command == f"lmu-hw generate --d 5 --bits {bits} --lanes {lanes}"


def test_a_resumed_exploration_computes_nothing(tmp_path: Path) -> None:
    over = {"bits": [8, 10], "lanes": [1, 2], "d": [4]}
    first = explore({}, over, targets=["ecp5-25k", "c-m4"], out=tmp_path, **HERE)
    # designs, scores, and for each: two schedules with a device, and a board
    assert first.counts.computed == 2 * (1 + 1 + 2 + 2 + 1)
    assert first.counts.known == 0
    calls: list[tuple[Any, ...]] = []
    again = explore(
        {},
        over,
        targets=["ecp5-25k", "c-m4"],
        out=tmp_path,
        watch=lambda *a: calls.append(a),
        **HERE,
    )
    assert calls == []
    assert again.counts.computed == 0
    assert again.counts.known == first.counts.computed
    assert again.points == first.points


def test_an_extension_computes_what_is_new_only(tmp_path: Path) -> None:
    explore({"d": 4}, {"bits": [8, 10]}, out=tmp_path, **HERE)
    wider = explore({"d": 4}, {"bits": [8, 10, 12]}, out=tmp_path, **HERE)
    assert wider.counts.known == 2 * 3
    assert wider.counts.computed == 3
    with ResultStore(tmp_path / "explore.sqlite") as store:
        assert store.count(ResultKind.DESIGN) == 3


def test_the_same_program_is_judged_once(tmp_path: Path) -> None:
    # a width that the default takes anyway: another request, the same program
    width = lh.compile(lh.Memory(4), bits=8).quantized
    over = {"state_bits": ["auto", width.state_bits]}
    found = explore({"d": 4, "bits": 8}, over, out=tmp_path, **HERE)
    assert found.points[0].digest == found.points[1].digest
    with ResultStore(tmp_path / "explore.sqlite") as store:
        assert store.count(ResultKind.DESIGN) == 2
        assert store.count(ResultKind.SCORE) == 1


def test_points_without_a_design_say_why() -> None:
    found = explore(
        {"d": 4, "theta": 40},
        {"realization": ["cascade", "ladder"], "lanes": [1, 99]},
        targets=["ecp5-25k"],
        **HERE,
    )
    refused = [p.refused for p in found.points]
    assert refused[0] == ""
    assert "lanes must be a whole number from 1 to 64, not 99" in refused[1]
    assert "a ladder must go with the bilinear discretizer" in refused[2]
    assert found.counts.refused == 3
    assert "3 points have no design" in str(found)


def test_a_space_without_any_design() -> None:
    with pytest.raises(SpecError, match=r"no point has a design; the first: bits must be"):
        explore({"d": 4}, {"bits": [99]}, **HERE)
    with pytest.raises(SpecError, match=r"the first: d \(order\) must be given"):
        explore({}, {"bits": [8]}, **HERE)


def test_windows_are_judged_by_a_signal() -> None:
    over = {"d": [2, 6], "bits": [6, 14]}
    found = explore({"theta": 40}, over, bandwidth=0.02, **HERE)
    assert found.metric is Metric.WINDOW
    losses = {tuple(p.settings.values()): p.quality.loss for p in found.points if p.quality}
    assert losses["6", "14"] < losses["6", "6"]
    assert losses["6", "14"] < losses["2", "14"]
    memory = lh.Memory(6, 40)
    # float64 alone explains the error of wide words
    assert losses["6", "14"] == pytest.approx(memory.delay_error(0.02, DELAYS), rel=0.2)


@pytest.mark.parametrize("output", ["state", "taps=0.25/1"])
def test_windows_of_other_outputs(output: str) -> None:
    found = explore({"d": 6, "theta": 40}, {"output": [output]}, bandwidth=0.02, **HERE)
    (point,) = found.points
    assert point.quality is not None
    assert point.quality.loss < 0.1


def test_windows_are_judged_by_a_recording() -> None:
    u = 0.5 * np.sin(0.1 * np.arange(400))
    found = explore({"d": 6, "theta": 40}, {"bits": [8, 14]}, data=u, **HERE)
    assert found.metric is Metric.WINDOW
    losses = [p.quality.loss for p in found.points if p.quality]
    assert losses[1] < losses[0] < 0.1


def test_networks_are_judged_by_their_data() -> None:
    network, data = small_network(), classes()
    over = {"weight_bits": [2, 8], "act_bits": [16]}
    found = explore(network, over, data=data, **HERE)
    assert found.metric is Metric.ACCURACY
    assert found.constraints == ("loss <= 0.002",)
    best = found.points[1].quality
    assert best is not None
    design = lh.compile(network, widths={"weight_bits": 8}, calibration=data)
    report = design.evaluate(data)
    assert (best.score, best.float_score) == (report.integers.accuracy, report.floats.accuracy)
    assert best.float_score == 1.0
    assert found.points[1].digest == design.program.digest


def test_networks_without_data_agree_with_their_floats() -> None:
    found = explore(small_network(), {"bits": [6, 12]}, **HERE)
    assert found.metric is Metric.AGREEMENT
    losses = [p.quality.loss for p in found.points if p.quality]
    assert 0 < losses[1] < losses[0]


def test_weights_of_each_layer() -> None:
    found = explore(small_network(), {"weight_bits": ["8", "4/8"]}, data=classes(), **HERE)
    assert found.points[1].command == "lmu-hw generate small.npz --weight-bits 4,8"
    assert not found.points[1].refused


def test_a_budget_looks_at_that_many_points() -> None:
    over = {"bits": range(6, 14), "d": range(2, 6), "lanes": [1, 2]}
    found = explore({"theta": 20}, over, budget=12, targets=["ecp5-25k"], **HERE)
    assert found.counts.space == 64
    assert found.counts.points == len(found.points) == 12
    assert [p.number for p in found.points] == sorted(p.number for p in found.points)


def test_the_files(tmp_path: Path) -> None:
    options = {"targets": ["up5k"], "out": tmp_path, **HERE}
    found = explore({"d": 4}, {"bits": [8, 99], "lanes": [1]}, **options)
    assert {p.name for p in tmp_path.iterdir()} == {
        "explore.sqlite",
        "explore.csv",
        "explore.html",
    }
    with (tmp_path / "explore.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["bits"] for row in rows] == ["8", "99"]
    (device,) = found.points[0].devices
    assert int(rows[0]["ice40-up5k.luts"]) == device.luts
    assert rows[0]["ice40-up5k.basis"] == "estimated"
    assert float(rows[0]["loss"]) == found.points[0].quality.loss  # type: ignore[union-attr]
    assert rows[1]["ice40-up5k.luts"] == ""
    assert "bits must be" in rows[1]["refused"]
    assert rows[0]["command"] == found.points[0].command
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    explore({"d": 4}, {"bits": [8, 99], "lanes": [1]}, **options)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix != ".sqlite"} == {
        name: data for name, data in before.items() if not name.endswith(".sqlite")
    }


def test_a_directory_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(EmitError, match="must be new, empty or of an exploration"):
        explore({"d": 4}, {"bits": [8]}, out=tmp_path, **HERE)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_it_prints_and_shows(tmp_path: Path) -> None:
    found = explore({"d": 4}, {"bits": [8, 12]}, targets=["ecp5-25k", "c-m4"], **HERE)
    text = str(found)
    assert "ecp5-25k: " in text
    assert "c-m4: " in text
    assert f"next: {found.best.command}" in text  # type: ignore[union-attr]
    assert "<table>" in found._repr_html_()
    data = found.to_dict()
    assert data["points"][0]["quality"]["metric"] == "error"
    assert data["picked"] == found.picked


def test_the_room_can_be_called() -> None:
    found = lh.explore({"d": 4}, {"bits": [8]}, **HERE)
    assert isinstance(found, Exploration)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ["ecp6"]}, "unknown target 'ecp6'"),
        ({"targets": ["25"]}, "unknown target '25'"),
        ({"metric": "speed"}, "metric must be one of"),
        ({"metric": "accuracy"}, "metric must be error or window for a memory"),
        ({"metric": "window"}, "bandwidth must be given"),
        ({"bandwidth": 0.7}, "bandwidth must be > 0 and <= 0.5"),
        ({"data": np.zeros((3, 3))}, "data must be a signal of shape"),
        ({"limits": {"max_lut": 100}}, "max_lut must go with a target such as ice40-up5k"),
        ({"limits": {"max_flash": 1}, "targets": ["up5k"]}, "max_flash must go with a target such"),
        ({"limits": {"max_loss": 2}}, "max_loss must be a share"),
        ({"limits": {"max_luts": 2}}, "unknown limit 'max_luts'; did you mean max_lut"),
        ({"budget": 0}, "budget must be a whole number"),
        ({"measure": "some"}, "measure must be front, all, none or a number"),
        ({"measure": -1}, "measure must be a whole number"),
        ({"workers": -1}, "workers must be a whole number"),
        ({"workers": 1, "scheduler": "tcp://127.0.0.1:1"}, "workers must be left out"),
        ({"calibration": np.zeros((3, 3))}, "calibration and y must be left out"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        explore({"d": 4}, {"bits": [8]}, **{**HERE, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "window"}, "metric must be agreement with these data, not window"),
        ({"metric": "accuracy"}, "metric must be agreement with these data"),
        ({"bandwidth": 0.1}, "bandwidth must be left out"),
    ],
)
def test_what_is_refused_of_networks(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        explore(small_network(), {"bits": [8]}, **{**HERE, **options})


def test_a_source_must_be_one() -> None:
    with pytest.raises(SpecError, match="source must be a Memory, a Network or keys, not int"):
        explore(3, {"bits": [8]}, **HERE)  # type: ignore[arg-type]


def test_styles_of_hardware() -> None:
    over = {"d": [8], "parallel": ["ring"], "sections_per_multiplier": [1, 4]}
    keys = {"bits": 8, "output": "state"}
    found = explore(keys, over, targets=["ecp5-25k"], **HERE)
    assert [p.cycles_per_step for p in found.points] == [10, 10]
    one, four = (p.devices[0] for p in found.points)
    assert one.dsps == 4 * four.dsps
    assert four.share < one.share
    assert found.picked == 2
    assert found.points[1].command.endswith("--parallel ring --sections-per-multiplier 4")


def test_points_without_hardware_of_a_style() -> None:
    over = {"realization": ["cascade", "dense"], "parallel": ["ring"]}
    found = explore({"d": 4, "bits": 8}, over, targets=["ecp5-25k"], **HERE)
    assert [bool(p.no_hardware) for p in found.points] == [False, True]
    dense = {"d": 4, "realization": "dense"}
    with pytest.raises(
        SpecError, match="no point has hardware; the first: parallel must be shared"
    ):
        explore(dense, {"parallel": ["ring"]}, targets=["ecp5-25k"], **HERE)


def test_layers_of_networks() -> None:
    """Lanes, and layers that take all words of a step; what does not go together is refused."""
    over = {"parallel": ["shared", "ring"], "layers": ["auto", "lanes", "adders"], "pipeline": [2]}
    keys = {"d": 4, "bits": 8, "realization": "cascade"}
    names = ("ecp5-25k", "xc7")
    found = explore(keys, over, targets=names, **HERE)
    shared, ring = found.points[:3], found.points[3:]
    assert all("must be left out with parallel shared" in p.refused for p in shared)
    design = lh.compile(lh.Memory(4).spec(bits=8, realization="cascade"))
    for point, layers in zip(ring, (None, "lanes", "adders"), strict=True):
        plan = design.schedule(lh.Hardware(parallel="ring", pipeline=2, layers=layers))
        assert point.cycles_per_step == plan.cycles_per_step
        assert point.devices == tuple(estimate(design.program, plan, TARGETS[t]) for t in names)
        assert ("--layers" in point.command) == (layers is not None)
    pipelined, lanes, adders = (p.devices[0] for p in ring)
    assert adders.dsps < pipelined.dsps
    assert (lanes.steps_per_second or 0) < (pipelined.steps_per_second or 0)


def test_lanes_that_need_longer_than_the_memory() -> None:
    """Every second step has an output: one lane needs longer for it than the memory for both."""
    memory = LMULayer(memory=LinearMemory(order=6, theta=20.0), n_in=1)
    layer = DenseLayer(W=uniform(rng(1), 3, 6), b=np.zeros(3), activation=Activation.LINEAR)
    network = lh.Network.from_layers(memory, layer)
    over = {"output_every": [2], "parallel": ["ring"], "layers": ["lanes"], "lanes": [1, 8]}
    found = explore(network, over, targets=["xc7"], **HERE)
    design = lh.compile(network, calibration=rng(2).uniform(-1, 1, (4, 60, 1)), output_every=2)
    plans = [
        design.schedule(lh.Hardware(parallel="ring", layers="lanes", lanes=lanes))
        for lanes in (1, 8)
    ]
    apart, steps = plans[0].cycles_per_output, 2 * plans[0].cycles_per_step
    assert apart > steps >= plans[1].cycles_per_output
    cycles = [-(-apart // 2), plans[1].cycles_per_step]
    assert [point.cycles_per_step for point in found.points] == cycles
