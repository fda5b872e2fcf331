"""What a schematic connects is what the circuit connects: read from the wires as drawn."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from lmu_hw.circuits.circuit import GROUND, Capacitor, Circuit, Resistor
from lmu_hw.circuits.schematic import circuit_blocks
from lmu_hw.circuits.schematic_pen import AMPLIFIER_LENGTH
from tests.circuits.hand_built import gm_c_circuit, op_amp_circuit
from tests.circuits.test_schematic import designed, many_inputs, odd_parts

Point = tuple[float, float]
NEAR = 1e-6


def same(a: Point, b: Point) -> bool:
    return abs(a[0] - b[0]) < NEAR and abs(a[1] - b[1]) < NEAR


def on(p: Point, a: Point, b: Point) -> bool:
    """Whether p is on the horizontal or vertical wire from a to b."""
    return all(min(s, t) - NEAR <= v <= max(s, t) + NEAR for v, s, t in zip(p, a, b, strict=True))


class Probe:
    """A pen that keeps what it is to draw."""

    def __init__(self) -> None:
        self.wires: list[tuple[Point, Point]] = []
        self.dots: list[Point] = []
        self.pins: list[tuple[str, Point]] = []
        self.names: list[tuple[str, Point]] = []

    def wire(self, *points: Point) -> None:
        self.wires += [(a, b) for a, b in itertools.pairwise(points) if not same(a, b)]

    def outline(self, *points: Point) -> None:
        pass

    def dot(self, place: Point) -> None:
        self.dots.append(place)

    def ground(self, place: Point) -> None:
        self.names.append((GROUND, place))

    def net(self, place: Point, name: str, *, left: bool, width: float) -> None:
        self.names.append((GROUND if name == "GND" else name, place))

    def two_pin(self, part: Any, start: Point, end: Point) -> None:
        self.pins += [(part.name, start), (part.name, end)]

    def amplifier(self, minus: Point, name: str, unit: str, pins: Sequence[str]) -> None:
        self._three(name, (minus[0], minus[1] - 1.0), minus)

    def transconductor(self, plus: Point, name: str, value: str) -> None:
        self._three(name, plus, (plus[0], plus[1] - 1.0))

    def text(self, *args: Any, **options: Any) -> None:
        pass

    def _three(self, name: str, plus: Point, minus: Point) -> None:
        out = (plus[0] + AMPLIFIER_LENGTH, (plus[1] + minus[1]) / 2)
        self.pins += [(f"{name}+", plus), (f"{name}-", minus), (f"{name}>", out)]


class Nets:
    """Groups of things that are connected."""

    def __init__(self) -> None:
        self.above: dict[Any, Any] = {}

    def find(self, thing: Any) -> Any:
        while thing in self.above:
            thing = self.above[thing]
        return thing

    def join(self, a: Any, b: Any) -> None:
        a, b = self.find(a), self.find(b)
        if a != b:
            self.above[a] = b


def drawn(circuit: Circuit) -> list[frozenset[str]]:
    """Return the pins at each net of the drawings, and check that every junction has its dot."""
    nets, pins = Nets(), []
    for k, block in enumerate(circuit_blocks(circuit)):
        probe = Probe()
        block.draw(probe)  # type: ignore[arg-type]
        ends = [(("wire", k, i), p) for i, w in enumerate(probe.wires) for p in w]
        named = [(name, p) for name, p in probe.names]
        placed = [(("pin", name, k, n), p) for n, (name, p) in enumerate(probe.pins)]
        pins += [thing for thing, _ in placed]
        everything = [*ends, *named, *placed]
        for thing, p in everything:
            for i, (a, b) in enumerate(probe.wires):
                if on(p, a, b):
                    nets.join(thing, ("wire", k, i))
                    inside = not same(p, a) and not same(p, b)
                    assert not inside or any(same(p, d) for d in probe.dots), (block.title, p)
            for other, q in everything:
                if same(p, q):
                    nets.join(thing, other)
    found: dict[Any, set[str]] = defaultdict(set)
    parts = {part.name for part in circuit.parts}
    for thing in pins:
        if thing[1].rstrip("+->") in parts:
            found[nets.find(thing)].add(thing[1])
    return sorted(map(frozenset, found.values()), key=sorted)


def wanted(circuit: Circuit) -> list[frozenset[str]]:
    """Return the pins at each node of a circuit."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in circuit.parts:
        signs = ("", "") if isinstance(part, Resistor | Capacitor) else ("+", "-", ">")
        for node, sign in zip(part.nodes, signs, strict=True):
            found[node].add(part.name + sign)
    return sorted(map(frozenset, found.values()), key=sorted)


CIRCUITS: dict[str, Callable[[], Circuit]] = {
    "op-amp": op_amp_circuit,
    "gm-c": gm_c_circuit,
    "odd parts": odd_parts,
    "many inputs": many_inputs,
    "designed": partial(designed, 3),
    "designed ladder": partial(designed, 5, structure="ladder"),
    "designed direct": partial(designed, 4, structure="direct"),
    "designed gm-c": partial(designed, 4, form="gm-c"),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_drawings_connect_what_the_circuit_connects(name: str) -> None:
    circuit = CIRCUITS[name]()
    assert drawn(circuit) == wanted(circuit)
