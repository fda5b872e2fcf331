"""Programs that lmu-hw does not write: no claim where the proof does not apply."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from lmu_hw.errors import ModelFileError
from lmu_hw.memory.spec import parse
from lmu_hw.proof import matrix, memory_bounds, rounding, shape
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.quantize.quantize_memory import quantize_memory

Data = dict[str, Any]
WIDE = {"coef": (1 << 45) + 1, "shift": 45}
TAPS = {"d": 4, "theta": 20, "bits": 8, "realization": "cascade", "output": "memory"}


@pytest.fixture(scope="module")
def program() -> Data:
    data = json.loads(quantize_memory(parse(TAPS)).program.to_json())
    assert isinstance(data, dict)
    return data


def fmt_of(data: Data, name: str) -> Data:
    return next(v["fmt"] for v in data["vectors"] if v["name"] == name)


def coarse_chain(data: Data) -> None:
    data["ops"][0]["chain_fmt"] = {"int_bits": -1, "frac_bits": 9, "signed": True}


def fine_words(data: Data) -> None:
    fmt_of(data, "z_inner").update(int_bits=-90, frac_bits=100)


def wide_coefficient(data: Data) -> None:
    data["ops"][0]["sections"][0][0] = WIDE


def no_adaptor(data: Data) -> None:
    data["ops"][0]["sections"][1][1]["coef"] = 0


REASONS: dict[Callable[[Data], None], str] = {
    coarse_chain: "its input saturates",
    fine_words: "its words have too many fractional bits to analyze",
    wide_coefficient: "its coefficients are too wide to analyze",
    no_adaptor: "section 1 has an adaptor of e = 0",
}


@pytest.mark.parametrize("edit", REASONS, ids=lambda edit: edit.__name__)
def test_a_chain_that_cannot_be_followed(edit: Callable[[Data], None], program: Data) -> None:
    data = copy.deepcopy(program)
    assert derive(data).proven
    edit(data)
    found = derive(data)
    assert not found.proven
    for name in ("z_inner", "z_outer", "chain of z_inner"):
        claim = found.signals[name]
        assert claim.basis is Basis.SATURATION
        assert REASONS[edit] in claim.reason


def test_a_chain_that_rings_on(program: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_bounds, "MAX_STEPS", 8)
    claim = derive(program).signals["z_inner"]
    assert (claim.basis, claim.reason) == (
        Basis.SATURATION,
        "no bound of its impulse response was found",
    )


def test_rows_too_wide_for_a_response_are_bounded_by_their_words(program: Data) -> None:
    data = copy.deepcopy(program)
    rows = data["ops"][1]
    assert derive(data).signals[rows["target"]].basis == Basis.L1
    rows["rows"] = [[x << 50 for x in row] for row in rows["rows"]]
    rows["shifts"] = [shift + 50 for shift in rows["shifts"]]
    found = derive(data).signals
    assert found["z_inner"].basis == Basis.L1
    assert found[rows["target"]].basis != Basis.L1


def test_errors_that_would_be_followed_too_long(
    program: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The norm that errors add to the state still bounds them, further away."""
    near = derive(program).signals["z_inner"]
    monkeypatch.setattr(rounding, "MAX_CYCLES", 16)
    far = derive(program).signals["z_inner"]
    assert far.rounding > 2 * near.rounding
    assert far.high > near.high


def test_lists_without_end_are_no_program(program: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MAX_LENGTH", 3)
    with pytest.raises(ModelFileError, match="must have at most 3 entries"):
        derive(program)


def test_a_matrix_too_large_to_tell() -> None:
    size = matrix.MAX_ORDER + 1
    shrinking = [[-64 * (i == j) for j in range(size)] for i in range(size)]
    assert matrix.contracts([row[:3] for row in shrinking[:3]], (8,) * 3)
    assert not matrix.contracts(shrinking, (8,) * size)
