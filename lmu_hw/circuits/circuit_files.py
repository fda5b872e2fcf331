"""The files of the build directory of an analog memory."""

from __future__ import annotations

import json

from .._support.build_directory import MANIFEST, sha256_of
from .analog_design import AnalogDesign
from .analog_manifest import analog_manifest
from .benches import bench_setup, spice_files
from .bill_of_materials import bill_of_materials
from .kicad_netlist import kicad_netlist
from .report_data import ReportData, draw_units
from .report_page import report_files
from .schematic import schematic


def circuit_files(design: AnalogDesign) -> dict[str, str | bytes]:
    """Return all files of the build directory of a design, by name.

    The bytes depend on the design only, on no path and no time.

    Raises
    ------
    ToolError
        If matplotlib or schemdraw is missing.
    """
    circuit = design.circuit
    files: dict[str, str | bytes] = {**spice_files(circuit, bench_setup(design))}
    files["bom.csv"] = bill_of_materials(circuit, design.request.tolerance).csv()
    files |= schematic(circuit)
    netlist = kicad_netlist(circuit)
    if netlist is not None:
        files["lmu.net"] = netlist
    files |= report_files(ReportData(design=design, units=draw_units(design)))
    manifest = analog_manifest(design, sha256_of(files))
    files[MANIFEST] = json.dumps(manifest.to_dict(), indent=2, allow_nan=False) + "\n"
    return files
