"""A generated folder: the program, its executors, vectors and a manifest that describes them."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from enum import Enum
from typing import Any

import numpy as np

from . import __version__, firmware, rtl, vectors
from .folder import TOOL, sha256_of
from .program import Program, Role
from .quantize import PROMISE, Design
from .schedule import Schedule, schedule
from .spec import LMUSpec, OutputKind

MANIFEST_VERSION = 1
VECTOR_SEED = 1
VECTOR_CYCLES = 400_000
"""Clock cycles that the vectors of a folder may cost its Verilog bench."""


def files_of(design: Design) -> dict[str, str | bytes]:
    """Return every file of the folder of a design, by relative name.

    The same design gives the same bytes: nothing of the folder, the path or the time enters.
    """
    program = design.program
    plan = schedule(program)
    steps = int(np.clip(VECTOR_CYCLES // plan.cycles_per_step, 4, 64))
    inputs = vectors.stimulus(program, steps, 1, VECTOR_SEED)[:, 0]
    expected = vectors.expect(program, inputs)
    files: dict[str, str | bytes] = {"program.json": program.to_json()}
    for folder, contents in (
        ("rtl", rtl.emit(program, plan, version=__version__)),
        ("c", firmware.emit(program, version=__version__)),
        ("vectors", vectors.to_files(program, expected)),
    ):
        files |= {f"{folder}/{name}": text for name, text in contents.items()}
    if design.spec.output is OutputKind.STATE:
        files["readout.npy"] = _npy(design.readout)
    manifest = describe(design, plan) | {
        "vectors": {"steps": steps, "seed": VECTOR_SEED},
        "files": sha256_of(files),
    }
    files["manifest.json"] = json.dumps(manifest, indent=2) + "\n"
    return files


def describe(design: Design, plan: Schedule) -> dict[str, Any]:
    """Return the manifest of a design, without the files."""
    program = design.program
    return {
        "tool": TOOL,
        "schema_version": MANIFEST_VERSION,
        "version": __version__,
        "digest": program.digest,
        "title": program.title,
        "spec": _spec(design.spec),
        "realization": design.realization.value,
        "realization_reason": design.reason,
        "coef_bits": design.coef_bits,
        "weight_bits": design.weight_bits,
        "state_bits": design.state_bits,
        "multiplies_per_step": program.multiplies_per_step,
        "multiplies": {op.kind: op.multiplies * program.channels(op) for op in program.ops},
        "cycles_per_step": plan.cycles_per_step,
        "cycle_formula": plan.cycle_formula,
        "formats": formats(program),
        "bounds": {
            b.signal: {
                "peak": _short(b.peak),
                "int_bits": b.fmt.int_bits,
                "frac_bits": b.fmt.frac_bits,
            }
            for b in design.bounds
        },
        "error_lsb": {
            "promise": PROMISE,
            "kept": design.error <= PROMISE,
            "predicted": _short(design.error),
            "coefficients": _short(design.coefficient_error),
            "roundoff": _short(design.roundoff_error),
        },
        "zero_input_decay": design.decay,
        "words": {role.value: program.n_words(role) for role in Role},
    }


def formats(program: Program) -> dict[str, dict[str, Any]]:
    """Return the format of every vector, by name."""
    return {
        v.name: {
            "int_bits": v.fmt.int_bits,
            "frac_bits": v.fmt.frac_bits,
            "signed": v.fmt.signed,
            "length": v.length,
            "role": v.role.value,
        }
        for v in program.vectors
    }


def _spec(spec: LMUSpec) -> dict[str, Any]:
    return {
        key: value.value if isinstance(value, Enum) else value
        for key, value in asdict(spec).items()
    }


def _short(x: float) -> float:
    """Return x to six digits: the last bits of a float differ between machines."""
    return float(f"{x:.6g}")


def _npy(rows: np.ndarray) -> bytes:
    """Return the .npy file of rows in float32, to 24 bits of each row's largest entry."""
    _, exponent = np.frexp(np.max(np.abs(rows), axis=1, keepdims=True))
    rounded = np.ldexp(np.rint(np.ldexp(rows, 24 - exponent)), exponent - 24)
    buffer = io.BytesIO()
    # adding zero makes -0 a 0
    np.save(buffer, np.ascontiguousarray(rounded + 0.0, dtype="<f4"), allow_pickle=False)
    return buffer.getvalue()
