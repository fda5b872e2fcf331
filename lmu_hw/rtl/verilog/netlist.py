"""Graph of a module: resolves aliases, finds dead wires, merges registers into one process."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from .processes import matches, merge, narrowed, possible, reads, retarget, target_of, without_empty
from .rtlil import (
    Assign,
    Bits,
    Const,
    FieldSource,
    Module,
    RTLILCell,
    Spec,
    Statement,
    Switch,
    Wire,
)
from .specs import constant, cut, extended, joined, number, width_of, wire_of

COMPARED: dict[str, Callable[[int, int], bool]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$lt": operator.lt,
    "$le": operator.le,
    "$gt": operator.gt,
    "$ge": operator.ge,
}


class ChildModule:
    """An instantiated module, as far as a `Netlist` needs it: its ports."""

    def __init__(self, module: Module) -> None:
        self.module = module


class Netlist:
    """Drivers of all wires of a module, the live wires, and the number of uses of each.

    Parameters
    ----------
    module : Module
    children : mapping
        Instantiated modules by name: `ChildModule`, or printers.
    """

    keeps_fields = False
    """Whether a named part of a wider signal stays a wire, as the field of a control word."""

    def __init__(self, module: Module, children: Mapping[str, Any]) -> None:
        self.module, self.children = module, children
        self.cells: dict[str, RTLILCell] = {}
        self.registers: dict[str, Spec] = {}
        self.processes: dict[str, list[Statement]] = {}
        self.aliases: dict[str, Spec] = {}
        self.instances: list[RTLILCell] = []
        self.instance_outputs: set[str] = set()
        self.fields: dict[str, Bits] = {}
        self.named_results: dict[str, str] = {}
        self._fields_of: dict[str, list[tuple[str, Bits]]] = {}
        self._resolved: dict[str, Spec | None] = {}
        self._simple: dict[str, Spec | None] = {}
        self._collect()
        if self.keeps_fields:
            self._keep_fields()

    # drivers

    def _collect(self) -> None:
        for cell in self.module.cells:
            if cell.kind == "$dff":
                self.registers[wire_of(cell.ports["Q"])] = cell.ports["D"]
            elif cell.kind.startswith("$"):
                self.cells[wire_of(cell.ports["Y"])] = cell
            else:
                self.instances.append(cell)
                for port, spec in cell.ports.items():
                    if self.is_output(cell, port) and spec:
                        self.instance_outputs.add(wire_of(spec))
        self.aliases = self._connected()
        for statements in self.module.processes:
            self.processes[target_of(statements)] = self._settled(statements)

    def _keep_fields(self) -> None:
        fields = self._named_parts()
        self._resolved.clear()
        self._simple.clear()
        self.fields = fields
        for wire, chunk in fields.items():
            self._fields_of.setdefault(chunk.wire, []).append((wire, chunk))
        for target, statements in self.processes.items():
            self.processes[target] = self._settled(statements)

    def _connected(self) -> dict[str, Spec]:
        """Return the value of each connected wire, with its parts joined."""
        parts: dict[str, list[tuple[Bits, Spec]]] = {}
        for (chunk,), value in self.module.connects:
            assert isinstance(chunk, Bits)
            parts.setdefault(chunk.wire, []).append((chunk, value))
        found = {}
        for wire, pieces in parts.items():
            pieces.sort(key=lambda piece: piece[0].low)
            found[wire] = joined([c for _, value in pieces for c in value])
            # partially driven wires are not supported
            assert width_of(found[wire]) == self.module.wires[wire].width, wire
        return found

    def _settled(self, statements: list[Statement]) -> list[Statement]:
        """Return the statements with switches on constants replaced by the selected case."""
        found: list[Statement] = []
        for s in statements:
            if isinstance(s, Assign):
                found.append(s)
                continue
            test = self.resolve(s.test)
            cases = []
            for patterns, body in s.cases:
                kept = possible(patterns, test)
                if kept is not None:
                    cases.append((kept, self._settled(body)))
                if kept == ():
                    break
            value = constant(test)
            if value is None:
                test, cases = narrowed(test, cases)
                if cases and not cases[0][0]:
                    found += cases[0][1]
                elif cases:
                    found.append(Switch(test, cases))
                continue
            digits = f"{value:b}".zfill(width_of(test)) if test else ""
            for patterns, body in cases:
                if not patterns or any(matches(digits, p) for p in patterns):
                    found += body
                    break
        return found

    def is_output(self, cell: RTLILCell, port: str) -> bool:
        child = self.children.get(cell.kind)
        if child:
            return child.module.wires["\\" + port].direction == "output"
        return port in ("word", "read_word")

    def resolve(self, spec: Spec) -> Spec:
        """Return the bits with aliases and trivial operators resolved."""
        if len(spec) == 1 and isinstance(spec[0], Const):
            return spec
        chunks: list[Const | Bits] = []
        for chunk in spec:
            if isinstance(chunk, Bits) and not isinstance(chunk, FieldSource):
                if self.module.wires[chunk.wire].width == 0:
                    continue
                value = self._stands_for(chunk.wire)
                if value is not None:
                    chunks += cut(value, chunk.low, chunk.width)
                    continue
                chunk = self._by_field(chunk)
            chunks.append(chunk)
        return joined(chunks) if len(chunks) > 1 else tuple(chunks)

    def _stands_for(self, wire: str) -> Spec | None:
        if wire not in self._resolved:
            self._resolved[wire] = None
            if self.module.wires[wire].direction != "output":
                self._resolved[wire] = self.stands_for(wire)
        return self._resolved[wire]

    def _named_parts(self) -> dict[str, Bits]:
        """Return the named parts of wider signals, which are not only passed on."""
        passed = {
            (port, self.resolve(spec))
            for cell in self.instances
            for port, spec in cell.ports.items()
            if not self.is_output(cell, port)
        }
        found: dict[str, Bits] = {}
        for wire in self.aliases:
            value = self.resolve(self.aliases[wire])
            (chunk, *others) = value or (None,)
            is_passed = "$" in wire or (wire.removeprefix("\\"), value) in passed
            if not isinstance(chunk, Bits) or is_passed:
                continue
            whole = self.module.wires[chunk.wire]
            if chunk.wire.startswith("$") and chunk.low == 0:
                # extended or truncated
                self.named_results.setdefault(chunk.wire, wire)
            elif chunk.width < whole.width and not whole.direction and not others:
                found[wire] = chunk
        return found

    def _by_field(self, chunk: Bits) -> Bits:
        """Return the bits as those of the narrowest field that holds them."""
        best = None
        for wire, part in self._fields_of.get(chunk.wire, ()):
            inside = part.low <= chunk.low and chunk.low + chunk.width <= part.low + part.width
            if inside and (best is None or part.width < best[1].width):
                best = wire, part
        return chunk if best is None else Bits(best[0], chunk.low - best[1].low, chunk.width)

    def stands_for(self, wire: str) -> Spec | None:
        """Return the bits that a wire, possibly an output, is an alias of; None if it is none."""
        if wire in self.fields:
            return None
        if wire in self.aliases:
            return self.resolve(self.aliases[wire])
        value = self.simple(wire) if wire in self.cells else None
        named = wire.startswith("\\")
        if value is not None and named and not all(isinstance(c, Const) for c in value):
            value = None
        return value

    def simple(self, wire: str) -> Spec | None:
        """Return the result of an operator that is only wiring, else None."""
        if wire not in self._simple:
            self._simple[wire] = self._wiring(self.cells[wire])
        return self._simple[wire]

    def _wiring(self, cell: RTLILCell) -> Spec | None:
        p = cell.parameters
        width = int(p.get("Y_WIDTH", p.get("WIDTH", 1)))
        a, b = self.resolve(cell.ports.get("A", ())), self.resolve(cell.ports.get("B", ()))
        signed = bool(p.get("A_SIGNED"))
        kind = cell.kind
        if kind == "$mux":
            s = constant(self.resolve(cell.ports["S"]))
            return a if a == b or s == 0 else b if s == 1 else None
        if kind in ("$shl", "$shr", "$sshr", "$sshl") and constant(b) is not None:
            amount = constant(b) or 0
            if kind in ("$shl", "$sshl"):
                return cut(extended((Const(0, amount), *a), signed, width), 0, width)
            return cut(extended(a, signed, amount + width), amount, width)
        if kind == "$pos":
            return extended(a, signed, width)
        x, y = constant(a), constant(b)
        if kind in ("$add", "$or", "$sub") and y == 0:
            return extended(a, signed, width)
        if kind in ("$add", "$or") and x == 0:
            return extended(b, signed, width)
        if kind == "$and" and 0 in (x, y):
            return (Const(0, width),)
        if kind == "$and" and width == 1 and 1 in (x, y):
            return b if x == 1 else a
        if kind == "$or" and width == 1 and 1 in (x, y):
            return (Const(1, 1),)
        if kind in COMPARED and x is not None and y is not None:
            x, y = (number(spec, signed) for spec in (a, b))
            return (Const(int(COMPARED[kind](x, y)), 1),)
        if kind in ("$add", "$sub") and x is not None and y is not None:
            x, y = (number(spec, signed) for spec in (a, b))
            return (Const((x + y if kind == "$add" else x - y) % (1 << width), width),)
        if kind in ("$not", "$logic_not") and width == 1 and x is not None:
            return (Const(int(not x), 1),)
        return None

    # live wires

    def operands(self, wire: str) -> list[Spec]:
        """Return the operands of a wire's driver."""
        if wire in self.registers:
            d = self.registers[wire]
            inner = wire_of(d) if len(d) == 1 and isinstance(d[0], Bits) else ""
            return reads(self.processes[inner]) if inner in self.processes else [d]
        if wire in self.processes:
            return reads(self.processes[wire])
        if wire in self.fields:
            return [self.source_of(wire)]
        if wire in self.aliases:
            return [self.aliases[wire]]
        if wire in self.cells:
            simple = self.simple(wire)
            if simple is not None:
                return [simple]
            return [spec for port, spec in self.cells[wire].ports.items() if port != "Y"]
        return []

    def source_of(self, field: str) -> Spec:
        """Return the bits that a field names."""
        part = self.fields[field]
        return (FieldSource(part.wire, part.low, part.width),)

    def _roots(self) -> list[Spec]:
        outputs = [(Bits(w.name, 0, w.width),) for w in self._ports if w.direction == "output"]
        inputs = [
            spec
            for cell in self.instances
            for port, spec in cell.ports.items()
            if not self.is_output(cell, port)
        ]
        return [*outputs, *inputs]

    @cached_property
    def _ports(self) -> list[Wire]:
        ports = [w for w in self.module.wires.values() if w.direction and w.width]
        return sorted(ports, key=lambda w: w.direction)

    @cached_property
    def live(self) -> set[str]:
        """The wires that outputs and instances depend on."""
        live: set[str] = set()
        todo = [
            chunk.wire
            for spec in self._roots()
            for chunk in self.resolve(spec)
            if isinstance(chunk, Bits)
        ]
        while todo:
            wire = todo.pop()
            if wire not in live:
                live.add(wire)
                for spec in self.operands(wire):
                    todo += [c.wire for c in self.resolve(spec) if isinstance(c, Bits)]
        return live

    def needed(self) -> set[str]:
        """Return the live wires, and those that they are connected to by wiring alone."""
        found: set[str] = set()
        todo = self._roots()
        while todo:
            for chunk in todo.pop():
                if not isinstance(chunk, Bits) or chunk.wire in found:
                    continue
                wire = chunk.wire
                found.add(wire)
                if wire in self.registers:
                    todo.append(self.registers[wire])
                elif wire in self.processes:
                    todo += reads(self.processes[wire])
                elif wire in self.aliases:
                    todo.append(self.aliases[wire])
                elif wire in self.cells:
                    todo += [s for port, s in self.cells[wire].ports.items() if port != "Y"]
        return found

    @property
    def clocked(self) -> list[Statement]:
        """The clocked process of all live registers."""
        return self._clocked[0]

    @property
    def resets(self) -> list[Assign]:
        """The reset assignments of the clocked process."""
        return self._clocked[1]

    @cached_property
    def _clocked(self) -> tuple[list[Statement], list[Assign]]:
        """One clocked process for all live registers, and their reset assignments."""
        merged: list[Statement] = []
        resets: list[Assign] = []
        for wire, d in self.registers.items():
            if wire not in self.live:
                continue
            whole = Bits(wire, 0, self.module.wires[wire].width)
            inner = wire_of(d) if len(d) == 1 and isinstance(d[0], Bits) else ""
            statements = list(self.processes.get(inner, [Assign(whole, d)]))
            last = statements[-1]
            if isinstance(last, Switch) and last.test == (Bits("\\rst", 0, 1),):
                resets.append(
                    Assign(whole, (Const(self.module.wires[wire].init or 0, whole.width),))
                )
                statements.pop()
            mine = [retarget(s, whole) for s in statements]
            merge(merged, [s for s in mine if s != Assign(whole, (whole,))])
        return without_empty(merged), resets

    def uses_of_wires(self) -> list[Spec]:
        """Return all that outputs, instances, registers and live operators read."""
        specs = [*self._roots(), *reads(self.clocked)]
        for wire in self.live:
            if wire not in self.registers:
                specs += self.operands(wire)
        return specs

    @cached_property
    def uses(self) -> Counter[str]:
        """How often each wire is read."""
        chunks = (chunk for spec in self.uses_of_wires() for chunk in self.resolve(spec))
        return Counter(chunk.wire for chunk in chunks if isinstance(chunk, Bits))
