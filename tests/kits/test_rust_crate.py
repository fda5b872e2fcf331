"""Kit ``rust``: the crate computes the words of the vectors, and its state is that of the C."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.kits.rust_crate import RUST, state_fields
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Program
from lmu_hw.quantize.quantize_memory import quantize_memory

from ..factories import hardware_programs, network_programs, spiking_corners
from ..factories.kit_designs import c_design, write_kit
from ..tools import needs, require, run, succeed

tools = needs("cc")


def memory(**keys: object) -> Program:
    return quantize_memory(parse(dict(keys))).program


PROGRAMS = {
    "taps": lambda: memory(d=8, theta=64, output="taps=0,0.5,1"),
    "wide": lambda: memory(d=3, theta=24, bits=24, channels=2, state_bits=40),
    "words in pairs": network_programs.gates,
    "on demand": lambda: network_programs.lmu(0),
    "every third": lambda: network_programs.lmu(3),
    "two memories": hardware_programs.two_memories,
    "neurons": spiking_corners.read,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_compiler_lays_out_the_state_as_the_crate_says(name: str, tmp_path: Path) -> None:
    design = c_design(PROGRAMS[name]())
    place = write_kit(RUST, design, tmp_path)
    layout = place / "csrc" / f"{design.name}_layout.c"
    succeed("cc", "-std=c99", "-Wall", "-Werror", "-c", layout, "-o", tmp_path / "layout.o")
    _, size = state_fields(design)
    layout.write_text(layout.read_text().replace(f"_state), {size})", f"_state), {size + 1})"))
    assert run("cc", "-std=c99", "-c", layout, "-o", tmp_path / "layout.o").returncode != 0


def test_names_that_rust_reserves_are_refused() -> None:
    for name in ("match", "core", "fn"):
        design = c_design(replace(memory(d=3), name=name))
        with pytest.raises(SpecError, match="--name"):
            RUST.files(design)


def cargo(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    require("cargo")
    return run("cargo", arguments[0], "--offline", *arguments[1:], cwd=place)


@pytest.mark.kits
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_word_is_that_of_the_vectors(name: str, tmp_path: Path) -> None:
    place = write_kit(RUST, c_design(PROGRAMS[name]()), tmp_path)
    tested = cargo(place, "test")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    # three on the vectors, and the example of the documentation
    assert re.findall(r"(\d+) passed", tested.stdout) == ["0", "3", "1"]

    words = (place / "vectors" / "output.hex").read_text().split()
    words[-1] = f"{int(words[-1], 16) ^ 1:0{len(words[-1])}x}"
    (place / "vectors" / "output.hex").write_text("\n".join(words) + "\n")
    tested = cargo(place, "test")
    assert tested.returncode != 0
    assert "every_word_is_that_of_the_vectors ... FAILED" in tested.stdout


@pytest.mark.kits
def test_clippy_and_rustdoc_find_nothing(tmp_path: Path) -> None:
    place = write_kit(RUST, c_design(PROGRAMS["words in pairs"]()), tmp_path)
    for command in (("clippy", "--all-targets", "--", "-D", "warnings"), ("doc",)):
        found = cargo(place, *command)
        assert found.returncode == 0, found.stderr
        assert "warning" not in found.stderr


@pytest.mark.kits
def test_two_designs_in_a_program_that_follows_the_readme(tmp_path: Path) -> None:
    for name in ("gyro", "ecg"):
        program = replace(memory(d=4 if name == "gyro" else 6), name=name)
        write_kit(RUST, c_design(program), tmp_path / name)
    main = tmp_path / "app" / "src" / "main.rs"
    main.parent.mkdir(parents=True)
    readme = (tmp_path / "gyro" / "rust" / "README.md").read_text()
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", readme, re.DOTALL))
    needed = 'ecg = { path = "../ecg/rust" }\n'
    (tmp_path / "app" / "Cargo.toml").write_text(
        '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n\n'
        + blocks["toml"].replace("../rust", "../gyro/rust")
        + needed
    )
    use = blocks["rust"].replace("// y:", 'println!("{}", y.len()); // y:')
    main.write_text(f"fn main() {{\n{use}{use.replace('gyro', 'ecg')}}}\n")
    ran = cargo(tmp_path / "app", "run", "-q")
    assert (ran.returncode, ran.stdout) == (0, "4\n6\n"), ran.stderr
