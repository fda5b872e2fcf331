"""Commands on trained models: their output, the files they write, and their errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.cli.main import main
from lmu_hw.measure import tune
from lmu_hw.models import forward
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import FloatNetwork, LinearMemory, scores
from lmu_hw.program.integer_program import from_json
from lmu_hw.quantize.calibration import Calibration
from tests.cli.command import call, refused
from tests.factories.builds import read_files
from tests.factories.networks import LINEAR, cell, lmu, network, rng, with_classes
from tests.tools import require

ROOT = Path(__file__).resolve().parents[2]
Capture = pytest.CaptureFixture[str]


def classifier() -> FloatNetwork:
    memory = LinearMemory(order=3, theta=8.0, channels=2)
    first = lmu(rng(1), 2, kind="dense", n=6, memory=memory, reads_input=True)
    return replace(with_classes(first), names=("memory", "head"))


def regression() -> FloatNetwork:
    return network(lmu(rng(1), 2, kind="lstm", n=3), cell(rng(2), "dense", 3, 1, LINEAR))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of models and data that no test may write to."""
    build_dir = tmp_path_factory.mktemp("models")
    x = rng(9).uniform(-1.0, 1.0, (40, 12, 2))
    for name, net in (("classes", classifier()), ("numbers", regression())):
        (build_dir / f"{name}.npz").write_bytes(to_bytes(net))
        y = forward.run(replace(scores(net), every_step=True), x)
        answers = np.argmax(y[:, -1], axis=1) if net.is_classifier else y
        np.savez(build_dir / f"{name}_data.npz", x=x, y=answers)
    np.savez(build_dir / "unlabelled.npz", x=x)
    np.savez(build_dir / "ragged.npz", x=x.reshape(-1, 2)[:30], offset=[0, 7, 30])
    np.savez(build_dir / "bad.npz", x=x, y=np.full(40, 3))
    (build_dir / "cut.npz").write_bytes((build_dir / "classes_data.npz").read_bytes()[:500])
    return build_dir


