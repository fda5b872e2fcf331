"""Typical user designs of every kind: each a program and a number of lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmu_hw.memory.spec import parse
from lmu_hw.models.network import Activation, Layer, LinearMemory
from lmu_hw.program.integer_program import Linear, Program
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.word_lengths import Widths
from lmu_hw.rtl.schedule import ChainPlan, Reading, Schedule, as_written, lay_out
from lmu_hw.rtl.schedule.timing import chain_cycles
from tests.factories.networks import LINEAR, SIGMOID, TANH, cell, lmu, network, trained

RELU, RELU6 = Activation.RELU, Activation.RELU6
HARD_TANH, SOFTMAX = Activation.HARD_TANH, Activation.SOFTMAX
HARD_SIGMOID, HARD_SIGMOID_5 = Activation.HARD_SIGMOID, Activation.HARD_SIGMOID_5


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """How a program is made, and for how many lanes."""

    make: Callable[[], Program]
    lanes: int


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """Cycles that a layer of 16 rows or more takes, and what it must wait for.

    ``own`` are those that it takes where every word is there and nothing is in its way; in the
    others it waits for operations before it. ``bound`` is 5 % and 16 cycles more than its
    multiplies over the lanes. ``lanes`` are the cycles of its groups of rows, idle lanes included;
    ``chain`` those of the memory whose states it is the first to read, which come one after the
    other; ``results`` those in which its rows are rounded.
    """

    name: str
    cycles: int
    own: int
    bound: float
    lanes: int
    chain: int
    results: int


def layer_times(plan: Schedule) -> list[LayerTime]:
    """Return the times of a step's wide layers."""
    found, read = [], set[int]()
    way = as_written(plan.program, Reading.WHOLE)
    whole = lay_out(plan.program, plan.lanes, plan.interval, plan.state_port, way)
    alone = {phase.name: phase.length - phase.wait for phase in whole.due.phases}
    for phase in plan.due.phases:
        kind, _, number = phase.name.partition("_")
        op = plan.program.ops[int(number.partition("_")[0])] if number.isdigit() else None
        if kind != "linear" or not isinstance(op, Linear):
            continue
        chains = [chain for chain in plan.chains if _reads(op, chain) and chain.op not in read]
        read |= {chain.op for chain in chains}
        if len(op.rows) >= 16:
            n_rows, multiplies = len(op.rows), plan.program.multiplies(op)
            found.append(
                LayerTime(
                    name=phase.name,
                    cycles=phase.length,
                    own=alone[phase.name],
                    bound=1.05 * multiplies / plan.lanes + 16,
                    lanes=-(-n_rows // plan.lanes) * (multiplies // n_rows),
                    chain=sum(_cycles(plan, chain) for chain in chains),
                    results=n_rows * plan.interval,
                )
            )
    return found


def _reads(op: Linear, chain: ChainPlan) -> bool:
    return any(m is not None and m.target[0] in op.sources for m in chain.mirrors)


def _cycles(plan: Schedule, chain: ChainPlan) -> int:
    """Return the cycles of all channels of a chain, two of them beside each other."""
    feeds = [feed for feed in plan.feeds if feed.op == chain.op and feed.channel % 2 == 0]
    return sum(chain_cycles(chain.sections, paired=feed.paired) for feed in feeds)


def memory(lanes: int, **keys: Any) -> Configuration:
    """Return a memory alone."""
    return Configuration(make=lambda: quantize_memory(parse(keys)).program, lanes=lanes)


def layers(
    lanes: int, make: Callable[[np.random.Generator], tuple[Layer, ...]], every: int = 1
) -> Configuration:
    """Return a network with 8-bit weights, its ranges from noise."""

    def program() -> Program:
        net = network(*make(np.random.default_rng(1)))
        data = [np.random.default_rng(k).uniform(-1, 1, (60, net.n_in)) for k in range(4)]
        design = Calibration(net, data).design(
            Widths(weight_bits=8), title="configuration", output_every=every
        )
        return design.program

    return Configuration(make=program, lanes=lanes)


def legendre(order: int, theta: float, channels: int = 1) -> LinearMemory:
    """Return a Legendre memory."""
    return LinearMemory(order=order, theta=theta, channels=channels)


CONFIGURATIONS: dict[str, Configuration] = {
    "memory d=1": memory(1, d=1, theta=5),
    "memory d=6 P=2": memory(2, d=6, theta=40),
    "memory d=64": memory(1, d=64, theta=200),
    "memory d=64 P=4": memory(4, d=64, theta=200),
    "state d=64": memory(1, d=64, theta=200, output="state"),
    "state d=33 3 channels P=2": memory(2, d=33, theta=90, channels=3, output="state"),
    "taps d=48 P=3": memory(3, d=48, theta=128, output="taps=0,0.5,1"),
    "taps d=256 P=8": memory(8, d=256, theta=784, output="taps=0,0.25,0.5,0.75,1", bits=12),
    "memory d=128 P=16": memory(16, d=128, theta=400, bits=12),
    "memory d=12 5 channels P=3": memory(3, d=12, theta=40, channels=5),
    "euler d=9 P=8": memory(8, d=9, theta=90, discretizer="euler"),
    "ladder d=64": memory(1, d=64, discretizer="bilinear"),
    "ladder d=9 2 channels K=4 P=2": memory(
        2, d=9, theta=40, discretizer="bilinear", channels=2, substeps=4, bits=12
    ),
    "dense d=16 P=4": memory(4, d=16, theta=64, realization="dense"),
    "dense d=20 2 channels P=8": memory(
        8, d=20, theta=64, realization="dense", channels=2, discretizer="bilinear"
    ),
    "tanh d=64 n=64": layers(
        1, lambda r: (lmu(r, 1, kind="simple_rnn", n=64, memory=legendre(64, 100)),)
    ),
    "tanh d=64 n=32 P=2": layers(
        2,
        lambda r: (
            lmu(r, 1, kind="simple_rnn", n=32, reads_input=True, memory=legendre(64, 100)),
            cell(r, "dense", 32, 4, LINEAR),
        ),
    ),
    "all terms d=32 n=24 P=3": layers(
        3,
        lambda r: (
            lmu(
                r,
                2,
                kind="simple_rnn",
                n=24,
                reads_input=True,
                terms=("e_x", "e_h", "e_m", "b"),
                activation=RELU6,
                memory=legendre(32, 50, 2),
            ),
        ),
    ),
    "lstm d=32 n=24 P=8": layers(
        8,
        lambda r: (
            lmu(r, 1, kind="lstm", n=24, memory=legendre(32, 60), gate=HARD_SIGMOID_5),
            cell(r, "dense", 24, 5, SOFTMAX),
        ),
    ),
    "gru d=16 n=20 P=16": layers(
        16,
        lambda r: (
            lmu(r, 2, kind="gru", n=20, memory=legendre(16, 30), activation=HARD_TANH),
            cell(r, "dense", 20, 3, SIGMOID),
        ),
    ),
    "old gru d=16 n=16 P=4": layers(
        4, lambda r: (lmu(r, 1, kind="old_gru", n=16, memory=legendre(16, 30), gate=HARD_SIGMOID),)
    ),
    "stack of 3 P=4": layers(
        4,
        lambda r: (
            lmu(r, 1, kind="dense", n=16, memory=legendre(16, 20), activation=RELU),
            lmu(r, 16, kind="simple_rnn", n=24, memory=legendre(12, 40, 2), activation=SIGMOID),
            cell(r, "dense", 24, 10, SOFTMAX),
        ),
    ),
    "stack of 3, outputs on demand, P=16": layers(
        16,
        lambda r: (
            lmu(r, 2, kind="dense", n=32, memory=legendre(24, 30, 2), activation=TANH),
            lmu(r, 32, memory=legendre(20, 60, 2)),
            cell(r, "dense", 40, 10, SOFTMAX),
        ),
        every=0,
    ),
    "stack of 3 every 5th step P=2": layers(
        2,
        lambda r: (
            cell(r, "simple_rnn", 2, 16, HARD_SIGMOID),
            lmu(r, 16, memory=legendre(16, 25, 2)),
            cell(r, "dense", 32, 16, HARD_TANH),
        ),
        every=5,
    ),
    "4 channels d=32 n=48 P=16": layers(
        16,
        lambda r: (
            lmu(r, 3, kind="simple_rnn", n=48, memory=legendre(32, 64, 4), activation=LINEAR),
        ),
    ),
    "feed-forward d=128 n=64 P=8": layers(
        8,
        lambda r: (
            lmu(r, 1, kind="dense", n=64, memory=legendre(128, 300), activation=RELU),
            cell(r, "dense", 64, 10, SOFTMAX),
        ),
        every=0,
    ),
    "trained d=40 n=16 P=1": layers(
        1,
        lambda r: (
            lmu(
                r,
                1,
                kind="dense",
                n=16,
                memory=LinearMemory(order=40, theta=40.0, trained=trained(r, 40)),
            ),
        ),
    ),
    "tanh d=256 n=64 P=16": layers(
        16,
        lambda r: (
            lmu(r, 1, kind="simple_rnn", n=64, memory=legendre(256, 400)),
            cell(r, "dense", 64, 10, SOFTMAX),
        ),
    ),
    # so many lanes that much of an output is still under way when the next step begins
    "tanh head of 48 P=32": layers(
        32,
        lambda r: (
            lmu(r, 1, memory=legendre(6, 20)),
            cell(r, "dense", 6, 48, TANH),
        ),
    ),
}
