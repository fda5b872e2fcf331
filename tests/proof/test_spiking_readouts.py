"""Bounds of spiking memories too large to try every state of: readouts, saturation, widths."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lmu_hw.memory.spec import parse
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Cascade, Program, Role, Spiking
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.memory_step import chain
from lmu_hw.program.spiking_step import spikes
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.proof.interval import cascade_bits
from lmu_hw.quantize.memory_search import MemorySource
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.spiking_memory import SpikingSource
from tests.factories.programs import cascade_program
from tests.factories.spiking_programs import with_neurons
from tests.proof.test_rounding_bounds import small as small_chain
from tests.proof.test_spiking_bounds import claims_of


def memory(**keys: Any) -> Program:
    return quantize_memory(parse({"realization": "spiking", **keys})).program


def of_cascade(sections: str, seed: int, generators: int) -> Program:
    """Return a program whose formats are wider than full scale, with room in its chain."""
    cascade = cascade_program(sections=sections, chain=QFormat(10, 12), seed=seed)
    return with_neurons(cascade, population=2, generators=generators, seed=seed)


# Readouts.


@pytest.mark.parametrize(("d", "neurons"), [(1, 64), (2, 64), (3, 96)])
def test_words_of_a_readout_come_near_their_bound(d: int, neurons: int) -> None:
    """The worst input of each word, after inputs that leave all kinds of residues."""
    design = quantize_memory(parse({"realization": "spiking", "d": d, "neurons": neurons}))
    program = design.program
    claim = claims_of(program)["y"]
    assert claim.basis is Basis.L1
    memory = SpikingSource(MemorySource(design.spec)).memory
    n_steps, n_before = int(12 * design.spec.theta), 128
    x, response = memory.recurrence.b, np.empty((n_steps, d))
    for t in range(n_steps):
        response[t], x = memory.readout @ x, x + memory.recurrence.A @ x
    fmt = program.vector("u").fmt
    before = np.random.default_rng(0).integers(fmt.min, fmt.max + 1, (n_steps, n_before, d))
    before[:, 0] = 0
    worst = np.where(response[::-1] >= 0.0, fmt.max, fmt.min)
    u = np.concatenate([before, np.broadcast_to(worst[:, None], before.shape)])
    y = Interpreter(program, n_before * d).run(u.reshape(2 * n_steps, -1, 1))[:, :, :d]
    assert claim.low <= y.min()
    assert y.max() <= claim.high
    assert np.abs(y).max() >= 0.94 * claim.high


# Saturated states.

SATURATED = {
    "generated, poisson, one state": (
        lambda: memory(d=1, theta=2.0, bits=8, neurons=2, neuron_model="poisson"),
        0.9,
    ),
    "generated, integrate, d = 2": (lambda: memory(d=2, theta=2.0, bits=8, neurons=4), 0.75),
    "generated, integrate, d = 3": (lambda: memory(d=3, theta=3.0, bits=8, neurons=6), 0.7),
    "integrate, a real": (lambda: of_cascade("r", 0, 0), 0.9),
    "integrate, two reals": (lambda: of_cascade("rr", 0, 0), 0.8),
    "integrate, a pair and a real": (lambda: of_cascade("pr", 1, 0), 0.9),
    "poisson, a real": (lambda: of_cascade("r", 0, 1), 0.9),
    "poisson, a pair": (lambda: of_cascade("p", 1, 1), 0.9),
    "poisson, two pairs": (lambda: of_cascade("pp", 3, 1), 0.8),
}
"""Programs whose states saturate, and the share of the bound that their chain reaches."""


def largest_in_chain(program: Program) -> int:
    """Return the largest word of the chain from states at the ends of their formats.

    Half of the runs have zeros alone for an input, and are zero-input runs from the start.
    """
    op, n = program.ops[0], 512
    assert isinstance(op, Spiking)
    rng = np.random.default_rng(0)
    state = {}
    for v in program.with_role(Role.STATE):
        state[v.name] = np.zeros((n, v.length), dtype=np.int64)
        if v.name in op.cascade.states:
            state[v.name] = rng.choice([v.fmt.min, v.fmt.max], (n, v.length))
    state[op.silence][1::2] = op.window
    fmt = program.vector("u").fmt
    u = rng.choice([fmt.min, fmt.max], (40, n, program.vector("u").length))
    u[:, 1::2] = 0
    largest = 0

    def watch(words: Any) -> None:
        nonlocal largest
        silent = words[op.silence] == op.window
        sent = spikes(program, op, state, silent).sent[:, 0]
        read = {
            name: sent[:, [k for k, place in enumerate(op.places) if place[0] == name]]
            for name in op.cascade.states
        }
        for section in chain(program, op.cascade, {"u": words["u"], **read}, silent):
            largest = max(largest, int(np.abs(section.w).max()))
        state.update({name: words[name].copy() for name in state})

    interpreter = Interpreter(program, n)
    interpreter.load(np.concatenate(list(state.values()), axis=1))
    interpreter.run(u, watch=watch)
    return largest


@pytest.mark.parametrize("name", SATURATED)
def test_chain_of_saturated_states_comes_near_its_bound(name: str) -> None:
    """Where states saturate, or a zero-input run sends them as they are, beyond full scale."""
    made, share = SATURATED[name]
    program = made()
    op = program.ops[0]
    assert isinstance(op, Spiking)
    claims = claims_of(program)
    claim = claims[f"chain of {op.cascade.z_inner}"]
    assert claim.basis is Basis.ENERGY
    assert claims["z_inner"].basis is Basis.SATURATION
    assert share * claim.high <= largest_in_chain(program) <= claim.high


# Widths.


@pytest.mark.parametrize(
    ("population", "quantum", "generators"),
    [(16, 8, 0), (0, 24, 0), (4, 20, 0), (3, 0, 1), (0, 2, 1), (16, 6, 1)],
)
def test_widths_hold_what_neurons_compute(population: int, quantum: int, generators: int) -> None:
    """Beyond the products of a chain of small words: full scales, membranes, probabilities."""
    program = with_neurons(
        small_chain("two reals"),
        population=population,
        generators=generators,
        quanta=(quantum,) * 2,
    )
    op = program.ops[0]
    assert isinstance(op, Spiking)
    (claim,) = derive(json.loads(program.to_json())).accumulators
    word, full = -program.vector("z_inner").fmt.min, population + quantum
    most = max(word, 1 << full)
    if generators:
        # full scale in units of a draw of 16 bits
        most = max(most, min(word, 1 << full) << max(0, 16 - full))
    else:
        most = max(most, -program.vector("membrane").fmt.min + min(word, 1 << full))
    narrow = cascade_bits(
        json.loads(program.to_json())["ops"][0]["cascade"],
        {v.name: v.fmt for v in program.vectors},
    )
    assert narrow < most.bit_length() + 1 <= claim.bits <= most.bit_length() + 3


def test_widths_hold_the_spikes_of_many_states() -> None:
    cascade = cascade_program(
        sections="r" * 9, bits=4, inner=QFormat(2, 3), chain=QFormat(2, 3), seed=0
    )
    op = cascade.ops[0]
    assert isinstance(op, Cascade)
    small_op = replace(op, sections=((Adaptor(coef=5, shift=3),),) * 9)
    cascade = replace(cascade, ops=(small_op, *cascade.ops[1:]))
    program = with_neurons(cascade, population=16, quanta=(0,) * 9)
    claim = derive(json.loads(program.to_json())).accumulators[0]
    assert claim.bits == (9 << 16).bit_length() + 1
