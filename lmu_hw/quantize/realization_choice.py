"""The realizations that compute a memory, and the multiplies of each."""

from __future__ import annotations

from ..memory.spec import Discretizer, LMUSpec, OutputKind, RealizationKind


def kinds(spec: LMUSpec) -> tuple[RealizationKind, ...]:
    """Return the realizations that compute a memory."""
    if spec.substeps > 1:
        return (RealizationKind.LADDER,)
    if spec.discretizer is Discretizer.BILINEAR:
        return (RealizationKind.CASCADE, RealizationKind.LADDER, RealizationKind.DENSE)
    return (RealizationKind.CASCADE, RealizationKind.DENSE)


def multiplies(spec: LMUSpec, kind: RealizationKind) -> int:
    """Return the multiplies of a step in each channel, for the output that is asked for."""
    d, taps = spec.order, spec.order * len(spec.taps)
    if kind is RealizationKind.DENSE:
        return d * d + taps
    if kind is RealizationKind.LADDER:
        return spec.substeps * (d + 1) + (d // 2 if spec.output is OutputKind.MEMORY else taps)
    return d + (d * d if spec.output is OutputKind.MEMORY else taps)


def ladder_first(spec: LMUSpec) -> bool:
    """Return whether a ladder takes no more multiplies than a cascade."""
    cost = {kind: multiplies(spec, kind) for kind in kinds(spec)}
    ladder, cascade = (cost.get(k) for k in (RealizationKind.LADDER, RealizationKind.CASCADE))
    return ladder is not None and (cascade is None or ladder <= cascade)
