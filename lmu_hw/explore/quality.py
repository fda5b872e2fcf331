"""How good a design is: the judges of networks and of memories."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from .._support.array_types import Array
from ..api.design import Design
from ..api.sources import Memory
from ..errors import SpecError
from ..measure.dataset import Dataset
from ..measure.evaluate import Outputs, agreement_of, metrics, run_floats, run_integers
from ..memory.legendre import decoder
from ..memory.spec import LMUSpec, OutputKind
from ..program.integer_program import Role
from ..quantize.memory_design import QuantizedMemory
from .explored_point import Metric, PointQuality
from .explored_source import Settings, digest_of

NOISE_SEQUENCES = 16
"""Sequences of noise that a network without data is compared on."""
NOISE_STEPS = 128
TONES = 64
"""Sine waves of the signal that windows are decoded from."""
LEVEL = 0.2
"""RMS of that signal; full scale is 1."""
DELAYS = np.linspace(0.0, 1.0, 9)
"""Delays that are decoded, in fractions of theta."""
LEAST_STEPS, MOST_STEPS = 1024, 16384


class Judge(Protocol):
    """Gives the quality of designs; it travels to the workers."""

    @property
    def metric(self) -> Metric:
        """What the quality is."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON data that tells it from any other judge."""

    def quality(self, design: Design, settings: Settings) -> PointQuality:
        """Return the quality of the design of a point."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkJudge:
    """Compares a network's integers with labels, targets or the float network.

    Parameters
    ----------
    dataset : Dataset
    metric : Metric
        ACCURACY, NRMSE or AGREEMENT.
    """

    dataset: Dataset
    metric: Metric
    floats: dict[str, Outputs] = field(default_factory=dict, repr=False)

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """The metric and the digest of the data."""
        return {"metric": self.metric.value, "data": digest_of(self.dataset)}

    def quality(self, design: Design, settings: Settings) -> PointQuality:
        """Return the quality of the design of a point."""
        ratio = settings.get("dt_ratio", "1")
        if ratio not in self.floats:
            self.floats[ratio] = run_floats(design.network, self.dataset)
        floats = self.floats[ratio]
        integers = run_integers(design.network, self.dataset)
        if self.metric is Metric.AGREEMENT:
            found = agreement_of(floats, integers, classes=False).nrmse
            return PointQuality(metric=self.metric, score=found, float_score=0.0, loss=found)
        a, b = metrics(self.dataset, floats).score, metrics(self.dataset, integers).score
        assert a is not None, "the data have labels or targets"
        assert b is not None
        loss = a - b if self.metric is Metric.ACCURACY else b - a
        return PointQuality(metric=self.metric, score=b, float_score=a, loss=loss)


@dataclass(frozen=True, kw_only=True)
class ErrorJudge:
    """Takes the error that is predicted of a memory's output words."""

    metric = Metric.ERROR

    @property
    def identity(self) -> Mapping[str, Any]:
        """The metric."""
        return {"metric": self.metric.value}

    def quality(self, design: Design, settings: Settings) -> PointQuality:
        """Return the quality of the design of a point."""
        assert design.error is not None
        coarsest = min(v.fmt.frac_bits for v in design.program.with_role(Role.OUTPUT))
        found = design.error * 2.0**-coarsest
        return PointQuality(metric=self.metric, score=found, float_score=0.0, loss=found)


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowJudge:
    """Decodes delayed inputs from a memory's output words and compares them with the input.

    Parameters
    ----------
    bandwidth : float or None
        Highest frequency of a made signal [cycles/sample], > 0 and <= 0.5.
    recording : float array, shape (n_steps,), or None
        A signal within +-1 instead.

    Notes
    -----
    Both the words and the memory itself count: its order, window and discretizer. The lead of the
    discretizer is no error, as in `lmu_hw.Memory.delay_error`.
    """

    bandwidth: float | None = None
    recording: Array | None = None
    metric = Metric.WINDOW

    def __post_init__(self) -> None:
        if self.recording is None and self.bandwidth is None:
            raise SpecError("bandwidth must be given for the metric window, or data")
        if self.recording is not None:
            peak = np.max(np.abs(self.recording), initial=0.0)
            if not 0.0 < peak <= 1.0:
                raise SpecError(
                    f"data must have a largest magnitude above 0 and up to 1, full scale, not "
                    f"{peak:g}: scale it"
                )

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """The signal."""
        signal = self.bandwidth if self.recording is None else digest_of(self.recording)
        return {"metric": self.metric.value, "signal": signal}

    def quality(self, design: Design, settings: Settings) -> PointQuality:
        """Return the quality of the design of a point."""
        quantized = design.quantized
        assert isinstance(quantized, QuantizedMemory)
        spec = quantized.spec
        if self.recording is not None and len(self.recording) < 3 * spec.theta:
            raise SpecError(
                f"data must have at least three windows of {spec.theta:g} samples, not "
                f"{len(self.recording)} samples"
            )
        taps = np.array(spec.taps) if spec.output is OutputKind.TAPS else DELAYS
        delays = taps * spec.theta - spec.lead
        u, wanted = self._signal(spec, delays)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values beyond full scale, which saturate
            words = design.predict(np.repeat(u[:, None], spec.channels, axis=1))
        words = words[:, : words.shape[1] // spec.channels]
        if spec.output is OutputKind.STATE:
            words = words @ quantized.readout.T
        rows = decoder(spec.order, taps)
        decoded = words if spec.output is OutputKind.TAPS else words @ rows.T
        memory = Memory(
            spec.order,
            spec.theta,
            discretizer=spec.discretizer.value,
            substeps=spec.substeps,
        )
        floats = memory.simulate(u) @ rows.T
        score, best = _nrmse(decoded, wanted, spec), _nrmse(floats, wanted, spec)
        return PointQuality(metric=self.metric, score=score, float_score=best, loss=score)

    def _signal(self, spec: LMUSpec, delays: Array) -> tuple[Array, Array]:
        """Return the input (n_steps,) and what it was some samples ago (n_steps, n_delays)."""
        if self.recording is not None:
            at = np.arange(float(len(self.recording)))
            before = [np.interp(at - delay, at, self.recording, left=0.0) for delay in delays]
            return self.recording, np.stack(before, axis=1)
        assert self.bandwidth is not None
        n_steps = int(np.clip(6 * spec.theta, LEAST_STEPS, MOST_STEPS))
        rng = np.random.default_rng(1)
        frequencies = 2 * np.pi * self.bandwidth * rng.random(TONES)
        phases = 2 * np.pi * rng.random(TONES)
        scale = LEVEL * np.sqrt(2.0 / TONES)

        def signal(at: Array) -> Array:
            return np.asarray(scale * np.sin(np.multiply.outer(at, frequencies) + phases).sum(-1))

        at = np.arange(float(n_steps))
        return signal(at), signal(at[:, None] - delays)


def _nrmse(decoded: Array, wanted: Array, spec: LMUSpec) -> float:
    """Return the RMS error over the RMS of the signal, after the window has filled."""
    first = min(int(2 * spec.theta), len(decoded) // 2)
    error = np.mean((decoded[first:] - wanted[first:]) ** 2)
    power = np.mean(wanted[first:] ** 2)
    if not power:
        raise SpecError("data must not be silent after the first two windows: give another signal")
    return float(np.sqrt(error / power))


def noise(n_in: int, peak: float) -> Dataset:
    """Return sequences of noise for a network without data."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-peak, peak, (NOISE_SEQUENCES, NOISE_STEPS, n_in))
    return Dataset(sequences=tuple(x))
