"""What a schedule consists of: the words of the control ROM, the memory map, the constants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from ...program.fixedpoint import QFormat
from ...program.integer_program import Function, Program, Vector
from .timing import LEAVE

Key = tuple[str, int]
"""A vector between two of its writes in a step: name, and writes before in this step."""


class Kind(IntEnum):
    """What is done with the words that are read in a run's cycles."""

    WAIT = 0
    """Nothing is read."""
    ROWS = 1
    """Every lane multiplies the same word, each for a row of its own."""
    COLUMNS = 2
    """Every lane multiplies the word of its own bank, all for the same row."""
    TERM = 3
    """Every lane adds or subtracts the word of its own bank."""
    HOLD = 4
    """Every lane keeps the word of its own bank for the product that follows."""
    PRODUCT = 5
    """Every lane multiplies the word of its own bank with the one that it kept."""
    COMPARE = 6
    """The word takes part in the search for the largest."""
    INDEX = 7
    """Lane 0 takes the index of the largest word; nothing is read."""
    FEED = 8
    """The word is a memory's input: its silence is counted, and a chain of sections begins."""
    EMIT = 9
    """The word goes to the output stream."""
    SECOND = 10
    """The sums of the second group of rows take the place of the first's; nothing is read."""


ACCUMULATES = (Kind.ROWS, Kind.COLUMNS, Kind.TERM, Kind.PRODUCT, Kind.INDEX)
"""Kinds whose words go through the lanes."""

ACROSS = (Kind.COLUMNS, Kind.TERM, Kind.HOLD, Kind.PRODUCT)
"""Kinds that read a word of every bank, so that they begin with a row."""

SUMS = (*ACCUMULATES, Kind.SECOND)
"""Kinds that can end a sum."""


class BufferHalf(IntEnum):
    """Which copy of a vector is meant, where there are two that change places after every step."""

    ONLY = 0
    OLD = 1
    NEW = 2


