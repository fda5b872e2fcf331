"""Kit ``cortex-m``: every word right on emulated cores; samples that come too fast are counted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw.kits.cortex_m import CORTEX_M
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.quantize.quantize_memory import quantize_memory

from ..factories import network_programs, spiking_corners
from ..factories.kit_designs import c_design, write_kit
from ..tools import needs, run, succeed

pytestmark = pytest.mark.qemu
tools = needs("make", "cc", "arm-none-eabi-gcc", "qemu-system-arm")
N_STEPS = 96


def memory(**keys: object) -> Program:
    return quantize_memory(parse(dict(keys))).program


PROGRAMS = {
    "taps": lambda: memory(d=8, theta=64, output="taps=0,0.5,1"),
    "wide": lambda: memory(d=3, theta=24, bits=24, channels=2, state_bits=40),
    "another name": lambda: replace(network_programs.gates(), name="gyro"),
    "on demand": lambda: network_programs.lmu(0),
    "every third": lambda: network_programs.lmu(3),
    "neurons": spiking_corners.read,
}


def run_core(place: Path, core: str, **variables: object) -> tuple[int, str]:
    """Return the exit code and all output, as QEMU prints to stderr what a board says."""
    given = [f"{name}={value}" for name, value in variables.items()]
    ran = run("make", "run", f"CORE={core}", *given, cwd=place)
    return ran.returncode, ran.stdout + ran.stderr


def n_words(program: Program) -> int:
    every, n_out = program.output_every, program.n_words(Role.OUTPUT)
    return n_out if every == 0 else N_STEPS // every * n_out


@pytest.mark.parametrize(
    ("name", "core"),
    [
        pytest.param(name, core, marks=() if (name, core) == ("taps", "m4") else pytest.mark.kits)
        for name in PROGRAMS
        for core in ("m0", "m3", "m4", "m7", "m33", "m55")
    ],
)
def test_every_word_is_that_of_the_vectors(name: str, core: str, tmp_path: Path) -> None:
    design = c_design(PROGRAMS[name](), N_STEPS)
    place = write_kit(CORTEX_M, design, tmp_path)
    # the slowest takes some thousand instructions a step on an M0
    code, text = run_core(place, core, PERIOD=400_000)
    assert f"{n_words(design.program)} words right, 0 wrong, 0 samples lost" in text
    assert code == 0
    assert "warning" not in text


QUEUE = """
#include "samples.h"

int main(void)
{
    static samples q; /* as main.c has it, but for indices that are about to wrap */
    sample s = {{0}, 0};

    q.written = q.read = 0u - 3u;
    for (uint32_t i = 0; i < SAMPLES + 2u; i++) {
        s.u[0] = (lmu_in)i;
        samples_put(&q, &s);
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        if (!samples_take(&q, &s) || s.u[0] != (lmu_in)i) {
            return 1;
        }
    }
    return samples_take(&q, &s) || q.lost != 2u;
}
"""


def test_a_full_queue_keeps_the_oldest_samples(tmp_path: Path) -> None:
    """On the host, as a queue that overwrites can pass the run in QEMU."""
    place = write_kit(CORTEX_M, c_design(PROGRAMS["taps"](), N_STEPS), tmp_path)
    (place / "device.h").write_text("#include <stdint.h>\n#define __DMB()\n")
    (place / "queue.c").write_text(QUEUE)
    header = '-DDEVICE_HEADER="device.h"'
    succeed("cc", "-Isrc", header, "-Wall", "-Werror", "queue.c", "-o", "queue", cwd=place)
    assert run("./queue", cwd=place).returncode == 0


@pytest.mark.kits
def test_samples_that_come_too_fast_are_counted(tmp_path: Path) -> None:
    place = write_kit(CORTEX_M, c_design(PROGRAMS["taps"](), N_STEPS), tmp_path)
    code, text = run_core(place, "m3", PERIOD=300)
    assert code != 0
    match = re.search(r"(\d+) words right, (\d+) wrong, (\d+) samples lost", text)
    assert match
    right, wrong, lost = map(int, match.groups())
    assert lost > 0
    # an output of three words for each sample that was not lost
    assert right + wrong == 3 * (N_STEPS - lost)


@pytest.mark.kits
def test_a_damaged_vector_or_program_fails(tmp_path: Path) -> None:
    place = write_kit(CORTEX_M, c_design(PROGRAMS["taps"](), N_STEPS), tmp_path)
    vectors = place / "lmu_vectors.h"
    text = vectors.read_text()
    output = re.search(r"vector_out\[.*?{\s*{\s*(-?\d+)", text, re.DOTALL)
    assert output
    first = int(output[1])
    vectors.write_text(text[: output.start(1)] + str(first ^ 1) + text[output.end(1) :])
    code, text = run_core(place, "m4")
    assert code != 0
    assert "287 words right, 1 wrong, 0 samples lost" in text


@pytest.mark.kits
def test_the_names_are_those_of_cmsis(tmp_path: Path) -> None:
    place = write_kit(CORTEX_M, c_design(PROGRAMS["taps"](), N_STEPS), tmp_path)
    # a vendor's header in place of ours: the names of ours, which must then not be defined twice
    header = (place / "core.h").read_text().split("#else\n")[1].split("#endif")[0]
    (place / "vendor.h").write_text(f"#define __CMSIS 1\n{header}")
    code, text = run_core(place, "m4", DEVICE_HEADER="vendor.h")
    assert code == 0, text
    assert "288 words right" in text


@pytest.mark.kits
def test_the_readme_leads_there(tmp_path: Path) -> None:
    place = write_kit(CORTEX_M, c_design(PROGRAMS["taps"](), N_STEPS), tmp_path)
    commands = re.findall(r"```sh\n(.*?)```", (place / "README.md").read_text(), re.DOTALL)
    assert commands
    for command in commands:
        ran = run("sh", "-ec", command, cwd=place)
        assert ran.returncode == 0
        assert "288 words right, 0 wrong, 0 samples lost" in ran.stderr
