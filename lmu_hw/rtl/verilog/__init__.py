"""Converts Amaranth's RTLIL to readable Verilog-2005.

All registers of a module share one clocked block, which merges statements with the same condition;
everything else is a continuous assignment. Operators are nested where Verilog's width and sign
rules give the same bits; elsewhere an intermediate wire has the exact width. Yosys is not used,
because its text differs between versions.
"""

from .constants import folded
from .printer import to_verilog
from .pruning import pruned
from .rtlil import parse
from .sharing import shared

__all__ = ["folded", "parse", "pruned", "shared", "to_verilog"]
