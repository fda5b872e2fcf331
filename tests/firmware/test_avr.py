"""The C on an AVR: `int` of 16 bits, constants in RAM, words that come and go by a serial port."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ToolError
from lmu_hw.firmware import scratch_bytes
from lmu_hw.firmware.boards import exchange, installed, qemu, serial, skips, toolchain
from lmu_hw.firmware.boards.disassembly import Instruction
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.measure.footprint import stack
from lmu_hw.measure.footprint.calls import collect, functions, reachable
from lmu_hw.measure.footprint.instructions import count
from lmu_hw.measure.footprint.sizes import Sizes, sizes
from lmu_hw.program.integer_program import Program
from lmu_hw.program.vectors import Vectors
from lmu_hw.verify.backends import board_c
from lmu_hw.verify.stimulus import Reference, rounds
from tests.factories.builds import write_c_build, write_c_build_in_assembly
from tests.factories.configurations import layers, legendre, memory
from tests.factories.networks import LINEAR, TANH, cell, lmu
from tests.factories.programs import PROGRAMS, stimulus
from tests.tools import require

pytestmark = [pytest.mark.cc, pytest.mark.qemu]

BOARDS = ("c-avr", "c-uno")
PROGMEM = ' __attribute__((section(".progmem.data")))'
DESIGNS: dict[str, Callable[[], Program]] = {
    "memory d=6": memory(1, d=6, theta=40, bits=8).make,
    "memory d=12": memory(1, d=12, theta=40, bits=8).make,
    "feed-forward": layers(
        1,
        lambda r: (
            lmu(r, 1, kind="dense", n=8, memory=legendre(6, 20), activation=TANH),
            cell(r, "dense", 8, 3, LINEAR),
        ),
    ).make,
    "tanh": layers(
        1,
        lambda r: (
            lmu(r, 1, kind="simple_rnn", n=8, memory=legendre(6, 20)),
            cell(r, "dense", 8, 2, LINEAR),
        ),
    ).make,
    "gru every 3rd step": layers(
        1, lambda r: (lmu(r, 1, kind="gru", n=4, memory=legendre(4, 16)),), every=3
    ).make,
}
"""Small enough for the larger of the boards."""


@cache
def program(name: str) -> Program:
    return DESIGNS[name]()


@pytest.fixture(autouse=True)
def tools() -> None:
    for name in BOARDS:
        require(TARGETS[name].toolchain.compiler, TARGETS[name].toolchain.qemu)
        assert installed.missing(TARGETS[name].toolchain) == ()


def play(p: Program, n_steps: int, n_streams: int) -> list[Vectors]:
    """Return the words of some steps, in two rounds."""
    reference = Reference(p, n_streams)
    return [b for k in (0, 1) for b in reference.blocks(rounds(p, n_steps, n_streams, k), id)]


@pytest.mark.some(3)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", DESIGNS)
def test_words_of_small_designs(name: str, board: str, tmp_path: Path) -> None:
    p = program(name)
    write_c_build(p, tmp_path, 10)
    if why := board_c.refusal(TARGETS[board], tmp_path, p):
        assert board == "c-uno"
        assert re.search(
            r"is too small: the program(.s| needs \d+ bytes more than its \d+ kB)", why
        )
        pytest.skip(why)
    blocks = play(p, 150, 2)
    result = board_c.run(TARGETS[board], tmp_path, p, blocks, 2)
    assert (result.first, result.mismatches, result.steps) == (None, 0, 600)
    assert result.words == sum(block.outputs.size for block in blocks) > 0


SKIPPED = "ldi r24, 100\\n 1: dec r24\\n brne 1b\\n {} r24, 0\\n ret\\n ret"
"""A loop, a skip, and two returns."""


@pytest.mark.parametrize("skip", ["sbrc", "sbrs"])
def test_a_return_that_is_skipped(skip: str, tmp_path: Path) -> None:
    """QEMU hangs on one; a return stands for it that counts as one."""
    target, p = TARGETS["c-avr"], PROGRAMS["one_real"]
    c_dir = write_c_build_in_assembly(p, tmp_path, SKIPPED.format(skip))
    image = toolchain.build(target, p, c_dir, tmp_path)
    found = [at for at in skips.returns(target, image) if at > image.symbols["lmu_step"]]
    assert found[0] == image.symbols["lmu_step"] + 8
    counts = count(target, p, image, stimulus(p, 5), np.ones(5, dtype=bool))
    assert counts.tolist() == [1 + 2 * 100 + 1 + 1] * 5


def test_a_table_that_looks_like_a_return_that_is_skipped(tmp_path: Path) -> None:
    target, p = TARGETS["c-avr"], PROGRAMS["one_real"]
    c_dir = write_c_build(p, tmp_path, 4)
    # one that objdump does not know for data
    table = '.section .progmem.data,\\"a\\"\\nt0: .word 0xFF87, 0x9508\\n.text'
    with_tables(c_dir, [f'__asm__("{table}");\nextern const char t0[];\n'])
    image = toolchain.build(target, p, c_dir, tmp_path)
    found = skips.returns(target, image)
    assert image.symbols["t0"] < image.symbols["harness_start"]
    assert all(at > image.symbols["harness_end"] for at in found)
    assert "t0" not in functions(target, image)


def code(*lines: tuple[str, int, str]) -> list[Instruction]:
    """Return instructions, by function, address and text."""
    parts = [(f, at, *text.partition(" ")[::2]) for f, at, text in lines]
    return [Instruction(function=f, address=at, mnemonic=m, operands=o) for f, at, m, o in parts]


def test_only_a_return_of_the_product_takes_the_place_of_another() -> None:
    lines = code(
        ("main", 0x40, "ret"), ("f", 0x90, "sbrs r27, 7"), ("f", 0x92, "ret"), ("f", 0xA0, "ret")
    )
    assert skips.pairs(lines, 0x80) == {0x92: 0xA0}
    with pytest.raises(ToolError, match="cannot skip the return at 0x92, and no other return is"):
        skips.pairs(lines[:3], 0x80)
    far = replace(lines[3], address=0x92 + 2 + skips.REACH)
    with pytest.raises(ToolError, match="within reach"):
        skips.pairs([*lines[:3], far], 0x80)


def test_a_program_that_cannot_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, p = TARGETS["c-avr"], PROGRAMS["one_real"]
    image = toolchain.build(target, p, write_c_build(p, tmp_path, 4), tmp_path)
    monkeypatch.setattr(skips, "returns", lambda *_: {0x7FFFFF: 0})
    with pytest.raises(ToolError, match="no part of the program has the address 0x7fffff"):
        skips.mend(target, image)


def test_calls_in_machine_code() -> None:
    lines = code(
        ("f", 0x10, "push r28"),
        ("f", 0x12, "rcall .+0 ; 0x14 <f+0x4>"),
        ("f", 0x14, "call 0x40 ; 0x40 <g>"),
        ("f", 0x18, "brne .+2 ; 0x20 <h+0x2>"),
        ("h", 0x1E, "out 0x3d, r28"),
        ("h", 0x20, "rjmp .-2 ; 0x20 <h+0x2>"),
        ("g", 0x40, "ijmp"),
        ("k", 0x42, "out 0x25, r28"),
        ("k", 0x44, "ret"),
    )
    found = collect(lines, 3)
    assert {name: f.calls for name, f in found.items()} == {
        "f": {"g", "h"},
        "h": set(),
        "g": {"k"},
        "k": set(),
    }
    assert [f.pushed for f in found.values()] == [7, 3, 3, 3]
    assert [f.kind for f in found.values()] == [
        "static",
        "set by hand",
        "that of a call through a pointer",
        "static",
    ]
    assert reachable(found, ["h", "g", "absent"]) == ("g", "h", "k")


def test_frames_of_copies() -> None:
    text = (
        "a.c:1:2:f\t5\tstatic\na.c:2:2:g.constprop\t9\tdynamic,bounded\n"
        "a.c:2:2:g.constprop\t8\tstatic\na.c:3:2:h\t7\tdynamic\n"
    )
    assert stack.from_usage(text) == {
        "f": (5, "static"),
        "g.constprop": (9, "static"),
        "h": (7, "dynamic"),
    }


def test_the_stack_that_is_said_is_the_stack_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With that much the program runs; with 16 bytes less its guard is written over."""
    target, p = TARGETS["c-avr"], PROGRAMS["wide"]
    c_dir = write_c_build(p, tmp_path / "out", 4)
    monkeypatch.setattr(toolchain, "OPTIMIZE", (*toolchain.OPTIMIZE, stack.option(target)))
    runs = [
        exchange.BoardRun(inputs=stimulus(p, 4), n_outputs=4, from_reset=True, single=single)
        for single in (True, False)
    ]
    exchange.write(p, runs, tmp_path / "input")

    def run(n_bytes: int) -> stack.CallGraph:
        small = replace(target, stack=n_bytes - scratch_bytes(p))
        image = toolchain.build(small, p, c_dir, tmp_path)
        qemu.run(small, image)
        return stack.read(small, tmp_path / "product.o", image)

    graph = run(1024)
    harness = stack.from_usage((tmp_path / "harness.su").read_text())
    chain = stack.deepest(stack.CallGraph(frames=graph.frames | harness, calls=graph.calls), "main")
    assert {f for f, _ in chain.frames} & {"lmu_step", "lmu_run"}
    run(chain.n_bytes)
    with pytest.raises(ToolError, match="c-avr: the program failed in qemu-system-avr: its stack"):
        run(chain.n_bytes - 16)


