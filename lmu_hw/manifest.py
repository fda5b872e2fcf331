"""``manifest.json``: description of a build directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._support.build_directory import MANIFEST, read_manifest
from ._support.channel import Channel
from ._support.channel import describe as describe_channels
from ._support.tables import TitledRows
from .errors import ModelFileError
from .memory.delay_error import percent
from .memory.neurons import NeuronModel
from .memory.spec import LMUSpec, RealizationKind
from .program.codec import Report, from_data, written
from .program.fixedpoint import QFormat
from .program.integer_program import Role
from .proof.claims import PredictedError
from .quantize.memory_design import NeuronSummary
from .quantize.network_summary import NetworkSummary
from .quantize.word_lengths import Widths
from .rtl.options import Hardware

MANIFEST_VERSION = 2
REMEDY = "generate the build directory again"


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFormat:
    """The words of a vector of the program.

    Attributes
    ----------
    int_bits, frac_bits : int
        Format of each word; ``int_bits`` counts the sign.
    signed : bool
    length : int
        Number of words, >= 1.
    role : Role
    channels : tuple of Channel or None
        What each word stands for, where that is known.
    """

    int_bits: int
    frac_bits: int
    signed: bool
    length: int
    role: Role
    channels: tuple[Channel, ...] | None = field(default=None, metadata=written(optional=True))

    @property
    def fmt(self) -> QFormat:
        """The format of each word."""
        return QFormat(self.int_bits, self.frac_bits, self.signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalBound:
    """The bound of a signal of a memory, and the format that it led to.

    Attributes
    ----------
    peak : float
        Largest magnitude for inputs from -1 to 1 [units of u], to six digits.
    int_bits, frac_bits : int
    """

    peak: float
    int_bits: int
    frac_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryManifest:
    """The part of a manifest that only a memory has.

    Attributes
    ----------
    spec : LMUSpec
        The request, with its defaults filled in.
    realization : RealizationKind
        As chosen: cascade, ladder, dense or spiking.
    realization_reason : str
    coef_bits, weight_bits, state_bits : int
        Widths of the recursion's coefficients, of the readout's and of the state, as chosen.
    bounds : mapping of str to SignalBound
        By name of the signal.
    error_lsb : PredictedError
        Predicted RMS error of an output word [its LSB].
    zero_input_decay : str
        ``proven`` or ``not proven``: zero input brings the state to exactly zero.
    delay_error : float or None
        NRMSE of decoded delays in float64, to six digits, where the request has an accuracy.
    neurons : NeuronSummary or None
        Of a spiking memory.
    """

    spec: LMUSpec
    realization: RealizationKind
    realization_reason: str
    coef_bits: int
    weight_bits: int
    state_bits: int
    bounds: Mapping[str, SignalBound]
    error_lsb: PredictedError
    zero_input_decay: str
    delay_error: float | None = field(default=None, metadata=written(optional=True))
    neurons: NeuronSummary | None = field(default=None, metadata=written(optional=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRange:
    """The range of a signal of a network.

    Attributes
    ----------
    format : str
        Fixed-point format, such as ``Q4.12``.
    peak : float
        Largest magnitude, proven or calibrated [signal unit], to six digits.
    basis : str
        ``proven`` or ``seen on data``.
    """

    format: str
    peak: float
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkManifest:
    """The part of a manifest that only a network has.

    Attributes
    ----------
    realization : RealizationKind
        Realization of its memories.
    network : NetworkSummary
    widths : Widths
        Word lengths [bits], ``state_bits`` as chosen.
    calibration : str
        The data on which ranges were calibrated.
    signals : mapping of str to SignalRange
        By name of the signal.
    """

    realization: RealizationKind
    network: NetworkSummary
    widths: Widths = field(metadata=written(inline=True))
    calibration: str
    signals: Mapping[str, SignalRange]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoHardware:
    """In place of `Hardware`, for a program without Verilog.

    Attributes
    ----------
    refused : str
        Why it has no Verilog.
    """

    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSummary:
    """The result of the certificate.

    Attributes
    ----------
    proven : bool
        No recurrent signal can leave its format, and every accumulator is exact.
    unproven : tuple of str
        Recurrent signals that may saturate.
    """

    proven: bool
    unproven: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFiles:
    """Test vectors of a build directory.

    Attributes
    ----------
    steps : int
        Number of steps, >= 1.
    seed : int
        Seed of the stimulus.
    """

    steps: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(TitledRows, Report):
    """A build directory: its program, its design and its files.

    Attributes
    ----------
    tool : str
    schema_version : int
        Version of the format of ``manifest.json``.
    version : str
        Version of lmu-hw that wrote the files.
    digest : str
        sha256 of the program, in hexadecimal.
    title : str
    output_every : int
        Steps from output to output, >= 0; 0: on demand, as at the end of a sequence.
    multiplies_per_step, multiplies_per_output : int
        Multiplies of every step, and additional multiplies of a step with an output.
    multiplies : mapping of str to int
        Multiplies by kind of operation.
    cycles_per_step : int or None
        Clock cycles of the Verilog; None where there is none.
    cycle_formula : str or None
        Formula of ``cycles_per_step``.
    latency : int or None
        Cycles from an input word to the output of its step, where steps overlap; otherwise None.
    rom_bits, ram_bits : int
        Constants and words of the program [bits].
    formats : mapping of str to VectorFormat
        By name of the vector.
    words : mapping of str to int
        Number of words of each role.
    design : MemoryManifest or NetworkManifest
    hardware : Hardware or NoHardware
    certificate : CertificateSummary
    vectors : VectorFiles
    kits : tuple of str or None
        Names of the kits in the build directory; None: none.
    files : mapping of str to str
        sha256 of every other file, in hexadecimal, by path in the build directory.
    """

    tool: str
    schema_version: int
    version: str
    digest: str
    title: str
    output_every: int
    multiplies_per_step: int
    multiplies_per_output: int
    multiplies: Mapping[str, int]
    cycles_per_step: int | None
    cycle_formula: str | None
    latency: int | None = field(default=None, metadata=written(optional=True))
    rom_bits: int
    ram_bits: int
    formats: Mapping[str, VectorFormat]
    words: Mapping[str, int]
    design: MemoryManifest | NetworkManifest = field(metadata=written(inline=True))
    hardware: Hardware | NoHardware
    certificate: CertificateSummary
    vectors: VectorFiles
    kits: tuple[str, ...] | None = field(default=None, metadata=written(optional=True))
    files: Mapping[str, str]

    def _rows(self) -> list[tuple[str, str]]:
        """Return what ``lmu-hw generate`` prints, as names and texts."""
        rows = (
            self._memory_rows(self.design)
            if isinstance(self.design, MemoryManifest)
            else self._network_rows(self.design)
        )
        kits = [("kits", ", ".join(self.kits))] if self.kits else []
        return [*rows, *self._channel_rows(), *kits]

    def _channel_rows(self) -> list[tuple[str, str]]:
        return [
            (f"{v.role.value} {name}", describe_channels(v.channels))
            for name, v in self.formats.items()
            if v.channels is not None
        ]

    def _memory_rows(self, design: MemoryManifest) -> list[tuple[str, str]]:
        error = design.error_lsb
        parts = " + ".join(f"{n} {kind}" for kind, n in self.multiplies.items() if n)
        state = ", ".join(
            f"{name} {v.fmt}"
            for name, v in self.formats.items()
            if v.role is Role.STATE and v.signed
        )
        kept = "kept" if error.kept else "NOT kept"
        spec = design.spec
        delays = []
        if design.delay_error is not None and spec.accuracy is not None:
            delays.append(
                f"{percent(design.delay_error)} error for input to {spec.bandwidth:.6g} "
                f"cycles/sample; {percent(spec.accuracy)} asked for"
            )
        overflow = "impossible for |u| <= 1" if self.certificate.proven else "NOT proven impossible"
        return [
            ("realization", f"{design.realization.value} ({design.realization_reason})"),
            (
                "words",
                f"coefficients {design.coef_bits}, readout {design.weight_bits}, "
                f"state {design.state_bits} bits ({state})",
            ),
            (
                "error",
                f"{error.predicted:.2f} LSB RMS predicted; "
                + (
                    f"error budget of {error.budget:g} LSB {kept}"
                    if error.neurons is None
                    else f"{error.neurons:.2f} of them by the neurons"
                ),
            ),
            *(("delays", text) for text in delays),
            *_neuron_rows(design.neurons),
            (
                "overflow",
                f"{overflow}; zero input dies to exactly zero: {design.zero_input_decay}",
            ),
            (
                "per step",
                f"{self.multiplies_per_step} multiplies ({parts}), "
                f"{self.cycles_per_step} clock cycles"
                + ("" if self.latency is None else f", latency {self.latency}"),
            ),
        ]

    def _network_rows(self, design: NetworkManifest) -> list[tuple[str, str]]:
        proven = [s for s in design.signals.values() if s.basis == "proven"]
        every, widths = self.output_every, design.widths
        due = {0: "the last step", 1: "every step"}.get(every, f"every {every} steps")
        more = "" if every == 1 else f", {self.multiplies_per_output:,} more for an output"
        rows = [
            (
                "words",
                f"weights {widths.weights_text}, activations {widths.act_bits}, memory "
                f"coefficients {widths.coef_bits}, states {widths.state_bits or '-'} bits",
            ),
            (
                "ranges",
                f"{len(proven)} of {len(design.signals)} signals proven, the others calibrated on "
                f"{design.calibration}",
            ),
            (
                "per step",
                f"{self.multiplies_per_step:,} multiplies{more} "
                f"({design.network.multiplies_dense:,} dense)",
            ),
            ("output", f"at {due}"),
            (
                "memory",
                f"{self.rom_bits / 8192:.1f} KiB of tables, "
                f"{self.ram_bits / 8192:.2f} KiB of words",
            ),
        ]
        if isinstance(self.hardware, NoHardware):
            rows.append(("Verilog", f"none: {self.hardware.refused}"))
        return rows


def load_manifest(build_dir: Path) -> Manifest:
    """Return the manifest of a build directory.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, or of another version of lmu-hw.
    """
    return parse_manifest(read_manifest(build_dir), str(build_dir / MANIFEST))


def parse_manifest(data: Mapping[str, Any], where: str = MANIFEST) -> Manifest:
    """Return the manifest in JSON data; ``where`` names the file in errors.

    Raises
    ------
    ModelFileError
        If the data are damaged, or of another version of lmu-hw.
    """
    version = data.get("schema_version")
    if version != MANIFEST_VERSION:
        raise ModelFileError(
            f"{where} has schema_version {version!r}, but this lmu-hw reads {MANIFEST_VERSION}: "
            f"{REMEDY}"
        )
    try:
        found: Manifest = from_data(Manifest, dict(data), where)
    except KeyError as error:
        raise ModelFileError(f"{where} has no {error}; {REMEDY}") from error
    except ValueError as error:
        raise ModelFileError(f"{where} is damaged: {error}; {REMEDY}") from error
    return found


def _neuron_rows(neurons: NeuronSummary | None) -> list[tuple[str, str]]:
    """Return what a spiking memory adds to `Manifest._memory_rows`."""
    if neurons is None:
        return []
    kind = "Poisson" if neurons.model is NeuronModel.POISSON else "integrate-and-fire"
    rate = float(f"{neurons.spikes_per_step:.3g}")
    each = f"{neurons.population:,} for either sign of a state"
    return [
        ("neurons", f"{neurons.neurons:,} {kind} for each channel, {each}"),
        (
            "spikes",
            f"about {rate:,g} a step in each channel; error of m "
            f"{percent(neurons.nrmse)} of its RMS predicted (input of flat noise, RMS "
            f"{neurons.rms:g}, to {neurons.bandwidth:.3g} cycles/sample)",
        ),
    ]
