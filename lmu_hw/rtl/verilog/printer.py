"""Verilog text of whole modules."""

from __future__ import annotations

from .processes import Choice, Choices, choice, condition_of, is_constant, is_flag, value_width
from .rtlil import Assign, Module, RTLILCell, Spec, Statement, Switch, Wire
from .specs import constant, width_of, wire_of
from .verilog_expressions import ARITHMETIC, BITWISE, Expressions, Text, literal, negated

INHERITED = "MEM_DIR"
"""A parameter that every module passes on to the instances that have it."""


def to_verilog(modules: list[Module], comments: dict[str, str]) -> str:
    """Return the text of all modules.

    Parameters
    ----------
    modules : list of Module
        The top module first; unused modules are left out.
    comments : dict
        Comment line above a module, by its name.
    """
    by_name = {m.name: m for m in modules}
    printers: dict[str, Printer] = {}

    def visit(module: Module) -> None:
        for cell in module.cells:
            if cell.kind in by_name and cell.kind not in printers:
                visit(by_name[cell.kind])
        printers[module.name] = Printer(module, printers)

    visit(modules[0])
    used = [m.name for m in modules if m.name in printers]
    heads = (f"// {comments[name]}\n" if name in comments else "" for name in used)
    return "\n".join(head + printers[name].text for head, name in zip(heads, used, strict=True))


