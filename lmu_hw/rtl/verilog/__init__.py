"""Converts Amaranth's RTLIL to readable Verilog-2005.

All registers of a module share one clocked block, which merges statements with the same condition;
everything else is a continuous assignment. Operators are nested where Verilog's width and sign
rules give the same bits; elsewhere an intermediate wire has the exact width. Yosys is not used,
because its text differs between versions.
"""

from .constants import folded
from .inlining import inlined
from .narrowing import narrowed
from .printer import ModuleComments, printers_of, to_verilog
from .pruning import pruned
from .repeats import unrepeated
from .rtlil import Module, parse
from .sharing import shared
from .verilog_lines import wrapped_comments
from .wire_names import pattern_of

__all__ = [
    "Module",
    "ModuleComments",
    "folded",
    "inlined",
    "narrowed",
    "parse",
    "pattern_of",
    "printers_of",
    "pruned",
    "shared",
    "to_verilog",
    "unrepeated",
    "wrapped_comments",
]
