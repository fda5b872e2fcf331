"""The hardware, in Amaranth: one block a file; `emit` turns a program into Verilog text, `Core` is
it as a component of other Amaranth designs.
"""

from .core import Core
from .emit import emit

__all__ = ["Core", "emit"]
