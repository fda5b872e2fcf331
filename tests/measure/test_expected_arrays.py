"""Data files of examples: what an example does not expect is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected

RIGHT = {
    "x": np.full((3, 4), 255, np.uint8),
    "y": np.array([0, 9, 5], np.uint8),
    "rate": np.float32(0.5),
    "other": np.zeros(7),
}
EXPECTED = {
    "x": ExpectedArray(shape=("n", 4), low=0, high=255),
    "y": ExpectedArray(shape=("n",), low=0, high=9),
    "rate": ExpectedArray(shape=()),
}


def read(folder: Path, **arrays: object) -> dict[str, np.ndarray]:
    given = {name: array for name, array in (RIGHT | arrays).items() if array is not None}
    np.savez(folder / "digits.npz", **given)
    return read_file(folder)


def read_file(folder: Path) -> dict[str, np.ndarray]:
    return read_expected(folder / "digits.npz", EXPECTED, source="https://example.org")


def test_arrays_come_as_they_are_stored(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert list(found) == ["x", "y", "rate"]
    for name, array in found.items():
        assert array.dtype == RIGHT[name].dtype
        assert np.array_equal(array, RIGHT[name])


@pytest.mark.parametrize(
    ("message", "arrays"),
    [
        ("no array y", {"y": None}),
        ("x has shape (3, 5) but should be (3, 4)", {"x": np.zeros((3, 5), np.uint8)}),
        ("x has shape (12,) but should be (n, 4)", {"x": np.zeros(12, np.uint8)}),
        ("x has shape (0, 4) but should be (n, 4)", {"x": np.zeros((0, 4), np.uint8)}),
        ("y has shape (2,) but should be (3,)", {"y": np.zeros(2, np.uint8)}),
        ("x must hold integers from 0 to 255", {"x": np.zeros((3, 4))}),
        ("x must hold integers from 0 to 255", {"x": np.full((3, 4), 256)}),
        ("y must hold integers from 0 to 9", {"y": np.array([0, -1, 2])}),
        ("y must hold integers from 0 to 9", {"y": np.array([True, False, True])}),
        ("rate has shape (1,) but should be ()", {"rate": np.zeros(1)}),
        ("rate must hold finite numbers", {"rate": np.float32(np.nan)}),
        ("rate must hold finite numbers", {"rate": np.float64(np.inf)}),
    ],
)
def test_wrong_arrays_are_one_line(message: str, arrays: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError) as refused:
        read(tmp_path, **arrays)
    path = tmp_path / "digits.npz"
    assert str(refused.value) == f"{path}: {message}; download it from https://example.org"


def test_damaged_and_foreign_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "digits.npz"
    np.savez(path, x=np.array(["a"]))
    with pytest.raises(ModelFileError, match=r"digits\.npz"):
        read_file(tmp_path)
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(ModelFileError, match=r"digits\.npz"):
        read_file(tmp_path)
    whole = path.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"digits\.npz") as refused:
            read_file(tmp_path)
        assert "\n" not in str(refused.value)
    path.unlink()
    with pytest.raises(ModelFileError, match=r"cannot read .*digits\.npz"):
        read_file(tmp_path)
