"""From a program to cycles of one multiplier: memory map, ROM contents, phases and their lengths.

The engine runs the operations one after the other, each as a *phase* that takes the same number of
cycles in every step. In each cycle it may issue one command; a command passes the stages

    read | operand | product | accumulate | shift | round | write

one cycle each, so a word issued in cycle t is back in memory for a read in cycle t + `LATENCY` + 1.
A phase that writes words the next one may read ends with `LATENCY` idle cycles.

- load: one input word a cycle.
- cascade: the adaptor on the chain takes five stages from operand to rounded ``w``, so a section
  takes `SECTION_CYCLES`; its inner adaptor shares the pipeline with the next section's chain
  adaptor. The first five cycles round the input word and count the silence; the last two hold the
  last section's inner adaptor.
- dense: the same first five cycles, then one multiplication a cycle.
- linear: one multiplication a cycle.
- copy (a pointwise operation that only changes the format): one word a cycle.

Output words go to a FIFO in the order of the output vectors. When the operations produce them in
another order, or write one twice, they are stored, and copied to the FIFO at the end of the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import ScheduleError
from .program import Adaptor, Cascade, Dense, Linear, Operation, Pointwise, Program, Role

LATENCY = 6
"""Cycles from the read of a word to the write of the result."""

SECTION_CYCLES = 5
"""Cycles from the chain word of one section to that of the next."""

FIFO_SLACK = 16
"""Output words that may still be under way when the next step begins, with room to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where a vector lives in the memory: ``banks`` copies of ``length`` words from ``base``.

    Two banks where an operation reads the whole old vector while it writes the new one.
    """

    name: str
    base: int
    length: int
    banks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a phase reaches a vector: ``length`` words a channel from ``base``.

    Parameters
    ----------
    base, length : int
    old : bool
        No operation has written the vector in this step: it reads as zero in the first one.
    bank_offset : int
        Distance of the two banks [words]; 0 without banks.
    other_bank : bool
        The access is to the bank that this step writes, not to the one that the last step wrote.
    """

    base: int
    length: int
    old: bool = False
    bank_offset: int = 0
    other_bank: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One operation in time and memory.

    Parameters
    ----------
    name : str
        Identifier, unique in the schedule.
    kind : str
        "cascade", "dense", "linear" or "copy".
    op : int
        Index of the operation in the program; -1 for a copy that the schedule added.
    channels : int
        How many times the phase repeats itself on the next channel's words.
    start, length : int
        First cycle in the step, and cycles.
    cycles : str
        ``length`` as a formula.
    sources : tuple of Access
        Vectors to read, in order; for a cascade: input, silence, z_outer (if any), z_inner; for a
        dense memory: input, silence, state.
    target : Access or None
        Where results go in memory, in order (z_outer for a cascade); None: nowhere.
    to_stream : bool
        Results go to the output FIFO.
    n_rows : int
        Rows (1 for a copy); sections for a cascade.
    first_coef, first_row : int
        Where the phase's words begin in the two ROMs.
    """

    name: str
    kind: str
    op: int
    channels: int
    start: int
    length: int
    cycles: str
    sources: tuple[Access, ...]
    target: Access | None
    to_stream: bool
    n_rows: int
    first_coef: int
    first_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything the hardware is built from, besides the program's formats.

    Parameters
    ----------
    regions : tuple of Region
        The memory map.
    memory_depth, memory_width : int
        Words, and bits of a word.
    coefs, shifts, biases : tuple of int
        ROM contents in execution order: one coefficient for each multiplication, one shift and one
        bias for each adaptor or row.
    coef_width, shift_width, bias_width : int
        Bits of a ROM word [bits]; shifts are stored less ``shift_min``; bias_width is 0 when every
        bias is zero.
    shift_min : int
        Smallest shift.
    phases : tuple of Phase
    n_in, n_out : int
        Words a step.
    fifo_depth : int
        Words, a power of two.
    cycles_per_step : int
        Cycles from step to step when the source is always valid and the sink always ready.
    cycle_formula : str
        The same as an expression, ``"... = cycles_per_step"``.
    """

    regions: tuple[Region, ...]
    memory_depth: int
    memory_width: int
    coefs: tuple[int, ...]
    coef_width: int
    shifts: tuple[int, ...]
    shift_width: int
    shift_min: int
    biases: tuple[int, ...]
    bias_width: int
    phases: tuple[Phase, ...]
    n_in: int
    n_out: int
    fifo_depth: int
    cycles_per_step: int
    cycle_formula: str


