"""Data of a schedule: control ROM words, memory map, constants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from ...program.fixedpoint import QFormat
from ...program.integer_program import Function, Program, Vector
from .placed_job import PlacedJob
from .timing import (
    AHEAD,
    INTEGRATE,
    LEAVE,
    PASS,
    POISSON,
    ChainWrite,
    NeuronTiming,
    chain_cycles,
    chain_writes,
)

Key = tuple[str, int]
"""Version of a vector: its name, and the number of writes to it so far in the step."""


class Kind(IntEnum):
    """Operation of a run on the words that its cycles read."""

    WAIT = 0
    """Read nothing."""
    ROWS = 1
    """All lanes multiply the same word, each lane for its own matrix row."""
    COLUMNS = 2
    """Each lane multiplies the word of its own bank, all lanes for the same matrix row."""
    TERM = 3
    """Each lane adds or subtracts the word of its own bank."""
    HOLD = 4
    """Each lane holds the word of its own bank for the next product."""
    PRODUCT = 5
    """Each lane multiplies the word of its own bank by the held one."""
    COMPARE = 6
    """Compare the word with the largest one so far."""
    INDEX = 7
    """Lane 0 takes the argmax index; nothing is read."""
    FEED = 8
    """Send the word to a memory's zero-run counter, and to the unit that updates the memory."""
    EMIT = 9
    """Send the word to the output FIFO."""
    SECOND = 10
    """Swap in the sums of the second group of rows; nothing is read."""
    SCALE = 11
    """Each lane multiplies the word of its own bank; every product is a result."""


ACCUMULATES = (Kind.ROWS, Kind.COLUMNS, Kind.TERM, Kind.PRODUCT, Kind.INDEX, Kind.SCALE)
"""Kinds whose words go through the lanes."""

ACROSS = (Kind.COLUMNS, Kind.TERM, Kind.HOLD, Kind.PRODUCT, Kind.SCALE)
"""Kinds that use the words of all banks, so they read whole rows."""

SUMS = (*ACCUMULATES, Kind.SECOND)
"""Kinds that can end a sum."""


class BufferHalf(IntEnum):
    """Half of a double buffer; the halves swap after every step."""

    ONLY = 0
    OLD = 1
    NEW = 2


