"""What a kit is, and what it is made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._support.templates import environment

if TYPE_CHECKING:
    # `lmu-hw doctor` lists the tools of kits without Amaranth and NumPy
    from ..program.integer_program import Program
    from ..rtl.options import Hardware
    from ..rtl.schedule import Schedule

Files = Mapping[str, "str | bytes"]
"""Contents by relative path, with ``/`` as separator."""


@dataclass(frozen=True, kw_only=True)
class KitDesign:
    """A design as kits see it.

    Attributes
    ----------
    program : Program
    plan : Schedule or None
        None where the program has no Verilog.
    hardware : Hardware
    rtl : mapping of str to str
        Files of the directory ``rtl``: Verilog, ROM files, testbench, Makefile.
    c : mapping of str to str
        Files of the directory ``c``, ``lmu_kernels.h`` among them.
    vectors : mapping of str to str
        Files of the directory ``vectors``.
    version : str
        Version of lmu-hw.
    """

    program: Program
    plan: Schedule | None
    hardware: Hardware
    rtl: Mapping[str, str]
    c: Mapping[str, str]
    vectors: Mapping[str, str]
    version: str

    @property
    def name(self) -> str:
        """Prefix of files, modules and C names."""
        return self.program.name

    @property
    def schedule(self) -> Schedule:
        """The schedule, for kits that need Verilog."""
        assert self.plan is not None
        return self.plan

    @property
    def title(self) -> str:
        """The program's title without characters that TOML, YAML, Tcl or C would read as theirs."""
        return re.sub(r'["\\$\[\]{}]', "'", self.program.title).replace("/*", "/ *")


@dataclass(frozen=True, kw_only=True)
class KitTool:
    """A tool that a kit needs, for ``lmu-hw doctor``.

    Attributes
    ----------
    name : str
        As people know it.
    remedy : str
        How to get it, such as ``apt-get install cmake``.
    command : str
        Program on PATH; empty if it is a Python package or a file.
    package : str
        Name of a Python package; empty if it is a program or a file.
    file : str
        A file that the tool has where Debian installs it; empty if it is a program or a package.
    module : str
        Module that the package provides; default: its name with underscores.
    version_flag : str
        Option that prints the version of the program.
    """

    name: str
    remedy: str
    command: str = ""
    package: str = ""
    file: str = ""
    module: str = ""
    version_flag: str = "--version"


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A package of a design for one tool.

    The kit is a directory of the build directory that can be moved alone: it holds copies of the
    Verilog or C that it needs.

    Attributes
    ----------
    name : str
        As in ``--kit NAME``.
    summary : str
        What it holds, in one line.
    tested : str
        What the tests of this project run it in, with versions.
    not_run : str
        What no test could run; empty if nothing.
    files : callable
        Returns the files of a design, by path in the kit's directory; ``README.md`` among them.
    tools : tuple of KitTool
        What a user needs to build it, beyond what `lmu-hw verify` needs.
    directory : str
        Name of its directory, which kits may share; default: its name.
    verilog, state_port : bool
        It needs a program with Verilog, and ports that clear, save and load the state.
    """

    name: str
    summary: str
    tested: str
    not_run: str
    files: Callable[[KitDesign], Files]
    tools: tuple[KitTool, ...] = ()
    directory: str = ""
    verilog: bool = False
    state_port: bool = False

    @property
    def place(self) -> str:
        """Name of its directory."""
        return self.directory or self.name


def render(template: str, design: KitDesign, **context: object) -> str:
    """Return a rendered template of ``rtl_templates/kits``.

    Parameters
    ----------
    template : str
        Such as ``"cmake/CMakeLists.txt.j2"``.
    design : KitDesign
        The template sees ``design``, ``program``, ``name``, ``title`` and ``tool``, the version of
        lmu-hw.
    **context
        What else it sees.
    """
    text = environment().get_template(f"kits/{template}")
    seen = {
        "design": design,
        "program": design.program,
        "name": design.name,
        "title": design.title,
        "tool": f"lmu-hw {design.version}",
    }
    return text.render({**seen, **context})


def placed(directory: str, files: Files) -> dict[str, str | bytes]:
    """Return files with a directory before their paths."""
    return {f"{directory}/{name}": content for name, content in files.items()}
