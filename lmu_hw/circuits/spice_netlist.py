"""A circuit as a SPICE subcircuit, ``lmu.cir``, and its amplifiers as ``amplifiers.lib``.

Numbers are plain, as ``1M`` is a milliohm in SPICE. Names of parts are those of the circuit, but
for amplifiers and transconductors, which are subcircuits and thus begin with X.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from .._support.templates import environment
from .._support.version import __version__
from ..errors import EmitError
from .circuit import (
    GROUND,
    INPUT,
    Amplifier,
    AmplifierModel,
    Circuit,
    Part,
    Resistor,
    Transconductor,
)
from .noise_voltages import BOLTZMANN, NOISE_FACTOR, TEMPERATURE

LEAK = 1e12
"""Resistance to ground of nodes without a path for direct current [ohm]."""
IDEAL_GAIN = 1e9
"""Gain that stands for the infinite one of an ideal amplifier."""
INPUT_STAGE = 1e-3
"""Transconductance of the input stage of an amplifier [S]; any value gives the same voltages."""
LIMIT_EXCESS = 1e-3
"""Largest excess of an output over its limit [V]."""
TRANSCONDUCTOR = "ota"
"""Name of the subcircuit of transconductors."""
LEAST_RESISTANCE = 1e-2
"""Resistance of a noiseless amplifier's noise source [ohm]: ngspice changes smaller ones."""
SUPPLIES = ("vp", "vn")
"""Nodes of the positive and the negative supply, in circuits with amplifiers."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def number(value: float) -> str:
    """Return a value as SPICE reads it, without a suffix.

    Examples
    --------
    >>> number(4.7e-9), number(10000.0)
    ('4.7e-09', '10000')
    """
    if not math.isfinite(value):
        raise EmitError(f"values of parts must be finite numbers, not {value!r}")
    return f"{value:.15g}"


def has_amplifiers(circuit: Circuit) -> bool:
    """Return whether a circuit contains amplifiers, and thus has supplies."""
    return any(isinstance(part, Amplifier) for part in circuit.parts)


def netlist_files(circuit: Circuit) -> dict[str, str]:
    """Return what every deck includes, by name: ``lmu.cir`` and ``amplifiers.lib``."""
    return {"lmu.cir": memory_netlist(circuit), "amplifiers.lib": amplifier_library(circuit)}


def memory_netlist(
    circuit: Circuit,
    *,
    offsets: Mapping[str, float] | None = None,
    biases: Mapping[str, float] | None = None,
) -> str:
    """Return the subcircuit ``lmu`` with the parts of a circuit: ``lmu.cir``.

    Parameters
    ----------
    circuit : Circuit
    offsets : mapping of str to float, optional
        Input offset voltages of amplifiers and transconductors by name [V], in series with the +
        input. Default: 0.
    biases : mapping of str to float, optional
        Currents into each input of amplifiers by name [A]. Default: 0.

    Raises
    ------
    EmitError
        If names of parts or nodes clash in SPICE, which ignores case, or a value is not finite.
    """
    _check_names(circuit)
    extras = {"vos": offsets or {}, "ib": biases or {}}
    states = f", states at {', '.join(circuit.states)}" if circuit.states else ""
    return (
        environment()
        .get_template("spice/lmu.cir.j2")
        .render(
            title=circuit.title,
            version=__version__,
            order_text=f"{len(circuit.parts)} parts, {len(circuit.nodes)} nodes{states}.",
            amplifier=circuit.amplifier.name if has_amplifiers(circuit) else "",
            taps=circuit.taps,
            sections=[
                (name, [_line(part, circuit.amplifier.name, extras) for part in parts])
                for name, parts in circuit.sections.items()
            ],
            leaks=_floating(circuit),
            leak=number(LEAK),
        )
    )


def amplifier_library(circuit: Circuit) -> str:
    """Return the subcircuits that the parts of a circuit need: ``amplifiers.lib``.

    An amplifier has one pole at ``bandwidth / gain``; an input stage whose current, and so the slew
    rate, is limited as a hyperbolic tangent; limits at the output; offset, bias and noise at the
    input. The output drives any load. A transconductor is linear and has noise.

    Parameters
    ----------
    circuit : Circuit
    """
    model = circuit.amplifier
    ideal = math.isinf(model.gain)
    values = {"gain": IDEAL_GAIN} if ideal else _elements(model)
    has_transconductors = any(isinstance(part, Transconductor) for part in circuit.parts)
    return (
        environment()
        .get_template("spice/amplifiers.lib.j2")
        .render(
            version=__version__,
            name=model.name if has_amplifiers(circuit) else "",
            ideal=ideal,
            transconductor=TRANSCONDUCTOR if has_transconductors else "",
            noise_factor=number(NOISE_FACTOR),
            **{name: number(value) for name, value in values.items()},
        )
    )


def _elements(model: AmplifierModel) -> dict[str, float]:
    """Return the numbers of the subcircuit of a real amplifier."""
    capacitance = INPUT_STAGE / (2.0 * math.pi * model.bandwidth)
    largest = model.slew * capacitance
    return {
        "gain": model.gain,
        "bandwidth": model.bandwidth,
        "slew": model.slew,
        "headroom": model.headroom,
        "noise": model.noise,
        "noise_resistance": max(model.noise**2 / (4.0 * BOLTZMANN * TEMPERATURE), LEAST_RESISTANCE),
        "largest_current": largest,
        "slope": INPUT_STAGE / largest,
        "capacitance": capacitance,
        "resistance": model.gain / INPUT_STAGE,
        "limiter": largest / LIMIT_EXCESS,
    }


def _line(part: Part, model: str, extras: Mapping[str, Mapping[str, float]]) -> str:
    """Return the line of a part."""
    given = [f"{k}={number(v[part.name])}" for k, v in extras.items() if part.name in v]
    if isinstance(part, Amplifier):
        plus, minus, output = part.nodes
        return " ".join([f"X{part.name}", plus, minus, *SUPPLIES, output, model, *given])
    if isinstance(part, Transconductor):
        plus, minus, output = part.nodes
        gm = f"gm={number(part.value)}"
        return " ".join([f"X{part.name}", plus, minus, output, TRANSCONDUCTOR, gm, *given])
    return f"{part.name} {' '.join(part.nodes)} {number(part.value)}"


def _floating(circuit: Circuit) -> list[str]:
    """Return the nodes that no resistors join to ground, the input or an amplifier's output."""
    held = {GROUND, INPUT}
    held |= {part.nodes[2] for part in circuit.parts if isinstance(part, Amplifier)}
    pairs = [set(part.nodes) for part in circuit.parts if isinstance(part, Resistor)]
    while joined := [pair for pair in pairs if pair & held and pair - held]:
        held = held.union(*joined)
    return [node for node in circuit.nodes if node not in held]


def _check_names(circuit: Circuit) -> None:
    """Check that names are identifiers that differ in more than case."""
    reserved = {"gnd", *(SUPPLIES if has_amplifiers(circuit) else ())}
    for kind, names, taken in (
        ("node", circuit.nodes, reserved),
        ("part", [part.name for part in circuit.parts], set()),
    ):
        seen = set(taken)
        for name in names:
            if not _NAME.match(name) or name.lower() in seen:
                raise EmitError(f"{kind} {name!r} of the circuit must be a name used once in SPICE")
            seen.add(name.lower())
