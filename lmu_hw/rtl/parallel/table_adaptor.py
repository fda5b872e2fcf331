"""The lossless two-port adaptor of a cascade with coefficients from a table, as a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import Rounding
from ...program.integer_program import Adaptor
from ...program.memory_step import adaptor
from ..constant_tables import one_of
from ..ports import keep_on_reset
from ..rounder import Range, Rounder
from .ring_schedule import SlotKind
from .table_shape import PortWord, TableShape, TableStage


class TableAdaptor(wiring.Component):
    """``a' = a + t``, ``b' = 2 a - b + t``, ``t = coef * 2**-shift * (b - a)``; or holds a and b.

    The words are aligned to one binary point, that of `TableShape.grid`.

    Parameters
    ----------
    shape : TableShape

    Members
    -------
    a, b : In(signed)
        The words that arrive at both ports.
    coef, choice : In(unsigned)
        With ``a`` and ``b``: coefficient, and the number of its shift.
    chain_a, chain_b : In(1)
        ``a``, or ``b``, is a chain word, not a state.
    hold : In(1)
        The results are the words as they are.
    silent : In(1)
        Round toward zero instead of to nearest.
    erase : In(1)
        The next results are zero.
    a_new, b_new : Out(signed)
        ``a'`` and ``b'``.

    Latency: ``shape.pipeline`` cycles.
    Throughput: one command per cycle.

    Schedule: see `TableStage`; `table_stages` says which of the registers a pipeline has.
    """

    def __init__(self, shape: TableShape) -> None:
        self.shape, self.latency = shape, shape.pipeline
        a, b, table = signed(shape.a_width), signed(shape.b_width), shape.table
        super().__init__(
            {
                "a": In(a),
                "b": In(b),
                "coef": In(table.width),
                "choice": In(range(len(table.shifts))),
                "chain_a": In(1),
                "chain_b": In(1),
                "hold": In(1),
                "silent": In(1),
                "erase": In(1),
                "a_new": Out(a),
                "b_new": Out(b),
            }
        )
        keep_on_reset(self, "a_new", "b_new")

    def model(self, kind: SlotKind, slot: int, a: int, b: int, silent: bool) -> tuple[int, int]:
        """Return the new words, from those of a slot in their own formats."""
        e = Adaptor(
            self.shape.table.coefs[slot], self.shape.table.shifts[self.shape.table.choices[slot]]
        )
        a_fmt, b_fmt = (word.fmt for word in self.shape.ports[kind])
        mode = Rounding.TRN_ZERO if silent else Rounding.RND
        words = (np.array([a], dtype=np.int64), np.array([b], dtype=np.int64))
        new_a, new_b = adaptor(e, words[0], a_fmt, words[1], b_fmt, mode)
        return int(new_a[0]), int(new_b[0])

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        ports = {}
        for name, number in (("rounder_a", 0), ("rounder_b", 1)):
            words = self.shape.words(number)
            ranges = [Range.of(word.fmt, self.shape.grid - word.fmt.frac_bits) for word in words]
            width = self.shape.base_width if number else self.shape.a_width
            rounder = Rounder(ranges, width, self.shape.product_width - self.shape.table.shifts[0])
            m.submodules[name] = rounder
            ports[name] = (rounder, words)
        kept = {name: getattr(self, name) for name in ("chain_a", "chain_b", "silent", "hold")}
        s = self._registered(
            m, TableStage.READ, a=self.a, b=self.b, coef=self.coef, choice=self.choice, **kept
        )
        x = s["b"] - s["a"]
        base_b = Signal(signed(self.shape.base_width), name="early_base_b")
        m.d.comb += base_b.eq(Mux(s["hold"], s["b"], (s["a"] << 1) - s["b"]))
        # with few registers the rounders take their bases while x is computed
        early = {**s, "base_a": s["a"], "base_b": base_b}
        factor = Mux(s["hold"], 0, s["coef"])
        kept = {name: s[name] for name in (*kept, "choice")}
        s = self._registered(m, TableStage.OPERAND, x=x, base_a=s["a"], factor=factor, **kept)
        s = self._multiplied(m, s)
        t = Signal(signed(self.shape.product_width))
        m.d.comb += t.eq((s.pop("high") << self.shape.low_bits) + s.pop("low", 0))
        s["t"] = t
        self._round(m, ports, s, s if TableStage.SHIFT in self.shape.cuts else early)
        return m

    def _multiplied(self, m: Module, s: dict[str, Value]) -> dict[str, Value]:
        """Add the partial products, and the base of ``b'``: ``a - x``, or ``a + x`` to hold."""
        x, hold = s["x"], s.pop("hold")
        base_b = Signal(signed(self.shape.base_width), name="base_b")
        # one adder for both: subtracting is adding the complement and a carry
        minus = ~hold
        terms = (Cat(minus, s["base_a"]), Cat(minus, x.as_unsigned() ^ minus.replicate(len(x))))
        m.d.comb += base_b.eq((terms[0].as_signed() + terms[1].as_signed()) >> 1)
        s = self._registered(m, TableStage.FACTOR, base_b=base_b, **s)
        x, factor, low_bits = s.pop("x"), s.pop("factor"), self.shape.low_bits
        products = {"high": x[low_bits:].as_signed() * factor}
        if low_bits:
            products["low"] = x[:low_bits] * factor
        return self._registered(m, TableStage.PRODUCT, **products, **s)

    def _round(
        self,
        m: Module,
        ports: dict[str, tuple[Rounder, list[PortWord]]],
        s: dict[str, Value],
        bases: dict[str, Value],
    ) -> None:
        """Shift the product, add it to the base of each port, round and saturate."""
        cut = self._shifted(m, s["t"], s["choice"])
        chains = {name: s[name] for name in ("chain_a", "chain_b")}
        cut = self._registered(m, TableStage.SHIFT, **cut, **chains)
        results: dict[str, Value] = {name: cut[name] for name in chains}
        for name, (rounder, words) in ports.items():
            port = name.removeprefix("rounder_")
            m.d.comb += [
                rounder.base.eq(bases[f"base_{port}"]),
                rounder.silent.eq(bases["silent"]),
                rounder.quotient.eq(cut["quotient"]),
                rounder.half.eq(cut["half"]),
                rounder.rest.eq(cut["rest"]),
            ]
            if len(words) > 1:
                m.d.comb += rounder.result.eq(bases[f"chain_{port}"])
            results[f"total_{port}"] = rounder.total
            for k in range(len(words)):
                results[f"over_{port}_{k}"] = rounder.over[k]
                results[f"under_{port}_{k}"] = rounder.under[k]
        results = self._registered(m, TableStage.ROUND, **results)
        for name, (rounder, words) in ports.items():
            port = name.removeprefix("rounder_")
            found = [
                self._result(m, f"{port}_{k}", rounder, k, word, results)
                for k, word in enumerate(words)
            ]
            new = getattr(self, f"{port}_new")
            index = results[f"chain_{port}"]
            m.d.sync += new.eq(one_of(m, index, found, f"chosen_{port}"))
            with m.If(self.erase):
                m.d.sync += new.eq(0)

    def _result(
        self,
        m: Module,
        name: str,
        rounder: Rounder,
        number: int,
        word: PortWord,
        results: dict[str, Value],
    ) -> Value:
        """Return a result in one format, aligned to the grid."""
        entry = rounder.results[number]
        total = results[f"total_{name[0]}"]
        bits: Value = total[entry.drop : entry.drop + entry.fmt.width].as_signed()
        if word.limited:
            over, under = results[f"over_{name}"], results[f"under_{name}"]
            bits = Mux(over, entry.high, Mux(under, entry.low, bits))
        result = Signal(signed(len(getattr(self, f"{name[0]}_new"))), name=f"result_{name}")
        m.d.comb += result.eq(bits << entry.drop)
        return result

    def _shifted(self, m: Module, t: Value, choice: Value) -> dict[str, Value]:
        """Return the product cut at the binary point, its half bit and whether a bit is lost."""
        parts: dict[str, Sequence[Value]] = {
            "quotient": [t >> shift for shift in self.shape.table.shifts],
            "half": [t[shift - 1] if shift else Const(0) for shift in self.shape.table.shifts],
            "rest": [t[:shift].any() if shift else Const(0) for shift in self.shape.table.shifts],
        }
        found = {}
        for name, values in parts.items():
            found[name] = one_of(m, choice, [Value.cast(value) for value in values], name)
        return found

    def _registered(self, m: Module, stage: TableStage, **values: Any) -> dict[str, Value]:
        """Return the values, in registers if the pipeline has them at this stage."""
        found = {}
        for name, value in values.items():
            value = Value.cast(value)
            if stage in self.shape.cuts and len(value):
                signal = Signal(value.shape(), name=f"{stage.name.lower()}_{name}", reset_less=True)
                m.d.sync += signal.eq(value)
                value = signal
            found[name] = value
        return found
