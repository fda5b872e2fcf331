"""Prints the RTLIL that Amaranth writes as Verilog-2005 that people can read.

Registers of a module share one clocked block, in which statements under the same condition are put
together again; everything else is a continuous assignment. Operators nest where Verilog's rules
for widths and signs give the same bits; where they would not, a wire gets the exact width. The text
depends on nothing but the modules: no Yosys, whose text differs from version to version.
"""

from .constants import folded
from .printer import to_verilog
from .pruning import pruned
from .rtlil import parse
from .sharing import shared

__all__ = ["folded", "parse", "pruned", "shared", "to_verilog"]
