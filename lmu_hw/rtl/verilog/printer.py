"""Verilog text of whole modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .port_groups import port_groups
from .rtlil import Module, RTLILCell, Spec, Wire
from .specs import constant, wire_of
from .verilog_expressions import literal
from .verilog_lines import MAX_LINE, comment, continuous, read, wrapped
from .verilog_statements import Statements
from .wire_names import pattern_of

INHERITED = "MEM_DIR"
"""A parameter that every module passes on to the instances that have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleComments:
    """Comments of a module.

    Parameters
    ----------
    above : tuple of str
        Paragraphs above the module; empty for an empty line.
    ports : mapping
        Text for a port, by its name; ``words_#`` for ``words_0`` and so on.
    """

    above: tuple[str, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)

    def of_port(self, name: str) -> str:
        """Return the text for a port."""
        return self.ports.get(self._key(name), "")

    def place(self, name: str) -> int:
        """Return the place of a port among all that have a text, which are in order."""
        names = list(self.ports)
        key = self._key(name)
        return names.index(key) if key in self.ports else len(names)

    def _key(self, name: str) -> str:
        keys = (name, pattern_of(name), re.sub(r"_\d+$", "", name))
        return next((key for key in keys if key in self.ports), "")


def to_verilog(modules: list[Module], comments: Mapping[str, ModuleComments]) -> str:
    """Return the text of all modules.

    Parameters
    ----------
    modules : list of Module
        The top module first; unused modules are left out.
    comments : mapping
        Comments by the name of the module.
    """
    printers = printers_of(modules, comments)
    return "\n".join(printers[m.name].text for m in modules if m.name in printers)


def printers_of(
    modules: list[Module], comments: Mapping[str, ModuleComments]
) -> dict[str, Printer]:
    """Return the printers of the modules that the first one uses, by name."""
    by_name = {m.name: m for m in modules}
    printers: dict[str, Printer] = {}

    def visit(module: Module) -> None:
        for cell in module.cells:
            if cell.kind in by_name and cell.kind not in printers:
                visit(by_name[cell.kind])
        about = comments.get(module.name, ModuleComments())
        printers[module.name] = Printer(module, printers, about)

    visit(modules[0])
    return printers


