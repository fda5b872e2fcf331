"""Constant propagation across all modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .netlist import ChildModule, Netlist
from .processes import target_of
from .rtlil import Assign, Bits, Const, Module, RTLILCell, Spec, Statement
from .specs import constant, width_of, wire_of


def folded(modules: list[Module]) -> list[Module]:
    """Return the modules with constants in place of wires that never change.

    Such wires are registers that are only assigned their initial value, multiplexers between equal
    constants, and ports that are constant in every instance. Modules are changed in place, until no
    more constants are found.

    Parameters
    ----------
    modules : list of Module
        The top module first; its inputs are never constant.
    """
    by_name = {module.name: module for module in modules}
    # a netlist needs only the ports of its children
    children = {name: ChildModule(module) for name, module in by_name.items()}
    users: dict[str, list[tuple[Module, RTLILCell]]] = {name: [] for name in by_name}
    for module in modules:
        for cell in module.cells:
            if cell.kind in by_name:
                users[cell.kind].append((module, cell))
    nets = {name: Netlist(module, children) for name, module in by_name.items()}
    new = set(nets)
    while True:
        changed: set[str] = set()
        for module in modules:
            net = nets[module.name]
            inputs = _inputs(module, nets, users[module.name])
            inner = _registers(net) | _choices(net) if module.name in new else {}
            found = inner | _outputs(net, nets) | inputs
            for wire, value in found.items():
                _settle(module, wire, value)
            if found:
                changed.add(module.name)
            for user, cell in users[module.name] if inputs else []:
                for wire in inputs:
                    del cell.ports[wire.removeprefix("\\")]
                changed.add(user.name)
        if not changed:
            return modules
        for name in changed:
            nets[name] = Netlist(by_name[name], children)
        new = changed


def _registers(net: Netlist) -> dict[str, int]:
    """Return the registers that keep their initial value."""
    found = {}
    for wire, d in net.registers.items():
        first = net.module.wires[wire].init or 0
        own = (Bits(wire, 0, net.module.wires[wire].width),)
        given = [net.resolve(value) for value in _given(net.processes.get(_only(d), []))]
        if given and all(value == own or _is(value, first, own) for value in given):
            found[wire] = first
        # a register without a reset holds data, whose initial value is a don't-care
        if not given and (value := constant(net.resolve(d))) is not None:
            found[wire] = value
    return found


def _choices(net: Netlist) -> dict[str, int]:
    """Return the multiplexers between equal constants."""
    found = {}
    next_values = {_only(d) for d in net.registers.values()}
    for wire in net.processes.keys() - next_values:
        whole = (Bits(wire, 0, net.module.wires[wire].width),)
        given = [net.resolve(value) for value in _given(net.processes[wire])]
        first = constant(given[0])
        if first is not None and all(_is(value, first, whole) for value in given):
            found[wire] = first
    return dict(sorted(found.items()))


def _outputs(net: Netlist, nets: Mapping[str, Netlist]) -> dict[str, int]:
    """Return the wires driven by constant outputs of instances; disconnect these outputs."""
    found = {}
    for cell in net.instances:
        child = nets.get(cell.kind)
        for port, spec in list(cell.ports.items()) if child else []:
            assert child is not None
            wire = "\\" + port
            stands_for = child.stands_for(wire)
            value = constant(stands_for) if stands_for is not None else None
            if child.module.wires[wire].direction == "output" and spec and value is not None:
                found[wire_of(spec)] = value
                del cell.ports[port]
    return found


def _inputs(
    module: Module, nets: Mapping[str, Netlist], users: list[tuple[Module, RTLILCell]]
) -> dict[str, int]:
    """Return the inputs of a module that all its instances connect to the same constant."""
    found = {}
    for wire in module.wires.values():
        if wire.direction == "input" and wire.width and users:
            port = wire.name.removeprefix("\\")
            values = {constant(nets[user.name].resolve(cell.ports[port])) for user, cell in users}
            value = values.pop()
            if not values and value is not None:
                found[wire.name] = value
    return found


def _given(statements: list[Statement]) -> Iterator[Spec]:
    """Yield every value that statements may assign to their target."""
    # an unconditional assignment overrides those before it
    last = max((k for k, s in enumerate(statements) if _always_assigns(s)), default=0)
    for s in statements[last:]:
        if isinstance(s, Assign):
            yield s.value
        else:
            for _, body in s.cases:
                yield from _given(body)


def _always_assigns(statement: Statement) -> bool:
    if isinstance(statement, Assign):
        return True
    bodies = [body for _, body in statement.cases]
    any_other = not statement.cases[-1][0]
    return any_other and all(any(map(_always_assigns, body)) for body in bodies)


def _only(spec: Spec) -> str:
    """Return the wire of a one-chunk specification, or an empty string."""
    return wire_of(spec) if len(spec) == 1 and isinstance(spec[0], Bits) else ""


def _is(value: Spec, number: int, whole: Spec) -> bool:
    # a partial assignment is not a constant
    return width_of(value) == width_of(whole) and constant(value) == number


def _settle(module: Module, wire: str, value: int) -> None:
    """Connect a wire to a constant, and remove its driver."""
    width = module.wires[wire].width
    if module.wires[wire].direction == "input":
        module.wires[wire].direction = ""
    module.cells = [
        cell
        for cell in module.cells
        if not (cell.kind == "$dff" and wire_of(cell.ports["Q"]) == wire)
    ]
    module.processes = [p for p in module.processes if target_of(p) != wire]
    module.connects.append(((Bits(wire, 0, width),), (Const(value, width),)))
