"""`lmu-hw footprint`: sizes, stack and counted instructions, each against what is known."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw
from lmu_hw.errors import ToolError
from lmu_hw.firmware import scratch_bytes
from lmu_hw.firmware.boards import exchange, installed, qemu, toolchain
from lmu_hw.firmware.boards.microcontrollers import TARGETS, Board
from lmu_hw.measure.footprint import footprint_report, instructions, stack
from lmu_hw.measure.footprint.instructions import count
from lmu_hw.measure.footprint.sizes import Sizes, sizes
from lmu_hw.measure.footprint.worst_inputs import NamedInput
from lmu_hw.memory.spec import parse
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.cli.command import call, refused
from tests.factories.builds import (
    generate,
    read_files,
    write_c_build,
    write_c_build_in_assembly,
    write_files,
)
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, linear, random_inputs, stimulus
from tests.tools import require

pytestmark = [pytest.mark.cc, pytest.mark.qemu]

LOOP = 100
ARM_LOOP = "1: subs r3, #1\\n bne 1b\\n"
RISCV_LOOP = "1: addi t0, t0, -1\\n bnez t0, 1b\\n"
AVR_LOOP = "1: dec r24\\n brne 1b\\n"
CORTEX = f".syntax unified\\n movs r3, #{LOOP}\\n {ARM_LOOP} bx lr", 2 * LOOP + 2
KNOWN = {
    **dict.fromkeys(("c-m0", "c-m4", "c-m33", "c-m55"), CORTEX),
    "c-rv32": (f"li t0, {LOOP}\\n {RISCV_LOOP} ret", 2 * LOOP + 2),
    "c-avr": (f"ldi r24, {LOOP}\\n {AVR_LOOP} ret", 2 * LOOP + 2),
    "c-uno": (f"ldi r24, {LOOP}\\n {AVR_LOOP} ret", 2 * LOOP + 2),
}
"""A step in assembly, and how many instructions that is."""


def need(target: Board) -> None:
    require(target.toolchain.compiler, target.toolchain.qemu, "cc|gcc|clang")
    assert installed.missing(target.toolchain) == ()


@pytest.mark.parametrize("name", KNOWN)
def test_a_loop_of_known_length(name: str, tmp_path: Path) -> None:
    target, p = TARGETS[name], PROGRAMS["one_real"]
    need(target)
    body, known = KNOWN[name]
    image = toolchain.build(target, p, write_c_build_in_assembly(p, tmp_path, body), tmp_path)
    counts = count(target, p, image, stimulus(p, 9), np.ones(9, dtype=bool))
    assert counts.tolist() == [known] * 9


def test_counting_needs_a_compiler_for_its_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, p = TARGETS["c-rv32"], PROGRAMS["one_real"]
    need(target)
    image = toolchain.build(target, p, write_c_build(p, tmp_path, 1), tmp_path)
    monkeypatch.setattr(instructions, "c_compiler", list)
    with pytest.raises(ToolError, match="no C compiler for the QEMU plugin that counts"):
        instructions.count(target, p, image, stimulus(p, 1), np.ones(1, dtype=bool))


def test_the_plugin_agrees_with_the_counter_of_risc_v(tmp_path: Path) -> None:
    """``minstret`` under ``-icount shift=0``, which QEMU counts by itself."""
    target, p = TARGETS["c-rv32"], PROGRAMS["one_real"]
    need(target)
    (state,) = (v for v in p.with_role(Role.STATE) if v.name == "z_inner")
    read = "csrr {}, minstret"
    body = "\\n ".join(
        (
            ".option arch, +zicsr",
            *(read.format("a3"), f"li t0, {LOOP}", RISCV_LOOP + read.format("a4")),
            *("sub a4, a4, a3", "sh a4, 0(a0)", "li a0, 1", "ret"),
        )
    )
    assert state.fmt.max >= 3 * LOOP
    image = toolchain.build(target, p, write_c_build_in_assembly(p, tmp_path, body), tmp_path)
    u = stimulus(p, 5)
    runs = [exchange.BoardRun(inputs=u, n_outputs=5, from_reset=True, single=True)]
    exchange.write(p, runs, tmp_path / "input")
    qemu.run(target, image, "-icount", "shift=0")
    ((_, words),) = exchange.read(p, runs, tmp_path / "output")
    from_first_to_second = 1 + 1 + 2 * LOOP
    assert words[0] == from_first_to_second
    counts = count(target, p, image, u, np.ones(5, dtype=bool))
    assert counts.tolist() == [from_first_to_second + 5] * 5


@pytest.mark.some(2)
@pytest.mark.parametrize("name", ["lmu_every_3", "lmu_on_demand", "lmu"])
def test_counts_repeat_and_tell_steps_apart(name: str, tmp_path: Path) -> None:
    target, p = TARGETS["c-m4"], NETWORKS[name]
    need(target)
    u = stimulus(p, 12)
    due = np.arange(12) % max(p.output_every, 3) == max(p.output_every, 3) - 1
    due = np.ones(12, dtype=bool) if p.output_every == 1 else due
    found = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        c_dir = write_c_build(p, tmp_path / run / "out", 12)
        image = toolchain.build(target, p, c_dir, tmp_path / run)
        found.append(count(target, p, image, u, due))
    np.testing.assert_array_equal(*found)
    if p.output_every != 1:
        assert found[0][due].min() > found[0][~due].max()


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("footprint") / "out", "--d", 6, "--theta", 20)


@pytest.mark.parametrize(
    "targets",
    [
        ("c-m0", "c-m3", "c-m4", "c-rv32", "c-avr", "c-uno"),
        pytest.param((), marks=pytest.mark.soak),
    ],
    ids=["some", "all"],
)
def test_report(
    targets: tuple[str, ...],
    build_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for target in TARGETS.values():
        need(target)
    chosen = [word for name in targets for word in ("--target", name)]
    before = read_files(build_dir)
    file = tmp_path / "report.json"
    said = call(capsys, "footprint", build_dir, *chosen, "--json", "-q", "-o", file)
    assert (said.code, said.err) == (0, "")
    assert json.loads(file.read_text()) == said.json
    assert said.json["not_measured"] == {}
    assert [t["target"] for t in said.json["targets"]] == list(targets or TARGETS)
    for t in said.json["targets"]:
        _check(t, said.json)
    assert read_files(build_dir) == before
    by_name = {t["target"]: t for t in said.json["targets"]}
    m0, m3, m4, rv32, avr, uno = (
        by_name[f"c-{name}"] for name in ("m0", "m3", "m4", "rv32", "avr", "uno")
    )
    # only the smallest multiplies in a function, and none in the library
    assert "lmu_product64" in m0["flash"]["functions"]
    assert "lmu_product64" in [f["function"] for f in m0["stack"]["chain"]]
    for t in (m3, m4, rv32):
        assert "lmu_product64" not in t["flash"]["functions"]
        assert t["instructions"]["with_output"]["mean"] < m0["instructions"]["with_output"]["mean"]
    assert "__aeabi_lmul" not in m0["flash"]["library_functions"]
    # with eight bits at a time, and the same instructions on both boards
    assert avr["instructions"] == uno["instructions"]
    assert avr["instructions"]["with_output"]["min"] > m0["instructions"]["with_output"]["max"]
    again = call(capsys, "footprint", build_dir, "--json", "--target", "c-m4").json
    assert again["targets"] == [m4]
    text = call(capsys, "footprint", build_dir, "--target", "c-m4").out
    report = footprint_report.footprint(build_dir, (TARGETS["c-m4"],), quiet=True)
    assert report.to_dict() == again
    assert text == f"{report}\n"
    assert f">{m4['flash']['total']:,}</td>" in report._repr_html_()
    with pytest.raises(FrozenInstanceError):
        report.seed = 2  # type: ignore[misc]
    per_mac = m4["instructions"]["with_output"]["per_mac"]
    assert f"{m4['flash']['total']:,} bytes: code" in text
    assert f"{per_mac:.2f} per MAC" in text


def _check(t: dict[str, Any], report: dict[str, Any]) -> None:
    flash, ram = t["flash"], t["ram"]
    assert flash["total"] == sum(flash[k] for k in ("code", "tables", "library", "data"))
    assert flash["code"] == sum(flash["functions"].values())
    assert {"lmu_step", "lmu_run", "lmu_save", "lmu_load"} <= flash["functions"].keys()
    assert (flash["library"] > 0) == bool(flash["library_functions"])
    if t["target"] in ("c-avr", "c-uno"):
        # its functions are read, its constants lie in RAM where they are not marked for flash
        assert t["stack"]["not_counted"] == []
        assert flash["data"] == ram["data"]
        assert flash["data"] + flash["tables"] > 0
    else:
        assert t["stack"]["not_counted"] == flash["library_functions"]
        assert flash["data"] == ram["data"] == 0
    assert ram["bss"] == 0
    assert ram["total"] == ram["state"] + ram["data"] + ram["stack"]
    assert t["stack"]["step"] == sum(f["bytes"] for f in t["stack"]["chain"])
    assert ram["stack"] >= t["stack"]["step"] > 0
    if t["target"] == "c-m85":
        assert t["instructions"] == {"with_output": None, "without_output": None}
        return
    counts = t["instructions"]["with_output"]
    assert counts["min"] <= counts["mean"] <= counts["max"] <= counts["worst"]["reached"]
    if t["target"] in ("c-avr", "c-uno"):
        assert counts["worst"]["bound"] is None
    else:
        assert counts["worst"]["reached"] <= counts["worst"]["bound"]
    assert counts["macs"] == report["multiplies_per_step"]
    without = t["instructions"]["without_output"]
    assert 0 < without["macs"] <= counts["macs"]
    assert without["worst"]["reached"] < counts["worst"]["reached"]


def test_a_core_that_is_compiled_only(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need(TARGETS["c-m85"])
    text = call(capsys, "footprint", build_dir, "--target", "c-m85").out
    assert "c-m85 (Cortex-M85, arm-none-eabi-gcc" in text
    assert text.endswith("\n  instructions  not counted: QEMU has no Cortex-M85\n")
    report = footprint_report.footprint(build_dir, (TARGETS["c-m85"],), quiet=True)
    assert report._repr_html_().count(">-</td>") == 4


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("keys", "most"), [({}, 6000), ({"discretizer": "bilinear", "realization": "ladder"}, 2500)]
)
def test_a_readout_on_the_smallest_core(keys: dict[str, str], most: int, tmp_path: Path) -> None:
    """Words of more than 16 bits are multiplied in halves, not in 64 bits."""
    target = TARGETS["c-m0"]
    need(target)
    p = quantize_memory(parse({"d": 16, "bits": 16, "output": "memory", **keys})).program
    c_dir = write_c_build(p, tmp_path / "out", 4)
    found = footprint_report.measure(
        target, c_dir, p, footprint_report.counted_steps(p), quiet=True
    )
    assert found.instructions.with_output is not None
    assert found.instructions.with_output.worst.bound is not None
    assert found.instructions.with_output.worst.bound <= most
    # as much as with products of 64 bits
    assert found.flash.total <= 2806
    assert found.ram.total <= 504


@pytest.mark.soak
def test_a_matrix_in_vectors(tmp_path: Path) -> None:
    """Words of 16 bits, weights of 8: three times as fast as two products at a time."""
    need(TARGETS["c-m55"])
    n_rows, n = 212, 468
    rows = np.random.default_rng(0).integers(-127, 128, (n_rows, n))
    vectors = (
        Vector(name="x", length=n, role=Role.INPUT, fmt=QFormat(1, 15)),
        Vector(name="unused", length=1, role=Role.STATE, fmt=QFormat(1, 15)),
        Vector(name="y", length=n_rows, role=Role.OUTPUT, fmt=QFormat(1, 15)),
    )
    op = linear(sources=("x",), target="y", rows=rows.tolist(), shifts=(13,) * n_rows)
    p = Program(title="matrix", vectors=vectors, ops=(op,))
    c_dir = write_c_build(p, tmp_path / "out", 2)
    steps = footprint_report.CountedSteps(
        inputs=(NamedInput(name="noise", words=stimulus(p, 3)),), due=np.ones(3, dtype=bool)
    )
    found = {
        name: footprint_report.measure(TARGETS[name], c_dir, p, steps, quiet=True)
        for name in ("c-m33", "c-m55")
    }
    counts = {name: report.instructions.with_output for name, report in found.items()}
    assert counts["c-m55"] is not None
    assert counts["c-m33"] is not None
    assert counts["c-m55"].mean <= 0.35 * n_rows * n
    assert counts["c-m33"].mean <= 1.25 * n_rows * n


def counted(p: Program, name: str, build_dir: Path) -> float:
    """Return the mean instructions of a step with an output, for noise."""
    c_dir = write_c_build(p, build_dir, 2)
    steps = footprint_report.CountedSteps(
        inputs=(NamedInput(name="noise", words=random_inputs(p, np.random.default_rng(0), (3,))),),
        due=np.ones(3, dtype=bool),
    )
    report = footprint_report.measure(TARGETS[name], c_dir, p, steps, quiet=True)
    assert report.instructions.with_output is not None
    return report.instructions.with_output.mean


def test_channels_in_vectors(tmp_path: Path) -> None:
    """Eight channels take less than half of what they do one by one, the outputs included."""
    need(TARGETS["c-m55"])
    spec = {"d": 64, "bits": 16, "channels": 8, "output": "state"}
    p = quantize_memory(parse(spec)).program
    assert counted(p, "c-m55", tmp_path) <= 3200


def test_wide_sums_on_the_smallest_core(tmp_path: Path) -> None:
    """Products of 16 bits whose sums need 64: no product of 64 bits, no carry in each."""
    need(TARGETS["c-m0"])
    n_rows, n = 16, 128
    rows = np.random.default_rng(0).integers(-(1 << 15), 1 << 15, (n_rows, n))
    fmt = QFormat(1, 15)
    vectors = (
        Vector(name="x", length=n, role=Role.INPUT, fmt=fmt),
        Vector(name="unused", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=n_rows, role=Role.OUTPUT, fmt=fmt),
    )
    op = linear(sources=("x",), target="y", rows=rows.tolist(), shifts=(20,) * n_rows)
    p = Program(title="matrix", vectors=vectors, ops=(op,))
    assert counted(p, "c-m0", tmp_path) <= 7.5 * n_rows * n


def test_sizes_of_known_globals(tmp_path: Path) -> None:
    target, p = TARGETS["c-m3"], PROGRAMS["one_real"]
    need(target)
    c_dir = write_c_build(p, tmp_path / "out", 4)

    def measure(more: str) -> Sizes:
        code = (c_dir / "lmu.c").read_text()
        first = "void lmu_init(lmu_state *s)\n{\n"
        used = f"{first}    volatile int x = f(0);\n    (void)x;\n"
        code = code.replace("void lmu_init(", f"{more}void lmu_init(")
        (c_dir / "lmu.c").write_text(code.replace(first, used) if more else code)
        image = toolchain.build(target, p, c_dir, tmp_path)
        return sizes(target, tmp_path / "product.o", image)

    before = measure("")
    after = measure(
        "const int16_t a[50] = {1};\nint32_t b[7] = {2};\nchar c[9];\n"
        "int f(size_t i);\n__attribute__((noinline)) int f(size_t i)\n{\n"
        "    b[i]++;\n    c[i]++;\n    return a[i] + b[i] + c[i];\n}\n"
    )
    assert after.tables - before.tables == 100
    assert (before.data, before.bss) == (0, 0)
    assert (after.data, after.bss) == (28, 9)
    assert after.code["f"] > 0
    header = (c_dir / "lmu.h").read_text()
    assert f"{after.state} bytes in lmu_state" in header


LIBRARY_STACK = 32
"""More than memset and a 64-bit product push, of which gcc says nothing."""
ALIGNMENT = 16
"""Of the stack, in ``sim/firmware/board.ld``."""


def test_the_stack_that_is_said_is_the_stack_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With that much the program runs; with less its stack leaves RAM, and the core faults."""
    target, p = TARGETS["c-m0"], NETWORKS["gates"]
    need(target)
    c_dir = write_c_build(p, tmp_path / "out", 4)
    monkeypatch.setattr(toolchain, "OPTIMIZE", (*toolchain.OPTIMIZE, stack.option(target)))
    scratch = scratch_bytes(p)
    runs = [
        exchange.BoardRun(inputs=stimulus(p, 4), n_outputs=4, from_reset=True, single=single)
        for single in (True, False)
    ]
    exchange.write(p, runs, tmp_path / "input")

    def runs_in(n_bytes: int) -> bool:
        small = replace(target, stack=n_bytes - scratch)
        image = toolchain.build(small, p, c_dir, tmp_path)
        try:
            qemu.run(small, image)
        except ToolError:
            return False
        return True

    assert runs_in(4096)
    graph = "".join(
        (tmp_path / f"{part}.ci").read_text() for part in ("start", "harness", "product")
    )
    chain = stack.deepest(stack.from_callgraph(graph), "reset")
    assert [f for f, _ in chain.frames if f in ("lmu_run", "lmu_step")] == ["lmu_run", "lmu_step"]
    assert runs_in(chain.n_bytes + LIBRARY_STACK)
    assert not runs_in(chain.n_bytes - ALIGNMENT)


