"""``certificate.json``: write the claims about a program, and check them against the program.

A certificate holds when every claim in it equals what `proof.derive` finds in ``program.json``
alone. The predicted error is not proven; it is only checked against the worst case of the same
rounding.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import firmware
from .._support.build_directory import TOOL, read_manifest
from .._support.version import __version__
from ..errors import CertificateError, ModelFileError, read_error, reason_of
from ..firmware.operation import Accumulator
from ..firmware.shared_kernels import kernels_path
from ..program.codec import from_data, to_data
from ..program.integer_program import from_json
from .c_sums import check_sums
from .certificate_report import Certificate
from .claims import PredictedError, ProgramClaims
from .derive import derive

NAME = "certificate.json"
TEXT_NAME = "certificate.txt"
CERTIFICATE_VERSION = 2
ASSUMES = "any words of the inputs, from reset"
"""Condition under which every claim holds."""
ROUNDING = {
    "cascade": "rnd; trn_zero in silence; saturates",
    "spiking": "rnd; trn_zero in silence; saturates",
    "ladder": "rnd; trn_zero in silence; saturates",
    "dense": "rnd; trn_zero in silence; saturates",
    "linear": "rnd; saturates",
    "scale": "rnd; saturates",
    "pointwise": "rnd; saturates",
    "argmax": "exact",
}
"""How each kind of operation rounds; see `lmu_hw.program.integer_program`."""
REMEDY = "generate the build directory again"

Json = dict[str, Any]


def certificate(
    program_json: str,
    predicted: PredictedError | None,
    c_sums: tuple[Accumulator, ...] | None = None,
) -> Certificate:
    """Return the certificate of a program.

    Parameters
    ----------
    program_json : str
        The text of ``program.json``.
    predicted : PredictedError or None
        Predicted RMS error of an output word; None for a network.
    c_sums : tuple of Accumulator, optional
        The variables of the C that hold sums; see `lmu_hw.firmware.c_sums`.

    Raises
    ------
    ModelFileError
        If the text is not a program.
    """
    program = json.loads(program_json)
    return Certificate(
        tool=TOOL,
        certificate_version=CERTIFICATE_VERSION,
        digest=program["digest"],
        assumes=ASSUMES,
        rounding=_rounding(program),
        claims=derive(program),
        c_sums=c_sums,
        predicted_error_lsb=predicted,
    )


def certify(build_dir: Path) -> Certificate:
    """Derive the certificate of a build directory again, from its program alone.

    Returns
    -------
    Certificate
        As ``certificate.json`` states it; every claim was derived again and holds.

    Raises
    ------
    CertificateError
        If a claim does not hold; the text names the signal and the claim.
    ModelFileError
        If a file is missing or is not a program or certificate.
    """
    manifest = read_manifest(build_dir)
    program, stated = (_read(build_dir / name) for name in ("program.json", NAME))
    claims = derive(program)
    _check_claims(stated, to_data(claims))
    _check_rest(stated, program, claims)
    if (build_dir / "c").is_dir():
        _check_c(build_dir, manifest, program, stated)
    claimed = manifest.get("zero_input_decay")
    if claimed == "proven" and not all(d.proven for d in claims.decay.values()):
        raise CertificateError(
            "manifest.json", "zero_input_decay is 'proven', but no proof follows"
        )
    return _parsed(stated)


def load_certificate(build_dir: Path) -> Certificate:
    """Return the certificate of a build directory as it is stated, without deriving it again.

    Raises
    ------
    CertificateError
        If it is damaged.
    ModelFileError
        If it is missing.
    """
    return _parsed(_read(build_dir / NAME))


def _parsed(stated: Json) -> Certificate:
    try:
        found: Certificate = from_data(Certificate, stated)
    except KeyError as error:
        raise CertificateError("program", f"{NAME} has no {error}; {REMEDY}") from error
    except ValueError as error:
        raise CertificateError("program", f"{NAME} is damaged: {error}; {REMEDY}") from error
    return found


def require_proof(certificate: Certificate) -> None:
    """Raise unless every recurrent signal is proven to stay within its format.

    Raises
    ------
    CertificateError
    """
    for name in certificate.claims.unproven:
        reason = certificate.claims.signals[name].reason
        raise CertificateError(
            name,
            f"no proof that it stays in its format ({reason}); leave --require-proof out to accept "
            "that",
        )
    if not certificate.proven:
        raise CertificateError("program", "an accumulator is not exact")


def _rounding(program: Json) -> dict[str, str]:
    """Return how each kind of operation in a program rounds."""
    return {op["kind"]: ROUNDING[op["kind"]] for op in program["ops"]}


def _check_c(build_dir: Path, manifest: Mapping[str, Any], program: Json, stated: Json) -> None:
    """Raise unless the sums of the C fit their types, and the C is that of this program."""
    prefix = program["name"]
    check_sums(program, stated.get("c_sums"), _text(build_dir / "c" / f"{prefix}.c"))
    if manifest.get("version") != __version__:
        raise CertificateError(
            f"c/{prefix}.c",
            f"was written by lmu-hw {manifest.get('version')}, and this is {__version__}: {REMEDY}",
        )
    whole = from_json(_text(build_dir / "program.json"))
    if stated["c_sums"] != to_data(firmware.c_sums(whole)):
        raise CertificateError("program", "c_sums differ from the sums of its C")
    emitted = firmware.emit(whole, version=__version__)
    for name in firmware.source_files(prefix):
        path = build_dir / "c" / name
        if name == firmware.KERNELS:
            path = kernels_path(build_dir / "c")
        own = path.parent.resolve() == (build_dir / "c").resolve()
        remedy = REMEDY if own else f"{REMEDY}, with --kernels {path.parent} --force"
        if not own and not path.is_file():
            raise ModelFileError(f"cannot read {path}, shared by several designs: {remedy}")
        if _text(path) != emitted[name]:
            raise CertificateError(
                f"c/{name}" if own else str(path),
                "is not what lmu-hw writes for this program, so its types are not proven: "
                f"{remedy}",
            )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise read_error(path, error) from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is damaged ({error}); {REMEDY}") from error


def _read(path: Path) -> Json:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged ({reason_of(error)}); {REMEDY}") from error
    if not isinstance(data, dict):
        raise ModelFileError(f"{path} must hold a JSON object; {REMEDY}")
    return data


def _check_claims(stated: Json, derived: Json) -> None:
    """Raise at the first claim that does not follow from the program."""
    for kind in ("signals", "decay"):
        claims = _objects(stated, kind)
        for name, facts in derived[kind].items():
            if name not in claims:
                raise CertificateError(name, f"the claim of its {kind} is missing")
            if "basis" in facts:
                # a proof that is lost says more than a number that moved
                _compare(name, _objects(claims, name), {"basis": facts["basis"]})
        for name, facts in derived[kind].items():
            _compare(name, _objects(claims, name), facts)
        for name in claims.keys() - derived[kind].keys():
            raise CertificateError(name, "has a claim, but is not in the program")
    accumulators = stated.get("accumulators")
    if not isinstance(accumulators, list) or len(accumulators) != len(derived["accumulators"]):
        raise CertificateError("program", "accumulators differ from those of its operations")
    for claim, facts in zip(accumulators, derived["accumulators"], strict=True):
        name = f"accumulator of {facts['writes']}"
        if not isinstance(claim, dict):
            raise CertificateError(name, "its claim is missing")
        _compare(name, claim, facts)
    for key in ("proven", "unproven"):
        _compare("program", stated, {key: derived[key]})


def _check_rest(stated: Json, program: Json, claims: ProgramClaims) -> None:
    """Raise unless the certificate is of this program, and its predicted error is possible."""
    facts = {
        "certificate_version": CERTIFICATE_VERSION,
        "assumes": ASSUMES,
        "rounding": _rounding(program),
    }
    _compare("program", stated, facts)
    body = {key: value for key, value in program.items() if key != "digest"}
    compact = json.dumps(body, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(compact.encode()).hexdigest()
    if program.get("digest") != digest:
        raise CertificateError("program", "program.json does not match its own digest")
    _compare("program", stated, {"digest": digest})
    if "predicted_error_lsb" not in stated:
        raise CertificateError("program", "predicted_error_lsb is missing")
    predicted = stated["predicted_error_lsb"]
    if predicted is None:
        return
    possible = [
        (name, s.rounding)
        for name, s in claims.signals.items()
        if s.role == "output" and s.rounding is not None
    ]
    for key in ("predicted", "roundoff"):
        value = predicted.get(key) if isinstance(predicted, dict) else None
        if not isinstance(value, int | float) or not 0 <= value <= sys.float_info.max:
            raise CertificateError("program", f"predicted_error_lsb has no {key} that is a number")
    roundoff = predicted["roundoff"]
    for name, worst in possible:
        if roundoff > worst:
            raise CertificateError(
                name,
                f"roundoff of {roundoff!r} LSB RMS is predicted, but {worst:g} is its worst case",
            )


def _compare(name: str, claim: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raise unless the claim states every fact, with the same value and type."""
    for key, fact in facts.items():
        if key not in claim or claim[key] != fact or type(claim[key]) is not type(fact):
            raise CertificateError(
                name,
                f"{key} is claimed to be {claim.get(key)!r}, but the program gives {fact!r}",
            )


def _objects(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}
