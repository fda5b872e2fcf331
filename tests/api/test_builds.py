"""Build directories: words of their own C, verification, damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import EmitError, MismatchError, ModelFileError, SpecError
from tests.api.test_sources import X, network
from tests.factories.builds import break_c
from tests.tools import require

DESIGN = lh.compile(lh.Memory(3, theta=12, channels=2), bits=8)
WORDS = np.random.default_rng(0).integers(-128, 128, (60, 2))


@pytest.fixture
def build(tmp_path: Path) -> lh.Build:
    return DESIGN.write(tmp_path / "out")


@pytest.mark.cc
@pytest.mark.parametrize("engine", ["c", "interpreter"])
def test_a_build_runs_like_its_design(build: lh.Build, engine: str) -> None:
    require("cc|gcc|clang")
    first = build.run(WORDS[:20], engine=engine)
    rest = build.run(WORDS[20:], state=first.state, engine=engine)
    whole = DESIGN.run(WORDS)
    np.testing.assert_array_equal(np.vstack([first.outputs, rest.outputs]), whole.outputs)
    np.testing.assert_array_equal(rest.state, whole.state)
    np.testing.assert_array_equal(build.predict(WORDS / 128), DESIGN.to_real(whole.outputs))


@pytest.mark.cc
def test_a_build_runs_the_c_that_lies_in_it(build: lh.Build) -> None:
    """Broken C gives other words, and verify finds them."""
    require("cc|gcc|clang")
    break_c(build.path)
    assert not np.array_equal(build.run(WORDS, engine="c").outputs, DESIGN.run(WORDS).outputs)
    np.testing.assert_array_equal(
        build.run(WORDS, engine="interpreter").outputs, DESIGN.run(WORDS).outputs
    )
    report = build.verify("c", steps=200)
    assert not report.passed
    (result, *_) = report.results
    assert result.mismatches > 0
    assert result.first is not None
    assert "c" in report.edited[0]
    with pytest.raises(MismatchError, match="step"):
        report.check()


@pytest.mark.cc
def test_a_right_build_passes_with_words_of_the_caller(build: lh.Build) -> None:
    require("cc|gcc|clang")
    report = build.verify(["c"], inputs=WORDS)
    report.check()
    assert report.passed
    assert {result.steps for result in report.results} == {len(WORDS)}


def test_verify_refuses_what_it_does_not_know(build: lh.Build) -> None:
    with pytest.raises(SpecError, match="fpga"):
        build.verify("fpga")
    with pytest.raises(SpecError, match="integers"):
        build.verify("c", inputs=WORDS * 0.5)
    with pytest.raises(SpecError, match="shape"):
        build.verify("c", inputs=WORDS[:, :1])
    with pytest.raises(SpecError, match="one stream"):
        build.verify("c", inputs=WORDS[None])


def test_a_build_knows_its_memory(build: lh.Build, tmp_path: Path) -> None:
    assert build.memory == lh.Memory(3, theta=12, channels=2)
    other = lh.compile(network(), calibration=X).write(tmp_path / "network")
    with pytest.raises(SpecError, match="must be a memory's"):
        _ = other.memory
    assert other.certify() is not None


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("program.json", "{", "program.json"),
        ("program.json", None, "program.json"),
        ("manifest.json", "[]", "manifest.json"),
        ("manifest.json", None, "lmu-hw"),
    ],
)
def test_a_damaged_build_is_not_opened(
    build: lh.Build, file: str, text: str | None, said: str
) -> None:
    assert lh.open_build(str(build.path)) == build
    if text is None:
        (build.path / file).unlink()
    else:
        (build.path / file).write_text(text)
    with pytest.raises(ModelFileError, match=said):
        lh.open_build(build.path)


def test_a_build_of_another_program_is_not_opened(build: lh.Build, tmp_path: Path) -> None:
    other = lh.compile(lh.Memory(2)).write(tmp_path / "other")
    (build.path / "program.json").write_bytes((other.path / "program.json").read_bytes())
    with pytest.raises(ModelFileError, match="not the program that"):
        lh.open_build(build.path)


def test_other_directories_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("a year of work")
    for force in (False, True):
        with pytest.raises(EmitError):
            DESIGN.write(tmp_path / "thesis", force=force)
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0"),
    ],
)
def test_verify_refuses_what_is_out_of_range(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        lh.Build(Path("nowhere")).verify("c", **options)


@pytest.mark.parametrize(
    ("targets", "options", "said"),
    [
        ((), {}, "targets must name a device: ice40-up5k"),
        (("xc7",), {"seed": "a"}, "seed must be a whole number"),
        (("xc7",), {"freq": -3}, "freq must be > 0"),
        (("xc7",), {"freq": 5000}, "freq must be at most 1000 MHz"),
    ],
)
def test_synth_refuses_what_is_out_of_range(
    targets: tuple[str, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        lh.Build(Path("nowhere")).synth(*targets, **options)
