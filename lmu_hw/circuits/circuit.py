"""`Circuit`: the parts of an analog memory and the nodes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

GROUND = "0"
"""The reference node: the middle of the supply."""
INPUT = "u"
"""The node of the input voltage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resistor:
    """A resistor between two nodes.

    Parameters
    ----------
    name : str
        Reference, as R12; the first letter is R, as in SPICE.
    nodes : tuple of str
        Its two nodes.
    value : float
        Resistance as fitted [ohm].
    exact : float
        Resistance before it was rounded to a series [ohm].
    tap : int
        Index of the tap that it belongs to, from 0; -1 of the memory. Those of taps are fitted.
    """

    name: str
    nodes: tuple[str, str]
    value: float
    exact: float
    tap: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacitor:
    """A capacitor between two nodes; name as C3, value in farad."""

    name: str
    nodes: tuple[str, str]
    value: float
    exact: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """An operational amplifier; name as U3, nodes + and - input and output.

    All amplifiers of a circuit are of its `AmplifierModel`.
    """

    name: str
    nodes: tuple[str, str, str]
    tap: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Transconductor:
    """A transconductor (OTA): the current ``value * (v+ - v-)`` flows out of it into a node.

    Parameters
    ----------
    name : str
        Reference, as G7.
    nodes : tuple of str
        + input, - input, output.
    value, exact : float
        Transconductance [S].
    tap : int
        As of `Resistor`.
    """

    name: str
    nodes: tuple[str, str, str]
    value: float
    exact: float
    tap: int = -1


Part: TypeAlias = Resistor | Capacitor | Amplifier | Transconductor
"""What a circuit is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmplifierModel:
    """What is known of the amplifiers of a circuit.

    Parameters
    ----------
    name : str
        Part number, or ``ideal`` or ``custom``.
    gain : float
        DC gain [V/V]; infinity: an ideal amplifier (the others then are not used).
    bandwidth : float
        Gain-bandwidth product [Hz].
    slew : float
        Slew rate [V/s].
    headroom : float
        Smallest distance of the output from either supply [V].
    offset : float
        Largest magnitude of the input offset voltage at 25 degrees C [V].
    bias : float
        Largest magnitude of the input bias current [A].
    noise : float
        Input voltage noise density, white [V/sqrt(Hz)].
    package : int
        Amplifiers in a package, for the bill of materials.
    """

    name: str
    gain: float
    bandwidth: float
    slew: float
    headroom: float = 0.0
    offset: float = 0.0
    bias: float = 0.0
    noise: float = 0.0
    package: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A circuit with one input, `INPUT`, and an output for each tap.

    Parameters
    ----------
    title : str
    sections : mapping of str to tuple of Part
        Parts under the headings of the netlist, in its order: the sections of the memory, then
        each tap.
    states : tuple of str
        Node of each state of the structure.
    taps : tuple of str
        Node of each tap's output.
    amplifier : AmplifierModel
    """

    title: str
    sections: Mapping[str, tuple[Part, ...]]
    states: tuple[str, ...]
    taps: tuple[str, ...]
    amplifier: AmplifierModel

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order of the netlist."""
        return tuple(part for parts in self.sections.values() for part in parts)

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes but ground, the input first, then in the order of their first part."""
        found = dict.fromkeys([INPUT])
        for part in self.parts:
            found.update(dict.fromkeys(part.nodes))
        found.pop(GROUND, None)
        return tuple(found)

    def with_values(self, values: Mapping[str, float]) -> Circuit:
        """Return the circuit with other values of named parts."""
        sections = {
            name: tuple(
                part
                if isinstance(part, Amplifier) or part.name not in values
                else replace(part, value=values[part.name])
                for part in parts
            )
            for name, parts in self.sections.items()
        }
        return replace(self, sections=sections)

    def with_amplifier(self, model: AmplifierModel) -> Circuit:
        """Return the circuit with another model of its amplifiers."""
        return replace(self, amplifier=model)
