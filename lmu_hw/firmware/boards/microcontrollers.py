"""Boards for `lmu-hw verify` and `lmu-hw footprint`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..._support.name_lookup import look_up

KB, MB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """Compiler and emulator for a family of cores.

    Attributes
    ----------
    name : str
        Name of the family.
    prefix : str
        Prefix of the compiler and its tools, such as ``arm-none-eabi-``.
    qemu : str
        QEMU command.
    packages : tuple of str
        Debian packages of the compiler, the C library and QEMU, in this order.
    options : tuple of str
        Compiler options that select the C library.
    start, script : str
        Start-up code and linker script in ``sim/firmware``.
    serial : bool
        Data is exchanged through a serial port, not by semihosting.
    constants_in_ram : bool
        Constants that are not marked for flash are copied to RAM.
    standard : str
        C standard; on an AVR, tables stay in flash only with GNU C.
    says_calls : bool
        The compiler (gcc 10 or later) can write the call graph with the stack frames.
    """

    name: str
    prefix: str
    qemu: str
    packages: tuple[str, ...]
    options: tuple[str, ...]
    start: str
    script: str = "board.ld"
    serial: bool = False
    constants_in_ram: bool = False
    standard: str = "c99"
    says_calls: bool = True

    @property
    def compiler(self) -> str:
        """The compiler's command."""
        return f"{self.prefix}gcc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A core, on a board that QEMU emulates.

    Attributes
    ----------
    name : str
        Name of the backend.
    core : str
    toolchain : Toolchain
    cpu : tuple of str
        Compiler options that select the core.
    machine : tuple of str
        QEMU options that select the board; empty if QEMU has none with this core, whose C is then
        only compiled.
    flash, ram : tuple of int
        First address and size [bytes].
    chunk : int
        RAM for input and output buffers [bytes].
    stack : int
        Stack in addition to the scratch stated in the header [bytes].
    machine_code : str
        Instruction set as objdump names it, where it does not know it from the program.
    """

    name: str
    core: str
    toolchain: Toolchain
    cpu: tuple[str, ...]
    machine: tuple[str, ...]
    flash: tuple[int, int]
    ram: tuple[int, int]
    chunk: int = 32 * KB
    stack: int = KB
    machine_code: str = ""

    @property
    def runs(self) -> bool:
        """Whether QEMU runs its programs."""
        return bool(self.machine)

    @property
    def place(self) -> str:
        """Core and board, for messages."""
        return ", ".join((self.core, *self.machine[1:2]))


ARM = Toolchain(
    name="Arm",
    prefix="arm-none-eabi-",
    qemu="qemu-system-arm",
    packages=("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"),
    options=("--specs=nano.specs",),
    start="start_arm.c",
)
RISCV = Toolchain(
    name="RISC-V",
    prefix="riscv64-unknown-elf-",
    qemu="qemu-system-riscv32",
    packages=("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"),
    options=("--specs=picolibc.specs",),
    start="start_riscv.S",
)
AVR = Toolchain(
    name="AVR",
    prefix="avr-",
    qemu="qemu-system-avr",
    packages=("gcc-avr", "avr-libc", "qemu-system-misc"),
    options=(),
    start="start_avr.S",
    script="avr.ld",
    serial=True,
    constants_in_ram=True,
    standard="gnu99",
    says_calls=False,
)


def _cortex(name: str, core: str, machine: str, start: int = 0) -> Board:
    """Return a Cortex-M on one of Arm's MPS2 boards, with 4 MB of code memory and 2 or 4 MB of RAM.

    ``start`` is the alias of all memory in which the core starts: that of the secure state.
    """
    return Board(
        name=name,
        core=core,
        toolchain=ARM,
        cpu=(f"-mcpu={core.lower()}", "-mthumb"),
        machine=("-M", machine),
        flash=(start, 4 * MB),
        ram=((0x2800_0000 if start else 0x2000_0000) + start, 2 * MB if start else 4 * MB),
    )


def _helium(name: str, core: str, cpu: str, *machine: str) -> Board:
    """Return a Cortex-M with vector instructions, with the tightly coupled memories of the M55."""
    return Board(
        name=name,
        core=core,
        toolchain=ARM,
        cpu=(cpu, "-mthumb", "-mfloat-abi=hard"),
        machine=machine,
        flash=(0, 512 * KB),
        ram=(0x2000_0000, 512 * KB),
        machine_code="armv8.1-m.main",
    )


TARGETS = {
    target.name: target
    for target in (
        Board(
            name="c-m0",
            core="Cortex-M0",
            toolchain=ARM,
            cpu=("-mcpu=cortex-m0", "-mthumb"),
            machine=("-M", "microbit"),
            flash=(0, 256 * KB),
            ram=(0x2000_0000, 16 * KB),
            chunk=2 * KB,
        ),
        _cortex("c-m3", "Cortex-M3", "mps2-an385"),
        _cortex("c-m4", "Cortex-M4", "mps2-an386"),
        _cortex("c-m7", "Cortex-M7", "mps2-an500"),
        _cortex("c-m33", "Cortex-M33", "mps2-an505", 0x1000_0000),
        _helium("c-m55", "Cortex-M55", "-mcpu=cortex-m55", "-M", "mps3-an547"),
        # gcc knows its name from 13 on; the instructions of its architecture are the M55's
        _helium("c-m85", "Cortex-M85", "-march=armv8.1-m.main+mve.fp+fp.dp"),
        Board(
            name="c-rv32",
            core="RV32IMAC",
            toolchain=RISCV,
            cpu=("-march=rv32imac", "-mabi=ilp32", "-mcmodel=medany"),
            machine=("-M", "virt", "-bios", "none"),
            flash=(0x8000_0000, 32 * MB),
            ram=(0x8200_0000, 32 * MB),
        ),
        Board(
            name="c-avr",
            core="ATmega2560",
            toolchain=AVR,
            cpu=("-mmcu=atmega2560",),
            machine=("-M", "mega2560"),
            flash=(0, 256 * KB),
            ram=(0x80_0200, 8 * KB),
            chunk=KB,
            stack=512,
        ),
        Board(
            name="c-uno",
            core="ATmega328P",
            toolchain=AVR,
            cpu=("-mmcu=atmega328p",),
            machine=("-M", "uno"),
            flash=(0, 32 * KB),
            ram=(0x80_0100, 2 * KB),
            chunk=128,
            stack=384,
        ),
    )
}
"""Every target, by name."""
BOARDS = {name: target for name, target in TARGETS.items() if target.runs}
"""Those whose programs run in QEMU; for the others, the C is only compiled."""


def chosen(names: Sequence[str]) -> tuple[Board, ...]:
    """Return the targets with these names, without duplicates.

    Raises
    ------
    SpecError
        If a name is unknown.
    """
    return look_up(names, TARGETS, "target")
