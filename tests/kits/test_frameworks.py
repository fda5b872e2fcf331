"""Kits ``esp-idf`` and ``zephyr``: CMake and Kconfig files, with stand-ins for the frameworks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from lmu_hw.errors import SpecError
from lmu_hw.kits.esp_idf import ESP_IDF
from lmu_hw.kits.kit import Kit, KitDesign
from lmu_hw.kits.zephyr_module import ZEPHYR
from tests.factories import network_programs, programs
from tests.factories.kit_designs import c_design, write_kit
from tests.kits.readme import damage
from tests.tools import require, run

STUBS = Path(__file__).parent / "stubs"
DESIGNS = {
    "gyro": network_programs.gates,
    "ecg": programs.cascade_program,
    "spot": lambda: network_programs.lmu(0),
}


class Framework(NamedTuple):
    """Where a framework's files are in a kit, and what stands in for the framework."""

    kit: Kit
    stub: str
    variable: str
    source: str
    kconfig: str
    settings: str
    main: str


FRAMEWORKS = {
    "esp-idf": Framework(
        ESP_IDF, "esp_idf", "IDF_PATH", ".", "components/{}/Kconfig", "sdkconfig.cmake", "main"
    ),
    "zephyr": Framework(
        ZEPHYR,
        "zephyr",
        "ZEPHYR_BASE",
        "samples/vectors",
        "Kconfig",
        "samples/vectors/kconfig.cmake",
        "samples/vectors/src",
    ),
}


def design(name: str) -> KitDesign:
    return c_design(replace(DESIGNS[name](), name=name))


def configured(kconfig: Path, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that Kconfig derives from chosen ones."""
    kconfiglib = pytest.importorskip("kconfiglib")
    found = kconfiglib.Kconfig(str(kconfig), warn_to_stderr=False)
    assert not found.warnings
    for name, value in chosen.items():
        assert found.syms[name].set_value(value)
    return {symbol.name: symbol.str_value for symbol in found.unique_defined_syms}


def built(framework: Framework, kit_dir: Path, name: str, **chosen: str) -> tuple[str, str]:
    """Build the project of a kit; return the output of the program and its compiler's options."""
    require("cmake", "cc")
    if framework.stub == "zephyr":
        conf = (kit_dir / framework.source / "prj.conf").read_text()
        module = name.upper()
        assert f"CONFIG_{module}=y" in conf
        chosen = {module: "y", **chosen}
    settings = configured(kit_dir / framework.kconfig.format(name), chosen)
    (kit_dir / framework.settings).write_text(
        "".join(f"set(CONFIG_{key} {value})\n" for key, value in settings.items() if value != "n")
    )
    build = kit_dir / "build"
    stub = STUBS / framework.stub
    made = run(
        *("env", f"{framework.variable}={stub}", "cmake", "-S", kit_dir / framework.source),
        *("-B", build, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DCMAKE_C_FLAGS=-Wall -Wextra"),
        *(f"-DZephyr_DIR={stub}", f"-DZEPHYR_EXTRA_MODULES={kit_dir}")[
            : 2 * (stub.name == "zephyr")
        ],
    )
    assert made.returncode == 0, made.stderr
    made = run("cmake", "--build", build)
    assert made.returncode == 0, made.stderr
    assert "warning" not in made.stderr
    commands = json.loads((build / "compile_commands.json").read_text())
    options = next(c["command"] for c in commands if c["file"].endswith(f"src/{name}.c"))
    return run(build / "app").stdout, options


@pytest.mark.kits
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("which", FRAMEWORKS)
def test_every_word_is_that_of_the_vectors(which: str, name: str, tmp_path: Path) -> None:
    framework = FRAMEWORKS[which]
    kit_dir = write_kit(framework.kit, design(name), tmp_path)
    text, options = built(framework, kit_dir, name)
    assert re.fullmatch(rf"PASS {name}: \d+ outputs of \d+ words, and the last state; .*\n", text)
    assert "-O2" in options
    damage(
        kit_dir / framework.main / f"{name}_vectors.h", r"vector_out\[.*\{\s+\{\s*-?\d*?(?=\d[,}])"
    )
    assert built(framework, kit_dir, name)[0] == f"FAIL {name}: a word differs\n"


@pytest.mark.kits
@pytest.mark.parametrize("which", FRAMEWORKS)
def test_a_setting_of_kconfig_reaches_the_compiler(which: str, tmp_path: Path) -> None:
    framework = FRAMEWORKS[which]
    kit_dir = write_kit(framework.kit, design("gyro"), tmp_path)
    _, options = built(framework, kit_dir, "gyro", GYRO_FAST="n")
    assert "-O2" not in options


@pytest.mark.kits
def test_zephyr_leaves_out_a_module_that_is_not_chosen(tmp_path: Path) -> None:
    kit_dir = write_kit(ZEPHYR, design("gyro"), tmp_path)
    assert configured(kit_dir / "Kconfig", {"GYRO": "n"}) == {"GYRO": "n", "GYRO_FAST": "n"}


@pytest.mark.parametrize("which", FRAMEWORKS)
def test_manifests_are_what_the_frameworks_read(which: str) -> None:
    files = FRAMEWORKS[which].kit.files(design("gyro"))
    if which == "esp-idf":
        manifest = yaml.safe_load(files["components/gyro/idf_component.yml"])
        assert manifest["version"] == "1.2.3"
        assert manifest["dependencies"] == {"idf": ">=5.0"}
        assert "components/gyro/include/gyro.h" in files
        return
    module = yaml.safe_load(files["zephyr/module.yml"])
    assert module["name"] == "gyro"
    assert module["build"] == {"cmake": ".", "kconfig": "Kconfig"}
    sample = yaml.safe_load(files["samples/vectors/sample.yaml"])
    (case,) = sample["tests"].values()
    assert re.match(case["harness_config"]["regex"][0], "PASS gyro: 3 outputs")


def test_names_of_components_of_esp_idf_are_refused() -> None:
    named = design("gyro")
    with pytest.raises(SpecError, match="because heap is reserved by ESP-IDF"):
        ESP_IDF.files(replace(named, program=replace(named.program, name="heap")))
