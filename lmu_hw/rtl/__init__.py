"""Hardware in Amaranth, one block per file.

`emit` turns a program into Verilog text. `Core` is the same design as an Amaranth component.
"""

from .core import Core
from .hardware_plan import emit

__all__ = ["Core", "emit"]
