"""Pipeline registers of the commands, parallel to that of the words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .command import EVENTS, Command
from .ports import keep_on_reset
from .schedule import Schedule

T = TypeVar("T")

STAGES = ("read", "word", "operand", "product", "total")
"""Stages behind the issue of a command, see `lmu_hw.rtl.schedule.timing`; none decodes *read*."""


class CommandPipeline(wiring.Component):
    """Delays each command, so that every stage finds it beside the word that it has read.

    Parameters
    ----------
    plan : Schedule

    Members
    -------
    command : In(Command)
        A command.
    word, operand, product, total : Out(Command)
        The command that is in this stage.

    Latency: 2 cycles from ``command`` to ``word``, 3 to ``operand``, 4 to ``product`` and 5 to
    ``total``.
    Throughput: one command per cycle.

    Schedule: a register for each stage.
    """

    latency = len(STAGES)

    def __init__(self, plan: Schedule) -> None:
        self.plan = plan
        later = dict.fromkeys(STAGES[1:], Out(Command(plan)))
        super().__init__({"command": In(Command(plan)), **later})
        for stage in STAGES[1:]:
            keep_on_reset(getattr(self, stage), *_data(self.command))

    def model(self, commands: Sequence[T], stage: str) -> list[T | None]:
        """Return what is in a stage in each cycle, for the commands of all cycles."""
        delay = STAGES.index(stage) + 1
        return [*[None] * delay, *commands][: len(commands)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        read = Command(self.plan).create(path=("read",))
        keep_on_reset(read, *_data(self.command))
        before = self.command
        for later in (read, *(getattr(self, stage) for stage in STAGES[1:])):
            for name in self.command.signature.members:
                m.d.sync += getattr(later, name).eq(getattr(before, name))
            before = later
        return m


def _data(command: wiring.PureInterface) -> list[str]:
    """Return the fields without a reset."""
    return [name for name in command.signature.members if name not in EVENTS]
