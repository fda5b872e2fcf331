"""HTML tables, which notebooks show for a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table.

    Parameters
    ----------
    caption : str
    head : sequence of str
        Titles of the columns.
    rows : iterable of sequence
        Cells as text, or shown as ``str`` shows them; integers with commas.

    Examples
    --------
    >>> html_table("a < b", ["x"], [[1234]])
    '<table><caption>a &lt; b</caption><tr><th>x</th></tr><tr><td>1,234</td></tr></table>'
    """

    def row(tag: str, cells: Sequence[object]) -> str:
        texts = (f"{cell:,}" if type(cell) is int else str(cell) for cell in cells)
        return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) + "</tr>"

    body = "".join(row("td", cells) for cells in rows)
    return f"<table><caption>{escape(caption)}</caption>{row('th', head)}{body}</table>"
