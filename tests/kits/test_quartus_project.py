"""Kit ``quartus``: project files as Tcl, and the core on a Cyclone V in Yosys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmu_hw.kits.quartus_project import QUARTUS
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.streams import Streams
from tests.factories.hardware_programs import ALL
from tests.factories.kit_cores import core_design
from tests.factories.kit_designs import write_kit
from tests.kits.readme import follow
from tests.kits.vendor_commands import calls
from tests.tools import require_yosys, search_path

COMMANDS = ("set_global_assignment", "set_instance_assignment")


@pytest.fixture(scope="module", params=Streams)
def kit_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    design = core_design(ALL["wide"], Hardware(streams=request.param), n_steps=4)
    return write_kit(QUARTUS, design, tmp_path_factory.mktemp("kit"))


def assignments(made: list[list[str]]) -> list[tuple[str, str]]:
    """Return name and value of global assignments."""
    assert all(call[:2] == ["set_global_assignment", "-name"] for call in made)
    return [(call[2], call[3]) for call in made]


@pytest.mark.kits
def test_the_files_that_a_project_takes(kit_dir: Path) -> None:
    where = f"set ::quartus(qip_path) {{{kit_dir}}}"
    made = assignments(calls(kit_dir / "lmu.qip", COMMANDS, where))
    files = {Path(value) for name, value in made if name in ("VERILOG_FILE", "MISC_FILE")}
    assert files == {kit_dir / "lmu.v", *kit_dir.glob("*.mem")}
    assert ("SEARCH_PATH", str(kit_dir)) in made


@pytest.mark.kits
def test_the_project_of_the_core_alone(kit_dir: Path) -> None:
    made = calls(kit_dir / "lmu.qsf", COMMANDS)
    own = [call for call in made if call[0] == "set_global_assignment"]
    named = dict(assignments(own))
    assert named["TOP_LEVEL_ENTITY"] == "lmu"
    assert (kit_dir / named["QIP_FILE"]).is_file()
    assert (kit_dir / named["SDC_FILE"]).is_file()
    virtual = {call[-1] for call in made if call[1:4] == ["-name", "VIRTUAL_PIN", "ON"]}
    text = (kit_dir / "lmu.v").read_text()
    head = text[text.index("\nmodule lmu #(") : text.index("\n);")]
    declared = set(re.findall(r"(\w+),?$", head.split(") (")[1], re.MULTILINE))
    clock = "aclk" if "aclk" in declared else "clk"
    assert virtual == declared - {clock}
    clocks = calls(kit_dir / "lmu.sdc", ("create_clock", "get_ports", "derive_clock_uncertainty"))
    assert clocks[0] == ["get_ports", clock]
    assert clocks[1][:3] == ["create_clock", "-name", clock]


@pytest.mark.kits
@pytest.mark.synth
def test_the_readme(kit_dir: Path) -> None:
    require_yosys()
    done = follow(kit_dir, PATH=search_path())
    assert done.returncode == 0, done.stderr
    for cell in ("MISTRAL_FF", "MISTRAL_MUL"):
        assert re.search(rf"\d +{cell}|{cell}\w* +\d", done.stdout), done.stdout


def test_files_are_whole() -> None:
    files = QUARTUS.files(core_design(ALL["readout"], n_steps=4))
    assert "X_INTERFACE" not in files["README.md"]
    named = set(re.findall(r'"(\w+\.(?:v|mem))"', str(files["lmu.qip"])))
    assert named == {name for name in files if name.endswith((".v", ".mem"))}
