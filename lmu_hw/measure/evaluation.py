"""Results of evaluating a network: accuracy, agreement with the float network, signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._support.tables import columns, html_table
from ..program.codec import Report, written
from ..quantize.word_lengths import Widths

NRMSE = "RMS error over RMS of the target, which is not centred"
"""Definition of NRMSE wherever one is printed."""
OTHER_WIDTHS = ("act_bits", "coef_bits", "state_bits", "input_bits")
"""Widths beside those of the weights, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Score of outputs against labels or targets; all None where the data have neither.

    Attributes
    ----------
    accuracy : float or None
        Share of sequences with the right class at their last step, 0 to 1.
    confusion : tuple of tuple of int, or None
        Number of sequences by true class (row) and computed class (column),
        shape (n_classes, n_classes).
    nrmse : float or None
        RMS error over RMS of the target, >= 0; the RMS error itself where all targets are 0.
    """

    accuracy: float | None = field(default=None, metadata=written(optional=True))
    confusion: tuple[tuple[int, ...], ...] | None = field(
        default=None, metadata=written(optional=True)
    )
    nrmse: float | None = field(default=None, metadata=written(optional=True))

    @property
    def score(self) -> float | None:
        """The accuracy with labels, otherwise the NRMSE."""
        return self.nrmse if self.accuracy is None else self.accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Difference between integer and float outputs, whatever the labels or targets are.

    Attributes
    ----------
    nrmse : float
        RMS difference over RMS of the float outputs, >= 0.
    largest_difference : float
        Largest absolute difference of an output [output unit].
    same_class : float or None
        Share of sequences with the same class at their last step, 0 to 1; None where the outputs
        are no classes.
    """

    nrmse: float
    largest_difference: float
    same_class: float | None = field(default=None, metadata=written(optional=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Words in which compiled C and the interpreter were compared, and were equal.

    Attributes
    ----------
    sequences : int
        Sequences of the data that both ran, in part.
    words : int
        Words of outputs and states compared.
    """

    sequences: int
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """The engine that computed the words of a program.

    Attributes
    ----------
    name : str
        ``c`` (compiled C) or ``interpreter``.
    checked : Checked or None
        Comparison of compiled C with the interpreter.

    Examples
    --------
    >>> print(EngineReport(name="c", checked=Checked(sequences=3, words=1200)))
    compiled C; 1,200 words of 3 sequences equal the interpreter's
    """

    name: str
    checked: Checked | None = field(default=None, metadata=written(optional=True))

    def __str__(self) -> str:
        if self.checked is None:
            return self.name
        words, sequences = self.checked.words, self.checked.sequences
        return f"compiled C; {words:,} words of {sequences} sequences equal the interpreter's"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQuality:
    """Error of one signal against the float network.

    Attributes
    ----------
    format : str
        Fixed-point format, such as ``Q1.15``.
    proven : bool
        The range of the format is proven; otherwise it is calibrated on data.
    snr_db : float
        Signal power over error power [dB]; 400 where there is no error.
    saturated : float
        Share of words at an end of a calibrated format and more than one LSB off, 0 to 1; 0 where
        the range is proven.
    """

    format: str
    proven: bool
    snr_db: float
    saturated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalTrace:
    """Error of every signal of a program on a few sequences.

    Attributes
    ----------
    traced_sequences : int
        Number of sequences run, >= 1.
    signals : mapping of str to SignalQuality
        By name of the signal.
    worst_layer, worst_signal : str or None
        Layer and signal of the lowest SNR; None where no signal belongs to a layer.
    """

    traced_sequences: int
    signals: Mapping[str, SignalQuality]
    worst_layer: str | None
    worst_signal: str | None

    def rows(self) -> list[tuple[str, ...]]:
        """Return the signals as rows of text, the head first."""
        rows: list[tuple[str, ...]] = [("name", "format", "range", "SNR [dB]", "saturated")]
        for name, s in self.signals.items():
            basis, share = "proven" if s.proven else "calibrated", f"{100 * s.saturated:.3g} %"
            rows.append((name, s.format, basis, f"{s.snr_db:.1f}", share))
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Report):
    """A network's integer program and the float network on the same data.

    Attributes
    ----------
    widths : Widths
        Word lengths of the program [bits], ``state_bits`` as chosen.
    sequences : int
        Number of sequences in the data.
    floats, integers : Metrics
        Scores of the float network and of the integer program.
    agreement : Agreement
        Difference between their outputs.
    engine : EngineReport
        The engine that ran the program.
    trace : SignalTrace
        Error of every signal.
    nrmse_definition : str
    """

    widths: Widths
    sequences: int
    floats: Metrics = field(metadata=written(key="float"))
    integers: Metrics = field(metadata=written(key="integer"))
    agreement: Agreement
    engine: EngineReport
    trace: SignalTrace = field(metadata=written(inline=True))
    nrmse_definition: str = NRMSE

    def __str__(self) -> str:
        widths = [f"weight {self.widths.weights_text}"]
        for name in OTHER_WIDTHS:
            widths.append(f"{name.removesuffix('_bits')} {getattr(self.widths, name) or '-'}")
        lines = [
            f"{self.sequences} sequences; bits: {', '.join(widths)}",
            *self._score_lines(),
            f"  NRMSE is {NRMSE}; for the agreement, the float output is the target",
            f"  engine     {self.engine}",
            f"  signals, on {self.trace.traced_sequences} sequences:",
            *(f"    {line}" for line in columns(self.trace.rows(), n_left=3)),
            f"  worst layer: {self.trace.worst_layer} ({self.trace.worst_signal})",
        ]
        if self.integers.confusion is not None:
            lines.append("  confusion of the integer program, true class by row:")
            counts = [[str(n) for n in row] for row in self.integers.confusion]
            lines += [f"    {line}" for line in columns(counts, n_left=0)]
        return "\n".join(lines)

    def _score_lines(self) -> list[str]:
        found = []
        for name in ("accuracy", "nrmse"):
            a, b = getattr(self.floats, name), getattr(self.integers, name)
            if b is not None:
                found.append(f"  {name:10} float {100 * a:.2f} %   integer {100 * b:.2f} %")
        a = self.agreement
        same = "" if a.same_class is None else f", same class {100 * a.same_class:.2f} %"
        return [
            *found,
            f"  agreement  NRMSE {100 * a.nrmse:.3g} %, largest difference "
            f"{a.largest_difference:.3g}{same}",
        ]

    def _repr_html_(self) -> str:
        head: list[tuple[str, ...]] = [("", "float", "integer")]
        for name in ("accuracy", "nrmse"):
            a, b = getattr(self.floats, name), getattr(self.integers, name)
            if b is not None:
                head.append((name, f"{100 * a:.2f} %", f"{100 * b:.2f} %"))
        return f"{html_table(head)}\n{html_table(self.trace.rows(), n_left=3)}"
