"""The C of every configuration: compilers, levels, sanitizers, microcontrollers, static analysis.

A few configurations by default, all of them in `make soak`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError, SpecError, ToolError
from lmu_hw.firmware import emit
from lmu_hw.firmware.boards import installed, microcontrollers, qemu, toolchain
from lmu_hw.firmware.boards.microcontrollers import BOARDS, TARGETS, Board
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.vectors import Vectors
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.verify import selection, stimulus, verification
from lmu_hw.verify.backends import board_c, host_c
from lmu_hw.verify.stimulus import Reference, rounds
from tests.factories.builds import VERSION, write_c, write_c_build
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.firmware.compilers import C99, CPP17
from tests.tools import require, run, succeed

QUICK = (
    "memory d=12 5 channels P=3",
    "dense d=16 P=4",
    "lstm d=32 n=24 P=8",
    "stack of 3 every 5th step P=2",
    "stack of 3, outputs on demand, P=16",
)
MILLION = (
    *("memory d=6 P=2", "dense d=16 P=4", "old gru d=16 n=16 P=4"),
    *("lstm d=32 n=24 P=8", "stack of 3 every 5th step P=2", QUICK[-1]),
)
"""With rows packed as on every core: the host runs the same tables in plain C."""
ALL = [pytest.param(n, marks=() if n in QUICK else pytest.mark.soak) for n in CONFIGURATIONS]
SANITIZERS = ("-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")
LIBRARY = {"memcpy", "memmove", "memset"}
"""What an object may need of a C library."""
MULTIPLY = {"__aeabi_lmul"}
"""A 64-bit product, which a Cortex-M0 has no instruction for: no division, no floating point."""
AVR_CALLS = re.compile(r"__u?s?(mul|add|sub|neg|cmp|ash[lr]|lshr)\w*[hsd]i\d\w*|__do_copy_data")
"""What an AVR calls for integers of more than 8 bits, and how its constants come to RAM."""
SMALL = ("c-m0", "c-avr", "c-uno")

pytestmark = [pytest.mark.cc]


@cache
def program(name: str) -> Program:
    return CONFIGURATIONS[name].make()


@pytest.fixture(scope="module")
def c_dir(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the ``c`` directory of a configuration."""

    @cache
    def build_dir(name: str) -> Path:
        n_steps = 2 * (program(name).output_every or 1) + 30
        return write_c_build(program(name), tmp_path_factory.mktemp("build"), n_steps)

    return build_dir


def need(target: Board) -> None:
    tools = target.toolchain
    require(tools.compiler, tools.qemu)
    assert installed.missing(tools) == ()


def play(p: Program, n_steps: int, n_streams: int) -> list[Vectors]:
    """Return the words of some steps, in two rounds."""
    reference = Reference(p, n_streams)
    return [b for k in (0, 1) for b in reference.blocks(rounds(p, n_steps, n_streams, k), id)]


@pytest.mark.some(8)
@pytest.mark.qemu
@pytest.mark.parametrize("target", BOARDS)
@pytest.mark.parametrize("name", ALL)
def test_words_on_boards(name: str, target: str, c_dir: Callable[[str], Path]) -> None:
    need(TARGETS[target])
    p, build_dir = program(name), c_dir(name).parent
    if why := board_c.refusal(TARGETS[target], build_dir, p):
        assert target in SMALL
        assert re.search(
            r"is too small: the program(.s| needs \d+ bytes more than its \d+ kB)", why
        )
        pytest.skip(why)
    blocks = play(p, 14, 2)
    result = board_c.run(TARGETS[target], build_dir, p, blocks, 2)
    assert (result.first, result.mismatches, result.steps) == (None, 0, 56)
    assert result.words == sum(block.outputs.size for block in blocks) > 0


@pytest.mark.some(10)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("options", [("-O0",), ("-O2",), ("-O3",), SANITIZERS], ids=lambda x: x[-1])
@pytest.mark.parametrize("name", ALL)
def test_words_on_the_host(
    name: str, options: tuple[str, ...], cc: str, c_dir: Callable[[str], Path], tmp_path: Path
) -> None:
    require(cc)
    build_dir = c_dir(name)
    sources = (build_dir / "lmu.c", build_dir / "test_lmu.c")
    succeed(cc, *C99, *options, *sources, "-o", tmp_path / "test")
    assert re.fullmatch(r"PASS \d+ words\n", succeed(tmp_path / "test", build_dir / "../vectors"))


