"""Operators that compute only the bits that are used, such as sums without an unused carry."""

from __future__ import annotations

from .netlist import ChildModule, Netlist
from .rtlil import Bits, Const, Module, RTLILCell
from .specs import cut, extended, width_of, wire_of

NARROWS = ("$add", "$sub", "$and", "$or", "$xor", "$not", "$mux")
"""Operators whose low result bits depend on the low operand bits alone."""


def narrowed(modules: list[Module]) -> list[Module]:
    """Return the modules with unnamed results as narrow as their use, and without dead logic.

    Parameters
    ----------
    modules : list of Module
        Changed in place.
    """
    children = {module.name: ChildModule(module) for module in modules}
    for module in modules:
        net = Netlist(module, children)
        _remove_dead(net)
        while _narrow(net):
            net = Netlist(module, children)
    return modules


def _remove_dead(net: Netlist) -> None:
    module, needed = net.module, net.needed()
    module.cells = [
        cell
        for cell in module.cells
        if not cell.kind.startswith("$")
        or wire_of(cell.ports["Q" if cell.kind == "$dff" else "Y"]) in needed
    ]
    module.processes = [p for target, p in net.processes.items() if target in needed]
    # names of parts of signals are kept for the text
    named = [(t, v) for t, v in module.connects if wire_of(t) in needed or wire_of(t)[0] == "\\"]
    module.connects = named


def _narrow(net: Netlist) -> bool:
    """Narrow operators whose high result bits nothing uses; return whether there were any."""
    used: dict[str, int] = {}
    for spec in net.uses_of_wires():
        for chunk in net.resolve(spec):
            if isinstance(chunk, Bits):
                used[chunk.wire] = max(used.get(chunk.wire, 0), chunk.low + chunk.width)
    changed = False
    for wire, cell in net.cells.items():
        width = used.get(wire, 0)
        is_temporary = wire.startswith("$") and wire in net.live
        if is_temporary and cell.kind in NARROWS and width < net.module.wires[wire].width:
            _cut(net, wire, cell, width)
            changed = True
    return changed


def _cut(net: Netlist, wire: str, cell: RTLILCell, width: int) -> None:
    net.module.wires[wire].width = width
    cell.ports["Y"] = (Bits(wire, 0, width),)
    cell.parameters["WIDTH" if cell.kind == "$mux" else "Y_WIDTH"] = width
    for port in ("A", "B"):
        if port not in cell.ports:
            continue
        spec = net.resolve(cell.ports[port])
        if cell.kind in ("$and", "$or", "$xor", "$not"):
            spec = extended(spec, bool(cell.parameters["A_SIGNED"]), width)
        spec = cut(spec, 0, width) or (Const(0, 1),)
        cell.ports[port] = spec
        if cell.kind != "$mux":
            cell.parameters[f"{port}_WIDTH"] = width_of(spec)
