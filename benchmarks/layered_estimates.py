"""Fits the estimates of layers behind a memory with ``--parallel``, given those of the memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import network_throughput
from estimate_error import Sample, fit
from layered_designs import DESIGNS, LAYERS, LayeredDesign, MatrixLayer

import lmu_hw as lh
from lmu_hw.explore.fitted_sums import FittedSum, fitted_sums
from lmu_hw.explore.layer_units import layer_registers, layer_storages, layer_units
from lmu_hw.explore.logic_terms import clock_terms, logic_terms, lut_cells
from lmu_hw.explore.network_parts import (
    NetworkParts,
    layer_terms,
    network_parts,
    pipeline_terms,
)
from lmu_hw.explore.parallel_parts import parallel_terms
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.families import Style, place
from lmu_hw.rtl.inventory import Storage
from lmu_hw.rtl.networks.network_plan import NetworkPlan

KINDS = ("luts", "ffs", "period_ns")
SOFT = "soft_products"
Found = dict[str, tuple[list[Sample], list[float]]]
"""Samples of each kind, and the errors of designs that a fit has not seen."""


@dataclass(frozen=True, kw_only=True)
class LayerSample:
    """A measured figure of a network, and what is known of it.

    Attributes
    ----------
    sample : Sample
        With the sizes of the layers; ``exact`` is what the memory and lanes take of LUTs and
        flip-flops, by their estimates.
    slowest : float
        Clock period of the memory and of lanes [ns], by their estimates; 0 for other kinds.
    """

    sample: Sample
    slowest: float = 0.0


@dataclass(frozen=True, kw_only=True)
class LargeNetwork:
    """A network of `network_throughput`, which is not in the fit."""

    title: str
    routed: bool = True

    @property
    def _found(self) -> network_throughput.NetworkDesign:
        return network_throughput.DESIGNS[self.title]

    @property
    def name(self) -> str:
        """What it is."""
        return f"{self.title}; {self._found.options}"

    @property
    def target(self) -> str:
        """Where it is measured."""
        return self._found.target

    @property
    def key(self) -> str:
        """Name of its row."""
        return f"{self.name} on {self.target}"

    @property
    def hardware(self) -> lh.Hardware:
        """Its options."""
        return self._found.hardware

    def make(self) -> lh.Design:
        """Return the design."""
        return self._found.design()


Layered = LayeredDesign | MatrixLayer | LargeNetwork
LARGE = [LargeNetwork(title=title) for title in network_throughput.DESIGNS]
"""Networks that are estimated with factors fitted to small ones."""


def samples(
    rows: dict[str, dict[str, Any]], sums: dict[str, FittedSum], *, large: bool = False
) -> dict[str, list[LayerSample]]:
    """Return the measured figures by kind.

    Parameters
    ----------
    rows : dict
    sums : dict of str to FittedSum
        Of the memories.
    large : bool
        Of `LARGE`, not of the designs of the fit.
    """
    found: dict[str, list[LayerSample]] = {kind: [] for kind in KINDS}
    for design in LARGE if large else (*DESIGNS, *LAYERS):
        if design.key in rows:
            for kind, one in _of(design, rows[design.key], sums).items():
                found[kind].append(one)
    return found


def _of(
    design: LayeredDesign | MatrixLayer | LargeNetwork,
    row: dict[str, Any],
    sums: dict[str, FittedSum],
) -> dict[str, LayerSample]:
    """Return the figures of a design."""
    device = TARGETS[design.target]
    if isinstance(design, MatrixLayer):
        layers = design.plan
        units, registers = tuple(layer_units(layers)), layer_registers(layers)
        terms = pipeline_terms(units, registers, device.family)
        known = _of_memories(tuple(layer_storages(layers)), design.target, sums)
    else:
        plan = design.make().schedule(design.hardware)
        assert isinstance(plan, NetworkPlan)
        parts = network_parts(plan)
        known, terms = _known(parts, design.target, sums), layer_terms(parts, device.family)
    # a soft product takes what it takes in a memory
    soft = terms["luts"].pop(SOFT)
    known["luts"] += (sums["luts"].of({SOFT: soft}, device.family.name),)
    found = {}
    for kind in KINDS:
        clock = kind == "period_ns"
        if clock and not row["fmax_mhz"]:
            continue
        sample = Sample(
            design=design.name,
            target=design.target,
            key=design.target if clock else device.family.name,
            terms=terms[kind],
            value=1e3 / row["fmax_mhz"] if clock else row[kind],
            exact=0.0 if clock else sum(known[kind]),
        )
        found[kind] = LayerSample(sample=sample, slowest=max(known[kind]) if clock else 0.0)
    return found


def _of_memories(
    storages: tuple[Storage, ...], target: str, sums: dict[str, FittedSum]
) -> dict[str, tuple[float, ...]]:
    """Return the estimates of a layer's memories, which a network has among those of its memory."""
    family = TARGETS[target].family
    small = [s for s in storages if place(family, s).style is Style.DISTRIBUTED]
    terms = {"lut_memory": float(sum(map(lut_cells, small)))}
    read = {"registers": float(sum(s.width for s in small))}
    luts, ffs = (sums[k].of(t, family.name) for k, t in (("luts", terms), ("ffs", read)))
    return {"luts": (luts,), "ffs": (ffs,), "period_ns": (0.0,)}


def _known(
    parts: NetworkParts, target: str, sums: dict[str, FittedSum]
) -> dict[str, tuple[float, ...]]:
    """Return the estimates of the memory and of the lanes."""
    family, shared = TARGETS[target].family, fitted_sums()
    memory, lanes = parallel_terms(parts.memory, family), parts.lanes
    found: dict[str, tuple[float, ...]] = {}
    for kind in KINDS:
        key, own = target if kind == "period_ns" else family.name, 0.0
        if lanes is not None:
            terms = clock_terms if kind == "period_ns" else logic_terms
            own = shared[kind].of(terms(lanes, family), key)
        found[kind] = sums[kind].of(memory[kind], key), own
    return found


def fitted(kind: str, each: list[LayerSample], memory: FittedSum) -> FittedSum:
    """Return the sum of the layers; it has the scales of the memory's.

    The clock is fitted as if the layers were the slowest part of each network.
    """
    own = []
    for one in each:
        s, scale = one.sample, memory.scales.get(one.sample.key, 1.0)
        terms = {name: scale * value for name, value in s.terms.items()}
        if any(terms.values()):
            own.append(
                Sample(
                    design=s.design,
                    target=s.target,
                    key=s.key,
                    terms=terms,
                    value=s.value - s.exact,
                    exact=s.exact,
                )
            )
    factors = fit(own, scaled=False).factors
    if SOFT in memory.factors and kind == "luts":
        factors = dict(sorted({**factors, SOFT: memory.factors[SOFT]}.items()))
    return FittedSum(factors=factors, scales=memory.scales)


def unseen(
    kind: str, each: list[LayerSample], memory: FittedSum, large: list[LayerSample]
) -> list[float]:
    """Return the relative error of each figure, then of large ones.

    From a fit to all other networks; of large ones from a fit to all small ones.
    """
    errors = []
    for one in (*each, *large):
        s = one.sample
        found = fitted(kind, [o for o in each if o.sample.design != s.design], memory)
        layers = found.of(s.terms, s.key)
        whole = max(one.slowest, layers) if kind == "period_ns" else s.exact + layers
        errors.append(whole / s.value - 1)
    return errors
