"""Fetch of the lanes' weights from a ROM in the order of use: one per lane and cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .block_memories import Rom, RomContents
from .constant_tables import lookup, one_of
from .schedule import Schedule

DEEPEST_ROM = 2048
"""Rows of a ROM up to which a device needs no wide multiplexer behind its block memories."""


class WeightFetch(wiring.Component):
    """Reads the weights of a job from the ROM, one word per command.

    Parameters
    ----------
    plan : Schedule
        Must have at least one word of weights.
    width : int
        Bits of a weight.
    file : str
        File of the weight ROM.

    Members
    -------
    begins : In(1)
        First command of ``job``.
    job : In(range(len(plan.jobs)))
        The job that begins.
    used : In(1)
        The command uses a word; the next command gets the next word.
    words : Out(unsigned)
        One weight for each lane, lane 0 lowest.

    Latency: 2 cycles from the command.
    Throughput: one word per cycle.

    Schedule:

    - read: read a ROM row; large ROMs hold several words per row.
    - row: register the row, and select a word of it.
    """

    latency = 2

    def __init__(self, plan: Schedule, width: int, file: str = "weights.mem") -> None:
        self.plan = plan
        self.contents = weight_contents(plan, width, file)
        super().__init__(
            {
                "begins": In(1),
                "job": In(range(len(plan.jobs))),
                "used": In(1),
                "words": Out(unsigned(width * plan.lanes)),
            }
        )

    def model(self, job: int, n_words: int) -> list[tuple[int, ...]]:
        """Return the first words of a job."""
        start = self.plan.jobs[job].weights
        return list(self.plan.weights[start : start + n_words])

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        n_words = len(self.plan.weights)
        m.submodules.weight_rom = rom = Rom(self.contents)
        address = Signal(ceil_log2(n_words))
        following = Signal.like(address, name="next_address", reset_less=True)
        # the entry of a job without weights is a don't-care
        starts = [job.weights % n_words for job in self.plan.jobs]
        m.d.comb += address.eq(following)
        with m.If(self.begins):
            m.d.comb += address.eq(lookup(m, self.job, starts, "first_address"))
        m.d.sync += following.eq(address + self.used)

        in_row = words_in_row(n_words)
        row = Signal.like(rom.word, name="row", reset_less=True)
        fetched = Signal.like(address, name="fetched", reset_less=True)
        place = Signal(range(in_row), name="place_in_row", reset_less=True)
        m.d.sync += [fetched.eq(address), place.eq(fetched), row.eq(rom.word)]
        size = len(self.words)
        words = [row[size * k : size * (k + 1)] for k in range(in_row)]
        m.d.comb += [
            rom.address.eq(address >> (in_row - 1).bit_length()),
            self.words.eq(one_of(m, place, words, "chosen")),
        ]
        return m


def weight_contents(plan: Schedule, width: int, file: str) -> RomContents:
    """Return the weight ROM; in a row the first word is lowest, and in a word lane 0."""
    in_row = words_in_row(len(plan.weights))
    row_width = width * plan.lanes * in_row
    flat = [w & ((1 << width) - 1) for word in plan.weights for w in word]
    step = plan.lanes * in_row
    words = tuple(
        sum(w << (width * i) for i, w in enumerate(flat[start : start + step]))
        for start in range(0, len(flat), step)
    )
    return RomContents(width=row_width, words=words, file=file)


def words_in_row(n_words: int) -> int:
    """Return how many words of weights share a row of their ROM: a power of two."""
    return 1 << max(0, ceil_log2(n_words) - ceil_log2(DEEPEST_ROM))
