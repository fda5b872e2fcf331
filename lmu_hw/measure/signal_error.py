"""Error of every signal of a network's program against the float network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array, Words
from ..program.fixedpoint import from_real
from ..program.interpreter import Interpreter
from ..program.output_timing import with_output_every
from ..quantize import signal_graph
from ..quantize.lower import lower
from ..quantize.quantize_network import QuantizedNetwork
from .dataset import Dataset
from .evaluation import SignalQuality, SignalTrace

TRACED_STEPS = 2048
"""Most steps traced of each sequence."""
TRACED_VALUES = 1 << 24
"""Most words traced, of all signals together."""
SILENT_DB = 400.0
"""SNR without any error [dB]."""


def trace(design: QuantizedNetwork, dataset: Dataset) -> SignalTrace:
    """Run a few sequences in the interpreter and return the error of every signal.

    Parameters
    ----------
    design : QuantizedNetwork
    dataset : Dataset
        At most `TRACED_STEPS` steps of each sequence are run, and `TRACED_VALUES` words in all.
    """
    program = with_output_every(design.program, 1)
    per_step = sum(v.length for v in program.vectors)
    steps = min(TRACED_STEPS, TRACED_VALUES // per_step, max(map(len, dataset.sequences)))
    dataset = dataset.sample(max(1, TRACED_VALUES // (steps * per_step)))
    network = lower(design.network, design.widths.coef_bits)
    proven = {b.signal: b.proven for b in design.bases}
    stands_for = {b.signal: b.stands_for or b.signal for b in design.bases}
    sums: dict[str, _SquareSums] = {name: _SquareSums() for name in proven}
    for at in dataset.batches():
        x = dataset.stack(at)[:, :steps]
        history: list[dict[str, Array]] = []
        signal_graph.run(network, x, lambda _, s: history.append(dict(s)))  # noqa: B023
        float_steps = iter(history)

        def watch(words: Mapping[str, Words]) -> None:
            wanted = next(float_steps)  # noqa: B023
            for name, total in sums.items():
                fmt = program.vector(name).fmt
                reference = wanted[stands_for[name]]
                total.add(words[name], fmt.min, fmt.max, fmt.lsb, reference)

        words, _ = from_real(x, program.vector("x").fmt)
        Interpreter(program, len(at)).run(words.transpose(1, 0, 2), watch=watch)
    layers = {s.name: s.layer for s in network.signals.values()}
    signals = {
        name: SignalQuality(
            format=str(program.vector(name).fmt),
            proven=proven[name],
            snr_db=total.snr(),
            saturated=0.0 if proven[name] else total.at_ends / total.count,
        )
        for name, total in sums.items()
    }
    judged = [(t.snr(), n) for n, t in sums.items() if layers.get(n)]
    worst = min(judged)[1] if judged else None
    return SignalTrace(
        traced_sequences=len(dataset),
        signals=signals,
        worst_layer=None if worst is None else layers[worst],
        worst_signal=worst,
    )


@dataclass(slots=True)
class _SquareSums:
    power: float = 0.0
    error: float = 0.0
    at_ends: int = 0
    count: int = 0

    def add(self, words: Words, low: int, high: int, lsb: float, reference: Array) -> None:
        error = words * lsb - reference
        # 0 in an unsigned format is no saturation, and +1.0 in Q1.15 is off by an LSB only
        at_ends = (words == high) | ((words == low) & (low < 0))
        self.at_ends += int(np.count_nonzero(at_ends & (np.abs(error) > lsb)))
        self.count += words.size
        self.power += float(np.sum(reference**2))
        self.error += float(np.sum(error**2))

    def snr(self) -> float:
        if self.error == 0.0:
            return SILENT_DB
        return float(10.0 * np.log10(max(self.power, 1e-300) / self.error))
