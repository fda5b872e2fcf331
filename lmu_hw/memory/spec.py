"""The specification of a memory: a validated `LMUSpec`, from keywords, TOML or JSON.

Choices are strings here and at the command line only; the rest of lmu-hw uses enums.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from .._support import identifiers
from .._support.validation import check_int, check_real
from ..errors import ModelFileError, SpecError, read_error, reason_of
from . import neurons
from .neurons import NeuronModel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_ORDER = 1024
MIN_THETA, MAX_THETA = 1.0, 1e6
"""Window lengths [samples]; a shorter window holds the last input alone."""
MAX_SPEC_BYTES = 1 << 20
MAX_BANDWIDTH = 0.5
"""Nyquist frequency [cycles/sample]."""


class Discretizer(Enum):
    """Discretization method (equation 5 of the paper)."""

    ZOH = "zoh"
    EULER = "euler"
    BILINEAR = "bilinear"


SUBSTEPS = (1, 2, 4, 8)
"""Possible numbers of bilinear steps in a sample."""


class RealizationKind(Enum):
    """Structure that computes the memory."""

    AUTO = "auto"
    CASCADE = "cascade"
    LADDER = "ladder"
    DENSE = "dense"
    SPIKING = "spiking"


class OutputKind(Enum):
    """Output of the design at every step."""

    MEMORY = "memory"
    STATE = "state"
    TAPS = "taps"


CHOICES: dict[str, type[Enum]] = {
    "discretizer": Discretizer,
    "realization": RealizationKind,
    "neuron_model": NeuronModel,
}
"""Options that are a choice among words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LMUSpec:
    """Specification of an LMU memory.

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, 1 to 1024.
    theta : float, optional
        Window length [samples], 1 to 1e6. Default 8 * order.
    discretizer : Discretizer
    substeps : int
        Bilinear steps in a sample, with linearly interpolated input: 1, 2, 4 or 8. More take more
        multiplies and make decoded delays more accurate. More than 1 for bilinear only.
    accuracy : float, optional
        Largest NRMSE of decoded delays in float64, > 0 and < 1; needs ``bandwidth``. A memory that
        does not reach it is refused. Of a spiking memory: largest predicted NRMSE of m against the
        float64 memory.
    bandwidth : float, optional
        Highest frequency of the input [cycles/sample], > 0 and <= 0.5; needs ``accuracy``, but for
        a spiking memory, whose default is order / (6 theta), at most 0.5.
    bits : int
        Width of input and output words, 4 to 24. The RMS error of every output word against the
        float64 memory fed the same words stays within one output LSB.
    realization : RealizationKind
    output : OutputKind
    taps : tuple of float
        Delays decoded when ``output`` is TAPS, as fractions of theta, each 0 to 1 (0 newest).
    neurons : int, optional
        Of a spiking memory: most neurons of a channel, 2 order to 2**28; populations have a power
        of two. Default: as many as ``accuracy`` needs.
    neuron_model : NeuronModel, optional
        Of a spiking memory. Default: INTEGRATE_FIRE.
    seed, generators : int, optional
        Of Poisson neurons: seed, 0 to 2**32 - 1 (default 1), and number, a power of two to 256
        (default 1), of the random number generators, which run side by side.
    channels : int
        Number of independent input signals with a memory each, 1 to 64.
    coef_bits : int, optional
        Width of the recursion's coefficients, 4 to 24. Default: ``bits``, at most 18, or more if
        the error budget of ``bits`` needs it.
    weight_bits : int, optional
        Width of the readout's coefficients, 4 to 24. Default: ``bits``, or more if the error budget
        needs it.
    state_bits : int, optional
        Width of the recurrent state, 4 to 48. Default: the narrowest that meets the error budget.
    name : str
        Prefix of every generated file, module and C name: lower case; different names let several
        designs share a project.

    Raises
    ------
    SpecError
        If a value is out of range; the message names it and states the valid range.
    """

    order: int
    theta: float = 0.0
    discretizer: Discretizer = Discretizer.ZOH
    substeps: int = 1
    accuracy: float | None = None
    bandwidth: float | None = None
    bits: int = 16
    realization: RealizationKind = RealizationKind.AUTO
    output: OutputKind = OutputKind.MEMORY
    taps: tuple[float, ...] = ()
    neurons: int | None = None
    neuron_model: NeuronModel | None = None
    seed: int | None = None
    generators: int | None = None
    channels: int = 1
    coef_bits: int | None = None
    weight_bits: int | None = None
    state_bits: int | None = None
    name: str = "lmu"

    def __post_init__(self) -> None:
        check_int("d (order)", self.order, 1, MAX_ORDER)
        if self.theta == 0.0 and type(self.theta) is float:
            object.__setattr__(self, "theta", 8.0 * self.order)
        theta = check_real("theta", self.theta)
        if not MIN_THETA <= theta <= MAX_THETA:
            raise SpecError(bad_theta(self.theta))
        object.__setattr__(self, "theta", theta)
        self._check_substeps()
        self._check_neurons()
        self._check_accuracy()
        check_int("bits", self.bits, 4, 24)
        if type(self.name) is not str or not identifiers.is_design_name(self.name):
            raise SpecError(f"name must be {identifiers.RULE}, not {self.name!r}")
        check_int("channels", self.channels, 1, 64)
        for name, top in (("coef_bits", 24), ("weight_bits", 24), ("state_bits", 48)):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), 4, top)
        if self.output is OutputKind.TAPS and not self.taps:
            raise SpecError("taps must be given when output is taps, as in output = 'taps=0,0.5,1'")
        if self.output is not OutputKind.TAPS and self.taps:
            raise SpecError(f"output must be taps when taps are given, not {self.output.value!r}")
        for tap in self.taps:
            if not 0 <= check_real("taps", tap) <= 1:
                longer = "; for a longer delay give a larger theta, which need not be whole"
                raise SpecError(
                    f"taps must be fractions of theta from 0 to 1, not {tap!r}{longer * (tap > 1)}"
                )
        if len(self.taps) > MAX_ORDER:
            raise SpecError(f"taps must be at most {MAX_ORDER} delays, not {len(self.taps)}")

    def _check_substeps(self) -> None:
        """Raise `SpecError` unless discretizer, substeps and realization go together."""
        if type(self.substeps) is not int or self.substeps not in SUBSTEPS:
            raise SpecError(f"substeps must be one of 1, 2, 4, 8, not {self.substeps!r}")
        bilinear = self.discretizer is Discretizer.BILINEAR
        if not bilinear and (self.substeps > 1 or self.realization is RealizationKind.LADDER):
            what = "substeps" if self.substeps > 1 else "a ladder"
            raise SpecError(
                f"{what} must go with the bilinear discretizer, not {self.discretizer.value}: "
                "add --discretizer bilinear"
            )
        if self.substeps > 1 and self.realization not in (
            RealizationKind.AUTO,
            RealizationKind.LADDER,
        ):
            raise SpecError(
                f"substeps must be 1 with --realization {self.realization.value}, "
                f"not {self.substeps}: use --realization ladder"
            )

    def _check_neurons(self) -> None:
        """Raise `SpecError` unless the neurons' options are in range and go with the realization.

        Fills in their defaults.
        """
        if self.realization is not RealizationKind.SPIKING:
            for name in neurons.KEYS:
                if getattr(self, name) is not None:
                    raise SpecError(
                        f"{name} must go with a spiking memory: add --realization spiking"
                    )
            return
        model = NeuronModel.INTEGRATE_FIRE if self.neuron_model is None else self.neuron_model
        seed, generators = neurons.check_neurons(
            self.order, self.neurons, model, self.seed, self.generators
        )
        if self.neurons is None and self.accuracy is None:
            raise SpecError(
                "neurons must be given for a spiking memory, as in --neurons 3072, or --accuracy 1%"
            )
        if self.state_bits is not None:
            raise SpecError(
                "state_bits must be left out for a spiking memory: it follows from bits"
            )
        defaults: dict[str, Any] = {
            "neuron_model": model,
            "seed": seed,
            "generators": generators or None,
        }
        if self.bandwidth is None:
            defaults["bandwidth"] = min(MAX_BANDWIDTH, self.order / (6.0 * self.theta))
        for name, value in defaults.items():
            object.__setattr__(self, name, value)

    def _check_accuracy(self) -> None:
        """Raise `SpecError` unless accuracy and bandwidth are in range and given together."""
        pairs = (("accuracy", "bandwidth"), ("bandwidth", "accuracy"))
        # the prediction of a spiking memory has a default bandwidth
        for given, missing in () if self.realization is RealizationKind.SPIKING else pairs:
            if getattr(self, given) is not None and getattr(self, missing) is None:
                example = "bandwidth 0.0125" if missing == "bandwidth" else "accuracy 0.5%"
                raise SpecError(f"{missing} must be given with {given}, as in --{example}")
        if self.accuracy is not None:
            object.__setattr__(self, "accuracy", check_accuracy(self.accuracy))
        if self.bandwidth is not None:
            object.__setattr__(self, "bandwidth", check_bandwidth(self.bandwidth))

    @property
    def lead(self) -> float:
        """Samples by which a decoded delay is shorter than its part of the window.

        At low frequencies; a memory with substeps has true delays.
        """
        if self.substeps > 1:
            return 0.0
        return 1.0 if self.discretizer is Discretizer.EULER else 0.5

    def describe(self) -> str:
        """Return the specification in one line, for headers and reports."""
        output = self.output.value
        if self.taps:
            output = "taps=" + ",".join(shorten(self.taps))
        text = (
            f"LMU memory d={self.order} theta={self.theta:.12g} {self.discretizer.value} "
            + (f"substeps={self.substeps} " if self.substeps > 1 else "")
            + f"bits={self.bits} output={output}"
        )
        if self.neuron_model is not None:
            count = "" if self.neurons is None else f" neurons={self.neurons}"
            text += f" {self.neuron_model.value}{count}"
            if self.seed is not None:
                text += f" seed={self.seed} generators={self.generators}"
        return text + (f" channels={self.channels}" if self.channels > 1 else "")