@pytest.mark.soak
@pytest.mark.parametrize("name", MILLION)
def test_a_million_steps_on_the_host(name: str, c_dir: Callable[[str], Path]) -> None:
    require("cc|gcc|clang")
    p = program(name)
    n_streams, n_steps = stimulus.shares(p, 1_000_000)
    reference = Reference(p, n_streams)
    blocks = reference.blocks(rounds(p, n_steps, n_streams, 3), lambda _: None)
    result = host_c.run(c_dir(name).parent, p, blocks, n_streams)
    assert (result.first, result.mismatches) == (None, 0)
    assert result.steps >= 1_000_000
    print(name, result)


@pytest.mark.some(11)
@pytest.mark.qemu
@pytest.mark.parametrize("target", BOARDS)
@pytest.mark.parametrize("name", ALL)
def test_object_needs_memory_functions_only(
    name: str, target: str, c_dir: Callable[[str], Path], tmp_path: Path
) -> None:
    """No floating point and no 64-bit division either: those, too, would be calls."""
    board = TARGETS[target]
    need(board)
    try:
        objects = toolchain.compile_object(board, program(name), c_dir(name), tmp_path, *C99)
    except toolchain.DoesNotFitError as error:
        assert board.toolchain is microcontrollers.AVR
        pytest.skip(str(error))
    symbols = [line.split()[-2:] for line in toolchain.tool(board, "nm", str(objects)).splitlines()]
    undefined = {name for kind, name in symbols if kind == "U"}
    if board.toolchain is microcontrollers.AVR:
        undefined = {name for name in undefined if not AVR_CALLS.fullmatch(name)}
    assert undefined <= LIBRARY | (MULTIPLY if target == "c-m0" else set())
    assert not {name for kind, name in symbols if kind in "BDC"}


@pytest.mark.some(3)
@pytest.mark.parametrize("name", ALL)
def test_static_analysis(name: str, c_dir: Callable[[str], Path], tmp_path: Path) -> None:
    require("cppcheck", "clang-tidy", "clang|gcc")
    sources = sorted(c_dir(name).glob("*.c"))
    checks = ("--enable=warning,portability", "--error-exitcode=1", "--std=c99")
    # one configuration of lmu_kernels.h; test_compile sees all of them
    succeed("cppcheck", "--quiet", *checks, "-D__GNUC__=12", *sources)
    header = f"-header-filter={re.escape(str(c_dir(name)))}"
    tidy = ("-quiet", header, "-checks=-*,bugprone-*,cert-*", "-warnings-as-errors=*")
    found = run("clang-tidy", *tidy, *sources, "--", "-std=c99")
    assert (found.returncode, found.stdout) == (0, ""), found.stdout
    cc = "gcc" if shutil.which("gcc") else "clang"
    succeed(cc, *CPP17, "-O1", "-c", sources[0], "-o", tmp_path / "lmu.o")


def test_static_analysis_finds_something(tmp_path: Path) -> None:
    require("cppcheck", "clang-tidy")
    bad = tmp_path / "bad.c"
    bad.write_text("int f(int *a) { int b[2]; return sizeof(a) / sizeof(a[0]) + b[2]; }\n")
    assert run("cppcheck", "--quiet", "--error-exitcode=1", bad).returncode
    assert run("clang-tidy", "-checks=-*,bugprone-*", "-warnings-as-errors=*", bad, "--").returncode


def edited(p: Program, build_dir: Path, good: str, bad: str) -> Path:
    """Write the C of a program with one thing changed."""
    c_dir = write_c(p, build_dir / "c")
    paths = [path for path in c_dir.glob("lmu*.[ch]") if good in path.read_text()]
    assert paths
    for path in paths:
        path.write_text(path.read_text().replace(good, bad))
    return build_dir


