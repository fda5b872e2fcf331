"""A memory on integrate-and-fire neurons in NIR, the Neuromorphic Intermediate Representation.

Experimental. Time is in steps: a neuron fires at most once in a unit of time. The graph is::

    input -> input_gains -> states -> encoders -> neurons -> decoders -> states
                            states -> readout -> output

``input_gains``, ``encoders``, ``decoders`` and ``readout`` are Linear, ``states`` are integrators
(I), ``neurons`` are IF; ``readout`` is absent if the design outputs its states. Neurons are in the
order of the addresses of `~lmu_hw.measure.spike_events`.

References
----------
Pedersen et al., "Neuromorphic intermediate representation: A unified instruction set for
interoperable brain-inspired computing", Nature Communications 15, 2024.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .._support.array_types import Array
from .._support.build_directory import check_file, write_file
from ..errors import SpecError, ToolError
from ..memory.wave_digital import build_chain
from ..program.integer_program import Linear, Program, Spiking

NOT_CARRIED = (
    "Initial membranes. Without staggered phases all neurons of a population fire together and the "
    "memory fails; they are in the metadata of neurons, initial_voltage, for a reader to set.",
    "A reset that subtracts the threshold. NIR resets to v_reset; what a neuron has above its "
    "threshold must stay.",
    "A membrane that the neurons of both signs share. In NIR each has its own: the error is some "
    "12 to 15 % larger.",
    "Integer words: rounding, saturation, zero-input runs. Weights are float64.",
    "Poisson neurons, or any that fire at random.",
)
"""What the format has no place for, and what follows."""
MAX_WEIGHTS = 1 << 26
"""Most weights of a matrix; the format has dense matrices only."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NeuralNetwork:
    """A memory on neurons in real numbers: ``z' = z + decoders @ spikes + input_gains @ u``.

    Attributes
    ----------
    input_gains : float array, shape (n_channels * d, n_channels)
    encoders : float array, shape (m, n_channels * d)
        Current of each neuron for each state: 1 at full scale, where it fires in every step.
    decoders : float array, shape (n_channels * d, m)
        What a spike adds to each state.
    voltage : float array, shape (m,)
        Membrane of each neuron after reset, in units of its threshold.
    readout : float array, shape (n_out, n_channels * d), or None
        Outputs that the program computes from its states.
    """

    input_gains: Array
    encoders: Array
    decoders: Array
    voltage: Array
    readout: Array | None


def neural_network(program: Program) -> NeuralNetwork:
    """Return the network of a program, whatever makes its neurons fire.

    Raises
    ------
    SpecError
        Unless the program is one memory on neurons, of a size that dense matrices allow.
    """
    found = [op for op in program.ops if isinstance(op, Spiking)]
    if len(found) != 1:
        raise SpecError(
            f"NIR is for a design with one memory on neurons, not {len(found)}: generate it with "
            "--realization spiking"
        )
    (op,) = found
    n, d, H = program.channels(op), len(op.quanta), 1 << op.population
    if op.neurons(program.vector) * n * d > MAX_WEIGHTS:
        raise SpecError(
            f"NIR has dense matrices only, of {op.neurons(program.vector) * n * d} weights here: "
            "generate fewer --neurons or --channels"
        )
    chain = build_chain(
        tuple(tuple(a.coef / 2.0**a.shift for a in section) for section in op.cascade.sections)
    )
    # z / weight is the real value of a state
    A = chain.A * chain.weight / chain.weight[:, None]
    frac = np.array([program.vector(name).fmt.frac_bits for name, _ in op.places])
    full = np.ldexp(1.0, np.array(op.quanta) + op.population - frac)
    sign = np.repeat([1.0, -1.0], H)
    encoders = np.kron(np.diag(1.0 / full), sign[:, None])
    decoders = np.kron(A * full / H, sign)
    # neuron i of either sign fires first when its inputs add up to (i + 1/2) / H
    voltage = np.tile(1.0 - (np.arange(H) + 0.5) / H, 2 * d * n)
    every = np.eye(n)
    return NeuralNetwork(
        input_gains=np.asarray(np.kron(every, (chain.b / chain.weight)[:, None]), dtype=np.float64),
        encoders=np.asarray(np.kron(every, encoders), dtype=np.float64),
        decoders=np.asarray(np.kron(every, decoders), dtype=np.float64),
        voltage=voltage,
        readout=_readout(program, op, n),
    )


