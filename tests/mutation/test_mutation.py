"""The mutation tool: a mutant is called equivalent only where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmu_hw.generate import files_of
from lmu_hw.memory.spec import parse
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl.options import Hardware
from tests.mutation.equivalence import equivalent
from tests.mutation.running import limited
from tests.tools import require_yosys

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def verilog() -> str:
    design = quantize_memory(parse({"d": 5, "theta": 20, "realization": "cascade"}))
    text = files_of(design, Hardware())["rtl/lmu.v"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("take = valid && ready;", "take = ready && valid;"),
        ("room <= next_reserved <= 4'd3;", "room <= next_reserved < 4'd4;"),
        ("= reserved_sum - {3'd0, taken};", "= reserved_sum + {4{taken}};"),
    ],
)
def test_other_words_for_the_same(was: str, now: str, verilog: str, tmp_path: Path) -> None:
    require_yosys()
    assert verilog.count(was) == 1
    assert equivalent(verilog, verilog.replace(was, now), tmp_path)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        # an output, the next value of a register, what a memory is given
        ("take = valid && ready;", "take = valid;"),
        ("following <= following + 3'd1;", "following <= following + 3'd2;"),
        ("round_a_silent = silent && !", "round_a_silent = silent || !"),
        # what holds only until a reset, or after one
        ("reg running = 1'd0;", "reg running = 1'd1;"),
        ("      running <= 1'd0;\n", "      ;\n"),
        ("      clear_address <= 3'd0;\n", "      clear_address <= 3'd1;\n"),
        # what a memory does
        ("read_word <= mem[read_address];", "read_word <= mem[0];"),
        ("if (write) mem[write_address]", "if (!write) mem[write_address]"),
        # one state in thousands
        ("cycle == run_cycles;", "(cycle == run_cycles) && (cycle != 5'd29);"),
    ],
)
def test_what_is_not_the_same(was: str, now: str, verilog: str, tmp_path: Path) -> None:
    require_yosys()
    assert was in verilog
    assert not equivalent(verilog, verilog.replace(was, now, 1), tmp_path)


def test_a_process_has_a_limit_of_processor_time() -> None:
    """A mutant that waits for a busy machine is not killed; one that hangs is."""
    patient = limited(["sh", "-c", "sleep 1.5; exit 3"], 1)
    assert patient is not None
    assert patient.returncode == 3
    hanging = limited(["sh", "-c", "while :; do :; done"], 1)
    assert hanging is None or hanging.returncode < 0
