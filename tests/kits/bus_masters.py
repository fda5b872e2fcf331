"""Masters of AXI4-Lite and of Wishbone for cocotb, with the same two calls."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

from cocotb.triggers import FallingEdge, Lock, RisingEdge

ALL_BYTES = 15
PATIENCE = 100
"""Cycles after which an answer is missing."""


def pauses(seed: int) -> Iterator[bool]:
    """Yield whether to pause, in runs of random length."""
    rng = random.Random(seed)
    while True:
        yield from itertools.repeat(False, rng.randint(1, 6))
        yield from itertools.repeat(True, rng.randint(1, 6))


class AxiMaster:
    """cocotbext-axi's AXI4-Lite master."""

    def __init__(self, dut: Any, seed: int | None) -> None:
        from cocotbext.axi import AxiLiteBus, AxiLiteMaster

        self.clk = dut.aclk
        self._reset = dut.aresetn
        dut.aresetn.value = 0
        bus = AxiLiteBus.from_prefix(dut, "s_axi")
        self.axi = AxiLiteMaster(bus, dut.aclk, dut.aresetn, reset_active_level=False)
        if seed is not None:
            write, read = self.axi.write_if, self.axi.read_if
            channels = (write.aw_channel, write.w_channel, write.b_channel)
            for k, channel in enumerate((*channels, read.ar_channel, read.r_channel)):
                channel.set_pause_generator(pauses(seed + k))

    async def reset(self, cycles: int = 2) -> None:
        """Reset the slave."""
        self._reset.value = 0
        for _ in range(cycles):
            await RisingEdge(self.clk)
        self._reset.value = 1
        await RisingEdge(self.clk)

    async def write(self, address: int, word: int, strobe: int = ALL_BYTES) -> bool:
        """Write the bytes that neighbouring strobes choose; return whether it was an error."""
        first = (strobe & -strobe).bit_length() - 1
        word_bytes = (word & 0xFFFFFFFF).to_bytes(4, "little")
        chosen = word_bytes[first : strobe.bit_length()]
        answer = await self.axi.write(address + first, chosen)
        return int(answer.resp) != 0

    async def read(self, address: int) -> tuple[int, bool]:
        """Return the word, and whether it was an error."""
        answer = await self.axi.read(address, 4)
        return int.from_bytes(answer.data, "little"), int(answer.resp) != 0


class WishboneMaster:
    """Classic cycles, with gaps of random length between them."""

    def __init__(self, dut: Any, seed: int | None) -> None:
        self.dut, self.clk = dut, dut.clk
        self._pauses = itertools.repeat(False) if seed is None else pauses(seed)
        self._lock = Lock()
        for signal in (dut.wb_cyc_i, dut.wb_stb_i, dut.wb_we_i, dut.wb_adr_i, dut.wb_dat_i):
            signal.value = 0
        dut.wb_sel_i.value = 0
        dut.rst.value = 1

    async def reset(self, cycles: int = 2) -> None:
        """Reset the slave."""
        self.dut.rst.value = 1
        for _ in range(cycles):
            await RisingEdge(self.clk)
        self.dut.rst.value = 0
        await RisingEdge(self.clk)

    async def write(self, address: int, word: int, strobe: int = ALL_BYTES) -> bool:
        """Write the bytes chosen; return whether it was an error."""
        return (await self._cycle(address, word & 0xFFFFFFFF, strobe, we=1))[1]

    async def read(self, address: int) -> tuple[int, bool]:
        """Return the word, and whether it was an error."""
        return await self._cycle(address, 0, ALL_BYTES, we=0)

    async def _cycle(self, address: int, word: int, strobe: int, we: int) -> tuple[int, bool]:
        async with self._lock:
            dut = self.dut
            await FallingEdge(self.clk)
            while next(self._pauses):
                await FallingEdge(self.clk)
            dut.wb_adr_i.value, dut.wb_dat_i.value = address >> 2, word
            dut.wb_sel_i.value, dut.wb_we_i.value = strobe, we
            dut.wb_cyc_i.value = dut.wb_stb_i.value = 1
            for _ in range(PATIENCE):
                await RisingEdge(self.clk)
                if dut.wb_ack_o.value == 1 or dut.wb_err_o.value == 1:
                    break
            else:
                raise AssertionError("no answer")
            assert not (dut.wb_ack_o.value == 1 and dut.wb_err_o.value == 1)
            failed = dut.wb_err_o.value == 1
            found = 0 if we else dut.wb_dat_o.value.to_unsigned()
            await FallingEdge(self.clk)
            dut.wb_cyc_i.value = dut.wb_stb_i.value = 0
            return found, failed


def master(dut: Any, bus: str, seed: int | None = None) -> Any:
    """Return the master of a bus; with a seed it pauses at random."""
    return {"axil": AxiMaster, "wb": WishboneMaster}[bus](dut, seed)
