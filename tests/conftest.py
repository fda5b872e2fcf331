"""Fixtures and options that every test may use; see `tests.tools` for programs."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.project import share
from tests.tools import tools_required

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"

# A failure prints what reproduces it; CI tries the same cases every time.
settings.register_profile("local", print_blob=True, deadline=None)
settings.register_profile("ci", print_blob=True, deadline=None, derandomize=True)
settings.load_profile("ci" if tools_required() else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files in tests/golden instead of comparing with them",
    )
    parser.addoption("--soak-share", metavar="K/N", help="run every N-th soak, from the K-th on")


def pytest_configure(config: pytest.Config) -> None:
    if text := config.getoption("--soak-share"):
        share.parse(text)  # a bad one fails at once


@pytest.hookimpl(tryfirst=True)  # before the markers choose
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    share.thin_out(items)
    if text := config.getoption("--soak-share"):
        items[:], left_out = share.split(items, share.parse(text))
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without the garbage collector: what is collected stays."""
    gc.disable()
    try:
        return (yield)  # type: ignore[return-value]
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Keep the garbage collector from visiting all collected tests again and again."""
    gc.collect()
    gc.freeze()
    # a netlist has a hundred thousand objects: a tenth of the time went into visiting them
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(scope="module")
def quick_to_compile() -> Iterator[None]:
    """Compile models of Verilog without optimization: a few hundred steps are soon played."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lmu_hw.verify.backends.compiled_model.OPTIMIZATION", "-O0")
        yield


@pytest.fixture(autouse=True)
def without_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a busy machine from adding lines of progress to what commands say."""
    monkeypatch.setattr("lmu_hw._support.progress.SHOW_AFTER", 3600.0)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the directory of data sets: LMU_HW_DATA, else the one beside the repository."""
    given = os.environ.get("LMU_HW_DATA")
    build_dir = Path(given) if given else ROOT.parent / "shared" / "data"
    if not build_dir.is_dir():
        pytest.skip(f"no data sets: {given or 'LMU_HW_DATA'} is not a directory that holds them")
    return build_dir


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str | bytes], None]:
    """Return ``golden(name, content)``: the content is that of tests/golden/NAME, byte for byte."""

    def compare(name: str, content: str | bytes) -> None:
        path = GOLDEN / name
        got = content.encode() if isinstance(content, str) else content
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(got)
        hint = "pytest --update-golden writes it"
        assert path.exists(), f"tests/golden/{name} is missing; {hint}"
        assert got == path.read_bytes(), f"tests/golden/{name} differs; {hint}, if that is meant"

    return compare
