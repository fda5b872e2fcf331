"""What the plans of `--parallel full` and `--parallel ring` have in common."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ScheduleError
from ...program.fixedpoint import QFormat
from ...program.integer_program import Cascade, MemoryUpdate, Pointwise, Program, Role, Vector
from ..parallel_style import Parallel

ENTER = 1
"""Cycles from the transfer of an input word to the first section."""
ROUND = 1
"""Cycles to round a state to its output word."""
LEAVE = 4
"""Cycles from the last state of a step to the transfer of its output, beside those that fetch its
rows: round, write, read, hold."""
COLUMN_GROUP = 8
"""Columns of the output FIFO among which one is chosen in a cycle, where words leave one at a time;
a power of two. The wires of a wider multiplexer would crowd in one place of the device."""
INNER, OUTER = "inner", "outer"
"""Kinds of states of a section."""
CHAIN = "chain"
"""Name of the words between sections in `CascadePlan.limited`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How the states of a memory leave it for the layers of a network.

    Parameters
    ----------
    gated : bool
        With each input word comes whether the states of its step are delivered.
    shown : tuple of str
        Output vectors that leave a word at a time, in this order; empty if all words of a step
        leave in one transfer.
    spacing : int
        Least cycles from a step whose states are delivered to the next one.
    """

    gated: bool
    shown: tuple[str, ...] = ()
    spacing: int

    @property
    def serial(self) -> bool:
        """Whether a transfer has one word."""
        return bool(self.shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePlan:
    """A memory in cascade form whose sections work on several steps at the same time.

    Parameters
    ----------
    program : Program
        One that `why_not_parallel` does not refuse.
    pipeline : int
        Registers of an adaptor, L, 1 to 6.
    interleave : int
        Independent signals in the pipeline.
    state_port : bool
        The design has a state port.
    limited : frozenset of str
        Vectors whose words are saturated, and `CHAIN`; the others cannot leave their formats.
    delivery : Delivery or None
        How states leave for the layers of a network; None: every output leaves in one transfer.
    """

    program: Program
    pipeline: int
    interleave: int = 1
    state_port: bool = False
    limited: frozenset[str] = frozenset()
    delivery: Delivery | None = None

    @property
    def style(self) -> Parallel:
        """The style of the design."""
        raise NotImplementedError

    @property
    def op(self) -> Cascade:
        """The memory update."""
        return cascade_of(self.program)

    @property
    def cycles_per_step(self) -> int:
        """Initiation interval: cycles from the start of a step to the next one of any signal."""
        raise NotImplementedError

    @property
    def cycles_per_quiet_step(self) -> int:
        """The same; every step has an output."""
        return self.cycles_per_step

    @property
    def cycles_per_output(self) -> int:
        """Least cycles from a step with an output to the next one, beside those of the steps."""
        return 0

    @property
    def cycle_formula(self) -> str:
        """`cycles_per_step` as an expression."""
        raise NotImplementedError

    @property
    def multipliers(self) -> int:
        """Adaptors of the design, each with a multiplier."""
        raise NotImplementedError

    @property
    def ends(self) -> tuple[int, ...]:
        """Cycles from the start of a step in the first section to the states of each section."""
        raise NotImplementedError

    @property
    def finish(self) -> int:
        """Cycles from the start of a step in the first section to its last state."""
        return max(self.ends)

    @property
    def last_section(self) -> int:
        """Index of a section that finishes last."""
        return self.ends.index(self.finish)

    @property
    def rows(self) -> int:
        """Rows of a step in the output FIFO, each of which takes a cycle to fetch."""
        return 1

    @property
    def columns(self) -> int:
        """Columns of the output FIFO, each with a writer."""
        return len(self.op.sections)

    @property
    def first_word(self) -> int:
        """Cycles from the transfer of an input word to the first word of its step.

        Where words leave one at a time.
        """
        return ENTER + self.finish + ROUND + word_latency(self.columns)

    @property
    def latency(self) -> int:
        """Cycles from the transfer of an input word to that of the output of its step."""
        return ENTER + self.finish + LEAVE + self.rows

    @property
    def latency_formula(self) -> str:
        """`latency` as an expression."""
        raise NotImplementedError

    @property
    def n_in(self) -> int:
        """Input words of a step."""
        return self.program.n_words(Role.INPUT)

    @property
    def n_out(self) -> int:
        """Output words of a step."""
        return self.program.n_words(Role.OUTPUT)

    @property
    def lanes(self) -> int:
        """Lanes beside the multipliers of the memory: none, which reports count as 1."""
        return 1

    @property
    def words_per_transfer(self) -> int:
        """Output words in a transfer: all of a step."""
        return self.n_out

    @property
    def gated(self) -> bool:
        """Whether the states of some steps alone are delivered."""
        return self.delivery is not None and self.delivery.gated

    @property
    def serial(self) -> bool:
        """Whether words leave one at a time."""
        return self.delivery is not None and self.delivery.serial

    @property
    def fifo_depth(self) -> int:
        """Steps that the output FIFO holds, a power of two: all that are in the pipeline."""
        if self.delivery is None:
            return 1 << (self.latency // self.cycles_per_step + 1).bit_length()
        waits = self.latency + self.serial_cycles
        return 1 << max(1, (waits // self.delivery.spacing).bit_length())

    @property
    def serial_cycles(self) -> int:
        """Cycles in which the states of a step leave one after the other; 0 if they do not."""
        if self.delivery is None:
            return 0
        return len(self.delivery.shown) * len(self.op.sections)

    @property
    def clear_cycles(self) -> int:
        """Cycles after a reset in which no word is accepted."""
        raise NotImplementedError

    @property
    def outer_fmt(self) -> QFormat:
        """Format of the outer states; that of the inner ones if there are none."""
        return self.program.vector(self.op.states[0]).fmt

    @property
    def inner_fmt(self) -> QFormat:
        """Format of the inner states."""
        return self.program.vector(self.op.z_inner).fmt

    def output_of(self, state: str) -> Vector:
        """Return the output vector that shows a state vector."""
        return _outputs(self.program)[state]


def choosing_cycles(columns: int) -> int:
    """Return the cycles that choose a column: with many, one of each group is chosen first."""
    return 1 if columns <= COLUMN_GROUP else 2


def word_latency(columns: int) -> int:
    """Return the latency of an output FIFO whose words leave one at a time.

    Write, read, choose the column, hold.
    """
    return 3 + choosing_cycles(columns)


def cascade_of(program: Program) -> Cascade:
    """Return the cascade of a program that `why_not_parallel` does not refuse."""
    (op,) = (op for op in program.ops if isinstance(op, Cascade))
    return op


def limited_words(
    program: Program, *, proven: frozenset[str], state_port: bool, style: Parallel
) -> frozenset[str]:
    """Return `CascadePlan.limited` of a program.

    Parameters
    ----------
    program : Program
    proven : frozenset of str
        Signals of the program's certificate that cannot leave their formats from reset. With a
        state port all words are saturated, because any state can be loaded.
    state_port : bool
    style : Parallel
        For the message.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    if why := why_not_parallel(program, style):
        raise ScheduleError(why)
    op = cascade_of(program)
    names = {f"chain of {op.z_inner}": CHAIN}
    names |= {v.name: v.name for v in program.vectors if v.role in (Role.STATE, Role.OUTPUT)}
    safe = set() if state_port else proven
    return frozenset(name for signal, name in names.items() if signal not in safe)


def why_not_parallel(program: Program, style: Parallel) -> str | None:
    """Return why a program has no hardware of a style other than shared, or None."""
    what = "a memory in cascade form with one channel and --output state"
    memories = [op for op in program.ops if isinstance(op, MemoryUpdate)]
    shown = _outputs(program)
    is_memory = (
        len(memories) == 1
        and isinstance(memories[0], Cascade)
        and len(program.ops) == 1 + len(shown)
        and memories[0].channels(program.vector) == 1
        and set(shown) == set(memories[0].states)
        and program.output_every == 1
        and all(program.vector(name).fmt.signed for name in memories[0].states)
        and memories[0].chain_fmt.signed
    )
    if is_memory:
        return None
    return f"parallel must be shared for this program: {style.value} is for {what}"


def _outputs(program: Program) -> dict[str, Vector]:
    """Return the output vectors by the vector that each of them shows."""
    found = {}
    for op in program.ops:
        if isinstance(op, Pointwise) and op.function is None and len(op.terms) == 1:
            (term,) = op.terms
            target = program.vector(op.target)
            if target.role is Role.OUTPUT and not term.b and not term.minus:
                found[term.a] = target
    return found
