"""All sections of a report, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from .certificate_section import certificate_sections
from .command_sections import command_sections
from .error_section import error_sections
from .format_section import format_sections
from .hardware_sections import hardware_sections
from .impulse_section import impulse_sections
from .network_sections import network_sections
from .report_source import ReportSource
from .request_section import request_sections
from .section import Section
from .spiking_sections import spiking_sections
from .window_section import window_sections

SECTIONS: tuple[Callable[[ReportSource], tuple[Section, ...]], ...] = (
    request_sections,
    window_sections,
    error_sections,
    impulse_sections,
    network_sections,
    spiking_sections,
    format_sections,
    hardware_sections,
    certificate_sections,
    command_sections,
)
"""Each returns the sections that fit the design: none, one or several."""
