"""The printed Verilog is equal to Amaranth's RTLIL, and reads like Verilog."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmu_hw.errors import ToolError
from lmu_hw.rtl.verilog_modules import verilog_of
from tests.rtl.printed_designs import CHEAP, DESIGNS, PrintedDesign
from tests.rtl.printed_equivalence import prove_equal
from tests.tools import require_yosys

READ = ("states", "recurrent layer, every 3", "ladder", "full, 4 signals, state port", "Poisson")
"""Designs whose text is read here."""
MODULE = re.compile(r"^module (\w+) (?:#\(.*?\n\) )?\(\n(.*?)^\);\n(.*?)^endmodule", re.M | re.S)
PORT = re.compile(r"^  (?:input|output) .*?(\w+)(?: = [^,\s]+)?,?(?: +// .+)?$", re.M)


def text_of(design: PrintedDesign) -> str:
    """Return the Verilog of a design."""
    return verilog_of(design.component, design.name, design.top, design.blocks, design.parts)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return the Verilog of some designs."""
    return {name: text_of(DESIGNS[name]()) for name in READ}


@pytest.mark.synth
@pytest.mark.parametrize(
    "name",
    # the one of one real section is proven below
    [
        pytest.param(n, marks=() if n in CHEAP and n != "one real section" else pytest.mark.soak)
        for n in DESIGNS
    ],
)
def test_it_is_what_amaranth_wrote(name: str, tmp_path: Path) -> None:
    require_yosys()
    names = prove_equal(DESIGNS[name](), tmp_path)
    # something was compared
    assert sum(map(len, names.registers.values())) > 10
    assert names.memories or "full" in name


@pytest.mark.synth
def test_constants_are_left_out_and_proven(tmp_path: Path) -> None:
    require_yosys()
    names = prove_equal(DESIGNS["one real section"](), tmp_path)
    assert sum(map(len, names.constants.values())) > 50
    assert len(names.memories) == 5


@pytest.mark.some(1)
@pytest.mark.synth
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # a high bit of a word that a memory keeps
        (".write_word(word)", ".write_word(word ^ 16'd4)"),
        ("ready = loading && room", "ready = loading || room"),
        ("input_valid ? ", "!input_valid ? "),
        (" = reserved_sum - ", " = reserved_sum + "),
    ],
)
def test_a_wrong_operator_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    require_yosys()
    design = DESIGNS["one real section"]()
    text = text_of(design)
    assert text.count(right) == 1
    with pytest.raises(ToolError, match=r"Found \d+ unproven"):
        prove_equal(design, tmp_path, broken=text.replace(right, wrong))


def test_no_line_is_long(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert [line for line in text.splitlines() if len(line) > 100] == []


def test_enumerations_have_names(texts: dict[str, str]) -> None:
    text = texts["states"]
    assert re.search(r"localparam \[\d:0\] CHAIN_PORT_LOAD = \d'd1;", text)
    assert re.search(r"run_kind == KIND_FEED\b", text)
    assert not re.search(r"(run_kind|_port) == \d", text)


def test_control_words_have_fields(texts: dict[str, str]) -> None:
    for name in ("kind", "cycles", "row", "end"):
        assert re.search(rf"wire .*\brun_{name} = run_word\[[\d:]+\];", texts["states"])


def test_ports_are_grouped_by_interface(texts: dict[str, str]) -> None:
    """The parts of a stream are together, whatever their directions."""
    for name, text in texts.items():
        head = MODULE.search(text)
        assert head is not None
        groups = re.findall(r"^  // ([a-z ]+)\n(.*?)(?:\n\n|\Z)", head[2], re.M | re.S)
        ports = {title: PORT.findall(lines) for title, lines in groups}
        assert ports["clock and reset"] == ["clk", "rst"]
        assert ports["input"] == ["i_data", "i_valid", "i_ready"]
        assert ports["output"] == ["o_data", "o_last", "o_valid", "o_ready"]
        if "state port" in name or "every 3" in name:
            command, own, other = ("state_command", "state_i", "state_o")
            assert ports["state port"] == [
                *(f"{command}_{part}" for part in ("data", "valid", "ready")),
                *(f"{own}_{part}" for part in ("data", "valid", "ready")),
                *(f"{other}_{part}" for part in ("data", "last", "valid", "ready")),
            ]


def test_every_port_has_a_comment(texts: dict[str, str]) -> None:
    for text in texts.values():
        for name, head, _ in MODULE.findall(text):
            silent, about = [], False
            for line in head.splitlines():
                port = PORT.match(line)
                if port and not about and "//" not in line and port[1] not in ("clk", "rst"):
                    silent.append(port[1])
                # one above several ports is for all of them
                about = line.startswith("  // ") or (about and "//" not in line)
                about = about and not re.match(r"  // (input|output|state port|clock.*)$", line)
            assert not silent, f"{name}: {silent}"


def test_no_module_only_passes_on(texts: dict[str, str]) -> None:
    for text in texts.values():
        for name, _, body in MODULE.findall(text):
            joins = len(re.findall(r"^  \w+ (?:#\([^;]*?\) )?\w+ \($", body, re.M)) > 1
            assert joins or re.search(r"always @|assign|wire .* =", body), name


def test_no_wire_repeats_another(texts: dict[str, str]) -> None:
    for text in texts.values():
        for name, _, body in MODULE.findall(text):
            assert not re.findall(r"^  wire .* = (?:[a-z_]\w*|\d+'\w+);", body, re.M), name
            values = re.findall(r"^  (?:wire .*|assign \w+) = (.*);", body, re.M)
            assert len(values) == len(set(values)), name


def test_names_have_single_underscores(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert not re.search(r"\w__\w", text)


def test_every_wire_is_declared_before_its_use(texts: dict[str, str]) -> None:
    for text in texts.values():
        for name, _, body in MODULE.findall(text):
            for match in re.finditer(r"^  (?:wire|reg) .*?(\w+)(?: =|;)", body, re.M):
                assert not re.search(rf"\b{match[1]}\b", body[: match.start()]), (name, match[1])
