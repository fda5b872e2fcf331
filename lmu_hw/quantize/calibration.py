"""What a network does on data, and programs made from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .._support.array_types import Array
from .._support.workers import one_blas_thread
from ..errors import SpecError
from ..models.network import FloatNetwork
from ..program.integer_program import Role
from .lower import lower
from .quantize_network import QuantizedNetwork, quantize_network
from .ranges import Seen, noise, observe
from .signal_graph import SignalGraph, Update
from .word_lengths import Widths


class Calibration:
    """What a network does on data, for any width of its memories' coefficients.

    Parameters
    ----------
    network : FloatNetwork
    sequences : sequence of array, shape (n_steps, n_in), or None
        None: noise.
    input_peak : float, optional
        What the input reaches, where there are no data or more is to come. Default: what the data
        reach, or 1.
    known : mapping of str to Seen, optional
        What all signals did, where that is known already; no data are looked at.
    """

    def __init__(
        self,
        network: FloatNetwork,
        sequences: Sequence[Array] | None = None,
        input_peak: float | None = None,
        known: Mapping[str, Seen] | None = None,
    ) -> None:
        self.network, self.input_peak = network, input_peak
        self._sequences = sequences
        self._seen: dict[int, dict[str, Seen]] = {}
        self.known = known
        if known is not None:
            self.about = "what the model was trained with"
        elif sequences is None:
            self.about = f"noise within +-{input_peak or 1.0:g}"
        else:
            n_steps = sum(map(len, sequences))
            self.about = f"{len(sequences)} sequences, {n_steps} steps"

    def seen(self, coef_bits: int) -> dict[str, Seen]:
        """Return what every signal of the lowered network did."""
        if coef_bits not in self._seen:
            graph = lower(self.network, coef_bits)
            seen = self._look(graph)
            if self.input_peak is not None:
                (x,) = graph.names(Role.INPUT)
                seen[x] = replace(seen[x], peak=self.input_peak)
            self._seen[coef_bits] = seen
        return self._seen[coef_bits]

    def _look(self, graph: SignalGraph) -> dict[str, Seen]:
        if self.known is not None:
            shapes = {name: (s.length,) for name, s in graph.signals.items()}
            if {name: s.power.shape for name, s in self.known.items()} != shapes:
                raise SpecError("the ranges that the model holds must be of its own signals")
            return dict(self.known)
        sequences = self._sequences
        if sequences is None:
            longest = max((n.window for n in graph.nodes if isinstance(n, Update)), default=0)
            sequences = noise(graph, self.input_peak or 1.0, longest)
        return observe(graph, sequences)

    def design(
        self, widths: Widths, *, title: str, name: str = "lmu", output_every: int = 1
    ) -> QuantizedNetwork:
        """Return the network's program in these widths; see `quantize_network`."""
        with one_blas_thread():
            return quantize_network(
                self.network,
                widths,
                self.seen(widths.coef_bits),
                title=title,
                calibration=self.about,
                name=name,
                output_every=output_every,
            )
