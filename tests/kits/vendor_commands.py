"""Tcl files for tools that are not here, run with stubs of the tools' commands."""

from __future__ import annotations

from pathlib import Path

from tests.tools import require, run

STUBS = """
# each call on a line of its own; a tool's command that is not listed is an error
proc record {args} { puts [join $args " | "] }
foreach name {%s} { proc $name args "record $name {*}\\$args; return $name" }
"""


def calls(script: Path, commands: tuple[str, ...], *first: str) -> list[list[str]]:
    """Run a Tcl script with stubs; return the commands that it called, with arguments.

    Parameters
    ----------
    script : Path
    commands : tuple of str
        Commands of the tool.
    *first : str
        Tcl lines before the script.
    """
    require("tclsh")
    wrapper = script.parent / "with_stubs.tcl"
    namespaces = {name.partition("::")[0] for name in commands if "::" in name}
    lines = [f"namespace eval {name} {{}}" for name in sorted(namespaces)]
    text = "\n".join([*lines, STUBS % " ".join(commands), *first, f"source {{{script}}}", ""])
    wrapper.write_text(text)
    done = run("tclsh", wrapper, cwd=script.parent)
    wrapper.unlink()
    assert done.returncode == 0, done.stderr
    return [line.split(" | ") for line in done.stdout.splitlines()]
