"""Designs that the estimates of `lmu_hw.explore` are fitted to, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lmu_hw as lh
from lmu_hw import layers

LADDER = {"discretizer": "bilinear", "realization": "ladder"}
CASCADE = {"realization": "cascade"}
DENSE = {"realization": "dense"}
SPIKING = {"realization": "spiking"}
POISSON = {**SPIKING, "neuron_model": "poisson"}
LINEAR, TANH, RELU = layers.Activation.LINEAR, layers.Activation.TANH, layers.Activation.RELU
SIGMOID = layers.Activation.SIGMOID


@dataclass(frozen=True, kw_only=True)
class MeasuredDesign:
    """A design, its lanes and the targets on which it is measured; ``routed`` gives a clock."""

    make: Callable[[], lh.Design]
    lanes: int = 1
    fpgas: tuple[str, ...] = ()
    boards: bool = True
    routed: bool = True


def memory(*fpgas: str, lanes: int = 1, boards: bool = True, **keys: Any) -> MeasuredDesign:
    """Return a memory; keys are those of a specification file."""
    order, theta = keys.pop("d"), keys.pop("theta", None)

    def make() -> lh.Design:
        return lh.compile(lh.Memory(order, theta).spec(**keys))

    return MeasuredDesign(make=make, lanes=lanes, fpgas=fpgas, boards=boards)


def _cell(kind: str, n: int, n_in: int, weights: Callable[..., Any]) -> layers.Cell:
    blocks = {"lstm": 4, "gru": 3}.get(kind, 1)
    W, U, b = weights(blocks * n, n_in), weights(blocks * n, n, 0.5), np.zeros(blocks * n)
    if kind == "lstm":
        return layers.LSTMLayer(W=W, U=U, b=b, activation=TANH, gate=SIGMOID)
    if kind == "gru":
        return layers.GRULayer(W=W, U=U, b=b, c=np.zeros(n), activation=TANH, gate=SIGMOID)
    if kind == "dense":
        return layers.DenseLayer(W=W, b=b, activation=RELU)
    return layers.SimpleRNNLayer(W=W, U=U, b=b, activation=TANH)


def network(
    *fpgas: str,
    d: int,
    n: int,
    theta: float,
    lanes: int = 1,
    classes: int = 0,
    weight_bits: int = 8,
    act_bits: int = 16,
    cell: str = "lmu",
    every: int = 1,
    boards: bool = True,
    routed: bool = False,
) -> MeasuredDesign:
    """Return a memory and a cell with random weights, and a head where it has classes."""

    def make() -> lh.Design:
        rng = np.random.default_rng(0)

        def weights(rows: int, columns: int, gain: float = 1.0) -> Any:
            return gain * rng.standard_normal((rows, columns)) / np.sqrt(columns)

        recurrent = cell in ("lmu", "lstm", "gru")
        first = layers.LMULayer(
            memory=layers.LinearMemory(order=d, theta=theta),
            n_in=1,
            e_x=np.ones((1, 1)),
            e_h=weights(1, n, 0.3) if recurrent else None,
            e_m=weights(1, d, 0.1),
            cell=_cell(cell, n, d + 1, weights),
            reads_input=True,
        )
        chain: list[layers.Layer] = [first]
        if classes:
            head = layers.DenseLayer(W=weights(classes, n), b=np.zeros(classes), activation=LINEAR)
            chain.append(head)
        data = rng.random((16, min(int(theta), 200), 1))
        widths = {"weight_bits": weight_bits, "act_bits": act_bits}
        net = lh.Network.from_layers(*chain, name=f"{cell} d={d} n={n}")
        return lh.compile(net, widths=widths, calibration=data, output_every=every)

    return MeasuredDesign(make=make, lanes=lanes, fpgas=fpgas, boards=boards, routed=routed)


def _orders() -> dict[str, MeasuredDesign]:
    """Return the memories of docs/results/synthesis.md."""
    up5k, hx8k, e25, e85 = "ice40-up5k", "ice40-hx8k", "ecp5-25k", "ecp5-85k"
    found = {}
    for d, output in ((16, "memory"), (64, "memory"), (64, "state")):
        found[f"dense d={d} {output}"] = memory(e25, hx8k, d=d, output=output, **DENSE)
    for d in (16, 32, 64, 128, 256):
        for output in ("state", "memory"):
            more = (e25, hx8k) if d == 64 or (d, output) == (16, "memory") else ()
            more += (up5k,) if (d, output) == (64, "memory") else ()
            name = f"cascade d={d} {output}"
            found[name] = memory(e85, *more, d=d, output=output, **CASCADE)
    for d, substeps in ((16, 1), (64, 1), (256, 1), (64, 4)):
        name = f"ladder d={d} substeps={substeps}"
        found[name] = memory(up5k, e25, d=d, substeps=substeps, **LADDER)
    for lanes in (2, 4, 8, 16):
        name = f"cascade d=64 memory P={lanes}"
        found[name] = memory(e85, lanes=lanes, d=64, boards=False, **CASCADE)
    return found


def _small() -> dict[str, MeasuredDesign]:
    """Return small designs of every kind, which the tools finish in half a minute each."""
    up5k, e25 = "ice40-up5k", "ecp5-25k"
    others = ("gowin-gw1n9", "xc7")
    return {
        "cascade d=6 8 bits": memory(e25, *others, d=6, theta=48, bits=8),
        "cascade d=24 12 bits P=4": memory(e25, *others, lanes=4, d=24, bits=12),
        "cascade d=12 3 channels P=2": memory(e25, up5k, lanes=2, d=12, channels=3),
        "cascade d=10 24 bits": memory(e25, d=10, bits=24),
        "taps d=24 P=2": memory(e25, lanes=2, d=24, output="taps=0,0.5,1"),
        "ladder d=16 12 bits P=4": memory(e25, lanes=4, d=16, bits=12, **LADDER),
        "dense d=10 12 bits P=8": memory(e25, lanes=8, d=10, bits=12, **DENSE),
        "network d=12 n=16 4-bit weights": network(
            e25, up5k, d=12, n=16, theta=64, classes=10, weight_bits=4, act_bits=8
        ),
        "network d=32 n=24 P=4": network(e25, "xc7", d=32, n=24, theta=64, lanes=4, classes=4),
        "network d=12 n=32 P=16": network(
            e25, d=12, n=32, theta=32, lanes=16, classes=10, weight_bits=6, act_bits=12
        ),
        "lstm d=12 n=12 P=2": network(e25, d=12, n=12, theta=32, lanes=2, cell="lstm", classes=3),
        "gru d=8 n=12 P=8": network(e25, d=8, n=12, theta=32, lanes=8, cell="gru", weight_bits=16),
        "feed-forward d=16 n=24 on demand P=4": network(
            e25, d=16, n=24, theta=40, lanes=4, cell="dense", classes=10, every=0
        ),
    }


def _spiking() -> dict[str, MeasuredDesign]:
    """Return memories on spiking neurons: those of docs/results/spiking_synthesis.md, and more."""
    both = ("ice40-up5k", "ecp5-25k")
    return {
        "plain d=6 theta=48": memory(*both, d=6, theta=48),
        "integrate-and-fire d=6": memory(*both, d=6, theta=48, neurons=768, **SPIKING),
        "Poisson d=6 S=16": memory(*both, d=6, theta=48, neurons=768, generators=16, **POISSON),
        "integrate-and-fire d=14": memory(d=14, theta=140, neurons=1792, **SPIKING),
        "Poisson d=6 S=1": memory(d=6, theta=60, neurons=192, **POISSON),
        "Poisson d=4 S=4": memory(d=4, theta=40, neurons=1024, generators=4, **POISSON),
    }


def _firmware() -> dict[str, MeasuredDesign]:
    """Return more designs for microcontrollers alone."""
    return {
        "cascade d=2": memory(d=2, theta=20),
        "cascade d=1": memory(d=1, theta=5),
        "cascade d=12 8 bits": memory(d=12, bits=8),
        "cascade d=20 9 bits state": memory(d=20, bits=9, output="state"),
        "cascade d=20 24 bits": memory(d=20, bits=24),
        "taps d=48": memory(d=48, output="taps=0,1"),
        "dense d=5": memory(d=5, **DENSE),
        "dense d=20 8 bits": memory(d=20, bits=8, **DENSE),
        "network d=24 n=20 16-bit weights": network(d=24, n=20, theta=64, weight_bits=16),
        "cascade d=33 state": memory(d=33, theta=200, output="state"),
        "cascade d=48 20 bits": memory(d=48, bits=20, output="state"),
        "cascade d=12 5 channels": memory(d=12, theta=40, channels=5),
        "taps d=96 12 bits": memory(d=96, bits=12, output="taps=0,0.25,0.5,0.75,1"),
        "dense d=32 8 bits": memory(d=32, bits=8, **DENSE),
        "ladder d=24 8 bits": memory(d=24, bits=8, **LADDER),
        "ladder d=32 2 channels substeps=2": memory(d=32, channels=2, substeps=2, **LADDER),
        "ladder d=24 substeps=4": memory(d=24, substeps=4, **LADDER),
        "ladder d=48 substeps=8": memory(d=48, substeps=8, **LADDER),
        "network d=64 n=48 16-bit weights": network(
            d=64, n=48, theta=128, classes=10, weight_bits=16
        ),
        "network d=40 n=64 4-bit weights": network(d=40, n=64, theta=128, weight_bits=4),
        "lstm d=32 n=40": network(d=32, n=40, theta=64, cell="lstm", classes=10),
        "gru d=24 n=24": network(d=24, n=24, theta=64, cell="gru", weight_bits=6, act_bits=10),
        "feed-forward d=100 n=32": network(d=100, n=32, theta=200, cell="dense", classes=5),
    }


def _examples() -> dict[str, MeasuredDesign]:
    """Return the example configurations of docs/results/synthesis.md."""
    return {
        "network d=256 n=212 P=8": network(
            "ecp5-85k", d=256, n=212, theta=784, lanes=8, classes=10, routed=True
        ),
        "network d=64 n=32": network("ice40-up5k", d=64, n=32, theta=256, routed=True),
    }


DESIGNS: dict[str, MeasuredDesign] = {
    **_orders(),
    **_small(),
    **_spiking(),
    **_firmware(),
    **_examples(),
}
"""Every design, by name."""
