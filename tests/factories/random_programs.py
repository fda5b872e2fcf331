"""Random legal programs for hypothesis: any operations in any order, of any shape and format.

Words are so narrow that nearly every draw is legal: what just fits is tested elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import gcd
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from lmu_hw.errors import FormatError
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
    Term,
    Vector,
)
from lmu_hw.program.spiking_update import GENERATOR_FMT

Draw = Any


@st.composite
def formats(draw: Draw) -> QFormat:
    """Return a format of at most 12 bits, its binary point inside or near."""
    width = draw(st.integers(1, 12))
    frac = draw(st.integers(-2, width + 2))
    return QFormat(width - frac, frac, draw(st.booleans()))


def signed_formats() -> st.SearchStrategy[QFormat]:
    """Return signed formats of at most 12 bits."""
    return formats().map(lambda fmt: QFormat(fmt.int_bits, fmt.frac_bits))


def counters(limit: int) -> st.SearchStrategy[QFormat]:
    """Return formats of counters up to ``limit``, with room to spare or not."""
    bits = limit.bit_length()
    return st.builds(partial(QFormat, frac_bits=0, signed=False), st.integers(bits, bits + 2))


@st.composite
def functions(draw: Draw, in_fmts: st.SearchStrategy[QFormat] | None = None) -> Function:
    """Return pieces of any degree, their coefficients unrelated."""
    in_fmt = draw(in_fmts or formats())
    n_pieces = 1 << draw(st.integers(0, min(in_fmt.width, 4)))
    degree = draw(st.integers(0, 3))
    coefs = st.integers(-(1 << 14), 1 << 14)
    return Function(
        name="random",
        in_fmt=in_fmt,
        pieces=tuple(tuple(draw(coefs) for _ in range(degree + 1)) for _ in range(n_pieces)),
        shifts=tuple(draw(st.integers(0, 20)) for _ in range(degree)),
        guard=draw(st.integers(0, 20)),
    )


class Growing:
    """A program under construction: which vectors there are, and what may be read by now."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.vectors: dict[str, Vector] = {}
        self.ops: list[Operation] = []
        self.readable: list[str] = []

    def add(self, length: int, role: Role, fmt: QFormat | None = None) -> str:
        name = f"v{len(self.vectors)}"
        fmt = fmt or self.draw(formats())
        self.vectors[name] = Vector(name=name, length=length, role=role, fmt=fmt)
        if role in (Role.INPUT, Role.STATE):
            self.readable.append(name)
        return name

    def source(self) -> str:
        return str(self.draw(st.sampled_from(self.readable)))

    def target(self, length: int) -> str:
        """Return a vector to write: a new one, or one that others may have written or read."""
        old = [
            v.name for v in self.vectors.values() if v.length == length and v.role is not Role.INPUT
        ]
        if old and self.draw(st.booleans()):
            name = str(self.draw(st.sampled_from(old)))
        else:
            roles = (Role.INTERNAL, Role.OUTPUT, Role.STATE)
            name = self.add(length, self.draw(st.sampled_from(roles)))
        return name

    def write(self, op: Operation) -> None:
        self.ops.append(op)
        self.readable += [name for name in op.writes if name not in self.readable]

    def ints(self, low: int, high: int, n: int) -> tuple[int, ...]:
        return tuple(self.draw(st.integers(low, high)) for _ in range(n))

    def function(self) -> Function | None:
        return self.draw(st.none() | functions())  # type: ignore[no-any-return]

    def linear(self) -> None:
        sources = tuple(self.source() for _ in range(self.draw(st.integers(1, 3))))
        lengths = [self.vectors[name].length for name in sources]
        common = gcd(*lengths)
        channels = self.draw(st.sampled_from([c for c in range(1, 7) if common % c == 0]))
        n_rows = self.draw(st.integers(1, 3))
        columns = sum(lengths) // channels
        self.write(
            Linear(
                sources=sources,
                n_channels=channels,
                rows=tuple(self.ints(-127, 127, columns) for _ in range(n_rows)),
                aligns=self.ints(0, 5, len(sources)),
                biases=self.ints(-(1 << 14), 1 << 14, n_rows),
                multipliers=self.ints(1, 1 << 10, n_rows),
                shifts=self.ints(0, 30, n_rows),
                function=self.function(),
                target=self.target(channels * n_rows),
            )
        )

    def pointwise(self) -> None:
        first = self.source()
        length = self.vectors[first].length
        alike = [name for name in self.readable if self.vectors[name].length == length]
        one, maybe = st.sampled_from(alike), st.sampled_from(["", *alike])
        terms = [
            Term(self.draw(one), self.draw(maybe), self.draw(st.booleans()))
            for _ in range(self.draw(st.integers(1, 3)))
        ]
        function = self.function()
        op = Pointwise(terms=tuple(terms), function=function, target=self.target(length))
        try:
            op.check(self.vectors.__getitem__)
        except FormatError:
            # products of wide words whose binary points are far apart
            reject()
        self.write(op)

    def argmax(self) -> None:
        source = self.source()
        index = self.add(
            1,
            self.draw(st.sampled_from([Role.INTERNAL, Role.OUTPUT])),
            self.draw(counters(max(1, self.vectors[source].length - 1))),
        )
        self.write(Argmax(source=source, target=index))

    def cascade(self) -> None:
        self.write(self.some_cascade(formats()))

    def some_cascade(self, states: st.SearchStrategy[QFormat]) -> Cascade:
        source = self.source()
        channels = self.vectors[source].length
        adaptors = st.tuples(st.integers(1, 12), st.floats(0, 1)).map(
            lambda drawn: Adaptor(1 + int(drawn[1] * ((2 << drawn[0]) - 2)), drawn[0])
        )
        sections = tuple(
            tuple(self.draw(adaptors) for _ in range(n))
            for n in self.draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
        )
        n_pairs = sum(len(section) == 2 for section in sections)
        window = self.draw(st.integers(1, 6))
        outer = (channels * n_pairs, Role.STATE, self.draw(states))
        return Cascade(
            source=source,
            z_outer=self.add(*outer) if n_pairs else "",
            z_inner=self.add(channels * len(sections), Role.STATE, self.draw(states)),
            silence=self.add(channels, Role.STATE, self.draw(counters(window))),
            chain_fmt=self.draw(formats()),
            window=window,
            sections=sections,
        )

    def spiking(self) -> None:
        cascade = self.some_cascade(signed_formats())
        channels = self.vectors[cascade.source].length
        order = sum(map(len, cascade.sections))
        population = self.draw(st.integers(0, 6))
        quanta = self.ints(0, 11, order)
        seeds: tuple[int, ...] = ()
        if self.draw(st.booleans()):
            n_seeds = 1 << self.draw(st.integers(0, population))
            seeds = self.ints(1, (1 << 32) - 1, n_seeds)
        kept = (
            self.add(len(seeds), Role.STATE, GENERATOR_FMT)
            if seeds
            else self.add(channels * order, Role.STATE, QFormat(max(1, *quanta), 0))
        )
        op = Spiking(
            cascade=cascade,
            population=population,
            quanta=quanta,
            membrane="" if seeds else kept,
            generators=kept if seeds else "",
            seeds=seeds,
            spikes="",
        )
        most = op.most_spikes(self.vectors.__getitem__)
        role = self.draw(st.sampled_from([Role.INTERNAL, Role.OUTPUT, Role.STATE]))
        self.write(replace(op, spikes=self.add(channels, role, self.draw(counters(most)))))

    def ladder(self) -> None:
        source = self.source()
        channels, order = self.vectors[source].length, self.draw(st.integers(1, 4))
        window, substeps = self.draw(st.integers(1, 6)), self.draw(st.sampled_from([1, 2, 4, 8]))
        coefficients = st.tuples(st.integers(1, 12), st.floats(0, 1)).map(
            lambda drawn: Adaptor(1 + int(drawn[1] * ((1 << drawn[0]) - 2)), drawn[0])
        )
        reflection = self.draw(coefficients)
        if self.draw(st.booleans()):
            reflection = Adaptor(-reflection.coef, reflection.shift)
        previous = (channels, Role.STATE, self.vectors[source].fmt)
        self.write(
            Ladder(
                source=source,
                state=self.add(channels * order, Role.STATE, self.draw(signed_formats())),
                previous=self.add(*previous) if substeps > 1 else "",
                silence=self.add(channels, Role.STATE, self.draw(counters(window))),
                window=window,
                substeps=substeps,
                sections=tuple(self.draw(coefficients) for _ in range(order)),
                reflection=reflection,
            )
        )

    def scale(self) -> None:
        source = self.source()
        length = self.vectors[source].length
        channels = self.draw(st.sampled_from([c for c in range(1, 7) if length % c == 0]))
        n = length // channels
        self.write(
            Scale(
                source=source,
                target=self.target(length),
                n_channels=channels,
                coefs=self.ints(-300, 300, n),
                shifts=self.ints(0, 20, n),
            )
        )

    def dense(self) -> None:
        source = self.source()
        channels, order = self.vectors[source].length, self.draw(st.integers(1, 3))
        window = self.draw(st.integers(1, 6))
        self.write(
            DenseUpdate(
                source=source,
                state=self.add(channels * order, Role.STATE),
                silence=self.add(channels, Role.STATE, self.draw(counters(window))),
                window=window,
                rows=tuple(self.ints(-200, 200, order) for _ in range(order)),
                shifts=self.ints(0, 12, order),
            )
        )


