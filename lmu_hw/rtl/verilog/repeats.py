"""Removal of wires that repeat another signal."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from .netlist import ChildModule, Netlist
from .processes import repeated
from .rtlil import Assign, Bits, Const, Module, Spec, Statement
from .specs import constant, width_of, wire_of


def unrepeated(modules: list[Module]) -> list[Module]:
    """Return the modules without wires that are equal to another one.

    Parameters
    ----------
    modules : list of Module
        Changed in place.

    Notes
    -----
    Of two wires with the same driver, the first one is kept. A wire that is assigned another one in
    every case is connected to it.
    """
    children = {module.name: ChildModule(module) for module in modules}
    for module in modules:
        while _connect(module, children):
            pass
    return modules


def _connect(module: Module, children: Mapping[str, ChildModule]) -> bool:
    """Replace the drivers of wires that repeat another one; return whether there were any."""
    net = Netlist(module, children)
    found = _plain_wires(net) | _same_drivers(net)
    for wire, value in found.items():
        _give_members(module, wire, value)
        module.connects.append(((Bits(wire, 0, module.wires[wire].width),), value))
    cells = [wire_of(cell.ports["Y"]) if "Y" in cell.ports else "" for cell in module.cells]
    module.cells = [c for c, wire in zip(module.cells, cells, strict=True) if wire not in found]
    module.processes = [p for target, p in net.processes.items() if target not in found]
    return bool(found)


def _plain_wires(net: Netlist) -> dict[str, Spec]:
    """Return the wires that are driven by another wire or a constant, through logic or not."""
    found = {}
    for wire, statements in _combinational(net).items():
        value = _only_value(net, statements)
        if value is not None and _is_known(net, wire, value):
            found[wire] = value
    for wire in net.cells:
        value = net.simple(wire) if wire.startswith("\\") else None
        if value is not None and _is_known(net, wire, value):
            found[wire] = value
    return found


def _only_value(net: Netlist, statements: list[Statement]) -> Spec | None:
    """Return the value that statements assign in every case, else None."""
    # an assignment overrides those before it
    last = max((k for k, s in enumerate(statements) if isinstance(s, Assign)), default=0)
    first, *others = statements[last:]
    if not isinstance(first, Assign):
        return None
    value = net.resolve(first.value)
    if not others:
        return value
    (switch, *more) = others
    # 0, and 1 if a bit is set: that bit
    if more or isinstance(switch, Assign) or constant(value) != 0 or len(switch.cases) != 1:
        return None
    ((patterns, body),) = switch.cases
    test = net.resolve(switch.test)
    if patterns != ("1",) or len(body) != 1 or not isinstance(body[0], Assign):
        return None
    return test if net.resolve(body[0].value) == (Const(1, 1),) else None


def _is_known(net: Netlist, wire: str, value: Spec) -> bool:
    """Return whether the value of a wire is a constant, or the whole of a wire with a name."""
    if width_of(value) != net.module.wires[wire].width:
        return False
    if constant(value) is not None:
        return True
    (chunk, *others) = value
    if others or not isinstance(chunk, Bits):
        return False
    has_name = chunk.wire.startswith("\\") or chunk.wire in net.instance_outputs
    return has_name and chunk.width == net.module.wires[chunk.wire].width


def _same_drivers(net: Netlist) -> dict[str, Spec]:
    """Return the wires that an earlier one has the same driver as."""
    first: dict[Hashable, str] = {}
    found: dict[str, Spec] = {}
    drivers: dict[str, Hashable] = {
        wire: repeated(statements, net.resolve) for wire, statements in _combinational(net).items()
    }
    for wire, cell in net.cells.items():
        ports = tuple((port, net.resolve(s)) for port, s in cell.ports.items() if port != "Y")
        drivers[wire] = (cell.kind, tuple(cell.parameters.items()), ports)
    # of a result with a name and one without, the first is kept
    for wire in sorted(net.module.wires, key=lambda name: name.startswith("$")):
        if wire in drivers:
            kept = first.setdefault(drivers[wire], wire)
            same = net.module.wires[kept].width == net.module.wires[wire].width
            if kept != wire and same:
                found[wire] = (Bits(kept, 0, net.module.wires[kept].width),)
    return found


def _combinational(net: Netlist) -> dict[str, list[Statement]]:
    """Return the processes that drive wires, not registers."""
    next_values = {
        chunk.wire for d in net.registers.values() for chunk in d if isinstance(chunk, Bits)
    }
    return {w: s for w, s in net.processes.items() if s and w not in next_values}


def _give_members(module: Module, wire: str, value: Spec) -> None:
    """Let the wire that is kept have the names of the enumeration of the one that is not."""
    (chunk,) = value or (None,)
    if isinstance(chunk, Bits) and not module.wires[chunk.wire].members:
        module.wires[chunk.wire].enum = module.wires[wire].enum
        module.wires[chunk.wire].members = module.wires[wire].members
