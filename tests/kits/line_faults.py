"""Bench of cocotb: what a board does with levels on its line that are no bytes."""

from __future__ import annotations

import binascii
from typing import Any

import cocotb
from cocotb.triggers import Timer

import sim  # of the kit

BAUD = 1_000_000
IDENTIFY = bytes([0xA5, 0, 7, 0, 0])


def whole(frame: bytes) -> bytes:
    return frame + binascii.crc_hqx(frame[1:], 0xFFFF).to_bytes(2, "big")


async def answer(uart: Any, answers: list[int], frame: bytes, stops: dict[int, int]) -> list[int]:
    """Send the bytes of a frame, the stop bits of some low; return what comes back."""
    answers.clear()
    for i, byte in enumerate(frame):
        await uart.send(byte, stops.get(i, 1))
        if i in stops:
            await Timer(uart.bit, "ps")
    await Timer(300 * uart.bit, "ps")
    return list(answers)


@cocotb.test()
async def faults(dut: Any) -> None:
    answers: list[int] = []
    uart = sim.Uart(dut, BAUD, answers.append)
    sim.power_up(dut)
    await Timer(sim.POWER_UP_CLOCKS * sim.CLOCK_PS, "ps")
    identify = whole(IDENTIFY)
    good = await answer(uart, answers, identify, {})
    assert good[:5] == [0xA5, 0x80, 7, 9, 0]
    assert len(good) == 16

    # a disturbance that is shorter than half a bit is no start bit
    for part in (0.1, 0.3, 0.45):
        dut.rx.value = 0
        await Timer(round(uart.bit * part), "ps")
        dut.rx.value = 1
        await Timer(2 * uart.bit, "ps")
        assert await answer(uart, answers, identify, {}) == good

    # a byte without a stop bit ends the frame that holds it, and only this
    for place in range(1, len(identify)):
        assert await answer(uart, answers, identify, {place: 0}) == []
        assert await answer(uart, answers, identify, {}) == good

    # a line that is held low
    dut.rx.value = 0
    await Timer(50 * uart.bit, "ps")
    dut.rx.value = 1
    await Timer(2 * uart.bit, "ps")
    assert await answer(uart, answers, identify, {}) == good

    # a baud rate that is off by 2 %
    exact = uart.bit
    for off in (-0.02, 0.02):
        uart.bit = round(exact * (1 + off))
        assert await answer(uart, answers, identify, {}) == good
    uart.bit = exact

    # a frame that stops: the next is read when the board has waited long enough
    await answer(uart, answers, identify[:4], {})
    assert await answer(uart, answers, identify, {}) != good
    await Timer(8000 * sim.CLOCK_PS, "ps")
    assert await answer(uart, answers, identify, {}) == good

    # refused: a wrong CRC, a kind that is not known, a payload where none belongs, half a word
    for frame, reason in (
        (identify[:-1] + bytes([identify[-1] ^ 1]), 1),
        (whole(bytes([0xA5, 0x55, 7, 0, 0])), 2),
        (whole(bytes([0xA5, 0, 7, 1, 0, 3])), 3),
        (whole(bytes([0xA5, 2, 7, 1, 0, 3])), 3),
    ):
        refused = await answer(uart, answers, frame, {})
        assert refused[:6] == [0xA5, 0xFF, 7, 1, 0, reason]
    # longer than the buffer: not answered, and what follows is looked at
    assert await answer(uart, answers, bytes([0xA5, 2, 7, 1, 2]) + identify, {}) == good

    # the button resets the board
    await uart.send(0xA5)
    pressed = 1 - int(getattr(dut, BUTTON).value)
    getattr(dut, BUTTON).value = pressed
    await Timer(10 * sim.CLOCK_PS, "ps")
    getattr(dut, BUTTON).value = 1 - pressed
    await Timer(10 * sim.CLOCK_PS, "ps")
    assert await answer(uart, answers, identify, {}) == good


BUTTON = "button_n"
