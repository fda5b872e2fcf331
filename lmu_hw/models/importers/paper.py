"""Read the paper's cell from named arrays: its Keras names, or the letters of its equations."""

from __future__ import annotations

from collections.abc import Mapping

from ..._support.array_types import Array
from ...memory.spec import Discretizer
from ..network import Activation, FloatNetwork
from .array_network import network_of as network_of_arrays
from .named_arrays import ImportOptions, group_by_layer


def is_paper(arrays: Mapping[str, Array]) -> bool:
    """Return whether the arrays include a cell under the paper's Keras names."""
    return any(
        {"input_encoders", "memory_encoders"} <= set(g) for g in group_by_layer(arrays).values()
    )


def network_of(
    arrays: Mapping[str, Array],
    *,
    theta: float | None = None,
    discretizer: Discretizer | None = None,
    activation: Activation = Activation.TANH,
) -> FloatNetwork:
    """Return the network of the paper's cell and any other layers in the arrays.

    Parameters
    ----------
    arrays : mapping of str to float array
        Names such as ``input_kernel``, ``rnn/lmu_cell/input_kernel:0`` or ``lmu.cell.W_x``.
    theta : float, optional
        Window length of every cell [samples]. Default: identified from A and B.
    discretizer : Discretizer, optional
        Discretization of every cell. Default: identified from A and B.
    activation : Activation
        Activation of the cells.

    Raises
    ------
    ModelFileError
        As `array_network.network_of` does.
    """
    options = ImportOptions(theta=theta, discretizer=discretizer, activation=activation)
    return network_of_arrays(arrays, options)
