"""Worst cases of a memory on spiking neurons.

Integrate-and-fire neurons keep what they have not sent, at most half a quantum, so a memory on them
is the plain chain with bounded errors: see `residues`. This holds while no state exceeds its full
scale, where all its neurons fire.

What Poisson neurons send, and what a zero-input run does, has no bound but the format of the state.
Since the sections preserve energy, this bounds the words of the chain; the states are sums of
random numbers, and saturate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ..program.fixedpoint import QFormat
from .adaptor_chain import ChainProof, UnprovenError, chain_of, not_lossless
from .claims import Basis, Claim, of_peak
from .interval import Data, Range, cascade_bits, input_words, signed_bits
from .lossless import noise_of
from .memory_bounds import RowReader
from .residues import Residues, ResidueSums, quantum_of
from .rounding import FEW_VALUES, MAX_VALUES, ErrorSums, error_sums
from .scaled import ONE, root, up
from .truncation import Quiet

TOO_LONG = "its impulse response is too long to follow every residue"
RANDOM = (
    "its spikes are random: up to full scale right on average, within 2**-17 of it, but without a "
    "bound"
)
TOO_LOUD = "the energy of saturated states exceeds its format"
DRAW_BITS = 16
"""Width of a random number that is compared with a threshold."""


class SpikingProof(ChainProof):
    """The gains of a chain whose states travel as spikes of integrate-and-fire neurons.

    Parameters
    ----------
    op : mapping
        The spiking operation.
    formats, words, readers
        See `ChainProof`.

    Raises
    ------
    UnprovenError
        If no bound was found.
    """

    def __init__(
        self, op: Data, formats: Mapping[str, QFormat], words: Range, readers: Sequence[Data]
    ) -> None:
        super().__init__(op["cascade"], formats, words, readers)
        self._quanta, self._population = op["quanta"], op["population"]
        self._places = places_of(op)
        gains = self._gains
        rows = [row for reader in readers for row in self._rows(reader)] if self._n_rows else []
        quiet = self._quiet = Quiet(gains.response, min(self._op["window"], gains.n_steps))
        residues = Residues(
            gains.response,
            [
                quantum_of(section, kind, s, formats[name].frac_bits)
                for (name, section, kind), s in zip(self._places, self._quanta, strict=True)
            ],
            RowReader(gains.response, rows),
        )
        found = residues.sums(gains.total, gains.n_steps, quiet.cell, quiet.parts)
        if found is None:
            raise UnprovenError(TOO_LONG)
        self._residues: dict[str, list[ResidueSums]] = found

    def claims(self, names: Mapping[str, str]) -> dict[str, Claim]:
        """Return the claims of the signals of each format; see `ChainProof.claims`."""
        gains, quiet = self._gains, self._quiet
        claims = self._bounded(names, self._norm_sums())
        limit = MAX_VALUES if any(claim.reason for claim in claims.values()) else FEW_VALUES
        sums = error_sums(gains.response, self._unit, gains.total, gains.n_steps, limit, quiet.lags)
        return claims if sums is None else self._bounded(names, sums)

    def _norm_sums(self) -> dict[str, list[ErrorSums]]:
        """Return the effect of rounding errors of a unit in every word, by their norm."""
        none = (0,) * len(self._quiet.lags)
        return {
            name: [ErrorSums(nearest=x, more=none) for x in column]
            for name, column in self._norms().items()
        }

    def _bounded(
        self, names: Mapping[str, str], sums: Mapping[str, list[ErrorSums]]
    ) -> dict[str, Claim]:
        """Return the claims for these effects of rounding errors, and for all residues."""
        both = {
            name: [_together(a, b) for a, b in zip(column, self._residues[name], strict=True)]
            for name, column in sums.items()
        }
        parts = self._by_signal(both, self._quiet)
        self._peaks = [
            (sum(parts[kind][section]) << self._formats[name].frac_bits) // ONE
            for name, section, kind in self._places
        ]
        return self._claims(names, self._by_format(parts))

    @property
    def beyond(self) -> str:
        """What a state may exceed: its full scale, or its format; empty if none does."""
        reached = list(zip(self._places, self._quanta, self._peaks, strict=True))
        for (name, *_), s, peak in reached:
            full = 1 << (s + self._population)
            if peak > full:
                return f"a state can reach {peak} words of {name}, and its neurons send {full}"
        for (name, *_), s, peak in reached:
            sent, most = peak + (1 << s) - 1, self._formats[name].max
            if sent > most:
                return f"spikes can send {sent} words of {name}, which holds {most}"
        return ""

    def spikes(self) -> int:
        """Return the largest number of spikes of a channel in a step."""
        return sum(
            min(1 << self._population, -(-peak >> s))
            for peak, s in zip(self._peaks, self._quanta, strict=True)
        )

    def _added(self, row: int) -> int:
        """Return the effect of the residues on a row over the states."""
        sums = self._residues["rows"][row]
        return sums.kept + sums.discarded[0]


def spiking_claims(
    op: Data,
    formats: Mapping[str, QFormat],
    words: Range,
    readers: Sequence[Data],
    names: Mapping[str, str],
) -> tuple[dict[str, Claim], SpikingProof | None]:
    """Return the claims of the signals of each format, and a proof for what reads the states.

    Parameters
    ----------
    op, formats, words, readers
        See `SpikingProof`.
    names : mapping of str to str
        Signal names of ``chain``, ``outer`` and ``inner``.

    Raises
    ------
    UnprovenError
        If an adaptor is not lossless, or words are too fine to analyze.
    """
    reason = RANDOM
    if op["membrane"]:
        try:
            proof = SpikingProof(op, formats, words, readers)
            claims = proof.claims(names)
        except UnprovenError as error:
            reason = str(error)
        else:
            leaves = [name for name, claim in claims.items() if claim.reason]
            reason = proof.beyond or (f"{leaves[0]} may leave its format" if leaves else "")
            if not reason:
                return claims, proof
    return energy_claims(op, formats, words, names, reason), None


def energy_claims(
    op: Data,
    formats: Mapping[str, QFormat],
    words: Range,
    names: Mapping[str, str],
    reason: str,
) -> dict[str, Claim]:
    """Return the claims that hold for any spikes: of the chain, but none of the states.

    ``reason`` is why there is none; for the others see `spiking_claims`.
    """
    cascade = op["cascade"]
    if bad := not_lossless(cascade):
        raise UnprovenError(bad)
    fmt = formats[names["chain"]]
    sections, unit = chain_of(cascade, formats)
    ends, _ = input_words(formats[cascade["source"]], *words, fmt)
    energy = Fraction(max(map(abs, ends))) ** 2 / Fraction(4) ** fmt.frac_bits
    for name, k, kind in places_of(op):
        weight = sections[k].weight_o if kind == "o" else sections[k].weight_i
        assert weight is not None
        # any word of the format: a zero-input run sends the state itself
        energy += weight * formats[name].min ** 2 / Fraction(4) ** formats[name].frac_bits
    rounding = max(noise_of(sections, unit).w)
    claims = {}
    for name in filter(None, names.values()):
        low, high = formats[name].min, formats[name].max
        claims[name] = Claim(basis=Basis.SATURATION, low=low, high=high, reason=reason)
    peak = root(up(energy)) + rounding
    claims[names["chain"]] = of_peak(peak, rounding, fmt, TOO_LOUD, basis=Basis.ENERGY)
    return claims


def neuron_claims(op: Data, formats: Mapping[str, QFormat], spikes: int | None) -> dict[str, Claim]:
    """Return the claims of the membranes or generators, and of the spikes of a channel.

    ``spikes`` is the largest number of them; None if it is only known that no neuron fires twice.
    """
    claims = {}
    if op["membrane"]:
        half = max(1 << s >> 1 for s in op["quanta"])
        claims[op["membrane"]] = _exactly(-half, max(0, half - 1), formats[op["membrane"]])
    else:
        claims[op["generators"]] = _exactly(0, (1 << 32) - 1, formats[op["generators"]])
    most = len(op["quanta"]) << op["population"] if spikes is None else spikes
    claims[op["spikes"]] = _exactly(0, most, formats[op["spikes"]])
    return claims


def silent_neurons(op: Data) -> str:
    """Return what a zero-input run does to neurons, as the end of a sentence."""
    neurons = "membranes are set to zero" if op["membrane"] else "generators keep their words"
    return f"; no state is sent as spikes, and {neurons}"


def places_of(op: Data) -> list[tuple[str, int, str]]:
    """Return vector, section, and ``o`` or ``i`` of each state, in the order of the quanta."""
    cascade, found = op["cascade"], []
    for k, section in enumerate(cascade["sections"]):
        if len(section) == 2:
            found.append((cascade["z_outer"], k, "o"))
        found.append((cascade["z_inner"], k, "i" if len(section) == 2 else "o"))
    if len(op["quanta"]) != len(found) or min(op["quanta"]) < 0:
        raise ValueError(f"quanta must be {len(found)} integers from 0")
    if not 0 <= op["population"] <= DRAW_BITS:
        raise ValueError(f"population must be from 0 to {DRAW_BITS}, not {op['population']}")
    return found


def spiking_bits(op: Data, formats: Mapping[str, QFormat]) -> int:
    """Return the width of the widest intermediate of a spiking update, for any words."""
    seen = [len(op["quanta"]) << op["population"]]
    membrane = -formats[op["membrane"]].min if op["membrane"] else 0
    for (name, *_), s in zip(places_of(op), op["quanta"], strict=True):
        word, full = -formats[name].min, s + op["population"]
        clipped = min(word, 1 << full)
        # a state, what it sends, and what the sections make of it
        seen.append(3 * max(word, 1 << full) + membrane)
        seen.append(membrane + clipped + (1 << s))
        if not op["membrane"]:
            seen.append((clipped << max(0, DRAW_BITS - full)) + (1 << max(0, full - DRAW_BITS)))
    return max(cascade_bits(op["cascade"], formats), signed_bits(*seen))


def _together(rounding: ErrorSums, residues: ResidueSums) -> ErrorSums:
    """Return the response to roundings and residues; zero-input runs add to both."""
    return ErrorSums(
        nearest=rounding.nearest + residues.kept,
        more=tuple(a + b for a, b in zip(rounding.more, residues.discarded, strict=True)),
    )


def _exactly(low: int, high: int, fmt: QFormat) -> Claim:
    """Return the claim of words of this range, which do not saturate."""
    fits = fmt.min <= low and high <= fmt.max
    basis = Basis.INTERVAL if fits else Basis.SATURATION
    reason = "" if fits else f"its words are from {low} to {high}"
    return Claim(basis=basis, low=low, high=high, reason=reason)
