"""Derivation of a certificate from a program alone.

Ranges of signals, rounding errors, widths of intermediates and the decay in zero-input runs follow
from the integers of ``program.json``, independently of the code that chose the formats.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import LMUHWError, ModelFileError
from ..program.fixedpoint import QFormat
from . import interval, matrix
from .adaptor_chain import (
    LEAVES,
    NO_BOUND,
    ChainProof,
    UnprovenError,
    not_lossless,
    reads_only,
    states_of,
)
from .claims import (
    MAX_ACCUMULATOR_BITS,
    AccumulatorClaim,
    Basis,
    Claim,
    DecayClaim,
    ProgramClaims,
    SignalClaim,
    of_count,
    of_peak,
    of_range,
    thousandths,
)
from .feedback import reads, recurrent, writes
from .interval import Data, Range, fmt_of
from .ladder_claims import LadderProof, ladder_states, reads_ladder
from .lossless_ladder import ladder_not_lossless
from .scaled import lsb
from .shape import check_shape
from .spiking_claims import (
    SpikingProof,
    neuron_claims,
    silent_neurons,
    spiking_bits,
    spiking_claims,
)

DAMAGED = (KeyError, TypeError, ValueError, IndexError, ArithmeticError, LMUHWError)
"""Exceptions that a damaged program can cause."""
LOSSLESS = "every adaptor has 0 < e < 2, so truncation can only lose energy"
LOSSLESS_LADDER = (
    "every section has 0 < e < 1, and -1 < rho < 1, so truncation can only lose energy"
)
SHRINKS = "the matrix shrinks every state in the weights 1/(2i + 1), and truncation shrinks it more"
MAY_GROW = "none: the matrix may grow a norm, or is too large to tell"


def derive(program: Data) -> ProgramClaims:
    """Return the claims that hold for a program.

    Parameters
    ----------
    program : mapping
        The data of ``program.json``.

    Raises
    ------
    ModelFileError
        If it is not a program; the text names the damage.
    """
    try:
        check_shape(program)
        derivation = _Derivation(program)
    except DAMAGED as error:
        raise ModelFileError(f"program.json is damaged: {_named(error)}") from error
    for number, op in enumerate(program["ops"]):
        try:
            derivation.add(number, op)
        except DAMAGED as error:
            what = _first_written(op)
            raise ModelFileError(
                f"{what}: nothing can be claimed, program.json is damaged: {_named(error)}"
            ) from error
    return derivation.claims_found()


class _Derivation:
    """Collects the claims of a program, operation by operation."""

    def __init__(self, program: Data) -> None:
        self.program = program
        self.formats: dict[str, QFormat] = {}
        self.lengths: dict[str, int] = {}
        self.ranges: dict[str, Range] = {}
        self.claims: dict[str, Claim] = {}
        self.shown: dict[str, tuple[str, str]] = {}
        self.accumulators: list[AccumulatorClaim] = []
        self.decay: dict[str, DecayClaim] = {}
        self.memories: dict[tuple[str, ...], ChainProof | LadderProof] = {}

        self.recurrent = recurrent(program)
        for v in program["vectors"]:
            fmt = self.formats[v["name"]] = fmt_of(v["fmt"])
            self.lengths[v["name"]] = v["length"]
            self.ranges[v["name"]] = (fmt.min, fmt.max)
            self.shown[v["name"]] = (str(fmt), v["role"])
            if v["role"] == "input":
                self.claims[v["name"]] = Claim(basis=Basis.INPUT, low=fmt.min, high=fmt.max)
        if program["clock"]:
            self.count(program["clock"], program["output_every"] - 1)

    def add(self, number: int, op: Data) -> None:
        """Add the claims of an operation."""
        kind = op["kind"]
        if kind == "cascade":
            bits = interval.cascade_bits(op, self.formats)
            self.cascade(op)
        elif kind == "spiking":
            bits = spiking_bits(op, self.formats)
            self.cascade(op["cascade"], op)
        elif kind == "ladder":
            self.ladder(op)
            bits = interval.ladder_bits(op, self.formats)
        elif kind == "dense":
            bits = interval.dense_bits(op, self.formats)
            self.dense(op)
        elif kind == "argmax":
            last = self.lengths[op["source"]] - 1
            bits = interval.signed_bits(last)
            self.write(op["target"], of_range(0, last, self.formats[op["target"]]))
        else:
            written = self.written(op)
            bits = written.bits
            claim = of_range(written.low, written.high, self.formats[op["target"]])
            read = reads(op) if kind in ("linear", "scale") else ()
            if proof := self.memories.get(tuple(read)):
                claim = proof.readout(op) or claim
            self.write(op["target"], claim)
        self.accumulators.append(
            AccumulatorClaim(
                operation=number,
                kind=kind,
                writes=_first_written(op),
                bits=bits,
                exact=bits <= MAX_ACCUMULATOR_BITS,
            )
        )

    def written(self, op: Data) -> interval.Written:
        """Return the result of rows, gates or a readout by the ranges of its operands."""
        if op["kind"] == "linear":
            return interval.linear(op, self.ranges, self.lengths)
        if op["kind"] == "scale":
            return interval.scale(op, self.ranges)
        return interval.pointwise(op, self.ranges, self.formats)

    def write(self, name: str, claim: Claim) -> None:
        """Record a claim about a vector, and the range that later operations read."""
        before = self.claims.get(name)
        self.claims[name] = claim if before is None else before.merged(claim)
        fmt = self.formats[name]
        self.ranges[name] = (
            min(max(claim.low, fmt.min), fmt.max),
            max(min(claim.high, fmt.max), fmt.min),
        )

    def count(self, name: str, last: int) -> None:
        """Add a counter from 0 to ``last``."""
        self.write(name, of_count(last, self.formats[name]))

    def cascade(self, op: Data, neurons: Data | None = None) -> None:
        """Add the claims of a memory in cascade form, and of neurons that send its states."""
        self.count(op["silence"], op["window"])
        chain_name, chain = f"chain of {op['z_inner']}", fmt_of(op["chain_fmt"])
        self.formats[chain_name], self.lengths[chain_name] = chain, self.lengths[op["source"]]
        self.shown[chain_name] = (str(chain), "chain")
        names = {"chain": chain_name, "outer": op["z_outer"], "inner": op["z_inner"]}
        if op["z_inner"] in self.recurrent:
            self.recurrent.add(chain_name)
        bad, held, spikes = not_lossless(op), states_of(op), None
        if neurons and neurons["membrane"]:
            held = (*held, neurons["membrane"])
        reason = LOSSLESS + (silent_neurons(neurons) if neurons else "")
        self.decay[" ".join(held)] = DecayClaim(proven=not bad, reason=bad or reason)
        channels, words = self.lengths[op["source"]], self.ranges[op["source"]]
        readers = [r for r in self.program["ops"] if reads_only(r, op, channels)]
        proof: ChainProof | None
        try:
            if neurons:
                claims, proof = spiking_claims(neurons, self.formats, words, readers, names)
            else:
                proof = ChainProof(op, self.formats, words, readers)
                claims = proof.claims(names)
        except UnprovenError as error:
            self.unproven([name for name in names.values() if name], str(error))
        else:
            if proof:
                self.memories[states_of(op)] = proof
            for name, claim in claims.items():
                self.write(name, claim)
            if isinstance(proof, SpikingProof):
                spikes = proof.spikes()
        if neurons:
            for name, claim in neuron_claims(neurons, self.formats, spikes).items():
                self.write(name, claim)

    def ladder(self, op: Data) -> None:
        """Add the claims of a memory in ladder form."""
        if op["substeps"] not in (1, 2, 4, 8) or (op["substeps"] > 1) != bool(op["previous"]):
            raise ValueError(f"substeps and previous must fit, not be {op['substeps']}")
        self.count(op["silence"], op["window"])
        source, state = op["source"], op["state"]
        if op["previous"]:
            self.write(op["previous"], of_range(*self.ranges[source], self.formats[op["previous"]]))
        waves = f"waves of {state}"
        self.formats[waves], self.lengths[waves] = self.formats[state], self.lengths[source]
        self.shown[waves] = (str(self.formats[state]), "waves")
        if state in self.recurrent:
            self.recurrent.add(waves)
        bad = ladder_not_lossless(op)
        decay = DecayClaim(proven=not bad, reason=bad or LOSSLESS_LADDER)
        self.decay[" ".join(ladder_states(op))] = decay
        channels = self.lengths[source]
        readers = [r for r in self.program["ops"] if reads_ladder(r, op, channels)]
        try:
            proof = LadderProof(op, self.formats, self.ranges[source], readers)
        except UnprovenError as error:
            self.unproven([state, waves], str(error))
            return
        self.memories[state,] = proof
        for name, claim in proof.claims({"state": state, "waves": waves}).items():
            self.write(name, claim)

    def unproven(self, names: Iterable[str], reason: str) -> None:
        """Record that no bound of a memory's signals was found."""
        for name in names:
            low, high = self.formats[name].min, self.formats[name].max
            claim = Claim(basis=Basis.SATURATION, low=low, high=high, reason=reason)
            self.write(name, claim)

    def dense(self, op: Data) -> None:
        """Add the claims of a memory in dense form."""
        self.count(op["silence"], op["window"])
        fmt, source = self.formats[op["state"]], self.formats[op["source"]]
        shrinks = matrix.contracts(op["rows"], op["shifts"])
        self.decay[op["state"]] = DecayClaim(
            proven=shrinks, reason=SHRINKS if shrinks else MAY_GROW
        )
        gains = matrix.matrix_gains(op["rows"], op["shifts"])
        if gains is None:
            self.unproven([op["state"]], NO_BOUND)
            return
        # upper bound of the input word after the update's rounding
        unit = lsb(min(source.frac_bits, fmt.frac_bits))
        peak = max(map(abs, self.ranges[op["source"]])) * lsb(source.frac_bits) + unit
        bounds = matrix.bound(gains, peak, lsb(fmt.frac_bits))
        worst = max(a + b for a, b in bounds)
        self.write(op["state"], of_peak(worst, max(b for _, b in bounds), fmt, LEAVES))

    def claims_found(self) -> ProgramClaims:
        """Return everything that was found."""
        signals: dict[str, SignalClaim] = {}
        for name, (text, role) in self.shown.items():
            if name not in self.claims:
                raise ModelFileError(f"program.json is damaged: nothing writes {name}")
            claim = self.claims[name]
            signals[name] = SignalClaim(
                format=text,
                length=self.lengths[name],
                role=role,
                recurrent=name in self.recurrent,
                basis=claim.basis,
                low=claim.low,
                high=claim.high,
                rounding=None if claim.rounding is None else thousandths(claim.rounding),
                reason=claim.reason,
            )
        loose = tuple(n for n, s in signals.items() if s.recurrent and s.basis is Basis.SATURATION)
        exact = all(a.exact for a in self.accumulators)
        return ProgramClaims(
            proven=exact and not loose,
            unproven=loose,
            signals=signals,
            accumulators=tuple(self.accumulators),
            decay=self.decay,
        )


def _first_written(op: Data) -> str:
    """Return the name of the last vector that an operation writes."""
    names = writes(op)
    return names[-1] if names else "an operation"


def _named(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
