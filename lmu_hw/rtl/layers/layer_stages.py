"""The stages of a pipeline of layers: what reads which words, and when."""

from __future__ import annotations

from dataclasses import dataclass

from .adder_graph import AdderGraph
from .held_words import HeldVector
from .result_shape import PRODUCT_CYCLES, ResultShape
from .row_folding import FoldedRows

Column = tuple[int, int]
"""A word that a stage reads: the number of the vector among its reads, and the index in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSums:
    """Sums of rows from shared multipliers.

    Parameters
    ----------
    folded : FoldedRows
    columns : tuple of Column
        The words that the rows multiply.
    weights : tuple of tuple of int
        Of each row of ``folded``, with the alignment of their columns.
    peak : int
        Largest magnitude of a sum.
    words : tuple of int
        Index of each row's result.
    operand_width : int
        Bits of a word with its sign.
    place : int
        Place in the row of multipliers that pass their operands on, a cycle later each.
    """

    folded: FoldedRows
    columns: tuple[Column, ...]
    weights: tuple[tuple[int, ...], ...]
    peak: int
    words: tuple[int, ...]
    operand_width: int
    place: int = 0

    @property
    def levels(self) -> int:
        """Levels of the adders between the products of a turn."""
        return (self.folded.multipliers - 1).bit_length()

    @property
    def turns(self) -> bool:
        """Whether a row takes several turns."""
        return self.folded.fold > 1

    @property
    def late(self) -> int:
        """Cycles from the words of a turn to the operands of its products."""
        return 1 + self.place

    @property
    def cycles(self) -> int:
        """Cycles in which the words must be there."""
        return self.folded.cycles

    @property
    def shown(self) -> int:
        """Cycles in which a sum is there."""
        return self.folded.fold

    @property
    def multipliers(self) -> int:
        """Multipliers."""
        return self.folded.multipliers

    @property
    def adders(self) -> int:
        """Adders of a graph: none."""
        return 0

    def turn_weights(self, multiplier: int) -> tuple[int, ...]:
        """Return the weights of a multiplier, turn by turn; 0 beyond the last column."""
        fold = self.folded.fold
        columns = range(multiplier * fold, (multiplier + 1) * fold)
        return tuple(row[k] if k < len(row) else 0 for row in self.weights for k in columns)

    def release(self, number: int) -> int:
        """Return when a sum is there, counted from the words of turn 0."""
        end = (number + 1) * self.folded.fold - 1
        # with several turns also the accumulator, and a register for the sum
        return self.late + end + PRODUCT_CYCLES + self.levels + 2 * self.turns


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSums:
    """All sums of a matrix at once, from adders alone.

    Parameters
    ----------
    graph : AdderGraph
    columns : tuple of Column
    peak : int
    words : tuple of int
        Index of each row's result.
    interval : int
        Cycles between two steps.
    """

    graph: AdderGraph
    columns: tuple[Column, ...]
    peak: int
    words: tuple[int, ...]
    interval: int

    @property
    def cycles(self) -> int:
        """Cycles in which the words must be there."""
        return self.interval

    @property
    def shown(self) -> int:
        """Cycles in which a sum is there."""
        return self.interval

    @property
    def multipliers(self) -> int:
        """Multipliers: none."""
        return 0

    @property
    def adders(self) -> int:
        """Adders of the graph."""
        return len(self.graph.adders)

    def release(self, number: int) -> int:
        """Return when a sum is there, counted from the words."""
        return self.graph.latency


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTerm:
    """A term of `TermSums`: ``+-(a * b) << align``, or ``+-a << align`` without b."""

    a: int
    b: int | None
    minus: bool
    align: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSums:
    """Sums of terms of single words, one result after the other.

    Parameters
    ----------
    terms : tuple of WordTerm
        Their ``a`` and ``b`` are numbers of vectors among the reads.
    peak : int
    words : tuple of int
        Index of each result, and of the words that it is made of.
    """

    terms: tuple[WordTerm, ...]
    peak: int
    words: tuple[int, ...]

    @property
    def cycles(self) -> int:
        """Cycles in which the words must be there."""
        return len(self.words)

    @property
    def shown(self) -> int:
        """Cycles in which a sum is there."""
        return 1

    @property
    def multiplies(self) -> bool:
        """Whether a term has two factors."""
        return any(term.b is not None for term in self.terms)

    @property
    def multipliers(self) -> int:
        """Multipliers."""
        return sum(term.b is not None for term in self.terms)

    @property
    def adders(self) -> int:
        """Adders of a graph: none."""
        return 0

    def release(self, number: int) -> int:
        """Return when a sum is there, counted from the words of the first one."""
        return number + 1 + self.multiplies + (len(self.terms) > 1)


Sums = RowSums | GraphSums | TermSums
"""What makes the sums of a stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStage:
    """An operation in the pipeline.

    Parameters
    ----------
    name : str
    reads : tuple of tuple of HeldVector
        For each vector that it reads: the vector and the copies that keep it.
    begin : int
        Cycle in which the stage begins to read.
    target : HeldVector
        What it writes.
    """

    name: str
    reads: tuple[tuple[HeldVector, ...], ...]
    begin: int
    target: HeldVector

    @property
    def operands(self) -> tuple[HeldVector, ...]:
        """The registers that it reads."""
        return tuple(read[-1] for read in self.reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumStage(LayerStage):
    """Sums, and the lanes that turn them into words.

    Parameters
    ----------
    sums : tuple of RowSums, GraphSums or TermSums
    lanes : tuple of ResultShape
        The sources of their turns count the sums of all of ``sums``: a `GraphSums` has one source
        for each row, the others have one.
    """

    sums: tuple[Sums, ...]
    lanes: tuple[ResultShape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyStage(LayerStage):
    """A change of format of all words at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgmaxStage(LayerStage):
    """The index of the largest word."""


def argmax_levels(length: int) -> int:
    """Return the cycles that a tree of comparisons takes for a vector."""
    return max(1, (length - 1).bit_length())
