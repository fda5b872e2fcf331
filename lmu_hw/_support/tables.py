"""Rows as lines of text in columns, and as an HTML table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def columns(rows: Sequence[Sequence[str]], n_left: int = 1) -> list[str]:
    """Return rows as lines in columns, the first ``n_left`` flush left, the others right.

    Examples
    --------
    >>> columns([("a", "10"), ("bcd", "5")])
    ['a    10', 'bcd   5']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if k < n_left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def html_table(rows: Sequence[Sequence[str]], n_left: int = 1, *, caption: str = "") -> str:
    """Return rows as an HTML table for notebooks; the first row is its head.

    Parameters
    ----------
    rows : sequence of sequences of str
        Text, not HTML: it is escaped.
    n_left : int
        Number of columns flush left; the others are flush right.
    caption : str
        Text above the table; empty: none.

    Examples
    --------
    >>> print(html_table([("name", "n"), ("a<b", "10")]))
    <table>
    <tr><th style="text-align:left">name</th><th style="text-align:right">n</th></tr>
    <tr><td style="text-align:left">a&lt;b</td><td style="text-align:right">10</td></tr>
    </table>
    """
    lines = [f"<caption>{escape(caption)}</caption>"] if caption else []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        cells = (
            f'<{tag} style="text-align:{"left" if k < n_left else "right"}">{escape(cell)}</{tag}>'
            for k, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join(["<table>", *lines, "</table>"])


class TitledRows:
    """Text and notebook table of what has a title and rows of names and texts."""

    __slots__ = ()
    title: str

    def _rows(self) -> list[tuple[str, str]]:
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  {name:12}  {text}" for name, text in self._rows())])

    def _repr_html_(self) -> str:
        return html_table([(self.title, ""), *self._rows()], n_left=2)
