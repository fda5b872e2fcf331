"""Naming schemes of a design's ports."""

from __future__ import annotations

from enum import Enum


class Streams(Enum):
    """Names of clock, reset and streams."""

    PLAIN = "plain"
    """``clk``, ``rst``; ``i_data``, ``i_valid``, ``i_ready``."""
    AXI = "axi"
    """``aclk``, ``aresetn`` and AXI4-Stream: ``s_axis_tdata``, ``s_axis_tvalid``."""
