"""A network's layers, windows, parameters and multiplies."""

from __future__ import annotations

from typing import Any

from ..models.network import FloatNetwork, Layer, LMULayer, arrays, dense_multiplies, n_in, n_out
from .lower import outline


def report(network: FloatNetwork, rate: float | None = None) -> dict[str, Any]:
    """Return what there is to say of a network.

    Parameters
    ----------
    network : FloatNetwork
    rate : float, optional
        Samples a second, for windows in seconds.
    """
    layers = [
        {"name": name, **_layer(layer, rate), "multiplies": multiplies}
        for name, layer, multiplies in zip(
            network.names, network.layers, _generated(network), strict=True
        )
    ]
    return {
        "inputs": network.n_in,
        "outputs": network.n_out,
        "output_at": "every step" if network.every_step else "last step",
        "classifier": network.is_classifier,
        "layers": layers,
        **{
            key: sum(layer[key] for layer in layers)
            for key in ("parameters", "multiplies_dense", "multiplies")
        },
    }


def _generated(network: FloatNetwork) -> list[int]:
    """Return the multiplications that each layer takes in a step of the program."""
    graph, found = outline(network), [0] * len(network.layers)
    for node in graph.nodes:
        made = graph.signals[node.writes[0]]
        found[made.place - 1] += graph.multiplies(node)
    return found


def _layer(layer: Layer, rate: float | None) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": layer.kind}
    if isinstance(layer, LMULayer):
        memory = layer.memory
        described |= {
            "order": memory.order,
            "channels": memory.channels,
            "theta": memory.theta,
            "discretizer": memory.discretizer.value,
            "trained_A": memory.trained is not None,
            "cell": None if layer.cell is None else layer.cell.kind,
        }
        if rate is not None:
            described["theta_seconds"] = None if memory.theta is None else memory.theta / rate
    cell = layer.cell if isinstance(layer, LMULayer) else layer
    return described | {
        "inputs": n_in(layer),
        "outputs": n_out(layer),
        "activation": None if cell is None else cell.activation.value,
        "shapes": {name: list(array.shape) for name, array in arrays(layer)},
        "parameters": sum(array.size for _, array in arrays(layer)),
        "multiplies_dense": dense_multiplies(layer),
    }
