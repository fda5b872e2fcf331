"""Sections of a report: drawing, timeline, devices and microcontrollers of a design."""

from __future__ import annotations

from ..manifest import NoHardware
from ..rtl.hardware_plan import hardware_plan
from ..rtl.networks.network_plan import NetworkPlan
from ..rtl.parallel.cascade_plan import CascadePlan
from .design_section import design_section
from .device_section import device_section
from .microcontroller_section import microcontroller_section
from .pipeline_section import network_pipeline_section, pipeline_section
from .report_source import ReportSource
from .schedule_section import schedule_section
from .section import Section


def hardware_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the sections on drawing, timeline, devices and microcontrollers of a design.

    A program without Verilog has no timeline and no devices; the drawing says why. A memory whose
    sections work on several steps at a time, alone or with layers behind it, has tables instead of
    drawing and timeline.
    """
    hardware = source.manifest.hardware
    boards = microcontroller_section(source)
    if isinstance(hardware, NoHardware):
        return design_section(source, None), boards
    plan = hardware_plan(source.program, hardware)
    if isinstance(plan, CascadePlan):
        return pipeline_section(plan), device_section(source), boards
    if isinstance(plan, NetworkPlan):
        return network_pipeline_section(plan), device_section(source), boards
    return design_section(source, plan), schedule_section(plan), device_section(source), boards
