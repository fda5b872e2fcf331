"""Where files of Keras keep the arrays of a layer: under numbers, or under names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..._support.array_types import Array
from ...errors import ModelFileError
from .keras_config import KerasLayer

ROOT = "model_weights/"
"""Of the arrays of a whole legacy file; one of weights alone has none."""
PAPER = "input_encoders"
"""An array of every cell in the paper's format, and of no other."""


class Weights(Protocol):
    """The arrays of a file, by layer."""

    def of(
        self, layer: KerasLayer, names: tuple[str, ...], *, hidden: bool = False
    ) -> dict[str, Array]:
        """Return the arrays of a layer by name.

        Parameters
        ----------
        layer : KerasLayer
        names : tuple of str
            In the order in which Keras made them.
        hidden : bool
            Those of its hidden cell.

        Raises
        ------
        ModelFileError
            If one is missing, or one is there that has no name.
        """

    def of_paper(self, layer: KerasLayer) -> dict[str, Array]:
        """Return all arrays of a layer whose cell is stored in the paper's format, else none."""


def weights_of(arrays: Mapping[str, Array]) -> Weights:
    """Return the weights of a file without a configuration, in whichever way it holds them."""
    numbered = any(path.startswith("layers/") and "/vars/" in path for path in arrays)
    return Numbered(arrays) if numbered else Named(arrays)


class Numbered:
    """Weights under ``layers/lmu/layer/cell/vars/0``: .keras and .weights.h5 files."""

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
        """Return nothing: the format is older than these containers."""
        return {}


class Named:
    """Weights under ``model_weights/lmu/.../lmu_cell/kernel:0``: legacy .h5 and .hdf5 files."""

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
            raise ModelFileError(f"layer {layer.name!r} lacks its {missing[0]}; save it again")
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
        """Return the groups above, the name and the array of everything that a layer holds."""
        prefix = f"{self._root}{layer.name}/"
        found = []
        for path, array in self._arrays.items():
            if path.startswith(prefix):
                *parents, name = path.removeprefix(prefix).split("/")
                found.append((parents, name.partition(":")[0], array))
        return found
