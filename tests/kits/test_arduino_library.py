"""Kit ``arduino``: built for an Uno, run in simavr, words over the serial port."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.kits.arduino_library import ARDUINO
from lmu_hw.kits.kit import KitDesign
from tests.factories.builds import write_files
from tests.factories.kit_designs import c_design, write_kit
from tests.kits.designs import PROGRAMS, ecg, gyro
from tests.kits.readme import damage, follow
from tests.tools import require, run

TOOLS = ("arduino-builder", "arduino-ctags", "avr-gcc", "cc|gcc|clang")
# so that python3 is the one that has pyserial
PATH = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
BUILD = """
arduino-builder -compile -fqbn arduino:avr:uno -quiet
    -hardware /usr/share/arduino-builder -hardware /usr/share/arduino/hardware
    -tools /usr/share/arduino-builder -libraries {libraries}
    -prefs compiler.cpp.extra_flags=-DDECIMAL_DIG=__DECIMAL_DIG__ -build-path {build} {sketch}
"""
TWO = """
#include <gyro.hpp>
#include <ecg.hpp>

static lmu_hw::gyro::Model gyro;
static lmu_hw::ecg::Model ecg;
static gyro_in u[GYRO_N_IN];
static gyro_out y[GYRO_N_OUT];
static ecg_in v[ECG_N_IN];
static ecg_out z[ECG_N_OUT];

void setup() {
  Serial.begin(115200);
  Serial.setTimeout(60000);
}

