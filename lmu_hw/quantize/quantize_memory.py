"""Quantize a memory: choose an integer program that meets the error budget of ``--bits``.

The error budget: with B-bit input and output words, the RMS error of every output word against the
float64 memory, fed the same words, is at most one output LSB. Three errors add as variances:

- coefficient rounding: the peak of the transfer error over frequency, valid for every |u| <= 1;
- roundoff in the recursion: as white noise or, if that is worse, as the constant errors at
  which the recursion settles under a constant input (three sigma; of a ladder 2.25);
- rounding of the output, 1/12 LSB^2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from ..errors import FormatError, SpecError, UnstableError
from ..memory.delay_error import delay_error, percent
from ..memory.spec import LMUSpec, RealizationKind
from ..program.fixedpoint import MAX_WORD_BITS
from .memory_design import QuantizedMemory
from .memory_search import ERROR_BUDGET, MemorySource
from .realization_choice import kinds, ladder_first, multiplies
from .spiking_memory import quantize_spiking

MAX_DENSE_ORDER = 16
"""Largest order for which the search tries a dense matrix by itself."""
LADDER = "fewest multiplies: its state is m itself, and zero input is proven to die"
ONLY_LADDER = "substeps need a ladder"
INACCURATE_LADDER = "a ladder, with fewer multiplies, cannot keep the error budget"
CASCADE = "fewest multiplies with the accuracy asked for and a proof that zero input dies"
CHEAPER_DENSE = "no more multiplies than the cascade, and its decay is proven too"
TOO_WIDE_CASCADE = f"the cascade would need intermediate words of more than {MAX_WORD_BITS} bits"
NO_BUDGET = "the widths given keep no error budget"
PROVEN_INSTEAD = "proven free of overflow, which the cheaper {} is not"


def quantize_memory(spec: LMUSpec) -> QuantizedMemory:
    """Quantize the memory that ``spec`` describes.

    Raises
    ------
    UnstableError
        If the discretized memory is not stable.
    SpecError
        If the error budget of ``bits`` cannot be met, or decoded delays do not have the accuracy
        that ``spec`` asks for; the message says what to change.
    """
    source = MemorySource(spec)
    kind = spec.realization
    if kind is not RealizationKind.SPIKING:
        _check_delays(spec)
    try:
        if kind is RealizationKind.SPIKING:
            return quantize_spiking(source)
        return _cheapest(source) if kind is RealizationKind.AUTO else source.within_budget(kind)
    except FormatError as error:
        fewer = "--bits or --coef-bits"
        if spec.state_bits is not None:
            fewer = f"--state-bits, {fewer}"
        raise SpecError(
            f"{spec.bits}-bit words of d = {spec.order} at theta = {spec.theta:g} need "
            f"intermediate words of more than {MAX_WORD_BITS} bits: use fewer {fewer}, or a "
            "shorter --theta" + _other_remedy(spec)
        ) from error


def _other_remedy(spec: LMUSpec) -> str:
    """Return what else helps a realization whose words are too wide."""
    if spec.substeps > 1:
        return ", or fewer --substeps"
    other = {
        RealizationKind.CASCADE: ", or --realization dense",
        RealizationKind.LADDER: ", or --realization cascade",
        RealizationKind.SPIKING: ", or fewer --neurons",
    }
    return other.get(spec.realization, "")


def _check_delays(spec: LMUSpec) -> None:
    """Raise `SpecError` if the delay error exceeds the accuracy that is asked for."""
    if spec.accuracy is None or spec.bandwidth is None:
        return
    error = delay_error(spec, spec.bandwidth, spec.taps)
    if error > spec.accuracy:
        raise SpecError(
            f"accuracy must be at least {percent(error, up=True)} for {spec.discretizer.value} "
            f"with substeps = {spec.substeps}, not {percent(spec.accuracy)}: allow that, or choose "
            "another discretizer or more substeps"
        )


def candidates(spec: LMUSpec) -> Iterator[QuantizedMemory]:
    """Yield all designs that meet ``spec``: first that of `quantize_memory`, then alternatives.

    Raises
    ------
    UnstableError, SpecError
        As `quantize_memory`, before the first design.
    """
    first = quantize_memory(spec)
    yield first
    if spec.realization is not RealizationKind.AUTO:
        return
    source = MemorySource(spec)
    reason = PROVEN_INSTEAD.format(first.realization.value)
    for kind in kinds(spec):
        if kind is not first.realization:
            with contextlib.suppress(SpecError, FormatError, UnstableError):
                yield replace(source.within_budget(kind), reason=reason)


def _cheapest(source: MemorySource) -> QuantizedMemory:
    """Return the design with the fewest multiplies that meets the error budget."""
    spec = source.spec
    if spec.substeps > 1:
        return replace(source.within_budget(RealizationKind.LADDER), reason=ONLY_LADDER)
    if (dense := _cheap_dense(source)) is not None:
        return replace(dense, reason=CHEAPER_DENSE)
    reason = CASCADE
    if ladder_first(spec):
        try:
            design = source.within_budget(RealizationKind.LADDER)
            if design.error <= ERROR_BUDGET:
                return replace(design, reason=LADDER)
            reason = INACCURATE_LADDER
        except (SpecError, FormatError):
            reason = INACCURATE_LADDER
    try:
        design = source.within_budget(RealizationKind.CASCADE)
        return replace(design, reason=reason if design.error <= ERROR_BUDGET else NO_BUDGET)
    except FormatError:
        with contextlib.suppress(SpecError, FormatError, UnstableError):
            dense = source.within_budget(RealizationKind.DENSE)
            return replace(dense, reason=TOO_WIDE_CASCADE)
        raise


def _cheap_dense(source: MemorySource) -> QuantizedMemory | None:
    """Return a dense design if it is as cheap as the others, accurate and proven to decay."""
    spec = source.spec
    cost = {kind: multiplies(spec, kind) for kind in kinds(spec)}
    dense = cost.get(RealizationKind.DENSE)
    # the exact matrix has norm 1, so that rounding a large one usually exceeds it: do not try
    if dense is None or dense > min(cost.values()) or spec.order > MAX_DENSE_ORDER:
        return None
    try:
        design = source.within_budget(RealizationKind.DENSE)
    except (SpecError, FormatError, UnstableError):
        return None
    return design if design.decay == "proven" and design.error <= ERROR_BUDGET else None


def likely_realization(spec: LMUSpec) -> RealizationKind:
    """Return the realization of `quantize_memory`, without the work of quantizing a large memory.

    It is another one only if this one cannot keep the error budget.

    Raises
    ------
    UnstableError
        If the discretized memory is not stable.
    """
    if spec.realization is not RealizationKind.AUTO:
        return spec.realization
    if spec.substeps == 1 and spec.order <= MAX_DENSE_ORDER and _cheap_dense(MemorySource(spec)):
        return RealizationKind.DENSE
    return RealizationKind.LADDER if ladder_first(spec) else RealizationKind.CASCADE
