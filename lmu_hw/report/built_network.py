"""The quantized network of a build directory: its program, and the trained model that was given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ModelFileError
from ..manifest import NetworkManifest
from ..models.network import FloatNetwork
from ..program.integer_program import Linear, Pointwise, Program, Term
from ..quantize.lower import lower
from ..quantize.network_summary import NetworkSummary
from ..quantize.network_summary import report as summary_of
from ..quantize.quantize_network import FormatBasis, QuantizedNetwork
from ..quantize.signal_graph import Affine

SIMILAR = {2: 0.25, 3: 0.6}
"""Least cosine between the trained weights of a layer and their integers, by width [bits].

Small random layers have 0.5 or more with 2 bits, 0.79 with 3 and 0.96 with 4.
"""
SIMILAR_WIDE = 0.8
"""The same for all other widths. Other weights have 0, give or take 0.5 where there are few."""
REMEDY = "give the model file that the build directory was generated from"


def built_network(
    design: NetworkManifest, program: Program, network: FloatNetwork
) -> QuantizedNetwork:
    """Return a network as it was quantized for a build directory.

    Parameters
    ----------
    design : NetworkManifest
    program : Program
    network : FloatNetwork
        The trained model, which a build directory does not hold.

    Raises
    ------
    ModelFileError
        If the model has other layers or other weights than the program.
    """
    built, given = _without_channels(design.network), _without_channels(summary_of(network))
    if built != given:
        raise ModelFileError(
            f"the model must have the layers of the build directory: {_difference(built, given)}; "
            f"{REMEDY}"
        )
    copies = _copies(program)
    found = QuantizedNetwork(
        network=network,
        widths=design.widths,
        program=program,
        bases=tuple(
            FormatBasis(
                signal=name,
                fmt=program.vector(name).fmt,
                peak=signal.peak,
                proven=signal.basis == "proven",
                stands_for=copies.get(name, ""),
            )
            for name, signal in design.signals.items()
        ),
        calibration=design.calibration,
    )
    _check_weights(found)
    return found


def _without_channels(summary: NetworkSummary) -> NetworkSummary:
    """Return a summary without units: `generate` may have been given some."""
    return replace(summary, input_channels=None, output_channels=None)


def _difference(built: NetworkSummary, given: NetworkSummary) -> str:
    """Return the first difference between two networks."""
    for k, (a, b) in enumerate(zip(built.layers, given.layers, strict=False), 1):
        if a != b:
            shapes = (f"{x.text()}, {x.inputs} to {x.outputs} words" for x in (a, b))
            return "layer {} is {}, and the model has {}".format(k, *shapes)
    counts = (len(x.layers) for x in (built, given))
    return "{} layers, and the model has {}, or other outputs".format(*counts)


def _copies(program: Program) -> dict[str, str]:
    """Return the wide state that each narrower copy stands for, by name of the copy."""
    return {
        op.target: op.terms[0].a
        for op in program.ops
        if isinstance(op, Pointwise)
        and op.terms == (Term(op.terms[0].a),)
        and op.target == op.terms[0].a.replace("_z_", "_r_")
    }


def _check_weights(design: QuantizedNetwork) -> None:
    """Raise unless the integers of every layer point where its trained weights do."""
    graph = lower(design.network, design.widths.coef_bits)
    linear = {op.target: op for op in design.program.ops if isinstance(op, Linear)}
    for node in graph.nodes:
        if not isinstance(node, Affine):
            continue
        found = _cosine(design.program, node, linear[node.target])
        signal = graph.signals[node.target]
        if found < SIMILAR.get(design.widths.weights_of(signal.place), SIMILAR_WIDE):
            raise ModelFileError(
                f"the model's weights must be those of the build directory, and those of "
                f"{signal.layer or node.target} are not; {REMEDY}"
            )


def _cosine(program: Program, node: Affine, op: Linear) -> float:
    """Return the mean cosine between rows of trained weights and rows of integers.

    A row has a scale of its own, which a cosine does not see.
    """
    trained = np.hstack(node.matrices)
    scales = [
        np.full(matrix.shape[1], np.ldexp(1.0, align) / program.vector(name).fmt.lsb)
        for matrix, align, name in zip(node.matrices, op.aligns, op.sources, strict=True)
    ]
    integers = np.array(op.rows, dtype=np.float64) * np.concatenate(scales)
    norms = np.linalg.norm(trained, axis=1) * np.linalg.norm(integers, axis=1)
    used = norms > 0.0
    if not used.any():
        return 1.0
    return float(np.mean(np.sum(trained * integers, axis=1)[used] / norms[used]))
