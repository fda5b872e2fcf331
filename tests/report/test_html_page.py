"""The page of a report: one file, escaped, with headings, texts for pictures, and contents."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from lmu_hw._support.templates import inline_code
from lmu_hw.report.headline import KeyFigure
from lmu_hw.report.html_page import numeric_columns, report_page
from lmu_hw.report.section import CommandLine, DataTable, Paragraph, Picture, Section

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="72pt"></svg>'
EVIL = '<script>alert("x")</script> & `<b>`'


class Page(HTMLParser):
    """Elements of a page with their attributes, and whether all are closed."""

    VOID = ("meta", "link", "img", "br", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def make_page() -> str:
    return report_page(
        title=f"design {EVIL}",
        digest="0123456789abcdef0123",
        figures=[KeyFigure(name="Error", value="0.5 LSB", note=EVIL)],
        warnings=[EVIL],
        sections=[
            Section(
                key="first",
                title=f"First {EVIL}",
                lead="Runs `a`.",
                blocks=(
                    Paragraph(text=EVIL),
                    CommandLine(purpose="Do it", command="lmu-hw verify 'a b' && echo \"<ok>\""),
                    DataTable(
                        caption=EVIL,
                        head=("name", "value <b>"),
                        rows=(("a", "1"), (EVIL, "2"), ("c", "3"), ("d", "4")),
                    ),
                    Picture(name="drawn", svg=SVG, alt=f'alt "{EVIL}"', caption="A caption."),
                ),
            ),
            Section(key="second", title="Second", lead="More.", blocks=()),
        ],
    )


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(make_page())


def test_every_element_is_closed(page: Page) -> None:
    assert page.open == []


def test_texts_are_escaped(page: Page) -> None:
    assert len(page.all("script")) == 1
    assert not page.all("b")
    assert "alert" not in re.sub(r"&lt;script&gt;alert", "", make_page())


def test_a_page_needs_no_network(page: Page) -> None:
    for _, attrs in page.elements:
        for name in ("src", "href"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:", "#")), value
    assert "default-src 'none'" in make_page()
    assert "@import" not in make_page()
    assert "url(" not in make_page()


def test_a_page_has_a_language_a_title_and_headings_in_order(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert [a["id"] for a in page.all("h2")] == ["first-title", "second-title"]
    assert {a["aria-labelledby"] for a in page.all("section")} == {"first-title", "second-title"}


def test_the_contents_lead_to_every_section(page: Page) -> None:
    links = [a["href"] for a in page.all("a")]
    assert links == ["#content", "#first", "#second"]
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link} <= set(ids)


def test_pictures_have_a_text_and_a_size(page: Page) -> None:
    (image,) = page.all("img")
    assert image["alt"] == f'alt "{EVIL}"'
    assert image["width"] == "96"
    assert image["src"] is not None
    assert image["src"].startswith("data:image/svg+xml;base64,")


def test_tables_have_heads_and_numbers_to_the_right(page: Page) -> None:
    heads = page.all("th")
    assert [a["scope"] for a in heads] == ["col", "col", *["row"] * 4]
    assert heads[1].get("class") == "number"
    assert heads[0].get("class") is None


def test_commands_can_be_copied_as_they_are() -> None:
    text = make_page()
    assert "lmu-hw verify &#39;a b&#39; &amp;&amp; echo &#34;&lt;ok&gt;&#34;</code>" in text


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        (("1", "2.5", "-3"), True),
        (("1,234", "-", "98.5 %"), True),
        (("0.5 LSB", "12 KiB", "3 MHz"), True),
        (("\u22124", "< 0.1 %"), True),
        (("2^16", "1"), False),
        (("a1", "1"), False),
        (("-", ""), False),
        (("1 of 4",), False),
    ],
)
def test_columns_that_read_as_numbers(cells: tuple[str, ...], *, numeric: bool) -> None:
    table = DataTable(caption="", head=("x",), rows=tuple((cell,) for cell in cells))
    assert numeric_columns(table) == (numeric,)


def test_a_backtick_alone_is_a_character() -> None:
    assert str(inline_code("a ` b <")) == "a ` b &lt;"


def test_a_short_table_or_one_in_an_order_of_its_own_is_not_sortable() -> None:
    rows = tuple((str(k),) for k in range(5))
    for table in (
        DataTable(caption="", head=("x",), rows=rows[:3]),
        DataTable(caption="", head=("x",), rows=rows, sortable=False),
    ):
        section = Section(key="k", title="t", lead="", blocks=(table,))
        text = report_page(title="t", digest="", figures=(), sections=[section])
        assert 'class="sortable"' not in text
