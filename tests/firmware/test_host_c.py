"""The backend `c` of `lmu-hw verify`: equal words pass, a mismatch names the first word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.vectors import Vectors
from lmu_hw.verify.backends import host_c
from lmu_hw.verify.stimulus import Reference
from tests.factories.builds import write_c_build
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, stimulus
from tests.tools import require

pytestmark = pytest.mark.cc


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    require("cc|gcc|clang")
    assert host_c.available()


def test_the_files_of_the_build_directory_run(tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    c_dir = write_c_build(program, tmp_path)
    inputs = stimulus(program, 200)[:, None]
    blocks = blocks_of(program, inputs[:150], inputs[150:])
    result = host_c.run(tmp_path, program, blocks, n_streams=1)
    assert (result.steps, result.mismatches, result.first) == (200, 0, None)
    assert result.words == 200 * program.n_words(Role.OUTPUT)
    code = (c_dir / "lmu.c").read_text()
    (c_dir / "lmu.c").write_text(code.replace("2 * x - y", "2 * x + y"))
    broken = host_c.run(tmp_path, program, blocks, n_streams=1)
    assert broken.mismatches > 0
    assert broken.first is not None
    assert broken.first.expected != broken.first.got


def blocks_of(program: Program, *inputs: np.ndarray) -> list[Vectors]:
    reference = Interpreter(program)
    return [Vectors(inputs=u, outputs=reference.run(u), state=reference.save()) for u in inputs]


def test_a_state_word_that_differs_is_named_after_the_output_words(tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    write_c_build(program, tmp_path)
    (block,) = blocks_of(program, stimulus(program, 60)[:, None])
    state = block.state.copy()
    state[0, 1] += 1
    wrong = Vectors(inputs=block.inputs, outputs=block.outputs, state=state)
    result = host_c.run(tmp_path, program, [wrong], n_streams=1)
    assert result.mismatches == 1
    assert result.first is not None
    assert result.first.index == program.n_words(Role.OUTPUT) + 1
    assert result.first.step == 59


@pytest.mark.parametrize(
    ("name", "steps"), [("lmu_every_3", range(2, 500, 3)), ("lmu_on_demand", range(15, 500, 16))]
)
def test_steps_without_an_output(name: str, steps: range, tmp_path: Path) -> None:
    """Their state is compared, and a divergence is named by its step, not by its output."""
    program, n_streams = NETWORKS[name], 3
    c_dir = write_c_build(program, tmp_path)
    inputs = np.stack([stimulus(program, 128, seed) for seed in range(n_streams)], axis=1)
    reference = Reference(program, n_streams)
    blocks = list(reference.blocks(iter([inputs[:80], inputs[80:]]), lambda _: None))
    good = host_c.run(tmp_path, program, blocks, n_streams)
    assert (good.steps, good.mismatches, good.first) == (128 * n_streams, 0, None)
    n_due = sum(step < 128 for step in steps)
    assert good.words == n_due * n_streams * program.n_words(Role.OUTPUT)
    assert reference.silent_steps > 0

    code = (c_dir / "lmu.c").read_text()
    head = "int32_t sum = lmu_linear_3_bias[r] + dots[r];"
    assert head in code
    (c_dir / "lmu.c").write_text(code.replace(head, f"{head[:-1]} + 9999 * (s->h[0] < 0);"))
    broken = host_c.run(tmp_path, program, blocks, n_streams)
    assert broken.first is not None
    assert broken.first.step in steps
    assert broken.first.index < program.n_words(Role.OUTPUT)
    assert broken.mismatches < good.words
