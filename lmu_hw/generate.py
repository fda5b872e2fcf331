"""The files of a build directory: program, Verilog, C, vectors, certificate and manifest."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from . import firmware, rtl
from ._support.build_directory import MANIFEST, TOOL, sha256_of
from ._support.version import __version__
from .kits.catalogue import check_kits, hardware_for, kit_files
from .kits.kit import Kit, KitDesign
from .manifest import (
    MANIFEST_VERSION,
    CertificateSummary,
    Manifest,
    MemoryManifest,
    NetworkManifest,
    NoHardware,
    SignalBound,
    SignalRange,
    VectorFiles,
    VectorFormat,
)
from .memory.spec import OutputKind, RealizationKind
from .program import vectors
from .program.integer_program import Cascade, Program, Role
from .program.size import ram_bits, rom_bits
from .proof import certificate
from .proof.certificate_report import Certificate
from .proof.claims import Basis, PredictedError, ProgramClaims
from .quantize.memory_design import NeuronSummary, QuantizedMemory
from .quantize.memory_search import ERROR_BUDGET
from .quantize.network_summary import report
from .quantize.quantize_network import QuantizedNetwork
from .rtl.hardware_plan import HardwarePlan, hardware_plan
from .rtl.networks.network_plan import NetworkPlan
from .rtl.options import Hardware
from .rtl.parallel.cascade_plan import CascadePlan
from .rtl.schedule import Schedule, why_not

VECTOR_SEED = 1
VECTOR_CYCLES = 400_000
"""Most clock cycles that the test vectors take in the Verilog bench."""
VECTOR_STEPS = 64
"""Most steps of the test vectors where every step has an output."""
MAX_VECTOR_STEPS = 4096
"""Most steps where outputs are rare: as many as two outputs need, up to this."""


def files_of(
    design: QuantizedMemory | QuantizedNetwork,
    hardware: Hardware | None = None,
    *,
    kernels: str = "",
    kits: Sequence[Kit] = (),
) -> dict[str, str | bytes]:
    """Return all files of the build directory of a design, by relative path.

    The bytes depend on the design only, on no path and no time; with ``kernels``, the path of a
    shared ``lmu_kernels.h`` from the build directory, on that path too. The hardware has what the
    kits need.
    """
    program, hardware = design.program, hardware_for(kits, hardware or Hardware())
    described = (
        describe(design) if isinstance(design, QuantizedMemory) else describe_network(design)
    )
    proof = certificate_of(design)
    refused = why_not(program)
    check_kits(kits, None if refused else hardware, refused)
    safe = in_format(program, proof.claims)
    plan = None if refused else hardware_plan(program, hardware, safe)
    cycles = MAX_VECTOR_STEPS if plan is None else VECTOR_CYCLES // plan.cycles_per_step
    steps = int(
        np.clip(cycles, 4, max(VECTOR_STEPS, min(2 * program.output_every, MAX_VECTOR_STEPS)))
    )
    inputs = vectors.stimulus(program, steps, 1, VECTOR_SEED)[:, 0]
    expected = vectors.expect(program, inputs)
    files: dict[str, str | bytes] = {"program.json": program.to_json()}
    contents = {
        "c": firmware.emit(program, version=__version__, kernels=kernels and _from_c(kernels)),
        "vectors": vectors.to_files(program, expected),
    }
    if plan is not None:
        texts = rtl.emit(program, plan, version=__version__, streams=hardware.streams)
        contents = {"rtl": texts, **contents}
    for build_dir, texts in contents.items():
        files |= {f"{build_dir}/{name}": text for name, text in texts.items()}
    if isinstance(design, QuantizedMemory) and design.spec.output is OutputKind.STATE:
        files["readout.npy"] = _npy(design.readout)
    files[certificate.NAME] = json.dumps(proof.to_dict(), indent=1) + "\n"
    files[certificate.TEXT_NAME] = f"{proof}\n"
    if kits:
        files |= kit_files(
            kits,
            KitDesign(
                program=program,
                plan=plan if isinstance(plan, Schedule) else None,
                hardware=hardware,
                rtl=contents.get("rtl", {}),
                c=firmware.emit(program, version=__version__),
                vectors=contents["vectors"],
                version=__version__,
            ),
        )
    manifest = _manifest(
        program,
        plan,
        described,
        hardware=NoHardware(refused=refused) if refused else hardware,
        proof=proof,
        vectors=VectorFiles(steps=steps, seed=VECTOR_SEED),
        files=sha256_of({**files, kernels: firmware.kernels_text()} if kernels else files),
        kits=tuple(kit.name for kit in kits) or None,
    )
    files[MANIFEST] = json.dumps(manifest.to_dict(), indent=2) + "\n"
    return files


def _from_c(kernels: str) -> str:
    """Return the directory of kernels as seen from ``c/``, not from the build directory."""
    return PurePosixPath("..", kernels).parent.as_posix()


def certificate_of(design: QuantizedMemory | QuantizedNetwork) -> Certificate:
    """Return the certificate of a design's program."""
    program = design.program
    predicted = describe(design).error_lsb if isinstance(design, QuantizedMemory) else None
    return certificate.certificate(program.to_json(), predicted, firmware.c_sums(program))


