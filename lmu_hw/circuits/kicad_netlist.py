"""Netlist of a circuit for KiCad: op-amps in packages, decoupling, a connector, footprints.

Written here and not by a library: SKiDL, the one that is kept, pulls in 375 MB and a package under
the GPL, and what it writes holds a date, a path and random names, so that it is never the same
twice. The format is small: an s-expression with components and nets.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from .._support.version import __version__
from .circuit import GROUND, Capacitor, Circuit, Resistor, Transconductor
from .op_amp_packages import DECOUPLING, Package, connector_pins, packages
from .quantities import quantity_text

GROUND_NET = "GND"
"""Name of the net of `GROUND`, the middle of the supply."""
LARGE = 1e-8
"""Capacitance from which a capacitor without voltage dependence needs a larger case [F]."""
SPACE = uuid.UUID("6f0d4b5e-0b0a-5a49-9c5d-2f6f6c6d7568")
"""Name space of the identifiers of components: the same reference has the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Component:
    """A component with the net at each of its pins."""

    name: str
    value: str
    footprint: str
    library: tuple[str, str]
    pins: dict[str, str]


def kicad_netlist(circuit: Circuit) -> str | None:
    """Return a netlist that KiCad's board editor imports, or None for circuits of a chip.

    Parameters
    ----------
    circuit : Circuit
        One with transconductors has no netlist: their bias is not designed here.

    Raises
    ------
    SpecError
        If no package holds as many amplifiers as the amplifier model has in one.
    """
    if any(isinstance(part, Transconductor) for part in circuit.parts):
        return None
    components = list(_components(circuit))
    nets: dict[str, list[tuple[str, str]]] = {}
    for component in components:
        for pin, net in component.pins.items():
            nets.setdefault(net, []).append((component.name, pin))
    lines = [
        '(export (version "E")',
        f'  (design (source {_quoted(circuit.title)}) (tool "lmu-hw {__version__}"))',
        "  (components",
        *map(_component_text, components),
        "  )",
        "  (nets",
    ]
    for code, (net, nodes) in enumerate(nets.items(), 1):
        lines.append(f'    (net (code "{code}") (name {_quoted(net)})')
        lines += [f"      (node (ref {_quoted(name)}) (pin {_quoted(p)}))" for name, p in nodes]
        lines.append("    )")
    return "\n".join([*lines, "  )", ")", ""])


def _components(circuit: Circuit) -> Iterator[_Component]:
    """Yield the connector, resistors and capacitors, then op-amps with their decoupling."""
    pins = connector_pins(circuit)
    n = len(pins)
    yield _Component(
        name="J1",
        value="supply, input, taps",
        footprint=f"Connector_PinHeader_2.54mm:PinHeader_1x{n:02}_P2.54mm_Vertical",
        library=("Connector_Generic", f"Conn_01x{n:02}"),
        pins={str(k): net for k, net in enumerate(pins, 1)},
    )
    for part in circuit.parts:
        if isinstance(part, Resistor):
            yield _two_pins(
                part.name, part.value, "R", "Resistor_SMD:R_0603_1608Metric", part.nodes
            )
        elif isinstance(part, Capacitor):
            case = "1206_3216" if part.value > LARGE else "0603_1608"
            footprint = f"Capacitor_SMD:C_{case}Metric"
            yield _two_pins(part.name, part.value, "C", footprint, part.nodes)
    for package in packages(circuit):
        yield _package(package, circuit.amplifier.name)
        for name, rail in zip(package.decoupling, ("V+", "V-"), strict=True):
            footprint = "Capacitor_SMD:C_0603_1608Metric"
            yield _two_pins(name, DECOUPLING, "C", footprint, (rail, GROUND))


def _two_pins(
    name: str, value: float, symbol: str, footprint: str, nodes: tuple[str, str]
) -> _Component:
    return _Component(
        name=name,
        value=quantity_text(value, digits=6),
        footprint=footprint,
        library=("Device", symbol),
        pins={"1": _net(nodes[0]), "2": _net(nodes[1])},
    )


def _package(package: Package, value: str) -> _Component:
    """Return a package; an amplifier left over follows ground."""
    pinout = package.pinout
    pins = {pinout.positive: "V+", pinout.negative: "V-"}
    for k, (plus, minus, output) in enumerate(pinout.units):
        if k < len(package.amplifiers):
            nets = tuple(map(_net, package.amplifiers[k].nodes))
        else:
            unused = f"unused_{package.unit(k)}"
            nets = (GROUND_NET, unused, unused)
        pins.update(zip((plus, minus, output), nets, strict=True))
    return _Component(
        name=package.name,
        value=value,
        footprint=pinout.footprint,
        library=("Amplifier_Operational", value),
        pins={pin: pins[pin] for pin in sorted(pins, key=int)},
    )


def _net(node: str) -> str:
    return GROUND_NET if node == GROUND else node


def _component_text(component: _Component) -> str:
    library, symbol = map(_quoted, component.library)
    return (
        f"    (comp (ref {_quoted(component.name)}) (value {_quoted(component.value)})\n"
        f"      (footprint {_quoted(component.footprint)})\n"
        f"      (libsource (lib {library}) (part {symbol}))\n"
        f'      (sheetpath (names "/") (tstamps "/"))\n'
        f'      (tstamps "{uuid.uuid5(SPACE, component.name)}"))'
    )


def _quoted(text: str) -> str:
    """Return a text in quotes, with those inside escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
