"""Every code block of README.md and docs/ runs, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project import code_blocks

PAGES = [
    ROOT / "README.md",
    *sorted(
        path
        for path in (ROOT / "docs").rglob("*.md")
        if not {"_build", "gallery"} & set(path.relative_to(ROOT).parts)
    ),
]
WITH_BLOCKS = [page for page in PAGES if "```" in page.read_text(encoding="utf-8")]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


LONG = ("docs/howto/", "docs/tutorial/", "docs/index.md")
"""Guides and lessons take their time; README and the other pages run every time."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(p, id=name(p), marks=[pytest.mark.soak] * name(p).startswith(LONG))
        for p in WITH_BLOCKS
    ],
)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # as in a checkout, where readers try them
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "sim").symlink_to(ROOT / "sim")
    code_blocks.run(page)


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=name)
def test_every_block_has_a_language_that_is_run(page: Path) -> None:
    fences = re.findall(r"^ *```(\S*)", page.read_text(encoding="utf-8"), flags=re.M)
    directives = {word for word in fences if word.startswith("{")}
    assert set(fences[::2]) - directives <= code_blocks.RUN, "name the language of each block"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < 900


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        # pages of the gallery are made when the site is built
        if not link.startswith("gallery/") and "/gallery/" not in link:
            assert (page.parent / link).exists(), f"{name(page)} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tables_have_a_head(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for table in re.findall(r"(?:^\|.*\n?)+", text, flags=re.M):
        head, rule, *_ = [*table.splitlines(), ""]
        assert re.fullmatch(r"(\| ?:?-+:? ?)+\|", rule), f"{name(page)}: {head}"
        assert head.replace("\\|", "").count("|") == rule.count("|"), f"{name(page)}: {head}"


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", "prints\n2"),
        ("```python\nprint(1)\n```\n", "ends without"),
        ("```python\nraise ValueError('this')\n```\n", "this"),
        ("```console\n$ lmu-hw certify nowhere\n```\n", "nowhere"),
        ("```console\n$ python --version\nPython 2.7\n```\n", "page says"),
        ("```json\n{]\n```\n", "Expecting"),
    ],
)
def test_a_wrong_block_is_found(
    block: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(block)
    with pytest.raises((Exception, pytest.fail.Exception), match=re.escape(fault)):
        code_blocks.run(page)
