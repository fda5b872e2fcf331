"""What holds of every page: pictures with texts, no barriers, a path for the keyboard."""

from __future__ import annotations

import importlib.resources
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from .chromium import OpenedPage

SERIOUS = ("serious", "critical")
PICTURES = """() => [...document.querySelectorAll('img, svg[role=img], canvas')].map(e => {
    const box = e.getBoundingClientRect();
    const labels = (e.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean);
    return {
        name: e.id || e.className.baseVal || e.className || e.tagName,
        width: box.width, height: box.height,
        drawn: e.tagName === 'IMG' ? e.complete && e.naturalWidth > 0
            : e.tagName === 'CANVAS' || e.childElementCount > 0,
        alt: e.alt || e.getAttribute('aria-label')
            || labels.map(id => document.getElementById(id)?.textContent || '').join(' ').trim(),
    };
})"""
STOP = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    window.stops = window.stops || new Map();
    if (!window.stops.has(e)) window.stops.set(e, window.stops.size);
    return {
        number: window.stops.get(e),
        name: (e.id || e.getAttribute('aria-label') || e.textContent || e.tagName).trim()
            .slice(0, 60),
        tag: e.tagName.toLowerCase(),
        marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
            || style.boxShadow !== 'none',
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    };
}"""
FOCUSABLE = """() => [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]')]
    .filter(e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true}))
    .filter(e => e.type !== 'radio' || e.checked)
    .filter(e => !e.closest('svg') || e.hasAttribute('tabindex')).length"""


@dataclass(frozen=True, kw_only=True)
class TabStop:
    """An element that the keyboard reaches.

    Attributes
    ----------
    name, tag : str
        Its id, label or text; its kind.
    marked : bool
        It shows that it has the focus.
    seen : bool
        It is in view.
    """

    name: str
    tag: str
    marked: bool
    seen: bool


def check_pictures(shown: OpenedPage, at_least: int) -> None:
    """Assert that pictures are there, drawn, and have a text in their place."""
    # a picture outside the window may not have been decoded yet
    shown.page.evaluate("Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")
    found = shown.page.evaluate(PICTURES)
    assert len(found) >= at_least
    for picture in found:
        assert picture["width"] > 20, picture
        assert picture["height"] > 20, picture
        assert picture["drawn"], picture
        assert len(picture["alt"] or "") > 10, picture


def check_ids(shown: OpenedPage) -> None:
    """Assert that no id occurs twice, and that links lead to one of them."""
    ids = shown.page.eval_on_selector_all("[id]", "found => found.map(e => e.id)")
    assert [name for name, n in Counter(ids).items() if n > 1] == []
    links = shown.page.eval_on_selector_all(
        "a[href]", "found => found.map(e => e.getAttribute('href'))"
    )
    assert [link for link in links if link.removeprefix("#") not in ids] == []


def check_accessible(shown: OpenedPage) -> None:
    """Assert that axe-core finds nothing serious, in light and in dark."""
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    shown.page.evaluate(axe.read_text(encoding="utf-8"))
    for dark in (False, True):
        shown.theme(dark=dark)
        # only colours differ in the dark theme
        rules = "runOnly: ['color-contrast']" if dark else "resultTypes: ['violations']"
        found = shown.page.evaluate(f"axe.run({{{rules}}})")
        assert found["passes"], "axe-core has looked at nothing"
        lines = [
            f"{rule['id']} ({'dark' if dark else 'light'}): {node['target']}: "
            f"{node['failureSummary']}"
            for rule in found["violations"]
            if rule["impact"] in SERIOUS
            for node in rule["nodes"]
        ]
        assert not lines, "\n".join(lines)
    shown.theme()


def tab_stops(shown: OpenedPage, limit: int = 400) -> list[TabStop]:
    """Press Tab from the top of the page to its end; return where the focus went."""
    shown.page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
    found: list[TabStop] = []
    visited: set[int] = set()
    for _ in range(limit):
        shown.page.keyboard.press("Tab")
        stop = shown.page.evaluate(STOP)
        if stop is None or stop["number"] in visited:
            break
        visited.add(stop.pop("number"))
        found.append(TabStop(**stop))
    return found


def check_keyboard(shown: OpenedPage) -> list[TabStop]:
    """Assert that Tab reaches everything, marked and in view, the skip link first; return stops."""
    stops = tab_stops(shown)
    assert "skip" in stops[0].name.lower(), stops[0]
    for stop in stops:
        assert stop.marked, stop
        assert stop.seen, stop
    # scrolling areas are stops of their own in Chromium
    own = [stop for stop in stops if stop.tag in ("a", "button", "input", "select", "summary")]
    assert len(own) >= 1
    assert len(stops) >= shown.page.evaluate(FOCUSABLE)
    return stops


def check_skip_link(shown: OpenedPage) -> None:
    """Assert that the first stop of the keyboard leads past the navigation."""
    shown.page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.closest('main') !== null")


def check_sorting(shown: OpenedPage, table: str = "table.sortable") -> None:
    """Assert that the keyboard sorts the first such table by a column, both ways."""
    area = shown.page.locator(table).first
    buttons = area.locator("thead button")
    cells = [
        area.locator(f"tbody tr > :nth-child({k + 1})").all_inner_texts()
        for k in range(buttons.count())
    ]
    # the last column that has several values
    column = max(k for k, texts in enumerate(cells) if len(set(texts)) > 1)
    buttons.nth(column).focus()
    head = area.locator("thead th").nth(column)
    orders = {}
    for _ in range(2):
        shown.page.keyboard.press("Enter")
        texts = area.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
        assert sorted(texts) == sorted(cells[column])
        # equal values keep their place among themselves
        orders[head.get_attribute("aria-sort")] = [text for text, _ in groupby(texts)]
    assert orders.keys() == {"ascending", "descending"}
    assert orders["ascending"] == orders["descending"][::-1]
    assert len(orders["ascending"]) == len(set(cells[column]))