void loop() {
  while (!Serial.available()) {
  }
  if (Serial.peek() == 'r') {
    Serial.read();
    Serial.println(F("gyro ready"));
    return;
  }
  for (size_t i = 0; i < GYRO_N_IN; i++) {
    u[i] = Serial.parseInt();
  }
  for (size_t i = 0; i < ECG_N_IN; i++) {
    v[i] = Serial.parseInt();
  }
  if (gyro.step(u, y) && ecg.step(v, z)) {
    for (size_t i = 0; i < GYRO_N_OUT; i++) {
      Serial.print((long)y[i]);
      Serial.print(' ');
    }
    for (size_t i = 0; i < ECG_N_OUT; i++) {
      Serial.print((long)z[i]);
      Serial.print(' ');
    }
  }
  Serial.println();
}
"""


def in_ram(elf: Path, name: str) -> set[str]:
    """Return the constants and variables of a design that lie in RAM."""
    lines = run("avr-nm", "-S", elf).stdout.splitlines()
    rows = [line.split() for line in lines]
    return {
        row[-1].split(".")[0] for row in rows if row[-1].startswith(f"{name}_") and row[0] >= "008"
    }


def test_names_of_arduino_headers_are_refused() -> None:
    design = replace(gyro(), program=replace(gyro().program, name="servo"))
    with pytest.raises(SpecError, match=r"the arduino kit needs another --name, because servo"):
        ARDUINO.files(design)


def test_the_library_has_the_properties_that_arduino_asks_for() -> None:
    files = ARDUINO.files(gyro())
    lines = str(files["library.properties"]).splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert list(properties) == [
        *("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url"),
        *("architectures", "includes"),
    ]
    assert properties["name"] == "gyro"
    assert properties["version"] == "1.2.3"
    assert properties["includes"] == "gyro.hpp"
    assert "src/gyro.hpp" in files
    # a sketch has the name of its directory
    assert "examples/gyro_stream/gyro_stream.ino" in files
    for line in str(files["keywords.txt"]).splitlines()[1:]:
        word, kind = line.split("\t")
        assert re.fullmatch("KEYWORD1|KEYWORD2|LITERAL1", kind), line
        assert word in str(files["src/gyro.h"]) + str(files["src/gyro.hpp"])


@pytest.mark.kits
@pytest.mark.parametrize(
    "name", ["several words", "output at will", "every third output", "neurons"]
)
def test_the_readme(name: str, tmp_path: Path) -> None:
    require(*TOOLS)
    program = replace(PROGRAMS[name](), name="gyro")
    place = write_kit(ARDUINO, c_design(program), tmp_path)
    done = follow(place, PATH=PATH)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [line for line in done.stderr.splitlines() if "gyro" in line]  # no warning
    said = re.search(r"^PASS .*", done.stdout, re.MULTILINE)
    assert said is not None
    # as the README says for a board
    assert said.group() in (place / "README.md").read_text()
    assert re.search(r"^RAM: \d+ bytes of globals, \d+ of stack, of 2048", done.stdout, re.M)
    elf = place / "build" / "sketch" / "gyro_stream.ino.elf"
    assert not in_ram(elf, "gyro")

    # a second run starts from reset, on a board that has not restarted
    again = 'extras/compare.py "$0" && python3 extras/compare.py "$0"'
    command = ("build/simulate", elf, "sh", "-c", f"python3 {again}")
    done = run("env", f"PATH={PATH}", *command, cwd=place)
    assert done.stdout.count("PASS") == 2, done.stdout + done.stderr


@pytest.mark.kits
def test_a_damaged_vector_fails(tmp_path: Path) -> None:
    require(*TOOLS)
    place = write_kit(ARDUINO, gyro(), tmp_path)
    damage(place / "extras" / "vectors" / "output.hex", r"\A")
    done = follow(place, PATH=PATH)
    assert done.returncode != 0
    assert "FAIL step 0: expected" in done.stderr


@pytest.mark.kits
def test_two_designs_in_one_sketch(tmp_path: Path) -> None:
    require(*TOOLS)
    designs = (gyro(), ecg())
    (tmp_path / "libraries").mkdir()
    for design in designs:
        write_kit(ARDUINO, design, tmp_path).rename(tmp_path / "libraries" / design.name)
    kernels = {path.read_bytes() for path in tmp_path.rglob("lmu_kernels.h")}
    assert len(kernels) == 1
    write_files(tmp_path, {"two/two.ino": TWO})
    (tmp_path / "build").mkdir()
    command = BUILD.format(
        libraries=tmp_path / "libraries", build=tmp_path / "build", sketch=tmp_path / "two/two.ino"
    )
    done = run(*command.split())
    assert done.returncode == 0, done.stderr
    elf = tmp_path / "build" / "two.ino.elf"
    assert not in_ram(elf, "gyro") | in_ram(elf, "ecg")

    extras = write_both(designs, tmp_path)
    assert run("cc", "-O2", extras / "simulate.c", "-lsimavr", "-o", extras / "s").returncode == 0
    done = run(extras / "s", elf, sys.executable, extras / "compare.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS steps: 96, outputs: 96, words of each: 10" in done.stdout
    damage(extras / "vectors" / "output.hex", r"\A")
    assert run(extras / "s", elf, sys.executable, extras / "compare.py").returncode == 1


def write_both(designs: tuple[KitDesign, ...], place: Path) -> Path:
    """Write vectors and compare.py that hold the words of all designs, step by step."""
    extras = place / "libraries" / "gyro" / "extras"
    scripts = [str(ARDUINO.files(design)["extras/compare.py"]) for design in designs]
    merged = scripts[0]
    for table, file in (("INPUTS", "input.hex"), ("OUTPUTS", "output.hex")):
        found = [re.search(rf"{table} = \[(.*)\]", script) for script in scripts]
        formats = [match[1] for match in found if match]
        merged = re.sub(rf"{table} = .*", f"{table} = [{', '.join(formats)}]", merged)
        rows = []
        for design, text in zip(designs, formats, strict=True):
            words, n = design.vectors[file].split(), text.count("(")
            rows.append([words[i : i + n] for i in range(0, len(words), n)])
        steps = chain.from_iterable(zip(*rows, strict=True))
        (extras / "vectors" / file).write_text("\n".join(chain.from_iterable(steps)) + "\n")
    (extras / "compare.py").write_text(merged)
    return extras
