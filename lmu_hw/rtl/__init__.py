"""The hardware, in Amaranth: one block a file; `emit` turns a program into Verilog text."""

from .emit import emit

__all__ = ["emit"]
