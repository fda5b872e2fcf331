"""Worst cases of the waves of a memory in ladder form, and of the rows that read its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ..program.fixedpoint import QFormat
from .adaptor_chain import LEAVES, NO_BOUND, UnprovenError
from .claims import Claim, of_peak
from .interval import Data, Range
from .ladder_errors import LadderErrors
from .ladder_gains import ladder_gains
from .lossless_ladder import ladder_not_lossless, ladder_of
from .scaled import ONE, PLACES, lsb, product, up

FIRST = 4
"""Signals whose rounding errors are followed at first; then twice as many, and so on."""


class LadderProof:
    """The gains of a ladder, and of the rows that read only its state.

    Parameters
    ----------
    op : mapping
        The ladder operation.
    formats : mapping of str to QFormat
        Formats of all vectors.
    words : (int, int)
        Range of its input words.
    readers : sequence of mapping
        The linear and scale operations that read only its state, see `reads_only`.

    Notes
    -----
    With K substeps the source's wave x is a mean of two inputs, so it stays within twice the range
    of the input. The bounds are those of a recursion by substeps with any such x.

    Raises
    ------
    UnprovenError
        If no bound was found.
    """

    def __init__(
        self, op: Data, formats: Mapping[str, QFormat], words: Range, readers: Sequence[Data]
    ) -> None:
        self._formats, self._readers = formats, readers
        self._wave = formats[op["state"]]
        if bad := ladder_not_lossless(op):
            raise UnprovenError(bad)
        source = formats[op["source"]]
        if max(self._wave.frac_bits, source.frac_bits) > PLACES:
            raise UnprovenError("its words have too many fractional bits to analyze")
        self._lsb, unit = lsb(self._wave.frac_bits), lsb(source.frac_bits)
        low, high = words
        # x = 2 u, rounded to nearest
        drop = source.frac_bits + op["substeps"].bit_length() - 1 - self._wave.frac_bits
        rounding = self._lsb // 2 + 1 if drop > 0 else 0
        self._half, self._middle = (high - low) * unit + rounding, abs(high + low) * unit
        self._order = len(op["sections"])
        rows = [row for reader in readers if reader["kind"] == "linear" for row in reader["rows"]]
        try:
            gains = ladder_gains(ladder_of(op), op["window"] * op["substeps"], rows)
        except ValueError as error:
            raise UnprovenError(f"its matrix {error}") from None
        if gains is None:
            raise UnprovenError(NO_BOUND)
        self._driven = [g.driven(self._half, self._middle) for g in gains.of]
        self._errors = LadderErrors(gains)
        self._noise = self._errors.by_norm()
        self._followed: set[int] = set()

    def claims(self, names: Mapping[str, str]) -> dict[str, Claim]:
        """Return the claims of the state and of all waves between sections.

        Parameters
        ----------
        names : mapping of str to str
            Signal names of ``state`` and ``waves``.
        """
        states, waves = range(self._order), range(self._order, 3 * self._order + 1)
        # x is among the waves: settled under a constant input, section 0 sends x to the left
        kinds = {"state": states, "waves": waves}
        worst = {kind: self._worst(dict.fromkeys(at, ONE)) for kind, at in kinds.items()}
        return {name: of_peak(*worst[kind], self._wave, LEAVES) for kind, name in names.items()}

    def readout(self, op: Data) -> Claim | None:
        """Return the claim of a reader's target, or None if there is none."""
        if op not in self._readers:
            return None
        fmt = self._formats[op["target"]]
        # from the real value of the state's unit to words of the target
        if op["kind"] == "scale":
            pairs = zip(op["coefs"], op["shifts"], strict=True)
            factors = dict(enumerate(self._words(abs(coef), shift) for coef, shift in pairs))
            offsets = dict.fromkeys(factors, 0)
        else:
            before = self._readers[: self._readers.index(op)]
            first = 3 * self._order + 1
            first += sum(len(r["rows"]) for r in before if r["kind"] == "linear")
            scales = zip(op["multipliers"], op["shifts"], strict=True)
            rows = [
                self._words(abs(multiplier), shift - op["aligns"][0])
                for multiplier, shift in scales
            ]
            factors = {first + k: factor for k, factor in enumerate(rows)}
            offsets = {
                first + k: up(Fraction(abs(bias * multiplier), 1 << shift))
                for k, (bias, multiplier, shift) in enumerate(
                    zip(op["biases"], op["multipliers"], op["shifts"], strict=True)
                )
            }
        peak, noise = self._worst(factors, offsets)
        # an output one word beyond its format saturates with an error of one word
        half = ONE // 2
        return of_peak(
            peak + half, noise + half, QFormat(fmt.width, 0, fmt.signed), LEAVES, slack=1
        )

    def _words(self, factor: int, shift: int) -> int:
        """Return a factor from real states to words of a readout, as a `scaled` bound."""
        return up(factor * Fraction(2) ** (self._wave.frac_bits - shift))

    def _worst(
        self, factors: Mapping[int, int], offsets: Mapping[int, int] | None = None
    ) -> tuple[int, int]:
        """Return the largest of some signals times factors, and its part from rounding errors.

        The errors of those that may be the largest are followed, until the largest is among them.
        """
        offsets = offsets or {}

        def peak(k: int) -> tuple[int, int]:
            noise = product(product(self._noise[k], self._lsb), factors[k])
            return product(self._driven[k], factors[k]) + offsets.get(k, 0) + noise, noise

        together = FIRST
        while (first := sorted(factors, key=peak, reverse=True))[0] not in self._followed:
            chosen = [k for k in first if k not in self._followed][:together]
            found = self._errors.by_place(chosen)
            if found is None:
                break
            for k, error in zip(chosen, found, strict=True):
                self._noise[k] = min(self._noise[k], error)
            self._followed.update(chosen)
            together *= 2
        return peak(first[0])


def ladder_states(op: Data) -> tuple[str, ...]:
    """Return the state vectors of a ladder, in the order of the program."""
    return tuple(name for name in (op["state"], op["previous"]) if name)


def reads_ladder(reader: Data, op: Data, channels: int) -> bool:
    """Return whether an operation reads the state of one ladder alone, channel by channel."""
    if reader["kind"] == "scale":
        return bool(reader["source"] == op["state"] and reader["n_channels"] == channels)
    return (
        reader["kind"] == "linear"
        and reader["sources"] == [op["state"]]
        and reader["function"] is None
        and reader["n_channels"] == channels
    )
