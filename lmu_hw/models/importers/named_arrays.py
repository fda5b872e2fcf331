"""What importers of named arrays share: groups of names, shapes, memories, dense layers."""

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
"""Where the namings are documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user says of a file of bare arrays, which does not say it.

    Attributes
    ----------
    theta : float, optional
        Window of every memory [samples]. Default: found from A and B.
    discretizer : Discretizer, optional
        The same.
    activation : Activation, optional
        Of the cells whose function is not known from their class. Default: tanh.
    activations : tuple of Activation, optional
        Of the linear layers, in their order. Default: linear, where there is but one layer.
    note : callable
        Takes what a user should know of how the file was read.
    """

    theta: float | None = None
    discretizer: Discretizer | None = None
    activation: Activation | None = None
    activations: tuple[Activation, ...] | None = None
    note: Callable[[str], None] = lambda text: None

    @property
    def options(self) -> list[str]:
        """The command line's options that were given."""
        given = {
            "--theta": self.theta,
            "--discretizer": self.discretizer,
            "--activation": self.activation,
            "--activations": self.activations,
        }
        return [flag for flag, value in given.items() if value is not None]


def grouped(arrays: Mapping[str, Array]) -> dict[str, Group]:
    """Return arrays by layer: ``rnn/cell/AT:0`` or ``rnn.cell.AT`` is AT of ``rnn/cell``.

    Of a whole Keras model only ``model_weights`` is taken, which leaves out its optimizer's arrays.
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
    """Return the name of an array, for error texts."""
    return f"{prefix}.{leaf}" if prefix else leaf


def listed(names: Iterable[str]) -> str:
    """Return the first of some names, for error texts."""
    found = list(names)
    return ", ".join(name[:80] for name in found[:5]) + (", ..." if len(found) > 5 else "")


def unknown(names: Iterable[str]) -> ModelFileError:
    """Return the error for names that no supported naming has."""
    return ModelFileError(
        f"cannot import arrays named {listed(names)}: supported namings are in {PAGE}"
    )


def check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise `ModelFileError` unless an array has a shape."""
    if array.shape != shape:
        raise ModelFileError(f"{name} has shape {array.shape} but should be {shape}")


def own(array: Array) -> Array:
    """Return a copy with an order of its own, which may be made read-only."""
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
    """Return the memory of a layer from its matrices, or from theta where it has none."""
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
        raise ModelFileError(f"{name} must hold both A and B, or neither and theta be given")
    if theta is None:
        raise ModelFileError(f"theta of {name} must be given, as its file holds no A and B")
    return LinearMemory(order=order, theta=float(theta), discretizer=discretizer or Discretizer.ZOH)


def dense_of(prefix: str, group: Group) -> DenseLayer | None:
    """Return the linear layer that a group of arrays is, or None where it is none.

    Keras calls its matrix ``kernel`` (in, out), PyTorch ``weight`` (out, in).
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
    return DenseLayer(W=own(W), b=own(b), activation=Activation.LINEAR)
