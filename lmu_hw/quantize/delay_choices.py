"""Compare discretizers and substeps by delay error and multiplies, and pick the cheapest."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from .._support.tables import columns, html_table
from ..errors import SpecError, UnstableError
from ..memory.delay_error import delay_error, percent
from ..memory.spec import (
    SUBSTEPS,
    Discretizer,
    LMUSpec,
    OutputKind,
    RealizationKind,
    check_accuracy,
    check_bandwidth,
)
from ..program.codec import Report
from .quantize_memory import likely_realization, quantize_memory
from .realization_choice import multiplies

NOTE = (
    "delay error: NRMSE of decoded delays in float64, flat spectrum; lead: samples by which a",
    "decoded delay is shorter than its part of the window: for D samples read (D + lead) / theta",
)
HEAD = ("discretizer", "substeps", "delay error", "lead", "multiplies", "realization")


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayChoice:
    """A discretizer with its substeps.

    Attributes
    ----------
    discretizer : Discretizer
    substeps : int
        Steps in a sample.
    realization : RealizationKind
        With the fewest multiplies, unless one was asked for.
    error : float
        NRMSE of decoded delays of band-limited input, in float64.
    lead : float
        Samples by which decoded delays are shorter than their part of the window.
    multiplies : int
        Multiplies of a step, readout and all channels included.
    """

    discretizer: Discretizer
    substeps: int
    realization: RealizationKind
    error: float
    lead: float
    multiplies: int

    def __str__(self) -> str:
        steps = f", {self.substeps} substeps" if self.substeps > 1 else ""
        return f"{self.discretizer.value}{steps}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayReport(Report):
    """The choices for a memory.

    Attributes
    ----------
    order : int
    theta : float
        Window length [samples].
    bandwidth : float
        Highest frequency of the input [cycles/sample].
    output : OutputKind
        Output that the multiplies are for.
    taps : tuple of float
        Delays that the error is the mean of, as fractions of theta; empty: the whole window.
    asked_for : tuple of str
        Options that were given, so that they are the same in all choices.
    choices : tuple of DelayChoice
        Stable ones, at least one.
    """

    order: int
    theta: float
    bandwidth: float
    output: OutputKind
    taps: tuple[float, ...]
    asked_for: tuple[str, ...]
    choices: tuple[DelayChoice, ...]

    @property
    def periods(self) -> float:
        """Periods of the highest frequency in the window, ``bandwidth * theta``."""
        return self.bandwidth * self.theta

    def within(self, accuracy: float | str) -> DelayChoice:
        """Return the choice with the fewest multiplies that has an accuracy.

        Of equal multiplies the more accurate one. Parameters and errors are those of `all_within`.
        """
        return self.all_within(accuracy)[0]

    def all_within(self, accuracy: float | str) -> tuple[DelayChoice, ...]:
        """Return the choices that have an accuracy, that of `within` first.

        Parameters
        ----------
        accuracy : float or str
            Largest NRMSE, > 0 and < 1, or a text such as ``"0.5%"``.

        Raises
        ------
        SpecError
            If none has it; the message says which comes closest and what to change.
        """
        largest = check_accuracy(accuracy)
        near = [choice for choice in self.choices if choice.error <= largest]
        if near:
            return tuple(sorted(near, key=lambda choice: (choice.multiplies, choice.error)))
        best = min(self.choices, key=lambda choice: choice.error)
        remedies = ["a lower bandwidth", "a larger d", "a shorter theta"]
        remedies += ["no " + " or ".join(self.asked_for)] if self.asked_for else []
        raise SpecError(
            f"accuracy must be at least {percent(best.error, up=True)}, that of {best}, for "
            f"{self._input()}, not {percent(largest)}: allow that, or give "
            f"{', '.join(remedies[:-1])} or {remedies[-1]}"
        )

    def reason(self, accuracy: float | str, taken: DelayChoice | None = None) -> str:
        """Return in one line what was taken, by default the choice of `within`, and why.

        Raises
        ------
        SpecError
            As `within`.
        """
        within = self.all_within(accuracy)
        chosen = taken or within[0]
        cheaper = ", ".join(str(choice) for choice in within[: within.index(chosen)])
        largest = percent(check_accuracy(accuracy))
        best = min(self.choices, key=lambda choice: (choice.error, choice.multiplies))
        text = f"{chosen}: fewest multiplies ({chosen.multiplies:,}) within {largest}"
        if cheaper:
            text += f"; cheaper, but over the error budget: {cheaper}"
        if best is not chosen:
            text += f"; most accurate is {best}, {percent(best.error)} ({best.multiplies:,})"
        return text

    def __str__(self) -> str:
        table = (f"  {line}" for line in columns(self._rows()))
        return "\n".join([self._title(), *table, *NOTE])

    def _repr_html_(self) -> str:
        return html_table(self._rows(), caption=self._title())

    def _title(self) -> str:
        return f"d = {self.order}, output {self.output.value}, {self._input()}"

    def _input(self) -> str:
        return (
            f"input to {self.bandwidth:.6g} cycles/sample ({self.periods:.3g} periods in the "
            f"window of {self.theta:.6g} samples)"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            HEAD,
            *(
                (
                    choice.discretizer.value,
                    str(choice.substeps),
                    percent(choice.error),
                    f"{choice.lead:g}",
                    f"{choice.multiplies:,}",
                    choice.realization.value,
                )
                for choice in self.choices
            ),
        ]


def compare_delays(spec: LMUSpec, bandwidth: float, fixed: Collection[str] = ()) -> DelayReport:
    """Return the delay errors and the multiplies of all discretizers and substeps.

    Parameters
    ----------
    spec : LMUSpec
        Everything but discretizer and substeps; a realization in it rules out what it cannot do.
    bandwidth : float
        Highest frequency of the input [cycles/sample], > 0 and <= 0.5.
    fixed : collection of str
        ``discretizer``, ``substeps``: keep that of ``spec``.

    Raises
    ------
    SpecError
        If the bandwidth is out of range.
    UnstableError
        If the only possible discretizer is not stable.
    """
    check_bandwidth(bandwidth)
    choices: list[DelayChoice] = []
    unstable: UnstableError | None = None
    for candidate in _candidates(spec, fixed):
        try:
            choices.append(_choice(candidate, bandwidth))
        except UnstableError as error:
            unstable = error
    if not choices:
        assert unstable is not None, "a valid spec is a candidate itself"
        raise unstable
    return DelayReport(
        order=spec.order,
        theta=spec.theta,
        bandwidth=float(bandwidth),
        output=spec.output,
        taps=spec.taps,
        asked_for=_asked_for(spec, fixed),
        choices=tuple(choices),
    )


def choose_delays(
    spec: LMUSpec, given: Collection[str] = ()
) -> tuple[LMUSpec, tuple[DelayReport, DelayChoice] | None]:
    """Return a specification with the cheapest discretizer and substeps for its accuracy.

    A choice is passed over if its words cannot keep the error budget.

    Parameters
    ----------
    spec : LMUSpec
        Returned as it is if it has no accuracy, or if it is that of neurons.
    given : collection of str
        Names of the options from the user: discretizer and substeps among them are kept.

    Returns
    -------
    spec : LMUSpec
    (report, choice) : DelayReport, DelayChoice
        All choices, and the one that was taken; None without an accuracy.

    Raises
    ------
    SpecError
        If no choice has the accuracy, or none of them keeps the error budget; the message says
        which comes closest and what to change.
    UnstableError
        If the discretizer that was given is not stable.
    """
    if spec.accuracy is None or spec.bandwidth is None or spec.neuron_model is not None:
        return spec, None
    report = compare_delays(spec, spec.bandwidth, given)
    refused: SpecError | None = None
    for choice in report.all_within(spec.accuracy):
        chosen = replace(spec, discretizer=choice.discretizer, substeps=choice.substeps)
        try:
            quantized = quantize_memory(chosen)
        except SpecError as error:
            refused = refused or error
            continue
        # another realization takes more multiplies than the report says
        if quantized.realization is choice.realization:
            return chosen, (report, choice)
        refused = refused or SpecError(
            f"{choice} cannot keep the error budget of {spec.bits} bits with "
            f"{choice.multiplies:,} multiplies: use fewer --bits, or give --discretizer"
        )
    assert refused is not None, "at least one choice"
    raise refused


def _asked_for(spec: LMUSpec, fixed: Collection[str]) -> tuple[str, ...]:
    own = [] if spec.realization is RealizationKind.AUTO else ["realization"]
    return (*(name for name in ("discretizer", "substeps") if name in fixed), *own)


def _candidates(spec: LMUSpec, fixed: Collection[str]) -> Iterator[LMUSpec]:
    """Yield the specifications with all discretizers and substeps that go together."""
    every = [(method, 1) for method in Discretizer]
    every += [(Discretizer.BILINEAR, substeps) for substeps in SUBSTEPS[1:]]
    for method, substeps in every:
        if "discretizer" in fixed and method is not spec.discretizer:
            continue
        if "substeps" in fixed and substeps != spec.substeps:
            continue
        with contextlib.suppress(SpecError):
            yield replace(spec, discretizer=method, substeps=substeps)


def _choice(spec: LMUSpec, bandwidth: float) -> DelayChoice:
    # first, because it refuses an unstable memory
    error = delay_error(spec, bandwidth, spec.taps)
    realization = likely_realization(spec)
    return DelayChoice(
        discretizer=spec.discretizer,
        substeps=spec.substeps,
        realization=realization,
        error=error,
        lead=spec.lead,
        multiplies=spec.channels * multiplies(spec, realization),
    )
