"""Memory map: every vector that an operation reads gets rows in the banks.

A vector that a step writes more than once, or reads in full while writing it, needs several copies.
`Versions` numbers the writes, and `memory_map` places each version.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ScheduleError
from ...program.integer_program import (
    Cascade,
    DenseUpdate,
    Ladder,
    Linear,
    MemoryUpdate,
    Operation,
    Pointwise,
    Program,
    Role,
    Spiking,
)
from .plan import BankPlace, BufferHalf, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """A copy of a chain's states for the lanes, which the chain unit writes itself.

    Parameters
    ----------
    copy : int or None
        Index of the copy operation that this replaces; None if the states are mirrored unchanged.
    target : str
        Vector that the lanes read.
    """

    copy: int | None
    target: str


class Versions:
    """Versions of the vectors that each operation reads and writes.

    Version n of a vector is its content after n writes in the step.

    Parameters
    ----------
    program : Program
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        _check(program)
        self.fused = {
            (index, name): fused
            for index, op in enumerate(program.ops)
            for name in chain_states(op)
            if (fused := _fuse(program, index, name)) is not None
        }
        self.skipped = {f.copy for f in self.fused.values() if f.copy is not None}
        count: dict[str, int] = {}
        self.reads: list[dict[str, Key]] = []
        self.writes: list[dict[str, Key]] = []
        for index, op in enumerate(program.ops):
            self.reads.append({name: (name, count.get(name, 0)) for name in op.reads})
            written = {}
            for name in self.written(index):
                count[name] = count.get(name, 0) + 1
                written[name] = (name, count[name])
            self.writes.append(written)
        self.final = {v.name: (v.name, count.get(v.name, 0)) for v in program.vectors}

    def written(self, index: int) -> tuple[str, ...]:
        """Return the vectors in the lanes' memory that an operation writes."""
        op = self.program.ops[index]
        if index in self.skipped:
            return ()
        if isinstance(op, Cascade | Ladder | Spiking):
            found = (self.fused.get((index, name)) for name in chain_states(op))
            copies = tuple(f.target for f in found if f is not None)
            return (*copies, op.spikes) if isinstance(op, Spiking) else copies
        return (op.state,) if isinstance(op, DenseUpdate) else op.writes

    def read(self, index: int) -> tuple[str, ...]:
        """Return the vectors in the lanes' memory that an operation reads."""
        op = self.program.ops[index]
        if index in self.skipped:
            return ()
        if isinstance(op, Cascade | Ladder | Spiking):
            return (op.source,)
        return (op.source, op.state) if isinstance(op, DenseUpdate) else op.reads


def chain_states(op: Operation) -> tuple[str, ...]:
    """Return the states of a cascade or ladder, which lanes read as copies."""
    if isinstance(op, Cascade):
        return op.states
    if isinstance(op, Spiking):
        return op.cascade.states
    return (op.state,) if isinstance(op, Ladder) else ()