@st.composite
def programs(draw: Draw) -> Program:
    """Return a program of up to five operations, with outputs at any pace."""
    g = Growing(draw)
    lengths = st.sampled_from([1, 2, 3, 4, 6])
    for _ in range(draw(st.integers(1, 2))):
        g.add(draw(lengths), Role.INPUT)
    for _ in range(draw(st.integers(0, 2))):
        g.add(draw(lengths), Role.STATE)
    kinds = (g.linear, g.linear, g.pointwise, g.pointwise, g.argmax, g.cascade, g.dense)
    kinds += (g.ladder, g.scale, g.spiking)
    for _ in range(draw(st.integers(1, 5))):
        draw(st.sampled_from(kinds))()
    if not any(v.role is Role.OUTPUT for v in g.vectors.values()):
        source = g.source()
        y = g.add(g.vectors[source].length, Role.OUTPUT)
        g.write(Pointwise(terms=(Term(source),), target=y))
    every = draw(st.sampled_from([0, 1, 1, 2, 3, 5]))
    clock = g.add(1, Role.STATE, draw(counters(every - 1))) if every > 1 else ""
    vectors = draw(st.permutations(list(g.vectors.values())))
    return Program(
        title="random",
        vectors=tuple(vectors),
        ops=tuple(g.ops),
        output_every=every,
        clock=clock,
    )