@pytest.mark.some(4)
@pytest.mark.qemu
@pytest.mark.parametrize("target", ["c", *BOARDS])
def test_a_broken_table_is_named(target: str, tmp_path: Path) -> None:
    p = PROGRAMS["mixed"]
    code = emit(p, version=VERSION)["lmu_tables.h"]
    table = re.search(r"lmu_cascade_coef\[\d+\] = \{\s+(\d+),", code)
    assert table is not None
    broken = table.group().removesuffix(f"{table.group(1)},") + f"{int(table.group(1)) ^ 8},"
    build_dir = edited(p, tmp_path, table.group(), broken)
    blocks = play(p, 200, 2)
    if target == "c":
        require("cc|gcc|clang")
        result = host_c.run(build_dir, p, blocks, 2)
    else:
        need(TARGETS[target])
        result = board_c.run(TARGETS[target], build_dir, p, blocks, 2)
    assert result.mismatches > 0
    assert result.first is not None
    line = str(verification.mismatch(p, result.first, 0).error(target))
    names = "|".join(v.name for v in p.with_role(Role.OUTPUT))
    said = rf"{target} differs at step \d+, ({names})\[\d\] \(Q\S+\): expected -?\d+, got -?\d+"
    assert re.match(said, line)


BROKEN = {
    "load refuses": (
        "    /* Check every word before storing the first one. */\n",
        "    return LMU_ERROR_RANGE;\n",
        "load refuses what save wrote",
    ),
    "it hangs": (
        "    lmu_cascade(s, u);\n",
        "    for (;;) {\n    }\n",
        "did not end within 2 s in",
    ),
    "it faults": ("    lmu_cascade(s, u);\n", "    __builtin_trap();\n", "took a fault exception"),
    "another program": (
        "lmu_saved_header[i]",
        "(uint8_t)(lmu_saved_header[i] ^ (i == 9))",
        "must be of this program",
    ),
    "it is never ready": ("return s != NULL", "return s == NULL", "step and ready do not agree"),
    "it does not compile": ("void lmu_reset", "void 1lmu_reset", "could not compile .*error"),
    "it does not link": ("lmu_init(s);\n", "lmu_x(s);\n", "could not link .*undefined reference"),
}


