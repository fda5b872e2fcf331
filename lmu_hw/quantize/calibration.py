"""Calibrate a network: collect the statistics of its signals on data, and quantize with them."""

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
from .ranges import SignalStatistics, collect_statistics, noise_sequences
from .signal_graph import MemoryUpdate, SignalGraph
from .word_lengths import Widths


class Calibration:
    """Signal statistics of a network on calibration data, for any coefficient width.

    Parameters
    ----------
    network : FloatNetwork
    sequences : sequence of array, shape (n_steps, n_in), or None
        Calibration data. None: synthetic noise.
    input_peak : float, optional
        Largest magnitude of the input. Default: that of the data, or 1 without data.
    known : mapping of str to SignalStatistics, optional
        Statistics of all signals from an earlier calibration; the data are then ignored.
    """

    def __init__(
        self,
        network: FloatNetwork,
        sequences: Sequence[Array] | None = None,
        input_peak: float | None = None,
        known: Mapping[str, SignalStatistics] | None = None,
    ) -> None:
        self.network, self.input_peak = network, input_peak
        self._sequences = sequences
        self._statistics: dict[int, dict[str, SignalStatistics]] = {}
        self.known = known
        if known is not None:
            self.about = "what the model was trained with"
        elif sequences is None:
            self.about = f"noise within +-{input_peak or 1.0:g}"
        else:
            n_steps = sum(map(len, sequences))
            self.about = f"{len(sequences)} sequences, {n_steps} steps"

    def statistics(self, coef_bits: int) -> dict[str, SignalStatistics]:
        """Return the statistics of every signal of the lowered network."""
        if coef_bits not in self._statistics:
            graph = lower(self.network, coef_bits)
            seen = self._collect(graph)
            if self.input_peak is not None:
                (x,) = graph.names(Role.INPUT)
                seen[x] = replace(seen[x], peak=self.input_peak)
            self._statistics[coef_bits] = seen
        return self._statistics[coef_bits]

    def _collect(self, graph: SignalGraph) -> dict[str, SignalStatistics]:
        if self.known is not None:
            shapes = {name: (s.length,) for name, s in graph.signals.items()}
            if {name: s.power.shape for name, s in self.known.items()} != shapes:
                raise SpecError("the model's ranges must match its signals: train it again")
            return dict(self.known)
        sequences = self._sequences
        if sequences is None:
            longest = max((n.window for n in graph.nodes if isinstance(n, MemoryUpdate)), default=0)
            sequences = noise_sequences(graph, self.input_peak or 1.0, longest)
        return collect_statistics(graph, sequences)

    def design(
        self, widths: Widths, *, title: str, name: str = "lmu", output_every: int = 1
    ) -> QuantizedNetwork:
        """Return the network quantized with these widths; see `quantize_network`."""
        with one_blas_thread():
            return quantize_network(
                self.network,
                widths,
                self.statistics(widths.coef_bits),
                title=title,
                calibration=self.about,
                name=name,
                output_every=output_every,
            )
