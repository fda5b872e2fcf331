"""A slow executor in plain Python, written from the text of `lmu_hw.program` alone.

Words become rational values, every step is computed exactly on those, and a value becomes a word
again where the text says "round". It shares nothing with the interpreter but the program's data.
"""

from __future__ import annotations

import math
from fractions import Fraction

from lmu_hw.fixedpoint import QFormat
from lmu_hw.program import (
    Adaptor,
    Cascade,
    Dense,
    Linear,
    Operation,
    Program,
    Requantize,
    Role,
)

HALF = Fraction(1, 2)


def value(word: int, fmt: QFormat) -> Fraction:
    """Return the real value of a word."""
    return word * Fraction(2) ** -fmt.frac_bits


def rounded(x: Fraction, *, silent: bool = False) -> int:
    """Round half up, or toward zero in a silent step."""
    return math.trunc(x) if silent else math.floor(x + HALF)


def word(x: Fraction, fmt: QFormat, *, silent: bool = False) -> int:
    """Round a value to a word of the format, then saturate."""
    high = 2 ** (fmt.int_bits + fmt.frac_bits - (1 if fmt.signed else 0)) - 1
    low = -high - 1 if fmt.signed else 0
    return sorted((low, rounded(x * Fraction(2) ** fmt.frac_bits, silent=silent), high))[1]


class Reference:
    """Runs one stream of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.formats = {v.name: v.fmt for v in program.vectors}
        self.words = {v.name: [0] * v.length for v in program.vectors}

    def save(self) -> list[int]:
        """Return the state words in the order of the vectors."""
        return self._gather(Role.STATE)

    def load(self, state: list[int]) -> None:
        """Set the state words in the order of the vectors."""
        self._scatter(Role.STATE, state)

    def step(self, inputs: list[int]) -> list[int]:
        """Run one step; return the output words."""
        self._scatter(Role.INPUT, inputs)
        for op in self.program.ops:
            self._run(op)
        return self._gather(Role.OUTPUT)

    def _gather(self, role: Role) -> list[int]:
        return [w for v in self.program.vectors if v.role is role for w in self.words[v.name]]

    def _scatter(self, role: Role, words: list[int]) -> None:
        rest = list(words)
        for v in self.program.vectors:
            if v.role is role:
                self.words[v.name], rest = rest[: v.length], rest[v.length :]
        assert not rest

    def _run(self, op: Operation) -> None:
        if isinstance(op, Requantize):
            self.words[op.target] = [
                word(value(x, self.formats[op.source]), self.formats[op.target])
                for x in self.words[op.source]
            ]
        elif isinstance(op, Linear):
            self.words[op.target] = [
                y for c in range(op.channels) for y in self._linear_channel(op, c)
            ]
        else:
            for c, u in enumerate(self.words[op.source]):
                count = self.words[op.silence][c] + 1 if u == 0 else 0
                self.words[op.silence][c] = min(count, op.window)
                silent = self.words[op.silence][c] == op.window
                if isinstance(op, Cascade):
                    self._cascade_channel(op, c, u, silent)
                else:
                    self._dense_channel(op, c, u, silent)

    def _linear_channel(self, op: Linear, c: int) -> list[int]:
        x: list[int] = []
        for name in op.sources:
            part = len(self.words[name]) // op.channels
            x += self.words[name][c * part : (c + 1) * part]
        integers = QFormat(self.formats[op.target].width, 0, self.formats[op.target].signed)
        return [
            word(
                Fraction(sum(a * b for a, b in zip(row, x, strict=True)) + bias, 2**shift), integers
            )
            for row, shift, bias in zip(op.rows, op.shifts, op.biases, strict=True)
        ]

    def _dense_channel(self, op: Dense, c: int, u: int, silent: bool) -> None:
        fmt = self.formats[op.state]
        integers = QFormat(fmt.width, 0, fmt.signed)
        d = len(op.rows)
        m = self.words[op.state][c * d : (c + 1) * d]
        v = list(m)
        v[0] -= rounded(value(u, self.formats[op.source]) * Fraction(2) ** fmt.frac_bits)
        for r in range(d):
            change = Fraction(sum(op.rows[r][j] * v[j] for j in range(d)), 2 ** op.shifts[r])
            self.words[op.state][c * d + r] = word(m[r] + change, integers, silent=silent)

    def _cascade_channel(self, op: Cascade, c: int, u: int, silent: bool) -> None:
        inner_fmt = self.formats[op.z_inner]
        n_pairs = sum(len(section) == 2 for section in op.sections)
        w = value(word(value(u, self.formats[op.source]), op.chain_fmt), op.chain_fmt)
        pair = c * n_pairs
        for k, section in enumerate(op.sections, c * len(op.sections)):
            z_inner = value(self.words[op.z_inner][k], inner_fmt)
            if len(section) == 1:
                a, b = two_port(section[0], z_inner, w)
                self.words[op.z_inner][k] = word(a, inner_fmt, silent=silent)
                w = value(word(b, op.chain_fmt, silent=silent), op.chain_fmt)
                continue
            outer_fmt = self.formats[op.z_outer]
            a, b = two_port(section[0], w, value(self.words[op.z_outer][pair], outer_fmt))
            w = value(word(a, op.chain_fmt, silent=silent), op.chain_fmt)
            f = value(word(b, outer_fmt, silent=silent), outer_fmt)
            a, b = two_port(section[1], z_inner, f)
            self.words[op.z_inner][k] = word(a, inner_fmt, silent=silent)
            self.words[op.z_outer][pair] = word(b, outer_fmt, silent=silent)
            pair += 1


def two_port(adaptor: Adaptor, a: Fraction, b: Fraction) -> tuple[Fraction, Fraction]:
    """Return the exact ``a'`` and ``b'`` of the lossless two-port."""
    t = Fraction(adaptor.coef, 2**adaptor.shift) * (b - a)
    return a + t, 2 * a - b + t
