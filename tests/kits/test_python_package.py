"""Kit ``python``: the wheel is built without a network, installed and compared with the vectors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.kits.python_package import PYTHON
from tests.factories.kit_designs import c_design, write_kit
from tests.kits.designs import PROGRAMS, ecg, gyro
from tests.kits.readme import damage, follow
from tests.tools import require, run

# this Python, and no index
OFFLINE = {
    "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip turns this around: there is none
    "PIP_NO_INDEX": "1",
}
TWO = """
import numpy as np, ecg, gyro
models, sizes = (ecg.Model(), gyro.Model()), []
for model, design in zip(models, (ecg, gyro)):
    for kind in (np.int8, np.uint64, np.int64):
        u = np.full((5, design.N_IN), np.iinfo(kind).max, dtype=kind)
        other = design.Model()
        assert (other.run(u) == np.array(design.Model().run(u.tolist()))).all()
    sizes.append(model.run(u).shape)
    assert model.ready() and model.step(u[0], output=False) is None
    for wrong in (u[0], u[:, :0], u / 2):
        try:
            model.run(wrong)
        except (TypeError, ValueError) as error:
            print(error)
print(sizes, ecg.INPUTS, ecg.DIGEST != gyro.DIGEST)
try:
    models[0].load(models[1].save().ljust(ecg.SAVED_BYTES, bytes(1)))
except ValueError as error:
    print(error)
"""


def test_names_of_python_modules_are_refused() -> None:
    for name in ("lambda", "json", "numpy"):
        design = replace(gyro(), program=replace(gyro().program, name=name))
        with pytest.raises(SpecError, match=f"the python kit needs another --name.* {name} is"):
            PYTHON.files(design)


def test_the_package_compiles_as_python() -> None:
    files = PYTHON.files(gyro())
    for name in ("setup.py", "src/gyro/__init__.py", "tests/test_vectors.py"):
        compile(str(files[name]), name, "exec")
    assert str(files["setup.py"]).count('"csrc/gyro') == 5  # two of C, three headers
    assert "csrc/lmu_kernels.h" in str(files["setup.py"])


@pytest.mark.kits
@pytest.mark.parametrize(
    "name", ["wide", "several words", "output at will", "every third output", "neurons"]
)
def test_the_readme(name: str, tmp_path: Path) -> None:
    require("cc|gcc|clang")
    program = replace(PROGRAMS[name](), name="gyro")
    place = write_kit(PYTHON, c_design(program), tmp_path)
    done = follow(place, **OFFLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 7 tests" in done.stderr
    assert "skipped" not in done.stderr
    wheel = [path.name for path in (place / "dist").iterdir()]
    assert len(wheel) == 1
    assert re.fullmatch(r"gyro-1\.2\.3-py3-none-\w+\.whl", wheel[0])
    block = re.search(r"^```python\n(.*?)```", (place / "README.md").read_text(), re.M | re.S)
    assert block is not None
    subprocess.run(
        [sys.executable, "-c", block[1]], env={"PYTHONPATH": str(place / "installed")}, check=True
    )


@pytest.mark.kits
def test_a_damaged_vector_fails(tmp_path: Path) -> None:
    require("cc|gcc|clang")
    place = write_kit(PYTHON, gyro(), tmp_path)
    damage(place / "tests" / "vectors" / "output.hex", r"\A")
    done = follow(place, **OFFLINE)
    assert done.returncode != 0
    assert "FAILED (failures=3)" in done.stderr


@pytest.mark.kits
def test_two_designs_in_one_program(tmp_path: Path) -> None:
    require("cc|gcc|clang")
    places = [write_kit(PYTHON, design, tmp_path / design.name) for design in (gyro(), ecg())]
    for place in places:
        target = ("--target", tmp_path / "installed", "--quiet")
        command = (sys.executable, "-m", "pip", "install", *target, place)
        done = run("env", *(f"{key}={value}" for key, value in OFFLINE.items()), *command)
        assert done.returncode == 0, done.stderr
    done = run("env", f"PYTHONPATH={tmp_path / 'installed'}", sys.executable, "-c", TWO)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "words must have shape ('n_steps', 1), not (1,)",
        "words must have shape ('n_steps', 1), not (5, 0)",
        "words must be integers, not float64",
        "words must have shape ('n_steps', 2), not (2,)",
        "words must have shape ('n_steps', 2), not (5, 0)",
        "words must be integers, not float64",
        "[(5, 3), (5, 7)] (Vector(name='u', length=1, bits=8, frac_bits=7, signed=True),) True",
        "not a saved state of ecg: another length",
    ]
