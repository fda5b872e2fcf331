"""Designs of every kind, as Amaranth gives them to the printer of the Verilog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from amaranth.lib import wiring

from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.engine import Engine
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.networks.emit_network import PARTS as NETWORK_PARTS
from lmu_hw.rtl.networks.emit_network import blocks_of
from lmu_hw.rtl.networks.network_core import NetworkCore
from lmu_hw.rtl.networks.network_plan import NetworkPlan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.cascade_plan import CascadePlan
from lmu_hw.rtl.parallel.emit_parallel import BLOCKS as PARALLEL_BLOCKS
from lmu_hw.rtl.parallel.emit_parallel import PARTS as PARALLEL_PARTS
from lmu_hw.rtl.parallel.parallel_core import parallel_core
from lmu_hw.rtl.verilog_modules import BLOCKS, PARTS
from tests.factories.feed_forward_programs import feed_forward
from tests.factories.hardware_programs import ALL
from tests.factories.programs import cascade_program
from tests.factories.spiking_programs import with_neurons


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedDesign:
    """A design and what its printer needs to know.

    ``top`` is the name of its own module; ``blocks`` and ``parts`` are those of `verilog_of`.
    """

    component: wiring.Component
    name: str
    top: str
    blocks: Mapping[str, type] = field(default_factory=lambda: BLOCKS)
    parts: Mapping[str, type] = field(default_factory=lambda: PARTS)


def design_of(program: Program, top: str = "", **options: Any) -> PrintedDesign:
    """Return the design of a program with options of `Hardware`."""
    plan = hardware_plan(program, Hardware(**options))
    name = program.name
    if isinstance(plan, NetworkPlan):
        return PrintedDesign(
            component=NetworkCore(plan, name),
            name=name,
            top=name,
            blocks=blocks_of(plan),
            parts=NETWORK_PARTS,
        )
    if isinstance(plan, CascadePlan):
        return PrintedDesign(
            component=parallel_core(plan),
            name=name,
            top=name,
            blocks=PARALLEL_BLOCKS,
            parts=PARALLEL_PARTS,
        )
    return PrintedDesign(component=Engine(program, plan, name), name=name, top=top or name)


def _of(name: str, **options: Any) -> Any:
    return partial(design_of, ALL[name], **options)


def _spiking(sections: str, channels: int = 1, **neurons: int) -> Any:
    plain = cascade_program(sections=sections, channels=channels, readout=2, seed=3)
    return partial(design_of, with_neurons(plain, seed=1, **neurons))


def _ring(sections: str, **options: Any) -> Any:
    return partial(design_of, cascade_program(sections=sections), parallel="ring", **options)


def _network(sections: str, every: int, **options: Any) -> Any:
    program = feed_forward(sections, every=every, hidden=2, reads_input=True)
    return partial(design_of, program, sections_per_multiplier=2, pipeline=2, **options)


def _full(sections: str, pipeline: int, interleave: int, *, state_port: bool = False) -> Any:
    return partial(
        design_of,
        cascade_program(sections=sections),
        parallel="full",
        pipeline=pipeline,
        interleave=interleave,
        state_port=state_port,
    )


CHEAP = {
    "one real section": _of("one_real"),
    "dense": _of("dense_one"),
    "copies": _of("copies"),
    "full, one signal": _full("r", 2, 1),
}
"""Designs whose proofs take a second or two."""
DESIGNS = {
    **CHEAP,
    "states": _of("mixed"),
    "states, 4 lanes": _of("mixed", lanes=4),
    "states, state port": _of("mixed", state_port=True),
    "states, AXI": _of("mixed", top="lmu_core"),
    "readout": _of("readout", lanes=2),
    "odd widths": _of("odd_widths"),
    "channels": _of("channels"),
    "channels of both kinds": _of("channels_mixed", lanes=2, state_port=True),
    "two memories": _of("two_memories"),
    "ladder": _of("ladder"),
    "ladder, substeps": _of("ladder_substeps", state_port=True),
    "ladder, channels": _of("ladder_channels", lanes=2),
    "dense readout": _of("dense_readout", lanes=3, state_port=True),
    "network": _of("network"),
    "recurrent layer": _of("lmu", lanes=4),
    "recurrent layer, every 3": _of("lmu_every_3", lanes=2, state_port=True),
    "stack, cubic activation": _of("stack"),
    "gates, as in an LSTM": _of("gates_every_2", lanes=2),
    "order of operations": _of("order_on_demand", lanes=4),
    "constant activation": _of("constant_function"),
    "feed forward, on demand": _of("feed_forward_on_demand"),
    "integrate-and-fire": _spiking("pr", population=2),
    "integrate-and-fire, channels": _spiking("pr", channels=2, population=2),
    "Poisson": _spiking("p", population=2, generators=2),
    "full, pair": _full("p", 5, 4),
    "full, 10 signals": _full("ppr", 5, 10),
    "full, state port": _full("rp", 3, 1, state_port=True),
    "full, 4 signals, state port": _full("pr", 2, 4, state_port=True),
    "ring": _ring("pprp"),
    "ring, state port": _ring("ppr", state_port=True),
    "network, pipelined": _network("pr", 1, parallel="ring"),
    "network, lanes on demand": _network("pr", 0, parallel="ring", lanes=2, state_port=True),
}
"""All designs."""
