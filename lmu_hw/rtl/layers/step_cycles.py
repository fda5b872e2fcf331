"""In which of its cycles a step is, as signals."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value


class StepCycles:
    """Follows steps through a pipeline.

    Parameters
    ----------
    m : Module
    start : Value
        A step is in cycle ``first``.
    first, last : int
        The first and the last cycle that is asked for.
    """

    def __init__(self, m: Module, start: Value, first: int, last: int) -> None:
        self._m, self._first = m, first
        self._at: dict[int, Value] = {first: start}
        passed = Signal(max(0, last - first - 1), name="steps_in_flight")
        self._all = Cat(start, passed)
        if len(passed):
            m.d.sync += passed.eq(self._all)

    def at(self, cycle: int) -> Value:
        """Return whether a step is in this cycle."""
        if cycle not in self._at:
            # a register of its own: a port shows one name, not a bit of a long register
            now = Signal(name=f"in_cycle_{cycle}")
            self._m.d.sync += now.eq(self._all[cycle - 1 - self._first])
            self._at[cycle] = now
        return self._at[cycle]