def check_bandwidth(bandwidth: Any) -> float:
    """Return a bandwidth as a float.

    Raises
    ------
    SpecError
        Unless it is a number, > 0 and at most 0.5 cycles/sample.
    """
    if not 0.0 < check_real("bandwidth", bandwidth) <= MAX_BANDWIDTH:
        raise SpecError(
            f"bandwidth must be > 0 and <= {MAX_BANDWIDTH:g} cycles/sample, not {bandwidth!r}: "
            "give the highest frequency over the sample rate"
        )
    return float(bandwidth)


def check_accuracy(accuracy: Any) -> float:
    """Return an accuracy, a share such as 0.005 or the text ``0.5%``, as a float.

    Raises
    ------
    SpecError
        Unless it is > 0 and < 1.
    """
    value = accuracy
    if isinstance(accuracy, str):
        try:
            value = float(accuracy.removesuffix("%")) / (100.0 if accuracy.endswith("%") else 1.0)
        except ValueError:
            value = 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1.0:
        raise SpecError(
            f"accuracy must be a share > 0 and < 1, such as 0.5% or 0.005, not {accuracy!r}"
        )
    return float(value)


def shorten(values: Sequence[float]) -> list[str]:
    """Return numbers as text; a list of more than eight is abbreviated in the middle."""
    texts = [f"{value:.12g}" for value in values]
    return texts if len(texts) <= 8 else [*texts[:4], "...", texts[-1]]


