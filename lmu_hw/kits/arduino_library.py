"""Kit ``arduino``: the C as an Arduino library, with a sketch that streams words."""

from __future__ import annotations

from .c_library import all_sources, check_name, release
from .kit import Files, Kit, KitDesign, KitTool, placed, render

RESERVED = (
    *("arduino", "avr", "binary", "client", "eeprom", "hardwareserial", "ipaddress", "print"),
    *("printable", "server", "servo", "sd", "spi", "stream", "tone", "udp", "usbapi", "wire"),
    "wstring",
)
"""Headers of the cores and common libraries; some file systems know no upper case."""

PYSERIAL = "python -m pip install pyserial"


def _files(design: KitDesign) -> Files:
    from ..firmware import scratch_bytes, tables
    from ..firmware.layout import lay_out
    from ..program.integer_program import Role

    check_name(design, "arduino", RESERVED, "Arduino")
    name, program = design.name, design.program
    layout = lay_out(program, name)

    def formats(role: Role) -> list[tuple[int, bool]]:
        vectors = program.with_role(role)
        return [(v.fmt.width, v.fmt.signed) for v in vectors for _ in range(v.length)]

    context = {
        "P": name.upper(),
        "release": release(design.version),
        "n_in": program.n_words(Role.INPUT),
        "n_out": program.n_words(Role.OUTPUT),
        "n_steps": len(design.vectors["input.hex"].split()) // program.n_words(Role.INPUT),
        "n_outputs": len(design.vectors["output.hex"].split()) // program.n_words(Role.OUTPUT),
        "state_bytes": layout.state_bytes,
        "scratch": scratch_bytes(program),
        "table_bytes": sum(table.n_bytes for table in tables(program)),
        # negative numbers reach as far as words do
        "in_word": "int64_t" if layout.in_type == "int64_t" else "long",
        "out_word": "int64_t" if layout.out_type == "int64_t" else "long",
        "inputs": formats(Role.INPUT),
        "outputs": formats(Role.OUTPUT),
    }
    templates = {
        "README.md": "README.md.j2",
        "library.properties": "library.properties.j2",
        "keywords.txt": "keywords.txt.j2",
        f"examples/{name}_stream/{name}_stream.ino": "stream.ino.j2",
        "extras/compare.py": "compare.py.j2",
        "extras/simulate.c": "simulate.c.j2",
    }
    return {
        **{path: render(f"arduino/{file}", design, **context) for path, file in templates.items()},
        **placed("src", all_sources(design)),
        **placed("extras/vectors", design.vectors),
    }


ARDUINO = Kit(
    name="arduino",
    summary="Arduino library of the C with a sketch that streams words over the serial port",
    tested="arduino-builder 1.3.25 and core 1.8.7 for the Uno; words and RAM in simavr 1.6",
    not_run="on a board, in arduino-cli or IDE 2, for another core than AVR",
    files=_files,
    tools=(
        KitTool(
            name="arduino-builder",
            command="arduino-builder",
            remedy="apt-get install arduino-builder avr-libc",
            version_flag="-version",
        ),
        KitTool(
            name="Arduino AVR core",
            file="/usr/share/arduino/hardware/arduino/avr/platform.txt",
            remedy="apt-get install arduino-core-avr",
        ),
        KitTool(
            name="simavr",
            file="/usr/include/simavr/sim_avr.h",
            remedy="apt-get install libsimavr-dev",
        ),
        KitTool(name="pyserial", package="pyserial", module="serial", remedy=PYSERIAL),
    ),
)
