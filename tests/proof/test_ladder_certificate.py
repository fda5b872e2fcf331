"""Certificates of ladders: kept by what lmu-hw writes, lost by programs broken by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import CertificateError, LMUHWError, ModelFileError
from lmu_hw.memory.spec import parse
from lmu_hw.proof.certificate import certificate, certify
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories.programs import ladder_program
from tests.proof.test_certificate import check_that_certify_catches, stated_of, write

Data = dict[str, Any]
Edit = Callable[[Data, Data], None]


def designed(**keys: Any) -> QuantizedMemory:
    return quantize_memory(parse({"discretizer": "bilinear", "realization": "ladder", **keys}))


def op(program: Data, kind: str = "ladder") -> Data:
    return next(o for o in program["ops"] if o["kind"] == kind)


def vector(program: Data, name: str) -> Data:
    return next(v for v in program["vectors"] if v["name"] == name)


def narrower(program: Data, stated: Data) -> None:
    fmt = vector(program, "w")["fmt"]
    fmt["int_bits"] -= 1
    for name in ("w", "waves of w"):
        stated["signals"][name]["format"] = f"Q{fmt['int_bits']}.{fmt['frac_bits']}"


def coarser(program: Data, stated: Data) -> None:
    fmt = vector(program, "w")["fmt"]
    fmt["frac_bits"] -= 2
    for name in ("w", "waves of w"):
        stated["signals"][name]["format"] = f"Q{fmt['int_bits']}.{fmt['frac_bits']}"


def section_of_1(program: Data, _: Data) -> None:
    e = op(program)["sections"][3]
    e["coef"] = 1 << e["shift"]


def section_of_0(program: Data, _: Data) -> None:
    op(program)["sections"][0]["coef"] = 0


def total_reflection(program: Data, _: Data) -> None:
    rho = op(program)["reflection"]
    rho["coef"] = -(1 << rho["shift"])


def shift_of_a_section(program: Data, _: Data) -> None:
    op(program)["sections"][2]["shift"] += 1


def louder_input(program: Data, stated: Data) -> None:
    for name in ("u", "previous"):
        fmt = vector(program, name)["fmt"]
        fmt["int_bits"], fmt["frac_bits"] = 3, fmt["frac_bits"] - 2
        stated["signals"][name]["format"] = f"Q3.{fmt['frac_bits']}"


def narrower_previous(program: Data, stated: Data) -> None:
    fmt = vector(program, "previous")["fmt"]
    fmt["int_bits"] -= 2
    stated["signals"]["previous"]["format"] = f"Q-1.{fmt['frac_bits']}"


def scale_of_a_row(program: Data, _: Data) -> None:
    op(program, "scale")["shifts"][1] -= 2


def window_beyond_its_counter(program: Data, _: Data) -> None:
    op(program)["window"] = 1 << 9


def tighter_bound(_: Data, stated: Data) -> None:
    stated["signals"]["waves of w"]["high"] -= 1


def no_claim_of_waves(_: Data, stated: Data) -> None:
    del stated["signals"]["waves of w"]


def rounding_mode(_: Data, stated: Data) -> None:
    stated["rounding"]["ladder"] = "trn; saturates"


def narrower_accumulator(_: Data, stated: Data) -> None:
    stated["accumulators"][0]["bits"] -= 1


LOST = "basis is claimed to be 'l1 norm', but the program gives 'saturation'"
CORRUPTIONS: dict[Edit, str] = {
    narrower: f"w: {LOST}",
    coarser: "w: low is claimed",
    section_of_1: f"w: {LOST}",
    section_of_0: f"w: {LOST}",
    total_reflection: f"w: {LOST}",
    shift_of_a_section: "w: low is claimed",
    louder_input: f"w: {LOST}",
    narrower_previous: "previous: basis is claimed to be 'interval'.*'saturation'",
    scale_of_a_row: f"y: {LOST}",
    window_beyond_its_counter: "silence: basis is claimed to be 'count'.*'saturation'",
    tighter_bound: "waves of w: high is claimed",
    no_claim_of_waves: "waves of w: the claim of its signals is missing",
    rounding_mode: "program: rounding is claimed",
    narrower_accumulator: "accumulator of w: bits is claimed",
}


@pytest.fixture(scope="module")
def design() -> tuple[Data, Data]:
    return stated_of(designed(d=6, theta=70, bits=12, substeps=2))


@pytest.mark.parametrize("edit", CORRUPTIONS, ids=lambda edit: edit.__name__)
def test_certify_catches(edit: Edit, design: tuple[Data, Data], tmp_path: Path) -> None:
    check_that_certify_catches(edit, CORRUPTIONS[edit], design, tmp_path / "out")


@pytest.mark.parametrize("edit", [section_of_1, section_of_0, total_reflection])
def test_a_section_that_is_not_lossless_has_no_proof(edit: Edit, design: tuple[Data, Data]) -> None:
    program, stated = copy.deepcopy(design)
    assert derive(program).proven
    edit(program, stated)
    found = derive(program)
    (decay,) = found.decay.values()
    assert not decay.proven
    assert "not between" in decay.reason
    assert found.unproven == ("w", "waves of w")
    assert found.signals["w"].reason == decay.reason


def test_the_proof_says_why(design: tuple[Data, Data]) -> None:
    program, _ = design
    found = derive(program)
    assert set(found.decay) == {"w previous"}
    assert found.decay["w previous"].proven
    assert found.signals["waves of w"].role == "waves"
    assert found.signals["w"].recurrent
    assert found.signals["waves of w"].recurrent
    assert found.signals["y"].basis is Basis.L1


@pytest.mark.parametrize("key", ["coefs", "shifts", "source", "substeps", "sections", "previous"])
@pytest.mark.parametrize("value", [None, -1, 3, "x", [], [[-1]]])
def test_damaged_operations_are_errors_of_one_line(
    key: str, value: Any, design: tuple[Data, Data], tmp_path: Path
) -> None:
    program, stated = copy.deepcopy(design)
    for o in program["ops"]:
        if key in o:
            o[key] = value
    with pytest.raises((CertificateError, ModelFileError)):
        certify(write(tmp_path / "out", program, stated))


@pytest.mark.parametrize(
    "keys",
    [
        {"d": 1, "theta": 5, "bits": 8},
        {"d": 6},
        {"d": 7, "bits": 6, "channels": 2},
        {"d": 16, "bits": 16, "output": "taps=0,0.5,1"},
        {"d": 9, "theta": 20, "bits": 10, "substeps": 8},
        {"d": 12, "bits": 12, "output": "state"},
        {"d": 64, "bits": 16},
    ],
    ids=str,
)
def test_bounds_are_not_above_those_that_chose_the_formats(keys: Data) -> None:
    """Two ways to the same worst cases: floats in `quantize`, integers here."""
    design = designed(**keys)
    found = derive(json.loads(design.program.to_json()))
    assert found.proven
    assert all(d.proven for d in found.decay.values())
    (bound,) = (b for b in design.bounds if b.signal == "w")
    claims = [found.signals[name] for name in ("w", "waves of w")]
    assert all(claim.high * bound.fmt.lsb <= bound.peak for claim in claims)
    loudest = max(claim.high - claim.rounding for claim in claims) * bound.fmt.lsb
    assert loudest == pytest.approx(bound.peak, rel=0.5)


@pytest.mark.soak
def test_random_specs_are_proven(tmp_path: Path) -> None:
    rng, n = np.random.default_rng(3), 0
    while n < 30:
        d, bits = int(rng.integers(1, 20)), int(rng.integers(4, 21))
        keys: Data = {
            "d": d,
            "theta": round(d * rng.uniform(1, 12), 3),
            "bits": bits,
            "output": str(rng.choice(["memory", "state", "taps=0,0.5,1"])),
            "channels": int(rng.integers(1, 3)),
            "substeps": int(rng.choice([1, 2, 4, 8])),
        }
        try:
            design = designed(**keys)
        except LMUHWError:
            continue
        program, stated = stated_of(design)
        assert stated["proven"], (keys, stated["unproven"])
        certify(write(tmp_path / "out", program, stated))
        n += 1


def test_a_scale_of_anything_else_is_bounded_by_its_words() -> None:
    program = json.loads(ladder_program(order=4, scaled=True).to_json())
    narrow = derive(program).signals["y_w"]
    assert narrow.basis in (Basis.L1, Basis.SATURATION)
    assert narrow.rounding is not None
    # the outputs of one scale, scaled again
    again = {**op(program, "scale"), "source": "y_w", "target": "z"}
    program["ops"].append(again)
    program["vectors"].append({**vector(program, "y_w"), "name": "z"})
    wide = derive(program).signals["z"]
    assert wide.rounding is None
    fmt = vector(program, "y_w")["fmt"]
    top = 1 << (fmt["int_bits"] + fmt["frac_bits"] - 1)
    peak = max(abs(c) * top / 2**s for c, s in zip(again["coefs"], again["shifts"], strict=True))
    assert max(-wide.low, wide.high) == pytest.approx(peak, abs=1)


def test_the_text_names_both(design: tuple[Data, Data]) -> None:
    text = str(certificate(json.dumps(design[0]), None))
    assert "Zero input dies to exactly zero in w previous: proven" in text
    assert "every section has 0 < e < 1, and -1 < rho < 1" in text
