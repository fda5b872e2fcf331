"""Worst cases of the signals of a memory in cascade form, and of the rows that read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ..program.fixedpoint import QFormat
from .claims import Claim, of_peak
from .interval import Data, Range, fmt_of, input_words
from .lossless import LosslessSection, RoundingSteps, noise_of, sections_of
from .memory_bounds import ChainGains, ReadoutRow, gains_of
from .response import TooWideError, block_size
from .rounding import FEW_VALUES, MAX_VALUES, ErrorSums, error_sums
from .scaled import ONE, PLACES, lsb, product, up
from .truncation import Quiet

Part = tuple[int, int]
"""Bounds of a signal's response to the input, and to rounding errors [real, `scaled`]."""
LEAVES = "its bound from the l1 norm exceeds its format"
NO_BOUND = "no bound of its impulse response was found"


class UnprovenError(Exception):
    """No bound of a memory's signals was found; the text gives the reason."""


class ChainProof:
    """The gains of a chain, and of the rows that read only its states.

    Parameters
    ----------
    op : mapping
        The cascade operation.
    formats : mapping of str to QFormat
        Formats of all vectors.
    words : (int, int)
        Range of its input words.
    readers : sequence of mapping
        The linear operations that read only its states, see `reads_only`.

    Raises
    ------
    UnprovenError
        If no bound was found.
    """

    def __init__(
        self,
        op: Data,
        formats: Mapping[str, QFormat],
        words: Range,
        readers: Sequence[Data],
    ) -> None:
        self._op, self._formats, self._readers = op, formats, readers
        chain = fmt_of(op["chain_fmt"])
        if bad := not_lossless(op):
            raise UnprovenError(bad)
        ends, fits = input_words(formats[op["source"]], *words, chain)
        if not fits:
            raise UnprovenError("its input saturates")
        low, high = (Fraction(x) / Fraction(2) ** chain.frac_bits for x in ends)
        self._half, self._middle = up((high - low) / 2), up(abs(high + low) / 2)
        self._sections, self._unit = chain_of(op, formats)
        self._gains, self._n_rows = self._find(
            [row for reader in readers for row in self._rows(reader)]
        )

    def _find(self, rows: list[ReadoutRow]) -> tuple[ChainGains, int]:
        """Return the gains, and the number of rows included: none if their weights are too wide."""
        block = block_size(self._op["window"])
        try:
            gains = gains_of(self._sections, block, rows)
        except TooWideError:
            if not rows:
                raise UnprovenError("its coefficients are too wide to analyze") from None
            return self._find([])
        if gains is None:
            raise UnprovenError(NO_BOUND)
        return gains, len(rows)

    def claims(self, names: Mapping[str, str]) -> dict[str, Claim]:
        """Return the claims of the signals of each format.

        Parameters
        ----------
        names : mapping of str to str
            Signal names of ``chain``, ``outer`` and ``inner``.
        """
        claims, gains = self._claims(names, self._by_norms()), self._gains
        limit = MAX_VALUES if any(claim.reason for claim in claims.values()) else FEW_VALUES
        quiet = Quiet(gains.response, min(self._op["window"], gains.n_steps))
        sums = error_sums(gains.response, self._unit, gains.total, gains.n_steps, limit, quiet.lags)
        return claims if sums is None else self._claims(names, self._by_places(sums, quiet))

    def _claims(
        self, names: Mapping[str, str], parts: Mapping[str, list[Part]]
    ) -> dict[str, Claim]:
        """Return the claim of each signal, for the worst of its words."""
        return {
            name: of_peak(
                max(a + b for a, b in parts[kind]),
                max(b for _, b in parts[kind]),
                self._formats[name],
                LEAVES,
            )
            for kind, name in names.items()
            if name
        }

    def _by_norms(self) -> dict[str, list[Part]]:
        """Return bounds of the signals, with rounding errors bounded by their norm in the state."""
        noise = self._norms()
        return self._by_format(
            {
                name: [
                    (g.driven(self._half, self._middle), own)
                    for g, own in zip(self._gains.of[name], noise[name], strict=True)
                ]
                for name in noise
            }
        )

    def _norms(self) -> dict[str, list[int]]:
        """Return the effect of rounding errors on each signal, from their norm in the state."""
        noise, zero = noise_of(self._sections, self._unit), (0,) * len(self._sections)
        same = {"w": noise.w, "f": noise.f, "o": zero, "i": zero}
        return {
            name: [
                product(g.decay, noise.energy) + extra
                for g, extra in zip(self._gains.of[name], same[name], strict=True)
            ]
            for name in same
        }

    def _by_places(
        self, sums: Mapping[str, list[ErrorSums]], quiet: Quiet
    ) -> dict[str, list[Part]]:
        """Return bounds of the signals, with rounding errors propagated from every adaptor."""
        return self._by_format(self._by_signal(sums, quiet))

    def _by_signal(
        self, sums: Mapping[str, list[ErrorSums]], quiet: Quiet
    ) -> dict[str, list[Part]]:
        """Return the bounds of each signal, by section."""
        responses, least = quiet.input_response(), max(0, self._half - self._middle)
        return {
            name: [
                (g.driven(self._half, self._middle), quiet.errors(s, h, least))
                for g, s, h in zip(self._gains.of[name], sums[name], responses[name], strict=True)
            ]
            for name in sums
        }

    def _by_format(self, signals: Mapping[str, list[Part]]) -> dict[str, list[Part]]:
        """Return the bounds grouped by format."""
        out: dict[str, list[Part]] = {"chain": signals["w"], "outer": [], "inner": []}
        for k, section in enumerate(self._sections):
            if section.e2 is None:
                out["inner"].append(signals["o"][k])
            else:
                out["outer"] += [signals["o"][k], signals["f"][k]]
                out["inner"].append(signals["i"][k])
        return out

    def readout(self, op: Data) -> Claim | None:
        """Return the claim of a reader's rows, or None if none was found."""
        if not self._n_rows or op not in self._readers:
            return None
        before = self._readers[: self._readers.index(op)]
        first = sum(len(reader["rows"]) for reader in before)
        energy = noise_of(self._sections, self._unit).energy
        worst = noise = 0
        for row, bias, multiplier, shift in zip(
            range(first, first + len(op["rows"])),
            op["biases"],
            op["multipliers"],
            op["shifts"],
            strict=True,
        ):
            gain = self._gains.of["rows"][row]
            scale = up(multiplier * Fraction(2) ** (self._scale(op) - shift))
            errors = product(gain.decay, energy) + self._added(row)
            own = product(scale, errors) + ONE // 2
            offset = up(Fraction(abs(bias) * multiplier, 1 << shift))
            worst = max(worst, product(scale, gain.driven(self._half, self._middle)) + offset + own)
            noise = max(noise, own)
        fmt = self._formats[op["target"]]
        # an output one word beyond its format saturates with an error of one word
        return of_peak(worst, noise, QFormat(fmt.width, 0, fmt.signed), LEAVES, slack=1)

    def _added(self, row: int) -> int:
        """Return the effect on a row of errors that are not rounding: none."""
        return 0

    def _steps(self, reader: Data) -> list[int]:
        """Return the fractional bits of each source's words after alignment."""
        fracs = [self._formats[name].frac_bits for name in reader["sources"]]
        return [f + align for f, align in zip(fracs, reader["aligns"], strict=True)]

    def _scale(self, reader: Data) -> int:
        """Return the fractional bits of the common unit of the rows."""
        return min(self._steps(reader))

    def _rows(self, reader: Data) -> list[ReadoutRow]:
        """Return rows over words as rows over the states of the sections."""
        factors = [1 << (step - self._scale(reader)) for step in self._steps(reader)]
        n_outer = len(self._sections) - sum(s.e2 is None for s in self._sections)
        out = []
        for row in reader["rows"]:
            outer = [x * factors[0] for x in row[:n_outer]]
            inner = [x * factors[-1] for x in row[n_outer:]]
            pairs = iter(outer)
            of_o, of_i = [], []
            for section, x in zip(self._sections, inner, strict=True):
                real = section.e2 is None
                of_o.append(x if real else next(pairs))
                of_i.append(0 if real else x)
            out.append(ReadoutRow(of_o=tuple(of_o), of_i=tuple(of_i)))
        return out


