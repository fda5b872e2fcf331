"""Op-amps in their packages on a board, with the capacitors and connector that go with them.

A circuit names amplifiers one by one: U1, U2. On a board several share a package: IC1A, IC1B. The
amplifiers of a package that a circuit leaves over become followers of ground, so that they do not
oscillate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import SpecError
from .circuit import Amplifier, Circuit

DECOUPLING = 100e-9
"""Capacitance from each rail to ground at each package [F]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinout:
    """Pins of the usual package with a number of op-amps.

    Parameters
    ----------
    footprint : str
        Name in KiCad's libraries.
    units : tuple of tuple of str
        Pins of each amplifier: + input, - input, output.
    positive, negative : str
        Pins of the rails.
    """

    footprint: str
    units: tuple[tuple[str, str, str], ...]
    positive: str
    negative: str


SOIC_8 = "Package_SO:SOIC-8_3.9x4.9mm_P1.27mm"
PINOUTS = {
    1: Pinout(footprint=SOIC_8, units=(("3", "2", "6"),), positive="7", negative="4"),
    2: Pinout(
        footprint=SOIC_8,
        units=(("3", "2", "1"), ("5", "6", "7")),
        positive="8",
        negative="4",
    ),
    4: Pinout(
        footprint="Package_SO:SOIC-14_3.9x8.7mm_P1.27mm",
        units=(("3", "2", "1"), ("5", "6", "7"), ("10", "9", "8"), ("12", "13", "14")),
        positive="4",
        negative="11",
    ),
}
"""Pinout for each number of amplifiers in a package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of op-amps.

    Parameters
    ----------
    name : str
        Reference, as IC2.
    amplifiers : tuple of Amplifier
        In the order of its units; fewer than its units where some are left over.
    pinout : Pinout
    decoupling : tuple of str
        References of the capacitors from the positive and from the negative rail to ground.
    """

    name: str
    amplifiers: tuple[Amplifier, ...]
    pinout: Pinout
    decoupling: tuple[str, str]

    def unit(self, index: int) -> str:
        """Return the reference of a unit, as IC2B; that of the package if there is only one."""
        return self.name if len(self.pinout.units) == 1 else self.name + "ABCD"[index]

    @property
    def spare(self) -> int:
        """Number of amplifiers left over."""
        return len(self.pinout.units) - len(self.amplifiers)


def packages(circuit: Circuit) -> tuple[Package, ...]:
    """Return the packages of a circuit's op-amps, filled in the order of the netlist.

    Raises
    ------
    SpecError
        If the amplifier model has another number of amplifiers in a package than 1, 2 or 4.
    """
    size = circuit.amplifier.package
    if size not in PINOUTS:
        raise SpecError(f"an op-amp package must hold 1, 2 or 4 amplifiers, not {size!r}")
    amplifiers = [part for part in circuit.parts if isinstance(part, Amplifier)]
    return tuple(
        Package(
            name=f"IC{k + 1}",
            amplifiers=tuple(amplifiers[k * size : (k + 1) * size]),
            pinout=PINOUTS[size],
            decoupling=(f"CD{2 * k + 1}", f"CD{2 * k + 2}"),
        )
        for k in range(math.ceil(len(amplifiers) / size))
    )


def units(circuit: Circuit) -> dict[str, str]:
    """Return the unit of each amplifier, as IC2B of U4."""
    return {
        amplifier.name: package.unit(k)
        for package in packages(circuit)
        for k, amplifier in enumerate(package.amplifiers)
    }


def connector_pins(circuit: Circuit) -> tuple[str, ...]:
    """Return the net at each pin of the connector: supply, input and taps."""
    return ("GND", "V+", "V-", "u", *circuit.taps)