def schedule(program: Program) -> Schedule:
    """Lay a program out in memory and time.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    _check(program)
    n_in, n_out = program.n_words(Role.INPUT), program.n_words(Role.OUTPUT)
    direct = _streams_in_order(program)
    regions = _memory_map(program, direct)
    coefs, shifts, biases = _rom_words(program)
    phases = tuple(_phases(program, direct, {r.name: r for r in regions}, n_in))
    cycles = n_in + sum(p.length for p in phases)
    terms = [str(n_in), *(p.cycles for p in phases)]
    return Schedule(
        regions=regions,
        memory_depth=max(2, sum(r.length * r.banks for r in regions)),
        memory_width=max(_signed_width(program, r.name) for r in regions),
        coefs=coefs,
        coef_width=max(c.bit_length() for c in coefs) + 1,
        shifts=shifts,
        shift_width=(max(shifts) - min(shifts)).bit_length(),
        shift_min=min(shifts),
        biases=biases,
        bias_width=max(b.bit_length() for b in biases) + 1 if any(biases) else 0,
        phases=phases,
        n_in=n_in,
        n_out=n_out,
        fifo_depth=1 << (n_out + FIFO_SLACK - 1).bit_length(),
        cycles_per_step=cycles,
        cycle_formula=f"{' + '.join(terms)} = {cycles}",
    )


def why_not(program: Program) -> str | None:
    """Return why the hardware cannot run a program, or None where it can."""
    try:
        _check(program)
    except ScheduleError as error:
        return str(error)
    return None


def issue_order(op: Cascade) -> Iterator[Adaptor]:
    """Yield a cascade's adaptors as the hardware issues them.

    Each section's chain adaptor is followed by the inner adaptor of the section before it.
    """
    previous: tuple[Adaptor, ...] = ()
    for section in (*op.sections, ()):
        yield from section[:1]
        yield from previous[1:]
        previous = section


def _check(program: Program) -> None:
    memories = [op for op in program.ops if isinstance(op, Cascade | Dense)]
    if len(memories) > 1:
        raise ScheduleError(
            f"a program must have at most one cascade or dense memory for hardware, not "
            f"{len(memories)}: generate one design for each"
        )
    for role, what in ((Role.INPUT, "input"), (Role.OUTPUT, "output")):
        if not program.with_role(role):
            raise ScheduleError(f"a program must have an {what} vector for hardware")
    for op in program.ops:
        if (missing := _not_in_hardware(op)) is not None:
            raise ScheduleError(f"hardware cannot yet run {missing}")
    if program.output_every != 1:
        raise ScheduleError("hardware cannot yet leave out outputs: ask for one at every step")
    written = [name for op in program.ops for name in op.writes]
    used = {name for op in program.ops for name in op.reads}
    for v in program.vectors:
        needed = v.name in used or v.role is Role.OUTPUT
        if needed and v.role is not Role.INPUT and v.name not in written:
            raise ScheduleError(f"no operation writes the vector {v.name}: remove it")
    for name in _banked(program):
        if written.count(name) > 1:
            raise ScheduleError(
                f"{name} must be written once a step, because an operation reads all of it while "
                f"writing it; not {written.count(name)} times"
            )


def _not_in_hardware(op: Operation) -> str | None:
    """Return what of an operation no phase can do, or None."""
    if isinstance(op, Linear | Pointwise) and op.function is not None:
        return "an activation"
    if isinstance(op, Linear):
        plain = not any(op.aligns) and set(op.multipliers) == {1}
        return None if plain else "rows with aligns or multipliers"
    if isinstance(op, Pointwise):
        return None if op.is_copy else "sums or products of vectors"
    return None if isinstance(op, Cascade | Dense) else f"an {op.kind}"


def _banked(program: Program) -> set[str]:
    """Return the vectors that some operation reads in full while it writes them."""
    dense = {op.state for op in program.ops if isinstance(op, Dense)}
    return dense | {
        op.target for op in program.ops if isinstance(op, Linear) and op.target in op.sources
    }


def _streams_in_order(program: Program) -> bool:
    """Return whether every output can go to the FIFO in the moment it is computed."""
    targets = [op.target if isinstance(op, Linear | Pointwise) else "" for op in program.ops]
    outputs = [v.name for v in program.with_role(Role.OUTPUT)]
    made = [name for op in program.ops for name in op.writes if name in outputs]
    return made == outputs and set(outputs) <= set(targets)


def _memory_map(program: Program, direct: bool) -> tuple[Region, ...]:
    """Place every vector that is read from memory: inputs first, then in the program's order."""
    read = {name for op in program.ops for name in op.reads}
    banked = _banked(program)
    regions: list[Region] = []
    base = 0
    for v in sorted(program.vectors, key=lambda v: v.role is not Role.INPUT):
        if v.role is Role.INPUT or v.name in read or (v.role is Role.OUTPUT and not direct):
            banks = 2 if v.name in banked else 1
            regions.append(Region(name=v.name, base=base, length=v.length, banks=banks))
            base += banks * v.length
    return tuple(regions)