class Stride(IntEnum):
    """How the address of a run moves with each turn of its loop."""

    NONE = 0
    WORD = 1
    """To the next word; of kinds that read a word of every bank, to the next row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RomRun:
    """A word of the control ROM: some cycles in which the same is done with successive words.

    Parameters
    ----------
    kind : Kind
    cycles : int
        >= 1.
    source : Key or None
        The vector that is read,
    word : int
        from this word on.
    stride : Stride
    first, last : bool
        The first cycle begins a sum; the last cycle ends it.
    results : int
        With ``last``: how many lanes hold a sum of their own.
    align : int
        Left shift of the products.
    minus : bool
        Subtract.
    twofold : bool
        `Kind.ROWS` reads every word for two cycles, for one group of rows and for another.
    keep : int or None
        The words are also those that the sums of a dense memory are added to, those of the group of
        this number, more with each turn of the loop.
    job : int
        Index into the schedule's jobs; for `Kind.FEED`, into its feeds.
    begin : bool
        The first run of its job.
    body, times : int
        After this run, the last ``body`` runs are repeated until they have been done ``times``
        times.
    end : bool
        The step is over.
    """

    kind: Kind
    cycles: int = 1
    source: Key | None = None
    word: int = 0
    stride: Stride = Stride.NONE
    first: bool = False
    last: bool = False
    results: int = 1
    align: int = 0
    minus: bool = False
    twofold: bool = False
    keep: int | None = None
    job: int = 0
    begin: bool = False
    body: int = 1
    times: int = 1
    end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BankPlace:
    """Where a vector lies: word i in bank ``i % lanes``, row ``row + i // lanes``."""

    row: int
    zone: BufferHalf = BufferHalf.ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the results of an operation, for one channel, have in common.

    Parameters
    ----------
    name : str
    weights, params : int
        Where its words begin in the ROMs.
    one_param : bool
        All results share the first word of parameters.
    target : Key or None
        The vector that is written,
    word : int
        from this word on.
    to_stream : bool
        Results go to the output stream.
    fmt : QFormat
        Range of what is rounded: the target's, or that of the function's argument.
    function : int or None
        Index into the schedule's functions,
    out_fmt : QFormat
        whose results are limited to this.
    gated : bool
        A dense memory: results are added to old words and rounded as the silence says.
    """

    name: str
    weights: int = 0
    params: int = 0
    one_param: bool = False
    target: Key | None
    word: int = 0
    to_stream: bool = False
    fmt: QFormat
    function: int | None = None
    out_fmt: QFormat
    gated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """What lanes see of a chain's states: ``target``, each word rounded to its format."""

    target: Key
    fmt: QFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlan:
    """A cascade as the chain unit runs it.

    Parameters
    ----------
    op : int
        Index of the operation.
    sections : tuple
        Its sections, an empty one before every real one that follows a pair.
    first_section : int
        Where they begin in the ROM.
    mirrors : tuple
        Of z_outer and z_inner; None where nobody reads it.
    """

    op: int
    sections: tuple[tuple[tuple[int, int], ...], ...]
    first_section: int
    mirrors: tuple[Mirror | None, Mirror | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One channel of a memory: its silence counter, and its states where it is a cascade.

    Parameters
    ----------
    op : int
        Index of the operation.
    channel : int
    chain : int or None
        Index into the schedule's chains.
    window : int
    outer, inner : int
        Where its states begin in the memory of the chain.
    states : int
        How many words they are.
    paired : bool
        The next feed, of the next channel, goes through the chain beside this one.
    """

    op: int
    channel: int
    chain: int | None
    window: int
    outer: int = 0
    inner: int = 0
    states: int = 0
    paired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A job in time, for headers and reports.

    Parameters
    ----------
    name : str
    start : int
        First cycle after the last input word was taken.
    length : int
        Cycles until the next one starts.
    formula : str
        The same as an expression.
    wait : int
        Cycles of these in which it waits for what other jobs compute or occupy.
    """

    name: str
    start: int
    length: int
    formula: str
    wait: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The runs of a step, and how long they take.

    Parameters
    ----------
    runs : tuple of RomRun
    phases : tuple of Phase
    streamed : tuple of int
        Cycles in which words go to the output FIFO; cycle 0 follows that of the last input word.
    cycles : int
        From step to step, input included, when the source is always valid and the sink ready.
    formula : str
        The same as an expression, ``"... = cycles"``.
    """

    runs: tuple[RomRun, ...]
    phases: tuple[Phase, ...]
    streamed: tuple[int, ...]
    cycles: int
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything the hardware is built from, besides the program's formats.

    Parameters
    ----------
    program : Program
    lanes : int
        Multiply-accumulate lanes, and banks of the memory.
    interval : int
        Cycles between two results of the lanes.
    due, quiet : Listing
        A step with an output, and one without; the same where every step has one.
    places : dict
        The memory map.
    rows : int
        Words in each bank.
    zone_rows : int
        Distance of the two copies of vectors that have two.
    weights : tuple of tuple of int
        A word for each lane and cycle, in execution order.
    params : tuple of (bias, multiplier, shift)
        In execution order.
    jobs, feeds, chains : tuple
    functions : tuple of Function
    n_in, n_out : int
        Words a step.
    fifo_depth : int
        Words, a power of two.
    state_port : bool
        Every state word has a place, whether lanes read it or not.
    """

    program: Program
    lanes: int
    interval: int
    due: Listing
    quiet: Listing
    places: dict[Key, BankPlace] = field(hash=False)
    rows: int
    zone_rows: int
    weights: tuple[tuple[int, ...], ...]
    params: tuple[tuple[int, int, int], ...]
    jobs: tuple[Job, ...]
    feeds: tuple[Feed, ...]
    chains: tuple[ChainPlan, ...]
    functions: tuple[Function, ...]
    n_in: int
    n_out: int
    fifo_depth: int
    state_port: bool = False

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step with an output, which is the longest."""
        return self.due.cycles

    @property
    def latency(self) -> int:
        """Cycles from the transfer of the last input word to that of the last output word."""
        return self.due.streamed[-1] + LEAVE

    @property
    def cycle_formula(self) -> str:
        """The same as an expression, ``"... = cycles_per_step"``."""
        return self.due.formula

    @property
    def queued(self) -> bool:
        """Whether inputs of several channels queue for a chain."""
        return queued(self.feeds)

    @property
    def paired(self) -> bool:
        """Whether two channels go through a chain beside each other."""
        return any(feed.paired for feed in self.feeds)

    @property
    def two_sums(self) -> bool:
        """Whether lanes work on two sums in turns."""
        return any(run.twofold for listing in self.listings for run in listing.runs)

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The different kinds of step."""
        return (self.due,) if self.quiet is self.due else (self.due, self.quiet)

    @property
    def formats(self) -> dict[str, QFormat]:
        """Formats of all vectors, those that the schedule added included."""
        return {v.name: v.fmt for v in self.program.vectors} | self.added

    @property
    def added(self) -> dict[str, QFormat]:
        """Formats of the vectors that the schedule added: rounded inputs of dense memories."""
        return {
            job.target[0]: job.fmt
            for job in self.jobs
            if job.target is not None and job.target[0].endswith(".rounded")
        }


def queued(feeds: Iterable[Feed]) -> bool:
    """Return whether inputs queue for a chain: those of several channels come at once."""
    return any(feed.channel and feed.chain is not None for feed in feeds)


def payload_bits(vectors: tuple[Vector, ...]) -> tuple[int, bool]:
    """Return how wide a payload for any word of the vectors is, and whether it is signed."""
    if not any(v.fmt.signed for v in vectors):
        return max(v.fmt.width for v in vectors), False
    return max(v.fmt.width + (not v.fmt.signed) for v in vectors), True
