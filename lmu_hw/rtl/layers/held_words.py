"""When the words of a vector are in registers, and the copies that keep them longer."""

from __future__ import annotations

from dataclasses import dataclass

from ...program.fixedpoint import QFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVector:
    """A vector whose words are in registers for a part of each step.

    Times are cycles after the transfer of the inputs of a step.

    Parameters
    ----------
    name : str
        Unique among the vectors and copies of a design.
    fmt : QFormat
    length : int
        Words.
    time : int
        First cycle in which all words of the step are there.
    spread : int
        Cycles between the first word and the last one; the next step replaces them in the same
        order.
    copy_of : str
        Name of the vector whose copy it is, empty for the vector itself.
    """

    name: str
    fmt: QFormat
    length: int
    time: int
    spread: int = 0
    copy_of: str = ""

    def last(self, interval: int) -> int:
        """Return the last cycle in which all words are there, with a step every ``interval``."""
        return self.time + interval - self.spread - 1

    def covers(self, begin: int, cycles: int, interval: int) -> bool:
        """Return whether all words are there in the ``cycles`` cycles from ``begin``."""
        return self.time <= begin and begin + cycles - 1 <= self.last(interval)

    def copied(self, cycle: int) -> HeldVector:
        """Return the copy that registers make in a cycle."""
        origin = self.copy_of or self.name
        return HeldVector(
            name=f"{origin}_at_{cycle + 1}",
            fmt=self.fmt,
            length=self.length,
            time=cycle + 1,
            copy_of=origin,
        )


def kept_until(
    vector: HeldVector, begin: int, cycles: int, interval: int
) -> tuple[HeldVector, ...] | None:
    """Return a vector and the copies of it, each of the one before, that a reader needs.

    Parameters
    ----------
    vector : HeldVector
    begin, cycles : int
        The reader needs all words in ``cycles`` cycles from ``begin``, at most ``interval``.
    interval : int
        Cycles between two steps.

    Returns
    -------
    tuple of HeldVector or None
        The reader reads the last one. None if ``begin`` is too early.
    """
    found = [vector]
    while not found[-1].covers(begin, cycles, interval):
        last = found[-1]
        if last.time >= begin:
            return None
        found.append(last.copied(min(begin - 1, last.last(interval))))
    return tuple(found)
