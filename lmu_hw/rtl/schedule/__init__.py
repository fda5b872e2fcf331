"""Static schedule of a program: memory map, ROM contents and the words of the control ROM.

A control ROM word is a `RomRun`: some cycles that apply one operation to successive words of the
memory. The blocks have no handshakes between them. `placement`, which knows when every word is read
and written, inserts every wait cycle as a ROM word, so a step always takes the same cycles.

- `plan`: the data of a schedule.
- `timing`: lengths of the pipelines.
- `memory_map`: addresses of the vectors, and the states that a chain mirrors for the lanes.
- `lowering`: operations to runs, and the weights in the order of use.
- `walk`: runs cycle by cycle.
- `placement`: start cycles of the jobs.
- `placed_job`: a job in time, for reports.
- `search`: the order of the operations that takes the fewest cycles.
- `state`: addresses of the state words, for the state port.
"""

from __future__ import annotations

from ...errors import ScheduleError
from ...program.integer_program import Program, Role
from .lowering import Lowering, LoweringChoice
from .memory_map import Versions, memory_map, streams_in_order
from .placed_job import PlacedJob, UnitBusy
from .placement import Placement, shape
from .plan import (
    BankPlace,
    BufferHalf,
    ChainPlan,
    Feed,
    Job,
    Key,
    Kind,
    LadderPlan,
    Listing,
    Mirror,
    NeuronPlan,
    Phase,
    RomRun,
    Schedule,
    Stride,
    payload_bits,
)
from .rows import Reading
from .search import as_written, shortest
from .state import states_of_lanes
from .timing import LEAVE, WINDOW, PipelineTiming, pipeline_timing
from .walk import sums_pause, walk

__all__ = [
    "WINDOW",
    "BankPlace",
    "BufferHalf",
    "ChainPlan",
    "Feed",
    "Job",
    "Key",
    "Kind",
    "LadderPlan",
    "Listing",
    "LoweringChoice",
    "Mirror",
    "NeuronPlan",
    "Phase",
    "PipelineTiming",
    "PlacedJob",
    "Reading",
    "RomRun",
    "Schedule",
    "Stride",
    "UnitBusy",
    "as_written",
    "lay_out",
    "payload_bits",
    "pipeline_timing",
    "schedule",
    "sums_pause",
    "walk",
    "why_not",
]

INTERVALS = (1, 2, 4, 8, 16)
"""Result intervals to try [cycles]; the multipliers behind the lanes shrink with the interval."""
WORTHWHILE = 100
"""Add a second sum to the lanes if it saves more than 1 / WORTHWHILE of the cycles: it costs about
that much clock frequency."""


def schedule(
    program: Program, lanes: int = 1, interval: int | None = None, *, state_port: bool = False
) -> Schedule:
    """Return the schedule of a program: its layout in memory and time.

    Parameters
    ----------
    program : Program
    lanes : int
        Multiply-accumulate lanes, 1 to 64.
    interval : int, optional
        Cycles between two results. Default: the one with the least product of area and cycles.
    state_port : bool
        Add a port that clears, saves and loads the state.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    if state_port and not program.with_role(Role.STATE):
        raise ScheduleError("a state port needs a program with a state: leave the port out")

    def layout(choice: LoweringChoice, every: int) -> Schedule:
        return lay_out(program, lanes, every, state_port, choice)

    if interval is None:
        fast = pipeline_timing(program, lanes, 1)
        tried = INTERVALS if fast.scale_bits or fast.rest_bits else (1,)
        choice = as_written(program, Reading.ARRIVING)
        plans = [layout(choice, every) for every in tried]
        best = min(
            plans, key=lambda p: p.due.cycles * pipeline_timing(program, lanes, p.interval).area
        )
        interval = best.interval
    one = shortest(program, lambda choice: layout(choice, interval), tuple(Reading)[:-1])
    two = shortest(program, lambda choice: layout(choice, interval), tuple(Reading))
    gain = one.due.cycles - two.due.cycles
    return two if gain > one.due.cycles // WORTHWHILE else one


def why_not(program: Program) -> str | None:
    """Return the reason why the hardware cannot run a program, or None if it can."""
    try:
        Versions(program)
    except ScheduleError as error:
        return str(error)
    return None


def lay_out(
    program: Program, lanes: int, interval: int, state_port: bool, choice: LoweringChoice
) -> Schedule:
    """Return the schedule of a program for given lowering choices."""
    versions = Versions(program)
    direct = streams_in_order(program, versions)
    outputs = [v.name for v in program.with_role(Role.OUTPUT)]
    timing = pipeline_timing(program, lanes, interval)
    lowering = Lowering(program, versions, timing, choice, direct=direct)
    lowering.lower([] if direct else outputs)
    stored = set() if direct else set(outputs)
    if state_port:
        stored |= states_of_lanes(program)
    places, rows, half_rows = memory_map(program, versions, lanes, lowering.extra, stored=stored)
    n_in, n_out = program.n_words(Role.INPUT), program.n_words(Role.OUTPUT)
    shapes = [
        shape(pending, timing, lowering.lengths, places, lowering) for pending in lowering.pending
    ]

    def listing(*, due: bool) -> Listing:
        inputs = {v.name for v in program.with_role(Role.INPUT)}
        placement = Placement(timing, n_in, queued=lowering.queued, inputs=inputs)
        for pending, events in zip(lowering.pending, shapes, strict=True):
            if due or not pending.lazy:
                job = lowering.jobs[pending.runs[0].job] if pending.target else None
                placement.add(pending, events, gated=job is not None and job.gated)
        return placement.finish()

    due = listing(due=True)
    quiet = due if program.output_every == 1 else listing(due=False)
    if quiet.runs == due.runs:
        quiet = due
    return Schedule(
        program=program,
        lanes=lanes,
        interval=interval,
        due=due,
        quiet=quiet,
        places=places,
        rows=max(2, rows),
        half_rows=half_rows,
        weights=tuple(lowering.weights),
        params=tuple(lowering.params),
        jobs=tuple(lowering.jobs),
        feeds=tuple(lowering.feeds),
        chains=tuple(lowering.chains),
        ladders=tuple(lowering.ladders),
        functions=lowering.functions,
        n_in=n_in,
        n_out=n_out,
        fifo_depth=_fifo_depth(n_in, n_out, due, quiet),
        state_port=state_port,
    )


def _fifo_depth(n_in: int, n_out: int, due: Listing, quiet: Listing) -> int:
    """Return the depth of an output FIFO that delays no step if its reader is always ready."""
    begins, left = due.cycles - n_in, 0
    while late := sum(time + LEAVE > begins for time in due.streamed):
        left += late
        begins += quiet.cycles
    # a power of two, larger than an output
    return 1 << max(n_out, n_out + left - 1).bit_length()