class Stride(IntEnum):
    """Address increment of a run for each turn of its loop."""

    NONE = 0
    WORD = 1
    """The next word; for the kinds in `ACROSS`, the next row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RomRun:
    """A control ROM word: some cycles that apply one operation to successive words.

    Parameters
    ----------
    kind : Kind
    cycles : int
        >= 1.
    source : Key or None
        Vector to read.
    word : int
        Index of the first word to read.
    stride : Stride
    first, last : bool
        The first cycle starts a sum; the last cycle ends it.
    results : int
        With ``last``: number of lanes with a sum of their own.
    align : int
        Left shift of the products.
    minus : bool
        Subtract.
    dual_group : bool
        `Kind.ROWS` reads each word for two cycles, one for each of two groups of rows.
    keep : int or None
        The words read are also the bases of a dense memory's sums, for the group of rows with this
        number plus the turn of the loop.
    job : int
        Index into the schedule's jobs; for `Kind.FEED`, into its feeds.
    begin : bool
        First run of its job.
    body, times : int
        This run ends a loop: execute the last ``body`` runs ``times`` times in all.
    end : bool
        Last run of the step.
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
    dual_group: bool = False
    keep: int | None = None
    job: int = 0
    begin: bool = False
    body: int = 1
    times: int = 1
    end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BankPlace:
    """Address of a vector: word i is in bank ``i % lanes``, row ``row + i // lanes``."""

    row: int
    half: BufferHalf = BufferHalf.ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The results of an operation for one channel.

    Parameters
    ----------
    name : str
    weights, params : int
        Start addresses in the weight and parameter ROMs.
    one_param : bool
        All results use the same parameter word.
    target : Key or None
        Vector to write.
    word : int
        Index of the first result in ``target``.
    to_stream : bool
        Results go to the output stream.
    fmt : QFormat
        Format that sums are rounded to: the target's, or that of the function's argument.
    function : int or None
        Index into the schedule's functions.
    out_fmt : QFormat
        Format of the target, to which the function's results are saturated.
    gated : bool
        The job updates a dense memory: results are added to the old state, and rounded toward zero
        in a zero-input run.
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
    """Copy of a chain's states for the lanes: ``target``, with words rounded to ``fmt``."""

    target: Key
    fmt: QFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronPlan:
    """The neurons of a cascade whose states travel as spikes, as the neuron unit executes them.

    Parameters
    ----------
    population : int
        Log2 of the neurons for one sign of a state.
    states : tuple of (int, bool)
        For each state of a channel the log2 of its LSBs for a spike, and whether it is in z_outer;
        in the order of the sections, outer before inner.
    generators : int
        Random number generators; 0 for integrate-and-fire.
    first_state : int
        Start address in the ROM of the states.
    kept : int
        Start address in the membrane RAM, or index of the first generator.
    spikes : Key
        Vector of the spikes of each channel.
    """

    population: int
    states: tuple[tuple[int, bool], ...]
    generators: int
    first_state: int
    kept: int
    spikes: Key

    @property
    def rounds(self) -> int:
        """Cycles for each state: those in which all generators draw."""
        return (1 << self.population) // self.generators if self.generators else 1

    @property
    def timing(self) -> NeuronTiming:
        """Length of the pipeline."""
        return POISSON if self.generators else INTEGRATE

    def totals(self, *, paired: bool) -> list[int]:
        """Return the cycles from the input to the write of the spikes of each channel."""
        one = len(self.states) * self.rounds
        return [PASS + one * (c + 1) - 1 + self.timing.total for c in range(1 + paired)]

    def cycles(self, *, paired: bool) -> int:
        """Return the cycles from the input to the start of the sections: rounds for each state."""
        read = len(self.states) * self.rounds * (1 + paired)
        return PASS + read - 1 + self.timing.store - AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlan:
    """A cascade as the chain unit executes it.

    Parameters
    ----------
    op : int
        Index of the operation.
    sections : tuple
        Its sections, with gaps (empty sections) before a real section that follows a pair.
    first_section : int
        Start address in the section ROM.
    mirrors : tuple
        Mirrors of z_outer and z_inner; None if no operation reads them.
    neurons : NeuronPlan or None
        The neurons that give the sections their words; None if they read the states.
    settle : int
        Cycles from the result of a section to its write.
    """

    op: int
    sections: tuple[tuple[tuple[int, int], ...], ...]
    first_section: int
    mirrors: tuple[Mirror | None, Mirror | None]
    neurons: NeuronPlan | None = None
    settle: int = 0

    def before(self, *, paired: bool) -> int:
        """Return the cycles from the input to the start of the sections."""
        return 0 if self.neurons is None else self.neurons.cycles(paired=paired)

    def writes(self, *, paired: bool) -> list[ChainWrite]:
        """Return the mirror writes, counted from the issue of the memory's input."""
        late = self.before(paired=paired) + self.settle
        return [replace(w, cycle=w.cycle + late) for w in chain_writes(self.sections)]

    def cycles(self, *, paired: bool) -> int:
        """Return the cycles from the input until the chain can start again."""
        late = self.before(paired=paired) + self.settle
        return late + chain_cycles(self.sections, paired=paired)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderPlan:
    """A ladder as the ladder unit executes it.

    Parameters
    ----------
    op : int
        Index of the operation.
    order : int
        Number of sections.
    substeps : int
    coefs : tuple of (coef, shift)
        Coefficients in the order of use: odd sections from right to left, the source, even sections
        from left to right.
    first_section : int
        Start address in the section ROM.
    mirror : Mirror or None
        Mirror of the state; None if no operation reads it.
    """

    op: int
    order: int
    substeps: int
    coefs: tuple[tuple[int, int], ...]
    first_section: int
    mirror: Mirror | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One channel of a memory: its zero-run counter, and the states of a cascade or ladder.

    Parameters
    ----------
    op : int
        Index of the operation.
    channel : int
    chain : int or None
        Index into the schedule's chains.
    window : int
        Limit of the zero-run counter [steps].
    outer, inner : int
        Start addresses in the chain's state RAM.
    states : int
        Number of state words.
    paired : bool
        The next feed, of the next channel, is interleaved with this one.
    ladder : int or None
        Index into the schedule's ladders.
    waves, previous : int
        Addresses in the ladder's state RAM: of the first state, and of the previous input.
    """

    op: int
    channel: int
    chain: int | None
    window: int
    outer: int = 0
    inner: int = 0
    states: int = 0
    paired: bool = False
    ladder: int | None = None
    waves: int = 0
    previous: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Start and length of a job, for headers and reports.

    Parameters
    ----------
    name : str
    start : int
        First cycle, counted from the one after the last input word.
    length : int
        Cycles until the next phase starts.
    formula : str
        The length as an expression.
    wait : int
        Cycles of these spent waiting for operands or for a busy unit.
    """

    name: str
    start: int
    length: int
    formula: str
    wait: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The runs of a step, and their cycles.

    Parameters
    ----------
    runs : tuple of RomRun
    phases : tuple of Phase
    streamed : tuple of int
        Cycles in which words go to the output FIFO, counted from the one after the last input word.
    placed : tuple of PlacedJob
        The jobs in time.
    cycles : int
        Cycles of a step, input included, with the source always valid and the sink always ready.
    formula : str
        The cycles as an expression, ``"... = cycles"``.
    """

    runs: tuple[RomRun, ...]
    phases: tuple[Phase, ...]
    streamed: tuple[int, ...]
    placed: tuple[PlacedJob, ...]
    cycles: int
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Complete description of the hardware, apart from the program's formats.

    Parameters
    ----------
    program : Program
    lanes : int
        Multiply-accumulate lanes, and banks of the memory.
    interval : int
        Cycles between two results of the lanes.
    due, quiet : Listing
        A step with an output, and one without; the same object if every step has an output.
    places : dict
        Memory map: version of a vector to its address.
    rows : int
        Words in each bank.
    half_rows : int
        Rows from the lower to the upper half of the double-buffered vectors.
    weights : tuple of tuple of int
        ROM words with one weight per lane, in execution order.
    params : tuple of (bias, multiplier, shift)
        Parameters of the results, in execution order.
    jobs, feeds, chains, ladders : tuple
    functions : tuple of Function
    n_in, n_out : int
        Input and output words per step.
    fifo_depth : int
        Depth of the output FIFO [words], a power of two.
    state_port : bool
        The design has a state port, so every state word has an address.
    """

    program: Program
    lanes: int
    interval: int
    due: Listing
    quiet: Listing
    places: dict[Key, BankPlace] = field(hash=False)
    rows: int
    half_rows: int
    weights: tuple[tuple[int, ...], ...]
    params: tuple[tuple[int, int, int], ...]
    jobs: tuple[Job, ...]
    feeds: tuple[Feed, ...]
    chains: tuple[ChainPlan, ...]
    ladders: tuple[LadderPlan, ...]
    functions: tuple[Function, ...]
    n_in: int
    n_out: int
    fifo_depth: int
    state_port: bool = False

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step with an output, the longest kind."""
        return self.due.cycles

    @property
    def cycles_per_quiet_step(self) -> int:
        """Cycles of a step without an output."""
        return self.quiet.cycles

    @property
    def cycles_per_output(self) -> int:
        """Least cycles from a step with an output to the next one, beside those of the steps."""
        return 0

    @property
    def interleave(self) -> int:
        """Signals that take turns: one."""
        return 1

    @property
    def words_per_transfer(self) -> int:
        """Output words in a transfer: one."""
        return 1

    @property
    def latency(self) -> int:
        """Cycles from the transfer of the last input word to that of the last output word."""
        return self.due.streamed[-1] + LEAVE

    @property
    def cycle_formula(self) -> str:
        """`cycles_per_step` as an expression, ``"... = cycles_per_step"``."""
        return self.due.formula

    @property
    def queued(self) -> bool:
        """Whether a FIFO buffers the inputs of several channels for a chain."""
        return queued(self.feeds)

    @property
    def paired(self) -> bool:
        """Whether a chain interleaves two channels."""
        return any(feed.paired for feed in self.feeds)

    @property
    def spiking(self) -> tuple[NeuronPlan, ...]:
        """The neurons of all chains, in order."""
        return tuple(c.neurons for c in self.chains if c.neurons is not None)

    @property
    def settle(self) -> int:
        """Cycles from the result of a chain's section to its write."""
        return max((chain.settle for chain in self.chains), default=0)

    @property
    def two_sums(self) -> bool:
        """Whether lanes alternate between two sums."""
        return any(run.dual_group for listing in self.listings for run in listing.runs)

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The distinct listings: a step with an output, and one without if it differs."""
        return (self.due,) if self.quiet is self.due else (self.due, self.quiet)

    @property
    def formats(self) -> dict[str, QFormat]:
        """Formats of all vectors, including those that the schedule added."""
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
    """Return whether a chain needs an input FIFO, because several channels arrive at once."""
    return any(feed.channel and feed.chain is not None for feed in feeds)


def payload_bits(vectors: tuple[Vector, ...]) -> tuple[int, bool]:
    """Return the width and signedness of a payload that holds any word of the vectors."""
    if not any(v.fmt.signed for v in vectors):
        return max(v.fmt.width for v in vectors), False
    return max(v.fmt.width + (not v.fmt.signed) for v in vectors), True
