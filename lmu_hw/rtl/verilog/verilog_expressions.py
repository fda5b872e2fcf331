"""Operators as Verilog expressions of exact width."""

from __future__ import annotations

from dataclasses import dataclass

from .rtlil import Bits, Const, RTLILCell, Spec
from .specs import constant, extended, trimmed, unextended, width_of
from .wire_names import COMPARE, WireNames

BITWISE = {"$and": "&", "$or": "|", "$xor": "^"}
LOGIC = {"$and": "&&", "$or": "||", "$xor": "!="}
REDUCE = {"$reduce_and": "&", "$reduce_or": "|", "$reduce_bool": "|", "$reduce_xor": "^"}
ARITHMETIC = {"$add": "+", "$sub": "-", "$mul": "*"}


BESIDE_UNARY = {"!": ("&&", "||", "?"), "~": ("&", "|", "^", "+", "-", "?")}
"""Operators whose operands may be negations without parentheses."""


@dataclass(frozen=True, slots=True)
class Text:
    """An expression with its outermost operator, and whether Verilog treats it as signed."""

    text: str
    operator: str = ""
    signed: bool = False

    def __str__(self) -> str:
        return self.text

    def inside(self, operator: str) -> str:
        """Return the text as an operand of ``operator``, with parentheses if it needs them."""
        if self.operator == "unary" and operator in BESIDE_UNARY.get(self.text[0], ()):
            return self.text
        if not self.operator or (
            self.operator == operator and operator in ("&&", "||", "&", "|", "+")
        ):
            return self.text
        return f"({self.text})"


