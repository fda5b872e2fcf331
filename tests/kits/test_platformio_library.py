"""Kit ``platformio``: packed, built and run by PlatformIO Core, without its registry."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lmu_hw.kits.c_library import vectors_header
from lmu_hw.kits.platformio_library import PLATFORMIO
from tests.conftest import ROOT
from tests.factories.builds import write_files
from tests.factories.kit_designs import write_kit
from tests.kits.designs import APP, FIRST_OUTPUT, ecg, gyro
from tests.kits.readme import damage, follow
from tests.tools import require, tools_required

# where `make kits` installs it: one of its packages brings a plugin for pytest
PLACE = ROOT / "build" / "platformio"
# What the registry would send: a platform for the compilers of this computer, and SCons.
BUILDER = """
from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
for tool in ("gcc", "g++"):
    env.Tool(tool)
program = env.BuildProgram()
run = env.VerboseAction("$SOURCE $PROGRAM_ARGS", "Executing $SOURCE")
AlwaysBuild(env.Alias("exec", program, run))
Default(program)
"""
PLATFORM = {"name": "native", "version": "1.2.1", "title": "Native", "description": "Stand-in"}
SCONS = {"name": "tool-scons", "version": "4.41101.0", "description": "SCons of PyPI"}


def registered(kind: str, manifest: dict[str, str]) -> str:
    """Return PlatformIO's record of an installed package."""
    spec = {"owner": "platformio", "id": None, "name": manifest["name"], "requirements": None}
    record = {key: manifest[key] for key in ("name", "version")}
    return json.dumps({"type": kind, **record, "spec": {**spec, "uri": None}})


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    require("gcc", "g++")
    if not (PLACE / "platformio").is_dir():
        reason = "no build/platformio; make kits installs it"
        pytest.fail(reason) if tools_required() else pytest.skip(reason)
    write_files(
        tmp_path / "core",
        {
            "platforms/native/platform.json": json.dumps(PLATFORM),
            "platforms/native/builder/main.py": BUILDER,
            "platforms/native/.piopm": registered("platform", PLATFORM),
            "packages/tool-scons/package.json": json.dumps(SCONS),
            "packages/tool-scons/scons.py": "import SCons.Script\n\nSCons.Script.main()\n",
            "packages/tool-scons/.piopm": registered("tool", SCONS),
        },
    )
    # its script has this Python in it, or that of another checkout
    write_files(
        tmp_path / "bin",
        {"pio": f'#!/bin/sh\nexec "{sys.executable}" -m platformio "$@"\n'},
    )
    (tmp_path / "bin" / "pio").chmod(0o755)
    return {
        "PATH": os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(PLACE),
        "PLATFORMIO_CORE_DIR": str(tmp_path / "core"),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
    }


def test_the_manifest() -> None:
    files = PLATFORMIO.files(gyro())
    manifest = json.loads(str(files["library.json"]))
    assert (manifest["name"], manifest["version"]) == ("gyro", "1.2.3")
    for file in manifest["examples"][0]["files"]:
        assert f"examples/vectors/{file}" in files
    for header in manifest["headers"]:
        assert f"src/{header}" in files


@pytest.mark.kits
def test_the_readme(variables: dict[str, str], tmp_path: Path) -> None:
    place = write_kit(PLATFORMIO, gyro(), tmp_path)
    done = follow(place, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^PASS (\S+): 96 outputs", done.stdout, re.M) == ["C", "C++"]
    assert "warning" not in done.stderr
    with tarfile.open(place / "gyro-1.2.3.tar.gz") as tar:
        packed = set(tar.getnames())
    assert packed == set(PLATFORMIO.files(gyro()))


@pytest.mark.kits
def test_a_damaged_vector_fails(variables: dict[str, str], tmp_path: Path) -> None:
    place = write_kit(PLATFORMIO, gyro(), tmp_path)
    damage(place / "examples/vectors/src/gyro_vectors.h", FIRST_OUTPUT)
    done = follow(place, **variables)
    assert done.returncode != 0
    assert "FAIL C: the output of step 0 differs" in done.stdout


@pytest.mark.kits
def test_a_wrong_manifest_is_not_packed(variables: dict[str, str], tmp_path: Path) -> None:
    place = write_kit(PLATFORMIO, gyro(), tmp_path)
    text = (place / "library.json").read_text()
    (place / "library.json").write_text(text.replace('"recurrent"', '"Recurrent!"'))
    done = follow(place, **variables)
    assert done.returncode != 0
    assert "chars are allowed" in done.stdout + done.stderr


@pytest.mark.kits
def test_two_designs_in_one_program(variables: dict[str, str], tmp_path: Path) -> None:
    """From their archives, as the README has it."""
    lines = []
    app = write_files(tmp_path / "app", {"src/main.cpp": APP})
    for design in (gyro(), ecg()):
        place = write_kit(PLATFORMIO, design, tmp_path / design.name)
        archive = app / f"{design.name}-1.2.3.tar.gz"
        pio(variables, "pkg", "pack", "-o", str(archive), str(place))
        line = re.search(r"^lib_deps = (.*)", (place / "README.md").read_text(), re.M)
        assert line is not None
        lines.append(line[1].replace("file://", f"file://{app}/"))
        write_files(app, {f"src/{design.name}_vectors.h": vectors_header(design)})
    project = "[env:two]\nplatform = native\nlib_deps =\n"
    write_files(app, {"platformio.ini": project + "".join(f"  {line}\n" for line in lines)})
    done = pio(variables, "run", "-d", str(app), "-t", "exec")
    assert done.returncode == 0, done.stdout + done.stderr
    damage(app / "src" / "ecg_vectors.h", FIRST_OUTPUT)
    assert pio(variables, "run", "-d", str(app), "-t", "exec").returncode == 1


def pio(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["pio", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