def _signed_width(program: Program, name: str) -> int:
    fmt = program.vector(name).fmt
    return fmt.width + (not fmt.signed)


def _rom_words(program: Program) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    coefs: list[int] = []
    shifts: list[int] = []
    biases: list[int] = []
    for op in program.ops:
        if isinstance(op, Cascade):
            adaptors = list(issue_order(op))
            coefs += [a.coef for a in adaptors]
            shifts += [a.shift for a in adaptors]
            biases += [0] * len(adaptors)
        elif isinstance(op, Dense | Linear):
            for row in op.rows:
                coefs += row
            shifts += op.shifts
            biases += op.biases if isinstance(op, Linear) else [0] * len(op.rows)
    # a ROM has at least one word, also when nothing is multiplied
    return tuple(coefs or [0]), tuple(shifts or [0]), tuple(biases or [0])


def _phases(
    program: Program, direct: bool, regions: dict[str, Region], start: int
) -> Iterator[Phase]:
    written: set[str] = set()
    coef = row = 0

    def access(name: str, channels: int, *, new: bool = False) -> Access:
        region = regions[name]
        return Access(
            base=region.base,
            length=region.length // channels,
            old=name not in written and program.vector(name).role is not Role.INPUT,
            bank_offset=region.length if region.banks == 2 else 0,
            other_bank=region.banks == 2 and (new or name in written),
        )

    for index, op in enumerate(program.ops):
        channels = program.channels(op)
        stored = [name for name in op.writes if name in regions]
        aim = op.z_outer if isinstance(op, Cascade) else stored[-1] if stored else ""
        kind = "copy" if isinstance(op, Pointwise) else op.kind
        length, cycles = _cycles(program, op, bool(stored))
        yield Phase(
            name=f"{kind}_{index}",
            kind=kind,
            op=index,
            channels=channels,
            start=start,
            length=length,
            cycles=cycles if len(program.ops) == 1 or "+" not in cycles else f"({cycles})",
            sources=tuple(access(name, channels) for name in op.reads),
            target=access(aim, channels, new=True) if aim else None,
            to_stream=direct and any(program.vector(n).role is Role.OUTPUT for n in op.writes),
            n_rows=_n_rows(op),
            first_coef=coef,
            first_row=row,
        )
        written |= set(op.writes)
        start += length
        coef += op.multiplies(program.vector) // channels
        if isinstance(op, Dense | Linear):
            row += len(op.rows)
        elif isinstance(op, Cascade):
            row += op.multiplies(program.vector) // channels
    for v in () if direct else program.with_role(Role.OUTPUT):
        yield Phase(
            name=f"copy_{v.name}",
            kind="copy",
            op=-1,
            channels=1,
            start=start,
            length=v.length,
            cycles=str(v.length),
            sources=(access(v.name, 1),),
            target=None,
            to_stream=True,
            n_rows=1,
            first_coef=0,
            first_row=0,
        )
        start += v.length


def _n_rows(op: Operation) -> int:
    if isinstance(op, Cascade):
        return len(op.sections)
    return len(op.rows) if isinstance(op, Dense | Linear) else 1


def _cycles(program: Program, op: Operation, stored: bool) -> tuple[int, str]:
    """Return a phase's length and the formula for it."""
    channels = program.channels(op)
    times = f"{channels} * " if channels > 1 else ""
    drain = LATENCY if stored else 0
    tail = f" + {drain}" if drain else ""
    if isinstance(op, Cascade):
        n = len(op.sections)
        head, drain = SECTION_CYCLES + 2, LATENCY + 1
        return _repeated(channels, f"{SECTION_CYCLES} * {n}", SECTION_CYCLES * n, head, drain)
    if isinstance(op, Dense):
        n = len(op.rows)
        return _repeated(channels, f"{n} * {n}", n * n, SECTION_CYCLES, drain)
    if isinstance(op, Linear):
        rows, columns = len(op.rows), len(op.rows[0])
        return channels * rows * columns + drain, f"{times}{rows} * {columns}{tail}"
    words = program.vector(op.writes[0]).length
    return words + drain, f"{words}{tail}"


def _repeated(channels: int, body: str, cycles: int, head: int, drain: int) -> tuple[int, str]:
    """Return the length of ``head`` and body for each channel, then ``drain``; and the formula."""
    if channels == 1:
        return cycles + head + drain, f"{body} + {head + drain}"
    return channels * (cycles + head) + drain, f"{channels} * ({body} + {head}) + {drain}"
