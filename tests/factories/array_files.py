"""Files of arrays as NumPy and PyTorch write them, and archives of any members."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest


def npy(array: np.ndarray) -> bytes:
    """Return what ``np.save`` writes."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    """Write a zip archive, as a .npz is one; return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def checkpoint(path: Path, content: Any) -> Path:
    """Write what ``torch.save`` writes; return its path. Without PyTorch the test is skipped."""
    torch = pytest.importorskip("torch")
    torch.save(content, path)
    return path


def write_hdf5(path: Path, *layers: tuple[str, dict[str, np.ndarray]]) -> Path:
    """Write layers as Keras 2.2 does."""
    with h5py.File(path, "w") as file:
        for name, arrays in layers:
            for key, array in arrays.items():
                file[f"model_weights/{name}/{name}/{key}:0"] = array
    return path
