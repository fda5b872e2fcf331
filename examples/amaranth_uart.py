"""The core in a design of your own: a serial port, a FIFO, the memory, a FIFO, a serial port.

    python examples/amaranth_uart.py [--steps 12] [--rtlil top.il]

`SerialMemory` is an Amaranth component with two pins. A sample comes in as two bytes, low byte
first; each output goes out as the byte 0xA5 and its words. ``last`` is inside the payload of the
core's output stream, so the FIFO carries it, and behind the FIFO it says where a frame ends.
Amaranth's simulator runs the whole design against a serial port in Python, and every word is
compared with the interpreter's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil
from amaranth.hdl import Cat, Fragment, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

import lmu_hw as lh
from lmu_hw.rtl.block_memories import SimulationPlatform

SYNC = 0xA5
"""First byte of a frame."""
DEPTH = 16
"""Words of a FIFO."""


class UartReceiver(wiring.Component):
    """Bytes of a serial line, 8N1. A byte that comes while one waits is lost."""

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor  # clock cycles of a bit
        super().__init__({"pin": In(1, init=1), "o": Out(stream.Signature(8))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        line = Signal(2, init=3)  # the pin, synchronized
        wait = Signal(range(2 * self.divisor))
        bits_left = Signal(range(10))
        m.d.sync += line.eq(Cat(self.pin, line[0]))
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(bits_left == 0):
            # a start bit: then look at the middle of the first data bit
            m.d.sync += bits_left.eq(Mux(line[1], 0, 9))
            m.d.sync += wait.eq(self.divisor + self.divisor // 2 - 2)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [wait.eq(self.divisor - 1), bits_left.eq(bits_left - 1)]
            with m.If(bits_left != 1):
                m.d.sync += self.o.payload.eq(Cat(self.o.payload[1:], line[1]))
            with m.Else():
                m.d.sync += self.o.valid.eq(line[1])  # a stop bit
        return m


class UartTransmitter(wiring.Component):
    """A serial line of bytes, 8N1."""

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "pin": Out(1, init=1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        wait = Signal(range(self.divisor))
        bits_left = Signal(range(11))
        bits = Signal(10, init=0x3FF)
        m.d.comb += [self.pin.eq(bits[0]), self.i.ready.eq(bits_left == 0)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [bits.eq(Cat(0, self.i.payload, 1)), bits_left.eq(10)]
            m.d.sync += wait.eq(self.divisor - 1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Elif(bits_left != 0):
            m.d.sync += [bits.eq(Cat(bits[1:], 1)), bits_left.eq(bits_left - 1)]
            m.d.sync += wait.eq(self.divisor - 1)
        return m


class WordsOfBytes(wiring.Component):
    """Two bytes, low one first, make a word."""

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(16))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        low = Signal(8)
        has_low = Signal()
        m.d.comb += [
            self.o.payload.eq(Cat(low, self.i.payload)),
            self.o.valid.eq(self.i.valid & has_low),
            self.i.ready.eq(~has_low | self.o.ready),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [has_low.eq(~has_low), low.eq(self.i.payload)]
        return m


class FramesOfWords(wiring.Component):
    """Words, the last of an output marked, make frames: `SYNC`, then two bytes a word."""

    def __init__(self) -> None:
        word = data.StructLayout({"data": 16, "last": 1})
        super().__init__({"i": In(stream.Signature(word)), "o": Out(stream.Signature(8))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        word = self.i.payload
        m.d.comb += self.o.valid.eq(self.i.valid)
        with m.FSM():
            with m.State("sync"):
                m.d.comb += self.o.payload.eq(SYNC)
                with m.If(self.o.valid & self.o.ready):
                    m.next = "low"
            with m.State("low"):
                m.d.comb += self.o.payload.eq(word.data[:8])
                with m.If(self.o.valid & self.o.ready):
                    m.next = "high"
            with m.State("high"):
                m.d.comb += [self.o.payload.eq(word.data[8:]), self.i.ready.eq(self.o.ready)]
                with m.If(self.o.valid & self.o.ready & word.last):
                    m.next = "sync"
                with m.Elif(self.o.valid & self.o.ready):
                    m.next = "low"
        return m


class SerialMemory(wiring.Component):
    """A design of 16-bit words between two pins.

    Parameters
    ----------
    design : Design
    divisor : int
        Clock cycles of a bit: 104 are 115,200 baud at 12 MHz.
    """

    def __init__(self, design: lh.Design, divisor: int) -> None:
        self.design, self.divisor = design, divisor
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self.divisor)
        m.submodules.words = words = WordsOfBytes()
        m.submodules.samples = samples = SyncFIFOBuffered(width=16, depth=DEPTH)
        m.submodules.core = core = self.design.component()
        shape = core.o.payload.shape()  # a struct of data and last, as wide as both
        m.submodules.outputs = outputs = SyncFIFOBuffered(width=shape.size, depth=DEPTH)
        m.submodules.frames = frames = FramesOfWords()
        m.submodules.transmitter = transmitter = UartTransmitter(self.divisor)
        m.d.comb += [receiver.pin.eq(self.rx), self.tx.eq(transmitter.pin)]
        wiring.connect(m, receiver.o, words.i)
        wiring.connect(m, words.o, samples.w_stream)
        wiring.connect(m, samples.r_stream, core.i)
        wiring.connect(m, core.o, outputs.w_stream)
        wiring.connect(m, outputs.r_stream, frames.i)
        wiring.connect(m, frames.o, transmitter.i)
        return m


def simulate(dut: SerialMemory, words: list[int], n_bytes: int) -> bytes:
    """Return the bytes that the design sends for input words."""
    sent: list[int] = []

    async def host(ctx: Any) -> None:
        for word in words:
            for byte in (word & 0xFF, word >> 8 & 0xFF):
                for bit in (0, *(byte >> k & 1 for k in range(8)), 1):
                    ctx.set(dut.rx, bit)
                    await ctx.tick().repeat(dut.divisor)

    async def listener(ctx: Any) -> None:
        while len(sent) < n_bytes:
            while ctx.get(dut.tx):
                await ctx.tick()
            await ctx.tick().repeat(dut.divisor // 2)
            byte = 0
            for k in range(9):
                await ctx.tick().repeat(dut.divisor)
                byte |= ctx.get(dut.tx) << k
            assert byte >> 8 == 1, "no stop bit"
            sent.append(byte & 0xFF)

    simulator = Simulator(Fragment.get(dut, SimulationPlatform()))
    simulator.add_clock(1e-6)
    simulator.add_testbench(host)
    simulator.add_testbench(listener)
    simulator.run()
    return bytes(sent)


def words_of(frames: bytes, n_out: int) -> np.ndarray:
    """Return the words of frames, shape (n_frames, n_out)."""
    rows = np.frombuffer(frames, dtype=np.uint8).reshape(-1, 1 + 2 * n_out)
    assert (rows[:, 0] == SYNC).all(), "a frame does not begin with its sync byte"
    return rows[:, 1:].copy().view("<i2").astype(int)


def main() -> int:
    """Simulate, compare, and write RTLIL if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12, help="samples to send (default 12)")
    parser.add_argument("--rtlil", type=Path, help="also write the design, for Yosys")
    args = parser.parse_args()

    design = lh.compile(lh.Memory(6, theta=32), bits=16, output="taps=0,0.5,1")
    inputs = np.random.default_rng(0).integers(-(1 << 15), 1 << 15, (args.steps, 1))
    expected = design.run(inputs).outputs
    n_out = expected.shape[1]
    frames = simulate(
        SerialMemory(design, divisor=4), inputs.ravel().tolist(), args.steps * (1 + 2 * n_out)
    )
    found = words_of(frames, n_out)
    if not np.array_equal(found, expected):
        print("the words differ from the interpreter's", file=sys.stderr)
        return 1
    print(f"{args.steps} frames, {found.size} words: equal to the interpreter's")
    if args.rtlil:
        dut = SerialMemory(design, divisor=104)
        args.rtlil.write_text(rtlil.convert(dut, ports=[dut.rx, dut.tx]))
        print(f"wrote {args.rtlil}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