def chain_of(
    op: Data, formats: Mapping[str, QFormat]
) -> tuple[tuple[LosslessSection, ...], RoundingSteps]:
    """Return the sections of a chain of lossless adaptors, and the units of its words.

    Raises
    ------
    UnprovenError
        If words are too fine to analyze.
    """
    chain, inner = fmt_of(op["chain_fmt"]), formats[op["z_inner"]]
    outer = formats[op["z_outer"]] if op["z_outer"] else None
    if max(f.frac_bits for f in (chain, inner, outer) if f) > PLACES:
        raise UnprovenError("its words have too many fractional bits to analyze")
    sections = sections_of([[(e["coef"], e["shift"]) for e in s] for s in op["sections"]])
    unit = RoundingSteps(
        chain=lsb(chain.frac_bits),
        outer=lsb(outer.frac_bits) if outer else 0,
        inner=lsb(inner.frac_bits),
    )
    return sections, unit


def states_of(op: Data) -> tuple[str, ...]:
    """Return the state vectors of a chain, in the order of the program."""
    return tuple(name for name in (op["z_outer"], op["z_inner"]) if name)


def reads_only(reader: Data, op: Data, channels: int) -> bool:
    """Return whether an operation reads the states of one chain alone, channel by channel."""
    return (
        reader["kind"] == "linear"
        and tuple(reader["sources"]) == states_of(op)
        and reader["function"] is None
        and reader["n_channels"] == channels
    )


def not_lossless(op: Data) -> str:
    """Return a message about the first adaptor that is not lossless; empty if all are."""
    for k, section in enumerate(op["sections"]):
        for e in section:
            coef, shift = e["coef"], e["shift"]
            if shift < 0 or not 0 < coef < 2 << shift:
                return (
                    f"section {k} has an adaptor of e = {coef} * 2**-{shift}, not between 0 and 2"
                )
    return ""
