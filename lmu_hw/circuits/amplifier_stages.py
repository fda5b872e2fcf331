"""What the parts of a section do: amplifiers with their networks, sums of currents, the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from .circuit import GROUND, Amplifier, Capacitor, Part, Resistor, Transconductor

TwoPin: TypeAlias = Resistor | Capacitor
"""A part with two nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmplifierStage:
    """An amplifier with the parts at its inputs.

    Parameters
    ----------
    amplifier : Amplifier
    inputs : tuple of (str, TwoPin)
        Parts from other nodes to the - input, each with its other node.
    feedback : tuple of TwoPin
        Parts from the output to the - input.
    plus : TwoPin or None
        The only part at the + input, to ground. Other networks there are parts of their own.
    """

    amplifier: Amplifier
    inputs: tuple[tuple[str, TwoPin], ...]
    feedback: tuple[TwoPin, ...]
    plus: TwoPin | None = None

    @property
    def output(self) -> str:
        """Node of the output."""
        return self.amplifier.nodes[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentSum:
    """Transconductors into a node, and the parts from it to ground."""

    node: str
    transconductors: tuple[Transconductor, ...]
    loads: tuple[TwoPin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionParts:
    """The parts of a section, each in one place, in the order of the netlist."""

    amplifiers: tuple[AmplifierStage, ...]
    sums: tuple[CurrentSum, ...]
    others: tuple[TwoPin, ...]


def section_parts(parts: Iterable[Part]) -> SectionParts:
    """Return the stages, the sums of currents and the other parts of a section."""
    parts = tuple(parts)
    free = {part.name: part for part in parts if isinstance(part, Resistor | Capacitor)}
    amplifiers = [part for part in parts if isinstance(part, Amplifier)]
    # feedback first: the input of one stage may be the feedback of another
    feedback = {a.name: _take(free, {a.nodes[1], a.nodes[2]}) for a in amplifiers}
    stages = tuple(_stage(free, a, feedback[a.name]) for a in amplifiers)
    nodes = dict.fromkeys(part.nodes[2] for part in parts if isinstance(part, Transconductor))
    sums = tuple(
        CurrentSum(
            node=node,
            transconductors=tuple(
                part for part in parts if isinstance(part, Transconductor) and part.nodes[2] == node
            ),
            loads=_take(free, {node, GROUND}),
        )
        for node in nodes
    )
    return SectionParts(amplifiers=stages, sums=sums, others=tuple(free.values()))


def _stage(
    free: dict[str, TwoPin], amplifier: Amplifier, feedback: tuple[TwoPin, ...]
) -> AmplifierStage:
    plus, minus, output = amplifier.nodes
    inputs = []
    # a follower has no node of its own at the - input
    if minus != output:
        for part in [part for part in free.values() if minus in part.nodes]:
            other = part.nodes[1] if part.nodes[0] == minus else part.nodes[0]
            inputs.append((other, free.pop(part.name)))
    return AmplifierStage(
        amplifier=amplifier,
        inputs=tuple(inputs),
        feedback=feedback,
        plus=_only_part(free, plus),
    )


def _only_part(free: dict[str, TwoPin], node: str) -> TwoPin | None:
    """Return the part from a node to ground, free no more, if no other is at this node."""
    found = [part for part in free.values() if node in part.nodes]
    if node == GROUND or len(found) != 1 or GROUND not in found[0].nodes:
        return None
    return free.pop(found[0].name)


def _take(free: dict[str, TwoPin], nodes: set[str]) -> tuple[TwoPin, ...]:
    """Return the parts between two nodes, which are free no more."""
    found = tuple(part for part in free.values() if set(part.nodes) == nodes)
    for part in found:
        del free[part.name]
    return found