GRAPH = r"""graph: { title: "lmu.c"
node: { title: "a" label: "a\nlmu.c:1:6\n8 bytes (static)" }
node: { title: "lmu.c:b" label: "b\nlmu.c:2:6\n100 bytes (static)" }
node: { title: "c" label: "c\nlmu.c:3:6\n16 bytes (static)" }
node: { title: "d" label: "d\nlmu.c:3:6\n120 bytes (static)\n0 dynamic objects" }
node: { title: "memset" label: "__builtin_memset\n<built-in>" shape : ellipse }
edge: { sourcename: "a" targetname: "lmu.c:b" label: "lmu.c:9:9" }
edge: { sourcename: "a" targetname: "c" }
edge: { sourcename: "c" targetname: "d" }
edge: { sourcename: "d" targetname: "memset" }
}
"""


def test_deepest_chain() -> None:
    def deepest(text: str, function: str) -> stack.CallChain:
        return stack.deepest(stack.from_callgraph(text), function)

    chain = deepest(GRAPH, "a")
    assert chain.frames == (("a", 8), ("c", 16), ("d", 120))
    assert chain.n_bytes == 144
    assert deepest(GRAPH.replace("(static)\\n0", "(static)\\n1"), "a").n_bytes == 144
    with pytest.raises(ToolError, match="no stack of e"):
        deepest(GRAPH, "e")
    with pytest.raises(ToolError, match="d is dynamic: it has no bound"):
        deepest(GRAPH.replace("120 bytes (static)", "120 bytes (dynamic)"), "a")
    loop = GRAPH.replace('"d" targetname: "memset"', '"d" targetname: "a"')
    with pytest.raises(ToolError, match="a calls itself"):
        deepest(loop, "a")


