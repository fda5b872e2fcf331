"""Result of `lmu-hw synth`: resources, clock rate and critical path on each device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..._support.tables import html_table
from ...program.codec import Report, to_data, written
from .families import Style
from .nextpnr import CriticalPath

NO_CLOCK = "synthesis only: no clock figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Number of cells of one kind.

    Attributes
    ----------
    used : int
        Cells that the design takes, without the harness.
    available : int
        Cells of the device.
    """

    used: int
    available: int

    def __str__(self) -> str:
        share = f", {100 * self.used / self.available:.0f} %" if self.available else ""
        return f"{self.used:,} of {self.available:,}{share}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedUsage(Usage):
    """Number of multipliers or block RAMs, with the number predicted before synthesis.

    Attributes
    ----------
    estimate : int
        Predicted number; equal to ``used``, or `synth` would have raised an error.
    """

    estimate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellUnits:
    """Size of one multiplier, as in ``18x18``, and of one block RAM, as in ``18 kbit``."""

    dsps: str
    block_rams: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUsage:
    """Multipliers that one multiplication takes.

    Attributes
    ----------
    name : str
        Instance path of its block.
    bits : (int, int)
        Widths of the factors [bits].
    dsps : int
        Multipliers of the device; 0: built from logic.
    """

    name: str
    bits: tuple[int, int]
    dsps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUsage:
    """Cells that one memory takes.

    Attributes
    ----------
    name : str
        Instance path.
    words, bits : int
        Number of words and width of a word [bits].
    style : Style
        Block RAM, LUT memory or logic; ``in`` in JSON.
    block_rams : int
        Block RAMs of the device.
    """

    name: str
    words: int
    bits: int
    style: Style = field(metadata=written(key="in"))
    block_rams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessUsage:
    """LUTs and flip-flops of the serial harness; both 0 on targets without one."""

    luts: int
    ffs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedDesign:
    """Result of placement and routing.

    Attributes
    ----------
    logic_cells : int
        Used logic cells of the device, harness included.
    harness : HarnessUsage
    fmax_mhz : float
        Highest clock rate [MHz].
    steps_per_second : float
        Equally spaced steps of the design at that clock rate [1/s].
    critical_path : CriticalPath
    """

    logic_cells: int
    harness: HarnessUsage
    fmax_mhz: float
    steps_per_second: float
    critical_path: CriticalPath


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """Figures of a design on one target.

    Attributes
    ----------
    target : str
        Name of the target, as ``--target`` takes it.
    device : str
        Part number.
    luts, ffs : Usage
        LUTs and flip-flops.
    dsps, block_rams : PredictedUsage
        Multipliers and block RAMs.
    units : CellUnits
    products : tuple of ProductUsage
    memories : tuple of MemoryUsage
    routed : RoutedDesign or None
        None where the target is for synthesis only.
    """

    target: str
    device: str
    luts: Usage
    ffs: Usage
    dsps: PredictedUsage
    block_rams: PredictedUsage
    units: CellUnits
    products: tuple[ProductUsage, ...]
    memories: tuple[MemoryUsage, ...]
    routed: RoutedDesign | None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the target in the JSON."""
        data: dict[str, Any] = to_data(self)
        placed = data.pop("routed")
        if placed is None:
            names = ("logic_cells", "fmax_mhz", "steps_per_second", "critical_path")
            placed = {**dict.fromkeys(names), "note": NO_CLOCK}
        data |= placed
        return data

    def lines(self, cycles_per_step: float) -> list[str]:
        """Return the text of the target, line by line."""
        dsps = _by_name((p.name, p.dsps) for p in self.products)
        rams = _by_name((m.name, m.block_rams) for m in self.memories)
        small = ", ".join(m.name for m in self.memories if m.style is not Style.BLOCK)
        dsp_unit = f"; {self.units.dsps} each" if self.units.dsps else ""
        return [
            f"{self.target} ({self.device})",
            f"  LUTs          {self.luts}",
            f"  flip-flops    {self.ffs}",
            f"  multipliers   {self.dsps}{dsp_unit}{dsps}",
            f"  block RAM     {self.block_rams}; {self.units.block_rams} each{rams}",
            *([f"  in LUTs       {small}"] if small else []),
            *self._clock_lines(cycles_per_step),
        ]

    def _clock_lines(self, cycles_per_step: float) -> list[str]:
        p, cycles = self.routed, f"{shown_cycles(cycles_per_step)} cycles a step"
        if p is None:
            return [f"  clock         {NO_CLOCK}; {cycles}"]
        return [
            f"  clock         {p.fmax_mhz:.1f} MHz; {cycles}: "
            f"{p.steps_per_second:,.0f} steps a second",
            f"  critical path {p.critical_path}",
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthReport(Report):
    """Figures of a design on each target.

    ``str`` gives the text that ``lmu-hw synth`` prints; notebooks show a table.

    Attributes
    ----------
    digest : str
        Digest of the program.
    title : str
    lanes : int
        Lanes of the design.
    cycles_per_step : float
        Clock cycles of a step when steps are equally spaced. Not whole where the lanes of a network
        need longer for an output than its memory for the steps from one output to the next.
    seed : int
        Seed of the placement.
    freq_mhz : float or None
        Target clock rate [MHz]; None: as fast as possible.
    edited : tuple of str
        Files that were edited since they were generated.
    targets : tuple of DeviceReport
    """

    digest: str
    title: str
    lanes: int
    cycles_per_step: float
    seed: int
    freq_mhz: float | None
    edited: tuple[str, ...]
    targets: tuple[DeviceReport, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON data, as ``lmu-hw synth --json`` prints it."""
        data: dict[str, Any] = to_data(self)
        data["targets"] = [target.to_dict() for target in self.targets]
        return data

    def __str__(self) -> str:
        lines = [self.title]
        if self.edited:
            lines.append(f"edited since it was generated: {', '.join(self.edited)}")
        for target in self.targets:
            lines += target.lines(self.cycles_per_step)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = ("target", "LUTs", "flip-flops", "multipliers", "block RAM")
        rows: list[tuple[str, ...]] = [(*head, "clock [MHz]", "steps/s", "critical path")]
        for t in self.targets:
            p, usages = t.routed, (t.luts, t.ffs, t.dsps, t.block_rams)
            clock = (
                (NO_CLOCK, "", "")
                if p is None
                else (f"{p.fmax_mhz:.1f}", f"{p.steps_per_second:,.0f}", str(p.critical_path))
            )
            rows.append((t.target, *map(str, usages), *clock))
        return html_table(rows, caption=self.title)


def shown_cycles(cycles: float) -> str:
    """Return cycles as text, with decimals where they are not whole.

    Examples
    --------
    >>> shown_cycles(9308), shown_cycles(46 / 3)
    ('9,308', '15.33')
    """
    return f"{cycles:,}" if cycles == int(cycles) else f"{cycles:,.2f}"


def _by_name(counts: Iterable[tuple[str, int]]) -> str:
    """Return the sum of each name as text; names with none are left out."""
    total: Counter[str] = Counter()
    for name, n in counts:
        total[name] += n
    parts = [f"{name} {n}" for name, n in total.items() if n]
    return f": {', '.join(parts)}" if parts else ""
