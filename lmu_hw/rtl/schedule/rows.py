"""Runs and weights of a matrix-vector product.

The lanes compute a group of rows at a time, one row per lane. The remaining rows are computed one
after the other by all lanes together, one column per lane, if that takes fewer cycles.

The first reader of a chain's states can read them in the order of arrival, section by section. The
chain takes more cycles per section than there are words to read, so the reader can alternate
between two groups of rows and use each word twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import groupby

from .plan import ChainPlan, Key, Kind, RomRun, Stride
from .timing import WINDOW, PipelineTiming

Section = tuple[tuple[int, int], ...]
Matrix = Sequence[tuple[int, ...]]
Word = tuple[int, ...]
"""One weight for each lane."""


class Reading(IntEnum):
    """How the first reader of a chain's states reads them."""

    WHOLE = 0
    """After all have been written."""
    ARRIVING = 1
    """In the order of arrival, as they are written."""
    DUAL_GROUP = 2
    """In the order of arrival, alternating between two groups of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePart:
    """Consecutive words of a source vector, and the matrix columns that multiply them.

    Parameters
    ----------
    key : Key
        Vector to read.
    word : int
        Index of the first word.
    align : int
        Left shift of the products.
    columns : tuple of int
        Matrix column of each word.
    keep : bool
        The words are also the bases of a dense memory's sums.
    """

    key: Key
    word: int
    align: int
    columns: tuple[int, ...]
    keep: bool = False

    @property
    def width(self) -> int:
        """Number of words."""
        return len(self.columns)

    def cut(self, start: int, end: int) -> SourcePart:
        """Return the part with the words from ``start`` to ``end``."""
        return replace(self, word=self.word + start, columns=self.columns[start:end])


Stretch = tuple[SourcePart, ...]
"""Parts of equal length that are read alternately, one word of each."""


def by_arrival(
    parts: Sequence[SourcePart], chain: ChainPlan
) -> tuple[list[Stretch], list[Stretch]]:
    """Return the parts that are already written, and a chain's states in the order of arrival.

    Parameters
    ----------
    parts : sequence of SourcePart
        Must include the chain's mirrors, for one or more channels.
    chain : ChainPlan
    """
    outer, inner = (None if m is None else m.target for m in chain.mirrors)
    (a,), (b,) = ([p for p in parts if p.key == key] for key in (inner, outer))
    kinds = [len(section) for section in chain.sections if section]
    n_inner, n_outer = len(kinds), sum(n == 2 for n in kinds)
    n_channels = a.width // n_inner
    arriving: list[Stretch] = []
    for channel in range(0, n_channels, 2):
        # the chain interleaves two channels
        interleaved = range(channel, min(channel + 2, n_channels))
        i = o = 0
        for kind, group in groupby(kinds):
            n = len(list(group))
            stretch: list[SourcePart] = []
            for c in interleaved:
                stretch.append(a.cut(c * n_inner + i, c * n_inner + i + n))
                if kind == 2:
                    stretch.append(b.cut(c * n_outer + o, c * n_outer + o + n))
            arriving.append(tuple(stretch))
            i, o = i + n, o + n * (kind == 2)
    return [(p,) for p in parts if p.key not in (inner, outer)], arriving


class Rows:
    """Generates the runs and weights of matrices.

    Parameters
    ----------
    timing: PipelineTiming
    """

    def __init__(self, timing: PipelineTiming) -> None:
        self.timing, self.lanes = timing, timing.lanes

    def whole(
        self, rows: Matrix, parts: Sequence[SourcePart], *, columns: bool = True, before: int = 0
    ) -> tuple[list[RomRun], list[Word]]:
        """Return the runs and weights of a matrix whose operands are already written.

        Parameters
        ----------
        rows : sequence of tuple of int
        parts : sequence of SourcePart
            Read one after the other.
        columns : bool
            Lanes may share a row.
        before : int
            Results that the result serializer may still hold when the first run starts.
        """
        lanes = self.lanes
        full, left = divmod(len(rows), lanes)
        spans = [_rows_of(part.word, part.width, lanes) for part in parts]
        across = sum(len(span) for span in spans)
        width = sum(part.width for part in parts)
        one_row = max(across, self.timing.serializer_cycles(1, one_row=True))
        together = max(width, self.timing.serializer_cycles(left, one_row=False))
        runs: list[RomRun] = []
        weights: list[Word] = []
        if left and columns and lanes > 1 and left * one_row < together:
            # shared rows come first, where they need not wait for the results of a group
            runs, weights = self._shared(rows[:left], parts, spans, before)
            rows, left, before = rows[left:], 0, 1
        stretches = [(part,) for part in parts]
        if full:
            body = _sum(self._runs(stretches, 0), lanes)
            body = self.pause(body, before if full == 1 else max(before, lanes))
            runs, before = runs + self.loop(body, full), lanes
        if left:
            runs += self.pause(_sum(self._runs(stretches, full), left), before)
        for start in range(0, len(rows), lanes):
            weights += self._weights(stretches, [rows[start : start + lanes]])
        return runs, weights

    def arriving(
        self,
        rows: Matrix,
        there: Sequence[Stretch],
        arriving: Sequence[Stretch],
        *,
        dual_group: bool,
    ) -> tuple[list[RomRun], list[Word]]:
        """Return the runs and weights of a matrix while some operands are still being computed.

        Parameters
        ----------
        rows : sequence of tuple of int
        there, arriving : sequence of Stretch
            Words that are already written, and words in the order of arrival.
        dual_group : bool
            Alternate between two groups. The second reads ``there`` last, while the results of the
            first are output.
        """
        lanes = self.lanes
        first, second = rows[:lanes], rows[lanes : 2 * lanes] if dual_group else ()
        groups = [group for group in (first, second) if group]
        runs = [*self._runs(there, 0), *self._runs(arriving, 0, dual_group=len(groups) == 2)]
        runs = _sum(runs, len(first))
        weights = self._weights(there, [first]) + self._weights(arriving, groups)
        if second:
            runs += self._second(there, len(first), len(second))
            weights += self._weights(there, [second])
        rest = rows[sum(map(len, groups)) :]
        if rest:
            parts = [part for stretch in (*there, *arriving) for part in stretch]
            more, words = self.whole(rest, _joined(parts), before=len(groups[-1]))
            runs, weights = runs + more, weights + words
        return runs, weights

    def _second(self, there: Sequence[Stretch], before: int, results: int) -> list[RomRun]:
        """Return the runs that complete the second group while ``before`` results are output."""
        swap, more = RomRun(kind=Kind.SECOND), self._runs(there, 0)
        last = [swap, *more]
        wait = _wait(self._gap(last, before))
        last[-1] = replace(last[-1], last=True, results=results)
        # the serializer has loaded the first group's sums, so the second group's may stay in place
        return [*last[:-1], *wait, last[-1]]

    def elements(self, body: Sequence[RomRun], length: int) -> list[RomRun]:
        """Return the runs of an element-wise operation, one element per lane at a time.

        Parameters
        ----------
        body : sequence of RomRun
            Runs of the first elements; the last run ends their sums.
        length : int
            Number of elements.
        """
        lanes = self.lanes
        groups, left = divmod(length, lanes)

        def group(number: int, results: int, stride: Stride = Stride.NONE) -> list[RomRun]:
            runs = [replace(run, word=number * lanes, stride=stride) for run in body]
            return [*runs[:-1], replace(runs[-1], results=results)]

        runs = group(0, min(lanes, length))
        if groups == 2:
            runs += self.pause(group(1, lanes), lanes)
        elif groups > 2:
            runs += self.loop(self.pause(group(1, lanes, Stride.WORD), lanes), groups - 1)
        if groups and left:
            runs += self.pause(group(groups, left), lanes)
        return runs

    def loop(self, body: list[RomRun], times: int) -> list[RomRun]:
        """Return a loop that executes a body several times."""
        if times > 1:
            body = [*body[:-1], replace(body[-1], body=len(body), times=times)]
        return body

    def pause(self, body: list[RomRun], results: int) -> list[RomRun]:
        """Return a body that first waits until the serializer can take its results."""
        return [*_wait(self._gap(body, results)), *body]

    def _gap(self, body: list[RomRun], results: int, *, one_row: bool = False) -> int:
        cycles = sum(run.cycles for run in body)
        if results == 0:
            return 0
        return max(0, self.timing.serializer_cycles(results, one_row=one_row) - cycles)

    def _runs(
        self, stretches: Sequence[Stretch], group: int, *, dual_group: bool = False
    ) -> list[RomRun]:
        """Return the runs of one or two groups of rows, without the marks of first and last."""
        runs: list[RomRun] = []
        for stretch in _peeled(stretches):
            turns = stretch[0].width if len(stretch) > 1 else 1
            body = [
                RomRun(
                    kind=Kind.ROWS,
                    cycles=part.width // turns * (2 if dual_group else 1),
                    source=part.key,
                    word=part.word,
                    stride=Stride.WORD if turns > 1 else Stride.NONE,
                    align=part.align,
                    dual_group=dual_group,
                    keep=group if part.keep else None,
                )
                for part in stretch
            ]
            if turns > 1 and dual_group:
                # not faster than the words arrive
                body += _wait(WINDOW - sum(run.cycles for run in body))
            runs += self.loop(body, turns)
        return runs

    def _weights(self, stretches: Sequence[Stretch], groups: Sequence[Matrix]) -> list[Word]:
        """Return the weights of one group of rows, or of two alternating ones."""
        by_column = [
            [column + (0,) * (self.lanes - len(group)) for column in zip(*group, strict=True)]
            for group in groups
        ]
        return [
            columns[c]
            for stretch in stretches
            for turn in zip(*(part.columns for part in stretch), strict=True)
            for c in turn
            for columns in by_column
        ]

    def _shared(
        self, rows: Matrix, parts: Sequence[SourcePart], spans: Sequence[list[int]], before: int
    ) -> tuple[list[RomRun], list[Word]]:
        """Return the runs and weights of rows that all lanes compute together."""
        body = [
            RomRun(kind=Kind.COLUMNS, cycles=len(span), source=p.key, word=span[0], align=p.align)
            for p, span in zip(parts, spans, strict=True)
        ]
        body[0] = replace(body[0], first=True)
        body[-1] = replace(body[-1], last=True, results=1)
        again = self._gap(body, 1, one_row=True)
        runs = _wait(self._gap(body, before) - again)
        runs += self.loop([*_wait(again), *body], len(rows))
        weights = [
            _across(row, part, start, self.lanes)
            for row in rows
            for part, span in zip(parts, spans, strict=True)
            for start in span
        ]
        return runs, weights


def _peeled(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Yield stretches with the first and the last word peeled off their loops."""
    for k, stretch in enumerate(stretches):
        n = stretch[0].width
        if len(stretch) == 1 or n == 1:
            yield stretch
            continue
        first, last = int(k == 0), n - (k == len(stretches) - 1)
        for start, end in ((0, first), (first, last), (last, n)):
            if start < end:
                yield tuple(part.cut(start, end) for part in stretch)


