"""Find the arrays of a layer in a Keras file, which stores them by number or by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..._support.array_types import Array
from ...errors import ModelFileError
from .keras_config import KerasLayer

ROOT = "model_weights/"
"""Prefix of the arrays in a complete legacy file; weights-only files have none."""
PAPER = "input_encoders"
"""Name of an array that only cells in the paper's format have."""


class Weights(Protocol):
    """Access to the arrays of a file by layer."""

    def of(
        self, layer: KerasLayer, names: tuple[str, ...], *, hidden: bool = False
    ) -> dict[str, Array]:
        """Return the arrays of a layer by name.

        Parameters
        ----------
        layer : KerasLayer
        names : tuple of str
            Names of the arrays, in the order in which Keras creates them.
        hidden : bool
            Whether to return the arrays of the layer's hidden cell.

        Raises
        ------
        ModelFileError
            If an array is missing, or the layer has another one.
        """

    def of_paper(self, layer: KerasLayer) -> dict[str, Array]:
        """Return the arrays of a layer stored in the paper's format; empty for other layers."""


def weights_of(arrays: Mapping[str, Array]) -> Weights:
    """Return access to the arrays of a weights-only file, numbered or named."""
    numbered = any(path.startswith("layers/") and "/vars/" in path for path in arrays)
    return NumberedWeights(arrays) if numbered else NamedWeights(arrays)


class NumberedWeights:
    """Weights by number, ``layers/lmu/layer/cell/vars/0``: .keras and .weights.h5 files."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays

    def of(
        self, layer: KerasLayer, names: tuple[str, ...], *, hidden: bool = False
    ) -> dict[str, Array]:
        """See `Weights`."""
        prefix = f"layers/{layer.slot}/"
        found = [
            (path.rsplit("/", 1)[0], int(path.rsplit("/", 1)[1]), array)
            for path, array in self._arrays.items()
            if path.startswith(prefix)
            and path.rsplit("/", 1)[1].isdigit()
            and ("hidden_cell/" in path) == hidden
        ]
        found.sort(key=lambda item: item[:2])
        if len(found) != len(names):
            what = f"{layer.name!r}{' hidden cell' if hidden else ''}"
            raise ModelFileError(
                f"layer {what} has {len(found)} arrays but should have {len(names)} "
                f"({', '.join(names)})"
            )
        return dict(zip(names, (array for _, _, array in found), strict=True))

    def of_paper(self, layer: KerasLayer) -> dict[str, Array]:
        """Return nothing: these containers are newer than the paper's format."""
        return {}


class NamedWeights:
    """Weights by name, ``model_weights/lmu/.../lmu_cell/kernel:0``: legacy .h5 and .hdf5 files."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays
        self._root = ROOT if any(path.startswith(ROOT) for path in arrays) else ""

    def of(
        self, layer: KerasLayer, names: tuple[str, ...], *, hidden: bool = False
    ) -> dict[str, Array]:
        """See `Weights`."""
        inner = (layer.config.get("hidden_cell") or {}).get("config", {}).get("name")
        found = {
            leaf: array
            for parents, leaf, array in self._below(layer)
            if (bool(parents) and parents[-1] == inner) == hidden
        }
        if missing := [name for name in names if name not in found]:
            raise ModelFileError(f"layer {layer.name!r} has no {missing[0]}; save the model again")
        if more := sorted(found.keys() - {*names, "A", "B"}):
            raise ModelFileError(
                f"layer {layer.name!r} has {more[0][:80]!r}, which its configuration lacks"
            )
        return found

    def of_paper(self, layer: KerasLayer) -> dict[str, Array]:
        """See `Weights`."""
        found = {leaf: array for _, leaf, array in self._below(layer)}
        return found if PAPER in found else {}

    def _below(self, layer: KerasLayer) -> list[tuple[list[str], str, Array]]:
        """Return each array of a layer: its parent groups, its name and its values."""
        prefix = f"{self._root}{layer.name}/"
        found = []
        for path, array in self._arrays.items():
            if path.startswith(prefix):
                *parents, name = path.removeprefix(prefix).split("/")
                found.append((parents, name.partition(":")[0], array))
        return found
