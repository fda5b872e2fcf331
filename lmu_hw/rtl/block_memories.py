"""Block memories with a registered read: ROMs and single-write, single-read RAMs.

In Amaranth they are Amaranth memories. In emitted Verilog they are instances of the two modules in
`rtl_templates/rtl/design.v.j2`, which every synthesis tool infers as block RAM: RAMs are not
initialised, and ROMs are read from files.

A read in the cycle of a write to the same address is undefined. Simulations return a wrong word
then, so that a design that uses it fails: in Amaranth with a `SimulationPlatform`, in Verilog with
the macro `identifiers.COLLISION_MACRO`. Synthesis leaves that logic out.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


@dataclass(frozen=True, slots=True)
class SimulationPlatform:
    """Platform for simulation in Amaranth: ``Fragment.get(design, platform)``."""


@dataclass(frozen=True, slots=True)
class VerilogPlatform:
    """Platform for emitting Verilog.

    Parameters
    ----------
    prefix : str
        Prefix of the names of the memory modules.
    """

    prefix: str


class Ram(wiring.Component):
    """A memory with one read port and one write port.

    Parameters
    ----------
    width, depth : int
        Bits of a word, and number of words, >= 2.

    Members
    -------
    read_address : In(unsigned)
    read_word : Out(signed(width))
    write : In(1)
    write_address : In(unsigned)
    write_word : In(signed(width))

    Latency: 1 cycle from ``read_address``; a written word is readable from the next cycle on. A
    read of the address in the cycle of the write is undefined, because devices differ.
    Throughput: one read and one write per cycle.

    Schedule: a registered read.
    """

    latency = 1

    def __init__(self, width: int, depth: int) -> None:
        self.depth = depth
        address = ceil_log2(depth)
        super().__init__(
            {
                "read_address": In(address),
                "read_word": Out(signed(width)),
                "write": In(1),
                "write_address": In(address),
                "write_word": In(signed(width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(platform, VerilogPlatform):
            m.submodules.ram = Instance(
                f"{platform.prefix}_ram",
                p_WIDTH=len(self.read_word),
                p_DEPTH=self.depth,
                p_ADDRESS_WIDTH=len(self.read_address),
                i_clk=ClockSignal(),
                i_read_address=self.read_address,
                o_read_word=self.read_word,
                i_write=self.write,
                i_write_address=self.write_address,
                i_write_word=self.write_word,
            )
            return m
        # A "sync" read port guarantees the old word on a collision, which costs logic in most
        # devices. Yosys infers a block memory from this form, without that guarantee.
        m.submodules.ram = ram = Memory(
            shape=self.read_word.shape(), depth=self.depth, init=[], attrs={"no_rw_check": 1}
        )
        reader, writer = ram.read_port(domain="comb"), ram.write_port()
        word = Signal.like(self.read_word, reset_less=True)
        m.d.sync += word.eq(reader.data)
        if isinstance(platform, SimulationPlatform):
            # return a wrong word, so that the simulation shows any use of it
            with m.If(self.write & (self.write_address == self.read_address)):
                m.d.sync += word.eq(~reader.data)
        m.d.comb += [
            reader.addr.eq(self.read_address),
            self.read_word.eq(word),
            writer.en.eq(self.write),
            writer.addr.eq(self.write_address),
            writer.data.eq(self.write_word),
        ]
        return m


@dataclass(frozen=True, slots=True, kw_only=True)
class RomContents:
    """Contents of a ROM.

    Parameters
    ----------
    width : int
        Bits of a word, >= 0.
    words : tuple of int
        Words, >= 0.
    file : str
        Name of the hex file that holds them.
    """

    width: int
    words: tuple[int, ...]
    file: str

    @property
    def is_memory(self) -> bool:
        """Whether a memory is needed: a single word, or words of 0 bits, are wiring."""
        return self.width > 0 and len(self.words) > 1


class Rom(wiring.Component):
    """A read-only memory with a registered read.

    Parameters
    ----------
    contents : RomContents
        Its words; in Verilog they are read from its file.

    Members
    -------
    address : In(unsigned)
    word : Out(unsigned)

    Latency: 1 cycle.
    Throughput: one word per cycle.

    Schedule: a registered read.
    """

    latency = 1

    def __init__(self, contents: RomContents) -> None:
        self.contents = contents
        super().__init__(
            {"address": In(ceil_log2(len(contents.words))), "word": Out(contents.width)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        contents = self.contents
        if not contents.is_memory:
            m.d.comb += self.word.eq(Const(contents.words[0], contents.width))
            return m
        if isinstance(platform, VerilogPlatform):
            m.submodules.rom = Instance(
                f"{platform.prefix}_rom",
                p_WIDTH=contents.width,
                p_DEPTH=len(contents.words),
                p_ADDRESS_WIDTH=len(self.address),
                p_FILE=contents.file,
                p_MEM_DIR="",
                i_clk=ClockSignal(),
                i_address=self.address,
                o_word=self.word,
            )
            return m
        m.submodules.rom = rom = Memory(
            shape=contents.width, depth=len(contents.words), init=contents.words
        )
        reader = rom.read_port()
        m.d.comb += [reader.addr.eq(self.address), self.word.eq(reader.data)]
        return m
