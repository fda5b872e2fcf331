"""Connections of an engine's memories with its state port."""

from __future__ import annotations

from amaranth.hdl import Module

from .chain import ChainUnit
from .ladder_unit import LadderUnit
from .neuron_unit import NeuronUnit
from .schedule import Schedule
from .state_port import StatePort


def add_state_port(m: Module, plan: Schedule) -> StatePort:
    """Add the state port to an engine; it owns all memories while it is busy.

    The lanes' memory is left to the caller.

    Parameters
    ----------
    m : Module
        The engine, with all blocks that have a state.
    plan : Schedule
    """
    controller, operands = m.submodules.step_controller, m.submodules.operand_mux
    chain = m.submodules.chain if plan.chains else None
    ladder = m.submodules.ladder if plan.ladders else None
    m.submodules.state_port = port = StatePort(
        plan,
        len(operands.word),
        len(chain.state) if chain is not None else 1,
        len(ladder.state) if ladder is not None else 0,
    )
    m.d.comb += [
        port.between.eq(controller.between),
        port.swap.eq(controller.swap),
        controller.hold.eq(port.hold),
        controller.erase.eq(port.erase),
        port.lane_word.eq(operands.word),
    ]
    if port.has_lanes:
        with m.If(port.busy):
            m.d.comb += operands.bank.eq(port.bank)
    if chain is not None:
        m.d.comb += [port.chain_word.eq(chain.state), chain.load.eq(port.to_chain)]
        _access(m, port, chain)
    if ladder is not None:
        m.d.comb += [port.ladder_word.eq(ladder.state), ladder.load.eq(port.to_ladder)]
        _access(m, port, ladder)
    if plan.spiking:
        _neurons(m, port, m.submodules.neurons)
    _counters(m, port, plan)
    return port


def _neurons(m: Module, port: StatePort, neurons: NeuronUnit) -> None:
    """Connect the membranes and generators."""
    _access(m, port, neurons)
    m.d.comb += [
        port.membrane_word.eq(neurons.membrane),
        port.generator_word.eq(neurons.generator),
        neurons.load_membrane.eq(port.to_membranes),
        neurons.load_generator.eq(port.to_generators),
    ]


def _counters(m: Module, port: StatePort, plan: Schedule) -> None:
    """Connect the zero-run counters, and the count of steps."""
    if plan.feeds:
        zero_runs = m.submodules.zero_run_counter
        m.d.comb += [
            port.count.eq(zero_runs.count),
            zero_runs.load.eq(port.to_counts),
            zero_runs.load_word.eq(port.word),
        ]
        with m.If(port.busy):
            m.d.comb += zero_runs.index.eq(port.address)
    if plan.program.clock:
        controller = m.submodules.step_controller
        m.d.comb += [
            port.clock.eq(controller.clock),
            controller.set_clock.eq(port.to_clock),
            controller.clock_word.eq(port.word),
        ]


def _access(m: Module, port: StatePort, block: ChainUnit | LadderUnit | NeuronUnit) -> None:
    """Let the state port address the memory of a block."""
    m.d.comb += [
        block.access.eq(port.busy),
        block.address.eq(port.address),
        block.load_word.eq(port.word),
    ]
