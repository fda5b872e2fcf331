"""Equivalence of a mutant of Verilog, shown by SAT.

Every register's next value, every output and every input of a memory is compared as a function of
the registers, the inputs and what the memories give: equal for all of their values, so the designs
differ in nothing from equal registers on. Registers that begin alike stay alike for ever.
"""

from __future__ import annotations

import re
from pathlib import Path

from lmu_hw._support import yosys
from lmu_hw.errors import ToolError

_READ = """
read_verilog {file}.v
hierarchy -check -top lmu
proc
flatten
expose -dff -evert-dff
expose -evert {memories}
opt_clean
select -assert-none lmu/t:*dff* {memories}
rename lmu {file}
design -stash {file}
"""
_COMPARE = """
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
miter -equiv -flatten gold gate miter
hierarchy -top miter
opt_merge
opt_clean
sat -verify -prove trigger 0 miter
"""
_MEMORY = r"^module (lmu_(?:rom|ram|store))\b"


def equivalent(was: str, now: str, build_dir: Path) -> bool:
    """Return whether two designs, which differ in one line, are shown to be the same.

    Parameters
    ----------
    was, now : str
        Verilog.
    build_dir : Path
        For files.
    """
    texts = {"gold": compared(was), "gate": compared(now)}
    # what is not compared must not be what was broken
    if texts["gold"] == texts["gate"]:
        return False
    for name, text in texts.items():
        (build_dir / f"{name}.v").write_text(text)
    memories = " ".join(f"lmu/t:{name}" for name in re.findall(_MEMORY, was, re.M))
    script = "".join(_READ.format(file=name, memories=memories) for name in texts) + _COMPARE
    try:
        yosys.run("; ".join(script.split("\n")[1:-1]).replace("; ; ", "; "), build_dir)
    except ToolError:
        return False
    return True


def compared(verilog: str) -> str:
    """Return what is compared of Verilog: not how memories work, nor what registers hold first."""
    memory = rf"({_MEMORY} #\(.*?^\);\n).*?^endmodule"
    text, n = re.subn(memory, r"(* blackbox *) \1endmodule", verilog, flags=re.M | re.S)
    assert n
    # not an output of a register that is there no more
    text = text.replace("output reg  [WIDTH-1:0]", "output wire [WIDTH-1:0]")
    first = r"^( +(?:output )?reg .*) = (?:\d+'s?[dh]\w+|[A-Z_]+)(;|,?)( +//.*)?$"
    return re.sub(first, r"\1\2", text, flags=re.M)
