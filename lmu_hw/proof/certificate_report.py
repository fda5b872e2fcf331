"""The certificate of a program as data, as text and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._support.tables import html_table
from ..errors import plain
from ..firmware.operation import Accumulator
from ..program.codec import Report, written
from .claims import PredictedError, ProgramClaims


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Report):
    """Claims about an integer program, all derived from the program alone.

    Attributes
    ----------
    tool : str
    certificate_version : int
        Version of the format of ``certificate.json``.
    digest : str
        sha256 of the program, in hexadecimal.
    assumes : str
        Condition under which every claim holds.
    rounding : mapping of str to str
        How each kind of operation rounds; see ``lmu_hw.program.integer_program``.
    claims : ProgramClaims
        Ranges of signals, widths of accumulators, decay of zero input.
    c_sums : tuple of Accumulator, or None
        Variables of the generated C that hold sums, with their types and ranges.
    predicted_error_lsb : PredictedError or None
        Predicted, not proven: RMS error of an output word. Of a memory only.
    """

    tool: str
    certificate_version: int
    digest: str
    assumes: str
    rounding: Mapping[str, str]
    claims: ProgramClaims = field(metadata=written(inline=True))
    c_sums: tuple[Accumulator, ...] | None
    predicted_error_lsb: PredictedError | None

    @property
    def proven(self) -> bool:
        """Whether no recurrent signal can leave its format, and every accumulator is exact."""
        return self.claims.proven

    @property
    def verdict(self) -> str:
        """The result in one line."""
        if self.proven:
            return "Proven: no recurrent signal can leave its format, no accumulator overflow."
        names = ", ".join(self.claims.unproven) or "an accumulator"
        return f"NOT proven for every recurrent signal: {names} may saturate."

    def __str__(self) -> str:
        lines = [
            f"Certificate of program {self.digest[:16]}; 'lmu-hw certify' derives it again.",
            f"It holds for {self.assumes}.",
            "",
            *self._signal_lines(),
            "",
            f"Accumulators: exact in {max((a.bits for a in self.claims.accumulators), default=0)} "
            "bits.",
        ]
        if self.c_sums:
            lines += ["", "Sums in the C, and their types:", *_sum_lines(self.c_sums), ""]
        for names, decay in self.claims.decay.items():
            known = "proven" if decay.proven else "not proven"
            lines.append(f"Zero input dies to exactly zero in {names}: {known} ({decay.reason}).")
        if (error := self.predicted_error_lsb) is not None:
            lines.append(
                f"Predicted, not proven: {error.predicted:g} LSB RMS of an output word, "
                f"{error.roundoff:g} of them by roundoff"
                + ("." if error.neurons is None else f", {error.neurons:g} by spikes.")
            )
        return "\n".join(map(plain, [*lines, self.verdict]))

    def _repr_html_(self) -> str:
        rows: list[tuple[str, ...]] = [
            ("signal", "format", "basis", "recurrent", "low", "high", "of rounding")
        ]
        for name, s in self.claims.signals.items():
            noise = "" if s.rounding is None else f"{s.rounding:.3f}"
            recurrent = "yes" if s.recurrent else ""
            reach = (f"{s.low}", f"{s.high}", noise)
            rows.append((name, s.format, s.basis.value, recurrent, *reach))
        return f"<p>{self.verdict}</p>\n{html_table(rows, n_left=4)}"

    def _signal_lines(self) -> list[str]:
        """Return a line for each signal, under a head."""
        signals = self.claims.signals
        width = max(map(len, signals))
        lines = [f"{'signal':{width}}  format    words reached            of rounding  basis"]
        for name, s in signals.items():
            reached = f"{s.low} to {s.high}"
            noise = "" if s.rounding is None else f"{s.rounding:.3f}"
            mark = " (recurrent)" if s.recurrent else ""
            why = f": {s.reason}" if s.reason else ""
            lines.append(
                f"{name:{width}}  {s.format:8}  {reached:23}  {noise:>11}  "
                f"{s.basis.value}{mark}{why}"
            )
        return lines


def _sum_lines(sums: tuple[Accumulator, ...]) -> list[str]:
    """Return a line for each variable of the C that holds a sum."""
    names = [f"{s.function}: {s.variable}" for s in sums]
    width = max(map(len, names))
    return [
        f"{name:{width}}  {s.ctype}  {s.low} to {s.high}"
        + ("" if s.columns is None else f", columns {s.columns[0]} to {s.columns[1] - 1}")
        for name, s in zip(names, sums, strict=True)
    ]
