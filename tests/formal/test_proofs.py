"""Every proof holds, and each fault breaks the proof that should find it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.formal.proofs import PROOFS
from tests.formal.prover import Mutation, Proof
from tests.tools import require, require_yosys

pytestmark = [pytest.mark.synth, pytest.mark.formal]

HOLDS = [pytest.param(p, id=p.name) for p in PROOFS]
BROKEN = [pytest.param(p, m, id=f"{p.name}: {m.what}") for p in PROOFS for m in p.mutations]


@pytest.fixture
def tools() -> None:
    require_yosys()
    require("yowasp-sby", "z3")


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("proof", HOLDS)
def test_proof_holds(proof: Proof, tmp_path: Path) -> None:
    verdict = proof.run(tmp_path)
    assert verdict.status == "PASS", verdict.log


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(("proof", "mutation"), BROKEN)
def test_fault_is_found(proof: Proof, mutation: Mutation, tmp_path: Path) -> None:
    verdict = proof.run(tmp_path, mutation)
    assert verdict.status == "FAIL", verdict.log


def test_every_proof_has_a_fault() -> None:
    assert all(p.mutations for p in PROOFS)
    assert len({p.name for p in PROOFS}) == len(PROOFS)


def test_report_names_every_proof() -> None:
    report = (Path(__file__).resolve().parents[2] / "docs" / "results" / "proofs.md").read_text()
    for proof in PROOFS:
        assert f"| {proof.name}" in report, "python -m tests.formal writes docs/results/proofs.md"
        for mutation in proof.mutations:
            assert mutation.what in report
