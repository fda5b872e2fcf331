"""Names of enumeration members for the emitted Verilog."""

from __future__ import annotations

from enum import IntEnum


def member_names(kinds: type[IntEnum], width: int) -> dict[str, str]:
    """Return the attributes of a signal that holds a member of an enumeration.

    Amaranth writes them for a signal whose shape is the enumeration. A field of a ROM word is often
    narrower: as wide as the members that occur.

    Parameters
    ----------
    kinds : IntEnum
    width : int
        Width of the signal [bits]; larger members are left out.

    Examples
    --------
    >>> class Colour(IntEnum):
    ...     RED, GREEN = 1, 2
    >>> member_names(Colour, 1)
    {'enum_base_type': 'Colour', 'enum_value_1': 'RED'}
    """
    values = {
        f"enum_value_{kind.value:0{width}b}": kind.name for kind in kinds if kind.value < 1 << width
    }
    return {"enum_base_type": kinds.__name__, **values}
