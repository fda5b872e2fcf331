"""All kits by name, and the files of chosen ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .._support.name_lookup import look_up
from ..errors import EmitError, SpecError
from .arduino_library import ARDUINO
from .board_top import BOARD_KITS
from .bus_slaves import AXIL, WISHBONE
from .cmake_package import CMAKE
from .cocotb_bench import COCOTB
from .cortex_m import CORTEX_M
from .esp_idf import ESP_IDF
from .fusesoc_core import FUSESOC
from .ipxact_component import IPXACT
from .kit import Kit, KitDesign, placed
from .litex_module import LITEX
from .meson_project import MESON
from .platformio_library import PLATFORMIO
from .python_package import PYTHON
from .quartus_project import QUARTUS
from .rust_crate import RUST
from .zephyr_module import ZEPHYR

if TYPE_CHECKING:
    from ..rtl.options import Hardware

_ALL: tuple[Kit, ...] = (
    AXIL,
    WISHBONE,
    LITEX,
    FUSESOC,
    IPXACT,
    QUARTUS,
    COCOTB,
    *BOARD_KITS,
    CMAKE,
    MESON,
    ARDUINO,
    PLATFORMIO,
    ESP_IDF,
    ZEPHYR,
    CORTEX_M,
    RUST,
    PYTHON,
)
KITS: dict[str, Kit] = {kit.name: kit for kit in _ALL}
"""In the order of ``lmu-hw kit list``."""


def chosen(names: str | Sequence[str]) -> tuple[Kit, ...]:
    """Return kits by name, without duplicates.

    Parameters
    ----------
    names : str or sequence of str
        ``"litex,cmake"`` and ``["litex", "cmake"]`` are the same.

    Raises
    ------
    SpecError
        If a name is unknown; the message suggests one.
    """
    given = names.split(",") if isinstance(names, str) else names
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise SpecError(f"kits must be names, as in 'litex,cmake', not {names!r}")
    return look_up([name.strip() for name in given], KITS, "kit")


def hardware_for(kits: Sequence[Kit], hardware: Hardware) -> Hardware:
    """Return the hardware options with those that the kits need."""
    if any(kit.state_port for kit in kits):
        return replace(hardware, state_port=True)
    return hardware


def check_kits(kits: Sequence[Kit], hardware: Hardware | None, refused: str | None) -> None:
    """Check that a design has what kits need.

    Parameters
    ----------
    kits : sequence of Kit
    hardware : Hardware or None
        None where the program has no Verilog.
    refused : str or None
        Why the program has no Verilog.

    Raises
    ------
    SpecError
        If it has not.
    """
    for kit in kits:
        if kit.verilog and hardware is not None and hardware.parallel.value != "shared":
            raise SpecError(
                f"the {kit.name} kit needs a design with parallel shared, not "
                f"{hardware.parallel.value}"
            )
        if kit.verilog and hardware is None:
            raise SpecError(
                f"the {kit.name} kit needs Verilog, and this design has none: {refused}"
            )
        if kit.state_port and hardware is not None and not hardware.state_port:
            raise SpecError(
                f"the {kit.name} kit needs the state port: generate the build directory with "
                "--state-port"
            )


def kit_files(kits: Sequence[Kit], design: KitDesign) -> dict[str, str | bytes]:
    """Return the files of kits, by path in the build directory.

    Raises
    ------
    EmitError
        If kits that share a directory disagree on a file.
    """
    files: dict[str, str | bytes] = {}
    for kit in kits:
        for name, content in placed(kit.place, kit.files(design)).items():
            if files.setdefault(name, content) != content:
                raise EmitError(f"the kits of {kit.place} disagree on {name}")
    return files
