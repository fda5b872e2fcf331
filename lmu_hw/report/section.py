"""Sections of a report: texts, tables, pictures and commands, which one template lays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A text.

    Attributes
    ----------
    text : str
        Plain text; a word between backticks is set as code.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """A command that a reader copies.

    Attributes
    ----------
    purpose : str
        What it does, as a sentence without a full stop.
    command : str
        One line for a shell.
    """

    purpose: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """A table.

    Attributes
    ----------
    caption : str
    head : tuple of str
        Titles of the columns, with units.
    rows : tuple of tuple of str
        Cells; the first of a row is its title. Columns that read as numbers are set to the right.
        As in a text, a word between backticks is set as code.
    sortable : bool
        Readers may sort the rows by a column.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sortable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture.

    Attributes
    ----------
    name : str
        Unique in the report, such as ``error-spectrum``.
    svg : bytes
        From `lmu_hw._support.svg_pictures.svg_of`.
    alt : str
        What is to be seen, in a sentence with the figures, for those who cannot see it.
    caption : str
        What it shows and how to read it.
    """

    name: str
    svg: bytes
    alt: str
    caption: str


Block = Paragraph | CommandLine | DataTable | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report, under a heading of its own.

    Attributes
    ----------
    key : str
        Anchor in the page and key in ``report.json``; lower case with hyphens.
    title : str
    lead : str
        The result, in a sentence.
    blocks : tuple of Block
    data : mapping
        The figures behind the pictures and tables, as plain JSON data, for ``report.json``.
    """

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures of the section."""
        return tuple(block for block in self.blocks if isinstance(block, Picture))
