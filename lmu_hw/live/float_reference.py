"""The float64 memory or network beside a running program, fed the same words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._support.array_types import Array
from ..memory.discretize import discretize
from ..memory.float_memory import SteppedMemory
from ..memory.legendre import decoder, state_space
from ..memory.spec import LMUSpec, OutputKind
from ..models.forward import stepper
from ..models.network import FloatNetwork, scores


class MemoryReference:
    """A memory in float64, run in pieces.

    Parameters
    ----------
    spec : LMUSpec
        Its output is that of the program; that of the kind ``state`` has no float counterpart.

    Attributes
    ----------
    m : float array, shape (channels, order)
        Coefficients of the window after the last step.
    """

    def __init__(self, spec: LMUSpec) -> None:
        system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
        self._run = SteppedMemory(system, spec.channels)
        self._spec = spec
        self._rows = decoder(spec.order, spec.taps) if spec.taps else None
        self.m: Array = np.zeros((spec.channels, spec.order))

    def run(self, u: Array) -> Array | None:
        """Continue with inputs, shape (n_steps, channels); return outputs (n_steps, n_out)."""
        m = self._run.run(u)
        if len(m):
            self.m = m[-1]
        if self._spec.output is OutputKind.STATE:
            return None
        outputs = m if self._rows is None else m @ self._rows.T
        return outputs.reshape(len(u), -1)


class NetworkReference:
    """A network in float64, run in pieces; a classifier gives its scores, like its program.

    Parameters
    ----------
    network : FloatNetwork
    """

    m: None = None

    def __init__(self, network: FloatNetwork) -> None:
        self._step = stepper(replace(scores(network), every_step=True))

    def run(self, u: Array) -> Array | None:
        """Continue with inputs, shape (n_steps, n_in); return outputs (n_steps, n_out)."""
        return np.concatenate([self._step(row[None]) for row in u])


FloatReference = MemoryReference | NetworkReference
