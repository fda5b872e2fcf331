"""Section of a report: what was asked for, what was chosen, and the command that makes it."""

from __future__ import annotations

import shlex
from typing import Any

from .._support.channel import Channel
from ..manifest import Manifest, MemoryManifest, NetworkManifest
from ..memory.spec import LMUSpec, OutputKind, RealizationKind, shorten
from ..program.codec import to_data
from ..program.integer_program import Role
from ..rtl.options import Hardware
from .report_source import ReportSource
from .section import Block, CommandLine, DataTable, Paragraph, Section

DEFAULTS = LMUSpec(order=1)
CHANNEL_OPTIONS = {"scale": "scale", "offset": "offset", "names": "name", "units": "unit"}
"""Field of a channel by the end of its option."""
Row = tuple[str, str, str]


def request_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section on what was asked for."""
    manifest = source.manifest
    design = manifest.design
    if isinstance(design, MemoryManifest):
        rows, lead = _memory_rows(design), _memory_lead(manifest, design)
        command = generate_command(manifest)
    else:
        rows, lead = _network_rows(manifest, design), _network_lead(manifest, design)
        command = None
    rows += _hardware_rows(manifest)
    blocks: list[Block] = [
        DataTable(
            caption="Options, with the defaults filled in",
            head=("option", "value", "meaning"),
            rows=tuple(rows),
            sortable=False,
        )
    ]
    if command is not None:
        blocks.append(CommandLine(purpose="Generate this design again", command=command))
    else:
        blocks.append(
            Paragraph(
                text="The model file is not part of a build directory: `lmu-hw generate MODEL "
                "--data D.npz` with the widths above makes this design again."
            )
        )
    data: dict[str, Any] = {
        "digest": manifest.digest,
        "version": manifest.version,
        "command": command,
        "hardware": to_data(manifest.hardware),
    }
    if isinstance(design, MemoryManifest):
        data["spec"] = to_data(design.spec)
        data["realization"] = design.realization.value
    else:
        data["widths"] = to_data(design.widths)
    return (Section(key="request", title="Request", lead=lead, blocks=tuple(blocks), data=data),)


def generate_command(manifest: Manifest) -> str:
    """Return the command that generates the memory of a manifest again, to ``lmu_out``."""
    assert isinstance(manifest.design, MemoryManifest)
    design, hardware = manifest.design, manifest.hardware
    spec = design.spec
    words = ["lmu-hw", "generate", "--d", str(spec.order), "--theta", f"{spec.theta:.12g}"]
    for flag, name in (
        ("--discretizer", "discretizer"),
        ("--substeps", "substeps"),
        ("--bits", "bits"),
        ("--realization", "realization"),
        ("--accuracy", "accuracy"),
        ("--bandwidth", "bandwidth"),
        ("--neurons", "neurons"),
        ("--neuron-model", "neuron_model"),
        ("--seed", "seed"),
        ("--generators", "generators"),
        ("--channels", "channels"),
        ("--coef-bits", "coef_bits"),
        ("--weight-bits", "weight_bits"),
        ("--state-bits", "state_bits"),
        ("--name", "name"),
    ):
        value = getattr(spec, name)
        # --accuracy would choose these again
        kept = spec.accuracy is not None and name in ("discretizer", "substeps")
        if value != getattr(DEFAULTS, name) or (kept and design.neurons is None):
            words += [flag, str(to_data(value))]
    if spec.output is OutputKind.TAPS:
        words += ["--output", "taps=" + ",".join(f"{tap:.12g}" for tap in spec.taps)]
    elif spec.output is not DEFAULTS.output:
        words += ["--output", spec.output.value]
    words += _channel_options(manifest)
    if isinstance(hardware, Hardware):
        words += _hardware_options(hardware)
    if manifest.kits:
        words += ["--kit", ",".join(manifest.kits)]
    return shlex.join([*words, "-o", "lmu_out"])


def _channel_options(manifest: Manifest) -> list[str]:
    """Return the options of names, units and scales; those of the outputs are given in full."""
    words = []
    for role in (Role.INPUT, Role.OUTPUT):
        found = [c for v in manifest.formats.values() if v.role is role for c in v.channels or ()]
        for end, field in CHANNEL_OPTIONS.items():
            values = [getattr(channel, field) for channel in found]
            if any(value != getattr(Channel(), field) for value in values):
                texts = [f"{v:.17g}" if isinstance(v, float) else str(v) for v in values]
                # a value may start with a dash
                words.append(f"--{role.value}-{end}={','.join(texts)}")
    return words


def _hardware_options(hardware: Hardware) -> list[str]:
    default, words = Hardware(), []
    if hardware.lanes != default.lanes:
        words += ["--lanes", str(hardware.lanes)]
    if hardware.streams is not default.streams:
        words += ["--streams", str(to_data(hardware.streams))]
    if hardware.state_port:
        words.append("--state-port")
    data = hardware.to_data()
    for name in ("parallel", "pipeline", "interleave", "sections_per_multiplier", "layers"):
        if name in data:
            words += [f"--{name.replace('_', '-')}", str(data[name])]
    return words


def _memory_lead(manifest: Manifest, design: MemoryManifest) -> str:
    spec = design.spec
    chosen = f"{design.realization.value}"
    if spec.realization is RealizationKind.AUTO:
        chosen = f"{design.realization.value}, chosen because: {design.realization_reason}"
    per = f"{manifest.multiplies_per_step:,} multiplies a step"
    return (
        f"A memory of {spec.order} Legendre coefficients over {spec.theta:.6g} samples, in "
        f"{spec.bits}-bit words. Structure: {chosen}. It takes {per}."
    )


def _memory_rows(design: MemoryManifest) -> list[Row]:
    spec = design.spec
    rows: list[Row] = [
        ("d", f"{spec.order}", "Legendre coefficients"),
        ("theta", f"{spec.theta:.6g}", "window [samples]"),
        ("discretizer", spec.discretizer.value, "from continuous time to samples"),
        ("bits", f"{spec.bits}", "width of input and output words"),
        ("realization", spec.realization.value, f"built as {design.realization.value}"),
        ("output", _output_text(spec), "words of every step"),
    ]
    if spec.substeps > 1:
        rows.append(("substeps", f"{spec.substeps}", "bilinear steps in a sample"))
    if spec.channels > 1:
        rows.append(("channels", f"{spec.channels}", "independent signals"))
    if spec.accuracy is not None:
        rows.append(("accuracy", f"{spec.accuracy:.6g}", "largest error of decoded delays"))
    if spec.bandwidth is not None:
        rows.append(("bandwidth", f"{spec.bandwidth:.6g}", "of the input [cycles/sample]"))
    if design.neurons is not None:
        rows += [
            ("neurons", f"{design.neurons.neurons:,}", "spiking neurons of a channel"),
            ("neuron model", design.neurons.model.value, "how they fire"),
        ]
    rows += [
        ("coef-bits", _width(spec.coef_bits, design.coef_bits), "coefficients of the recursion"),
        (
            "weight-bits",
            _width(spec.weight_bits, design.weight_bits),
            "coefficients of the readout",
        ),
        ("state-bits", _width(spec.state_bits, design.state_bits), "words of the state"),
    ]
    return rows


def _output_text(spec: LMUSpec) -> str:
    if spec.output is OutputKind.TAPS:
        return "taps " + ", ".join(shorten([float(f"{tap:.6g}") for tap in spec.taps]))
    return str(spec.output.value)


def _width(given: int | None, chosen: int) -> str:
    return f"{chosen}" if given is not None else f"{chosen} (auto)"


def _network_lead(manifest: Manifest, design: NetworkManifest) -> str:
    every = {0: "at the last step", 1: "at every step"}.get(
        manifest.output_every, f"every {manifest.output_every} steps"
    )
    return (
        f"A trained network in integers: weights of {design.widths.weights_text} bits, "
        f"activations of {design.widths.act_bits}. It has an output {every} and takes "
        f"{manifest.multiplies_per_step:,} multiplies a step."
    )


def _network_rows(manifest: Manifest, design: NetworkManifest) -> list[Row]:
    widths = design.widths
    rows: list[Row] = [
        ("weight-bits", widths.weights_text, "weights of the layers"),
        ("act-bits", f"{widths.act_bits}", "outputs of the layers"),
        ("input-bits", f"{widths.input_bits}", "input words"),
        ("coef-bits", f"{widths.coef_bits}", "coefficients of memories"),
        ("state-bits", f"{widths.state_bits or '-'}", "states of memories"),
        (
            "output-every",
            "last" if manifest.output_every == 0 else f"{manifest.output_every}",
            "steps from output to output",
        ),
        ("data", design.calibration, "ranges without a proof are calibrated on these"),
    ]
    return rows


def _hardware_rows(manifest: Manifest) -> list[Row]:
    hardware = manifest.hardware
    if not isinstance(hardware, Hardware):
        return [("Verilog", "none", hardware.refused)]
    rows: list[Row] = [
        ("lanes", f"{hardware.lanes}", "multiply-accumulates side by side"),
        ("streams", str(to_data(hardware.streams)), "port names of the Verilog"),
    ]
    if hardware.state_port:
        rows.append(("state port", "yes", "ports that clear, save and load the state"))
    if manifest.kits:
        rows.append(("kits", ", ".join(manifest.kits), "packages for other tools"))
    return rows
