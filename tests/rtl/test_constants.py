"""Registers that never change become constants in the emitted text; others do not."""

from __future__ import annotations

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from lmu_hw.rtl.verilog import folded, parse, pruned, to_verilog


class Child(wiring.Component):
    """Adds, or, with ``other``, subtracts."""

    def __init__(self) -> None:
        super().__init__({"a": In(4), "other": In(1), "sum": Out(4), "never": Out(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.d.sync += self.sum.eq(Mux(self.other, self.sum - self.a, self.sum + self.a))
        m.d.comb += self.never.eq(self.other & self.a[0])
        return m


class Top(wiring.Component):
    """Two children; whether the second one subtracts is ``choice``."""

    def __init__(self, choice: int | None) -> None:
        self.choice = choice
        super().__init__({"a": In(4), "go": In(1), "one": Out(4), "two": Out(4), "flag": Out(1)})

    def elaborate(self, _platform: object) -> Elaboratable:
        m = Module()
        m.submodules.first, m.submodules.second = first, second = Child(), Child()
        kept = Signal(init=1)
        set_again = Signal(init=1)
        with m.If(self.go):
            m.d.sync += [kept.eq(1), set_again.eq(0)]
        with m.Elif(~kept):
            m.d.sync += kept.eq(1)
        m.d.comb += [
            first.a.eq(self.a),
            second.a.eq(self.a),
            first.other.eq(~kept),
            second.other.eq(set_again if self.choice is None else self.choice),
            self.one.eq(first.sum),
            self.two.eq(second.sum),
            self.flag.eq(first.never | second.never | kept),
        ]
        return m


def text_of(choice: int | None) -> str:
    text = rtlil.convert(Top(choice), name="top", emit_src=False)
    return to_verilog(pruned(folded(parse(text))), {})


def test_what_never_changes_goes_with_what_it_chose() -> None:
    text = text_of(0)
    assert "kept" not in text
    assert "other" not in text
    assert "never" not in text
    assert " - " not in text
    assert "assign flag = 1'd1;" in text


def test_what_changes_stays() -> None:
    first, _, second = text_of(None).partition("module top_second")
    assert "set_again <= 1'd0;" in first
    assert "other" not in first.partition("module top_first")[2]
    assert "other ?" in second
    assert " - " in second
    assert "kept" not in first


def test_a_constant_that_is_one_everywhere() -> None:
    assert " + " not in text_of(1).partition("module top_second")[2]


class Chooser(wiring.Component):
    """Chooses between three numbers; whether one was chosen, nobody asks."""

    def __init__(self) -> None:
        super().__init__({"index": In(2), "number": Out(4), "less": Out(4), "any": Out(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        with m.Switch(self.index):
            for index, (number, less) in enumerate(((5, 7), (9, 7), (3, 2))):
                with m.Case(index):
                    m.d.comb += [self.number.eq(number), self.less.eq(less)]
        m.d.comb += self.any.eq(self.number != 0)
        return m


class Narrow(wiring.Component):
    """Asks for the first two alone."""

    def __init__(self) -> None:
        super().__init__({"second": In(1), "number": Out(4), "less": Out(4)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.chooser = chooser = Chooser()
        m.d.comb += [
            chooser.index.eq(self.second),
            self.number.eq(chooser.number),
            self.less.eq(chooser.less),
        ]
        return m


def test_choices_that_are_never_made_go() -> None:
    text = rtlil.convert(Narrow(), name="top", emit_src=False)
    verilog = to_verilog(pruned(folded(parse(text))), {})
    assert "4'd3" not in verilog
    assert "4'd2" not in verilog
    assert "? 4'd5 : 4'd9;" in verilog
    # what is the same for both is a constant
    assert "4'd7" in verilog
    assert "? 4'd7" not in verilog
    # an output that no parent looks at is none
    assert "any" not in verilog
