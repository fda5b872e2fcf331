"""Small networks behind a memory with ``--parallel``, which the estimates are fitted to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import lmu_hw as lh
from benchmarks import constant_matrix
from lmu_hw import layers
from lmu_hw.rtl.layers.layer_plan import LayerPlan, layer_plan

MATRIX = "16 x 16 of 8 bits"
SECTIONS = 3
"""Sections of a multiplier, for all rings."""


@dataclass(frozen=True, kw_only=True)
class LayeredDesign:
    """A memory and layers with random weights, their hardware, and where they are measured.

    Without ``hidden`` the layers are one matrix, as with ``--output memory``.
    """

    order: int
    hidden: int = 0
    outputs: int = 1
    bits: int = 8
    function: str = "relu"
    layers: str = "pipelined"
    lanes: int = 1
    every: int = 1
    classes: bool = False
    parallel: str = "ring"
    pipeline: int = 4
    target: str = "ecp5-25k"
    routed: bool = True
    name: str = field(init=False)

    def __post_init__(self) -> None:
        what = "memory"
        if self.hidden:
            kind = "classes" if self.classes else "outputs"
            what = f"n={self.hidden} {self.function} {self.outputs} {kind}"
        how = f"P={self.lanes}" if self.layers == "lanes" else self.layers
        text = f"d={self.order} {what} {self.bits} bits {self.parallel} L={self.pipeline} {how}"
        if self.every > 1:
            text += f" every {self.every}"
        object.__setattr__(self, "name", text)

    @property
    def key(self) -> str:
        """Name of its row."""
        return f"{self.name} on {self.target}"

    @property
    def hardware(self) -> lh.Hardware:
        """Its options."""
        return lh.Hardware(
            parallel=self.parallel,
            pipeline=self.pipeline,
            sections_per_multiplier=SECTIONS if self.parallel == "ring" else None,
            layers=self.layers,
            lanes=self.lanes,
        )

    def make(self) -> lh.Design:
        """Return the design."""
        if not self.hidden:
            memory = lh.Memory(self.order).spec(bits=self.bits, realization="cascade")
            return lh.compile(memory)
        rng = np.random.default_rng(2)

        def dense(rows: int, columns: int, activation: str) -> layers.DenseLayer:
            W = rng.standard_normal((rows, columns)) / columns**0.5
            return layers.DenseLayer(
                W=W, b=np.zeros(rows), activation=layers.Activation(activation)
            )

        theta = 2 * self.order
        memory = layers.LMULayer(memory=layers.LinearMemory(order=self.order, theta=theta), n_in=1)
        chain: list[layers.Layer] = [
            memory,
            dense(self.hidden, self.order, self.function),
            dense(self.outputs, self.hidden, "softmax" if self.classes else "linear"),
        ]
        net = lh.Network.from_layers(*chain, name=f"d={self.order} n={self.hidden}")
        x = np.random.default_rng(1).uniform(-1.0, 1.0, (16, 4 * theta, 1))
        widths = {"weight_bits": 8, "act_bits": self.bits}
        return lh.compile(net, widths=widths, calibration=x, output_every=self.every)


@dataclass(frozen=True, kw_only=True)
class MatrixLayer:
    """A layer without a memory: a matrix with requantizers, as `constant_matrix` measures it."""

    interval: int
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{MATRIX}, interval {self.interval}")

    @property
    def target(self) -> str:
        """Where it is measured."""
        return constant_matrix.INTERVALS[self.interval]

    @property
    def key(self) -> str:
        """Name of its row."""
        return f"{self.name} on {self.target}"

    @property
    def plan(self) -> LayerPlan:
        """Its plan."""
        return layer_plan(constant_matrix.layer(MATRIX), self.interval)

    def measured(self) -> dict[str, Any]:
        """Return its figures on its device."""
        row = constant_matrix.our_layer(MATRIX, self.interval)
        figures = {name: row[name] for name in ("luts", "ffs", "dsps")}
        return {**figures, "block_rams": 0, "cycles": row["interval"], "fmax_mhz": row["mhz"]}


def on(target: str, order: int, hidden: int, **keys: Any) -> LayeredDesign:
    """Return a design."""
    return LayeredDesign(order=order, hidden=hidden, target=target, **keys)


UP5K, HX8K, ECP5 = "ice40-up5k", "ice40-hx8k", "ecp5-25k"
FULL: dict[str, Any] = {"parallel": "full", "pipeline": 2}
DESIGNS = [
    on(ECP5, 4, 4, bits=16),
    on(ECP5, 8, 8, layers="adders"),
    on(UP5K, 4, 4, layers="adders"),
    on(UP5K, 8, 16, layers="lanes", routed=False),
    on(ECP5, 6, 8, function="tanh", routed=False),
    on(ECP5, 8, 4, layers="lanes", lanes=4, outputs=4, every=8, bits=12),
    on(HX8K, 4, 6, layers="adders"),
    on(ECP5, 8, 0, bits=12, routed=False),
    on(ECP5, 4, 8, layers="adders", outputs=3, classes=True, bits=12, **FULL, routed=False),
    on(HX8K, 6, 6, layers="lanes", routed=False),
    on("ecp5-85k", 12, 12, outputs=2, routed=False),
]
LAYERS = [MatrixLayer(interval=interval) for interval in constant_matrix.INTERVALS]