def parse(data: dict[str, Any], extra_keys: Iterable[str] = ()) -> LMUSpec:
    """Return the specification in a mapping of keys, as read from a TOML file.

    Parameters
    ----------
    data : dict
    extra_keys : iterable of str
        Further valid keys, which the caller has already removed from ``data``; listed in errors.

    Raises
    ------
    SpecError
        If a key is unknown or a value is invalid.
    """
    known = {f.name for f in fields(LMUSpec)} | {"d"}
    for key in data:
        if key not in known:
            names = sorted(known.union(extra_keys))
            close = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise SpecError(f"unknown key {key!r}: {hint}known keys are {', '.join(names)}")
    values = dict(data)
    if "d" in values:
        if "order" in values:
            raise SpecError("give d or order, not both: they are the same key")
        values["order"] = values.pop("d")
    if "order" not in values:
        raise SpecError("d (order) must be given, as in --d 64")
    for key, enum in CHOICES.items():
        if values.get(key) is not None and not isinstance(values[key], enum):
            values[key] = _choice(key, values[key], enum)
    if not isinstance(values.get("taps", ()), list | tuple):
        raise SpecError(f"taps must be a list of fractions, not {values['taps']!r}")
    if isinstance(values.get("output"), str):
        values["output"], taps = parse_output(values["output"])
        values["taps"] = taps or tuple(values.get("taps", ()))
    elif "taps" in values:
        values["taps"] = tuple(values["taps"])
        values.setdefault("output", OutputKind.TAPS)
    spiking = values.get("realization") is RealizationKind.SPIKING
    if values.get("accuracy") is not None and "discretizer" not in values and not spiking:
        # an accuracy chooses the discretizer: one that goes with the other options
        ladder = values.get("realization") is RealizationKind.LADDER
        if ladder or values.get("substeps", 1) != 1:
            values["discretizer"] = Discretizer.BILINEAR
    if "output" in values and not isinstance(values["output"], OutputKind):
        raise SpecError(f"output must be memory, state or taps=..., not {values['output']!r}")
    if values.get("theta") == 0:
        raise SpecError(bad_theta(0))
    return LMUSpec(**values)


