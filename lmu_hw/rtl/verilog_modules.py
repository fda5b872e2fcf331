"""Verilog modules of an engine: Amaranth's RTLIL, reduced and printed with the blocks' comments."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from amaranth.back import rtlil
from amaranth.hdl import Value
from amaranth.lib import wiring

from .adaptor import AdaptorUnit
from .argmax import ArgmaxUnit
from .banks import Banks, BankWrite
from .block_comments import comments_of
from .block_memories import Ram, Rom, VerilogPlatform
from .chain import ChainUnit
from .chain_input_fifo import ChainInputFifo
from .command import Command
from .command_pipeline import CommandPipeline
from .fifo import OutputFifo
from .integrate_fire import IntegrateFire
from .ladder_unit import LadderUnit
from .ladder_windows import LadderWindows
from .lane import Lane
from .multiplier import DigitMultiplier
from .neuron_pass import NeuronPass
from .neuron_unit import NeuronUnit
from .operand_mux import OperandMux
from .poisson_neurons import PoissonNeurons
from .polynomial import Polynomial
from .random_generators import RandomGenerators
from .requantizer import Requantizer
from .residue_adder import ResidueAdder
from .result_serializer import ResultSerializer
from .rounder import Rounder
from .section_fetch import SectionFetch
from .section_sequencer import SectionSequencer
from .sequencer import Sequencer
from .shifter import Shifter
from .state_addresses import StateAddresses
from .state_mirror import StateMirror
from .state_port import StatePort
from .step_controller import StepController
from .three_port import ThreePort
from .verilog import Module as VerilogModule
from .verilog import (
    ModuleComments,
    folded,
    inlined,
    narrowed,
    parse,
    pruned,
    shared,
    to_verilog,
    unrepeated,
)
from .weight_fetch import WeightFetch
from .writeback import Writeback
from .zero_run_counter import ZeroRunCounter

BLOCKS: dict[str, type] = {
    "step_controller": StepController,
    "sequencer": Sequencer,
    "control": Rom,
    "command_pipeline": CommandPipeline,
    "memory": Banks,
    "bank": Ram,
    "operand_mux": OperandMux,
    "lane": Lane,
    "weight_fetch": WeightFetch,
    "weight_rom": Rom,
    "result_serializer": ResultSerializer,
    "requantizer": Requantizer,
    "params": Rom,
    "scale": DigitMultiplier,
    "shifter": Shifter,
    "rounder": Rounder,
    "round_a": Rounder,
    "round_b": Rounder,
    "polynomial": Polynomial,
    "pieces": Rom,
    "degree": DigitMultiplier,
    "writeback": Writeback,
    "function_writeback": Writeback,
    "zero_run_counter": ZeroRunCounter,
    "state_port": StatePort,
    "counts": Ram,
    "chain_input_fifo": ChainInputFifo,
    "waiting": Ram,
    "chain": ChainUnit,
    "section_sequencer": SectionSequencer,
    "section_fetch": SectionFetch,
    "state_addresses": StateAddresses,
    "state_mirror": StateMirror,
    "adaptor": AdaptorUnit,
    "sections": Rom,
    "states": Ram,
    "residue_adder": ResidueAdder,
    "residues": Ram,
    "neurons": NeuronUnit,
    "neuron_pass": NeuronPass,
    "levels": Rom,
    "integrate_fire": IntegrateFire,
    "membranes": Ram,
    "poisson_neurons": PoissonNeurons,
    "random_generators": RandomGenerators,
    "ladder": LadderUnit,
    "windows": LadderWindows,
    "three_port": ThreePort,
    "round_wave": Rounder,
    "round_state": Rounder,
    "waves": Ram,
    "argmax": ArgmaxUnit,
    "fifo": OutputFifo,
    "words": Ram,
}
"""Class of every module, by instance name without its number."""


PARTS: dict[str, type] = {"Command": Command, "BankWrite": BankWrite, "state": StatePort}
"""Types of members that are interfaces, and members that begin like those of another block."""


def verilog_of(
    component: wiring.Component,
    name: str,
    top: str,
    blocks: Mapping[str, type] = BLOCKS,
    parts: Mapping[str, type] = PARTS,
) -> str:
    """Return the Verilog modules of a design, each below comments from its docstring.

    Parameters
    ----------
    component : wiring.Component
    name : str
        Name of the design, with which the names of modules start.
    top : str
        Name of the component's own module.
    blocks : mapping
        Class of every other module, by instance name without its number.
    parts : mapping
        Classes that describe the ports of members of a type, or whose names start with the key.
    """
    text = rtlil_of(component, name)
    return to_verilog(*printed_modules(component, text, name, top, blocks, parts))


def rtlil_of(component: wiring.Component, name: str) -> str:
    """Return the RTLIL that Amaranth writes for a design."""
    ports, platform = _named_ports(component), VerilogPlatform(name)
    return rtlil.convert(component, name=name, platform=platform, ports=ports, emit_src=False)


def printed_modules(
    component: wiring.Component,
    text: str,
    name: str,
    top: str,
    blocks: Mapping[str, type] = BLOCKS,
    parts: Mapping[str, type] = PARTS,
) -> tuple[list[VerilogModule], dict[str, ModuleComments]]:
    """Return the modules of RTLIL that are printed, and their comments."""
    # instances share a module only if the same outputs of each are used
    modules = inlined(shared(pruned(folded(parse(text)))))
    modules = _renamed(narrowed(pruned(unrepeated(modules))))
    comments = {top: comments_of(type(component), parts)}
    for module in modules:
        leaf = _without_number(module.name.rpartition(".")[2])
        if module.name == name:
            module.name = top
        elif leaf in blocks:
            comments[module.name] = comments_of(blocks[leaf], parts)
    return modules, comments


def _renamed(modules: list[VerilogModule]) -> list[VerilogModule]:
    """Remove the number from the name of a module that stands for all instances of a block."""
    stems = Counter(_without_number(module.name) for module in modules)
    names = {
        module.name: _without_number(module.name)
        for module in modules
        if stems[_without_number(module.name)] == 1 and module is not modules[0]
    }
    for module in modules:
        module.name = names.get(module.name, module.name)
        for cell in module.cells:
            cell.kind = names.get(cell.kind, cell.kind)
    return modules


def _without_number(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _named_ports(component: wiring.Component) -> list[Value]:
    """Name the ports without double underscores, which VHDL does not allow; return them."""
    ports = []
    for path, _, port in component.signature.flatten(component):
        signal = Value.cast(port)
        signal.name = "_".join("data" if part == "payload" else part for part in path)
        ports.append(signal)
    return ports
