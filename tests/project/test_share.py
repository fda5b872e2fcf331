"""Shares of the soaks: together they are all of them, each of about the same size."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project import share
from tests.tools import require

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / ".ci" / "run"


@dataclass(frozen=True)
class Item:
    """A test that may be a soak."""

    name: str
    soak: bool

    @property
    def nodeid(self) -> str:
        return self.name

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return pytest.mark.soak.mark if self.soak and name == "soak" else None

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        raise AssertionError("shares mark nothing")


ITEMS = [Item(str(k), soak=k % 3 != 0) for k in range(100)]
SOAKS = [item for item in ITEMS if item.soak]


@pytest.mark.parametrize("n", [1, 2, 7, 66])
def test_shares_are_all_of_them(n: int) -> None:
    found: list[Item] = []
    for k in range(1, n + 1):
        run, left_out = share.split(ITEMS, (k, n))
        assert sorted([*run, *left_out], key=ITEMS.index) == ITEMS
        soaks = [item for item in run if item.soak]
        assert [item for item in run if not item.soak] == [i for i in ITEMS if not i.soak]
        assert abs(len(soaks) - len(SOAKS) / n) < 1
        found += soaks
    assert sorted(found, key=ITEMS.index) == SOAKS


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/0", "1/101", "-1/3", "1/3 ", "a/b"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(pytest.UsageError, match="must be k/n with 1 <= k <= n <= 100"):
        share.parse(text)


@dataclass(frozen=True)
class Case:
    """A case of a test, with its markers."""

    nodeid: str
    markers: list[pytest.Mark]

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next((m for m in self.markers if m.name == name), None)

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        self.markers.append(marker.mark)


@pytest.mark.parametrize(
    ("n", "kept"), [(1, [0]), (3, [0, 3, 6]), (10, list(range(10))), (20, list(range(10)))]
)
def test_some_cases_are_no_soaks(n: int, kept: list[int]) -> None:
    some = pytest.mark.some(n).mark
    cases = [Case(f"test_a.py::test_b[{k}]", [some]) for k in range(10)]
    other = Case("test_a.py::test_c[1]", [])
    alone = Case("test_a.py::test_d[1]", [some])
    share.thin_out([*cases, other, alone])
    assert [k for k, case in enumerate(cases) if len(case.markers) == 1] == kept
    assert (other.markers, alone.markers) == ([], [some])


def run_ci(tmp_path: Path, sha: str, **variables: str) -> list[str]:
    """Return what `.ci/run` asks of make, at a commit, and what it says."""
    (tmp_path / "make").write_text('#!/bin/sh\necho "make $*"\n')
    (tmp_path / "git").write_text(f"#!/bin/sh\n{f'echo {sha}' if sha else 'exit 128'}\n")
    for name in ("make", "git"):
        (tmp_path / name).chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if k != "SOAK_SHARE"}
    env = {**kept, **variables, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    said = subprocess.run([CI], env=env, capture_output=True, text=True, check=True)
    return said.stdout.splitlines()


def test_the_commit_chooses_the_share(tmp_path: Path) -> None:
    lines = run_ci(tmp_path, f"{13 * 7 + 4:07x}" + "f" * 33)
    assert lines[:4] == ["make test", "make docs", "make browser", "make formal"]
    assert lines[4] == "soaks: share 5/13; SOAK_SHARE=5/13 .ci/run repeats it"
    assert lines[5:] == ["make soak SOAK_SHARE=5/13"]
    assert run_ci(tmp_path, "", SOAK_SHARE="2/9")[-1] == "make soak SOAK_SHARE=2/9"
    assert run_ci(tmp_path, "")[-1] == "make soak SOAK_SHARE=1/13"


def test_make_hands_the_share_on() -> None:
    require("make")
    # the make that runs this test hands its own choices on
    own = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "PYTEST_ARGS", "FUZZ_INPUTS")
    env = {k: v for k, v in os.environ.items() if k not in own} | {"SOAK_SHARE": ""}

    def commands(*argv: str) -> str:
        line = ["make", "-n", *argv]
        said = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
        return said.stdout

    assert "-m soak --soak-share 3/13" in commands("soak", "SOAK_SHARE=3/13")
    assert "--soak-share" not in commands("soak")
    nightly = commands("nightly")
    parts = ("-n auto --dist worksteal \n", "-m sphinx", "-m browser", "-m formal", "-m soak")
    parts = (*parts, "tests.fuzz --inputs 20000", "tests.mutation", "-m kits", "benchmarks/*.py")
    places = [nightly.index(part) for part in parts]
    assert places == sorted(places)
    assert "--soak-share" not in nightly