@pytest.mark.some(4)
@pytest.mark.qemu
@pytest.mark.parametrize("target", ["c-m0", "c-rv32", "c-avr"])
@pytest.mark.parametrize("case", BROKEN)
def test_what_does_not_end_well(
    case: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(TARGETS[target])
    monkeypatch.setattr(qemu, "TIME_LIMIT", 2.0)
    p = PROGRAMS["mixed"]
    good, bad, said = BROKEN[case]
    if (case, target) == ("it faults", "c-avr"):
        said = "did not end within 2 s in"  # an AVR has no faults: abort() loops
    build_dir = edited(p, tmp_path, good, bad)
    with pytest.raises((ToolError, ModelFileError), match=said):
        board_c.run(TARGETS[target], build_dir, p, play(p, 4, 1), 1)


@pytest.mark.qemu
def test_outputs_that_are_not_due(tmp_path: Path) -> None:
    need(TARGETS["c-m3"])
    p = NETWORKS["lmu_every_3"]
    build_dir = edited(p, tmp_path, "LMU_OUTPUT_EVERY - 1", "LMU_OUTPUT_EVERY - 2")
    with pytest.raises(ModelFileError, match=r"the board wrote .*; generate the build directory"):
        board_c.run(TARGETS["c-m3"], build_dir, p, play(p, 10, 1), 1)


@pytest.mark.qemu
def test_a_stack_that_is_too_small_faults(tmp_path: Path) -> None:
    need(TARGETS["c-m0"])
    p = NETWORKS["gates"]
    target = replace(TARGETS["c-m0"], stack=-8)
    with pytest.raises(ToolError, match=r"c-m0: the program failed in qemu-system-arm: "):
        board_c.run(target, write_c(p, tmp_path / "c").parent, p, play(p, 4, 1), 1)


@pytest.mark.qemu
def test_a_program_that_does_not_fit(tmp_path: Path) -> None:
    target = TARGETS["c-m0"]
    need(target)
    p = PROGRAMS["mixed"]
    bad = "static const int8_t big[300000] = {1};\nstatic int16_t ram[9000];\n"
    use = "ram[*u & 511] ^= big[*u & 1023];\n"
    build_dir = write_c(p, tmp_path / "c").parent
    code = (build_dir / "c" / "lmu.c").read_text()
    code = code.replace("void lmu_init(", bad + "void lmu_init(")
    code = code.replace("    lmu_cascade(s, u);\n", f"    {use}    lmu_cascade(s, u);\n")
    (build_dir / "c" / "lmu.c").write_text(code)
    said = (
        r"^c-m0 \(Cortex-M0, microbit\) is too small: the program needs \d+ bytes more than its "
        r"256 kB of FLASH and \d+ bytes more than its 16 kB of RAM$"
    )
    with pytest.raises(toolchain.DoesNotFitError, match=said):
        board_c.run(target, build_dir, p, play(p, 4, 1), 1)


def test_a_missing_toolchain_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for target in TARGETS.values():
        with pytest.raises(ToolError, match=rf"{target.name} needs gcc-.*; apt-get install gcc-"):
            installed.check(target)
    assert not any(selection.available()[name] for name in BOARDS)


def test_targets_have_names() -> None:
    assert microcontrollers.chosen(["c-m4", "c-m0", "c-m4"]) == (TARGETS["c-m4"], TARGETS["c-m0"])
    with pytest.raises(SpecError, match="unknown target 'c-m5'; did you mean c-m"):
        microcontrollers.chosen(["c-m5"])
    with pytest.raises(
        SpecError,
        match="give one of c-m0, c-m3, c-m4, c-m7, c-m33, c-m55, c-m85, c-rv32, c-avr, c-uno",
    ):
        microcontrollers.chosen(["z80"])


@pytest.mark.qemu
def test_any_word_type(tmp_path: Path) -> None:
    """Inputs, outputs and states of 8 to 64 bits."""
    need(TARGETS["c-m0"])
    for name in ("wide", "odd_widths", "channels"):
        p = PROGRAMS[name]
        result = board_c.run(
            TARGETS["c-m0"], write_c(p, tmp_path / name / "c").parent, p, play(p, 40, 1), 1
        )
        assert (result.first, result.steps) == (None, 80)
        assert np.prod([result.words]) > 0


def trapping(name: str) -> Board:
    """Return a board on which an unaligned access is a fault."""
    target = TARGETS[name]
    return replace(target, cpu=(*target.cpu, "-mno-unaligned-access", "-DTRAP_UNALIGNED"))


@pytest.mark.qemu
@pytest.mark.parametrize("name", ALL)
def test_no_access_is_unaligned(name: str, c_dir: Callable[[str], Path]) -> None:
    need(TARGETS["c-m4"])
    p = program(name)
    blocks = play(p, 14, 2)
    result = board_c.run(trapping("c-m4"), c_dir(name).parent, p, blocks, 2)
    assert (result.first, result.mismatches, result.steps) == (None, 0, 56)


@pytest.mark.qemu
def test_channels_of_an_odd_number_of_words(tmp_path: Path) -> None:
    """Every second channel begins at no multiple of four bytes: its words are copied first."""
    need(TARGETS["c-m4"])
    keys = {"d": 6, "theta": 100, "bits": 8, "state_bits": 12, "channels": 3}
    p = quantize_memory(parse(keys)).program
    build_dir = write_c_build(p, tmp_path / "out", 4).parent
    assert "copy[j] = " in (build_dir / "c" / "lmu.c").read_text()
    result = board_c.run(trapping("c-m4"), build_dir, p, play(p, 20, 2), 2)
    assert (result.first, result.mismatches) == (None, 0)


@pytest.mark.qemu
@pytest.mark.parametrize("target", ["c-m4", "c-m7"])
def test_a_vector_out_of_line_faults(target: str, tmp_path: Path) -> None:
    """An odd number of words stands before another vector that kernels read in pairs."""
    need(TARGETS[target])
    p = quantize_memory(parse({"d": 6, "theta": 100, "bits": 8, "state_bits": 12})).program
    build_dir = write_c_build(p, tmp_path / "out", 4).parent
    blocks = play(p, 20, 2)
    assert board_c.run(trapping(target), build_dir, p, blocks, 2).mismatches == 0
    header = build_dir / "c" / "lmu.h"
    text = header.read_text()
    header.write_text(text.replace("__attribute__((aligned(4)))", ""))
    assert header.read_text() != text
    with pytest.raises(ToolError, match="the core took a fault exception"):
        board_c.run(trapping(target), build_dir, p, blocks, 2)