@pytest.fixture
def bench(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of copies, and make it the current one."""
    place = Path(shutil.copytree(shelf, tmp_path / "bench"))
    monkeypatch.chdir(place)
    return place


def same_files(shelf: Path, bench: Path) -> bool:
    """Return whether nothing was written beside, or over, what was there."""
    return read_files(shelf) == read_files(bench)


# generate


GENERATE = ("generate", "classes.npz", "--data", "classes_data.npz", "-o", "out")


def test_the_build_directory_of_a_network_is_complete(bench: Path, capsys: Capture) -> None:
    said = call(capsys, *GENERATE)
    assert said.code == 0, said
    files = read_files(bench / "out")
    manifest = json.loads(files["manifest.json"])
    assert set(manifest["files"]) == set(files) - {"manifest.json"}
    assert {"program.json", "c/lmu.c", "c/lmu.h"} <= set(files)
    program = from_json(files["program.json"].decode())
    assert manifest["digest"] == program.digest
    assert manifest["tool"] == "lmu-hw"
    assert (manifest["weight_bits"], manifest["act_bits"], manifest["coef_bits"]) == (8, 16, 16)
    assert manifest["state_bits"] == 22 or 16 <= manifest["state_bits"] <= 32
    # as it was trained: the last step alone
    assert manifest["output_every"] == program.output_every == 0
    assert manifest["multiplies_per_step"] == program.multiplies_per_step == 2 * 3 + 4
    assert manifest["multiplies_per_output"] == program.multiplies_per_output == 6 * 8 + 3 * 6
    assert manifest["network"]["multiplies_dense"] == 2 * 9 + 4 + 6 * 8 + 3 * 6
    assert manifest["calibration"] == "40 sequences, 480 steps"
    assert set(manifest["formats"]) == {v.name for v in program.vectors}
    bases = {s["basis"] for s in manifest["signals"].values()}
    assert bases == {"proven", "seen on data"}
    assert manifest["signals"]["l1_z_inner"]["basis"] == "proven"
    assert manifest["rom_bits"] > 0 < manifest["ram_bits"]


def test_what_generate_says(bench: Path, capsys: Capture) -> None:
    said = call(capsys, *GENERATE)
    assert said.err == "" or "generating" in said.err
    for text in (
        "network classes: weights 8, activations 16, memory coefficients 16 bits",
        "signals proven, the others calibrated on 40 sequences, 480 steps",
        "10 multiplies, 66 more for an output (88 dense)",
        "at the last step",
        "wrote out: next, lmu-hw verify out",
    ):
        assert text in said.out
    quiet = call(capsys, *GENERATE, "-q", "--force")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_json_of_generate_is_the_manifest(bench: Path, capsys: Capture) -> None:
    said = call(capsys, *GENERATE, "--json", "-q")
    manifest = json.loads((bench / "out" / "manifest.json").read_bytes())
    assert said.json == {"build_directory": "out", **manifest, "notes": []}
    assert said.err == ""


def test_without_data_ranges_are_made_up_and_that_is_said(bench: Path, capsys: Capture) -> None:
    said = call(capsys, "generate", "classes.npz", "-o", "out", "--input-peak", "2.5")
    assert said.code == 0
    assert "note: without --data" in said.err
    assert "noise within +-2.5" in said.err
    manifest = json.loads((bench / "out" / "manifest.json").read_bytes())
    assert manifest["calibration"] == "noise within +-2.5"
    assert call(capsys, "generate", "classes.npz", "-o", "again", "-q").err == ""


def test_the_same_request_gives_the_same_bytes(bench: Path, capsys: Capture) -> None:
    for out in ("one", "two"):
        assert call(capsys, *GENERATE[:-1], out, "-q").code == 0
    assert read_files(bench / "one") == read_files(bench / "two")


@pytest.mark.cc
def test_the_build_directory_is_verified(bench: Path, capsys: Capture) -> None:
    require("cc|gcc|clang")
    for name in ("classes", "numbers"):
        data = ("--data", f"{name}_data.npz", "--weight-bits", "4", "--act-bits", "6")
        assert call(capsys, "generate", f"{name}.npz", *data, "-o", name, "-q").code == 0
        said = call(capsys, "verify", name, "--backends", "c", "--steps", 2000, "--json", "-q")
        assert said.code == 0, said
        assert said.json["backends"]["c"]["words"] > 0


def test_every_option_of_a_model(bench: Path, capsys: Capture) -> None:
    options = "--weight-bits 3,5 --act-bits 7 --coef-bits 9 --state-bits 18 --input-bits 10"
    line = (*GENERATE, *options.split(), "--output-every", "5", "--name", "ear", "--dt-ratio", "2")
    said = call(capsys, *line, "--json", "-q")
    assert said.code == 0, said
    m = said.json
    assert m["layer_weight_bits"] == [3, 5]
    assert [m[k] for k in ("act_bits", "coef_bits", "state_bits", "input_bits")] == [7, 9, 18, 10]
    assert m["output_every"] == 5
    assert m["formats"]["clock"]["int_bits"] == 3
    assert m["formats"]["x"]["int_bits"] + m["formats"]["x"]["frac_bits"] == 10
    # half the samples in a window that is as long in seconds
    assert m["network"]["layers"][0]["theta"] == 4.0
    assert (bench / "out" / "c" / "ear.c").is_file()
    assert "weights 3,5" in m["title"]


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("options", "widths"),
    [
        ("--bits 6", (6, [], 6, 6, 16)),
        ("--bits 6 --weight-bits 2 --act-bits auto", (2, [], 6, 6, 16)),
        ("--act-bits 9 --bits 6", (6, [], 9, 6, 16)),
        ("--bits 6 --input-bits 12 --coef-bits 10", (6, [], 6, 12, 10)),
        ("--bits 6 --weight-bits 3,4", (6, [3, 4], 6, 6, 16)),
        ("", (8, [], 16, 16, 16)),
    ],
)
def test_bits_of_a_model_are_those_of_all_words_that_have_no_own(
    options: str, widths: tuple[Any, ...], bench: Path, capsys: Capture
) -> None:
    names = ("weight_bits", "layer_weight_bits", "act_bits", "input_bits", "coef_bits")
    made = call(capsys, *GENERATE, *options.split(), "--json", "-q").json
    assert tuple(made[name] for name in names) == widths
    x = made["formats"]["x"]
    assert x["int_bits"] + x["frac_bits"] == widths[3]
    found = evaluated(capsys, "classes.npz", "classes_data.npz", *options.split())["widths"]
    assert tuple(found[name] for name in names) == widths


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--d 5", "--d is for a memory only, and classes.npz is a trained model"),
        ("--bits 3", "--bits of a trained model must be"),
        ("--bits 17", "--bits of a trained model must be"),
        ("--bits 8.5", "--bits of a trained model must be"),
        ("--bits x", "--bits of a trained model must be"),
        ("--realization dense", "--realization is for a memory only"),
        ("--weight-bits 1", "weight_bits must be"),
        ("--weight-bits 17", "weight_bits must be"),
        ("--weight-bits x", "weight_bits must be"),
        ("--weight-bits 4,x", "one for each layer as in 4,6,8"),
        ("--weight-bits 4,", "one for each layer as in 4,6,8"),
        ("--weight-bits 4,5,6", "one for each of 2 layers, not 3"),
        ("--weight-bits 4,99", "weight_bits must be"),
        ("--act-bits 3", "act_bits must be"),
        ("--act-bits 8.5", "act_bits must be"),
        ("--coef-bits 25", "coef_bits must be"),
        ("--state-bits 48", "state_bits must be"),
        ("--input-bits 0", "input_bits must be"),
        ("--output-every 0", "--output-every must be"),
        ("--output-every first", "--output-every must be a number of steps, or last"),
        ("--output-every 2.5", "--output-every must be a number of steps, or last"),
        ("--input-peak 0", "--input-peak must be"),
        ("--input-peak nan", "--input-peak must be"),
        ("--input-peak 1e300", "x reaches 1e+300 but must stay below"),
        ("--dt-ratio -1", "dt ratio must be"),
        ("--theta 5", "states its own theta"),
        ("--discretizer zoh", "states its own theta"),
        ("--discretizer magic", "discretizer must be one of zoh, euler, bilinear"),
        ("--name 7up", "name must be"),
        ("--name while", "name must be"),
        ("--data none.npz", "cannot read none.npz"),
        ("--data cut.npz", "cut.npz is not a .npz file, or is damaged"),
        ("--data bad.npz", "labels y must be from 0 to 2, not 3 to 3"),
        ("--data classes.npz", "classes.npz must hold an array x"),
    ],
)
def test_what_generate_refuses(
    options: str, text: str, shelf: Path, bench: Path, capsys: Capture
) -> None:
    assert text in refused(capsys, *GENERATE, *options.split(), "-q")
    assert same_files(shelf, bench)


def test_a_directory_of_somebody_else_is_left_alone(bench: Path, capsys: Capture) -> None:
    (bench / "out").mkdir()
    (bench / "out" / "mine.txt").write_text("mine")
    assert "did not write" in refused(capsys, *GENERATE, "--force")
    assert read_files(bench / "out") == {"mine.txt": b"mine"}
    shutil.rmtree(bench / "out")
    assert call(capsys, *GENERATE, "-q").code == 0
    (bench / "out" / "c" / "lmu.c").write_text("edited")
    assert "was edited" in refused(capsys, *GENERATE)
    assert call(capsys, *GENERATE, "-q", "--force").code == 0


@pytest.mark.parametrize("name", ["with space", "Größe λ", "a'b\"c", "$(x)", "*?", "new\nline"])
def test_models_and_data_of_any_name(name: str, bench: Path, capsys: Capture) -> None:
    for old, new in (("classes.npz", f"{name}.npz"), ("classes_data.npz", f"{name} d.npz")):
        (bench / old).rename(bench / new)
    said = call(capsys, "generate", f"{name}.npz", "--data", f"{name} d.npz", "-o", name, "-q")
    assert said.code == 0, said
    title = json.loads((bench / name / "manifest.json").read_bytes())["title"]
    assert title.isascii()
    assert title.isprintable()


# evaluate


def evaluated(capsys: Capture, model: str, data: str, *options: str) -> dict[str, Any]:
    said = call(capsys, "evaluate", model, "--data", data, *options, "--json", "-q")
    assert said.code == 0, said
    assert said.err == ""
    return said.json


def test_json_of_evaluate(bench: Path, capsys: Capture) -> None:
    found = evaluated(capsys, "classes.npz", "classes_data.npz", "--weight-bits", "16")
    assert found["model"] == "classes.npz"
    assert found["widths"]["weight_bits"] == 16
    assert found["sequences"] == 40
    assert found["float"]["accuracy"] == 1.0
    assert found["integer"]["accuracy"] >= 0.95
    assert np.sum(found["integer"]["confusion"]) == 40
    assert found["worst_layer"] in ("memory", "head")
    assert set(found["signals"]["y"]) == {"format", "proven", "snr_db", "saturated"}


@pytest.mark.cc
def test_the_engines_agree_in_every_figure(bench: Path, capsys: Capture) -> None:
    require("cc|gcc|clang")
    for model, data in (
        ("classes.npz", "classes_data.npz"),
        ("numbers.npz", "numbers_data.npz"),
        ("numbers.npz", "ragged.npz"),
    ):
        c, words = (
            evaluated(capsys, model, data, "--engine", engine, "--act-bits", "5")
            for engine in ("c", "interpreter")
        )
        assert (c.pop("engine")["name"], words.pop("engine")["name"]) == ("c", "interpreter")
        assert c == words


def test_what_evaluate_says(bench: Path, capsys: Capture) -> None:
    said = call(capsys, "evaluate", "classes.npz", "--data", "classes_data.npz")
    assert said.code == 0
    for text in ("40 sequences", "accuracy", "same class", "proven", "worst layer", "confusion"):
        assert text in said.out
    said = call(capsys, "evaluate", "numbers.npz", "--data", "numbers_data.npz")
    assert "nrmse" in said.out
    assert "confusion" not in said.out
    said = call(capsys, "evaluate", "numbers.npz", "--data", "unlabelled.npz", "-q")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_fewer_sequences_and_other_data_for_the_ranges(bench: Path, capsys: Capture) -> None:
    found = evaluated(capsys, "classes.npz", "classes_data.npz", "--limit", "10")
    assert found["sequences"] == 10
    data = dict(np.load(bench / "classes_data.npz"))
    np.savez(bench / "quiet.npz", x=0.01 * data["x"])
    found = evaluated(capsys, "classes.npz", "classes_data.npz", "--calibrate", "quiet.npz")
    assert found["signals"]["x"]["saturated"] > 0.9


# notes on data


def noted(capsys: Capture, *line: str) -> list[str]:
    """Return the notes of a command: the same on stderr and in JSON, none when it is quiet."""
    said = call(capsys, *line)
    assert said.code == 0, said
    notes = [text for text in said.err.splitlines() if text.startswith("lmu-hw: note: ")]
    assert "note:" not in said.out
    quiet = call(capsys, *line, *(("--force",) if line[0] == "generate" else ()), "--json", "-q")
    assert (quiet.code, quiet.err) == (0, "")
    assert notes == [f"lmu-hw: note: {note}" for note in quiet.json["notes"]]
    return quiet.json["notes"]  # type: ignore[no-any-return]


def test_other_data_of_the_same_kind_need_no_note(bench: Path, capsys: Capture) -> None:
    data = dict(np.load(bench / "classes_data.npz"))
    np.savez(bench / "fit.npz", x=data["x"][:20], y=data["y"][:20])
    np.savez(bench / "test.npz", x=0.99 * data["x"][20:], y=data["y"][20:])
    line = ("evaluate", "classes.npz", "--data", "test.npz", "--calibrate", "fit.npz")
    assert noted(capsys, *line, "--input-peak", "1") == []
    assert noted(capsys, "generate", "classes.npz", "--data", "fit.npz", "-o", "out") == []


def test_ranges_of_the_data_that_are_judged(bench: Path, capsys: Capture) -> None:
    line = ("evaluate", "classes.npz", "--data", "classes_data.npz")
    text = "ranges are calibrated on classes_data.npz itself: figures may be too good; "
    assert noted(capsys, *line) == [text + "give other data with --calibrate"]
    # so are those of another file that holds the same sequences, of whatever type
    data = dict(np.load(bench / "classes_data.npz"))
    np.savez(bench / "fit.npz", x=np.vstack([data["x"][:7], 0.5 * data["x"]]))
    (note,) = noted(capsys, *line, "--calibrate", "fit.npz", "--input-peak", "1")
    assert note.startswith(
        "ranges are calibrated on 7 of the 40 sequences that are judged, because "
    )
    assert "fit.npz holds them too" in note
    options = ("--calibrate", "classes_data.npz", "--limit", "4")
    assert "on 4 of the 4 sequences" in noted(capsys, *line, *options)[0]


def test_ranges_that_a_model_holds_are_of_no_data(bench: Path, capsys: Capture) -> None:
    made = Calibration(classifier(), list(np.load(bench / "unlabelled.npz")["x"])).statistics(16)
    ranges = {name: (s.peak, s.power) for name, s in made.items()}
    (bench / "trained.npz").write_bytes(to_bytes(classifier(), ranges))
    assert noted(capsys, "evaluate", "trained.npz", "--data", "classes_data.npz") == []


SILENT = "silent.npz: x is zero throughout the sequences that ranges are calibrated on"


@pytest.mark.some(2)
@pytest.mark.parametrize(
    "line",
    [
        "generate classes.npz --data silent.npz -o out",
        "evaluate classes.npz --data classes_data.npz --calibrate silent.npz",
        "tune classes.npz --data classes_data.npz --calibrate silent.npz --max-loss 50%",
    ],
)
def test_calibration_on_zero_input(line: str, bench: Path, capsys: Capture) -> None:
    np.savez(bench / "silent.npz", x=np.zeros((40, 12, 2)))
    (note,) = noted(capsys, *line.split())
    assert note.startswith(SILENT)
    assert "taken to reach 1; give data like those to come" in note


def test_calibration_data_that_are_evaluated_are_named_once(bench: Path, capsys: Capture) -> None:
    np.savez(bench / "silent.npz", x=np.zeros((40, 12, 2)))
    notes = noted(capsys, *["evaluate", "numbers.npz", "--data", "silent.npz"])
    assert [SILENT in note for note in notes].count(True) == 1


def test_data_without_answers(bench: Path, capsys: Capture) -> None:
    notes = noted(
        capsys, *["evaluate", "classes.npz", "--data", "unlabelled.npz", "--input-peak", "1"]
    )
    assert notes[-1].startswith("unlabelled.npz holds no y, labels or targets: the integer network")
    assert (
        noted(capsys, *["generate", "classes.npz", "--data", "unlabelled.npz", "-o", "out"]) == []
    )
    text = refused(capsys, *["tune", "classes.npz", "--data", "unlabelled.npz", "-q"])
    assert "unlabelled.npz must hold y, labels or targets" in text


def test_one_hot_answers(bench: Path, capsys: Capture) -> None:
    data = dict(np.load(bench / "classes_data.npz"))
    np.savez(bench / "hot.npz", x=data["x"], y=np.eye(3)[data["y"]])
    options = ("--calibrate", "unlabelled.npz", "--input-peak", "1")
    line = ("evaluate", "classes.npz", "--data", "hot.npz", *options)
    assert noted(capsys, *line)[0] == "hot.npz: y (40, 3) is one-hot, taken as labels (40,)"
    found = evaluated(capsys, "classes.npz", "hot.npz", *options)
    same = evaluated(capsys, "classes.npz", "classes_data.npz", *options)
    assert found["integer"] == same["integer"]
    assert "accuracy" in found["float"]


def test_targets_of_zero(bench: Path, capsys: Capture) -> None:
    data = dict(np.load(bench / "numbers_data.npz"))
    np.savez(bench / "flat.npz", x=data["x"], y=0 * data["y"])
    notes = noted(capsys, *["evaluate", "numbers.npz", "--data", "flat.npz"])
    assert notes[-1].startswith("flat.npz: y is zero throughout, so that NRMSE is not defined")


@pytest.fixture
def loud(bench: Path) -> None:
    """Write data with two loud samples, and softer ones."""
    x = np.load(bench / "unlabelled.npz")["x"]
    x = np.clip(x, -0.9, 0.9)
    x[3, 4] = (1.5, -3.0)
    np.savez(bench / "loud.npz", x=x)
    np.savez(bench / "soft.npz", x=0.6 * np.clip(x, -1, 1), y=np.zeros(40, dtype=int))


@pytest.mark.usefixtures("loud")
def test_input_beyond_the_calibrated_range(capsys: Capture) -> None:
    options = ("--calibrate", "soft.npz", "--input-peak", "0.91")
    notes = noted(capsys, "evaluate", "classes.npz", "--data", "loud.npz", *options)
    text = (
        "2 of 960 samples of loud.npz (0.208 %) lie beyond the calibrated range of 0.91, and 2 of "
        "them saturate (Q1.15): give --input-peak 3, or calibrate on data like these"
    )
    assert notes[-1] == text
    # what stays within the format is beyond the range all the same
    options = ("--calibrate", "soft.npz", "--input-peak", "1.2")
    notes = noted(capsys, "evaluate", "classes.npz", "--data", "loud.npz", *options)
    assert "2 of 960" in notes[-1]
    assert "1 of them saturate (Q2.14)" in notes[-1]
    line = ("generate", "classes.npz", "--data", "loud.npz", "--input-peak", "0.91", "-o", "out")
    assert noted(capsys, *line) == [text]


@pytest.mark.soak
@pytest.mark.usefixtures("loud")
def test_tune_beyond_the_calibrated_range(capsys: Capture) -> None:
    line = ("tune", "classes.npz", "--data", "soft.npz", "--input-peak", "0.5", "--max-loss", "90%")
    assert "lie beyond the calibrated range of 0.5" in noted(capsys, *line)[-1]


def test_an_nrmse_is_defined_where_it_stands(bench: Path, capsys: Capture) -> None:
    said = call(capsys, "evaluate", "numbers.npz", "--data", "numbers_data.npz")
    text = "RMS error over RMS of the target, which is not centred"
    assert f"NRMSE is {text}" in said.out
    found = evaluated(capsys, "numbers.npz", "numbers_data.npz")
    assert found["nrmse_definition"] == text


@pytest.mark.parametrize("command", ["evaluate", "tune"])
@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("classes.npz --data none.npz", "cannot read none.npz"),
        ("classes.npz --data cut.npz", "cut.npz is not a .npz file, or is damaged"),
        ("classes.npz --data bad.npz", "labels y must be from 0 to 2"),
        ("classes.npz --data classes.npz", "must hold an array x"),
        ("none.npz --data classes_data.npz", "none.npz"),
        ("classes_data.npz --data classes_data.npz", "classes_data.npz"),
        ("cut.npz --data classes_data.npz", "cut.npz"),
        ("classes.npz --data classes_data.npz --limit 0", "--limit must be"),
        ("classes.npz --data classes_data.npz --limit x", "--limit must be"),
        ("classes.npz --data classes_data.npz --calibrate cut.npz", "cut.npz"),
        ("classes.npz --data classes_data.npz --rate -3", "--rate must be"),
        ("classes.npz --data classes_data.npz --engine fpga", "--engine"),
        ("classes.npz", "--data"),
    ],
)
def test_what_evaluate_and_tune_refuse(
    command: str, line: str, text: str, shelf: Path, bench: Path, capsys: Capture
) -> None:
    assert text in refused(capsys, command, *line.split(), "-q")
    assert same_files(shelf, bench)


def test_a_network_without_memory_is_refused(bench: Path, capsys: Capture) -> None:
    (bench / "flat.npz").write_bytes(to_bytes(network(cell(rng(1), "dense", 2, 3))))
    for line in ("generate flat.npz -o out", "evaluate flat.npz --data unlabelled.npz"):
        assert "must have a layer with state" in refused(capsys, *line.split())


# tune


TUNE = ("tune", "classes.npz", "--data", "classes_data.npz", "--engine", "interpreter")


def test_json_of_tune(bench: Path, capsys: Capture) -> None:
    said = call(capsys, *TUNE, "--max-loss", "5%", "--json", "-q")
    assert said.code == 0, said
    assert said.err == ""
    found = said.json
    best = found["best"]
    assert found["float"] == 1.0
    assert best["keeps"]
    assert best["loss"] <= 0.05
    assert best in found["pareto"] or best["loss"] > min(p["loss"] for p in found["pareto"])
    assert best["weight_bits"] < 16


def test_the_command_of_tune_makes_the_build_directory_of_tune(
    bench: Path, capsys: Capture
) -> None:
    """Every option that changed the design is in the line that is printed."""
    (bench / "classes.npz").rename(bench / "my classes.npz")
    np.savez(bench / "quiet.npz", x=0.4 * np.load(bench / "unlabelled.npz")["x"])
    options = (
        "--max-loss 0.1 --calibrate quiet.npz --output-every 3 --name ear --dt-ratio 1.25 "
        "--input-peak 3 --lanes 2 --streams axi --state-port -o best"
    )
    said = call(capsys, "tune", "my classes.npz", *TUNE[2:], *options.split(), "--json", "-q")
    assert said.code == 0, said
    line = shlex.split(said.json["command"])
    assert line[:3] == ["lmu-hw", "generate", "my classes.npz"]
    assert call(capsys, *line[1:], "-o", "again", "-q").code == 0
    assert read_files(bench / "again") == read_files(bench / "best")


def test_what_tune_says(bench: Path, capsys: Capture) -> None:
    line = ("tune", "numbers.npz", "--data", "numbers_data.npz", "--engine", "interpreter")
    said = call(capsys, *line, "--max-loss", "2%")
    assert said.code == 0
    note, *lines = said.err.splitlines()
    assert note.startswith("lmu-hw: note: ranges are calibrated on numbers_data.npz itself")
    assert all(line.startswith("lmu-hw:") for line in lines)
    assert len(lines) > 5
    assert {line.split()[-1] for line in lines} == {"keeps", "loses"}
    assert "float: 0.00 %; Pareto-optimal points, cheapest first:" in said.out
    assert "scores are NRMSE: RMS error over RMS of the target, which is not centred" in said.out
    assert re.search(r"^next: lmu-hw generate numbers.npz .*--weight-bits", said.out, re.MULTILINE)
    quiet = call(capsys, *TUNE, "--max-loss", "5%", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_tune_writes_the_best_build_directory(bench: Path, capsys: Capture) -> None:
    said = call(capsys, *TUNE, "--max-loss", "5%", "-o", "best", "--json", "-q")
    best = said.json["best"]
    manifest = json.loads((bench / "best" / "manifest.json").read_bytes())
    for key in ("weight_bits", "act_bits", "coef_bits", "state_bits", "rom_bits", "ram_bits"):
        assert manifest[key] == best[key]
    assert manifest["output_every"] == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--max-loss lots", "--max-loss must be a share such as 0.2% or 0.002, not 'lots'"),
        ("--max-loss 100%", "--max-loss must be a share"),
        ("--max-loss=-1%", "--max-loss must be a share"),
        ("--max-loss nan", "--max-loss must be a share"),
        ("--output-every 0", "--output-every must be"),
        ("--data unlabelled.npz", "unlabelled.npz must hold y"),
        ("-o .", "current directory"),
    ],
)
def test_what_tune_refuses(
    options: str, text: str, shelf: Path, bench: Path, capsys: Capture
) -> None:
    assert text in refused(capsys, *TUNE, *options.split(), "-q")
    assert same_files(shelf, bench)


def test_what_cannot_be_kept_is_one_line(shelf: Path, bench: Path, capsys: Capture) -> None:
    line = ("tune", "numbers.npz", "--data", "numbers_data.npz", "--engine", "interpreter")
    text = refused(capsys, *line, "--max-loss", "0", "-q", "-o", "best")
    assert "even 16-bit words lose" in text
    assert same_files(shelf, bench)


def interrupted_after(points: int, patch: pytest.MonkeyPatch) -> None:
    run, met = tune.run_integers, []

    def spy(*arguments: Any) -> Any:
        if len(met) == points:
            raise KeyboardInterrupt
        met.append(arguments)
        return run(*arguments)

    patch.setattr(tune, "run_integers", spy)


def test_ctrl_c_leaves_what_was_found(
    shelf: Path, bench: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for points in (3, 0):
        with monkeypatch.context() as patch:
            interrupted_after(points, patch)
            said = call(capsys, *TUNE, "-o", "best")
        assert said.code == 130
        assert said.err.endswith("lmu-hw: interrupted\n")
        assert ("Pareto-optimal points" in said.out) == (points > 0)
        for flag in ("--json", "-q"):
            with monkeypatch.context() as patch:
                interrupted_after(points, patch)
                said = call(capsys, *TUNE, "-o", "best", flag)
            assert (said.code, said.out) == (130, "")
    assert same_files(shelf, bench)


def test_ctrl_c_in_a_process(bench: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "lmu_hw", *TUNE, "--max-loss", "5%"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        # whoever runs the tests in the background has Ctrl-C ignored, which is inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stderr is not None
    assert "note: ranges are calibrated on" in run.stderr.readline()
    first = run.stderr.readline()
    assert "weights 16" in first
    time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "Traceback" not in err
    assert "Pareto-optimal points" in out


# the others


def test_json_of_import_and_inspect(bench: Path, capsys: Capture) -> None:
    found = call(capsys, "inspect", "classes.npz", "--json", "--rate", "100").json
    assert [layer["name"] for layer in found["layers"]] == ["memory", "head"]
    said = call(capsys, "import", "classes.npz", "-o", "copy.npz", "--json")
    assert said.json["model"] == "copy.npz"
    assert (bench / "copy.npz").read_bytes() == (bench / "classes.npz").read_bytes()


def test_as_a_module(bench: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lmu_hw", "inspect", "classes.npz", "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    assert json.loads(done.stdout)["file"] == "classes.npz"
    assert main(["inspect", "classes.npz", "-q"]) == 0