def _joined(parts: Sequence[SourcePart]) -> list[SourcePart]:
    """Return parts with adjacent parts of a vector joined."""
    found: dict[Key, list[SourcePart]] = {}
    for part in parts:
        found.setdefault(part.key, []).append(part)
    return [
        replace(first, columns=sum((p.columns for p in (first, *others)), ()))
        for first, *others in (sorted(own, key=lambda p: p.word) for own in found.values())
    ]


def _rows_of(word: int, width: int, lanes: int) -> list[int]:
    """Return the first word of each memory row that holds some of the words."""
    first, last = word // lanes, (word + width - 1) // lanes
    return [row * lanes for row in range(first, last + 1)]


def _across(row: tuple[int, ...], part: SourcePart, start: int, lanes: int) -> Word:
    """Return one row's weights for a memory row; 0 for words that are not in the part."""
    at = [start + lane - part.word for lane in range(lanes)]
    return tuple(row[part.columns[i]] if 0 <= i < part.width else 0 for i in at)


def _sum(runs: list[RomRun], results: int) -> list[RomRun]:
    """Return runs marked as a complete sum."""
    runs = [replace(runs[0], first=True), *runs[1:]]
    return [*runs[:-1], replace(runs[-1], last=True, results=results)]


def _wait(cycles: int) -> list[RomRun]:
    return [RomRun(kind=Kind.WAIT, cycles=cycles)] if cycles > 0 else []
