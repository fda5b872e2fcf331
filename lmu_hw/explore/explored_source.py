"""What is explored: a memory or a trained network, from the values of a point to its design."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .._support.array_types import Array
from .._support.command_parser import argument
from ..api.compilation import calibrate, compile
from ..api.design import Design
from ..api.sources import Network
from ..errors import SpecError
from ..measure.dataset import Dataset
from ..memory.spec import LMUSpec, parse
from ..models.importers.model_file import to_bytes
from ..quantize.calibration import Calibration
from ..quantize.delay_choices import choose_delays
from ..quantize.word_lengths import Widths
from ..rtl.options import Hardware
from .result_store import key_of
from .search_space import HARDWARE, MEMORY, NETWORK

Settings = Mapping[str, str]
"""Values of a point by axis, as text."""
TEXTS = ("discretizer", "realization", "output", "neuron_model")
"""Axes whose values are words."""
FLAGS = {"state_port": {"true": True, "false": False}}
CALIBRATION_TEXT = "calibration"


class ExploredSource(Protocol):
    """A memory or a network that is explored; it travels to the workers."""

    @property
    def what(self) -> str:
        """The kind for errors: ``a memory`` or ``a network``."""

    @property
    def title(self) -> str:
        """The memory or network in a line."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes that change words."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON data that tells it from any other source, but for what `request` has."""

    def request(self, settings: Settings) -> dict[str, Any]:
        """Return JSON data that tells the design of a point from any other of the source."""

    def design(self, settings: Settings) -> Design:
        """Return the design of a point.

        Raises
        ------
        LMUHWError
            If there is none.
        """

    def command(self, settings: Settings, out: str = "") -> str:
        """Return the command that generates the build directory of a point."""


@dataclass(frozen=True, kw_only=True)
class ExploredMemory:
    """A memory: keys as in a specification file, which a point replaces.

    Parameters
    ----------
    keys : mapping of str to object
        Keys of the memory and of the hardware.
    path : str
        The specification file for commands; empty without one.
    """

    keys: Mapping[str, Any]
    path: str = ""
    what = "a memory"
    axes = MEMORY

    @property
    def title(self) -> str:
        """The keys in a line."""
        return ", ".join(["LMU memory", *(f"{k} = {v}" for k, v in self.keys.items())])

    @property
    def identity(self) -> Mapping[str, Any]:
        """The kind: all else is in the request."""
        return {"kind": "memory"}

    def request(self, settings: Settings) -> dict[str, Any]:
        """Return the keys of a point, from the file and from the axes alike."""
        keys = {
            "d" if k == "order" else k: _plain(v) for k, v in self.keys.items() if k not in HARDWARE
        }
        for name, text in settings.items():
            if name not in HARDWARE:
                _replace(keys, name, text)
        return {k: v for k, v in keys.items() if v != "auto" or k in TEXTS}

    def spec(self, settings: Settings) -> LMUSpec:
        """Return the specification of a point.

        Raises
        ------
        SpecError
            If it is not valid, or no choice has the accuracy that is asked for.
        """
        given = self.request(settings)
        return choose_delays(parse(given), given)[0]

    def design(self, settings: Settings) -> Design:
        """Return the design of a point."""
        return compile(self.spec(settings))

    def command(self, settings: Settings, out: str = "") -> str:
        """Return the command that generates the build directory of a point."""
        words, given = ["lmu-hw", "generate"], dict(settings)
        if self.path:
            words.append(argument(Path(self.path)))
        else:
            keys = {"d" if k == "order" else k: _option_text(v) for k, v in self.keys.items()}
            given = {**keys, **given}
        return " ".join([*words, *_options(given), *([f"-o {out}"] if out else [])])


@dataclass(frozen=True, eq=False, kw_only=True)
class ExploredNetwork:
    """A trained network, what it is calibrated on and what it is judged by.

    Parameters
    ----------
    network : Network
    calibration : Dataset, array or None
        See `lmu_hw.calibrate`.
    input_peak : float or None
        Largest magnitude of the input.
    base : mapping of str to str
        Settings that no axis replaces.
    command_words : tuple of str
        The file and the options of its import, for commands.
    """

    network: Network
    calibration: Dataset | Array | None = None
    input_peak: float | None = None
    command_words: tuple[str, ...] = ("model.npz",)
    known: dict[float, Calibration] = field(default_factory=dict, repr=False)
    what = "a network"
    axes = NETWORK

    @property
    def title(self) -> str:
        """The network's name."""
        return f"network {self.network.name}"

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """Digests of the model file that the network would be saved to, and of its calibration."""
        ranges = {name: (s.peak, s.power) for name, s in self.network.ranges.items()}
        saved = to_bytes(self.network.model, ranges, "float64", training=None)
        data = None if self.calibration is None else digest_of(self.calibration)
        widths = None if self.network.widths is None else asdict(self.network.widths)
        return {
            "network": hashlib.sha256(saved).hexdigest(),
            "name": self.network.name,
            "widths": widths,
            "calibration": data,
            "input_peak": self.input_peak,
        }

    def request(self, settings: Settings) -> dict[str, Any]:
        """Return the settings."""
        return dict(settings)

    def design(self, settings: Settings) -> Design:
        """Return the design of a point."""
        ratio = _number("dt_ratio", settings.get("dt_ratio", "1"))
        network = self.network if ratio == 1 else self.network.retime(float(ratio))
        if ratio not in self.known:
            self.known[ratio] = calibrate(network, self.calibration, input_peak=self.input_peak)
        every = settings.get("output_every")
        given = None if every is None else 0 if every == "last" else _number("output_every", every)
        return compile(
            network,
            widths=self._widths(settings),
            calibration=self.known[ratio],
            output_every=given,
        )

    def _widths(self, settings: Settings) -> Widths:
        start = self.network.widths or Widths()
        given: dict[str, Any] = {}
        if "bits" in settings:
            bits = _number("bits", settings["bits"])
            given = dict.fromkeys(("weight_bits", "act_bits", "input_bits"), bits)
            given["layer_weight_bits"] = ()
        for name in ("act_bits", "coef_bits", "state_bits", "input_bits"):
            if settings.get(name, "auto") != "auto":
                given[name] = _number(name, settings[name])
        weights = settings.get("weight_bits", "")
        if "/" in weights:
            given["layer_weight_bits"] = tuple(
                _number("weight_bits", part) for part in weights.split("/")
            )
        elif weights:
            given |= {"weight_bits": _number("weight_bits", weights), "layer_weight_bits": ()}
        return replace(start, **given)

    def command(self, settings: Settings, out: str = "") -> str:
        """Return the command that generates the build directory of a point."""
        words = ["lmu-hw", "generate", *self.command_words, *_options(settings)]
        return " ".join([*words, *([f"-o {out}"] if out else [])])