def test_refusals(build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "footprint", build_dir, "--target", "c-m5")
    assert "unknown target 'c-m5'; did you mean c-m" in line
    assert "does not exist" in refused(capsys, "footprint", tmp_path / "none")


def test_options_of_the_caller_win(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need(TARGETS["c-m4"])
    found = {}
    for cflags in ("", "-Os", "-O0 -DUNUSED=1"):
        said = call(
            capsys, "footprint", build_dir, "--target", "c-m4", "--cflags", cflags, "--json"
        )
        (found[cflags],) = said.json["targets"]
        assert found[cflags]["cflags"] == cflags.split()
        assert found[cflags]["options"][-len(cflags.split()) :] == cflags.split() or not cflags
    ours, small, plain = found.values()
    assert small["flash"]["code"] < ours["flash"]["code"] < plain["flash"]["code"]
    assert small["instructions"] != ours["instructions"] != plain["instructions"]
    assert small["stack"]["step"] != plain["stack"]["step"]
    build = lmu_hw.open_build(build_dir)
    for cflags in ("-Os", ["-Os"]):
        (again,) = build.footprint("c-m4", cflags=cflags).targets
        assert again.stack.step == small["stack"]["step"]
        assert "-O2 -Os)" in str(again)


@pytest.mark.parametrize(
    ("cflags", "line"),
    [
        ("-fno-such-option", "arm-none-eabi-gcc could not compile .*'-fno-such-option'"),
        ("main.c", "cflags must be options of the compiler, each one word .*, not 'main.c'"),
        ("-O2 -S", "cflags must not change what the compiler writes, as -S does"),
        ("-o x.o", "cflags must not change what the compiler writes, as -o does"),
        ("-flto", "cflags must not change what the compiler writes, as -flto does"),
        ("-mcpu=cortex-m0", "cflags must not select a core, as -mcpu=cortex-m0 does"),
        ("-Os -m32", "cflags must not select a core, as -m32 does"),
        ("--target", "argument --cflags: expected one argument"),
        ("'-Os", "--cflags must be options of the compiler, not .*No closing quotation"),
    ],
)
def test_options_that_cannot_be_used(
    cflags: str, line: str, build_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need(TARGETS["c-m4"])
    said = refused(capsys, "footprint", build_dir, "--target", "c-m4", "--cflags", cflags)
    assert re.search(line, said)


@pytest.mark.parametrize("name", ["lmu", "gates", "stack"])
@pytest.mark.parametrize("board", ["c-m0", "c-m4", "c-rv32"])
def test_the_stack_without_optimization(name: str, board: str, tmp_path: Path) -> None:
    """Inlined copies would add up to 2 kB of frame."""
    target, p = TARGETS[board], NETWORKS[name]
    need(target)
    c_dir = write_c_build(p, tmp_path / "out", 1)
    image = toolchain.build(target, p, c_dir, tmp_path, "-O0")
    report = stack.option(target)
    product = toolchain.compile_object(target, p, c_dir, tmp_path, "-O0", report)
    chain = stack.deepest(stack.read(target, product, image), "lmu_step")
    assert scratch_bytes(p) < chain.n_bytes < scratch_bytes(p) + 512


def test_nothing_is_installed(
    build_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert "there is no target to measure on" in refused(capsys, "footprint", build_dir)
    line = refused(capsys, "footprint", build_dir, "--target", "c-rv32")
    assert "c-rv32 needs gcc-riscv64-unknown-elf, picolibc-riscv64-unknown-elf" in line


@pytest.mark.parametrize(
    ("name", "n_due"), [("lmu", 48), ("lmu_every_3", 21), ("lmu_on_demand", 32)]
)
def test_steps_with_and_without_an_output_are_counted(
    name: str, n_due: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = []
    monkeypatch.setattr(
        footprint_report,
        "measure",
        lambda *given, **_: played.append(given) or {},
    )
    write_c_build(NETWORKS[name], tmp_path, 1)
    manifest = json.dumps({"tool": "lmu-hw", "files": {}, "digest": NETWORKS[name].digest})
    write_files(tmp_path, {"program.json": NETWORKS[name].to_json(), "manifest.json": manifest})
    footprint_report.footprint(tmp_path, (TARGETS["c-m0"],))
    ((_, _, program, steps),) = played
    assert program == NETWORKS[name]
    assert len(steps.inputs[0].words) == steps.n_noise == 64
    assert np.count_nonzero(steps.due[:64]) == n_due
    assert len(steps.due) == sum(len(one.words) for one in steps.inputs)
