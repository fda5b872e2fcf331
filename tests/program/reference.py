"""A slow backend in plain Python, written from the text of `lmu_hw.program.integer_program` alone.

Words become rational values, every step is computed exactly on those, and a value becomes a word
again where the text says "round". It shares nothing with the interpreter but the program's data.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Argmax,
    Cascade,
    DenseUpdate,
    Function,
    Ladder,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
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


def integers(fmt: QFormat) -> QFormat:
    """Return the format of the words themselves, without a binary point."""
    return QFormat(fmt.width, 0, fmt.signed)


def applied(f: Function, x: int) -> int:
    """Return the pieces of ``f`` at a word of its ``in_fmt``, not yet limited to a target."""
    lowest = -(2 ** (f.in_fmt.width - 1)) if f.in_fmt.signed else 0
    size = Fraction(2**f.in_fmt.width, len(f.pieces))
    piece = (x - lowest) // size
    rest = x - lowest - piece * size
    *lower, y = f.pieces[piece]
    for c, shift in reversed(list(zip(lower, f.shifts, strict=True))):
        y = c + math.floor(y * rest / 2**shift)
    return rounded(Fraction(y, 2**f.guard))


class Reference:
    """Runs one stream of a program; operations that are lazy run in every step all the same."""

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

    def step(self, inputs: list[int], *, asked: bool = False) -> list[int] | None:
        """Run one step; return the output words if they are due.

        ``asked`` says whether the caller wants them, where that is the caller's to say.
        """
        self._scatter(Role.INPUT, inputs)
        due = self._is_due(asked)
        for op in self.program.ops:
            self._run(op)
        return self._gather(Role.OUTPUT) if due else None

    def _is_due(self, asked: bool) -> bool:
        every = self.program.output_every
        if every <= 1:
            return every == 1 or asked
        (count,) = self.words[self.program.clock]
        self.words[self.program.clock] = [0 if count + 1 >= every else count + 1]
        return count + 1 >= every

    def _gather(self, role: Role) -> list[int]:
        return [w for v in self.program.vectors if v.role is role for w in self.words[v.name]]

    def _scatter(self, role: Role, words: list[int]) -> None:
        rest = list(words)
        for v in self.program.vectors:
            if v.role is role:
                self.words[v.name], rest = rest[: v.length], rest[v.length :]
        assert not rest

    def _run(self, op: Operation) -> None:
        if isinstance(op, Linear):
            self.words[op.target] = [
                y for c in range(op.n_channels) for y in self._linear_channel(op, c)
            ]
        elif isinstance(op, Pointwise):
            self.words[op.target] = [
                self._pointwise_word(op, i) for i in range(len(self.words[op.target]))
            ]
        elif isinstance(op, Scale):
            x = self.words[op.source]
            fmt, n = integers(self.formats[op.target]), len(op.coefs)
            self.words[op.target] = [
                word(Fraction(op.coefs[k % n] * x[k], 2 ** op.shifts[k % n]), fmt)
                for k in range(len(x))
            ]
        elif isinstance(op, Argmax):
            x = self.words[op.source]
            self.words[op.target] = [min(i for i in range(len(x)) if x[i] == max(x))]
        else:
            for c, u in enumerate(self.words[op.source]):
                count = self.words[op.silence][c] + 1 if u == 0 else 0
                self.words[op.silence][c] = min(count, op.window)
                silent = self.words[op.silence][c] == op.window
                if isinstance(op, Cascade):
                    self._cascade_channel(op, c, u, silent)
                elif isinstance(op, Spiking):
                    self._spiking_channel(op, c, u, silent)
                elif isinstance(op, Ladder):
                    self._ladder_channel(op, c, u, silent)
                else:
                    self._dense_channel(op, c, u, silent)

    def _linear_channel(self, op: Linear, c: int) -> list[int]:
        x: list[int] = []
        for name, align in zip(op.sources, op.aligns, strict=True):
            part = len(self.words[name]) // op.n_channels
            x += [2**align * w for w in self.words[name][c * part : (c + 1) * part]]
        fmt = integers(op.function.in_fmt if op.function else self.formats[op.target])
        results = []
        for r, row in enumerate(op.rows):
            acc = op.biases[r] + sum(w * z for w, z in zip(row, x, strict=True))
            y = word(Fraction(op.multipliers[r] * acc, 2 ** op.shifts[r]), fmt)
            results.append(self._applied(op, y))
        return results

    def _pointwise_word(self, op: Pointwise, i: int) -> int:
        total = Fraction(0)
        for term in op.terms:
            x = value(self.words[term.a][i], self.formats[term.a])
            if term.b:
                x *= value(self.words[term.b][i], self.formats[term.b])
            total += -x if term.minus else x
        fmt = op.function.in_fmt if op.function else self.formats[op.target]
        return self._applied(op, word(total, fmt))

    def _applied(self, op: Linear | Pointwise, x: int) -> int:
        """Return the function of a word of its ``in_fmt``, as a word of the target."""
        if op.function is None:
            return x
        return word(Fraction(applied(op.function, x)), integers(self.formats[op.target]))

    def _dense_channel(self, op: DenseUpdate, c: int, u: int, silent: bool) -> None:
        fmt = self.formats[op.state]
        d = len(op.rows)
        m = self.words[op.state][c * d : (c + 1) * d]
        v = list(m)
        v[0] -= rounded(value(u, self.formats[op.source]) * Fraction(2) ** fmt.frac_bits)
        for r in range(d):
            change = Fraction(sum(op.rows[r][j] * v[j] for j in range(d)), 2 ** op.shifts[r])
            self.words[op.state][c * d + r] = word(m[r] + change, integers(fmt), silent=silent)

    def _ladder_channel(self, op: Ladder, c: int, u: int, silent: bool) -> None:
        d, K = len(op.sections), op.substeps
        fmt, u_fmt = self.formats[op.state], self.formats[op.source]
        old = self.words[op.previous][c] if op.previous else u
        for j in range(1, K + 1):
            # the mean of the interpolated input at both ends of the substep; K = 1 takes u itself
            mean = Fraction(u) if K == 1 else old + Fraction(2 * j - 1, 2 * K) * (u - old)
            x = word(2 * mean * Fraction(2) ** -u_fmt.frac_bits, fmt)
            w = self.words[op.state][c * d : (c + 1) * d]
            from_right = [0] * (d + 1)
            for i in reversed(range(d)):
                # the wave to the left does not depend on the one that comes from there
                sent, _, _ = three_port(
                    i, op.sections[i], *map(Fraction, (0, from_right[i + 1], w[i]))
                )
                from_right[i] = word(sent, integers(fmt), silent=silent)
            rho = Fraction(op.reflection.coef, 2**op.reflection.shift)
            wave = word(x + rho * (x - from_right[0]), integers(fmt), silent=silent)
            for i in range(d):
                # an even section takes a + w as it sent it
                right, state = self._ladder_section(op, i, wave, from_right, w[i], silent)
                self.words[op.state][c * d + i] = state
                wave = right
        if op.previous:
            self.words[op.previous][c] = u

    def _ladder_section(
        self, op: Ladder, i: int, wave: int, from_right: list[int], w: int, silent: bool
    ) -> tuple[int, int]:
        """Return the words of the wave to the right and of the new state."""
        fmt = integers(self.formats[op.state])
        a = Fraction(from_right[i + 1])
        if i % 2 == 0:
            # a saturated a + w acts as a wave that came from the right
            a = from_right[i] - Fraction(w)
        _, right, state = three_port(i, op.sections[i], Fraction(wave), a, Fraction(w))
        # the state is minus the rounded negative: halves of it are rounded down
        new = Fraction(-rounded(-state, silent=silent))
        return word(right, fmt, silent=silent), word(new, fmt)

    def _spiking_channel(self, op: Spiking, c: int, u: int, silent: bool) -> None:
        places, total = [], 0
        for k, section in enumerate(op.cascade.sections):
            pair = sum(len(before) == 2 for before in op.cascade.sections[:k])
            n_pairs = sum(len(other) == 2 for other in op.cascade.sections)
            if len(section) == 2:
                places.append((op.cascade.z_outer, c * n_pairs + pair))
            places.append((op.cascade.z_inner, c * len(op.cascade.sections) + k))
        before = [self.words[name][i] for name, i in places]
        for k, (name, i) in enumerate(places):
            n = 0 if silent else self._spikes(op, c * len(places) + k, op.quanta[k], before[k])
            if silent and op.membrane:
                self.words[op.membrane][c * len(places) + k] = 0
            if not silent:
                fmt = integers(self.formats[name])
                self.words[name][i] = word(Fraction(n * 2 ** op.quanta[k]), fmt)
            total += abs(n)
        sent = [self.words[name][i] for name, i in places]
        self._cascade_channel(op.cascade, c, u, silent)
        for (name, i), z, q in zip(places, before, sent, strict=True):
            new = Fraction(z + self.words[name][i] - q)
            self.words[name][i] = word(new, integers(self.formats[name]))
        self.words[op.spikes][c] = total

    def _spikes(self, op: Spiking, membrane: int, s: int, z: int) -> int:
        """Return the spikes of one state with their sign, and update what its neurons keep."""
        full = 2 ** (s + op.population)
        a = sorted((-full, z, full))[1]
        if op.membrane:
            v = self.words[op.membrane][membrane] + a
            n = rounded(Fraction(v, 2**s))
            self.words[op.membrane][membrane] = v - n * 2**s
            return n
        threshold = rounded(Fraction(abs(a), full) * 2**16)
        fired = 0
        for j in range(2**op.population):
            i = j % len(op.seeds)
            x = self.words[op.generators][i] ^ op.seeds[i]
            x ^= x * 2**13 % 2**32
            x ^= x // 2**17
            x ^= x * 2**5 % 2**32
            self.words[op.generators][i] = x ^ op.seeds[i]
            fired += x // 2**16 < threshold
        return -fired if z < 0 else fired

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


def three_port(
    i: int, adaptor: Adaptor, left: Fraction, right: Fraction, w: Fraction
) -> tuple[Fraction, Fraction, Fraction]:
    """Return the exact waves that section i sends left, right and to its state.

    From the voltages and currents of the three ports, not from the program's sums: a series
    capacitor sends its wave back, a shunt inductor sends it back inverted.
    """
    e = Fraction(adaptor.coef, 2**adaptor.shift)
    if i % 2 == 0:
        # one current through all three ports, whose resistances are 1, 1 - e and e
        current = (left - right - w) / 2
        return left - 2 * current, right + 2 * (1 - e) * current, w + 2 * e * current
    # one voltage at all three ports, whose conductances are 1, 1 - e and e
    voltage = left + (1 - e) * right + e * w
    return voltage - left, voltage - right, -(voltage - w)


def two_port(adaptor: Adaptor, a: Fraction, b: Fraction) -> tuple[Fraction, Fraction]:
    """Return the exact ``a'`` and ``b'`` of the lossless two-port."""
    t = Fraction(adaptor.coef, 2**adaptor.shift) * (b - a)
    return a + t, 2 * a - b + t


def run(
    program: Program, inputs: Any, state: Any = None, asked: Any = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Run one stream over the rows of ``inputs``.

    Parameters
    ----------
    program : Program
    inputs : int array, shape (n_steps, n_in)
    state : int array, shape (n_state,), optional
    asked : bool array, shape (n_steps,), optional
        Where the caller wants outputs; by default at the last step.

    Returns
    -------
    outputs : int64 array, shape (n_due, n_out)
    state : int64 array, shape (n_state,)
    """
    reference = Reference(program)
    if state is not None:
        reference.load(state.tolist())
    asked = np.arange(len(inputs)) == len(inputs) - 1 if asked is None else asked
    steps = zip(inputs.tolist(), asked.tolist(), strict=True)
    rows = [reference.step(row, asked=wanted) for row, wanted in steps]
    outputs = np.array([row for row in rows if row is not None], dtype=np.int64)
    return (
        outputs.reshape(-1, program.n_words(Role.OUTPUT)),
        np.array(reference.save(), dtype=np.int64),
    )