class Expressions(WireNames):
    """A netlist with a Verilog text for each operator."""

    # expressions

    def closed(self, spec: Spec) -> Text:
        """Return an expression that gives the bits of ``spec`` in any unsigned context."""
        spec = self.resolve(spec)
        if len(spec) == 1:
            return self._chunk(spec[0])
        parts: list[str] = []
        index = len(spec) - 1
        while index >= 0:
            run = index
            while run > 0 and spec[run - 1] == spec[index] and isinstance(spec[index], Bits):
                run -= 1
            text = str(self._chunk(spec[index]))
            parts.append(text if run == index else f"{{{index - run + 1}{{{text}}}}}")
            index = run - 1
        return Text("{" + ", ".join(parts) + "}")

    def _chunk(self, chunk: Const | Bits) -> Text:
        if isinstance(chunk, Const):
            return Text(literal(chunk.value, chunk.width))
        wire = self.module.wires[chunk.wire]
        if chunk.low == 0 and chunk.width == wire.width:
            if self._may_inline(chunk.wire):
                text = self._operator(self.cells[chunk.wire])
                if text is not None:
                    return text
            return Text(self._name(chunk.wire), signed=wire.signed)
        name = self._name(chunk.wire)
        if chunk.width == 1:
            return Text(f"{name}[{chunk.low}]")
        return Text(f"{name}[{chunk.low + chunk.width - 1}:{chunk.low}]")

    def _enumerated(self, spec: Spec, value: int) -> Text | None:
        """Return the name of a value of an enumeration that ``spec`` holds; None if it has none."""
        chunk = spec[0] if len(spec) == 1 else None
        if not isinstance(chunk, Bits) or chunk.width == 1:
            return None
        wire = self.module.wires[chunk.wire]
        if chunk.width != wire.width or value not in wire.members:
            return None
        return Text(self.member(wire, value))

    def _may_inline(self, wire: str) -> bool:
        if not wire.startswith("$") or wire not in self.cells or wire in self.declared:
            return False
        cell = self.cells[wire]
        cheap = cell.kind in COMPARE or (cell.kind == "$not" and self.module.wires[wire].width == 1)
        return self.uses[wire] == 1 or cheap

    def _operator(self, cell: RTLILCell) -> Text | None:
        """Return an operator's text if it is valid in any context, else None."""
        a, b = cell.ports.get("A", ()), cell.ports.get("B", ())
        p = cell.parameters
        width = int(p.get("Y_WIDTH", p.get("WIDTH", 1)))
        if cell.kind in COMPARE:
            op = COMPARE[cell.kind]
            left, right = self._alike(cell)
            return Text(f"{left.inside(op)} {op} {right.inside(op)}", op)
        if cell.kind in REDUCE:
            # a repeated bit does not change the result
            bits = a if cell.kind == "$reduce_xor" else unextended(self.resolve(a))
            return Text(REDUCE[cell.kind] + self.closed(bits).inside("unary"), "unary")
        if cell.kind == "$logic_not" or (cell.kind == "$not" and width == 1):
            return Text("!" + self.closed(a).inside("unary"), "unary")
        same = width_of(self.resolve(a)) == width_of(self.resolve(b)) == width
        if cell.kind in BITWISE and same:
            op = (LOGIC if width == 1 else BITWISE)[cell.kind]
            return Text(f"{self.closed(a).inside(op)} {op} {self.closed(b).inside(op)}", op)
        if cell.kind == "$mux":
            yes, no = self._alternative(b), self._alternative(a)
            # a constant takes the signedness of the other side
            if yes.signed and (value := constant(self.resolve(a))) is not None:
                no = Text(literal(value, width, signed=True), signed=True)
            if no.signed and (value := constant(self.resolve(b))) is not None:
                yes = Text(literal(value, width, signed=True), signed=True)
            text = (
                f"{self.closed(cell.ports['S']).inside('?')} ? {yes.inside('?')} : {no.inside('?')}"
            )
            return Text(text, "?", yes.signed and no.signed)
        return None

    def _alternative(self, spec: Spec) -> Text:
        """Return an operand of a multiplexer, which may be an unsigned sum without a carry."""
        spec = self.resolve(spec)
        chunk = spec[0] if len(spec) == 1 else None
        if isinstance(chunk, Bits) and self._may_inline(chunk.wire):
            cell = self.cells[chunk.wire]
            whole = chunk.width == self.module.wires[chunk.wire].width
            if whole and cell.kind in ("$add", "$sub") and not cell.parameters["A_SIGNED"]:
                return self._arithmetic(cell, chunk.width)
        return self.closed(spec)

    def _alike(self, cell: RTLILCell) -> tuple[Text, Text]:
        """Return the operands of a comparison or bitwise operator in equal width and signedness."""
        a, b = self.resolve(cell.ports["A"]), self.resolve(cell.ports["B"])
        for one, other in ((a, b), (b, a)):
            value = constant(other)
            name = None if value is None else self._enumerated(trimmed(one), value)
            if name is not None:
                texts = self.closed(trimmed(one)), name
                return texts if one is a else texts[::-1]
        if cell.parameters["A_SIGNED"]:
            width = max(width_of(unextended(s)) for s in (a, b))
            return self._signed(a, width), self._signed(b, width)
        width = max(_bits(s) for s in (a, b))
        left, right = self._unsigned(a, width), self._unsigned(b, width)
        if left.signed and right.signed:
            left = Text(f"$unsigned({left})")
        return left, right

    def _unsigned(self, spec: Spec, width: int) -> Text:
        """Return an unsigned operand, truncated or extended to ``width`` bits."""
        value = constant(spec)
        if value is not None:
            return Text(literal(value & ((1 << width) - 1), width))
        return self.closed(extended(spec, False, width))

    def _signed(self, spec: Spec, width: int) -> Text:
        """Return a signed operand, truncated or extended to ``width`` bits."""
        spec = extended(unextended(spec), True, width)
        value = constant(spec)
        if value is not None:
            return Text(literal(value, width, signed=True), signed=True)
        text = self.closed(spec)
        return text if text.signed else Text(f"$signed({text})", signed=True)

    def _term(self, spec: Spec, signed: bool, width: int) -> Text:
        """Return an operand of a sum of ``width`` bits.

        It may be one bit narrower, which Verilog extends: the extra bit of a sum is its carry.
        """
        short = unextended(spec) if signed else trimmed(spec)
        if not short:
            # the constant 0
            return self._unsigned(spec, width)
        chunk = short[0]
        if signed and len(short) == 1 and isinstance(chunk, Bits) and self._is_nested(chunk):
            return self._arithmetic(self.cells[chunk.wire], width)
        if constant(spec) is None and width_of(short) == width - 1:
            text = self._signed(short, width - 1) if signed else self.closed(short)
            if text.operator != "?":
                return text
        return self._signed(spec, width) if signed else self._unsigned(spec, width)

    def _is_nested(self, chunk: Bits) -> bool:
        """Return whether the bits are a complete signed sum or product, without truncation."""
        if not self._may_inline(chunk.wire):
            return False
        cell = self.cells[chunk.wire]
        p = cell.parameters
        if cell.kind not in ARITHMETIC or not p["A_SIGNED"] or chunk.width != p["Y_WIDTH"]:
            return False
        a, b = int(p["A_WIDTH"]), int(p["B_WIDTH"])
        return chunk.width >= (a + b if cell.kind == "$mul" else max(a, b) + 1)

    def _arithmetic(self, cell: RTLILCell, width: int) -> Text:
        """Return a sum, difference or product of ``width`` bits."""
        op, signed = ARITHMETIC[cell.kind], bool(cell.parameters["A_SIGNED"])
        a, b = self.resolve(cell.ports["A"]), self.resolve(cell.ports["B"])
        if cell.kind == "$mul":
            # Verilog itself extends the factors to the width of the product
            factor = self._signed if signed else self._unsigned
            left, right = (factor(s, _bits(s, signed)) for s in (a, b))
        else:
            left, right = self._term(a, signed, width), self._term(b, signed, width)
        if not signed and left.signed and right.signed:
            left = Text(f"$unsigned({left})")
        return Text(f"{left.inside(op)} {op} {right.inside(op)}", op, signed)

    def exact(self, spec: Spec, *, alone: bool = True) -> Text:
        """Return an expression for the right side of an assignment as wide as ``spec``.

        With ``alone`` false it is only a part of that side, whose other parts may be unsigned.
        """
        spec = self.resolve(spec)
        short = unextended(spec) if alone else spec
        chunk = short[0]
        if len(short) == 1 and isinstance(chunk, Bits) and self._may_inline(chunk.wire):
            cell = self.cells[chunk.wire]
            if cell.kind in ARITHMETIC and chunk.low == 0:
                whole = short is spec or self._is_nested(chunk)
                cut_product = cell.kind == "$mul" and width_of(spec) < int(
                    cell.parameters["Y_WIDTH"]
                )
                if whole and not cut_product and (alone or not cell.parameters["A_SIGNED"]):
                    return self._arithmetic(cell, width_of(spec))
            if cell.kind == "$not" and chunk.low == 0 and short is spec and alone:
                sign = "!" if chunk.width == 1 else "~"
                return Text(sign + self.closed(cell.ports["A"]).inside("unary"), "unary")
            if cell.kind == "$shift" and chunk.low == 0 and short is spec and alone:
                left, right = self.closed(cell.ports["A"]), self.closed(cell.ports["B"])
                return Text(f"{left.inside('>>')} >> {right.inside('>>')}", ">>")
        return self.closed(spec)


def literal(value: int, width: int, *, signed: bool = False) -> str:
    """Return a constant as a Verilog literal."""
    if not signed:
        return f"{width}'d{value}" if value < 1 << 10 or width > 64 else f"{width}'h{value:x}"
    if value >> (width - 1):
        return f"{width}'sh{value:x}"
    return f"{width}'sd{value}"


def _bits(spec: Spec, signed: bool = False) -> int:
    """Return the least width that represents an operand [bits]."""
    if signed:
        return width_of(unextended(spec))
    value = constant(spec)
    return width_of(trimmed(spec)) if value is None else max(1, value.bit_length())


def negated(text: Text) -> Text:
    """Return the negation of a one-bit expression."""
    opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
    if text.operator in opposite:
        new = opposite[text.operator]
        return Text(text.text.replace(f" {text.operator} ", f" {new} ", 1), new)
    if text.operator == "unary" and text.text.startswith("!"):
        return Text(text.text[1:])
    return Text("!" + text.inside("unary"), "unary")
