"""Equivalence of printed Verilog with the RTLIL it was printed from, shown by Yosys.

Both are flattened. Registers and memories are matched by their names, which the RTLIL is given from
the printer; every next value of a register, output and input of a memory is then proven equal.
Registers that were left out as constants are proven constant in the RTLIL by induction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lmu_hw._support import yosys
from lmu_hw.errors import ToolError
from lmu_hw.rtl.verilog import parse, printers_of
from lmu_hw.rtl.verilog.printer import Printer
from lmu_hw.rtl.verilog.rtlil import Bits, Module
from lmu_hw.rtl.verilog.specs import constant, wire_of
from lmu_hw.rtl.verilog_modules import printed_modules, rtlil_of
from tests.rtl.printed_designs import PrintedDesign

_PORTS = {
    "rom": "input [{a}:0] address, output [{w}:0] word",
    "ram": "input [{a}:0] read_address, output [{w}:0] read_word, input write, "
    "input [{a}:0] write_address, input [{w}:0] write_word",
}
_PORTS["store"] = _PORTS["ram"]
"""Ports of the memories beside their clock."""
_READ = (
    "read_verilog memories.v; {read}; hierarchy -top {top}; proc -norom; flatten -noscopeinfo; "
    "opt_clean; "
)
_EVERT = (
    "expose -sep _at_ -evert {top}/t:{name}_rom_* {top}/t:{name}_ram_* {top}/t:{name}_store_*; "
)
_EVERT += "opt_clean; "
_PROVE = (
    _READ.format(read="read_rtlil gold.il", top="{name}")
    + "{renames}rename {name} {top}; "
    + _EVERT
    + "rename {top} gold; design -stash gold; "
    + _READ.format(read="read_verilog gate.v", top="{top}")
    + _EVERT
    + "rename {top} gate; design -stash gate; "
    "design -copy-from gold -as gold gold; design -copy-from gate -as gate gate; "
    "equiv_make gold gate equiv; hierarchy -top equiv; "
    "opt_clean; wreduce; opt_expr; opt_clean; {pairs}equiv_simple; "
    "equiv_induct -seq 2; equiv_status -assert"
)
# Cells of one kind that share one input are taken for counterparts. The longer that goes on, the
# fewer multipliers are left to SAT, and the more pairs are wrong, which nothing proves then.
_PAIRS = ("equiv_struct -fwd -icells; ", "equiv_struct -fwd -icells -maxiter 3; ", "")
# a constant may pass eight registers without a reset, whose first values are arbitrary
_CONSTANT = (
    _READ.format(read="read_rtlil whole.il", top="{name}").removesuffix("opt_clean; ")
    + _EVERT.replace("{top}", "{name}").removesuffix("opt_clean; ")
    + "sat -seq 8 -tempinduct -verify {claims} {name}"
)


@dataclass
class Names:
    """What a printer did to the registers and memories of RTLIL.

    Parameters
    ----------
    registers : dict
        Name in the Verilog of each register, by module of the RTLIL and wire.
    constants : dict
        Value of each register that was left out, likewise.
    memories : list of (str, str)
        Paths of each memory in the RTLIL and in the Verilog.
    paths : dict
        Path of each module's instance.
    """

    registers: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, dict[str, int]] = field(default_factory=dict)
    memories: list[tuple[str, str]] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)


def prove_equal(design: PrintedDesign, build_dir: Path, broken: str = "") -> Names:
    """Prove that the Verilog of a design is equal to Amaranth's RTLIL.

    Parameters
    ----------
    design : PrintedDesign
    build_dir : Path
        For files.
    broken : str
        Text to prove in place of the Verilog, for a test of this proof.

    Raises
    ------
    ToolError
        If a proof fails.
    """
    name, top = design.name, design.top
    text = rtlil_of(design.component, name)
    modules = printed_modules(design.component, text, name, top, design.blocks, design.parts)
    printers = printers_of(*modules)
    verilog = broken or "\n".join(p.text for p in printers.values())
    names = _names({m.name: m for m in parse(text)}, printers, name, top)
    whole, kinds = _with_fixed_memories(text, name)
    gate, gate_kinds = _with_fixed_memories(verilog, name)
    assert kinds == gate_kinds, f"{sorted(kinds)} are not {sorted(gate_kinds)}"
    files = {
        "memories.v": "".join(map(_memory, sorted(kinds))),
        "gate.v": gate,
        "gold.il": _renamed(whole, names),
        "whole.il": whole,
    }
    for file, content in files.items():
        (build_dir / file).write_text(content)
    renames = "".join(
        f"cd {name}; rename {was} {now}; cd ..; " for was, now in names.memories if was != now
    )
    for number, pairs in enumerate(_PAIRS):
        script = _PROVE.format(name=name, top=top, renames=renames, pairs=pairs)
        try:
            yosys.run(script, build_dir)
            break
        except ToolError:
            if number == len(_PAIRS) - 1:
                raise
    claims = " ".join(_claims(names))
    if claims:
        yosys.run(_CONSTANT.format(name=name, claims=claims), build_dir)
    return names


def _names(modules: dict[str, Module], printers: dict[str, Printer], name: str, top: str) -> Names:
    names = Names(paths={name: ""})
    todo = [(name, top)]
    for gold, gate in todo:  # grows during the loop
        module, printer, path = modules[gold], printers[gate], names.paths[gold]
        registers = names.registers.setdefault(gold, {})
        constants = names.constants.setdefault(gold, {})
        for cell in module.cells:
            if cell.kind == "$dff":
                wire = wire_of(cell.ports["Q"])
                if wire in printer.registers:
                    registers[wire] = printer.names.get(wire, "")
                elif wire in printer.aliases and not printer.module.wires[wire].direction:
                    value = constant(printer.resolve((Bits(wire, 0, module.wires[wire].width),)))
                    if value is not None:
                        constants[wire] = value
        kinds = {cell.name: cell.kind for cell in module.cells}
        for cell in printer.instances:
            here = f"{path}{cell.name}"
            if cell.kind in printers:
                names.paths[kinds[cell.name]] = f"{here}."
                todo.append((kinds[cell.name], cell.kind))
            else:
                names.memories.append((f"{here}.{cell.inner}" if cell.inner else here, here))
    return names


def _with_fixed_memories(text: str, name: str) -> tuple[str, set[str]]:
    """Return Verilog or RTLIL with a module for every size and file of a memory, and their names.

    Yosys gives the ports of a module without contents the widths of its default parameters.
    """
    kinds = set()

    def kind(memory: str, parameters: str) -> str:
        given = dict(re.findall(r"(WIDTH|DEPTH|ADDRESS_WIDTH|FILE)(?:\(| )([^)\n]+)", parameters))
        file = re.sub(r"\W", "", given.pop("FILE", ""))
        sizes = [given[key] for key in ("WIDTH", "ADDRESS_WIDTH", "DEPTH")]
        found = "_".join([f"{name}_{memory}", *sizes, *([file] if file else [])])
        kinds.add(found)
        return found

    verilog = rf"\b{name}_(rom|ram|store) #\(((?:[^()]|\([^()]*\))*)\) (?=\w+ \()"
    text = re.sub(verilog, lambda m: f"{kind(m[1], m[2])} ", text)
    rtlil = rf"cell \\{name}_(rom|ram|store) (\S+)\n((?: +parameter .*\n)*)"
    text = re.sub(rtlil, lambda m: f"cell \\{kind(m[1], m[3])} {m[2]}\n", text)
    return text, kinds


def _memory(kind: str) -> str:
    """Return a memory without contents."""
    memory, width, address_width = re.search(r"_(rom|ram|store)_(\d+)_(\d+)_", kind).groups()  # type: ignore[union-attr]
    ports = _PORTS[memory].format(w=int(width) - 1, a=int(address_width) - 1)
    return f"(* blackbox *) module {kind} (input clk, {ports});\nendmodule\n"


def _claims(names: Names) -> Iterator[str]:
    for module, constants in names.constants.items():
        for wire, value in constants.items():
            yield f"-prove {names.paths[module]}{wire[1:]} {value}"


def _renamed(text: str, names: Names) -> str:
    """Return the RTLIL with the names of the registers, and constants in place of some.

    Other wires and ports get names that the Verilog does not have, so that none matches by chance.
    """
    pattern = r"^module \\(\S+)\n.*?^end$"
    top = next(iter(names.paths))
    texts = {m[1]: m[0] for m in re.finditer(pattern, text, flags=re.M | re.S)}
    new = {
        name: _new_names(texts[name], names.registers[name], name == top) for name in names.paths
    }
    return re.sub(
        pattern,
        lambda m: _module(m[0], new, m[1], names.constants[m[1]]) if m[1] in new else m[0],
        text,
        flags=re.M | re.S,
    )


def _new_names(text: str, registers: dict[str, str], is_top: bool) -> dict[str, str]:
    """Return the new names of the wires of a module."""
    found = {}
    for attributes, wire in re.findall(r"^  wire (.*) (\\\S+)$", text, re.M):
        is_port = re.search(r"\b(input|output)\b", attributes)
        if registers.get(wire):
            found[wire] = "\\" + registers[wire]
        elif not (is_port and (is_top or wire in ("\\clk", "\\rst"))):
            found[wire] = f"{wire}.gold"
    return found


def _module(text: str, new: dict[str, dict[str, str]], name: str, constants: dict[str, int]) -> str:
    for wire, value in constants.items():
        width = int(re.search(rf"^  wire width (\d+).* {re.escape(wire)}$", text, re.M)[1])  # type: ignore[index]
        bits = f"{width}'{value:0{width}b}"
        cells = re.findall(r"^  cell \$dff .*?^  end\n", text, re.M | re.S)
        (own,) = [c for c in cells if re.search(rf"connect \\Q {re.escape(wire)}( \[|\n)", c)]
        text = text.replace(own, f"  connect {wire} {bits}\n")
    lines, kind = [], ""
    for line in text.splitlines():
        # names of modules, instances, parameters and of the ports of operators stay
        if re.match(r" *(cell|module|parameter|attribute) ", line):
            if line.startswith("  cell "):
                kind = line.split()[1].removeprefix("\\")
            lines.append(line)
            continue
        head, rest = "", line
        if re.match(r"    connect ", line):
            port, rest = re.match(r"    connect (\S+)( .*)", line).groups()  # type: ignore[union-attr]
            head = f"    connect {new.get(kind, {}).get(port, port)}"
        lines.append(head + re.sub(r"\\\S+", lambda m: new[name].get(m[0], m[0]), rest))
    return "\n".join(lines)
