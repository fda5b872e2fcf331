"""Replacement of modules that only pass signals on, by what they pass them to."""

from __future__ import annotations

from collections.abc import Mapping

from .netlist import ChildModule, Netlist
from .rtlil import Assign, Bits, Const, Module, RTLILCell, Spec, Wire
from .sharing import children_first
from .specs import cut, joined, width_of, wire_of


def inlined(modules: list[Module]) -> list[Module]:
    """Return the modules without those that hold wires and at most one instance.

    Parameters
    ----------
    modules : list of Module
        The top module first, which stays. Modules are changed in place.

    Notes
    -----
    The instance that takes the place of such a module keeps the module's instance name.
    """
    by_name = {module.name: module for module in modules}
    children = {name: ChildModule(module) for name, module in by_name.items()}
    for module in children_first(modules):
        for cell in list(module.cells):
            child = by_name.get(cell.kind)
            if child is not None:
                net = Netlist(_plain(child, children), children)
                if _only_passes(net):
                    _replace(module, cell, net)
    used = {cell.kind for module in modules for cell in module.cells}
    return [module for module in modules if module is modules[0] or module.name in used]


def _plain(module: Module, children: Mapping[str, ChildModule]) -> Module:
    """Return the module with wiring in place of the operators that are only that."""
    net = Netlist(module, children)
    found: dict[str, Spec] = {}
    for wire in net.cells:
        value = net.simple(wire)
        if value is not None:
            found[wire] = value
    for wire, statements in net.processes.items():
        (first, *others) = statements or (None,)
        if isinstance(first, Assign) and not others:
            found[wire] = net.resolve(first.value)
    wires = {w: (Bits(w, 0, module.wires[w].width),) for w in found}
    cells = [c for c in module.cells if "Y" not in c.ports or wire_of(c.ports["Y"]) not in found]
    processes = [p for target, p in net.processes.items() if target not in found]
    connects = [*module.connects, *((wires[w], value) for w, value in found.items())]
    return Module(module.name, module.wires, cells, processes, connects)


def _only_passes(net: Netlist) -> bool:
    """Return whether a module has no register, no operator and at most one instance."""
    wires = net.module.wires
    kept = {name for name, wire in wires.items() if wire.direction} | net.instance_outputs
    if len(net.instances) > 1 or not net.live <= kept:
        return False
    outputs = [name for name, wire in wires.items() if wire.direction == "output"]
    return all(o in net.instance_outputs or net.stands_for(o) is not None for o in outputs)


def _replace(parent: Module, cell: RTLILCell, net: Netlist) -> None:
    """Replace an instance of a module by the module's own instance, if it has one."""
    inside: dict[str, Spec] = {"\\" + port: spec for port, spec in cell.ports.items()}
    position = parent.cells.index(cell)
    parent.cells.remove(cell)
    outputs = {
        wire: net.stands_for(wire) or (Bits(wire, 0, net.module.wires[wire].width),)
        for wire in inside
        if net.module.wires[wire].direction == "output"
    }
    given = {wire: inside.pop(wire) for wire in outputs}
    for inner in net.instances:
        path = inner.name + (f".{inner.inner}" if inner.inner else "")
        new = RTLILCell(inner.kind, cell.name, dict(inner.parameters), {}, path)
        parent.cells.insert(position, new)
        for port, spec in inner.ports.items():
            if net.is_output(inner, port) and spec:
                inside[wire_of(spec)] = new.ports[port] = _driven(parent, net, spec, outputs, given)
        for port, spec in inner.ports.items():
            if port not in new.ports:
                new.ports[port] = _translated(net.resolve(spec), inside)
    for wire, value in outputs.items():
        target, source = given[wire], _translated(value, inside)
        if target and source != target:
            parent.connects.append((target, source))


def _driven(
    parent: Module, net: Netlist, spec: Spec, outputs: dict[str, Spec], given: dict[str, Spec]
) -> Spec:
    """Return the wire of the parent that an instance drives in place of one of the child."""
    for wire, value in outputs.items():
        if value == spec and given[wire]:
            return given[wire]
    inner = net.module.wires[wire_of(spec)]
    name = f"{inner.name}${len(parent.wires)}"
    parent.wires[name] = Wire(name, inner.width, inner.signed)
    return (Bits(name, 0, inner.width),)


def _translated(spec: Spec, inside: dict[str, Spec]) -> Spec:
    """Return bits of the child as bits of the parent."""
    found: list[Const | Bits] = []
    for chunk in spec:
        if isinstance(chunk, Bits):
            whole = inside[chunk.wire]
            assert width_of(whole) >= chunk.low + chunk.width
            found += cut(whole, chunk.low, chunk.width)
        else:
            found.append(chunk)
    return joined(found)
