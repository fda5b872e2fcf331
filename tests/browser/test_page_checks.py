"""The checks of pages pass a small page and find what is wrong with each of its faulty twins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .chromium import OpenedPage
from .page_checks import (
    check_accessible,
    check_ids,
    check_keyboard,
    check_pictures,
    check_skip_link,
    check_sorting,
)
from .screenshots import Screenshots, difference

pytestmark = pytest.mark.browser

PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='300' height='100'%3E"
    "%3Crect width='300' height='100' fill='%231f63b5'/%3E%3C/svg%3E"
)
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A small page</title>
<style>
body {{ font-family: sans-serif; background: #fff; color: #1b2330; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14181e; color: #e7ebf1; }} }}
@media print {{ nav {{ display: none; }} }}
:focus-visible {{ outline: 3px solid #1f63b5; }}
a {{ color: inherit; }}
</style>
</head>
<body>
<a href="#content">Skip to content</a>
<nav aria-label="Sections"><a href="#table">Table</a></nav>
<main id="content" tabindex="-1">
<h1>A small page</h1>
<img src="{PICTURE}" alt="A blue rectangle, three times as wide as high.">
<table class="sortable" id="table">
<caption>Numbers</caption>
<thead><tr><th scope="col"><button>name</button></th>
<th scope="col"><button>size</button></th></tr></thead>
<tbody><tr><th scope="row">a</th><td>2</td></tr><tr><th scope="row">b</th><td>10</td></tr></tbody>
</table>
</main>
<script>
const button = document.querySelectorAll('th button')[1], body = document.querySelector('tbody');
button.onclick = () => {{
  const up = button.parentElement.getAttribute('aria-sort') !== 'ascending';
  const rows = [...body.rows].sort((a, b) => a.cells[1].textContent - b.cells[1].textContent);
  body.append(...(up ? rows : rows.reverse()));
  button.parentElement.setAttribute('aria-sort', up ? 'ascending' : 'descending');
}};
</script>
</body>
</html>
"""
Visit = Callable[..., OpenedPage]


def small_page(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """Write the page with a text replaced; return its path."""
    assert old in PAGE
    path = tmp_path / "page.html"
    path.write_text(PAGE.replace(old, new) if old else PAGE, encoding="utf-8")
    return path


def test_a_sound_page_passes(visit: Visit, tmp_path: Path, screenshots: Screenshots) -> None:
    shown = visit(small_page(tmp_path))
    check_pictures(shown, 1)
    check_accessible(shown)
    check_keyboard(shown)
    check_skip_link(shown)
    check_sorting(shown)
    check_ids(shown)
    shown.check_quiet()
    shown.page.reload()
    screenshots.check_themes("small", shown)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("const button", "console.error('oh'); const button", "console error: oh"),
        ("const button", "missing(); const button", "missing is not defined"),
        ("const button", "fetch('http://192.0.2.1/x').catch(() => 0); const button", "192.0.2.1"),
        ("<style>", "<style>@import 'http://192.0.2.1/fonts.css';", "192.0.2.1"),
        ('src="data', 'src="missing.png?data', "missing.png"),
    ],
)
def test_noise_and_requests_are_found(
    visit: Visit, tmp_path: Path, old: str, new: str, said: str
) -> None:
    shown = visit(small_page(tmp_path, old, new))
    shown.page.wait_for_timeout(200)
    with pytest.raises(AssertionError, match=said):
        shown.check_quiet()


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (' alt="A blue rectangle, three times as wide as high."', "", check_accessible),
        ("color: #1b2330", "color: #ccc", check_accessible),
        ("background: #14181e", "background: #fff", check_accessible),
        (' lang="en"', "", check_accessible),
        ("<button>size</button>", "<button>size</button><button></button>", check_accessible),
        (":focus-visible { outline: 3px solid #1f63b5; }", ":focus { outline: 0 }", check_keyboard),
        ('<a href="#content">Skip to content</a>\n', "", check_keyboard),
        ('href="#content"', 'href="#nowhere"', check_skip_link),
        ('href="#table"', 'href="#tables"', check_ids),
        ("<h1>", '<h1 id="table">', check_ids),
        ("body.append", "console.log", check_sorting),
        ("up ? 'ascending' : 'descending'", "'ascending'", check_sorting),
    ],
)
def test_barriers_are_found(
    visit: Visit, tmp_path: Path, old: str, new: str, check: Callable[[OpenedPage], object]
) -> None:
    shown = visit(small_page(tmp_path, old, new))
    with pytest.raises(AssertionError):
        check(shown)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('alt="A blue rectangle, three times as wide as high."', 'alt=""'),
        ('src="data', 'src="missing.png?data'),
        ("width='300' height='100'%3E", "width='0' height='0'%3E"),
        ("<img", "<i"),
    ],
)
def test_missing_pictures_are_found(visit: Visit, tmp_path: Path, old: str, new: str) -> None:
    shown = visit(small_page(tmp_path, old, new))
    with pytest.raises(AssertionError):
        check_pictures(shown, 1)


@pytest.mark.parametrize(
    ("old", "new"), [("%231f63b5", "%23ffffff"), ("<h1>A small page</h1>", "")]
)
def test_another_look_is_found(
    visit: Visit, tmp_path: Path, screenshots: Screenshots, old: str, new: str
) -> None:
    shown = visit(small_page(tmp_path, old, new))
    kept = Screenshots(folder=screenshots.folder, update=False, scratch=tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"small-light.png: .*--update-golden"):
        kept.check("small-light", shown)
    assert (tmp_path / "small-light.png").exists()


def test_letters_may_move_and_pictures_may_not() -> None:
    rng = np.random.default_rng(0)
    page = np.full((400, 200, 3), 255, dtype=np.uint8)
    page[20:380, 20:180] = 255 - 60 * rng.integers(0, 2, (360, 160, 1), dtype=np.uint8)
    assert difference(page, page) == ""
    assert difference(page, np.roll(page, 1, axis=1)) == ""
    assert difference(page, page[:-4]) == ""
    assert "pixels high" in difference(page, page[:-40])
    gone = page.copy()
    gone[100:150, 50:150] = 255
    assert "blocks differ" in difference(page, gone)
