"""What contributors and users meet first: workflows, forms, guides and the versions in them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import lmu_hw

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
GUIDE = ROOT / "CONTRIBUTING.md"
# in parts, so that this file does not name one
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("anaconda", "org"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("download", "pytorch", "org"),
        ("badge", "fury", "io"),
        ("shields", "io/pypi"),
    )
]
"""Hosts of package registries, and of badges that ask them."""


def load(path: Path) -> Any:
    # BaseLoader: else YAML reads the key `on` as true, and 3.10 as 3.1
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def jobs(name: str) -> dict[str, Any]:
    return dict(load(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"])


def commands(workflow: Path) -> list[str]:
    """Return the lines that a workflow runs, once for every entry of a job's matrix."""
    found = []
    for job in load(workflow)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job.get("steps", ()):
            lines = step.get("run", "").splitlines()
            for key, values in matrix.items():
                placeholder = f"${{{{ matrix.{key} }}}}"
                lines = [line.replace(placeholder, v) for line in lines for v in values]
            found += lines
    return found


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):(?!=)", text, re.MULTILINE))


def nightly_targets() -> list[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^NIGHTLY := (.*)$", text, re.MULTILINE)
    return str(line).split()


def files() -> list[Path]:
    """Return the files of the repository."""
    command = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others")
    try:
        listed = subprocess.run(
            (*command, "--exclude-standard"), capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not in a git repository")
    return [path for name in listed.split("\0") if (path := ROOT / name).is_file()]


# workflows


def test_there_are_workflows_and_forms() -> None:
    names = {path.stem for path in WORKFLOWS}
    assert names == {"tests", "nightly", "docs", "release"}
    assert {path.stem for path in FORMS} == {"config", "bug", "feature", "wrong_words"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_least_rights_and_an_end(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()
            continue
        assert job["timeout-minutes"]
        for step in job["steps"]:
            action = step.get("uses", "")
            if action.startswith("./"):
                assert (ROOT / action / "action.yml").is_file()
            elif action:
                assert re.search(r"@(release/)?v\d+$", action), action
            if action.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"


def test_every_python_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = " ".join(project["classifiers"])
    declared = re.findall(r"Python :: (3\.\d+)", names)
    assert jobs("tests")["python"]["strategy"]["matrix"]["python"] == declared
    setup = jobs("tests")["oldest"]["steps"][1]["with"]
    assert f">={setup['python-version']}" == project["requires-python"] == f">={declared[0]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_exists(path: Path) -> None:
    for line in commands(path):
        word, *rest = line.split() or [""]
        if word == "make":
            assert {w for w in rest if w[0] != "-" and "=" not in w} <= make_targets(), line
        elif word.startswith((".ci/", "scripts/")):
            assert (ROOT / word).is_file(), line


def test_the_nightly_workflow_leaves_nothing_of_make_nightly_out() -> None:
    lines = [line for line in commands(ROOT / ".github/workflows/nightly.yml") if "make" in line]
    assert {line.split()[1] for line in lines} == set(nightly_targets())
    shares = re.findall(r"SOAK_SHARE=(\d+)/(\d+)", "\n".join(lines))
    assert sorted(int(k) for k, _ in shares) == list(range(1, len(shares) + 1))
    assert {int(n) for _, n in shares} == {len(shares)}
    inputs = re.search(r"^nightly: FUZZ_INPUTS = (\d+)$", (ROOT / "Makefile").read_text(), re.M)
    assert inputs
    assert all(f"FUZZ_INPUTS={inputs[1]}" in line for line in lines if " fuzz" in line)


def test_only_publishing_may_ask_for_a_token() -> None:
    found = {name: job.get("permissions") for name, job in jobs("release").items()}
    publish = found.pop("publish")
    assert publish == {"id-token": "write"}
    assert set(found.values()) == {None}
    release = load(ROOT / ".github" / "workflows" / "release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    assert release["jobs"]["publish"]["needs"] == "build"
    assert release["jobs"]["build"]["needs"] == "tests"
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_ask_for_what_repeats_a_fault(path: Path) -> None:
    form = load(path)
    if path.stem == "config":
        return
    assert form["name"]
    assert form["description"]
    fields = {field["id"]: field for field in form["body"] if field["type"] != "markdown"}
    assert all(field["attributes"]["label"] for field in fields.values())
    wanted = {
        "bug": {"command", "digest", "doctor"},
        "wrong_words": {"generate", "digest", "verify", "doctor"},
    }
    assert wanted.get(path.stem, set()) <= fields.keys()


# hooks


def test_hooks_run_the_tools_of_the_environment() -> None:
    config = load(ROOT / ".pre-commit-config.yaml")
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert all(hook["language"] == "system" for hook in hooks)
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks)
    assert {"ruff-check", "ruff-format", "mypy"} <= {hook["id"] for hook in hooks}


# versions


def test_the_citation_is_of_this_version() -> None:
    citation = load(ROOT / "CITATION.cff")
    assert citation["version"] == lmu_hw.__version__
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == "Apache-2.0"
    assert citation["authors"]
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == [
        "Voelker",
        "Kajić",
        "Eliasmith",
    ]


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if sections[0] == "[Unreleased]":
        del sections[0]
    found = [re.fullmatch(r"\[(\S+)\] - (\d{4}-\d{2}-\d{2}|unreleased)", s) for s in sections]
    assert all(found), sections
    dates = [match[2] for match in found if match]
    assert found[0]
    assert found[0][1] == lmu_hw.__version__
    assert "unreleased" not in dates[1:]
    assert load(ROOT / "CITATION.cff").get("date-released", "unreleased") == dates[0]


# texts


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, HOSTS)).encode(), re.IGNORECASE)
    named = {
        path.relative_to(ROOT).as_posix(): sorted({m.decode() for m in pattern.findall(data)})
        for path in files()
        if (data := path.read_bytes()) and pattern.search(data)
    }
    assert not named


def in_code(path: Path) -> set[str]:
    """Return what a guide sets in backticks."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"`([^`]+)`", text))


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "RELEASING.md"])
def test_paths_in_a_guide_exist(name: str) -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in files()}
    paths = {word for word in in_code(ROOT / name) if word.split("/")[0] in tops}
    assert paths
    assert not {word for word in paths if not (ROOT / word).exists()}


def test_names_in_the_guide_exist() -> None:
    """Classes, functions, tables, options and tests: recipes are followed word by word."""
    names = {word.partition("(")[0] for word in in_code(GUIDE) if not (ROOT / word).exists()}
    parts = {part for n in names if re.fullmatch(r"\w+(\.\w+)*", n) for part in n.split(".")}
    sources = [path for path in files() if path.suffix in {".py", ".toml", ".sh"}]
    texts = (path.read_text(encoding="utf-8") for path in sources if path != Path(__file__))
    known = set(re.findall(r"\w+", "\n".join([*texts, (ROOT / "Makefile").read_text()])))
    missing = parts - known
    assert len(parts) > 50
    assert not missing


def test_rooms_in_the_guide_are_those_of_the_package() -> None:
    table = re.findall(r"^\| `lmu_hw/(\w+)/`", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    rooms = {path.parent.name for path in (ROOT / "lmu_hw").glob("*/__init__.py")}
    assert set(table) == rooms
    assert len(table) == len(rooms)
