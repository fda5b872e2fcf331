"""Verilog text of continuous assignments and of the clocked block of a module."""

from __future__ import annotations

from .processes import Choice, Choices, choice, condition_of, is_constant, is_flag, value_width
from .rtlil import Assign, Bits, RTLILCell, Spec, Statement, Switch, Wire
from .specs import constant, width_of
from .verilog_expressions import ARITHMETIC, BITWISE, Expressions, Text, literal, negated


class Statements(Expressions):
    """A netlist with a Verilog text for each assignment and register."""

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

    def _choice_text(self, value: Choices, alone: bool, indent: int, target: Spec = ()) -> Text:
        """Return the text of multiplexers, whose constants may be members of an enumeration."""
        if not isinstance(value, Choice):
            number = constant(value)
            name = None if number is None else self._enumerated(target, number)
            return name or self.exact(value, alone=alone)
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
        yes = self._choice_text(value.yes, False, indent + 2, target)
        no = self._choice_text(value.no, False, indent, target)
        head = yes.inside("?") if yes.operator == "?" else str(yes)
        text = f"{test.inside('?')} ? {head} :\n{' ' * indent}{no}"
        return Text(text, "?")

    def _equals(self, test: Spec, value: int) -> Text:
        if width_of(test) == 1:
            text = self.closed(test)
            return text if value else negated(text)
        number = self._enumerated(test, value) or literal(value, width_of(test))
        return Text(f"{self.closed(test).inside('==')} == {number}", "==")

    def _assigned(self, wire: str) -> str:
        """Return the expression that a wire is assigned; empty if it has no driver here."""
        if wire in self.processes:
            value = self._value(self.processes[wire], ())
            if isinstance(value, Choice):
                whole = (Bits(wire, 0, self.module.wires[wire].width),)
                return str(self._choice_text(value, True, 4, whole))
            return str(self.exact(value))
        if wire in self.cells:
            cell = self.cells[wire]
            simple = self.simple(wire)
            return self._cell_text(cell) if simple is None else str(self.exact(simple))
        if wire in self.fields:
            return str(self.exact(self.source_of(wire)))
        return str(self.exact(self.aliases[wire])) if wire in self.aliases else ""

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
            return f"{name} <= {self._constant(wire, value)};"
        return f"{name} <= {self.exact(statement.value)};"

    def _constant(self, wire: Wire, value: int) -> str:
        """Return a constant to assign to a wire."""
        member = self._enumerated((Bits(wire.name, 0, wire.width),), value)
        return str(member or literal(value, wire.width, signed=wire.signed))

    def _statements(self, statements: list[Statement], indent: int) -> list[str]:
        pad = " " * indent
        lines: list[str] = []
        for s in statements:
            if isinstance(s, Assign):
                lines.append(pad + self._set(s))
                continue
            test = self.resolve(s.test)
            if all((p and all(is_flag(q) for q in p)) or not p for p, _ in s.cases):
                _append(lines, self._if_chain(test, s, indent))
                continue
            casez = any("-" in q for p, _ in s.cases for q in p)
            lines.append(f"{pad}{'casez' if casez else 'case'} ({self.closed(test)})")
            for patterns, body in s.cases:
                width = width_of(test)
                label = ", ".join(
                    f"{width}'b{q.replace('-', '?')}"
                    if casez
                    else str(self._enumerated(test, int(q, 2)) or literal(int(q, 2), width))
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


def _is_complete(s: Switch, width: int) -> bool:
    """Return whether the cases of a switch cover every value of its test."""
    exact = {q for patterns, _ in s.cases for q in patterns if "-" not in q}
    return len(exact) == 1 << width or any(not patterns for patterns, _ in s.cases)


def _append(lines: list[str], chain: list[str]) -> None:
    """Append an if statement; join it with the one before it if that has the same condition."""
    pad = chain[0][: len(chain[0]) - len(chain[0].lstrip())]
    heads = [k for k, line in enumerate(lines) if line.startswith(pad) and line[len(pad)] != " "]
    follows = len(heads) > 1 and lines[heads[-2]] == chain[0] and lines[-1] == f"{pad}end"
    if follows and not any(line.startswith(f"{pad}end else") for line in chain):
        lines.pop()
        chain = chain[1:]
    lines += chain
