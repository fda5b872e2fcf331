"""What is released: the sdist and the wheel, and the wheel alone in an empty environment.

The files are those of the repository and no others. The environment is empty: only the wheel and
what it declares are installed there, so that a dependency that is not declared is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import lmu_hw
from tests.tools import require, tools_required

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {"lmu_hw": "lmu_hw", "rtl_templates": "lmu_hw/_rtl_templates", "sim": "lmu_hw/_sim"}
"""Directories of the repository, and their places in the wheel."""
OFFLINE = "after connection broken by"
"""pip's words where it reaches no package index."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the sdist, and the wheel built from it."""
    place = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", place, ROOT)
    (sdist,), (wheel,) = place.glob("*.tar.gz"), place.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """Return the files of the repository, those of a change that is not committed included."""
    command = ("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    try:
        listed = run(*command, cwd=ROOT).split("\0")
    except (FileNotFoundError, AssertionError):
        pytest.skip("not in a git repository")
    return {name for name in listed if (ROOT / name).is_file()}


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a command as from a shell that knows nothing of this checkout; return its stdout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_sdist_is_the_repository(built: tuple[Path, Path], tracked: set[str]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert names == tracked | {"PKG-INFO"}


def test_the_wheel_is_the_package_with_its_templates_and_benches(
    built: tuple[Path, Path], tracked: set[str]
) -> None:
    names = set(zipfile.ZipFile(built[1]).namelist())
    wanted = {
        f"{SHIPPED[top]}/{rest}"
        for top, _, rest in (name.partition("/") for name in tracked)
        if top in SHIPPED
    }
    info = f"lmu_hw-{lmu_hw.__version__}.dist-info"
    wanted |= {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    wanted |= {f"{info}/licenses/{name}" for name in ("LICENSE", "NOTICE")}
    assert names == wanted


def test_the_metadata_is_valid(built: tuple[Path, Path]) -> None:
    archive = zipfile.ZipFile(built[1])
    (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = Metadata.from_email(archive.read(name), validate=True)
    assert str(metadata.version) == lmu_hw.__version__
    assert metadata.license_expression == "Apache-2.0"
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.soak
def test_the_wheel_alone_generates_and_verifies(built: tuple[Path, Path], tmp_path: Path) -> None:
    require("cc|gcc|clang|iverilog")
    bin_dir = install(built[1], tmp_path / "venv")
    python, command, out = bin_dir / "python", bin_dir / "lmu-hw", tmp_path / "out"

    code = "import lmu_hw; print(lmu_hw.__file__, lmu_hw.__version__)"
    assert run(python, "-c", code, cwd=tmp_path).startswith(str(tmp_path / "venv"))
    assert run(command, "--version", cwd=tmp_path).split()[-1] == lmu_hw.__version__

    run(command, "generate", "--d", 6, "--bits", 12, "-o", out, cwd=tmp_path)
    said = run(command, "verify", out, "--steps", 300, cwd=tmp_path)
    lines = [line for line in said.splitlines() if "NOT VERIFIED" not in line]
    assert lines
    assert all("equal in every word" in line for line in lines), said


def install(wheel: Path, place: Path) -> Path:
    """Install a wheel and what it declares in an environment of their own; return its bin."""
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--no-input")
    try:
        run(*pip, "install", "--no-compile", "--retries", 1, wheel)
        run(*pip, "check")
    except AssertionError as error:
        if OFFLINE in str(error) and not tools_required():
            pytest.skip("pip reaches no package index, so the wheel cannot be installed alone")
        raise
    return place / "bin"
