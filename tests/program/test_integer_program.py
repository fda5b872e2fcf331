"""Programs: names and texts, who may read and write what, clocks, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lmu_hw.errors import FormatError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Cascade,
    Operation,
    Program,
    Role,
    Term,
    Vector,
    from_json,
)
from tests.factories.program_networks import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, copy, linear, with_op, with_vectors

CASCADE = PROGRAMS["readout"]
DENSE = PROGRAMS["dense_readout"]
COPY = PROGRAMS["mixed"]
LMU = NETWORKS["lmu_every_3"]
GATES = NETWORKS["gates"]
STACK = NETWORKS["stack"]
ONE = cascade_program(sections="r")
PAIR = cascade_program(sections="p")
TITLE = r"title must be one line of printable ASCII without '\*/', not "
CLOCK = "clock 'clock' must be a state vector of one unsigned integer that holds 2"


def with_ops(program: Program, *ops: Operation) -> Program:
    return replace(program, ops=ops)


def counter(bits: int, frac: int = 0, *, signed: bool = False) -> QFormat:
    return QFormat(bits, frac, signed)


REFUSALS: dict[str, tuple[Callable[[], Program], str]] = {
    "title of two lines": (lambda: replace(ONE, title="a\nb"), TITLE + r"'a\\nb'"),
    "title with a return": (lambda: replace(ONE, title="a\rb"), TITLE + r"'a\\rb'"),
    "title with letters": (lambda: replace(ONE, title="Kaji\u0107"), TITLE + "'Kaji\u0107'"),
    "title with a separator": (lambda: replace(ONE, title="a\u2028b"), TITLE + r"'a\\u2028b'"),
    "title with a surrogate": (lambda: replace(ONE, title="\ud800"), TITLE + r"'\\ud800'"),
    "title with a tab": (lambda: replace(ONE, title="a\tb"), TITLE + r"'a\\tb'"),
    "title that ends": (lambda: replace(ONE, title="a*/b"), TITLE + r"'a\*/b'"),
    "duplicate names": (
        lambda: replace(ONE, vectors=(*ONE.vectors, ONE.vectors[0])),
        r"vector names must differ, not \['u', 'z_inner', 'silence', 'y_z_inner', 'u'\]",
    ),
    "no identifier": (
        lambda: with_vectors(ONE, u={"name": "2u"}),
        "vector '2u' must have an ASCII identifier as name and length >= 1, not 1",
    ),
    "no ASCII": (
        lambda: with_vectors(ONE, u={"name": "\u00fc"}),
        "vector '\u00fc' must have an ASCII identifier as name .*",
    ),
    "no words": (
        lambda: with_vectors(ONE, u={"length": 0}),
        "vector 'u' must have an ASCII identifier as name and length >= 1, not 0",
    ),
    "unknown source": (
        lambda: with_op(ONE, 0, source="v"),
        "operation cascade must name vectors of the program, not 'v'",
    ),
    "unknown outer state": (
        lambda: with_op(PAIR, 0, z_outer=""),
        "operation cascade must name vectors of the program, not ''",
    ),
    "unknown counter": (
        lambda: with_op(DENSE, 0, silence="s"),
        "operation dense must name vectors of the program, not 's'",
    ),
    "unknown target": (
        lambda: with_op(CASCADE, 1, target="x"),
        "operation linear must name vectors of the program, not 'x'",
    ),
    "unknown copy": (
        lambda: with_op(ONE, 1, target="x"),
        "operation pointwise must name vectors of the program, not 'x'",
    ),
    "unknown factor": (
        lambda: with_op(GATES, 4, terms=(Term("f", "w"),)),
        "operation pointwise must name vectors of the program, not 'w'",
    ),
    "unknown class": (
        lambda: with_op(LMU, 4, target="best"),
        "operation argmax must name vectors of the program, not 'best'",
    ),
    "a function's name that ends a comment": (
        lambda: with_op(LMU, 2, function=replace(LMU.ops[2].function, name="a*/b")),
        r"name of a function must be one line of printable ASCII without '\*/', not 'a\*/b'",
    ),
    "an internal vector read first": (
        lambda: with_ops(LMU, *LMU.ops[1:]),
        "cascade must not read the internal 'u' before it is written",
    ),
    "an internal vector read by the operation that writes it": (
        lambda: with_op(LMU, 0, sources=("x", "u"), rows=((0,) * 5,) * 2),
        "linear must not read the internal 'u' before it is written",
    ),
    "an output read first": (
        lambda: with_ops(LMU, LMU.ops[4], *LMU.ops[:4]),
        "argmax must not read the output 'logits' before it is written",
    ),
    "a factor read first": (
        lambda: with_ops(GATES, *GATES.ops[:3], *GATES.ops[4:]),
        "pointwise must not read the internal 'g' before it is written",
    ),
    "a memory that is no state": (
        lambda: with_vectors(ONE, z_inner={"role": Role.INTERNAL}),
        "cascade must not read the internal 'z_inner' before it is written",
    ),
    "a memory that is an output": (
        lambda: with_vectors(DENSE, m={"role": Role.OUTPUT}),
        "dense must not read the output 'm' before it is written",
    ),
    "a counter that is no state": (
        lambda: with_vectors(ONE, silence={"role": Role.INTERNAL}),
        "cascade must not read the internal 'silence' before it is written",
    ),
    "an input written": (
        lambda: with_vectors(LMU, u={"role": Role.INPUT}),
        "linear must not write the input 'u'",
    ),
    "a memory that is an input": (
        lambda: with_vectors(ONE, z_inner={"role": Role.INPUT}),
        "cascade must not write the input 'z_inner'",
    ),
    "an index that is an input": (
        lambda: with_vectors(LMU, label={"role": Role.INPUT}),
        "argmax must not write the input 'label'",
    ),
    "a memory that reads itself": (
        lambda: with_op(ONE, 0, source="z_inner"),
        "cascade must not read what it writes: 'z_inner'",
    ),
    "a memory that reads its counter": (
        lambda: with_op(DENSE, 0, source="silence"),
        "dense must not read what it writes: 'silence'",
    ),
    "one vector for both parts of a memory": (
        lambda: with_op(PAIR, 0, z_outer="z_inner"),
        r"cascade must write vectors that differ, not \['silence', 'z_inner', 'z_inner'\]",
    ),
    "a counter as memory": (
        lambda: with_op(ONE, 0, z_inner="silence"),
        r"cascade must write vectors that differ, not \['silence', 'silence'\]",
    ),
    "an output that nothing writes": (
        lambda: with_ops(LMU, *LMU.ops[:4]),
        "output 'label' must be written by an operation",
    ),
    "a negative pace": (
        lambda: replace(ONE, output_every=-1),
        "output_every must be from 0 to 1073741824, not -1",
    ),
    "a pace for ever": (
        lambda: replace(with_vectors(LMU, clock=counter(40)), output_every=(1 << 30) + 1),
        "output_every must be from 0 to 1073741824, not 1073741825",
    ),
    "no clock": (
        lambda: replace(LMU, clock=""),
        "a program must have a clock if output_every > 1, and only then",
    ),
    **{
        f"a clock for outputs at {every}": (
            lambda every=every: replace(LMU, output_every=every),
            "a program must have a clock if output_every > 1, and only then",
        )
        for every in (0, 1)
    },
    "an unknown clock": (
        lambda: replace(LMU, clock="time"),
        CLOCK.replace("'clock'", "'time'"),
    ),
    "a clock for each channel": (lambda: with_vectors(LMU, clock={"length": 2}), CLOCK),
    "an input as clock": (lambda: with_vectors(LMU, clock={"role": Role.INPUT}), CLOCK),
    "an internal clock": (lambda: with_vectors(LMU, clock={"role": Role.INTERNAL}), CLOCK),
    "a signed clock": (lambda: with_vectors(LMU, clock=counter(5, signed=True)), CLOCK),
    "a clock with fractions": (lambda: with_vectors(LMU, clock=counter(3, 1)), CLOCK),
    "a coarse clock": (lambda: with_vectors(LMU, clock=counter(5, -1)), CLOCK),
    "a narrow clock": (lambda: with_vectors(LMU, clock=counter(1)), CLOCK),
    "a clock that stops": (
        lambda: with_ops(LMU, *LMU.ops, copy("clock", "clock")),
        "operations must not write the clock 'clock'",
    ),
    "a clock that counts silence": (
        lambda: replace(with_vectors(ONE, silence=counter(4)), clock="silence", output_every=16),
        "operations must not write the clock 'silence'",
    ),
}


@pytest.mark.parametrize(("build", "text"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(build: Callable[[], Program], text: str) -> None:
    with pytest.raises(FormatError, match=r"\A" + text + r"\Z") as error:
        build()
    assert "\n" not in str(error.value)


def test_what_is_just_allowed() -> None:
    """The other side of the refusals."""
    replace(ONE, title="LMU memory d=64 theta=512 zoh bits=16 output=taps=0,0.5,1 /*")
    replace(ONE, title="")
    with_vectors(LMU, clock=counter(2))
    with_vectors(LMU, clock=counter(40))
    replace(with_vectors(LMU, clock=counter(30)), output_every=1 << 30)
    # an internal vector may be written twice, an output read, a state never written or read
    with_ops(LMU, *LMU.ops[:2], LMU.ops[0], *LMU.ops[1:])
    with_ops(LMU, *LMU.ops, copy("h", "h"))
    idle = Vector(name="idle", length=3, role=Role.STATE, fmt=QFormat(1, 7))
    replace(ONE, vectors=(*ONE.vectors, idle))
    # an internal vector may be left alone
    replace(ONE, vectors=(*ONE.vectors, replace(idle, role=Role.INTERNAL)))
    # the clock may be read
    read = Vector(name="time", length=1, role=Role.OUTPUT, fmt=counter(2))
    replace(LMU, vectors=(*LMU.vectors, read), ops=(*LMU.ops, copy("clock", "time")))


def test_an_output_may_be_a_memory_that_starts_anew() -> None:
    """Written before it is read in every step, as anything that is no state must be."""
    u, z_inner, silence, _ = ONE.vectors
    program = Program(
        title="anew",
        vectors=(u, replace(z_inner, role=Role.OUTPUT), silence),
        ops=(copy("u", "z_inner"), ONE.ops[0]),
    )
    assert [v.name for v in program.with_role(Role.OUTPUT)] == ["z_inner"]


# What is counted and looked up.


def test_words_and_multiplies() -> None:
    program = PROGRAMS["channels"]  # 3 channels of sections p r p, readout of 2 rows
    assert program.n_words(Role.INPUT) == 3
    assert program.n_words(Role.STATE) == 3 * (2 + 3 + 1)
    assert program.n_words(Role.OUTPUT) == 6
    assert [program.channels(op) for op in program.ops] == [3, 3]
    assert program.multiplies_per_step == 3 * (2 + 1 + 2) + 3 * 2 * 5
    assert COPY.channels(COPY.ops[1]) == 1
    assert COPY.multiplies_per_step == 8


def test_roles_keep_the_order_of_the_vectors() -> None:
    def names(role: Role) -> list[str]:
        return [v.name for v in LMU.with_role(role)]

    assert names(Role.INPUT) == ["x"]
    assert names(Role.INTERNAL) == ["u"]
    assert names(Role.STATE) == ["h", "z_outer", "z_inner", "silence", "clock"]
    assert names(Role.OUTPUT) == ["logits", "label"]
    assert [LMU.n_words(role) for role in Role] == [3, 5 + 4 + 6 + 2 + 1, 2, 5]


@pytest.mark.parametrize("index", range(len(STACK.ops)))
def test_operations_read_and_write_what_they_name(index: int) -> None:
    assert (STACK.ops[index].reads, STACK.ops[index].writes) == (
        (("x", "z_read"), ("u1",)),
        (("u1", "a_silence", "a_z_outer", "a_z_inner"), ("a_silence", "a_z_outer", "a_z_inner")),
        (("a_z_inner",), ("z_read",)),
        (("z_read", "x"), ("h1",)),
        (("h1", "quiet", "m"), ("quiet", "m")),
        (("m",), ("y",)),
    )[index]


def test_what_is_only_a_change_of_format() -> None:
    assert copy("u", "y").is_copy
    pointwise = GATES.ops[4:]
    assert not any(op.is_copy for op in pointwise)
    assert not replace(copy("u", "y"), terms=(Term("u", minus=True),)).is_copy
    assert not replace(copy("u", "y"), terms=(Term("u", "v"),)).is_copy
    assert not replace(copy("u", "y"), terms=(Term("u"), Term("u"))).is_copy
    assert not replace(copy("u", "y"), function=LMU.ops[2].function).is_copy


def test_peaks_are_reached() -> None:
    """By the words of the worst signs: 2 * (128 * 7) + 4 * (255 * 5) + 11, and the other way."""
    op = replace(
        linear(sources=("a", "b"), target="y", rows=((-7, 5), (7, -5)), shifts=(0, 0)),
        aligns=(1, 2),
        biases=(11, -11),
    )
    formats = {"a": QFormat(1, 7), "b": QFormat(0, 8, signed=False)}
    lookup = {n: Vector(name=n, length=1, role=Role.INPUT, fmt=f) for n, f in formats.items()}
    assert op.peaks(lookup.__getitem__) == (2 * 128 * 7 + 4 * 255 * 5 + 11,) * 2


def test_copies_need_no_memory() -> None:
    u = Vector(name="u", length=2, fmt=QFormat(1, 7), role=Role.INPUT)
    y = Vector(name="y", length=2, fmt=QFormat(1, 3), role=Role.OUTPUT)
    program = Program(title="copy", vectors=(u, y), ops=(copy("u", "y"),))
    assert from_json(program.to_json()) == program
    assert not any(isinstance(op, Cascade) for op in program.ops)


@pytest.mark.parametrize(
    "name", ["", "2lmu", "a b", "Lmu", "_lmu", "reg", "string", "a" * 41, "a\n"]
)
def test_a_name_that_files_modules_and_c_cannot_share(name: str) -> None:
    with pytest.raises(FormatError, match="name must be a lower-case identifier"):
        replace(COPY, name=name)


def test_what_words_mean_is_one_plain_line() -> None:
    u, *rest = COPY.vectors
    for about in ("two\nlines", "*/", "\u00b5"):
        with pytest.raises(FormatError, match="must be one line of printable ASCII"):
            replace(COPY, vectors=(replace(u, about=about), *rest))
    told = replace(COPY, vectors=(replace(u, about="volts"), *rest))
    assert from_json(told.to_json()) == told
    assert told.digest != COPY.digest
