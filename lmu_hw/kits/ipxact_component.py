"""Kit ``ipxact``: the core as an IP-XACT component, and a script for Vivado's packager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .core_files import CorePort, clock_of, core_files, core_ports, rom_files
from .kit import Files, Kit, KitDesign, render

AXIS = "axis"
VIEWS = (
    ("xilinx_anylanguagesynthesis", "vivado.xilinx.com:synthesis"),
    ("xilinx_anylanguagebehavioralsimulation", "vivado.xilinx.com:simulation"),
)
"""Names that Vivado looks for, with their environments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusInterface:
    """A bus interface of a component.

    Attributes
    ----------
    name, library, type : str
        Its name, and library and name of its bus definition, whose vendor is ``xilinx.com``.
    is_master : bool
    ports : tuple of (str, str)
        Logical and physical ports.
    parameters : tuple of (str, str)
        Names and values.
    """

    name: str
    library: str
    type: str
    is_master: bool
    ports: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...] = ()


def _streams(ports: tuple[CorePort, ...]) -> Iterator[BusInterface]:
    """Yield the AXI4-Stream interfaces among ports."""
    for data in ports:
        prefix, found, _ = data.name.partition("_tdata")
        if found:
            named = {f"{prefix}_{part}" for part in ("tdata", "tvalid", "tready", "tlast")}
            yield BusInterface(
                name=prefix,
                library="interface",
                type=AXIS,
                is_master=data.direction == "out",
                ports=tuple(
                    (p.name.removeprefix(f"{prefix}_").upper(), p.name)
                    for p in ports
                    if p.name in named
                ),
            )


def _buses(design: KitDesign) -> tuple[BusInterface, ...]:
    """Return the bus interfaces: streams with AXI names, clock and reset."""
    core, streams = clock_of(design), tuple(_streams(core_ports(design)))
    clock, reset = str(core["clock"]), str(core["reset"])
    of_clock: tuple[tuple[str, str], ...] = (("ASSOCIATED_RESET", reset),)
    if streams:
        of_clock = (("ASSOCIATED_BUSIF", ":".join(s.name for s in streams)), *of_clock)
    polarity = "ACTIVE_LOW" if core["axi"] else "ACTIVE_HIGH"
    return (
        *streams,
        BusInterface(
            name=clock,
            library="signal",
            type="clock",
            is_master=False,
            ports=(("CLK", clock),),
            parameters=of_clock,
        ),
        BusInterface(
            name=reset,
            library="signal",
            type="reset",
            is_master=False,
            ports=(("RST", reset),),
            parameters=(("POLARITY", polarity),),
        ),
    )


def _files(design: KitDesign) -> Files:
    version = re.match(r"\d+\.\d+", design.version)
    context = {
        # Vivado knows versions of two numbers
        "version": version.group() if version else "0.0",
        "roms": rom_files(design),
        "buses": _buses(design),
        "ports": core_ports(design),
        "views": VIEWS,
        **clock_of(design),
    }

    def text(name: str, title: str) -> str:
        return render(f"ipxact/{name}.j2", design, **{**context, "title": title})

    return {
        **core_files(design),
        "component.xml": text("component.xml", escape(design.title)),
        "component_2014.xml": text("component_2014.xml", escape(design.title)),
        "package.tcl": text("package.tcl", design.title),
        f"{design.name}_ooc.xdc": render("core/core.xdc.j2", design, **context),
        "README.md": text("README.md", design.title),
    }


IPXACT = Kit(
    name="ipxact",
    summary="IP-XACT components of 2009 and 2014, and a packaging script for Vivado",
    tested="schemas of IEEE 1685-2009 and 1685-2014; ipyxact 0.3.2; the script with stubs of "
    "Vivado's commands",
    not_run="in Vivado",
    files=_files,
    verilog=True,
)
