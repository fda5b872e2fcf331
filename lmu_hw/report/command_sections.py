"""Section of a report: commands that verify, simulate, measure and integrate the design."""

from __future__ import annotations

from ..manifest import NoHardware
from ..program.integer_program import Role
from .report_source import ReportSource
from .section import Block, CommandLine, Paragraph, Section

PLACE = "."
"""The build directory in commands, which are for a shell inside it."""


def command_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section with the next commands."""
    manifest, program = source.manifest, source.program
    name, hardware = program.name, not isinstance(manifest.hardware, NoHardware)
    blocks: list[Block] = [
        Paragraph(text="Run these in the build directory, the one that holds this page."),
        _line("Compare every installed simulator and compiler with the program", "verify"),
        _line("Derive every claim of the certificate again, from the program alone", "certify"),
        CommandLine(
            purpose="Run a recording through it"
            + (", a column for each input" if program.n_words(Role.INPUT) > 1 else "")
            + ": .wav, .csv or .npy",
            command=f"lmu-hw simulate {PLACE} --input recording.csv -o outputs.csv",
        ),
    ]
    if hardware:
        blocks += [
            _line("Synthesize, place and route for a device", "synth", "--target ecp5-25k"),
            CommandLine(
                purpose=f"Simulate the Verilog with its own bench (module `{name}`, sources in "
                "`rtl/`)",
                command="make -C rtl",
            ),
        ]
    blocks += [
        _line("Compile for microcontrollers and count instructions", "footprint"),
        CommandLine(
            purpose=f"Compile the C and check it against the test vectors (`{name}_step` is the "
            f"call for each sample, in `c/{name}.h`)",
            command="make -C c test",
        ),
        CommandLine(
            purpose="List packages of the design for other tools: LiteX, FuseSoC, CMake, Zephyr, "
            "Rust and more",
            command="lmu-hw kit list",
        ),
    ]
    commands = [b.command for b in blocks if isinstance(b, CommandLine)]
    return (
        Section(
            key="commands",
            title="Verify, simulate, integrate",
            lead="What to do next, ready to copy.",
            blocks=tuple(blocks),
            data={"commands": commands},
        ),
    )


def _line(purpose: str, command: str, options: str = "") -> CommandLine:
    words = ["lmu-hw", command, PLACE, options]
    return CommandLine(purpose=purpose, command=" ".join(filter(None, words)))