def memory_map(
    program: Program, versions: Versions, lanes: int, extra: dict[str, int], *, stored: set[str]
) -> tuple[dict[Key, BankPlace], int, int]:
    """Return the address of every version of every vector.

    Parameters
    ----------
    program : Program
    versions : Versions
    lanes : int
    extra : dict
        Lengths of vectors that the schedule adds, each written once per step.
    stored : set of str
        Vectors to store although no operation reads them: outputs sent at the end of the step, and
        states for the state port.

    Returns
    -------
    places : dict of Key to BankPlace
    rows : int
        Rows of each bank.
    half_rows : int
        Rows from the lower to the upper half of the double-buffered vectors.
    """
    ops = range(len(program.ops))
    read = {name for index in ops for name in versions.read(index)}
    places: dict[Key, BankPlace] = {}
    rows = 0

    def put(key: Key, length: int) -> None:
        nonlocal rows
        places[key] = BankPlace(row=rows)
        rows += -(-length // lanes)

    double = []
    for v in sorted(program.vectors, key=lambda v: v.role is not Role.INPUT):
        last = versions.final[v.name][1]
        if v.role is not Role.INPUT and v.name not in read | stored:
            continue
        if v.role in (Role.INPUT, Role.STATE):
            if last == 1 and _is_shifted(program, versions, v.name):
                double.append(v)
                continue
            put((v.name, 0), v.length)
            if last:
                # the next step starts with the last version of this one
                places[v.name, last] = places[v.name, 0]
        for version in range(1, last + 1):
            if (v.name, version) not in places:
                put((v.name, version), v.length)
    for name, length in extra.items():
        put((name, 1), length)
    first = rows
    for v in double:
        places[v.name, 0] = BankPlace(row=rows, half=BufferHalf.OLD)
        places[v.name, 1] = BankPlace(row=rows, half=BufferHalf.NEW)
        rows += -(-v.length // lanes)
    half_rows = rows - first
    return places, rows + half_rows, half_rows


def streams_in_order(program: Program, versions: Versions) -> bool:
    """Return whether every output can go to the stream as it is computed."""
    outputs = [v.name for v in program.with_role(Role.OUTPUT)]
    made = [name for i in range(len(program.ops)) for name in versions.written(i)]
    by_lanes = {
        name
        for i, op in enumerate(program.ops)
        if not isinstance(op, MemoryUpdate)
        for name in versions.written(i)
    }
    # an operation that runs in every step would stream in steps without an output
    held_back = {
        name
        for i, lazy in enumerate(program.lazy)
        if program.output_every != 1 and not lazy
        for name in versions.written(i)
    }
    in_order = [name for name in made if name in outputs] == outputs
    return in_order and set(outputs) <= by_lanes and not set(outputs) & held_back


def _is_shifted(program: Program, versions: Versions, name: str) -> bool:
    """Return whether an operation reads all of a vector while it overwrites it."""
    for index, op in enumerate(program.ops):
        whole: tuple[str, ...] = ()
        if isinstance(op, DenseUpdate):
            whole = (op.state,)
        elif isinstance(op, Linear):
            whole = op.sources
        if name in whole and name in versions.written(index):
            return True
    return False


def _fuse(program: Program, index: int, name: str) -> Fused | None:
    """Return the copy that the lanes read of the states ``name`` of the operation ``index``."""
    readers = [i for i, op in enumerate(program.ops) if i != index and name in op.reads]
    if not readers:
        return None
    (copy, *others) = readers
    op = program.ops[copy]
    if others or copy < index or not (isinstance(op, Pointwise) and op.is_copy):
        return Fused(copy=None, target=name)
    target = op.target
    makers = [i for i, other in enumerate(program.ops) if target in other.writes]
    between = program.ops[index:copy]
    early = any(target in other.reads for other in between)
    if makers != [copy] or early:
        return Fused(copy=None, target=name)
    return Fused(copy=copy, target=target)


def _check(program: Program) -> None:
    """Raise `ScheduleError` where operations share states or counters of a memory."""
    for role, what in ((Role.INPUT, "input"), (Role.OUTPUT, "output")):
        if not program.with_role(role):
            raise ScheduleError(f"hardware needs a program with an {what} vector")
    memories: list[Operation] = [op for op in program.ops if isinstance(op, MemoryUpdate)]
    for op in memories:
        assert isinstance(op, MemoryUpdate)
        own = (op.silence, *(() if isinstance(op, DenseUpdate) else op.states))
        for name in own:
            if sum(name in other.writes for other in program.ops) > 1:
                raise ScheduleError(f"in hardware only one operation may write {name}")
        hidden = [op.silence]
        if isinstance(op, Ladder):
            hidden.append(op.previous)
        if isinstance(op, Spiking):
            hidden.append(op.membrane or op.generators)
        for name in hidden:
            if any(name in other.reads for other in program.ops if other is not op):
                raise ScheduleError(f"in hardware only one operation may read {name}")
    if program.clock and any(program.clock in op.reads for op in program.ops):
        raise ScheduleError(f"in hardware no operation may read the clock {program.clock!r}")