def hardware_of(settings: Settings, keys: Mapping[str, Any]) -> Hardware:
    """Return the hardware of a point.

    Parameters
    ----------
    settings : mapping of str to str
    keys : mapping
        Options that no axis replaces.

    Raises
    ------
    SpecError
        If an option is out of its range.
    """
    found = {name: keys[name] for name in HARDWARE if name in keys}
    for name in HARDWARE:
        text = settings.get(name, "auto")
        if text != "auto":
            found[name] = FLAGS.get(name, {}).get(text.lower(), _number(name, text, strict=False))
    return Hardware(**found)


def digest_of(data: Dataset | Array) -> str:
    """Return the SHA-256 of data: their values, labels and targets, and their shapes."""
    if not isinstance(data, Dataset):
        return _hash([np.asarray(data)])
    arrays = list(data.sequences)
    arrays += [] if data.labels is None else [data.labels]
    return _hash(arrays + list(data.targets or ()))


def _hash(arrays: list[Any]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def source_key(source: ExploredSource) -> str:
    """Return the digest of a source."""
    return key_of(source.identity)


def _replace(keys: dict[str, Any], name: str, text: str) -> None:
    """Set a key of a memory from text; a key that says the same otherwise is removed."""
    if name == "output":
        keys.pop("taps", None)
    value: Any = text.replace("/", ",") if name in TEXTS else text
    keys[name] = value if name in TEXTS or text == "auto" else _number(name, text, strict=False)


def _number(name: str, text: str, *, strict: bool = True) -> Any:
    """Return a text as a number; unless strict, unchanged where it is none: a later check names it.

    Raises
    ------
    SpecError
        If it is none.
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    if strict:
        raise SpecError(f"{name} must be a number, not {text!r}")
    return text


def _options(settings: Settings) -> list[str]:
    """Return a point as options of ``generate``."""
    found = []
    for name, text in settings.items():
        if name == "state_port":
            found += ["--state-port"] * (text.lower() == "true")
        elif text != "auto" or name in TEXTS:
            found.append(f"--{name.replace('_', '-')} {argument(Path(text.replace('/', ',')))}")
    return found


def _option_text(value: Any) -> str:
    """Return a key of a memory as text, as axes have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "/".join(map(str, value))
    return str(value)


def _plain(value: Any) -> Any:
    """Return a key of a file as JSON data."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
