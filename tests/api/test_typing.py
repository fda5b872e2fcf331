"""A user's program passes ``mypy --strict`` against the types that the package ships."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lmu_hw

CLIENT = Path(__file__).with_name("client.py")
PACKAGE = Path(lmu_hw.__file__).parent
ROOT = PACKAGE.parent


WRONG = {
    "bits=12": 'bits="12"',
    "seed=1": "sed=1",
    "report.results": "report.resluts",
    "result.cycles_per_step": "result.cycles",
    'design.formats["y"].lsb': 'str(design.formats["y"])',
    'engine="auto"': "engine=1",
    "evaluation.integers.accuracy": "evaluation.integers",
    "best.widths": "best.score",
    "state=first.state": "state=first",
    "lanes=2": "lanes=2.5",
    ".certify().proven": ".certify()",
    "network.summary(rate=100.0)": "network.summary(100.0, 1)",
    "activation=lh.layers.Activation.LINEAR": 'activation="linear"',
    "error.backend": "error.engine",
    "order=4, ": "",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what mypy finds in the client and in a wrong one, both outside the checkout."""
    pytest.importorskip("mypy", reason="the extra dev is not installed")
    text = CLIENT.read_text(encoding="utf-8")
    outside = tmp_path_factory.mktemp("client")
    (outside / "right.py").write_text(text)
    for right, wrong in WRONG.items():
        text = text.replace(right, wrong)
    (outside / "wrong.py").write_text(text)
    # with the options and the cache of `make test`, which has just checked the package
    options = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *options, *outside.iterdir()],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_the_package_ships_its_types() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_nothing_is_found_in_a_right_program(found: str) -> None:
    assert "right.py" not in found


@pytest.mark.parametrize("right", WRONG)
def test_a_wrong_use_is_found(right: str, found: str) -> None:
    """Each line that is wrong gets an error of its own: no type there is Any."""
    text = CLIENT.read_text(encoding="utf-8")
    assert text.count(right) == 1
    line = text[: text.index(right)].count("\n") + 1
    assert f"wrong.py:{line}: error" in found