def bad_theta(theta: float) -> str:
    """Return why a window length [samples] is refused."""
    why = ": a window below one sample holds the last input alone" * (0 < theta < MIN_THETA)
    return f"theta must be from {MIN_THETA:g} to {MAX_THETA:g} samples, not {theta!r}{why}"


def parse_output(text: str) -> tuple[OutputKind, tuple[float, ...]]:
    """Parse ``memory``, ``state`` or ``taps=0,0.5,1`` into an output kind and taps."""
    name, _, rest = text.partition("=")
    if name != "taps" and rest:
        raise SpecError(f"output must be memory, state or taps=0,0.5,1, not {text!r}")
    kind = _choice("output", name, OutputKind)
    try:
        return kind, tuple(float(part) for part in rest.split(",")) if rest else ()
    except ValueError:
        raise SpecError(f"taps must be numbers separated by commas, not {rest!r}") from None


def load(path: Path) -> dict[str, Any]:
    """Return the keys of a TOML or JSON specification file.

    Raises
    ------
    ModelFileError
        If the file cannot be read or is not a table of keys.
    """
    if path.is_dir():
        raise ModelFileError(
            f"{path} is a directory: give a TOML or JSON file of keys, or -o {path} to write there"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SPEC_BYTES + 1)
        if len(content) > MAX_SPEC_BYTES:
            raise ModelFileError(
                f"{path} is larger than {MAX_SPEC_BYTES} bytes: not a specification"
            )
        text = content.decode("utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is not a TOML or JSON specification: {reason_of(error)}"
        ) from error
    if not isinstance(data, dict):
        raise ModelFileError(f"{path} must hold a table of keys such as d = 64")
    return data


def _choice(name: str, value: Any, enum: type[Any]) -> Any:
    try:
        return enum(value)
    except ValueError:
        choices = ", ".join(member.value for member in enum)
        raise SpecError(f"{name} must be one of {choices}, not {value!r}") from None
