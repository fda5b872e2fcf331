"""A feed-forward network as two programs: its memory, and the layers that read it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import ScheduleError
from ...program.integer_program import (
    Cascade,
    MemoryUpdate,
    Operation,
    Pointwise,
    Program,
    Role,
    Term,
    Vector,
)
from ..parallel_style import Parallel


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSplit:
    """A feed-forward network as two programs.

    A step of the network is a step of ``memory``, and then, if its output is due, a step of
    ``layers`` with the words that the memory shows.

    Parameters
    ----------
    memory : Program
        The memory update, and its states as outputs. Where the layers read a state through a
        change of format alone, the output is in that format.
    layers : Program
        The operations that serve outputs alone. Its inputs are outputs of ``memory``, and then the
        input of the network if it reads it.
    shown : tuple of str
        The outputs of ``memory`` that ``layers`` reads, in the order of its inputs.
    passes_input : bool
        The last input of ``layers`` is the input of the network.
    """

    memory: Program
    layers: Program
    shown: tuple[str, ...]
    passes_input: bool

    @property
    def raw(self) -> frozenset[str]:
        """The outputs of ``memory`` in the format of their state."""
        vector = self.memory.vector
        return frozenset(
            op.target
            for op in self.memory.ops
            if isinstance(op, Pointwise) and vector(op.target).fmt == vector(op.terms[0].a).fmt
        )


def split_network(program: Program, style: Parallel) -> NetworkSplit:
    """Return a feed-forward network as its memory and its layers.

    Parameters
    ----------
    program : Program
    style : Parallel
        For the message.

    Raises
    ------
    ScheduleError
        If the program is none.
    """
    memories = [op for op in program.ops if isinstance(op, MemoryUpdate)]
    if len(memories) != 1 or not isinstance(memories[0], Cascade):
        raise _refused(style)
    memory = memories[0]
    rest = tuple(op for op in program.ops if op is not memory)
    if not (_stands_alone(program, memory) and _follow(program, memory, rest)):
        raise _refused(style)
    copies = {state: _only_copy(program, rest, state) for state in memory.states}
    layers = tuple(op for op in rest if op not in copies.values())
    read = {name for op in layers for name in op.reads}
    shows = [_show(program, state, copy) for state, copy in copies.items()]
    inputs = [
        (show.target, replace(heard, role=Role.INPUT))
        for show, _, heard in shows
        if heard.name in read
    ]
    if not inputs:
        raise _refused(style)
    source = program.vector(memory.source)
    passes_input = source.name in read
    heard_vectors = [v for _, v in inputs] + [source] * passes_input
    return NetworkSplit(
        memory=replace(
            program,
            output_every=1,
            clock="",
            vectors=(source, *_states(program), *(shown for _, shown, _ in shows)),
            ops=(memory, *(show for show, _, _ in shows)),
        ),
        layers=replace(
            program,
            output_every=1,
            clock="",
            vectors=(*heard_vectors, *_own_vectors(program, layers, inputs)),
            ops=layers,
        ),
        shown=tuple(name for name, _ in inputs),
        passes_input=passes_input,
    )


def _show(program: Program, state: str, copy: Pointwise | None) -> tuple[Pointwise, Vector, Vector]:
    """Return the operation that shows a state, its output, and the vector that the layers read."""
    if copy is not None:
        target = program.vector(copy.target)
        return copy, replace(target, role=Role.OUTPUT), target
    vector = program.vector(state)
    # an output needs a name of its own
    shown = replace(vector, name=_free_name(program, f"{state}_shown"), role=Role.OUTPUT)
    return Pointwise(terms=(Term(state),), target=shown.name), shown, vector


def _refused(style: Parallel) -> ScheduleError:
    return ScheduleError(
        f"parallel must be shared for this program: {style.value} is for one memory in cascade "
        "form with one channel, which hears the input, and for layers that read it and feed "
        "nothing back"
    )


def _stands_alone(program: Program, memory: Cascade) -> bool:
    """Return whether a memory hears the only input word and owns all states."""
    source = program.vector(memory.source)
    return (
        program.n_words(Role.INPUT) == 1
        and source.role is Role.INPUT
        and memory.channels(program.vector) == 1
        and {v.name for v in _states(program)} == {*memory.states, memory.silence}
        and all(program.vector(name).fmt.signed for name in memory.states)
        and memory.chain_fmt.signed
    )


def _states(program: Program) -> tuple[Vector, ...]:
    """Return the state vectors without the clock."""
    return tuple(v for v in program.with_role(Role.STATE) if v.name != program.clock)


def _follow(program: Program, memory: Cascade, rest: tuple[Operation, ...]) -> bool:
    """Return whether operations serve outputs alone and read the new states."""
    at = program.ops.index(memory)
    alone = all(
        serves
        for op, serves in zip(program.ops, program.only_for_output, strict=True)
        if op is not memory
    )
    early = {name for op in program.ops[:at] for name in op.reads}
    read = {name for op in rest for name in op.reads}
    return alone and not early & set(memory.states) and not read & {memory.silence, program.clock}


def _only_copy(program: Program, ops: tuple[Operation, ...], state: str) -> Pointwise | None:
    """Return the change of format that alone reads a state, if there is one."""
    readers = [op for op in ops if state in op.reads]
    op = readers[0] if len(readers) == 1 else None
    if not isinstance(op, Pointwise) or op.function is not None or op.terms != (Term(state),):
        return None
    target = program.vector(op.target)
    written = sum(target.name in other.writes for other in ops)
    is_inside = target.role is Role.INTERNAL and target.fmt.signed
    return op if is_inside and written == 1 else None


def _own_vectors(
    program: Program, layers: tuple[Operation, ...], inputs: list[tuple[str, Vector]]
) -> list[Vector]:
    """Return the internal vectors and the outputs of the layers."""
    heard = {v.name for _, v in inputs}
    written = {name for op in layers for name in op.writes}
    return [v for v in program.vectors if v.name in written - heard]


def _free_name(program: Program, name: str) -> str:
    """Return a name that no vector has."""
    taken = {v.name for v in program.vectors}
    while name in taken:
        name += "_"
    return name
