"""Program files: JSON round trips, and a one-line error for any other text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.errors import ModelFileError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Argmax,
    DenseUpdate,
    Function,
    Linear,
    Pointwise,
    Program,
    Role,
    Term,
    Vector,
    from_json,
)
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import LABELLED, PROGRAMS, cascade_program, dense_program

CASCADE = PROGRAMS["readout"]
DENSE = PROGRAMS["dense_readout"]
COPY = PROGRAMS["mixed"]
LMU = NETWORKS["lmu_every_3"]
GATES = NETWORKS["gates"]
SMALL = Program(
    name="gated",
    title="one of each",
    vectors=(
        Vector(name="x", length=2, role=Role.INPUT, fmt=QFormat(1, 7), about="pressure"),
        Vector(name="h", length=2, role=Role.STATE, fmt=QFormat(1, 7)),
        Vector(name="gate", length=2, role=Role.INTERNAL, fmt=QFormat(0, 8, signed=False)),
        Vector(name="label", length=1, role=Role.OUTPUT, fmt=QFormat(1, 0, signed=False)),
        Vector(name="steps", length=1, role=Role.STATE, fmt=QFormat(2, 0, signed=False)),
    ),
    ops=(
        Linear(
            sources=("x", "h"),
            target="gate",
            n_channels=1,
            rows=((1, -2, 3, -4), (5, 6, 7, 8)),
            aligns=(0, 2),
            biases=(100, -100),
            multipliers=(16384, 20000),
            shifts=(17, 18),
            function=Function(
                name="sigmoid",
                in_fmt=QFormat(4, 4),
                pieces=((40, 30), (1024, 33)),
                shifts=(2,),
                guard=3,
            ),
        ),
        Pointwise(terms=(Term("gate", "x"), Term("h", minus=True)), target="h"),
        Argmax(source="h", target="label"),
    ),
    output_every=4,
    clock="steps",
)

ALL = PROGRAMS | NETWORKS | {"gated": SMALL, "labelled": LABELLED}
every_program = pytest.mark.parametrize("program", ALL.values(), ids=ALL)

Edit = Callable[[Any], object]
PLAIN = {"name": "", "unit": "", "scale": 1.0, "offset": 0.0}
CHANNEL = ("vectors", 0, "channels", 0)


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
    assert len({p.digest for p in ALL.values()}) == len(ALL)


def test_the_layout_does_not_matter() -> None:
    assert from_json(json.dumps(body(CASCADE), indent=7)) == CASCADE


def test_golden_text(golden: Callable[[str, str], None]) -> None:
    """The file format: a change of these bytes breaks the files that people have."""
    golden("program_cascade.json", cascade_program(sections="pr", readout=2, seed=1).to_json())
    golden("program_dense.json", dense_program(order=2, channels=2).to_json())
    golden("program_network.json", SMALL.to_json())


def test_rows_and_vectors_stand_on_lines_of_their_own() -> None:
    lines = DENSE.to_json().splitlines()
    dense, linear = DENSE.ops
    assert isinstance(dense, DenseUpdate)
    assert isinstance(linear, Linear)
    for row in (*dense.rows, *linear.rows):
        assert json.dumps(row, separators=(",", ":")) in {
            line.split("]")[0] + "]" for line in lines
        }
    assert sum(line.startswith('{"name":') for line in lines) == len(DENSE.vectors)


# Tampering.


TAMPERING: dict[str, tuple[Program, Edit]] = {
    "title": (CASCADE, lambda d: d.update(title="another")),
    "input format": (CASCADE, lambda d: d["vectors"][0]["fmt"].update(frac_bits=6)),
    "output format": (CASCADE, lambda d: d["vectors"][-1]["fmt"].update(int_bits=3)),
    "output sign": (CASCADE, lambda d: d["vectors"][-1]["fmt"].update(signed=False)),
    "output name": (
        CASCADE,
        lambda d: (d["vectors"][-1].update(name="z"), d["ops"][1].update(target="z")),
    ),
    "role": (CASCADE, lambda d: d["vectors"][-1].update(role="state")),
    "role of a vector inside": (LMU, lambda d: d["vectors"][1].update(role="output")),
    "order of vectors": (CASCADE, lambda d: d["vectors"].reverse()),
    "an unused vector": (CASCADE, lambda d: d["vectors"].append({**d["vectors"][0], "name": "x"})),
    "chain format": (CASCADE, lambda d: d["ops"][0]["chain_fmt"].update(frac_bits=11)),
    "window": (CASCADE, lambda d: d["ops"][0].update(window=13)),
    "coefficient": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].update(
            coef=d["ops"][0]["sections"][0][0]["coef"] - 1
        ),
    ),
    "adaptor shift": (
        CASCADE,
        lambda d: d["ops"][0]["sections"][0][0].update(
            shift=d["ops"][0]["sections"][0][0]["shift"] + 1
        ),
    ),
    "order of sections": (CASCADE, lambda d: d["ops"][0]["sections"].reverse()),
    "a row": (CASCADE, lambda d: d["ops"][1]["rows"][0].reverse()),
    "a row's shift": (CASCADE, lambda d: d["ops"][1]["shifts"].__setitem__(0, 0)),
    "a bias": (CASCADE, lambda d: d["ops"][1]["biases"].__setitem__(0, 0)),
    "sources": (CASCADE, lambda d: d["ops"][1]["sources"].reverse()),
    "an operation less": (NETWORKS["order"], lambda d: d["ops"].pop(3)),
    "dense coefficient": (DENSE, lambda d: d["ops"][0]["rows"][2].__setitem__(1, 5)),
    "dense shift": (DENSE, lambda d: d["ops"][0]["shifts"].__setitem__(1, 3)),
    "dense window": (DENSE, lambda d: d["ops"][0].update(window=1)),
    "copied twice": (COPY, lambda d: d["ops"].append(d["ops"][-1])),
    "outputs at another pace": (LMU, lambda d: d.update(output_every=4)),
    "outputs at every step": (LMU, lambda d: d.update(output_every=1, clock="")),
    "an align": (LMU, lambda d: d["ops"][2]["aligns"].reverse()),
    "a multiplier": (LMU, lambda d: d["ops"][0]["multipliers"].reverse()),
    "a piece": (LMU, lambda d: d["ops"][2]["function"]["pieces"].reverse()),
    "a guard": (LMU, lambda d: d["ops"][2]["function"].update(guard=2)),
    "the name of a function": (LMU, lambda d: d["ops"][2]["function"].update(name="tanh")),
    "no function": (LMU, lambda d: d["ops"][2].update(function=None)),
    "a sign": (GATES, lambda d: d["ops"][7]["terms"][1].update(minus=False)),
    "a factor": (GATES, lambda d: d["ops"][4]["terms"][0].update(b="g")),
    "order of terms": (GATES, lambda d: d["ops"][4]["terms"].reverse()),
    "a scale": (LABELLED, lambda d: d["vectors"][0]["channels"][0].update(scale=0.25)),
    "a scale of another type": (
        LABELLED,
        lambda d: d["vectors"][-1]["channels"][1].update(scale=2),
    ),
    "an offset": (LABELLED, lambda d: d["vectors"][0]["channels"][1].update(offset=0.0)),
    "a unit": (LABELLED, lambda d: d["vectors"][0]["channels"][0].update(unit="V")),
    "order of channels": (LABELLED, lambda d: d["vectors"][0]["channels"].reverse()),
    "no channels": (LABELLED, lambda d: d["vectors"][0].pop("channels")),
    "null as channels": (CASCADE, lambda d: d["vectors"][0].update(channels=None)),
    "channels added": (CASCADE, lambda d: d["vectors"][0].update(channels=[PLAIN])),
    "key of a channel": (LABELLED, lambda d: d["vectors"][0]["channels"][0].update(gain=1)),
    "digest": (CASCADE, lambda d: d.update(digest="0" * 64)),
    "digest in capitals": (CASCADE, lambda d: d.update(digest=d["digest"].upper())),
    "key of the future": (CASCADE, lambda d: d.update(rounding="floor")),
    "key of a vector": (CASCADE, lambda d: d["vectors"][0].update(offset=1)),
    "key of an adaptor": (CASCADE, lambda d: d["ops"][0]["sections"][0][0].update(sign=1)),
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


def at(d: Any, *path: Any) -> Any:
    """Return the last container on the way to a value."""
    for key in path[:-1]:
        d = d[key]
    return d


def put(program: Program, *path: Any, value: Any) -> tuple[Program, Edit]:
    """Return the edit that puts a value at the end of a path."""
    return program, lambda d: at(d, *path).__setitem__(path[-1], value)


def drop(program: Program, *path: Any) -> tuple[Program, Edit]:
    return program, lambda d: at(d, *path).pop(path[-1])


def fine(width: int) -> dict[str, Any]:
    """Return a format of an ordinary width with a binary point 4000 digits away."""
    return {"int_bits": width - HUGE, "frac_bits": HUGE, "signed": True}


HUGE = 10**4000
ADAPTOR = ("ops", 0, "sections", 0, 0)
KINDS = "cascade, ladder, dense, spiking, linear, scale, pointwise, argmax"

DAMAGE: dict[str, tuple[tuple[Program, Edit], str]] = {
    "no title": (drop(CASCADE, "title"), "no 'title'"),
    "no vectors": (drop(CASCADE, "vectors"), "no 'vectors'"),
    "no ops": (drop(CASCADE, "ops"), "no 'ops'"),
    "no pace": (drop(CASCADE, "output_every"), "no 'output_every'"),
    "no rows": (drop(CASCADE, "ops", 1, "rows"), "no 'rows'"),
    "no function": (drop(CASCADE, "ops", 1, "function"), "no 'function'"),
    "no format": (drop(CASCADE, "vectors", 0, "fmt"), "no 'fmt'"),
    "no sign of a format": (drop(CASCADE, "vectors", 0, "fmt", "signed"), "no 'signed'"),
    "no kind": (drop(CASCADE, "ops", 0, "kind"), "no 'kind'"),
    "no sign of a term": (drop(GATES, "ops", 4, "terms", 0, "minus"), "no 'minus'"),
    "no coefficient": (drop(CASCADE, *ADAPTOR, "coef"), "no 'coef'"),
    "title of a number": (put(CASCADE, "title", value=3), "title must be text, not 3"),
    "vectors of a number": (put(CASCADE, "vectors", value=3), "vectors must be a list, not 3"),
    "vectors of text": (put(CASCADE, "vectors", value="ab"), "vectors must be a list, not 'ab'"),
    "a vector of text": (
        put(CASCADE, "vectors", 0, value="ab"),
        "vectors must be an object, not 'ab'",
    ),
    "ops of null": (put(CASCADE, "ops", value=None), "ops must be a list, not None"),
    "ops of lists": (put(CASCADE, "ops", value=[[1]]), r"ops must be an object, not \[1\]"),
    "an op of null": (put(CASCADE, "ops", 0, value=None), "ops must be an object, not None"),
    "bool as length": (
        put(PROGRAMS["dense_one"], "vectors", 0, "length", value=True),
        "length must be an integer, not True",
    ),
    "int as bool": (
        put(CASCADE, "vectors", 0, "fmt", "signed", value=1),
        "signed must be true or false, not 1",
    ),
    "list as format": (
        put(CASCADE, "vectors", 0, "fmt", value=[1, 7, True]),
        r"fmt must be an object, not \[1, 7, True\]",
    ),
    "float as window": (
        put(CASCADE, "ops", 0, "window", value=12.0),
        r"window must be an integer, not 12\.0",
    ),
    "nan as bias": (
        put(CASCADE, "ops", 1, "biases", 0, value=float("nan")),
        "biases must be an integer, not nan",
    ),
    **{
        f"{value!r} in the {name}": (
            put(program, *path, value=value),
            rf"{name} must be an integer, not {value!r}",
        )
        for value in (True, False, 1.0, None, "1")
        for name, program, path in (
            ("rows", CASCADE, ("ops", 1, "rows", 0, 2)),
            ("rows", DENSE, ("ops", 0, "rows", 5, 5)),
            ("aligns", LMU, ("ops", 2, "aligns", 1)),
            ("biases", LMU, ("ops", 0, "biases", 1)),
            ("multipliers", LMU, ("ops", 0, "multipliers", 0)),
            ("shifts", CASCADE, ("ops", 1, "shifts", 4)),
            ("pieces", LMU, ("ops", 2, "function", "pieces", 31, 2)),
            ("guard", LMU, ("ops", 2, "function", "guard")),
            ("output_every", LMU, ("output_every",)),
        )
    },
    "a row of a number": (
        put(CASCADE, "ops", 1, "rows", 0, value=3),
        "rows must be a list, not 3",
    ),
    "an object as row": (
        put(CASCADE, "ops", 1, "rows", 0, value={"0": 3}),
        r"rows must be a list, not \{'0': 3\}",
    ),
    "text as coefficient": (
        put(CASCADE, *ADAPTOR, "coef", value="7\n"),
        r"coef must be an integer, not '7\\n'",
    ),
    "a list as adaptor": (
        put(CASCADE, *ADAPTOR, value=[7, 3]),
        r"sections must be an object, not \[7, 3\]",
    ),
    "a list as term": (
        put(GATES, "ops", 4, "terms", 0, value=["f", "c"]),
        r"terms must be an object, not \['f', 'c'\]",
    ),
    "null as factor": (
        put(GATES, "ops", 5, "terms", 0, "b", value=None),
        "b must be text, not None",
    ),
    "text as function": (
        put(GATES, "ops", 0, "function", value="tanh"),
        "function must be an object, not 'tanh'",
    ),
    "null as clock": (put(CASCADE, "clock", value=None), "clock must be text, not None"),
    "unknown role": (
        put(CASCADE, "vectors", 0, "role", value="in"),
        "role must be one of input, state, internal, output, not 'in'",
    ),
    "list as role": (put(CASCADE, "vectors", 0, "role", value=[]), r"role must .*, not \[\]"),
    "unknown kind": (
        put(CASCADE, "ops", 0, "kind", value="requantize"),
        f"kind must be one of {KINDS}, not 'requantize'",
    ),
    "list as kind": (
        put(CASCADE, "ops", 0, "kind", value=[]),
        rf"kind must be one of {KINDS}, not \[\]",
    ),
    "kind of another operation": (
        put(CASCADE, "ops", 0, "kind", value="dense"),
        "no 'state'",
    ),
    "impossible format": (
        put(CASCADE, "vectors", 0, "fmt", "frac_bits", value=90),
        r"format Q1\.90 must be 1 to 63 bits, not 91",
    ),
    "a format of 4000 digits": (
        put(CASCADE, "vectors", 0, "fmt", "frac_bits", value=HUGE),
        r"format Q1\.10*",
    ),
    "a fine format of 4000 digits": (
        put(CASCADE, "vectors", 0, "fmt", value=fine(8)),
        "cascade input needs 9*",
    ),
    "a fine term of 4000 digits": (
        put(GATES, "vectors", 2, "fmt", value=fine(15)),
        "pointwise needs [0-9]*",
    ),
    "a shift of 4000 digits": (put(CASCADE, *ADAPTOR, "shift", value=HUGE), "adaptor needs 10*"),
    "a negative shift of 4000 digits": (
        put(CASCADE, *ADAPTOR, "shift", value=-HUGE),
        r"adaptor must have 0 < coef \* 2\*\*-shift < 2, not .*",
    ),
    "a row's shift of 4000 digits": (
        put(CASCADE, "ops", 1, "shifts", 0, value=HUGE),
        "linear must have shifts from 0 to 61, not 10*",
    ),
    "a coefficient of 4000 digits": (
        put(CASCADE, "ops", 1, "rows", 0, 0, value=HUGE),
        r"linear needs \d+ bits but must fit 63: .*",
    ),
    "a dense coefficient of 4000 digits": (
        put(DENSE, "ops", 0, "rows", 0, 0, value=-HUGE),
        r"dense needs \d+ bits but must fit 63: .*",
    ),
    "a window of 4000 digits": (
        put(CASCADE, "ops", 0, "window", value=HUGE),
        "silence must be an unsigned integer format that holds window >= 1, .*",
    ),
    "a length of 4000 digits": (
        put(CASCADE, "vectors", 1, "length", value=HUGE),
        "z_outer has length 10*",
    ),
    "an align of 4000 digits": (
        put(LMU, "ops", 0, "aligns", 0, value=HUGE),
        "linear must have shifts from 0 to 61, not 10*",
    ),
    "a multiplier of 4000 digits": (
        put(LMU, "ops", 0, "multipliers", 0, value=HUGE),
        r"linear needs \d+ bits but must fit 63: .*",
    ),
    "channels of 4000 digits": (
        put(LMU, "ops", 0, "n_channels", value=HUGE),
        r"linear sources \('x', 'h'\) do not split into 10*",
    ),
    "a guard of 4000 digits": (
        put(LMU, "ops", 2, "function", "guard", value=HUGE),
        "noise must have shifts from 0 to 61, not 10*",
    ),
    "a function's shift of 4000 digits": (
        put(LMU, "ops", 2, "function", "shifts", 1, value=HUGE),
        "noise must have shifts from 0 to 61, not 10*",
    ),
    "a piece of 4000 digits": (
        put(LMU, "ops", 2, "function", "pieces", 3, 0, value=-HUGE),
        r"noise needs \d+ bits but must fit 63: .*",
    ),
    "a pace of 4000 digits": (
        put(LMU, "output_every", value=HUGE),
        "output_every must be from 0 to 1073741824, not 10*",
    ),
    "another length": (
        put(CASCADE, "vectors", 1, "length", value=4),
        "z_outer has length 4 but should be 3",
    ),
    "a name that is a keyword": (
        put(LABELLED, *CHANNEL, "name", value="int"),
        "a channel's name must be .*, not 'int'",
    ),
    "a unit that leaves its comment": (
        put(LABELLED, *CHANNEL, "unit", value="m*/"),
        r"a channel's unit must be .*, not 'm\*/'",
    ),
    "a scale of 0": (
        put(LABELLED, *CHANNEL, "scale", value=0.0),
        r"a channel's scale must be a number of magnitude 1e-30 to 1e\+30, not 0\.0",
    ),
    "an infinite offset": (
        put(LABELLED, *CHANNEL, "offset", value=float("inf")),
        r"a channel's offset must be a number of magnitude 0 to 1e\+30, not inf",
    ),
    "a scale of 4000 digits": (
        put(LABELLED, *CHANNEL, "scale", value=HUGE),
        "a channel's scale must be .*, not 10*",
    ),
    "text as offset": (
        put(LABELLED, *CHANNEL, "offset", value="1"),
        "offset must be a number, not '1'",
    ),
    "text as channels": (
        put(LABELLED, "vectors", 0, "channels", value="mV"),
        "channels must be a list, not 'mV'",
    ),
    "a number as channel": (put(LABELLED, *CHANNEL, value=1), "channels must be an object, not 1"),
    "no unit": (drop(LABELLED, *CHANNEL, "unit"), "no 'unit'"),
    "a channel less": (
        drop(LABELLED, *CHANNEL),
        "input 'u' has 2 channels but should have 3, one for each word",
    ),
    "channels of a state": (
        put(LABELLED, "vectors", 1, "channels", value=[PLAIN]),
        "state 'z_outer' must have no channels: .*",
    ),
    "a title that leaves its comment": (
        put(CASCADE, "title", value="x */ int evil;"),
        r"title must be one line of printable ASCII without '\*/', not 'x \*/ int evil;'",
    ),
    "a function's name that leaves its comment": (
        put(LMU, "ops", 2, "function", "name", value="*/"),
        r"name of a function must be one line of printable ASCII without '\*/', not '\*/'",
    ),
}


@pytest.mark.parametrize(("what", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_damage(what: tuple[Program, Edit], reason: str) -> None:
    program, edit = what
    data = body(program)
    edit(data)
    refused(signed(data), f"program is damaged: {reason}; generate it again")


@pytest.mark.parametrize("depth", [10, 300, 900, 3000, 90_000])
@pytest.mark.parametrize("path", [("more",), ("ops", 1, "rows", 0, 0), ("title",), ("vectors", 0)])
def test_deep_nesting(path: tuple[Any, ...], depth: int) -> None:
    data = body(CASCADE)
    at(data, *path)[path[-1]] = "HERE"
    text = json.dumps(data).replace('"HERE"', "[" * depth + "]" * depth)
    refused(text, "program .*; generate it again")


def test_no_digest() -> None:
    data = body(CASCADE)
    del data["digest"]
    refused(json.dumps(data), "program is damaged: no 'digest'; generate it again")


@pytest.mark.parametrize("version", [None, 0, 1, 3, "2", True, 2.0, [2]])
def test_another_schema(version: Any) -> None:
    data = body(CASCADE)
    data["schema_version"] = version
    refused(signed(data), "program must be JSON with schema_version 2; generate it again")


@pytest.mark.parametrize("text", ["[]", "3", "null", "NaN", '"text"', "{}", "[" * 50 + "]" * 50])
def test_no_object(text: str) -> None:
    refused(text, "program must be JSON with schema_version 2; generate it again")


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


HOLES = [(name, path) for name in ALL for path in holes(body(ALL[name]))]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 1, 62, 63, 64, 2**31, 2**62, 2**63, 2**64, 10**30, 10**4000])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["u", "z_inner", "silence", "cascade", "linear", "pointwise", "state", "x", "h"]
    ),
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
    data = body(ALL[name])
    at(data, *path)[path[-1]] = value
    read_or_refuse(signed(data))


@given(
    name=st.sampled_from(sorted(ALL)),
    where=st.floats(0, 1),
    length=st.integers(0, 40),
    text=st.text(alphabet='0123456789-+.eE"[]{},:\\ntrufals \n\0\u0142', max_size=8),
)
def test_any_edit_of_the_text_is_read_or_refused(
    name: str, where: float, length: int, text: str
) -> None:
    whole = ALL[name].to_json()
    start = int(where * len(whole))
    edited = whole[:start] + text + whole[start + length :]
    try:
        program = from_json(edited)
    except ModelFileError:
        read_or_refuse(edited)  # in one line
    else:
        assert program == ALL[name]  # the edit was of white space or of no effect


@given(text=st.text(max_size=60))
def test_any_text_is_refused(text: str) -> None:
    refused(text, ".*")
