"""Claims on the sums of the C: each has a type, and a type too narrow is caught."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lmu_hw import firmware
from lmu_hw._support.build_directory import sha256_of
from lmu_hw.errors import CertificateError, ModelFileError
from lmu_hw.firmware.digits import LOW_BITS
from lmu_hw.program.codec import to_data
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program
from lmu_hw.proof.c_half_sums import check_halves
from lmu_hw.proof.c_spike_sums import spike_sums
from lmu_hw.proof.c_sums import check_sums
from lmu_hw.proof.c_wave_sums import wave_sums
from lmu_hw.proof.certificate import certify
from tests.cli.command import call
from tests.factories.builds import generate
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.corners import CORNERS
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.factories.spiking_programs import SPIKING

INT32 = (-(1 << 31), (1 << 31) - 1)

Claims = list[dict[str, Any]]
PROGRAMS_OF: dict[str, Any] = {
    **(PROGRAMS | CORNERS | NETWORKS | SPIKING),
    **{name: configuration.make for name, configuration in CONFIGURATIONS.items()},
}


@cache
def stated(name: str) -> tuple[dict[str, Any], Claims, str]:
    """Return a program, what is claimed of its C, and the C."""
    found = PROGRAMS_OF[name]
    program = found if isinstance(found, Program) else found()
    claims = json.loads(json.dumps(to_data(firmware.c_sums(program))))
    return json.loads(program.to_json()), claims, firmware.emit(program, version="test")["lmu.c"]


LARGE = ("d=256", "d=128")
"""Configurations that take seconds to quantize."""
NAMES = [
    pytest.param(name, marks=pytest.mark.soak if any(n in name for n in LARGE) else ())
    for name in PROGRAMS_OF
]


@pytest.mark.some(40)
@pytest.mark.parametrize("name", NAMES)
def test_every_sum_holds(name: str) -> None:
    program, claims, text = stated(name)
    check_sums(program, claims, text)
    kinds = {op["kind"] for op in program["ops"]} - {"argmax"}
    kinds -= {"pointwise"} if "lmu_rounded(" in text else set()
    assert {
        re.split(r"_\d|_rows|_(?=outer|inner|real|product$|sum$|input$|fire$)", c["function"])[0]
        for c in claims
    } >= kinds
    for claim in claims:
        assert claim["type"] in ("int32_t", "int64_t")


def narrowed(claims: Claims, text: str) -> tuple[Claims, str]:
    """Return the first sum of 64 bits in 32."""
    claim = next(c for c in claims if not INT32[0] <= c["low"] <= c["high"] <= INT32[1])
    return [c | {"type": "int32_t"} if c is claim else c for c in claims], text


def narrowed_everywhere(claims: Claims, text: str) -> tuple[Claims, str]:
    return narrowed(claims, text)[0], text.replace("int64_t", "int32_t")


def narrowed_in_c(claims: Claims, text: str) -> tuple[Claims, str]:
    return claims, text.replace("const int64_t t = lmu", "const int32_t t = lmu", 1)


def of_another_range(claims: Claims, text: str) -> tuple[Claims, str]:
    return [claims[0] | {"high": claims[0]["high"] - 1}, *claims[1:]], text


def left_out(claims: Claims, text: str) -> tuple[Claims, str]:
    return [c for c in claims if c["variable"] != "sum"], text


def part_left_out(claims: Claims, text: str) -> tuple[Claims, str]:
    claim = next(c for c in claims if c.get("columns", [0])[0] > 0)
    return [c for c in claims if c is not claim], text


def unknown(claims: Claims, text: str) -> tuple[Claims, str]:
    return [*claims, claims[0] | {"variable": "more"}], text


def of_no_columns(claims: Claims, text: str) -> tuple[Claims, str]:
    claim = next(c for c in claims if "columns" in c)
    return [{k: v for k, v in c.items() if c is not claim or k != "columns"} for c in claims], text


def of_another_scale(claims: Claims, text: str) -> tuple[Claims, str]:
    return [c | {"scale_bits": "3"} for c in claims], text


def without_c(claims: Claims, text: str) -> tuple[Claims, str]:
    return claims, ""


FAULTS: dict[Callable[[Claims, str], tuple[Claims, str]], str] = {
    narrowed: r"is claimed to fit int32_t, but reaches -?\d+ to \d+",
    narrowed_everywhere: r"is claimed to fit int32_t, but reaches",
    narrowed_in_c: r"cascade_\w+: t: is int64_t by the certificate, but int32_t in the C",
    of_another_range: r"is claimed to reach -?\d+ to \d+, but the program gives -?\d+ to",
    left_out: r"the claim of its range is missing",
    part_left_out: r"no claim covers some columns of a row",
    unknown: r"has a claim, but is not a sum of the program",
    of_no_columns: r"columns are claimed to be None",
    of_another_scale: r"scale_bits is claimed to be '3'",
    without_c: r"but nowhere in the C",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_a_fault_is_caught(fault: Callable[[Claims, str], tuple[Claims, str]]) -> None:
    program, claims, text = stated("network")
    with pytest.raises(CertificateError, match=FAULTS[fault]):
        check_sums(program, *fault(claims, text))


WIDE = {
    ("ladder_brink_31", "ladder_sum", "sum"): "const int64_t sum = ",
    ("ladder_brink_32", "ladder_product", "d"): "const int64_t d = ",
    ("ladder", "ladder_product", "t"): "const int64_t t = ",
    ("ladder", "scale", "x"): "const int64_t x = ",
    ("spiking_brink_31", "spiking_fire", "v"): "const int64_t v = ",
    ("spiking_drawn_40", "spiking_fire", "q"): "const int64_t q = ",
}


def test_halves_of_words_that_do_not_fit_are_caught() -> None:
    """The sums of both halves, the place of the cut, and the calls of the kernel."""
    program, claims, text = stated("memory d=6 P=2")
    halves = [c for c in claims if "low_bits" in c]
    assert len(halves) == text.count("lmu_halves16(") > 0
    check_sums(program, claims, text)
    one = halves[0]
    others = [c for c in claims if c is not one]
    for edited, said in (
        ([*others, one | {"low_bits": 12}], "low_bits is claimed to be 12"),
        ([*others, {k: v for k, v in one.items() if k != "low_bits"}], "claims, but . calls in"),
        ([*others, one | {"columns": None}], "columns are claimed to be None"),
    ):
        with pytest.raises(CertificateError, match=said):
            check_sums(program, edited, text)
    with pytest.raises(CertificateError, match=r"claims, but . calls in the C"):
        check_sums(program, claims, text.replace("lmu_halves16(", "lmu_rows16_i32_64(", 1))
    (op,) = (op for op in program["ops"] if op["kind"] == "linear")
    for factor, half in ((1 << 9, "lower"), (1 << 3, "upper")):
        heavy = [[w * factor for w in row] for row in op["rows"]]
        words = [(-(1 << 23), (1 << 23) - 1) if half == "upper" else (0, 1)] * len(heavy[0])
        with pytest.raises(ValueError, match=f"adds {half} halves in 32 bits, but they reach"):
            check_halves(heavy, words, LOW_BITS)


@pytest.mark.parametrize(("name", "function", "variable"), WIDE)
def test_a_narrow_sum_of_a_memory_is_caught(name: str, function: str, variable: str) -> None:
    program, claims, text = stated(name)
    (claim,) = (c for c in claims if (c["function"], c["variable"]) == (function, variable))
    others = [c for c in claims if c is not claim]
    with pytest.raises(CertificateError, match="is claimed to fit int32_t, but reaches"):
        check_sums(program, [*others, claim | {"type": "int32_t"}], text)
    good = WIDE[name, function, variable]
    edited = text.replace(good, good.replace("int64_t", "int32_t"), 1)
    assert edited != text
    with pytest.raises(CertificateError, match="is int64_t by the certificate, but int32_t in"):
        check_sums(program, claims, edited)
    with pytest.raises(CertificateError, match="the claim of its range is missing"):
        check_sums(program, others, text)
    for end, by in (("low", 1), ("high", -1)):
        with pytest.raises(CertificateError, match="is claimed to reach"):
            check_sums(program, [*others, claim | {end: claim[end] + by}], text)


def test_a_scale_that_loses_bits_is_caught() -> None:
    program, claims, text = stated("ladder")
    edited = [c | {"scale_bits": 1} if c["variable"] == "t" else c for c in claims]
    with pytest.raises(CertificateError, match="1 fractional bits cannot hold a coefficient"):
        check_sums(program, edited, text)


@pytest.mark.parametrize("coefs", [(1, 1, 1), (3, 7, -5), (7, 1, 6)])
def test_sums_of_a_ladder_by_all_words(coefs: tuple[int, int, int]) -> None:
    """Every wave of 3 bits, in both sections and at the source."""
    even, odd, rho = (Fraction(coef, 8) for coef in coefs)
    found = []
    for left, a, w, b in itertools.product(range(-4, 4), repeat=4):
        for x, sign in (
            (left + rho * (left - a), 1),
            (left - w + even * (b - left), 1),
            (even * (b - left) - w, -1),
            (a + odd * (w - a), 1),
            (left + odd * (w - a), 1),
            (left + a - w + odd * (w - a), -1),
        ):
            found += [sign * math.floor(x + Fraction(1, 2)), math.floor(sign * x)]
    op = {
        "sections": [{"coef": coef, "shift": 3} for coef in coefs[:2]],
        "reflection": {"coef": coefs[2], "shift": 3},
    }
    assert wave_sums(op, QFormat(3, 0)) == (min(found), max(found))


@pytest.mark.parametrize("population", [0, 1, 2])
@pytest.mark.parametrize("quanta", [(0, 0), (2, 0), (1, 3)])
def test_sums_of_neurons_by_all_words(quanta: tuple[int, int], population: int) -> None:
    """Every state of 3 or 4 bits, with every word of its membrane."""
    fmts = QFormat(3, 0), QFormat(4, 0)
    rest = QFormat(max(1, *quanta), 0)
    sums, most = [], 0
    for fmt, s in zip(fmts, quanta, strict=True):
        full = 1 << s + population
        words = itertools.product(range(fmt.min, fmt.max + 1), range(rest.min, rest.max + 1))
        found = [m + max(-full, min(z, full)) + (1 << s) // 2 for z, m in words]
        most += max(abs(v >> s) for v in found)
        sums += found
    op = {
        "cascade": {"z_inner": "b", "z_outer": "a", "sections": [[{}, {}]]},
        "quanta": quanta,
        "population": population,
        "membrane": "m",
    }
    formats = {"a": fmts[0], "b": fmts[1], "m": rest}
    assert spike_sums(op, formats) == {"v": (min(sums), max(sums)), "spikes": (0, most)}


def test_a_count_of_spikes_that_is_too_small_is_caught() -> None:
    program, claims, text = stated("integrate_mixed")
    edited = [c | {"high": c["high"] - 1} if c["variable"] == "spikes" else c for c in claims]
    with pytest.raises(CertificateError, match="spiking_sections: spikes: is claimed to reach"):
        check_sums(program, edited, text)


@pytest.mark.parametrize("claims", [None, {}, [3], "sums"])
def test_a_certificate_that_claims_nothing(claims: Any) -> None:
    program, _, text = stated("network")
    with pytest.raises(CertificateError, match="the claims of its C sums are missing"):
        check_sums(program, claims, text)


def test_certify_checks_the_c_of_a_build_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    call(capsys, "generate", "--d", "6", "--theta", "30", "--bits", "16", "-o", str(out), "--quiet")
    sums = certify(out).c_sums
    assert sums is not None
    assert {s.variable for s in sums} >= {"d", "t", "dots64", "sum"}
    code = out / "c" / "lmu.c"
    text = code.read_text()
    assert "cascade_outer: t" in (out / "certificate.txt").read_text()
    edit(out, code, text.replace("const int64_t t = lmu", "const int32_t t = lmu"))
    with pytest.raises(CertificateError, match="is int64_t by the certificate, but int32_t in"):
        certify(out)
    code.unlink()
    with pytest.raises(ModelFileError, match="cannot read"):
        certify(out)


EDITS = {
    "a sum in 16 bits": ("lmu.c", r"int(32|64)_t sums\[", "int16_t sums["),
    "a product in 32 bits": ("lmu.c", r"lmu_product64\(e, d\)", "e * d"),
    "a parameter in 16 bits": ("lmu.c", r"int32_t e,", "int16_t e,"),
    "a type in a comment": ("lmu.c", r"const int64_t sum =", "const short /* int64_t sum */ sum ="),
    "a kernel in 16 bits": ("lmu_kernels.h", r"int64_t all;", "int16_t all;"),
    "a word in 16 bits": ("lmu.h", r"int32_t z_inner", "int16_t z_inner"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("certify") / "out", "--d", 6, "--theta", 30)


@pytest.mark.parametrize("case", EDITS)
def test_c_that_was_edited_is_not_certified(case: str, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    name, good, bad = EDITS[case]
    path = out / "c" / name
    text, n = re.subn(good, bad, path.read_text())
    assert n > 0
    edit(out, path, text)
    with pytest.raises(CertificateError, match=r"is not what lmu-hw writes|by the certificate"):
        certify(out)


def test_c_of_another_version_is_not_certified(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(manifest | {"version": "0.0.0"}))
    with pytest.raises(CertificateError, match=r"was written by lmu-hw 0\.0\.0, and this is"):
        certify(out)


DAMAGED = {
    "function": ["a"],
    "variable": 3,
    "low": 0.5,
    "high": True,
    "columns": 5,
    "scale_bits": [],
    "more": 1,
}


@pytest.mark.parametrize("key", DAMAGED)
def test_a_damaged_claim(key: str) -> None:
    """One line, whatever stands there."""
    program, claims, text = stated("network")
    for claim in claims:
        damaged = [c | {key: DAMAGED[key]} if c is claim else c for c in claims]
        with pytest.raises(CertificateError):
            check_sums(program, damaged, text)
    with pytest.raises(CertificateError):
        check_sums(program, [{}, *claims], text)


def edit(build_dir: Path, path: Path, text: str) -> None:
    """Write a file, and the manifest as if it had always been so."""
    assert path.read_text() != text
    path.write_text(text)
    manifest = json.loads((build_dir / "manifest.json").read_text())
    manifest["files"] |= sha256_of({str(path.relative_to(build_dir)): text})
    (build_dir / "manifest.json").write_text(json.dumps(manifest))