def with_tables(c_dir: Path, tables: list[str]) -> None:
    """Give a program constants, each of which `lmu_init` reads."""
    path, begin = c_dir / "lmu.c", "void lmu_init(lmu_state *s)\n{\n"
    text = path.read_text()
    assert begin in text
    uses = "".join(
        f"    (void)*(volatile const char *)&t{k}[s != 0];\n" for k in range(len(tables))
    )
    path.write_text(text.replace(begin, f"{''.join(tables)}{begin}{uses}"))


def test_tables_in_flash_and_in_ram(tmp_path: Path) -> None:
    """A constant is in RAM too, unless it is marked for flash."""
    target, p = TARGETS["c-avr"], PROGRAMS["one_real"]

    def measure(mark: str) -> Sizes:
        place = tmp_path / str(len(mark))
        c_dir = write_c_build(p, place, 4)
        with_tables(c_dir, [f"const char t0[100]{mark} = {{1}};\n"])
        image = toolchain.build(target, p, c_dir, place)
        return sizes(target, place / "product.o", image)

    ram, flash = measure(""), measure(PROGMEM)
    assert (ram.data - flash.data, flash.tables - ram.tables, ram.bss) == (100, 100, 0)


@pytest.mark.parametrize(
    ("size", "mark", "said"),
    [
        (9000, "", r"\d+ bytes more than its 8 kB of RAM"),
        (70000, PROGMEM, r"\d+ bytes more than its 64 kB of flash for tables"),
    ],
)
def test_tables_that_do_not_fit(size: int, mark: str, said: str, tmp_path: Path) -> None:
    """What is read through pointers of 16 bits has to lie below 64 kB."""
    target, p = TARGETS["c-avr"], PROGRAMS["one_real"]
    c_dir = write_c_build(p, tmp_path, 4)
    with_tables(c_dir, [f"const char t{k}[{size // 4}]{mark} = {{1}};\n" for k in range(4)])
    why = board_c.refusal(target, tmp_path, p)
    start = r"c-avr \(ATmega2560, mega2560\) is too small: the program needs "
    assert re.fullmatch(start + said, why), why


def test_words_that_look_like_the_end(tmp_path: Path) -> None:
    """QEMU's key among the words is a word."""
    (tmp_path / "input").write_bytes(b"\1x\1\1")
    serial.prepare(tmp_path)
    sent = (tmp_path / "port.in").read_bytes()
    assert sent == b"\1\1x\1\1\1\1" + serial.AHEAD + b"\1x"
    (tmp_path / "port.out").write_bytes(b"ab\x0d" + serial.FAREWELL)
    assert serial.finish(tmp_path) == 13
    assert (tmp_path / "output").read_bytes() == b"ab"
    (tmp_path / "port.out").write_bytes(serial.FAREWELL)
    assert serial.finish(tmp_path) == serial.NO_CODE
