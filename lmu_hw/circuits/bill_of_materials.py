"""Bill of materials: what to order for a circuit, as a table and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from .circuit import Amplifier, Capacitor, Circuit, Resistor, Transconductor
from .op_amp_packages import DECOUPLING, connector_pins, packages
from .quantities import quantity_text

HEAD = ("references", "value", "tolerance", "count", "part")
KINDS_OF_PACKAGES = {1: "op-amp", 2: "dual op-amp", 4: "quad op-amp"}
"""Name of a package by the number of its amplifiers."""
DIGITS = 6
"""Significant digits of values, which keeps those of any series whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BomLine:
    """Equal parts.

    Parameters
    ----------
    part : str
        What it is.
    value : str
        As in catalogues: 12.1k, 2.2n; of op-amps the part number.
    tolerance : str
        As 1%; empty where there is none.
    references : tuple of str
        In the order of the netlist.
    """

    part: str
    value: str
    tolerance: str
    references: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self.references)

    @property
    def row(self) -> tuple[str, ...]:
        """The line as texts in the order of `HEAD`."""
        names = " ".join(self.references)
        return names, self.value, self.tolerance, str(self.count), self.part


@dataclass(frozen=True, slots=True, kw_only=True)
class BillOfMaterials:
    """All parts of a circuit, equal parts in a line."""

    lines: tuple[BomLine, ...]

    @property
    def count(self) -> int:
        """Number of parts."""
        return sum(line.count for line in self.lines)

    def of(self, part: str) -> tuple[BomLine, ...]:
        """Return the lines of parts whose description starts with a word, as ``resistor``."""
        return tuple(line for line in self.lines if line.part.split(",")[0] == part)

    def csv(self) -> str:
        """Return the content of ``bom.csv``."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEAD)
        writer.writerows(line.row for line in self.lines)
        return text.getvalue()

    def __str__(self) -> str:
        totals: dict[str, int] = {}
        for line in self.lines:
            kind = line.part.split(",")[0]
            totals[kind] = totals.get(kind, 0) + line.count
        return ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in totals.items())


def bill_of_materials(circuit: Circuit, tolerance: float) -> BillOfMaterials:
    """Return the bill of materials of a circuit.

    Parameters
    ----------
    circuit : Circuit
    tolerance : float
        Of resistors, capacitors and transconductors, as a share.

    Raises
    ------
    SpecError
        If no package holds as many amplifiers as the amplifier model has in one.
    """
    within = f"{100 * tolerance:.6g}%"
    parts = circuit.parts
    lines = [
        *_equal("resistor", "", within, (p for p in parts if isinstance(p, Resistor))),
        *_equal(
            "capacitor, C0G or film", "", within, (p for p in parts if isinstance(p, Capacitor))
        ),
        *_equal("transconductor", "S", within, (p for p in parts if isinstance(p, Transconductor))),
    ]
    if any(isinstance(p, Amplifier) for p in parts):
        lines += _op_amps(circuit)
        pins = len(connector_pins(circuit))
        header = f"{pins} pins"
        lines.append(BomLine(part="connector", value=header, tolerance="", references=("J1",)))
    return BillOfMaterials(lines=tuple(lines))


def _equal(
    part: str,
    unit: str,
    tolerance: str,
    parts: Iterable[Resistor | Capacitor | Transconductor],
) -> list[BomLine]:
    """Return a line for each value, smallest first."""
    names: dict[str, list[str]] = {}
    for p in sorted(parts, key=lambda p: p.value):
        names.setdefault(quantity_text(p.value, unit, DIGITS), []).append(p.name)
    return [
        BomLine(part=part, value=value, tolerance=tolerance, references=tuple(same))
        for value, same in names.items()
    ]


def _op_amps(circuit: Circuit) -> list[BomLine]:
    """Return the lines of the packages and of their decoupling capacitors."""
    every = packages(circuit)
    kind = KINDS_OF_PACKAGES[len(every[0].pinout.units)]
    names = tuple(package.name for package in every)
    decoupling = tuple(name for package in every for name in package.decoupling)
    value = quantity_text(DECOUPLING)
    what = "decoupling capacitor, X7R, from a rail to ground"
    return [
        BomLine(part=kind, value=circuit.amplifier.name, tolerance="", references=names),
        BomLine(part=what, value=value, tolerance="10%", references=decoupling),
    ]
