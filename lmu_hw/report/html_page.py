"""The HTML page of a report: its template and what the template cannot compute."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from .._support.templates import inline_code, page_environment
from .._support.version import __version__
from .headline import KeyFigure
from .section import Block, CommandLine, DataTable, Paragraph, Picture, Section

NUMBER = re.compile(
    r"[<~]?\s*[-+\u2212]?[\d,]+(\.\d+)?(e[-+]?\d+)?(\s*(%|[kKMG]?i?[bB]|[mukMG]?(Hz|s|V|W)|dB|LSB|bits?))?"
)
EMPTY = ("", "-", "none")
"""Cells that say that there is no number."""


def report_page(
    *,
    title: str,
    digest: str,
    figures: Sequence[KeyFigure],
    sections: Sequence[Section],
    warnings: Sequence[str] = (),
) -> str:
    """Return the page of a report.

    Parameters
    ----------
    title : str
    digest : str
        Of the program; empty: none.
    figures : sequence of KeyFigure
        The figures at the top.
    sections : sequence of Section
    warnings : sequence of str
        Said at the top.
    """
    template = page_environment().get_template("pages/report.html.j2")
    return template.render(
        title=title,
        version=__version__,
        digest=digest,
        figures=figures,
        warnings=warnings,
        sections=[
            {
                "key": section.key,
                "title": section.title,
                "lead": inline_code(section.lead),
                "blocks": [_block(block) for block in section.blocks],
            }
            for section in sections
        ],
    )


def numeric_columns(table: DataTable) -> tuple[bool, ...]:
    """Return which columns hold numbers, and so are set to the right."""
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.head)
    return tuple(
        any(cell not in EMPTY for cell in column)
        and all(cell in EMPTY or NUMBER.fullmatch(cell) is not None for cell in column)
        for column in columns
    )


def _block(block: Block) -> dict[str, Any]:
    """Return what the template shows of a block."""
    if isinstance(block, Paragraph):
        return {"kind": "text", "text": inline_code(block.text)}
    if isinstance(block, CommandLine):
        return {"kind": "command", "purpose": inline_code(block.purpose), "text": block.command}
    if isinstance(block, Picture):
        width = re.search(rb'<svg[^>]*\bwidth="([\d.]+)', block.svg)
        return {
            "kind": "picture",
            "name": block.name,
            "source": "data:image/svg+xml;base64," + base64.b64encode(block.svg).decode(),
            # points to CSS pixels
            "width": round(float(width[1]) * 96 / 72) if width else None,
            "alt": block.alt,
            "caption": inline_code(block.caption),
        }
    return {
        "kind": "table",
        "caption": inline_code(block.caption),
        "numeric": numeric_columns(block),
        "head": block.head,
        "rows": [[inline_code(cell) for cell in row] for row in block.rows],
        "sortable": block.sortable and len(block.rows) > 3,
    }
