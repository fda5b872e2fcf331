"""``manifest.json`` of an analog memory: its request, and what is known of its circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .._support.build_directory import ANALOG, MANIFEST, TOOL, read_manifest
from .._support.tables import TitledRows
from .._support.version import __version__
from ..errors import ModelFileError, SpecError
from ..memory.delay_error import percent
from ..program.codec import Report, from_data
from .amplifiers import amplifier_text
from .analog_design import AnalogDesign
from .circuit import Amplifier, Capacitor, Part, Resistor, Transconductor
from .quantities import quantity_text
from .request import AnalogRequest, make_request

SCHEMA = 1
"""Version of the manifest's format."""
REMEDY = "write it again with lmu-hw analog"
KINDS: dict[str, type[Part]] = {
    "amplifiers": Amplifier,
    "resistors": Resistor,
    "capacitors": Capacitor,
    "transconductors": Transconductor,
}
UNITS = {"amplifiers": "", "resistors": "ohm", "capacitors": "F", "transconductors": "S"}
"""Unit of each kind of part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogOptions:
    """A request as the options that `make_request` takes, all filled in."""

    order: int
    theta: float
    taps: tuple[float, ...]
    structure: str
    form: str
    series: str
    tolerance: float
    supply: float
    opamp: str
    r_min: float
    r_max: float
    c_min: float
    c_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TapSummary:
    """A tap of an analog memory.

    Attributes
    ----------
    delay : float
        Fraction of theta.
    fitted, built : float
        NRMSE in the band against the float memory, to six digits: with the resistors as fitted, and
        with those of the series.
    """

    delay: float
    fitted: float
    built: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """How many parts of a kind a circuit has, and their values.

    Attributes
    ----------
    count : int
    low, high : float
        Smallest and largest value [ohm, F or S]; 0 of amplifiers.
    """

    count: int
    low: float
    high: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AnalogSummary:
    """An analog memory as designed.

    Attributes
    ----------
    request : AnalogOptions
    full_scale : float
        Largest magnitude of the input for which no node reaches its limit [V].
    bandwidth : float
        Edge of the band of all errors [Hz].
    fitted, built : float
        As of `TapSummary`, over all taps.
    taps : tuple of TapSummary
    parts : mapping of str to PartSummary
        Of ``amplifiers``, ``resistors``, ``capacitors`` and ``transconductors``.
    """

    request: AnalogOptions
    full_scale: float
    bandwidth: float
    fitted: float
    built: float
    taps: tuple[TapSummary, ...]
    parts: Mapping[str, PartSummary]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AnalogManifest(TitledRows, Report):
    """The build directory of an analog memory.

    Attributes
    ----------
    tool : str
    schema_version : int
        Version of the format of ``manifest.json``.
    version : str
        Version of lmu-hw that wrote the files.
    title : str
    analog : AnalogSummary
    files : mapping of str to str
        sha256 of every other file, in hexadecimal, by path in the build directory.
    """

    tool: str
    schema_version: int
    version: str
    title: str
    analog: AnalogSummary
    files: Mapping[str, str]

    def _rows(self) -> list[tuple[str, str]]:
        """Return what ``lmu-hw analog`` prints, as names and texts."""
        found = self.analog
        band = quantity_text(found.bandwidth, "Hz")
        return [
            ("parts", ", ".join(_parts_text(kind, p) for kind, p in found.parts.items())),
            (
                "full scale",
                f"{quantity_text(found.full_scale, 'V')}: up to it no node reaches its limit",
            ),
            (
                "error",
                f"{percent(found.built)} NRMSE up to {band} ({percent(found.fitted)} before the "
                "parts of the taps are rounded)",
            ),
            *(
                (f"tap{k}", f"delay of {tap.delay:g} theta: {percent(tap.built)}")
                for k, tap in enumerate(found.taps, 1)
            ),
        ]


def analog_manifest(design: AnalogDesign, files: Mapping[str, str]) -> AnalogManifest:
    """Return the manifest of a design and the digests of its files."""
    fit, request = design.fit, design.request
    taps = zip(request.taps, fit.fitted_error, fit.error, strict=True)
    return AnalogManifest(
        tool=TOOL,
        schema_version=SCHEMA,
        version=__version__,
        title=design.circuit.title,
        analog=AnalogSummary(
            request=options_of(request),
            full_scale=_short(design.full_scale),
            bandwidth=_short(request.bandwidth),
            fitted=_short(fit.fitted_total),
            built=_short(fit.total),
            taps=tuple(
                TapSummary(delay=delay, fitted=_short(fitted), built=_short(built))
                for delay, fitted, built in taps
            ),
            parts=_parts(design.circuit.parts),
        ),
        files=files,
    )


def options_of(request: AnalogRequest) -> AnalogOptions:
    """Return the options of a request."""
    return AnalogOptions(
        order=request.order,
        theta=request.theta,
        taps=request.taps,
        structure=request.structure.value,
        form=request.form.value,
        series=request.series.value,
        tolerance=request.tolerance,
        supply=request.supply,
        opamp=amplifier_text(request.amplifier),
        r_min=request.r_min,
        r_max=request.r_max,
        c_min=request.c_min,
        c_max=request.c_max,
    )


def load_analog(build_dir: Path) -> tuple[AnalogManifest, AnalogRequest]:
    """Return the manifest of the build directory of an analog memory, and its request.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, of another version, or not of an analog memory.
    """
    data, where = read_manifest(build_dir, analog=True), build_dir / MANIFEST
    if ANALOG not in data:
        raise ModelFileError(
            f"{build_dir} holds no analog memory; give a directory that lmu-hw analog wrote"
        )
    if data.get("schema_version") != SCHEMA:
        raise ModelFileError(
            f"{where} has schema_version {data.get('schema_version')!r}, but this lmu-hw reads "
            f"{SCHEMA}: {REMEDY}"
        )
    try:
        manifest: AnalogManifest = from_data(AnalogManifest, data, str(where))
        return manifest, make_request(**asdict(manifest.analog.request))
    except KeyError as error:
        raise ModelFileError(f"{where} has no {error}; {REMEDY}") from error
    except (ValueError, TypeError, SpecError) as error:
        raise ModelFileError(f"{where} is damaged: {error}; {REMEDY}") from error


def _parts(parts: tuple[Part, ...]) -> dict[str, PartSummary]:
    """Return the parts that a circuit has, by kind."""
    found = {}
    for name, kind in KINDS.items():
        values = [
            0.0 if isinstance(p, Amplifier) else p.value for p in parts if isinstance(p, kind)
        ]
        if values:
            low, high = _short(min(values)), _short(max(values))
            found[name] = PartSummary(count=len(values), low=low, high=high)
    return found


def _parts_text(kind: str, parts: PartSummary) -> str:
    """Return parts as ``24 resistors of 6.49kohm to 127kohm``."""
    what = "op-amps" if kind == "amplifiers" else kind
    if parts.high == 0.0:
        return f"{parts.count} {what}"
    low, high = (quantity_text(value, UNITS[kind]) for value in (parts.low, parts.high))
    return f"{parts.count} {what} of {low}" + (f" to {high}" if high != low else "")


def _short(value: float) -> float:
    """Return a float to six significant digits."""
    return float(f"{value:.6g}")
