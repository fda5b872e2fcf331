"""A serial harness around a design, for placers that cannot run without pins.

Shift registers drive every input of the design and take every output, so that four pins are enough
for any width, and every path of the design starts and ends in a register.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import ModelFileError

TOP = "Harness"
CORE = "core"
"""Name of the design's instance."""

_PORT = re.compile(r"^\s*(input|output)\s+(?:wire|reg)?\s*(?:signed)?\s*(?:\[(\d+):0\])?\s*(\w+)")


@dataclass(frozen=True, slots=True)
class ModulePort:
    """A port of a Verilog module."""

    name: str
    direction: str
    width: int


def ports_of(verilog: str, module: str) -> tuple[ModulePort, ...]:
    """Return the ports of a module in the Verilog style of lmu-hw.

    Raises
    ------
    ModelFileError
        If the module is missing.
    """
    pattern = rf"^module {re.escape(module)} (?:#\(.*?\n\) )?\((.*?)\);"
    head = re.search(pattern, verilog, re.MULTILINE | re.DOTALL)
    lines = head.group(1).splitlines() if head else []
    found = [m for line in lines if (m := _PORT.match(line))]
    if not found:
        raise ModelFileError(
            f"the Verilog has no module {module}; generate the build directory again"
        )
    return tuple(ModulePort(m[3], m[1], int(m[2] or 0) + 1) for m in found)


def harness(ports: tuple[ModulePort, ...], module: str) -> str:
    """Return the Verilog of a harness.

    Parameters
    ----------
    ports : tuple of ModulePort
        Ports of the design: clock, reset, then all others.
    module : str
        Name of the design's module.
    """
    clock, reset, *others = ports
    inputs = [p for p in others if p.direction == "input"]
    outputs = [p for p in others if p.direction == "output"]
    n_in, n_out = sum(p.width for p in inputs), sum(p.width for p in outputs)
    nets = [f".{clock.name}(clk)", f".{reset.name}(rst)"]
    for name, among in (("to_core", inputs), ("from_core", outputs)):
        low = 0
        for p in among:
            nets.append(f".{p.name}({name}[{low + p.width - 1}:{low}])")
            low += p.width
    joined = ",\n    ".join(nets)
    # the highest bit of the input register loads the outputs
    return f"""module {TOP} (input wire clk, input wire rst, input wire si, output wire so);
  reg [{n_in}:0] to_core;
  reg [{n_out - 1}:0] taken;
  wire [{n_out - 1}:0] from_core;
  always @(posedge clk) begin
    to_core <= {{to_core[{n_in - 1}:0], si}};
    taken <= to_core[{n_in}] ? from_core : {{taken[{n_out - 2}:0], 1'b0}};
  end
  assign so = taken[{n_out - 1}];
  {module} {CORE} (
    {joined}
  );
endmodule
"""
