"""`BuildReport`: the report of a build directory as data, and its files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._support.build_directory import TOOL, write_report_files
from .._support.version import __version__
from ..program.codec import Report, to_data
from .headline import KeyFigure
from .html_page import report_page
from .plotting import shortened
from .section import Section

REPORT_VERSION = 1
"""Version of the format of ``report.json``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuildReport(Report):
    """The report of a build directory.

    Attributes
    ----------
    path : Path
        The page, ``report.html``; ``report.json`` is beside it.
    title : str
    digest : str
        sha256 of the program, in hexadecimal; empty of an analog memory, which has none.
    figures : tuple of KeyFigure
        The figures at the top.
    sections : tuple of Section
    warnings : tuple of str
        What a reader must know first, such as files that were edited.
    not_measured : dict of str to str
        Why a target has no figures, by its name.
    """

    path: Path
    title: str
    digest: str
    figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]
    warnings: tuple[str, ...]
    not_measured: dict[str, str]

    def section(self, key: str) -> Section:
        """Return the section of this key.

        Raises
        ------
        KeyError
            If the report has none.
        """
        for section in self.sections:
            if section.key == key:
                return section
        raise KeyError(key)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON data: the content of ``report.json``."""
        return {
            "tool": TOOL,
            "report_version": REPORT_VERSION,
            "version": __version__,
            "title": self.title,
            "digest": self.digest,
            "warnings": list(self.warnings),
            "not_measured": dict(self.not_measured),
            "figures": to_data(self.figures),
            "sections": {section.key: _section_data(section) for section in self.sections},
        }

    def page(self) -> str:
        """Return the content of ``report.html``."""
        return report_page(
            title=self.title,
            digest=self.digest,
            figures=self.figures,
            sections=self.sections,
            warnings=self.warnings,
        )

    def write(self) -> None:
        """Write both files.

        Raises
        ------
        EmitError
            If the build directory cannot be written, or holds such files of somebody else.
        """
        data = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        write_report_files(self.path.parent, self.page().encode(), f"{data}\n".encode())

    def __str__(self) -> str:
        lines = [self.title]
        width = max((len(f.name) for f in self.figures), default=0)
        lines += [f"  {f.name:{width}}  {f.value} ({f.note})" for f in self.figures]
        lines += [f"  not measured: {name}: {why}" for name, why in self.not_measured.items()]
        return "\n".join(lines)


def _section_data(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "lead": section.lead,
        "pictures": {picture.name: picture.alt for picture in section.pictures},
        "data": shortened(to_data(section.data)),
    }