class Printer(Expressions):
    """Generates the text of a module."""

    def __init__(self, module: Module, children: dict[str, Printer]) -> None:
        super().__init__(module, children)
        self.parameters: dict[str, int | str] = {}
        for cell in self.instances:
            for key, value in children.get(cell.kind, cell).parameters.items():
                if key == INHERITED:
                    self.parameters[key] = value
        self.text = self._text()

    # continuous assignments from processes

    def _value(self, statements: list[Statement], value: Choices) -> Choices:
        for statement in statements:
            if isinstance(statement, Assign):
                value = self.resolve(statement.value)
                continue
            test = self.resolve(statement.test)
            cases = [(patterns, self._value(body, value)) for patterns, body in statement.cases]
            disjoint = all("-" not in p for patterns, _ in cases for p in patterns)
            default = next((v for patterns, v in cases if not patterns), None)
            listed = [(p, v) for patterns, v in cases for p in patterns]
            if default is None and disjoint and len(listed) == 1 << width_of(test):
                # the cases are complete: the most common value becomes the default
                default = max((v for _, v in listed), key=lambda d: sum(v == d for _, v in listed))
            fall = value if default is None else default
            result = fall
            for pattern, v in reversed(listed):
                if not (disjoint and v == fall):
                    result = choice(*condition_of(test, pattern), v, result)
            value = result
        return value

    def _choice_text(self, value: Choices, alone: bool, indent: int) -> Text:
        if not isinstance(value, Choice):
            return self.exact(value, alone=alone)
        test = self._equals(value.test, value.value)
        if (
            isinstance(value.yes, tuple)
            and width_of(value.yes) == 1
            and constant(value.yes) is not None
        ):
            rest = self._choice_text(value.no, False, indent)
            op = "||" if constant(value.yes) else "&&"
            head = test if op == "||" else negated(test)
            if is_constant(value.no, 1 - (constant(value.yes) or 0)):
                return head
            return Text(f"{head.inside(op)} {op} {rest.inside(op)}", op)
        if is_constant(value.no, 0) and value_width(value.yes) == 1:
            rest = self._choice_text(value.yes, False, indent)
            return Text(f"{test.inside('&&')} && {rest.inside('&&')}", "&&")
        yes = self._choice_text(value.yes, False, indent + 2)
        no = self._choice_text(value.no, False, indent)
        head = yes.inside("?") if isinstance(value.yes, Choice) else str(yes)
        text = f"{test.inside('?')} ? {head} :\n{' ' * indent}{no}"
        return Text(text, "?")

    def _equals(self, test: Spec, value: int) -> Text:
        if width_of(test) == 1:
            text = self.closed(test)
            return text if value else negated(text)
        return Text(f"{self.closed(test).inside('==')} == {literal(value, width_of(test))}", "==")

    # text

    def _text(self) -> str:
        self.reset_wires = {statement.target.wire for statement in self.resets}
        ports = [self._declaration(w, w.direction + " ") for w in self._ports]
        body = self._clocked_text()
        assigns: dict[str, str] = {}
        for wire in self.module.wires:
            if (
                wire in self.live
                and wire not in self.registers
                and wire not in self.instance_outputs
            ):
                text = "" if wire.startswith("$") else self._assign(wire)
                if text:
                    assigns[wire] = text
        instances = [self._instance(cell) for cell in self.instances]
        for wire in self.declared:  # grows during the loop
            assigns[wire] = self._assign(wire)
        declarations = [
            "  " + self._declaration(w, "reg " if name in self.registers else "wire ") + ";"
            for name, w in self.module.wires.items()
            if name in self.names and not w.direction and (name.startswith("\\") or name in assigns)
        ]
        order = [w for w in self.module.wires if w in assigns]
        blocks = [
            declarations,
            [assigns[w] for w in order],
            body,
            instances,
        ]
        name = self.module.name.replace(".", "_")
        parameters = [f"  parameter {key} = {_value(v)}" for key, v in self.parameters.items()]
        head = " #(\n" + ",\n".join(parameters) + "\n)" if parameters else ""
        head = f"module {name}{head} (\n  " + ",\n  ".join(ports) + "\n);\n"
        return head + "\n".join("\n".join(b) + "\n" for b in blocks if b) + "endmodule\n"

    def _declaration(self, wire: Wire, kind: str) -> str:
        is_register = wire.name in self.registers
        if wire.direction == "output":
            kind = "output reg  " if is_register else "output wire "
        elif wire.direction:
            kind = "input  wire "
        signed = "signed " if wire.signed else ""
        span = f"[{wire.width - 1}:0] " if wire.width > 1 else ""
        # data registers have no reset, so nothing may depend on an initial value
        has_first = is_register and wire.name in self.reset_wires
        init = f" = {literal(wire.init or 0, wire.width, signed=wire.signed)}" if has_first else ""
        return f"{kind}{signed}{span}{self.names[wire.name]}{init}"

    def _assign(self, wire: str) -> str:
        name = self.names[wire]
        if wire in self.processes:
            value = self._value(self.processes[wire], ())
            if isinstance(value, Choice):
                text = str(self._choice_text(value, True, 4))
                return f"  assign {name} ={chr(10) + '    ' if chr(10) in text else ' '}{text};"
            return f"  assign {name} = {self.exact(value)};"
        if wire in self.cells:
            cell = self.cells[wire]
            simple = self._simple(cell)
            if simple is not None:
                return f"  assign {name} = {self.exact(simple)};"
            return f"  assign {name} = {self._cell_text(cell)};"
        if wire in self.aliases:
            return f"  assign {name} = {self.exact(self.aliases[wire])};"
        return ""

    def _cell_text(self, cell: RTLILCell) -> str:
        if cell.kind in ARITHMETIC:
            return str(self._arithmetic(cell, int(cell.parameters["Y_WIDTH"])))
        text = self._operator(cell)
        if text is not None:
            return str(text)
        a, b = cell.ports["A"], cell.ports.get("B", ())
        if cell.kind == "$not":
            return "~" + self.closed(a).inside("unary")
        if cell.kind == "$shift":
            return f"{self.closed(a).inside('>>')} >> {self.closed(b).inside('>>')}"
        if cell.kind in BITWISE:
            op = BITWISE[cell.kind]
            left, right = self._alike(cell)
            return f"{left.inside(op)} {op} {right.inside(op)}"
        raise NotImplementedError(f"no Verilog for RTLIL operator {cell.kind}")

    def _instance(self, cell: RTLILCell) -> str:
        child = self.children.get(cell.kind)
        given = cell.parameters | (child.parameters if child else {})
        parameters = [f".{k}({k if k == INHERITED else _value(v)})" for k, v in given.items()]
        ports = []
        for port, spec in cell.ports.items():
            if child and child.module.wires["\\" + port].width == 0:
                continue
            is_output = self._is_output(cell, port)
            text = self.names.get(wire_of(spec), "") if is_output else str(self.closed(spec))
            ports.append(f"    .{self._port_name(cell, port)}({text})")
        head = f" #({', '.join(parameters)})" if parameters else ""
        return (
            f"  {cell.kind.replace('.', '_')}{head} {cell.name} (\n" + ",\n".join(ports) + "\n  );"
        )

    def _clocked_text(self) -> list[str]:
        if not self.clocked:
            return []
        lines = self._statements(self.clocked, 4)
        if self.resets:
            lines.append("    if (rst) begin")
            lines += [f"      {self._set(s)}" for s in self.resets]
            lines.append("    end")
        return ["  always @(posedge clk) begin", *lines, "  end"]

    def _set(self, statement: Assign) -> str:
        wire = self.module.wires[statement.target.wire]
        value = constant(self.resolve(statement.value))
        name = self.names[wire.name]
        if value is not None:
            return f"{name} <= {literal(value, wire.width, signed=wire.signed)};"
        return f"{name} <= {self.exact(statement.value)};"

    def _statements(self, statements: list[Statement], indent: int) -> list[str]:
        pad = " " * indent
        lines: list[str] = []
        for s in statements:
            if isinstance(s, Assign):
                lines.append(pad + self._set(s))
                continue
            test = self.resolve(s.test)
            if all((p and all(is_flag(q) for q in p)) or not p for p, _ in s.cases):
                lines += self._if_chain(test, s, indent)
                continue
            casez = any("-" in q for p, _ in s.cases for q in p)
            lines.append(f"{pad}{'casez' if casez else 'case'} ({self.closed(test)})")
            for patterns, body in s.cases:
                width = width_of(test)
                label = ", ".join(
                    f"{width}'b{q.replace('-', '?')}" if casez else literal(int(q, 2), width)
                    for q in patterns
                )
                lines.append(f"{pad}  {label or 'default'}: begin")
                lines += [*self._statements(body, indent + 4), f"{pad}  end"]
            if not _is_complete(s, width_of(test)):
                lines.append(f"{pad}  default: ;")
            lines.append(f"{pad}endcase")
        return lines

    def _if_chain(self, test: Spec, s: Switch, indent: int) -> list[str]:
        pad = " " * indent
        lines: list[str] = []
        word = "if"
        for patterns, body in s.cases:
            if patterns:
                bits = [self._equals(*condition_of(test, p)) for p in patterns]
                condition = " || ".join(b.inside("||") for b in bits) if len(bits) > 1 else bits[0]
                lines.append(f"{pad}{word} ({condition}) begin")
            else:
                lines.append(f"{pad}{word.removesuffix(' if')} begin")
            lines += self._statements(body, indent + 2)
            word = "end else if"
        return [*lines, f"{pad}end"]


def _value(parameter: int | str) -> str:
    return f'"{parameter}"' if isinstance(parameter, str) else str(parameter)


def _is_complete(s: Switch, width: int) -> bool:
    """Return whether the cases of a switch cover every value of its test."""
    exact = {q for patterns, _ in s.cases for q in patterns if "-" not in q}
    return len(exact) == 1 << width or any(not patterns for patterns, _ in s.cases)