def _manifest(
    program: Program,
    plan: HardwarePlan | None,
    design: MemoryManifest | NetworkManifest,
    *,
    hardware: Hardware | NoHardware,
    proof: Certificate,
    vectors: VectorFiles,
    files: dict[str, str],
    kits: tuple[str, ...] | None,
) -> Manifest:
    """Return the manifest of a program and its files."""
    by_kind: dict[str, int] = {}
    for op in program.ops:
        by_kind[op.kind] = by_kind.get(op.kind, 0) + program.multiplies(op)
    return Manifest(
        tool=TOOL,
        schema_version=MANIFEST_VERSION,
        version=__version__,
        digest=program.digest,
        title=program.title,
        output_every=program.output_every,
        multiplies_per_step=program.multiplies_per_step,
        multiplies_per_output=program.multiplies_per_output,
        multiplies=by_kind,
        cycles_per_step=None if plan is None else plan.cycles_per_step,
        cycle_formula=None if plan is None else plan.cycle_formula,
        latency=plan.latency if isinstance(plan, CascadePlan | NetworkPlan) else None,
        rom_bits=rom_bits(program),
        ram_bits=ram_bits(program),
        formats=formats(program),
        words={role.value: program.n_words(role) for role in Role},
        design=design,
        hardware=hardware,
        certificate=CertificateSummary(proven=proof.proven, unproven=proof.claims.unproven),
        vectors=vectors,
        kits=kits,
        files=files,
    )


def in_format(program: Program, claims: ProgramClaims) -> frozenset[str]:
    """Return the signals of a certificate whose results never leave their formats."""
    formats = {v.name: v.fmt for v in program.vectors}
    formats |= {
        f"chain of {op.z_inner}": op.chain_fmt for op in program.ops if isinstance(op, Cascade)
    }
    found = set()
    for name, claim in claims.signals.items():
        fmt = formats.get(name)
        proven = claim.basis is not Basis.SATURATION
        if proven and fmt is not None and fmt.min <= claim.low and claim.high <= fmt.max:
            found.add(name)
    return frozenset(found)


def describe(design: QuantizedMemory) -> MemoryManifest:
    """Return the part of a manifest that only a memory has."""
    return MemoryManifest(
        spec=design.spec,
        realization=design.realization,
        realization_reason=design.reason,
        coef_bits=design.coef_bits,
        weight_bits=design.weight_bits,
        state_bits=design.state_bits,
        bounds={
            b.signal: SignalBound(
                peak=_short(b.peak), int_bits=b.fmt.int_bits, frac_bits=b.fmt.frac_bits
            )
            for b in design.bounds
        },
        error_lsb=PredictedError(
            budget=ERROR_BUDGET,
            kept=design.error <= ERROR_BUDGET,
            predicted=_short(design.error),
            coefficients=_short(design.coefficient_error),
            roundoff=_short(design.roundoff_error),
            neurons=None if design.neurons is None else _short(design.neurons.error_lsb),
        ),
        zero_input_decay=design.decay,
        delay_error=None if design.delay_error is None else _short(design.delay_error),
        neurons=None if design.neurons is None else _shortened(design.neurons),
    )


def _shortened(neurons: NeuronSummary) -> NeuronSummary:
    """Return the summary with predictions to six digits."""
    names = ("nrmse", "bandwidth", "spikes_per_step", "error_lsb")
    short: dict[str, Any] = {name: _short(getattr(neurons, name)) for name in names}
    return replace(neurons, **short)


def describe_network(design: QuantizedNetwork) -> NetworkManifest:
    """Return the part of a manifest that only a network has."""
    return NetworkManifest(
        realization=RealizationKind.CASCADE,
        network=report(design.network),
        widths=design.widths,
        calibration=design.calibration,
        signals={
            b.signal: SignalRange(
                format=str(b.fmt),
                peak=_short(b.peak),
                basis="proven" if b.proven else "seen on data",
            )
            for b in design.bases
        },
    )


def formats(program: Program) -> dict[str, VectorFormat]:
    """Return the format of every vector, by name."""
    return {
        v.name: VectorFormat(
            int_bits=v.fmt.int_bits,
            frac_bits=v.fmt.frac_bits,
            signed=v.fmt.signed,
            length=v.length,
            role=v.role,
            channels=v.channels,
        )
        for v in program.vectors
    }


def _short(x: float) -> float:
    """Return x to six digits: the last bits of a float differ between machines."""
    return float(f"{x:.6g}")


def _npy(rows: np.ndarray) -> bytes:
    """Return the .npy file of rows in float32, to 24 bits of each row's largest entry."""
    _, exponent = np.frexp(np.max(np.abs(rows), axis=1, keepdims=True))
    rounded = np.ldexp(np.rint(np.ldexp(rows, 24 - exponent)), exponent - 24)
    buffer = io.BytesIO()
    # adding zero turns -0 into 0
    np.save(buffer, np.ascontiguousarray(rounded + 0.0, dtype="<f4"), allow_pickle=False)
    return buffer.getvalue()
