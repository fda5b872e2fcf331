"""Operational amplifiers by name, or from what the user says of one.

The figures of `PARTS` are those of the makers' data sheets, rounded: typical values of gain,
bandwidth, slew rate and noise density; largest offset and, where the sheet gives one, largest bias
at 25 degrees C; headroom into 10 kohm. Makers of a part differ, and sheets are revised; TLV9064
and some figures of others could not be compared with a sheet when this was written. Check the sheet
of the part that you buy.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import SpecError
from .circuit import AmplifierModel
from .quantities import parse_quantity

IDEAL = AmplifierModel(name="ideal", gain=math.inf, bandwidth=math.inf, slew=math.inf)
"""An amplifier with infinite gain at every frequency and no limits."""

PARTS = {
    # Rail to rail, CMOS, 1 MHz.
    "MCP6004": AmplifierModel(
        name="MCP6004",
        gain=4e5,
        bandwidth=1e6,
        slew=0.6e6,
        headroom=0.025,
        offset=4.5e-3,
        bias=1e-12,
        noise=28e-9,
        package=4,
    ),
    # Rail to rail, CMOS, low offset, 10 MHz.
    "MCP6024": AmplifierModel(
        name="MCP6024",
        gain=3e5,
        bandwidth=10e6,
        slew=7e6,
        headroom=0.02,
        offset=0.5e-3,
        bias=1e-12,
        noise=8.7e-9,
        package=4,
    ),
    # Rail to rail, CMOS, 10 MHz.
    "TLV9064": AmplifierModel(
        name="TLV9064",
        gain=3e6,
        bandwidth=10e6,
        slew=6.5e6,
        headroom=0.02,
        offset=1.6e-3,
        bias=0.5e-12,
        noise=10e-9,
        package=4,
    ),
    # Audio, CMOS input, 16 MHz.
    "OPA1679": AmplifierModel(
        name="OPA1679",
        gain=5e5,
        bandwidth=16e6,
        slew=9e6,
        headroom=0.8,
        offset=2e-3,
        bias=10e-12,
        noise=4.5e-9,
        package=4,
    ),
    # The old standard with JFET inputs.
    "TL074": AmplifierModel(
        name="TL074",
        gain=1.5e5,
        bandwidth=4e6,
        slew=13e6,
        headroom=3.0,
        offset=10e-3,
        bias=200e-12,
        noise=18e-9,
        package=4,
    ),
    # The old standard with bipolar inputs: bias currents that show.
    "LM358": AmplifierModel(
        name="LM358",
        gain=1e5,
        bandwidth=1e6,
        slew=0.3e6,
        headroom=1.5,
        offset=7e-3,
        bias=250e-9,
        noise=40e-9,
        package=2,
    ),
}
"""Parts by name."""

SUPPLY = {
    "MCP6004": (1.8, 6.0),
    "MCP6024": (2.5, 5.5),
    "TLV9064": (1.8, 5.5),
    "OPA1679": (4.5, 36.0),
    "TL074": (10.0, 30.0),
    "LM358": (3.0, 32.0),
}
"""Lowest and highest supply voltage, from rail to rail, of the parts [V]."""

DEFAULT = "MCP6024"
"""Part that is taken where none is asked for: 10 MHz, from 5 V, with a small offset."""

KEYS = {
    "GBW": ("Hz", 1.0, 1e12),
    "SR": ("V/us", 1e-6, 1e6),
    "GAIN": ("V/V", 10.0, 1e9),
    "HEADROOM": ("V", 0.0, 100.0),
    "VOS": ("V", 0.0, 1.0),
    "IB": ("A", 0.0, 1.0),
    "EN": ("V", 0.0, 1.0),
}
"""Keys of a custom amplifier, each with its unit and range; EN is per sqrt(Hz)."""
NEEDED = ("GBW", "SR")
"""Keys without a default."""
DEFAULTS = {"GAIN": 1e5, "HEADROOM": 0.05, "VOS": 0.0, "IB": 0.0, "EN": 0.0}


def find_amplifier(text: Any = None) -> AmplifierModel:
    """Return the amplifier that a name or a list of figures stands for.

    Parameters
    ----------
    text : str, optional
        ``ideal``, a name of `PARTS` in upper or lower case, or figures such as
        ``GBW=10Meg,SR=5``: gain-bandwidth product [Hz] and slew rate [V/us], and optionally GAIN
        (DC gain [V/V], default 1e5), HEADROOM [V, default 0.05], VOS (largest offset [V]), IB
        (largest bias current [A]) and EN (noise density [V/sqrt(Hz)]), all 0 by default. Default:
        the part `DEFAULT`.

    Raises
    ------
    SpecError
        If the name or a figure is not known, missing, given twice or out of range.

    Examples
    --------
    >>> find_amplifier("mcp6024").bandwidth, find_amplifier("GBW=10Meg,SR=5").slew
    (10000000.0, 5000000.0)
    """
    if text is None:
        return PARTS[DEFAULT]
    if isinstance(text, str):
        if "=" in text:
            return _custom(text)
        if text.strip().lower() == IDEAL.name:
            return IDEAL
        if text.strip().upper() in PARTS:
            return PARTS[text.strip().upper()]
    known = ", ".join([IDEAL.name, *PARTS])
    raise SpecError(f"op-amp must be one of {known} or figures as GBW=10Meg,SR=5, not {text!r}")


def amplifier_text(model: AmplifierModel) -> str:
    """Return the text that `find_amplifier` makes a model of: a name or all figures."""
    if model in (IDEAL, PARTS.get(model.name)):
        return model.name
    figures = {
        "GBW": model.bandwidth,
        # SR is per microsecond
        "SR": model.slew / 1e6,
        "GAIN": model.gain,
        "HEADROOM": model.headroom,
        "VOS": model.offset,
        "IB": model.bias,
        "EN": model.noise,
    }
    return ",".join(f"{key}={value!r}" for key, value in figures.items())


def check_supply(model: AmplifierModel, supply: float) -> None:
    """Raise `SpecError` unless a part works from this supply.

    Parameters
    ----------
    model : AmplifierModel
    supply : float
        Voltage between the rails [V].
    """
    low, high = SUPPLY.get(model.name, (0.0, math.inf))
    if not low <= supply <= high:
        raise SpecError(
            f"supply of the {model.name} must be {low:g} to {high:g} V, not {supply:g} V: "
            "choose another --supply or --opamp"
        )


def _custom(text: str) -> AmplifierModel:
    """Return the amplifier of figures ``KEY=VALUE,...``."""
    given = dict[str, float]()
    for item in text.split(","):
        key, _, value = (part.strip() for part in item.partition("="))
        key = key.upper()
        if key not in KEYS:
            raise SpecError(
                f"figures of an op-amp must be {', '.join(KEYS)}, as GBW=10Meg,SR=5, "
                f"not {item.strip()!r}"
            )
        if key in given:
            raise SpecError(f"{key} of the op-amp must be given once, not twice")
        given[key] = _figure(key, value)
    missing = [key for key in NEEDED if key not in given]
    if missing:
        raise SpecError(f"{missing[0]} of the op-amp is missing: give it, as in GBW=10Meg,SR=5")
    figures = DEFAULTS | given
    return AmplifierModel(
        name="custom",
        gain=figures["GAIN"],
        bandwidth=figures["GBW"],
        slew=figures["SR"] * 1e6,
        headroom=figures["HEADROOM"],
        offset=figures["VOS"],
        bias=figures["IB"],
        noise=figures["EN"],
    )


def _figure(key: str, text: str) -> float:
    """Return the value of a key."""
    unit, low, high = KEYS[key]
    value = 0.0 if text in ("0", "0.0") else parse_quantity(f"{key} of the op-amp", text, unit)
    if not low <= value <= high:
        raise SpecError(f"{key} of the op-amp must be {low:g} to {high:g} {unit}, not {text!r}")
    return value
