"""Verilog names of the wires and the enumerations of a module."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ..._support.identifiers import VERILOG_WORDS
from .netlist import Netlist
from .rtlil import Bits, Module, RTLILCell, Spec, Wire
from .specs import trimmed, unextended, wire_of

COMPARE = {"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="}
STEM = {
    "$add": "sum",
    "$sub": "difference",
    "$mul": "product",
    "$mux": "choice",
    "$not": "inverted",
    "$reduce_and": "all",
    "$reduce_or": "any",
    "$reduce_bool": "any",
} | dict.fromkeys(COMPARE, "test")
"""Last part of the name of an intermediate result."""


class WireNames(Netlist):
    """A netlist with a Verilog name for each wire.

    A wire without a name in the source, which holds an intermediate result, is named after the
    first wire that depends on it, when the text first needs it.

    Parameters
    ----------
    module, children
        As for `Netlist`.
    documented : collection of str
        Names of ports to prefer.
    """

    keeps_fields = True

    def __init__(
        self, module: Module, children: Mapping[str, Any], documented: Collection[str] = ()
    ) -> None:
        super().__init__(module, children)
        self._documented = documented
        self.names: dict[str, str] = {}
        self._taken = {cell.name for cell in self.instances} | VERILOG_WORDS
        self._ports_at: dict[str, set[str]] = {}
        self._give_names()
        self._serves = self._consumers()
        self.declared: list[str] = []
        """Intermediate results in the order of their first use."""
        self.members: dict[str, tuple[int, int]] = {}
        """Width and value of the members of enumerations that the text names."""

    def _give(self, wire: str, name: str) -> None:
        assert re.fullmatch(r"[A-Za-z_]\w*", name), name
        unique, n = name, 2
        while unique in self._taken:
            unique, n = f"{name}_{n}", n + 1
        self.names[wire] = unique
        self._taken.add(unique)

    def _give_names(self) -> None:
        at_instance = self._at_instances()
        others = self._other_names()
        for w in self._ports:
            self._give(w.name, self._port_base(w, others.get(w.name, []), at_instance))
        for wire in self.module.wires:
            is_named = wire.startswith("\\") or wire in self.instance_outputs
            if wire in self.names or not is_named or wire not in self.live:
                continue
            self._give(wire, self._wire_base(wire, others.get(wire, []), at_instance))

    def _wire_base(self, wire: str, others: list[str], at_instance: Mapping[str, str]) -> str:
        """Return the name of a wire, rather not that of an instance's port."""
        if wire in self.instance_outputs:
            return at_instance[wire]
        base = base_name(wire)
        if "$" in wire or base in self._ports_at.get(wire, ()):
            for other in map(base_name, (n for n in others if "$" not in n)):
                if other not in self._taken and other not in self._ports_at.get(wire, ()):
                    return other
        if wire in at_instance and ("$" in wire or base in self._taken):
            return at_instance[wire]
        return base

    def _port_base(self, port: Wire, others: list[str], at_instance: Mapping[str, str]) -> str:
        """Return the name of a port: one of its signal's that the block describes, if any."""
        names = [base_name(name) for name in (port.name, *others)]
        known = [name for name in names if pattern_of(name) in self._documented]
        if known:
            return known[0]
        if names[0] == "port" and "$" in port.name:
            for name in self.aliases:
                held = [c.wire for c in self.resolve(self.aliases[name]) if isinstance(c, Bits)]
                if port.name in held and base_name(name) in self._documented:
                    return base_name(name)
            return at_instance.get(port.name, "port").split("_", 1)[-1]
        return names[0]

    def _other_names(self) -> dict[str, list[str]]:
        """Return the names of the signals that are the whole of each wire, or that extended."""
        found: dict[str, list[str]] = {}
        for name in self.aliases:
            # a narrow port may bring in a wide signal, without the copies of its sign
            value = unextended(trimmed(self.resolve(self.aliases[name])))
            chunk = value[0] if len(value) == 1 else None
            if not isinstance(chunk, Bits) or not name.startswith("\\"):
                continue
            if chunk.width == self.module.wires[chunk.wire].width:
                found.setdefault(chunk.wire, []).append(name)
        return found

    def _at_instances(self) -> dict[str, str]:
        """Return the name of an instance's port for each wire at one, outputs first."""
        found: dict[str, str] = {}
        for cell in self.instances:
            for port, spec in cell.ports.items():
                if len(spec) == 1 and isinstance(spec[0], Bits):
                    for chunk in (spec[0], *self.resolve(spec)):
                        if isinstance(chunk, Bits):
                            ports = self._ports_at.setdefault(chunk.wire, set())
                            ports |= {self.port_name(cell, port), base_name(port)}
                    name = f"{cell.name}_{self.port_name(cell, port)}"
                    if self.is_output(cell, port):
                        found[wire_of(spec)] = name
                    else:
                        found.setdefault(wire_of(spec), name)
        return found

    def _consumers(self) -> dict[str, str]:
        """Return the first named wire that depends on each intermediate result."""
        found: dict[str, str] = {}
        todo: list[tuple[str, list[Spec]]] = [
            (name, self.operands(wire)) for wire, name in list(self.names.items())
        ]
        for cell in self.instances:
            ports = cell.ports.items()
            todo += [(f"{cell.name}_{self.port_name(cell, port)}", [spec]) for port, spec in ports]
        for name, specs in todo:  # grows during the loop: the nearest wires come first
            for spec in specs:
                for chunk in self.resolve(spec):
                    if isinstance(chunk, Bits) and chunk.wire not in self.names | found:
                        found[chunk.wire] = name
                        todo.append((name, self.operands(chunk.wire)))
        return found

    def _name(self, wire: str) -> str:
        if wire in self.fields and wire not in self.names:
            # a part of what the logic reads, which happens to be a field
            self._give(wire, base_name(wire))
            self.declared.append(wire)
        if wire.startswith("$") and wire not in self.instance_outputs:
            if wire not in self.names:
                self._give(wire, self._result_name(wire))
            if wire not in self.declared:
                self.declared.append(wire)
        return self.names[wire]

    def _result_name(self, wire: str) -> str:
        """Return a name for an intermediate result: its own in the source, or one for its use."""
        if wire in self.named_results:
            return base_name(self.named_results[wire])
        kind = self.cells[wire].kind if wire in self.cells else ""
        return f"{self._serves.get(wire, '')}_{STEM.get(kind, 'value')}".strip("_")

    def port_name(self, cell: RTLILCell, port: str) -> str:
        """Return the Verilog name of a port of an instance."""
        child = self.children.get(cell.kind)
        return child.names.get("\\" + port, port) if child else port

    def member(self, wire: Wire, value: int) -> str:
        """Return the name of a constant for a member of the enumeration of a wire."""
        prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", wire.enum.rpartition(".")[2]).upper()
        name = f"{prefix}_{wire.members[value].upper()}"
        entry = (wire.width, value)
        while self.members.setdefault(name, entry) != entry:
            name += "_"
        return name


def base_name(wire: str) -> str:
    """Return the name of a wire without the suffix that Amaranth adds to make it unique."""
    name = re.sub(r"\$\d+.*", "", wire.removeprefix("\\")).lstrip("$")
    # parts of interfaces and arrays are joined by two underscores
    name = name.replace("__payload", "_data").replace("__", "_")
    return {"fsm_state": "state", "": "value"}.get(name, name)


def pattern_of(name: str) -> str:
    """Return a name with a hash in place of the number at its end.

    Examples
    --------
    >>> pattern_of("words_12")
    'words_#'
    """
    return re.sub(r"_\d+$", "_#", name)
