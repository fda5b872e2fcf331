"""The deviations from MISRA C:2012 are exactly those that docs/reference/misra.md lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.factories.builds import write_c
from tests.factories.corners import CORNERS
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import LABELLED, PROGRAMS
from tests.factories.spiking_programs import SPIKING
from tests.tools import needs, run

pytestmark = pytest.mark.cc
tools = needs("cppcheck")

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "misra.md"
DESIGNS = {
    "labelled": LABELLED,
    "dense": PROGRAMS["dense_channels"],
    "wide": PROGRAMS["wide"],
    "every": NETWORKS["lmu_every_3"],
    "functions": CORNERS["functions"],
    "ladder": CORNERS["ladders"],
    "integrate": SPIKING["integrate_channels"],
    "poisson": CORNERS["spiking_both_ways"],
}
FLAGS = ["--quiet", "--std=c99", "--addon=misra", "--suppress=missingIncludeSystem"]
REPORT = re.compile(r"(\w+\.[ch]):\d+:\d+: .*\[misra-c2012-([\d.]+)\]\n(.*)\n")


def found(names: Iterable[str], tmp_path: Path) -> dict[str, int]:
    """Return the number of different lines of code that break each rule."""
    places: dict[str, set[tuple[str, str]]] = {}
    for name in names:
        c_dir = write_c(DESIGNS[name], tmp_path / name)
        said = run("cppcheck", *FLAGS, "lmu.c", cwd=c_dir).stderr
        assert "misra-c2012" in said, said
        for file, rule, line in REPORT.findall(said):
            places.setdefault(rule, set()).add((file, line.strip()))
    return {rule: len(lines) for rule, lines in places.items()}


def listed() -> dict[str, int]:
    """Return the places of each rule of the page."""
    rows = re.findall(
        r"^\| (\d+\.\d+) \| (\d+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE
    )
    return {rule: int(n) for rule, n, _, _ in rows}


def check_version() -> None:
    """Skip the test if Cppcheck is not the one that the page is of."""
    version = run("cppcheck", "--version").stdout.split()[-1]
    (known,) = re.findall(r"Cppcheck ([\d.]+\d)", PAGE.read_text())
    if version != known:
        pytest.skip(f"cppcheck {version} reports other rules than {known}, which the page is of")


@pytest.mark.soak
def test_page_lists_exactly_what_the_addon_finds(tmp_path: Path) -> None:
    check_version()
    assert found(DESIGNS, tmp_path) == listed()


@pytest.mark.soak
def test_one_design_breaks_no_other_rules(tmp_path: Path) -> None:
    check_version()
    rules = found(["every"], tmp_path)
    assert {"8.9", "15.5"} <= set(rules) <= set(listed())


def test_rules_of_the_page_are_in_order() -> None:
    rules = [tuple(map(int, rule.split("."))) for rule in listed()]
    assert rules == sorted(rules)
    assert rules