class Printer(Statements):
    """Generates the text of a module."""

    def __init__(
        self, module: Module, children: dict[str, Printer], comments: ModuleComments
    ) -> None:
        super().__init__(module, children, comments.ports)
        self.comments = comments
        directions = {self.names[w.name]: w.direction for w in self._ports}
        order = sorted(directions, key=comments.place)
        self.grouped = port_groups({name: directions[name] for name in order})
        self.parameters: dict[str, int | str] = {}
        for cell in self.instances:
            for key, value in children.get(cell.kind, cell).parameters.items():
                if key == INHERITED:
                    self.parameters[key] = value
        self.text = self._text()

    def _text(self) -> str:
        self.reset_wires = {statement.target.wire for statement in self.resets}
        body = self._clocked_text()
        assigns: dict[str, str] = {}
        for wire in self.module.wires:
            driven = wire in self.registers or wire in self.instance_outputs
            if wire in self.live and not driven:
                text = "" if wire.startswith("$") else self._assigned(wire)
                if text:
                    assigns[wire] = text
        instances = [self._instance(cell) for cell in self.instances]
        for wire in self.declared:  # grows during the loop
            assigns[wire] = self._assigned(wire)
        head = self._head()
        declared = [w for w in self.module.wires.values() if w.name in self.names]
        inner = [w for w in declared if not w.direction]
        values = {self.names[w]: text for w, text in assigns.items()}
        types = {
            self.names[w.name]: self._declaration(w, "wire") for w in inner if w.name in assigns
        }
        outputs = [w for w in inner if w.name in self.instance_outputs]
        blocks = [
            list(self._members()),
            [f"  {self._register(w)};" for w in inner if w.name in self.registers],
            [f"  {self._declaration(w, 'wire')};" for w in outputs],
            continuous(read(values, types, [*body, *instances]), types),
            body,
            instances,
        ]
        return head + "\n".join(wrapped("\n".join(b)) + "\n" for b in blocks if b) + "endmodule\n"

    def _members(self) -> Iterator[str]:
        """Yield the constants for members of enumerations."""
        for name, (width, value) in sorted(self.members.items(), key=_by_enumeration):
            yield f"  localparam [{width - 1}:0] {name} = {literal(value, width)};"

    # ports

    def _head(self) -> str:
        above = [comment(text) if text else "//" for text in self.comments.above]
        parameters = [f"  parameter {key} = {_value(v)}" for key, v in self.parameters.items()]
        given = " #(\n" + ",\n".join(parameters) + "\n)" if parameters else ""
        head = f"module {self.module.name.replace('.', '_')}{given} (\n"
        return "".join(f"{line}\n" for line in above) + head + "\n".join(self._port_lines()) + "\n"

    def _port_lines(self) -> Iterator[str]:
        """Yield the ports in groups, each with its comment."""
        ports = {self.names[w.name]: w for w in self._ports}
        order = [name for names in self.grouped.values() for name in names]
        kinds = {n: f"{w.direction:6} {self._type(w, self._kind(w))}" for n, w in ports.items()}
        width = max(map(len, kinds.values()))
        texts = {
            name: f"  {kinds[name]:{width}} {self._declared(ports[name])}"
            + ("," if name != order[-1] else "")
            for name in order
        }
        column = max(map(len, texts.values())) + 1
        last = ""
        for title, names in self.grouped.items():
            yield ("\n" if names[0] != order[0] else "") + f"  // {title}"
            for name in names:
                about = self.comments.of_port(name)
                if about and column + 4 + len(about) <= MAX_LINE:
                    yield f"{texts[name]:{column}} // {about}"
                else:
                    # ports that share a long comment follow each other
                    if about and about != last:
                        yield comment(about, 2)
                    yield texts[name]
                last = about
        yield ");"

    def _kind(self, wire: Wire) -> str:
        return "reg " if wire.direction == "output" and wire.name in self.registers else "wire"

    def _register(self, wire: Wire) -> str:
        return ("(* keep *) " if wire.kept else "") + self._declaration(wire, "reg")

    def _type(self, wire: Wire, kind: str) -> str:
        signed = " signed" if wire.signed else ""
        span = f" [{wire.width - 1}:0]" if wire.width > 1 else ""
        return f"{kind}{signed}{span}"

    def _declared(self, wire: Wire) -> str:
        """Return the name of a wire, with the initial value of a register that is reset."""
        # data registers have no reset, so nothing may depend on an initial value
        if wire.name not in self.reset_wires:
            return self.names[wire.name]
        value = wire.init or 0
        # names of members are declared behind the ports
        first = literal(value, wire.width, signed=wire.signed)
        return (
            f"{self.names[wire.name]} = {first if wire.direction else self._constant(wire, value)}"
        )

    def _declaration(self, wire: Wire, kind: str) -> str:
        return f"{self._type(wire, kind)} {self._declared(wire)}"

    # instances

    def _instance(self, cell: RTLILCell) -> str:
        child = self.children.get(cell.kind)
        given = cell.parameters | (child.parameters if child else {})
        parameters = [f".{k}({k if k == INHERITED else _value(v)})" for k, v in given.items()]
        ports = []
        for port, spec in self._in_order(cell, child):
            is_output = self.is_output(cell, port)
            text = self.names.get(wire_of(spec), "") if is_output else self._input(cell, port)
            ports.append(f"    .{self.port_name(cell, port)}({text})")
        head = f" #({', '.join(parameters)})" if parameters else ""
        first = f"  {cell.kind.replace('.', '_')}{head} {cell.name} ("
        if len(first) > MAX_LINE:
            listed = ",\n".join(f"    {p}" for p in parameters)
            first = f"  {cell.kind.replace('.', '_')} #(\n{listed}\n  ) {cell.name} ("
        return first + "\n" + ",\n".join(ports) + "\n  );"

    def _in_order(self, cell: RTLILCell, child: Printer | None) -> list[tuple[str, Spec]]:
        """Return the connected ports of an instance in the order of its module."""
        if child is None:
            return sorted(cell.ports.items(), key=lambda entry: self.is_output(cell, entry[0]))
        order = [name for names in child.grouped.values() for name in names]
        ports = {self.port_name(cell, port): (port, spec) for port, spec in cell.ports.items()}
        return [ports[name] for name in order if name in ports]

    def _input(self, cell: RTLILCell, port: str) -> str:
        spec = self.resolve(cell.ports[port])
        child = self.children.get(cell.kind)
        value = constant(spec)
        wire = child.module.wires["\\" + port] if child else None
        if wire is not None and value is not None and wire.width > 1 and value in wire.members:
            return self.member(wire, value)
        return str(self.closed(spec))


def _by_enumeration(entry: tuple[str, tuple[int, int]]) -> tuple[str, int]:
    name, (_, value) = entry
    return name.partition("_")[0], value


def _value(parameter: int | str) -> str:
    return f'"{parameter}"' if isinstance(parameter, str) else str(parameter)
