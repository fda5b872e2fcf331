"""Records: what is written is read back as it was, and nothing else is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.program.codec import Report, from_data, to_data, written


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Circle:
    kind: ClassVar[str] = "circle"
    radius: int
    colour: Colour


@dataclass(frozen=True)
class Path:
    kind: ClassVar[str] = "path"
    rows: tuple[tuple[int, ...], ...]
    closed: bool = False


Shape = Circle | Path


@dataclass(frozen=True, kw_only=True)
class Picture:
    name: str
    shapes: tuple[Shape, ...] = ()
    frame: Circle | None = None


PICTURE = Picture(
    name="two",
    shapes=(Circle(3, Colour.BLUE), Path(((1, -2), (), (10**30,)), closed=True)),
    frame=Circle(0, Colour.RED),
)
DATA = {
    "name": "two",
    "shapes": [
        {"kind": "circle", "radius": 3, "colour": "blue"},
        {"kind": "path", "rows": [[1, -2], [], [10**30]], "closed": True},
    ],
    "frame": {"kind": "circle", "radius": 0, "colour": "red"},
}


def edited(*path: Any, value: Any) -> Any:
    """Return the data with one value changed."""
    data = at = json.loads(json.dumps(DATA))
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return data


def test_by_hand() -> None:
    assert to_data(PICTURE) == DATA
    assert from_data(Picture, DATA) == PICTURE


def test_the_kind_comes_first_and_fields_keep_their_order() -> None:
    assert list(to_data(PICTURE)) == ["name", "shapes", "frame"]
    assert list(to_data(PICTURE.shapes[0])) == ["kind", "radius", "colour"]


def test_nothing_is_a_value_of_its_own() -> None:
    bare = Picture(name="")
    assert to_data(bare) == {"name": "", "shapes": [], "frame": None}
    assert from_data(Picture, to_data(bare)) == bare


CIRCLES = st.builds(Circle, st.integers(), st.sampled_from(Colour))
ROWS = st.lists(st.lists(st.integers()).map(tuple)).map(tuple)
SHAPES = CIRCLES | st.builds(Path, ROWS, st.booleans())


@given(
    picture=st.builds(
        Picture,
        name=st.text(),
        shapes=st.lists(SHAPES, max_size=4).map(tuple),
        frame=st.none() | CIRCLES,
    )
)
def test_what_is_written_is_read_back(picture: Picture) -> None:
    again = from_data(Picture, json.loads(json.dumps(to_data(picture))))
    assert again == picture
    assert repr(again) == repr(picture)  # the types too: a list is no tuple


@pytest.mark.parametrize("value", [True, False, 1.0, float("nan"), "1", None, [1], {}], ids=repr)
@pytest.mark.parametrize(
    "path", [("shapes", 1, "rows", 0, 1), ("shapes", 1, "rows", 2, 0), ("frame", "radius")], ids=str
)
def test_only_integers_are_integers(path: tuple[Any, ...], value: Any) -> None:
    name = next(key for key in reversed(path) if isinstance(key, str))
    with pytest.raises(ValueError, match=f"^{name} must be an integer, not ") as error:
        from_data(Picture, edited(*path, value=value))
    assert str(error.value).endswith(repr(value))


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("name",), 3, "name must be text, not 3"),
        (("name",), None, "name must be text, not None"),
        (("shapes",), {}, "shapes must be a list, not {}"),
        (("shapes",), "", "shapes must be a list, not ''"),
        (("shapes",), None, "shapes must be a list, not None"),
        (("shapes", 0), [], "shapes must be an object, not []"),
        (("shapes", 0), None, "shapes must be an object, not None"),
        (("shapes", 0, "kind"), "line", "kind must be one of circle, path, not 'line'"),
        (("shapes", 0, "kind"), [], "kind must be one of circle, path, not []"),
        (("shapes", 0, "colour"), "green", "colour must be one of red, blue, not 'green'"),
        (("shapes", 0, "colour"), "RED", "colour must be one of red, blue, not 'RED'"),
        (("shapes", 0, "colour"), {}, "colour must be one of red, blue, not {}"),
        (("shapes", 1, "rows"), [1], "rows must be a list, not 1"),
        (("shapes", 1, "rows"), 1, "rows must be a list, not 1"),
        (("shapes", 1, "closed"), 0, "closed must be true or false, not 0"),
        (("shapes", 1, "closed"), None, "closed must be true or false, not None"),
        (("frame",), 0, "frame must be an object, not 0"),
        (("frame",), [], "frame must be an object, not []"),
    ],
)
def test_other_data_is_refused_by_name(path: tuple[Any, ...], value: Any, text: str) -> None:
    with pytest.raises(ValueError, match="must be") as error:
        from_data(Picture, edited(*path, value=value))
    assert str(error.value) == text


@pytest.mark.parametrize("data", [None, 3, "x", [], [["name", "two"]]], ids=repr)
def test_a_record_is_an_object(data: Any) -> None:
    with pytest.raises(ValueError, match=r"^value must be an object, not "):
        from_data(Picture, data)


@pytest.mark.parametrize(
    "path", [("name",), ("shapes",), ("frame",), ("shapes", 0, "kind"), ("shapes", 1, "closed")]
)
def test_no_key_may_be_missing(path: tuple[Any, ...]) -> None:
    """Not even one with a default: what is written says everything."""
    data = at = json.loads(json.dumps(DATA))
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    with pytest.raises(KeyError, match=f"^'{path[-1]}'$"):
        from_data(Picture, data)


@dataclass(frozen=True, kw_only=True)
class Ink:
    tint: str
    depth: float


@dataclass(frozen=True, kw_only=True)
class Pencil:
    tint: str
    hardness: int
    wood: str


@dataclass(frozen=True, kw_only=True)
class Size:
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing(Report):
    kind: str
    """A field, not the kind of a union."""
    title: str = field(metadata=written(key="called"))
    line: Ink | Pencil = field(metadata=written(inline=True))
    size: Size | None = field(default=None, metadata=written(inline=True))
    year: int | None = field(default=None, metadata=written(optional=True))
    price: float | None = None
    owners: Mapping[str, tuple[int, ...]]
    draft: object = field(default=None, metadata=written(skipped=True))


DRAWINGS = {
    "all of it": (
        Drawing(
            kind="portrait",
            title="a",
            line=Pencil(tint="grey", hardness=2, wood="lime"),
            size=Size(width=3, height=4),
            year=1,
            price=2.5,
            owners={"b": (1, 2), "c": ()},
        ),
        '{"kind": "portrait", "called": "a", "tint": "grey", "hardness": 2, "wood": "lime", '
        '"width": 3, "height": 4, "year": 1, "price": 2.5, "owners": {"b": [1, 2], "c": []}}',
    ),
    "what may be left out": (
        Drawing(kind="sketch", title="a", line=Ink(tint="red", depth=1), owners={}),
        '{"kind": "sketch", "called": "a", "tint": "red", "depth": 1, "price": null, "owners": {}}',
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_fields_that_are_written_in_another_way(name: str) -> None:
    drawing, text = DRAWINGS[name]
    assert json.dumps(drawing.to_dict()) == text
    assert from_data(Drawing, json.loads(text)) == drawing


def test_a_skipped_field_is_neither_written_nor_read() -> None:
    drawing, text = DRAWINGS["all of it"]
    assert json.dumps(replace(drawing, draft=object()).to_dict()) == text
    assert from_data(Drawing, {**json.loads(text), "draft": 3}).draft is None


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("owners", [], "owners must be an object, not []"),
        ("b", 3, "b must be a list, not 3"),
        ("price", "1", "price must be a number, not '1'"),
        ("price", True, "price must be a number, not True"),
        ("hardness", 0.5, "hardness must be an integer, not 0.5"),
    ],
)
def test_damaged_fields_are_refused_by_name(key: str, value: Any, text: str) -> None:
    data = json.loads(DRAWINGS["all of it"][1])
    (data["owners"] if key == "b" else data)[key] = value
    with pytest.raises(ValueError, match="must be") as error:
        from_data(Drawing, data)
    assert str(error.value) == text


@pytest.mark.parametrize("key", ["called", "hardness", "height", "owners"])
def test_keys_of_inline_records_may_not_be_missing(key: str) -> None:
    data = json.loads(DRAWINGS["all of it"][1])
    del data[key]
    with pytest.raises(KeyError, match=f"^'{key}'$"):
        from_data(Drawing, data)
