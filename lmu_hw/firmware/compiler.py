"""The C compiler of this machine, and what it makes of generated code for `bulk`."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..errors import ModelFileError, ToolError
from ..program import Program
from ..templates import environment


def available() -> bool:
    """Return whether there is a C compiler."""
    return bool(compiler())


def compiler() -> list[str]:
    """Return the C compiler's command: $CC, else the first known one on the path, else nothing."""
    chosen = shlex.split(os.environ.get("CC", ""))
    for command in [chosen] if chosen else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    return []


def compile_library(c_dir: Path, program: Program) -> ctypes.CDLL:
    """Compile the program's C in ``c_dir`` with the loop of `bulk` around it, and load the result.

    Raises
    ------
    ModelFileError
        If a file is missing.
    ToolError
        If there is no C compiler, or it fails.
    """
    name = program.name
    command = compiler()
    if not command:
        raise ToolError(
            f"no C compiler ({os.environ.get('CC') or 'cc, gcc, clang'}):"
            " install a C compiler, e.g. apt-get install gcc"
        )
    sources = [c_dir / f"{name}.c", c_dir / f"{name}.h"]
    for path in sources:
        if not path.is_file():
            raise ModelFileError(f"cannot read {path}: no such file; generate the folder again")
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as folder:
        bulk, library = Path(folder) / "bulk.c", Path(folder) / "bulk.so"
        template = environment().get_template("c/bulk.c.j2")
        text = template.render(p=name, P=name.upper(), every=program.output_every)
        bulk.write_text(text)
        flags = ["-std=c99", "-O3", "-fPIC", "-shared", "-I", str(c_dir)]
        files = ["-o", str(library), str(bulk), str(sources[0])]
        # Not every compiler knows the machine it runs on: then without.
        for tune in (["-march=native"], []):
            line = (*command, *flags, *tune, *files)
            result = subprocess.run(line, capture_output=True, text=True, check=False)
            if result.returncode == 0:
                # The file may go once it is loaded: the mapping keeps what it needs.
                return ctypes.CDLL(str(library))
    said = result.stderr.strip().splitlines() or ["no message"]
    first = next((text for text in said if "error" in text), said[-1])
    raise ToolError(
        f"{command[0]} could not compile {sources[0]}: {first}",
        command=line,
        exit_code=result.returncode,
        tail="\n".join(said[-10:]),
    )
