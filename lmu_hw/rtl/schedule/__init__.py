"""From a program to cycles of several lanes: memory map, ROM contents, the control ROM's words.

The hardware does what the control ROM says: each word of it is a `RomRun`, some cycles in which the
same is done with one word of the memory after the other. Nothing in the hardware waits for anything
else, but for the streams at its ends: every pause is in the ROM, put there by `placement`, which
knows when every word is read and written. So a step takes the same cycles every time.

- `plan`: what a schedule consists of.
- `timing`: how long the pipelines are.
- `memory_map`: where vectors lie, and what a chain of sections copies for the lanes.
- `lowering`: what runs an operation consists of, and the weights in the order of their use.
- `walk`: what a listing of runs does, cycle by cycle.
- `placement`: when every job starts.
- `search`: which order of the operations takes the fewest cycles.
- `state`: where the state words lie, for the state port.
"""

from __future__ import annotations

from ...errors import ScheduleError
from ...program.integer_program import Program, Role
from .lowering import Lowering, LoweringChoice
from .memory_map import Versions, memory_map, streams_in_order
from .placement import Placement, shape
from .plan import (
    BankPlace,
    BufferHalf,
    ChainPlan,
    Feed,
    Job,
    Key,
    Kind,
    Listing,
    Mirror,
    Phase,
    RomRun,
    Schedule,
    Stride,
    payload_bits,
)
from .rows import Reading
from .search import as_written, shortest
from .state import states_of_lanes
from .timing import LEAVE, WINDOW, Pace, pace
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
    "Listing",
    "LoweringChoice",
    "Mirror",
    "Pace",
    "Phase",
    "Reading",
    "RomRun",
    "Schedule",
    "Stride",
    "as_written",
    "lay_out",
    "pace",
    "payload_bits",
    "schedule",
    "sums_pause",
    "walk",
    "why_not",
]

INTERVALS = (1, 2, 4, 8, 16)
"""Cycles between two results that are tried; with more, the multipliers behind the lanes shrink."""
WORTHWHILE = 100
"""A second sum in each lane is worth it where it saves more than one cycle in this many: it costs
about as much of the clock."""


def schedule(
    program: Program, lanes: int = 1, interval: int | None = None, *, state_port: bool = False
) -> Schedule:
    """Lay a program out in memory and time.

    Parameters
    ----------
    program : Program
    lanes : int
        Multiply-accumulate lanes, 1 to 64.
    interval : int, optional
        Cycles between two results. Default: those of the least area times cycles.
    state_port : bool
        The state can be saved and loaded from outside.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    if state_port and not program.with_role(Role.STATE):
        raise ScheduleError("the program must have a state for a state port: leave it out")

    def layout(way: LoweringChoice, every: int) -> Schedule:
        return lay_out(program, lanes, every, state_port, way)

    if interval is None:
        fast = pace(program, lanes, 1)
        tried = INTERVALS if fast.scale_bits or fast.rest_bits else (1,)
        way = as_written(program, Reading.ARRIVING)
        plans = [layout(way, every) for every in tried]
        best = min(plans, key=lambda p: p.due.cycles * pace(program, lanes, p.interval).area)
        interval = best.interval
    one = shortest(program, lambda way: layout(way, interval), tuple(Reading)[:-1])
    two = shortest(program, lambda way: layout(way, interval), tuple(Reading))
    gain = one.due.cycles - two.due.cycles
    return two if gain > one.due.cycles // WORTHWHILE else one


def why_not(program: Program) -> str | None:
    """Return why the hardware cannot run a program, or None where it can."""
    try:
        Versions(program)
    except ScheduleError as error:
        return str(error)
    return None


def lay_out(
    program: Program, lanes: int, interval: int, state_port: bool, way: LoweringChoice
) -> Schedule:
    """Lay a program out in one of the ways that its meaning leaves open."""
    versions = Versions(program)
    direct = streams_in_order(program, versions)
    outputs = [v.name for v in program.with_role(Role.OUTPUT)]
    speed = pace(program, lanes, interval)
    lowering = Lowering(program, versions, speed, way, direct=direct)
    lowering.lower([] if direct else outputs)
    stored = set() if direct else set(outputs)
    if state_port:
        stored |= states_of_lanes(program)
    places, rows, zone_rows = memory_map(program, versions, lanes, lowering.extra, stored=stored)
    n_in, n_out = program.n_words(Role.INPUT), program.n_words(Role.OUTPUT)
    shapes = [
        shape(draft, speed, lowering.lengths, places, lowering.chains) for draft in lowering.drafts
    ]

    def listing(*, due: bool) -> Listing:
        inputs = {v.name for v in program.with_role(Role.INPUT)}
        placement = Placement(speed, n_in, queued=lowering.queued, inputs=inputs)
        for draft, events in zip(lowering.drafts, shapes, strict=True):
            if due or not draft.lazy:
                job = lowering.jobs[draft.runs[0].job] if draft.target else None
                placement.add(draft, events, gated=job is not None and job.gated)
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
        zone_rows=zone_rows,
        weights=tuple(lowering.weights),
        params=tuple(lowering.params),
        jobs=tuple(lowering.jobs),
        feeds=tuple(lowering.feeds),
        chains=tuple(lowering.chains),
        functions=lowering.functions,
        n_in=n_in,
        n_out=n_out,
        fifo_depth=_fifo_depth(n_in, n_out, due, quiet),
        state_port=state_port,
    )


def _fifo_depth(n_in: int, n_out: int, due: Listing, quiet: Listing) -> int:
    """Return the words of a FIFO that never holds up a step whose reader does not."""
    begins, left = due.cycles - n_in, 0
    while late := sum(time + LEAVE > begins for time in due.streamed):
        left += late
        begins += quiet.cycles
    # a power of two, and more than an output
    return 1 << max(n_out, n_out + left - 1).bit_length()
