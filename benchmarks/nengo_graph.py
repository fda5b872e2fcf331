"""Runs a NIR graph of a memory in nengo, whose own neurons fire.

Nengo's integrate-and-fire neurons subtract their threshold when they fire, and start at the
voltages in the graph's metadata; both are what NIR itself cannot say.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def run_graph(graph: Any, u: Array, kind: str = "integrate-fire", seed: int = 0) -> Array:
    """Run a graph as `lmu_hw.interchange.nir_graph` makes it, a step a second.

    Parameters
    ----------
    graph : nir.NIRGraph
    u : float array, shape (n_steps, n_in)
    kind : str
        ``integrate-fire``: the graph's neurons. ``shared``: as many whose two signs share a
        membrane, as in a program; each fires in half of the steps when its state is 0. ``poisson``:
        neurons that fire at random with the rates of the graph's. ``random``: at random, and once
        in a step at most.
    seed : int
        Of Poisson neurons.

    Returns
    -------
    float array, shape (n_steps, n_states)
        The integrators after each step.
    """
    # of an extra of its own
    import nengo

    weight = {name: node.weight for name, node in graph.nodes.items() if hasattr(node, "weight")}
    neurons = graph.nodes["neurons"]
    encoders, decoders, gain = (
        weight["encoders"],
        weight["decoders"],
        neurons.r / neurons.v_threshold,
    )
    bias, rest = np.zeros(len(gain)), np.zeros(len(decoders))
    voltage = np.asarray(neurons.metadata["initial_voltage"])
    if kind == "shared":
        sign = np.sign(encoders.sum(axis=1))
        encoders, decoders = sign[:, None] * encoders / 2.0, decoders * sign
        bias, rest = bias + 0.5, decoders.sum(axis=1) / 2.0
        size = len(gain) // len(decoders)
        voltage = np.tile(1.0 - (np.arange(size) + 0.5) / size, len(decoders))
    z, history = np.zeros(len(decoders)), []

    def states(t: float, x: Array) -> Array:
        # u of this step, spikes of the last: before the first none were sent
        own = x - rest if t > 1.5 else 0.0 * x
        z[:] += graph.nodes["states"].r * (own + weight["input_gains"] @ u[round(t) - 1])
        history.append(z.copy())
        return z

    if kind == "poisson":
        model = nengo.PoissonSpiking(nengo.RectifiedLinear())
    elif kind == "random":
        model = nengo.StochasticSpiking(nengo.RectifiedLinear())
    else:
        model = nengo.SpikingRectifiedLinear(initial_state={"voltage": voltage})
    with nengo.Network(seed=seed) as network:
        node = nengo.Node(states, size_in=len(z), size_out=len(z))
        ensemble = nengo.Ensemble(len(gain), 1, neuron_type=model, gain=gain, bias=bias)
        nengo.Connection(node, ensemble.neurons, transform=encoders, synapse=None)
        # a synapse of 0 is a delay of one step
        nengo.Connection(ensemble.neurons, node, transform=decoders, synapse=0)
    with nengo.Simulator(network, dt=1.0, progress_bar=False, optimize=False) as simulator:
        simulator.run_steps(len(u), progress_bar=False)
    return np.array(history[-len(u) :])
