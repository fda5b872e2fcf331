"""``certificate.json``: what is claimed of a program, and whether it holds.

A certificate holds when every claim in it is what `proof.derive` finds in ``program.json`` alone.
The error that was predicted is no proof; it is held against the worst case of the same rounding.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__, firmware
from .._support.build_directory import read_manifest
from ..errors import CertificateError, ModelFileError, read_error, reason_of
from ..program.integer_program import from_json
from .c_sums import check_sums
from .derive import derive

NAME = "certificate.json"
TEXT_NAME = "certificate.txt"
CERTIFICATE_VERSION = 2
ASSUMES = "any words of the inputs, from reset"
"""Under which every claim holds."""
ROUNDING = {
    "cascade": "rnd; trn_zero in silence; saturates",
    "dense": "rnd; trn_zero in silence; saturates",
    "linear": "rnd; saturates",
    "pointwise": "rnd; saturates",
    "argmax": "exact",
}
"""How operations round, see `lmu_hw.program.integer_program`."""

Certificate = dict[str, Any]


def certificate(
    program_json: str,
    predicted: Mapping[str, Any] | None,
    c_sums: list[dict[str, Any]] | None = None,
) -> Certificate:
    """Return the certificate of a program.

    Parameters
    ----------
    program_json : str
        The text of ``program.json``.
    predicted : mapping or None
        RMS errors of an output word that were predicted [its LSB], ``roundoff`` among them.
    c_sums : list of dict, optional
        The variables of the C that hold sums, their types and ranges; see `proof.c_sums`.
    """
    program = json.loads(program_json)
    return {
        "tool": "lmu-hw",
        "certificate_version": CERTIFICATE_VERSION,
        "digest": program["digest"],
        "assumes": ASSUMES,
        "rounding": {op["kind"]: ROUNDING[op["kind"]] for op in program["ops"]},
        **derive(program),
        "c_sums": c_sums,
        "predicted_error_lsb": None if predicted is None else dict(predicted),
    }


def certify(build_dir: Path) -> Certificate:
    """Derive the certificate of a build directory again, from its program alone.

    Returns
    -------
    dict
        The certificate, which holds.

    Raises
    ------
    CertificateError
        If a claim does not hold; it names the signal and the claim.
    ModelFileError
        If a file is missing or is no program or certificate.
    """
    manifest = read_manifest(build_dir)
    program, stated = (_read(build_dir / name) for name in ("program.json", NAME))
    derived = derive(program)
    _check_claims(stated, derived)
    _check_rest(stated, program, derived)
    if (build_dir / "c").is_dir():
        _check_c(build_dir, manifest, program, stated)
    claimed = manifest.get("zero_input_decay")
    if claimed == "proven" and not all(d["proven"] for d in derived["decay"].values()):
        raise CertificateError("manifest.json", "zero_input_decay is 'proven', but it is not")
    return stated


def text(certificate: Mapping[str, Any]) -> str:
    """Return a certificate for people: what is proven of every signal, a line each."""
    signals = certificate["signals"]
    width = max(map(len, signals))
    lines = [
        f"Certificate of program {certificate['digest'][:16]}; 'lmu-hw certify' derives it again.",
        f"It holds for {certificate['assumes']}.",
        "",
        f"{'signal':{width}}  format    words reached            of rounding  basis",
    ]
    for name, s in signals.items():
        reached = f"{s['low']} to {s['high']}"
        noise = "" if s["rounding"] is None else f"{s['rounding']:.3f}"
        mark = " (recurrent)" if s["recurrent"] else ""
        why = f": {s['reason']}" if s["reason"] else ""
        lines.append(
            f"{name:{width}}  {s['format']:8}  {reached:23}  {noise:>11}  {s['basis']}{mark}{why}"
        )
    widest = max((a["bits"] for a in certificate["accumulators"]), default=0)
    lines += ["", f"Accumulators: exact in {widest} bits."]
    if certificate["c_sums"]:
        lines += ["", "Sums in the C, and their types:", *_sum_lines(certificate["c_sums"]), ""]
    for names, decay in certificate["decay"].items():
        verdict = "proven" if decay["proven"] else "not proven"
        lines.append(f"Zero input dies to exactly zero in {names}: {verdict} ({decay['reason']}).")
    if (error := certificate["predicted_error_lsb"]) is not None:
        lines.append(
            f"Predicted, not proven: {error['predicted']:g} LSB RMS of an output word, "
            f"{error['roundoff']:g} of them roundoff."
        )
    return "\n".join([*lines, verdict_of(certificate)]) + "\n"


def _sum_lines(sums: list[dict[str, Any]]) -> list[str]:
    """Return a line for each variable of the C that holds a sum."""
    names = [f"{s['function']}: {s['variable']}" for s in sums]
    width = max(map(len, names))
    return [
        f"{name:{width}}  {s['type']}  {s['low']} to {s['high']}"
        + (f", columns {s['columns'][0]} to {s['columns'][1] - 1}" if "columns" in s else "")
        for name, s in zip(names, sums, strict=True)
    ]


def verdict_of(certificate: Mapping[str, Any]) -> str:
    """Return in a line what the certificate comes to."""
    if certificate["proven"]:
        return "Proven: no recurrent signal can leave its format, no accumulator overflow."
    names = ", ".join(certificate["unproven"]) or "an accumulator"
    return f"NOT proven for every recurrent signal: {names} may saturate."


def require_proof(certificate: Mapping[str, Any]) -> None:
    """Raise unless every recurrent signal is proven to keep to its format.

    Raises
    ------
    CertificateError
    """
    for name in certificate["unproven"]:
        reason = certificate["signals"][name]["reason"]
        raise CertificateError(
            name,
            f"no proof that it keeps to its format ({reason}); leave --require-proof out to accept "
            "that",
        )
    if not certificate["proven"]:
        raise CertificateError("program", "an accumulator is not exact")


def _check_c(
    build_dir: Path, manifest: Mapping[str, Any], program: Certificate, stated: Certificate
) -> None:
    """Raise unless the sums of the C fit their types, and the C is what the program becomes."""
    prefix = program["name"]
    check_sums(program, stated.get("c_sums"), _text(build_dir / "c" / f"{prefix}.c"))
    if manifest.get("version") != __version__:
        raise CertificateError(
            f"c/{prefix}.c",
            f"was written by lmu-hw {manifest.get('version')}, and this is {__version__}: generate "
            "the folder again",
        )
    whole = from_json(_text(build_dir / "program.json"))
    if stated["c_sums"] != json.loads(json.dumps(firmware.c_sums(whole))):
        raise CertificateError("program", "c_sums are not the sums of its C")
    emitted = firmware.emit(whole, version=__version__)
    for name in (f"{prefix}.c", f"{prefix}.h", firmware.KERNELS):
        if _text(build_dir / "c" / name) != emitted[name]:
            raise CertificateError(
                f"c/{name}",
                "is not what lmu-hw writes for this program, so its types are not proven: generate "
                "the folder again",
            )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise read_error(path, error) from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is damaged ({error}); generate the folder again") from error


def _read(path: Path) -> Certificate:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is damaged ({reason_of(error)}); generate the folder again"
        ) from error
    if not isinstance(data, dict):
        raise ModelFileError(f"{path} must hold a JSON object; generate the folder again")
    return data


def _check_claims(stated: Certificate, derived: Certificate) -> None:
    """Raise at the first claim that is not what follows from the program."""
    for kind in ("signals", "decay"):
        claims = _objects(stated, kind)
        for name, facts in derived[kind].items():
            if name not in claims:
                raise CertificateError(name, f"there is no claim of its {kind}")
            if "basis" in facts:
                # a proof that is lost says more than a number that moved
                _compare(name, _objects(claims, name), {"basis": facts["basis"]})
        for name, facts in derived[kind].items():
            _compare(name, _objects(claims, name), facts)
        for name in claims.keys() - derived[kind].keys():
            raise CertificateError(name, "is claimed of, but is not in the program")
    accumulators = stated.get("accumulators")
    if not isinstance(accumulators, list) or len(accumulators) != len(derived["accumulators"]):
        raise CertificateError("program", "accumulators are not those of its operations")
    for claim, facts in zip(accumulators, derived["accumulators"], strict=True):
        name = f"accumulator of {facts['writes']}"
        if not isinstance(claim, dict):
            raise CertificateError(name, "nothing is claimed of it")
        _compare(name, claim, facts)
    for key in ("proven", "unproven"):
        _compare("program", stated, {key: derived[key]})


def _check_rest(stated: Certificate, program: Certificate, derived: Certificate) -> None:
    """Raise unless the certificate is of this program, and what it predicts is possible."""
    rounding = {op["kind"]: ROUNDING[op["kind"]] for op in program["ops"]}
    facts = {"certificate_version": CERTIFICATE_VERSION, "assumes": ASSUMES, "rounding": rounding}
    _compare("program", stated, facts)
    body = {key: value for key, value in program.items() if key != "digest"}
    compact = json.dumps(body, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(compact.encode()).hexdigest()
    if program.get("digest") != digest:
        raise CertificateError("program", "program.json does not match its own digest")
    _compare("program", stated, {"digest": digest})
    if "predicted_error_lsb" not in stated:
        raise CertificateError("program", "nothing is said of its predicted_error_lsb")
    predicted = stated["predicted_error_lsb"]
    if predicted is None:
        return
    possible = [
        (name, s["rounding"])
        for name, s in derived["signals"].items()
        if s["role"] == "output" and s["rounding"] is not None
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
    """Raise unless every fact is claimed as it is."""
    for key, fact in facts.items():
        if key not in claim or claim[key] != fact or type(claim[key]) is not type(fact):
            raise CertificateError(
                name,
                f"{key} is claimed to be {claim.get(key)!r}, but from the program follows {fact!r}",
            )


def _objects(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}
