"""What a network is and costs, as data and as a table."""

from __future__ import annotations

from typing import Any

from .lower import outline
from .network import Layer, LMULayer, Network, arrays, dense_multiplies, n_in, n_out
from .tables import columns


def report(network: Network, rate: float | None = None) -> dict[str, Any]:
    """Return what there is to say of a network.

    Parameters
    ----------
    network : Network
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


def _generated(network: Network) -> list[int]:
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


def table(found: dict[str, Any]) -> str:
    """Return a `report` as lines of text, one for each layer."""
    rows: list[tuple[str, ...]] = [
        ("layer", "what", "in", "out", "parameters", "multiplies dense", "as generated")
    ]
    for layer in found["layers"]:
        rows.append(
            (
                layer["name"],
                _what(layer),
                *(f"{layer[key]:,}" for key in ("inputs", "outputs", "parameters")),
                *(f"{layer[key]:,}" for key in ("multiplies_dense", "multiplies")),
            )
        )
    totals = (f"{found[key]:,}" for key in ("parameters", "multiplies_dense", "multiplies"))
    rows.append(("total", f"output at {found['output_at']}", "", "", *totals))
    return "\n".join(columns(rows, n_left=2))


def _what(layer: dict[str, Any]) -> str:
    if layer["kind"] != "LMU":
        return f"{layer['kind']}, {layer['activation']}"
    theta = "unknown" if layer["theta"] is None else f"{layer['theta']:.6g}"
    seconds = layer.get("theta_seconds")
    theta += "" if seconds is None else f" ({seconds:.4g} s)"
    channels = f"{layer['channels']} x " if layer["channels"] > 1 else ""
    kind = "trained A" if layer["trained_A"] else layer["discretizer"]
    cell = f"{layer['cell']}, {layer['activation']}" if layer["cell"] else "no cell"
    return f"LMU {channels}d={layer['order']} theta={theta} {kind}, {cell}"
