"""Programs: what comes back from JSON, and what is refused, in one line and never otherwise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.errors import FormatError, ModelFileError
from lmu_hw.fixedpoint import QFormat
from lmu_hw.program import (
    Adaptor,
    Cascade,
    Dense,
    Linear,
    Program,
    Requantize,
    Role,
    Vector,
    from_json,
)
from tests.programs import PROGRAMS, cascade_program, dense_program

every_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
CASCADE = PROGRAMS["readout"]
DENSE = PROGRAMS["dense_readout"]
COPY = PROGRAMS["mixed"]

Edit = Callable[[Any], object]


def body(program: Program) -> Any:
    return json.loads(program.to_json())


def signed(data: Any) -> str:
    """Return the text of an edited program with the digest that the edit asks for."""
    content = {key: value for key, value in data.items() if key != "digest"}
    canonical = json.dumps(content, separators=(",", ":"))
    data["digest"] = hashlib.sha256(canonical.encode()).hexdigest()
    return json.dumps(data)


def refused(text: str, reason: str = "") -> None:
    """Assert that reading fails in one short line that matches ``reason`` to its end."""
    with pytest.raises(ModelFileError, match=reason + r"\Z") as error:
        from_json(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


# Round trips.


@every_program
def test_programs_come_back(program: Program) -> None:
    text = program.to_json()
    assert text.endswith("}\n")
    again = from_json(text)
    assert again == program
    assert again.digest == program.digest == json.loads(text)["digest"]
    assert again.to_json() == text
    assert text.isascii()


@every_program
def test_the_digest_is_that_of_the_content(program: Program) -> None:
    """Anyone can compute it: sha256 of the JSON without its digest, in its order, no spaces."""
    data = body(program)
    digest = data["digest"]
    assert signed(data) == json.dumps(data)
    assert data["digest"] == digest
    assert len(digest) == 64


def test_digests_differ() -> None:
    assert len({p.digest for p in PROGRAMS.values()}) == len(PROGRAMS)


def test_the_layout_does_not_matter() -> None:
    assert from_json(json.dumps(body(CASCADE), indent=7)) == CASCADE


def test_golden_text(golden: Callable[[str, str], None]) -> None:
    """The file format: a change of these bytes breaks the files that people have."""
    golden("program_cascade.json", cascade_program(sections="pr", readout=2, seed=1).to_json())
    golden("program_dense.json", dense_program(order=2, channels=2).to_json())


def test_rows_and_vectors_stand_on_lines_of_their_own() -> None:
    lines = DENSE.to_json().splitlines()
    dense, linear = DENSE.ops
    assert isinstance(dense, Dense)
    assert isinstance(linear, Linear)
    for row in (*dense.rows, *linear.rows):
        assert json.dumps(row, separators=(",", ":")) in {
            line.split("]")[0] + "]" for line in lines
        }
    assert sum(line.startswith('{"name":') for line in lines) == len(DENSE.vectors)


def test_words_and_multiplies() -> None:
    program = PROGRAMS["channels"]  # 3 channels of sections p r p, readout of 2 rows
    assert program.n_words(Role.INPUT) == 3
    assert program.n_words(Role.STATE) == 3 * (2 + 3 + 1)
    assert program.n_words(Role.OUTPUT) == 6
    assert [program.channels(op) for op in program.ops] == [3, 3]
    assert program.multiplies_per_step == 3 * (2 + 1 + 2) + 3 * 2 * 5
    assert COPY.channels(COPY.ops[1]) == 1
    assert COPY.multiplies_per_step == 8


# Tampering.


TAMPERING: dict[str, tuple[Program, Edit]] = {
    "title": (CASCADE, lambda d: d.update(title="another")),
    "input format": (CASCADE, lambda d: d["vectors"][0].update(frac_bits=6)),
    "output format": (CASCADE, lambda d: d["vectors"][-1].update(int_bits=3)),
    "output sign": (CASCADE, lambda d: d["vectors"][-1].update(signed=False)),
    "output name": (
        CASCADE,
        lambda d: (d["vectors"][-1].update(name="z"), d["ops"][1].update(target="z")),
    ),
    "role": (CASCADE, lambda d: d["vectors"][-1].update(role="state")),
    "order of vectors": (CASCADE, lambda d: d["vectors"].reverse()),
    "an unused vector": (CASCADE, lambda d: d["vectors"].append({**d["vectors"][0], "name": "x"})),
    "chain format": (CASCADE, lambda d: d["ops"][0]["chain_fmt"].update(frac_bits=11)),
    "window": (CASCADE, lambda d: d["ops"][0].update(window=13)),
    "coefficient": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].__setitem__(
            0, d["ops"][0]["sections"][0][0][0] - 1
        ),
    ),
    "adaptor shift": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].__setitem__(
            1, d["ops"][0]["sections"][0][0][1] + 1
        ),
    ),
    "order of sections": (CASCADE, lambda d: d["ops"][0]["sections"].reverse()),
    "a row": (CASCADE, lambda d: d["ops"][1]["rows"][0].reverse()),
    "a row's shift": (CASCADE, lambda d: d["ops"][1]["shifts"].__setitem__(0, 0)),
    "a bias": (CASCADE, lambda d: d["ops"][1]["biases"].__setitem__(0, 0)),
    "sources": (CASCADE, lambda d: d["ops"][1]["sources"].reverse()),
    "an operation less": (CASCADE, lambda d: d["ops"].pop()),
    "dense coefficient": (DENSE, lambda d: d["ops"][0]["rows"][2].__setitem__(1, 5)),
    "dense shift": (DENSE, lambda d: d["ops"][0]["shifts"].__setitem__(1, 3)),
    "dense window": (DENSE, lambda d: d["ops"][0].update(window=1)),
    "copied twice": (COPY, lambda d: d["ops"].append(d["ops"][-1])),
    "digest": (CASCADE, lambda d: d.update(digest="0" * 64)),
    "digest in capitals": (CASCADE, lambda d: d.update(digest=d["digest"].upper())),
    "key of the future": (CASCADE, lambda d: d.update(rounding="floor")),
    "key of a vector": (CASCADE, lambda d: d["vectors"][0].update(offset=1)),
    "no text as digest": (CASCADE, lambda d: d.update(digest=None)),
}


@pytest.mark.parametrize(("program", "edit"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_shows_in_the_digest(program: Program, edit: Edit) -> None:
    data = body(program)
    edit(data)
    assert data != body(program)
    refused(
        json.dumps(data),
        "program does not match its digest: it was edited or damaged; generate it again",
    )


# Damage: even with a digest that fits, only a program is a program.


DAMAGE: dict[str, tuple[Program, Edit, str]] = {
    "no title": (CASCADE, lambda d: d.pop("title"), "no 'title'"),
    "no vectors": (CASCADE, lambda d: d.pop("vectors"), "no 'vectors'"),
    "no ops": (CASCADE, lambda d: d.pop("ops"), "no 'ops'"),
    "no rows": (CASCADE, lambda d: d["ops"][1].pop("rows"), "no 'rows'"),
    "no format": (CASCADE, lambda d: d["vectors"][0].pop("signed"), "no 'signed'"),
    "no operation's name": (CASCADE, lambda d: d["ops"][0].pop("op"), "no 'op'"),
    "title of a number": (CASCADE, lambda d: d.update(title=3), "value must be str, not 3"),
    "vectors of a number": (CASCADE, lambda d: d.update(vectors=3), ".*not iterable"),
    "vectors of text": (CASCADE, lambda d: d.update(vectors="ab"), ".*"),
    "ops of null": (CASCADE, lambda d: d.update(ops=None), ".*not iterable"),
    "ops of lists": (CASCADE, lambda d: d.update(ops=[[1]]), ".*"),
    "bool as length": (
        PROGRAMS["dense_one"],
        lambda d: d["vectors"][0].update(length=True),
        "value must be int, not True",
    ),
    "int as bool": (
        CASCADE,
        lambda d: d["vectors"][0].update(signed=1),
        "value must be bool, not 1",
    ),
    "float as window": (
        CASCADE,
        lambda d: d["ops"][0].update(window=12.0),
        r"value must be int, not 12\.0",
    ),
    "nan as bias": (
        CASCADE,
        lambda d: d["ops"][1]["biases"].__setitem__(0, float("nan")),
        "value must be int, not nan",
    ),
    "text as coefficient": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].__setitem__(0, "7\n"),
        r"value must be int, not '7\\n'",
    ),
    "three numbers as adaptor": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].append(1),
        ".*unpack.*",
    ),
    "unknown role": (CASCADE, lambda d: d["vectors"][0].update(role="in"), ".*not a valid Role"),
    "list as role": (CASCADE, lambda d: d["vectors"][0].update(role=[]), ".*not a valid Role"),
    "unknown op": (
        CASCADE,
        lambda d: d["ops"][0].update(op="fft"),
        r"operation must be one of \['cascade', 'dense', 'linear', 'requantize'\], not 'fft'",
    ),
    "list as op": (CASCADE, lambda d: d["ops"][0].update(op=[]), r"operation must be .* not \[\]"),
    "impossible format": (
        CASCADE,
        lambda d: d["vectors"][0].update(frac_bits=90),
        r"format Q1\.90 must be 1 to 63 bits, not 91",
    ),
    "a format of 4000 digits": (
        CASCADE,
        lambda d: d["vectors"][0].update(frac_bits=10**4000),
        r"format Q1\.10*",
    ),
    "a fine format of 4000 digits": (
        CASCADE,
        lambda d: d["vectors"][0].update(int_bits=8 - 10**4000, frac_bits=10**4000),
        ".*",
    ),
    "a shift of 4000 digits": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].__setitem__(1, 10**4000),
        "adaptor needs 10*",
    ),
    "a coefficient of 4000 digits": (
        CASCADE,
        lambda d: d["ops"][1]["rows"][0].__setitem__(0, 10**4000),
        r"linear needs \d+ bits but must fit 63: .*",
    ),
    "a window of 4000 digits": (
        CASCADE,
        lambda d: d["ops"][0].update(window=10**4000),
        "silence must be an unsigned integer format that holds window >= 1, .*",
    ),
    "another length": (
        CASCADE,
        lambda d: d["vectors"][1].update(length=4),
        "z_outer has length 4 but should be 3",
    ),
    "a title that leaves its comment": (
        CASCADE,
        lambda d: d.update(title="x */ int evil;"),
        r"title must be one line of printable ASCII without '\*/', not 'x \*/ int evil;'",
    ),
}


@pytest.mark.parametrize(("program", "edit", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_damage(program: Program, edit: Edit, reason: str) -> None:
    data = body(program)
    edit(data)
    refused(signed(data), f"program is damaged: {reason}; generate it again")


def test_no_digest() -> None:
    data = body(CASCADE)
    del data["digest"]
    refused(json.dumps(data), "program is damaged: no 'digest'; generate it again")


@pytest.mark.parametrize("version", [None, 0, 2, "1", True, 1.0, [1]])
def test_another_schema(version: Any) -> None:
    data = body(CASCADE)
    data["schema_version"] = version
    refused(signed(data), "program must be JSON with schema_version 1")


@pytest.mark.parametrize("text", ["[]", "3", "null", "NaN", '"text"', "{}", "[" * 50 + "]" * 50])
def test_no_object(text: str) -> None:
    refused(text, "program must be JSON with schema_version 1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{'a': 1}",
        "\ufeff{}",
        "\0",
        "nan",
        "9" * 5000,
        '{"schema_version": ' + "1" * 5000 + "}",
        "[" * 200_000,
        '{"a":' * 200_000,
        "\ud800",
    ],
    ids=range(12),
)
def test_no_json(text: str) -> None:
    refused(text, "program is damaged: .*; generate it again")


# Random damage.


def holes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside ``data``."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    paths = []
    for key, value in items:
        paths.append((*path, key))
        if isinstance(value, dict | list):
            paths += holes(value, (*path, key))
    return paths


HOLES = [(name, path) for name in PROGRAMS for path in holes(body(PROGRAMS[name]))]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 1, 62, 63, 64, 2**31, 2**62, 2**63, 2**64, 10**30, 10**4000])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["u", "z_inner", "silence", "cascade", "dense", "requantize", "state"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def read_or_refuse(text: str) -> None:
    """Assert that any text is a program or refused in one short line."""
    try:
        from_json(text)
    except ModelFileError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    assert len(message) < 400


@given(hole=st.sampled_from(HOLES), value=VALUES)
def test_any_value_anywhere_is_read_or_refused(hole: Any, value: Any) -> None:
    name, path = hole
    data = at = body(PROGRAMS[name])
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    read_or_refuse(signed(data))


@given(
    name=st.sampled_from(sorted(PROGRAMS)),
    at=st.floats(0, 1),
    length=st.integers(0, 40),
    text=st.text(alphabet='0123456789-+.eE"[]{},:\\ntrufals \n\0\u0142', max_size=8),
)
def test_any_edit_of_the_text_is_read_or_refused(
    name: str, at: float, length: int, text: str
) -> None:
    whole = PROGRAMS[name].to_json()
    start = int(at * len(whole))
    edited = whole[:start] + text + whole[start + length :]
    try:
        program = from_json(edited)
    except ModelFileError:
        read_or_refuse(edited)  # in one line
    else:
        assert program == PROGRAMS[name]  # the edit was of white space or of no effect


@given(text=st.text(max_size=60))
def test_any_text_is_refused(text: str) -> None:
    refused(text, ".*")


# What `check` refuses.


def vectors(program: Program, **formats: Any) -> tuple[Vector, ...]:
    """Return the vectors with some replaced: NAME=format, or NAME=fields."""
    changes = {n: f if isinstance(f, dict) else {"fmt": f} for n, f in formats.items()}
    return tuple(replace(v, **changes.get(v.name, {})) for v in program.vectors)


def with_op(program: Program, index: int, **fields: Any) -> Program:
    ops = list(program.ops)
    ops[index] = replace(ops[index], **fields)
    return replace(program, ops=tuple(ops))


def with_rows(program: Program, index: int, edit: Callable[[tuple[int, ...]], Any]) -> Program:
    op = program.ops[index]
    assert isinstance(op, Dense | Linear)
    return with_op(program, index, rows=(edit(op.rows[0]), *op.rows[1:]))


ONE = cascade_program(sections="r")
PAIR = cascade_program(sections="p")
BITS = r"needs \d+ bits but must fit 63: ask for fewer state or coefficient bits"
HOLDS = r"silence must be an unsigned integer format that holds window >= 1, "
TITLE = r"title must be one line of printable ASCII without '\*/', not "

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
        lambda: replace(ONE, vectors=vectors(ONE, u={"name": "2u"})),
        "vector '2u' must have an ASCII identifier as name and length >= 1, not 1",
    ),
    "no ASCII": (
        lambda: replace(ONE, vectors=vectors(ONE, u={"name": "\u00fc"})),
        "vector '\u00fc' must have an ASCII identifier as name .*",
    ),
    "no words": (
        lambda: replace(ONE, vectors=vectors(ONE, u={"length": 0})),
        "vector 'u' must have an ASCII identifier as name and length >= 1, not 0",
    ),
    "unknown source": (
        lambda: with_op(ONE, 0, source="v"),
        "operation cascade names no vector of the program: 'v'",
    ),
    "unknown outer state": (
        lambda: with_op(PAIR, 0, z_outer=""),
        "operation cascade names no vector of the program: ''",
    ),
    "unknown counter": (
        lambda: with_op(DENSE, 0, silence="s"),
        "operation dense names no vector of the program: 's'",
    ),
    "unknown target": (
        lambda: with_op(CASCADE, 1, target="x"),
        "operation linear names no vector of the program: 'x'",
    ),
    "unknown copy": (
        lambda: with_op(ONE, 1, target="x"),
        "operation requantize names no vector of the program: 'x'",
    ),
    "inner length": (
        lambda: replace(ONE, vectors=vectors(ONE, z_inner={"length": 2})),
        "z_inner has length 2 but should be 1",
    ),
    "outer length": (
        lambda: replace(PAIR, vectors=vectors(PAIR, z_outer={"length": 2})),
        "z_outer has length 2 but should be 1",
    ),
    "counter length": (
        lambda: replace(ONE, vectors=vectors(ONE, silence={"length": 2})),
        "silence has length 2 but should be 1",
    ),
    "signed counter": (
        lambda: replace(ONE, vectors=vectors(ONE, silence=QFormat(6, 0))),
        HOLDS + r"not Q6\.0 with window 12",
    ),
    "fractional counter": (
        lambda: replace(ONE, vectors=vectors(ONE, silence=QFormat(4, 1, signed=False))),
        HOLDS + r"not UQ4\.1 with window 12",
    ),
    "narrow counter": (
        lambda: replace(ONE, vectors=vectors(ONE, silence=QFormat(3, 0, signed=False))),
        HOLDS + r"not UQ3\.0 with window 12",
    ),
    "wide window": (lambda: with_op(ONE, 0, window=16), HOLDS + r"not UQ4\.0 with window 16"),
    "no window": (lambda: with_op(ONE, 0, window=0), HOLDS + r"not UQ4\.0 with window 0"),
    "dense without window": (lambda: with_op(DENSE, 0, window=0), HOLDS + r".* with window 0"),
    "empty section": (
        lambda: with_op(ONE, 0, sections=((),)),
        "a section must have 1 or 2 adaptors, not 0",
    ),
    "long section": (
        lambda: with_op(ONE, 0, sections=((Adaptor(1, 1),) * 3,)),
        "a section must have 1 or 2 adaptors, not 3",
    ),
    "no section": (lambda: with_op(ONE, 0, sections=()), "z_inner has length 1 but should be 0"),
    **{
        f"adaptor {adaptor}": (
            lambda adaptor=adaptor: with_op(ONE, 0, sections=((adaptor,),)),
            rf"adaptor must have 0 < coef \* 2\*\*-shift < 2, not Adaptor\(coef={adaptor.coef}, .*",
        )
        for adaptor in (
            Adaptor(0, 3),
            Adaptor(-1, 3),
            Adaptor(16, 3),
            Adaptor(2, 0),
            Adaptor(1, -1),
        )
    },
    "wide adaptor": (
        lambda: with_op(ONE, 0, sections=((Adaptor((1 << 47) - 1, 47),),)),
        f"adaptor {BITS}",
    ),
    "adaptor of a far shift": (
        lambda: with_op(ONE, 0, sections=((Adaptor(1, 62),),)),
        "adaptor needs 64 bits but must fit 63: .*",
    ),
    "adaptor of ports far apart": (
        lambda: with_op(ONE, 0, chain_fmt=QFormat(3, 50)),
        f"adaptor {BITS}",
    ),
    "input far from the chain": (
        lambda: replace(ONE, vectors=vectors(ONE, u=QFormat(57, -50))),
        f"cascade input {BITS}",
    ),
    "state length": (
        lambda: replace(DENSE, vectors=vectors(DENSE, m={"length": 5})),
        "m has length 5 but should be 6",
    ),
    "dense row": (
        lambda: with_rows(DENSE, 0, lambda row: row[1:]),
        "dense must have 6 columns and one shift >= 0 for each row",
    ),
    "dense shifts": (
        lambda: with_op(DENSE, 0, shifts=(1, 2)),
        "dense must have 6 columns and one shift >= 0 for each row",
    ),
    "dense negative shift": (
        lambda: with_op(DENSE, 0, shifts=(1, 1, 1, -1, 1, 1)),
        "dense must have 6 columns and one shift >= 0 for each row",
    ),
    "wide dense": (lambda: with_rows(DENSE, 0, lambda row: (1 << 50,) * 6), f"dense {BITS}"),
    "dense far shift": (
        lambda: with_op(DENSE, 0, shifts=(62,) * 6),
        "dense needs 64 bits but must fit 63: .*",
    ),
    "input far above the state": (
        lambda: replace(DENSE, vectors=vectors(DENSE, u=QFormat(1, 40), m=QFormat(60, -30))),
        f"dense input {BITS}",
    ),
    "linear row": (
        lambda: with_rows(CASCADE, 1, lambda row: (*row, 1)),
        "linear must have 6 columns and one shift >= 0 for each row",
    ),
    "linear shifts": (
        lambda: with_op(CASCADE, 1, shifts=(1,)),
        "linear must have 6 columns and one shift >= 0 for each row",
    ),
    "linear biases": (
        lambda: with_op(CASCADE, 1, biases=(1,)),
        "linear has 1 biases but should have 5",
    ),
    "linear channels": (
        lambda: with_op(CASCADE, 1, channels=2),
        r"linear sources \('z_outer', 'z_inner'\) do not split into 2 channels",
    ),
    "linear without channels": (
        lambda: with_op(CASCADE, 1, channels=0),
        r"linear sources .* do not split into 0 channels",
    ),
    "linear without sources": (
        lambda: with_op(CASCADE, 1, sources=()),
        "linear must have at least one source and one row",
    ),
    "linear without rows": (
        lambda: with_op(CASCADE, 1, rows=(), shifts=(), biases=()),
        "linear must have at least one source and one row",
    ),
    "linear target": (
        lambda: replace(CASCADE, vectors=vectors(CASCADE, y={"length": 4})),
        "y has length 4 but should be 5",
    ),
    "wide linear": (lambda: with_rows(CASCADE, 1, lambda row: (1 << 60,) * 6), f"linear {BITS}"),
    "wide bias": (
        lambda: with_op(CASCADE, 1, biases=(1 << 61, 0, 0, 0, 0)),
        "linear bias needs 64 bits but must fit 63: .*",
    ),
    "copy length": (
        lambda: replace(ONE, vectors=vectors(ONE, y_z_inner={"length": 2})),
        "y_z_inner has length 2 but should be 1",
    ),
    "wide copy": (
        lambda: replace(ONE, vectors=vectors(ONE, y_z_inner=QFormat(1, 60))),
        "requantize needs 65 bits but must fit 63: .*",
    ),
}


@pytest.mark.parametrize(("build", "text"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(build: Callable[[], Program], text: str) -> None:
    with pytest.raises(FormatError, match=r"\A" + text + r"\Z") as error:
        build()
    assert "\n" not in str(error.value)


def test_what_just_fits() -> None:
    """The other side of the limits."""
    with_op(ONE, 0, window=15)
    with_op(ONE, 0, window=1)
    with_op(ONE, 0, sections=((Adaptor(15, 3),),))
    with_op(ONE, 0, sections=((Adaptor(1, 0),),))
    with_op(ONE, 0, sections=((Adaptor(1, 61),),))
    with_op(ONE, 0, sections=((Adaptor((1 << 46) - 1, 46),),))
    with_op(DENSE, 0, shifts=(61,) * 6)
    with_op(CASCADE, 1, biases=(-(1 << 61) + 1, 0, 0, 0, 0))
    replace(ONE, vectors=vectors(ONE, y_z_inner=QFormat(1, 58)))
    replace(ONE, title="LMU memory d=64 theta=512 zoh bits=16 output=taps=0,0.5,1 /*")
    replace(ONE, title="")


def test_copies_need_no_memory() -> None:
    u = Vector(name="u", length=2, fmt=QFormat(1, 7), role=Role.INPUT)
    y = Vector(name="y", length=2, fmt=QFormat(1, 3), role=Role.OUTPUT)
    program = Program(title="copy", vectors=(u, y), ops=(Requantize(source="u", target="y"),))
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
