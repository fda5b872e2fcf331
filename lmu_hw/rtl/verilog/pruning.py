"""Removal of unused ports and instances across all modules."""

from __future__ import annotations

from .netlist import ChildModule, Netlist
from .rtlil import Bits, Module, RTLILCell, Spec, Wire
from .specs import wire_of


def pruned(modules: list[Module]) -> list[Module]:
    """Return the modules without the ports and instances that no output of the top depends on.

    Parameters
    ----------
    modules : list of Module
        The top module first, whose ports are kept. Modules are changed in place.
    """
    live = _Liveness(modules)
    top = modules[0]
    for module in modules:
        net, seen = live.nets[module.name], live.seen[module.name]
        for cell in net.instances:
            outputs = [p for p in cell.ports if live.is_output(cell, p)]
            if not any(live.needs(seen, cell, p) for p in outputs):
                module.cells.remove(cell)
        for wire in module.wires.values():
            if module is not top and wire.direction and not live.is_used(module, wire):
                wire.direction = ""
    for module in modules:
        for cell in module.cells:
            child = live.modules.get(cell.kind)
            if child is not None:
                for port in [p for p in cell.ports if not child.wires["\\" + p].direction]:
                    del cell.ports[port]
    used = {cell.kind for module in modules for cell in module.cells}
    return [module for module in modules if module is top or module.name in used]


class _Liveness:
    """The wires of each module that an output of the top module depends on."""

    def __init__(self, modules: list[Module]) -> None:
        self.modules = {module.name: module for module in modules}
        self.nets: dict[str, Netlist] = {}
        # a netlist needs only the ports of its children
        children = {name: ChildModule(module) for name, module in self.modules.items()}
        self.instances: dict[str, list[tuple[str, RTLILCell]]] = {name: [] for name in self.modules}
        self.drivers: dict[tuple[str, str], tuple[RTLILCell, str]] = {}
        for name, module in self.modules.items():
            net = self.nets[name] = Netlist(module, children)
            for cell in net.instances:
                if cell.kind in self.modules:
                    self.instances[cell.kind].append((name, cell))
                for port, spec in cell.ports.items():
                    if self.is_output(cell, port) and spec:
                        self.drivers[name, wire_of(spec)] = cell, port
        self.seen: dict[str, set[str]] = {name: set() for name in self.modules}
        self._todo: list[tuple[str, str]] = []
        self._reach(modules[0])

    def is_output(self, cell: RTLILCell, port: str) -> bool:
        """Return whether a port of an instance is an output."""
        child = self.modules.get(cell.kind)
        if child is None:
            return port in ("word", "read_word")
        return child.wires["\\" + port].direction == "output"

    def needs(self, seen: set[str], cell: RTLILCell, port: str) -> bool:
        """Return whether the wire at a port of an instance is among ``seen``."""
        return any(isinstance(c, Bits) and c.wire in seen for c in cell.ports[port])

    def is_used(self, module: Module, port: Wire) -> bool:
        """Return whether the module reads an input, or any parent reads an output."""
        if port.direction == "input":
            return port.name in self.seen[module.name]
        name = port.name.removeprefix("\\")
        return any(
            name in cell.ports and self.needs(self.seen[parent], cell, name)
            for parent, cell in self.instances[module.name]
        )

    def _reach(self, top: Module) -> None:
        for output in top.wires.values():
            if output.direction == "output":
                self._add(top.name, (Bits(output.name, 0, output.width),))
        while self._todo:
            name, wire = self._todo.pop()
            net, module = self.nets[name], self.modules[name]
            for spec in net.operands(wire):
                self._add(name, spec)
            if wire in net.registers:
                self._add(name, (Bits("\\clk", 0, 1),))
            if (name, wire) in self.drivers:
                self._enter(name, *self.drivers[name, wire])
            if module.wires[wire].direction == "input":
                for parent, cell in self.instances[name]:
                    self._add(parent, cell.ports[wire.removeprefix("\\")])

    def _enter(self, name: str, cell: RTLILCell, port: str) -> None:
        """Continue inside an instance; for a memory, with all of its inputs."""
        child = self.modules.get(cell.kind)
        if child is not None:
            wire = child.wires["\\" + port]
            self._add(child.name, (Bits(wire.name, 0, wire.width),))
            return
        for other, spec in cell.ports.items():
            if not self.is_output(cell, other):
                self._add(name, spec)

    def _add(self, name: str, spec: Spec) -> None:
        for chunk in self.nets[name].resolve(spec):
            if isinstance(chunk, Bits) and chunk.wire not in self.seen[name]:
                self.seen[name].add(chunk.wire)
                self._todo.append((name, chunk.wire))
