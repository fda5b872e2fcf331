"""Pictures of pages: one SVG of both themes, the same bytes, readable colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import product

import pytest

from lmu_hw._support import svg_pictures as pictures
from lmu_hw._support.svg_pictures import page_style, svg_of, themed

pytest.importorskip("matplotlib")
TEXTS = ("INK", "MUTED", "BLUE", "ORANGE", "GREEN", "RED", "PURPLE")
FILLS = ("BLUE_FILL", "ORANGE_FILL", "GREEN_FILL", "RED_FILL", "PURPLE_FILL", "GREY_FILL")


def draw() -> bytes:
    from matplotlib.figure import Figure

    with page_style():
        figure = Figure(figsize=(4, 3))
        axes = figure.subplots()
        axes.plot([0.123456, 1.98765], [0, 1], color=pictures.ORANGE, label="a line")
        axes.bar([1], [1], color=pictures.GREEN_FILL)
        axes.legend()
        return svg_of(figure)


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", TEXTS)
def test_colours_are_readable_on_the_page_in_both_themes(name: str) -> None:
    colour = getattr(pictures, name)
    assert contrast(colour, pictures.PAPER) >= 4.5
    assert contrast(pictures.DARK[colour], pictures.DARK[pictures.PAPER]) >= 4.5


@pytest.mark.parametrize("name", FILLS)
def test_ink_is_readable_on_fills(name: str) -> None:
    colour = getattr(pictures, name)
    assert contrast(pictures.INK, colour) >= 4.5
    assert contrast(pictures.DARK[pictures.INK], pictures.DARK[colour]) >= 4.5


def test_the_page_has_the_colours_of_the_pictures() -> None:
    from lmu_hw._support.templates import page_environment

    assert page_environment().loader is not None
    css = page_environment().globals["shipped"]("pages/page.css")  # type: ignore[operator]
    for name in (*TEXTS, "GRID", "PAPER"):
        light = getattr(pictures, name)
        found = re.findall(rf"--{name.lower()}: (#[0-9a-f]{{6}})", css)
        assert found[:2] == [light, pictures.DARK[light]]


def test_a_picture_holds_both_themes() -> None:
    svg = themed(draw()).decode()
    ET.fromstring(svg)
    used = {c for c, p in product(pictures.DARK, ("fill", "stroke")) if f'"{p}: {c}"]' in svg}
    assert {pictures.INK, pictures.ORANGE, pictures.GREEN_FILL, pictures.GRID} <= used
    assert pictures.PURPLE not in used
    assert f"stroke:{pictures.DARK[pictures.ORANGE]}!important" in svg
    # every colour in it is of the palette
    known = {*pictures.DARK, *pictures.DARK.values()}
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) <= known


def test_a_picture_is_the_same_each_time_and_names_no_version() -> None:
    first, again = themed(draw()), themed(draw())
    assert first == again
    assert b"Matplotlib" not in first
    assert len(first) < len(draw()) + 1500


def test_coordinates_are_rounded() -> None:
    assert not re.search(rb'\bd="[^"]*\.\d{3}', themed(draw()))


def test_the_ground_of_a_hatch_switches_too() -> None:
    """Matplotlib writes it as an attribute, not as a style."""
    from matplotlib.figure import Figure

    with page_style():
        figure = Figure(figsize=(2, 2))
        figure.subplots().bar([1], [1], color=pictures.ORANGE_FILL, hatch="//")
        svg = themed(svg_of(figure)).decode()
    assert f'[fill="{pictures.ORANGE_FILL}"]{{fill:{pictures.DARK[pictures.ORANGE_FILL]}' in svg


def test_images_of_pixels_are_seen_on_both_pages() -> None:
    for paper in (pictures.PAPER, pictures.DARK[pictures.PAPER]):
        assert contrast(pictures.PIXEL_BLUE, paper) >= 3.0
