"""The litex kit is whole, its C compiles, and its SoCs give the words of the vectors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError
from lmu_hw.rtl.options import Hardware

from ..tools import require, tools_required

TESTS = [
    *("software", "polled", "streamed", "transfers", "dma"),
    *("interrupts", "interrupts of the dma", "state port", "stalls", "errors"),
]
MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"


def taps() -> lh.Design:
    """Three output words of 16 bits: an output ends in the middle of a transfer."""
    return lh.compile(lh.Memory(8, theta=64), bits=16, output="taps=0,0.5,1")


def classifier() -> lh.Design:
    """Two input words, and an output on demand."""
    network = lh.load_model(MODELS / "ecg_beats.npz")
    data = np.random.default_rng(0).uniform(-1, 1, (20, 100, 2))
    return lh.compile(network, widths={"weight_bits": 8}, calibration=data, name="ecg")


def wide() -> lh.Design:
    """Words of 24 bits, and states of 33, which take two transfers."""
    return lh.compile(lh.Memory(8, theta=1000), bits=24, output="state", name="wide")


DESIGNS = {"taps": taps, "classifier": classifier, "wide": wide}


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that gives the kit's directory of a design, moved to a place of its own."""
    made: dict[tuple[str, str], Path] = {}

    def kit(name: str, streams: str = "plain") -> Path:
        if (name, streams) not in made:
            build = tmp_path_factory.mktemp("build") / "b"
            DESIGNS[name]().write(build, Hardware(state_port=True, streams=streams), kits="litex")
            made[name, streams] = tmp_path_factory.mktemp("kit") / "litex"
            shutil.move(build / "litex", made[name, streams])
            shutil.rmtree(build)
        return made[name, streams]

    return kit


def prefix(name: str) -> str:
    """Return the name of the design, which its files bear."""
    return {"taps": "lmu", "classifier": "ecg", "wide": "wide"}[name]


def simulate(kit: Path, place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run sim.py with an empty directory as the working directory."""
    command = [sys.executable, str(kit / "sim.py"), *options]
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def litex() -> None:
    require("verilator", "make", "riscv64-unknown-elf-gcc")
    if find_spec("litex") is None:
        (pytest.fail if tools_required() else pytest.skip)("litex not found; make kits installs it")


@pytest.mark.parametrize(
    ("name", "streams"), [*((name, "plain") for name in DESIGNS), ("taps", "axi")]
)
def test_the_kit_is_whole(name: str, streams: str, kits: Callable[..., Path]) -> None:
    kit, p = kits(name, streams), prefix(name)
    for script in (f"{p}.py", "sim.py", "radiona_ulx3s.py"):
        compile((kit / script).read_text(), script, "exec")
    module = (kit / f"{p}.py").read_text()
    top = f"{p}_core" if streams == "axi" else p
    assert f'Instance("{top}"' in module
    assert f"module {top} #(" in (kit / "rtl" / f"{p}.v").read_text()
    assert ("i_i_last" in module) == (name == "classifier")
    assert {path.name for path in (kit / "vectors").iterdir()} == {
        f"{kind}.hex" for kind in ("input", "output", "state")
    }
    readme = (kit / "README.md").read_text()
    for path in (f"{p}.py", f"{p}_litex.h", "sim.py", "main.c", "linker.ld", "radiona_ulx3s.py"):
        assert (kit / path).is_file()
        assert path in readme
    assert max(map(len, module.splitlines())) <= 130


@pytest.mark.parametrize("name", ["sim", "litex", "json"])
def test_the_name_of_another_module_is_refused(name: str, tmp_path: Path) -> None:
    design = lh.compile(lh.Memory(4), name=name)
    with pytest.raises(SpecError, match=f"module called {name}: choose another --name"):
        design.write(tmp_path / "b", kits="litex")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_driver_compiles(name: str, kits: Callable[..., Path], tmp_path: Path) -> None:
    require("gcc|cc")
    kit, p = kits(name), prefix(name)
    (tmp_path / "use.c").write_text(
        f'#include "csr.h"\n#include "{p}_litex.h"\n'
        f"int main(void) {{ return {p.upper()}_LITEX_WORDS(5u) == 5u ? 0 : 1; }}\n"
    )
    strict = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wsign-conversion"]
    includes = [f"-I{kit}", f"-I{kit / 'c'}"]
    compiler = shutil.which("gcc") or "cc"
    P = p.upper()
    addresses = f"#define CSR_{P}0_BASE 0xf0000000L\n#define CSR_{P}0_DIGEST_ADDR 0xf000002cL\n"
    csr = tmp_path / "csr.h"
    csr.write_text(f"{addresses}#define CSR_{P}0_DATA_OUT_ADDR 0xf0000010L\n")
    for level in ("-O0", "-O2"):
        command = [compiler, *strict, level, *includes, str(tmp_path / "use.c")]
        subprocess.run([*command, "-o", str(tmp_path / "use")], check=True)
        subprocess.run([tmp_path / "use"], check=True)
    csr.write_text(f"{addresses}#define CSR_{P}0_DATA_OUT_ADDR 0xf0000020L\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "the SoC has other CSR addresses" in done.stderr


@pytest.mark.kits
@pytest.mark.slow
@pytest.mark.usefixtures("litex")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("taps", ()),
        ("taps", ("--cpu", "picorv32")),
        ("classifier", ()),
        ("wide", ("--cpu", "picorv32", "--fast-multiply")),
    ],
)
def test_words_equal_the_vectors_in_a_soc(
    name: str, options: tuple[str, ...], kits: Callable[..., Path], tmp_path: Path
) -> None:
    kit = kits(name)
    if name == "taps":  # these are the lines of its README
        readme = (kit / "README.md").read_text()
        assert any(
            line.split("#")[0].split() == ["python", "litex/sim.py", *options]
            for line in readme.splitlines()
        )
    done = simulate(kit, tmp_path, *options)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[5:] for line in lines if line.startswith("TEST ")] == TESTS
    assert "PASS" in lines
    # all vectors fit the FIFOs of a network without output
    assert any(line.startswith("SKIP overrun") for line in lines) == (name == "classifier")


@pytest.mark.kits
@pytest.mark.slow
@pytest.mark.usefixtures("litex")
def test_a_damaged_vector_fails(kits: Callable[..., Path], tmp_path: Path) -> None:
    kit = shutil.copytree(kits("taps"), tmp_path / "kit")
    path = kit / "vectors" / "output.hex"
    words = path.read_text().split()
    words[100] = f"{int(words[100], 16) ^ 1:04x}"
    path.write_text("\n".join(words) + "\n")
    done = simulate(kit, tmp_path, "--cpu", "picorv32")
    assert done.returncode == 1
    assert "PASS" not in done.stdout
    for test in ("software", "streamed", "dma", "stalls"):
        assert f"word 100 FAIL {test}\n" in done.stdout


@pytest.mark.kits
@pytest.mark.slow
@pytest.mark.synth
@pytest.mark.usefixtures("litex")
def test_bitstream_for_the_ulx3s(kits: Callable[..., Path], tmp_path: Path) -> None:
    bin_dir = str(Path(sys.executable).parent)
    path = os.pathsep.join([bin_dir, os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, str(kits("taps") / "radiona_ulx3s.py")],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Max frequency" in done.stdout
    bitstream = tmp_path / "build_ulx3s" / "gateware" / "radiona_ulx3s.bit"
    assert bitstream.stat().st_size > 100_000
