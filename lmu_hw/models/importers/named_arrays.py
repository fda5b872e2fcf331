"""Shared parts of the importers: options, names and shapes of arrays, memories, dense layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..._support.array_types import Array
from ...errors import ModelFileError
from ...memory.spec import Discretizer
from ..network import Activation, DenseLayer, LinearMemory
from .memory_matrices import memory_of

Group = dict[str, Array]
"""Arrays of one layer, by the last part of their names."""
PAGE = "docs/reference/array_names.md"
"""Documentation of the supported names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Settings that the user gives because a model file does not hold them.

    Attributes
    ----------
    theta : float, optional
        Window length of every memory [samples]. Default: identified from A and B.
    discretizer : Discretizer, optional
        Discretization of every memory. Default: identified from A and B.
    activation : Activation, optional
        Activation of LMU cells and simple RNN layers. Default: tanh.
    activations : tuple of Activation, optional
        Activation of each dense layer, in layer order; for bare arrays only. Default: linear,
        provided that there is a single dense layer.
    note : callable
        Receives messages for the user, such as the assumptions that the importer made.
    """

    theta: float | None = None
    discretizer: Discretizer | None = None
    activation: Activation | None = None
    activations: tuple[Activation, ...] | None = None
    note: Callable[[str], None] = lambda text: None

    @property
    def flags(self) -> list[str]:
        """The command-line options that the user gave."""
        given = {
            "--theta": self.theta,
            "--discretizer": self.discretizer,
            "--activation": self.activation,
            "--activations": self.activations,
        }
        return [flag for flag, value in given.items() if value is not None]


NO_OPTIONS = ImportOptions()


def group_by_layer(arrays: Mapping[str, Array]) -> dict[str, Group]:
    """Return arrays by layer: ``rnn/cell/AT:0`` and ``rnn.cell.AT`` are AT of ``rnn.cell``.

    From a complete Keras model only ``model_weights`` is read; this skips the optimizer's arrays.
    """
    root = "model_weights/"
    names = [name for name in arrays if name.startswith(root)] or list(arrays)
    groups: dict[str, Group] = {}
    for name in names:
        path = name.removeprefix(root).partition(":")[0].replace("/", ".")
        prefix, _, leaf = path.rpartition(".")
        groups.setdefault(prefix, {})[leaf] = arrays[name]
    return groups


def full_name(prefix: str, leaf: str) -> str:
    """Return the full name of an array, for error messages."""
    return f"{prefix}.{leaf}" if prefix else leaf


def join_names(names: Iterable[str]) -> str:
    """Return the first five names as text, for error messages."""
    found = list(names)
    return ", ".join(name[:80] for name in found[:5]) + (", ..." if len(found) > 5 else "")


def unknown_names(names: Iterable[str]) -> ModelFileError:
    """Return the error for arrays whose names are not supported."""
    return ModelFileError(
        f"cannot import arrays named {join_names(names)}: supported namings are in {PAGE}"
    )


def check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise `ModelFileError` unless an array has a shape."""
    if array.shape != shape:
        raise ModelFileError(f"{name} has shape {array.shape} but should be {shape}")


def contiguous_copy(array: Array) -> Array:
    """Return a C-contiguous float64 copy, which a layer may set read-only."""
    return np.array(array, dtype=np.float64, order="C")


def memory_for(
    name: str,
    A: Array | None,
    B: Array | None,
    order: int,
    theta: float | None,
    discretizer: Discretizer | None,
    *,
    transposed: bool = False,
    less_identity: bool = False,
) -> LinearMemory:
    """Return the memory of a layer from its matrices, or from theta if the file has none."""
    if A is not None and B is not None:
        check_shape(f"A of {name}", A, (order, order))
        return memory_of(
            A,
            B,
            theta,
            discretizer,
            name=name,
            transposed=transposed,
            less_identity=less_identity,
        ).memory
    if A is not None or B is not None:
        raise ModelFileError(f"{name} must hold both A and B, or neither; then give --theta")
    if theta is None:
        raise ModelFileError(f"theta of {name} must be given: its file holds no A and B")
    return LinearMemory(order=order, theta=float(theta), discretizer=discretizer or Discretizer.ZOH)


def dense_of(prefix: str, group: Group) -> DenseLayer | None:
    """Return the dense layer in a group of arrays, or None if the group is something else.

    Keras stores the matrix as ``kernel`` (in, out), PyTorch as ``weight`` (out, in).
    """
    if set(group) - {"bias"} not in ({"kernel"}, {"weight"}):
        return None
    leaf = "kernel" if "kernel" in group else "weight"
    stored = group[leaf]
    if stored.ndim != 2:
        raise ModelFileError(
            f"{full_name(prefix, leaf)} has shape {stored.shape} but should have two axes"
        )
    W = stored.T if leaf == "kernel" else stored
    b = group.get("bias", np.zeros(len(W)))
    check_shape(full_name(prefix, "bias"), b, (len(W),))
    return DenseLayer(W=contiguous_copy(W), b=contiguous_copy(b), activation=Activation.LINEAR)