def _readout(program: Program, op: Spiking, n_channels: int) -> Array | None:
    """Return the real weights of the outputs that are computed from the states."""
    names = op.cascade.states
    for linear in program.ops:
        if isinstance(linear, Linear) and set(linear.sources) == set(names):
            break
    else:
        return None
    columns: dict[tuple[str, int], Array] = {}
    first = 0
    rows = np.array(linear.rows, dtype=np.float64)
    widths = linear.widths(program.vector)
    for name, width, align in zip(linear.sources, widths, linear.aligns, strict=True):
        scale = 2.0 ** (align + program.vector(name).fmt.frac_bits)
        for k in range(width):
            columns[name, k] = scale * rows[:, first + k]
        first += width
    gain = np.array(linear.multipliers) * 2.0 ** -np.array(linear.shifts, dtype=np.float64)
    target = program.vector(linear.target).fmt.frac_bits
    weights = np.stack([columns[place] for place in op.places], axis=1)
    return np.asarray(np.kron(np.eye(n_channels), np.ldexp(gain[:, None] * weights, -target)))


def make_graph(network: NeuralNetwork) -> Any:
    """Return a ``nir.NIRGraph``.

    Raises
    ------
    ToolError
        If the package nir is missing.
    """
    nir = _nir()
    m, n_states, n_in = *network.encoders.shape, network.input_gains.shape[1]
    nodes = {
        "input": nir.Input(input_type={"input": np.array([n_in])}),
        "input_gains": nir.Linear(weight=network.input_gains),
        "states": nir.I(r=np.ones(n_states)),
        "encoders": nir.Linear(weight=network.encoders),
        "neurons": nir.IF(
            r=np.ones(m),
            v_threshold=np.ones(m),
            v_reset=np.zeros(m),
            metadata={"initial_voltage": network.voltage, "reset": "subtract"},
        ),
        "decoders": nir.Linear(weight=network.decoders),
    }
    loop = ["states", "encoders", "neurons", "decoders", "states"]
    edges = [
        ("input", "input_gains"),
        ("input_gains", "states"),
        *pairwise(loop),
    ]
    last, n_out = "states", n_states
    if network.readout is not None:
        nodes["readout"] = nir.Linear(weight=network.readout)
        edges.append(("states", "readout"))
        last, n_out = "readout", len(network.readout)
    nodes["output"] = nir.Output(output_type={"output": np.array([n_out])})
    edges.append((last, "output"))
    return nir.NIRGraph(
        nodes=nodes, edges=edges, metadata={"time_unit": "step", "source": "lmu-hw, experimental"}
    )


def nir_graph(program: Program) -> Any:
    """Return a memory on integrate-and-fire neurons as a ``nir.NIRGraph``.

    `NOT_CARRIED` is what the graph lacks.

    Raises
    ------
    SpecError
        Unless the program is one memory on integrate-and-fire neurons.
    ToolError
        If the package nir is missing.
    """
    network = neural_network(program)
    if any(isinstance(op, Spiking) and op.generators for op in program.ops):
        raise SpecError(
            "NIR has no neurons that fire at random: generate with --neuron-model integrate-fire"
        )
    return make_graph(network)


def write_nir(program: Program, path: Path, *, force: bool = False) -> None:
    """Write `nir_graph` of a program to a file, in HDF5.

    Raises
    ------
    EmitError
        If the file cannot be written, or exists and ``force`` is false.
    SpecError, ToolError
        See `nir_graph`.
    """
    check_file(path, force=force)
    graph = nir_graph(program)
    content = io.BytesIO()
    _nir().write(content, graph)
    write_file(path, lambda file: file.write(content.getvalue()))


def _nir() -> Any:
    try:
        import nir
    except ImportError as error:
        raise ToolError("NIR needs the package nir: pip install 'lmu-hw[nir]'") from error
    return nir
