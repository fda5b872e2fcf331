"""Dynamic range: how far the nodes of a structure swing, and the scaling that makes them alike.

The l1 norm of the impulse response from u to a node is the largest magnitude that the node reaches
for any input ``|u| <= 1``. Taps have unit gain and set the scale: states and sums are scaled to the
swing of the tap that swings most, so that all of them reach the limit of the amplifiers for the
same worst input and none before. Nodes that swing little would be lost in noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..memory.legendre import decoder
from .circuit import INPUT
from .state_equations import StateEquations
from .structures import MemoryStructure


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeScaling:
    """Scaling of a structure: its nodes as voltages.

    Attributes
    ----------
    peak : float
        Largest magnitude of every node for |u| <= 1 V, >= 1 [V].
    gains : dict of str to float
        Voltage of each stage's node per unit of its output, u in volts; > 0, and 1 for `INPUT`.
    """

    peak: float
    gains: dict[str, float]


def scale_nodes(structure: MemoryStructure, taps: tuple[float, ...]) -> NodeScaling:
    """Scale every stage of a structure to the largest swing among input and taps.

    Parameters
    ----------
    structure : MemoryStructure
    taps : tuple of float
        Delays in fractions of the window, 0 to 1.
    """
    rows, direct = structure.outputs()
    tap_rows = decoder(structure.order, taps) @ structure.T
    norms = StateEquations(
        A=structure.A,
        B=structure.B,
        C=np.vstack([rows, tap_rows]),
        D=np.concatenate([direct, np.zeros(len(taps))]),
    ).l1_norms()
    peak = max(1.0, float(np.max(norms[len(rows) :])))
    gains = {stage.name: peak / float(x) for stage, x in zip(structure.stages, norms, strict=False)}
    return NodeScaling(peak=peak, gains={INPUT: 1.0, **gains})
