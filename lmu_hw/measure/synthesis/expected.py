"""Expected multipliers and memories of a netlist, and the check against them.

Synthesis silently removes logic without effect, and silently maps memories to LUTs that do not fit
block RAM. So every memory and multiplier of the design must be found in the netlist.
"""

from __future__ import annotations

from ...errors import ToolError
from ...rtl.inventory import Inventory
from .devices import Device
from .families import Placed, multiplier_units, place
from .netlists import DeviceNetlist


class Expected:
    """Multipliers and block RAMs that a design must take on a target.

    Parameters
    ----------
    target : Device
    parts : Inventory
        Parts of the scheduled program, independent of the Verilog.

    Attributes
    ----------
    memories : tuple of Placed
    products : tuple of (Product, int)
        Each with its number of multipliers.
    dsps, block_rams : int
        Numbers of multipliers and block RAMs of the target.
    """

    def __init__(self, target: Device, parts: Inventory) -> None:
        self.target, self.parts = target, parts
        self.memories: tuple[Placed, ...] = tuple(place(target.family, s) for s in parts.storages)
        self.products = tuple(
            (p, multiplier_units(target.family, p.widths, p.result)) for p in parts.products
        )
        self.dsps = sum(units for _, units in self.products)
        self.block_rams = sum(m.blocks for m in self.memories)

    def check(self, netlist: DeviceNetlist, edited: list[str]) -> None:
        """Compare a netlist with the expected numbers.

        Parameters
        ----------
        netlist : DeviceNetlist
        edited : list of str
            Edited files, which the error names.

        Raises
        ------
        ToolError
            If they differ.
        """
        wrong = [*self._memories(netlist), *self._counts(netlist)]
        if wrong:
            why = (
                f"{', '.join(edited)} was edited; generate the build directory again"
                if edited
                else "part of the design was removed, or did not fit its kind of cell"
            )
            raise ToolError(f"{self.target.name}: the netlist has {'; '.join(wrong)}: {why}")

    def check_fit(self, used: dict[str, int], lanes: int) -> None:
        """Raise `ToolError` if a design needs more than the device has.

        Parameters
        ----------
        used : dict
            As `Device.capacity`.
        lanes : int
            Lanes of the design; the error suggests fewer.
        """
        names = {
            "luts": ("LUTs", "fewer bits"),
            "ffs": ("flip-flops", "fewer bits"),
            "dsps": ("multipliers", "fewer bits"),
            "block_rams": ("block RAMs", "fewer bits of weights"),
        }
        over = [key for key in names if used[key] > self.target.capacity[key]]
        if over:
            what = ", ".join(
                f"{used[key]} of {self.target.capacity[key]} {names[key][0]}" for key in over
            )
            if "dsps" in over:
                what += f" ({', '.join(f'{p.name} {n}' for p, n in self.products if n)})"
            fewer = f"fewer lanes (now {lanes}), " if lanes > 1 else ""
            raise ToolError(
                f"the design does not fit {self.target.name}: {what}; take {fewer}"
                f"{names[over[0]][1]}, or {self.target.larger}"
            )

    def _memories(self, netlist: DeviceNetlist) -> list[str]:
        wrong = []
        for m in self.memories:
            found = netlist.memories.get(m.storage.name)
            if found is not m.style:
                shape = f"{m.storage.name} ({m.storage.depth} words of {m.storage.width} bits)"
                what = "no memory" if found is None else f"{found.value} for"
                wrong.append(f"{what} {shape} where {m.style.value} is expected")
        return wrong

    def _counts(self, netlist: DeviceNetlist) -> list[str]:
        pairs = (
            ("multipliers", netlist.dsps, self.dsps),
            ("block RAMs", netlist.block_rams, self.block_rams),
        )
        return [f"{got} {name} instead of {want}" for name, got, want in pairs if got != want]
