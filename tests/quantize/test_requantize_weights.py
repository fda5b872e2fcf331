"""Weights rounded for formats that stay: the integers are those of a program made afresh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.models.network import FloatNetwork, Layer, LMULayer
from lmu_hw.models.network import arrays as network_arrays
from lmu_hw.program.integer_program import Linear
from lmu_hw.program.row_arrays import RowArrays
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_network import (
    QuantizedNetwork,
    quantize_network,
    requantize_weights,
)
from lmu_hw.quantize.ranges import SignalStatistics
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.random_networks import remembering


def other_weights(network: FloatNetwork, factor: float, seed: int = 0) -> FloatNetwork:
    """Return the network with noise in every weight; the memories are the same objects."""
    rng = np.random.default_rng(seed)

    def changed(layer: Layer) -> Layer:
        arrays = {
            name: a * factor * rng.uniform(0.5, 1.5, a.shape) for name, a in network_arrays(layer)
        }
        of_cell = {n.removeprefix("cell."): a for n, a in arrays.items() if n.startswith("cell.")}
        own = {n: a for n, a in arrays.items() if not n.startswith("cell.") and n not in "AB"}
        if isinstance(layer, LMULayer) and layer.cell is not None:
            return replace(layer, cell=replace(layer.cell, **of_cell), **own)
        return replace(layer, **own)

    return replace(network, layers=tuple(changed(layer) for layer in network.layers))


def made(
    seed: int, bits: int = 6
) -> tuple[QuantizedNetwork, dict[str, SignalStatistics], FloatNetwork]:
    network = remembering(seed)
    data = [np.random.default_rng(seed).uniform(-1, 1, (40, network.n_in)) for _ in range(2)]
    found = Calibration(network, data).statistics(12)
    statistics = {name: replace(s, read=None) for name, s in found.items()}
    widths = Widths(weight_bits=bits, act_bits=8, coef_bits=12)
    return quantized(network, widths, statistics), statistics, network


def quantized(
    network: FloatNetwork, widths: Widths, statistics: dict[str, SignalStatistics]
) -> QuantizedNetwork:
    return quantize_network(network, widths, statistics, title="test", calibration="test")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("bits", [4, 9])
def test_integers_are_those_of_a_new_program(seed: int, bits: int) -> None:
    design, statistics, network = made(seed, bits)
    other = other_weights(network, 1.7 - 0.1 * seed)
    wanted = quantized(other, Widths(weight_bits=bits, act_bits=8, coef_bits=12), statistics)
    found = requantize_weights(design, other, statistics)
    assert wanted.program.vectors == design.program.vectors
    assert set(found) == {op.target for op in wanted.program.ops if isinstance(op, Linear)}
    for old, new in zip(design.program.ops, wanted.program.ops, strict=True):
        if not isinstance(new, Linear):
            assert new == old
            continue
        rows = found[new.target]
        assert (
            replace(
                old,
                rows=tuple(map(tuple, rows.rows.tolist())),
                aligns=tuple(rows.aligns.tolist()),
                biases=tuple(rows.biases.tolist()),
                multipliers=tuple(rows.multipliers.tolist()),
                shifts=tuple(rows.shifts.tolist()),
            )
            == new
        )


def test_weights_that_cannot_fit() -> None:
    design, statistics, network = made(3)
    with pytest.raises(SpecError):
        requantize_weights(design, other_weights(network, 2.0**60), statistics)


def test_sums_are_checked_as_in_a_program() -> None:
    """What a `Linear` refuses is refused here, one bit below and above the limit."""
    design, *_ = made(5)
    (op, *_) = (op for op in design.program.ops if isinstance(op, Linear))
    vector = design.program.vector
    formats, widths = [vector(name).fmt for name in op.sources], op.widths(vector)
    for bits in range(40, 61):
        large = replace(op, multipliers=(1 << bits, *op.multipliers[1:]))
        refused = []
        for check in (
            lambda op=large: op.check(vector),
            lambda op=large: RowArrays.of(op).check(formats, widths),
        ):
            try:
                check()
                refused.append("")
            except Exception as error:
                refused.append(str(error))
        assert refused[0] == refused[1]
    assert refused[0]
