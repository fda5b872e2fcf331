"""Certificates hold for generated programs, and fail for altered ones."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw._support.build_directory import sha256_of, write_build_dir
from lmu_hw.errors import CertificateError, LMUHWError, ModelFileError
from lmu_hw.generate import describe
from lmu_hw.memory.spec import parse
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.program.codec import from_data
from lmu_hw.proof.certificate import certificate, certify, require_proof
from lmu_hw.proof.certificate_report import Certificate
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.cli.command import call, refused
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.networks import lmu, network

Data = dict[str, Any]
Edit = Callable[[Data, Data], None]

EXAMPLES = {
    "demo": {"d": 64, "bits": 16},
    "ecg": {"d": 64, "theta": 360, "bits": 16, "taps": [0, 0.5, 1], "output": "taps"},
}
"""What two examples generate; all are certified where they run, in test_examples.py."""


def write(build_dir: Path, program: Data, stated: Data, decay: str = "proven") -> Path:
    """Write what certify reads, its digests in order."""
    body = {key: value for key, value in program.items() if key != "digest"}
    compact = json.dumps(body, separators=(",", ":"))
    digest = hashlib.sha256(compact.encode()).hexdigest()
    files: dict[str, str | bytes] = {
        "program.json": json.dumps({**body, "digest": digest}),
        "certificate.json": json.dumps({**stated, "digest": digest}),
    }
    manifest = {"tool": "lmu-hw", "zero_input_decay": decay, "files": sha256_of(files)}
    write_build_dir(build_dir, {**files, "manifest.json": json.dumps(manifest)}, force=True)
    return build_dir


def stated_of(design: QuantizedMemory) -> tuple[Data, Data]:
    program = design.program.to_json()
    return json.loads(program), certificate(program, describe(design).error_lsb).to_dict()


def check_that_certify_catches(
    edit: Edit, reason: str, design: tuple[Data, Data], build_dir: Path
) -> None:
    """Check that certify accepts a design and refuses it, for a reason, after an edit."""
    program, stated = copy.deepcopy(design)
    write(build_dir, program, stated)
    assert certify(build_dir).to_dict() == stated
    edit(program, stated)
    write(build_dir, program, stated)
    with pytest.raises(CertificateError, match=reason):
        certify(build_dir)


def random_designs(n: int) -> list[QuantizedMemory]:
    """Return memories of random specs, those that lmu-hw accepts."""
    rng, found = np.random.default_rng(7), []
    while len(found) < n:
        order, bits = int(rng.integers(1, 11)), int(rng.integers(4, 21))
        keys: Data = {
            "d": order,
            "theta": round(order * rng.uniform(1, 12), 3),
            "bits": bits,
            "realization": str(rng.choice(["auto", "cascade", "dense"])),
            "output": str(rng.choice(["memory", "state", "taps=0,0.5,1"])),
            "discretizer": str(rng.choice(["zoh", "bilinear", "euler"])),
            "channels": int(rng.integers(1, 3)),
        }
        if rng.random() < 0.3:
            keys["state_bits"] = bits + int(rng.integers(0, 12))
        if rng.random() < 0.3:
            keys["coef_bits"] = int(rng.integers(6, 20))
        try:
            found.append(quantize_memory(parse(keys)))
        except LMUHWError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("n", [25, pytest.param(50, marks=pytest.mark.soak)])
def test_certify_passes_on_random_specs(n: int, tmp_path: Path) -> None:
    for design in random_designs(n):
        program, stated = stated_of(design)
        assert stated["proven"], (design.spec, stated["unproven"])
        decays = all(d["proven"] for d in stated["decay"].values())
        assert decays == (design.decay == "proven"), design.spec
        build_dir = write(tmp_path / "out", program, stated, design.decay)
        assert certify(build_dir).to_dict() == {**stated, "digest": program["digest"]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_certify_passes_on_the_examples(name: str, tmp_path: Path) -> None:
    program, stated = stated_of(quantize_memory(parse(EXAMPLES[name])))
    assert stated["proven"]
    certify(write(tmp_path / "out", program, stated))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["lstm d=32 n=24 P=8", "all terms d=32 n=24 P=3", "stack of 3 P=4"]
)
def test_certify_passes_on_networks(name: str, tmp_path: Path) -> None:
    program = CONFIGURATIONS[name].make().to_json()
    stated = certificate(program, None).to_dict()
    certify(write(tmp_path / "out", json.loads(program), stated))
    # their memories are proven, whatever else is not
    memories = [n for n in stated["signals"] if "_z_" in n]
    assert memories
    assert not set(memories) & set(stated["unproven"])


@pytest.mark.soak
def test_a_network_of_order_256_takes_seconds(tmp_path: Path) -> None:
    program = CONFIGURATIONS["tanh d=256 n=64 P=16"].make().to_json()
    build_dir = write(tmp_path / "out", json.loads(program), certificate(program, None).to_dict())
    start = time.process_time()
    certify(build_dir)
    # not of the machine, of the method: it takes 1 to 3 s, and may take a minute
    assert time.process_time() - start < 60


def op(program: Data, kind: str) -> Data:
    return next(o for o in program["ops"] if o["kind"] == kind)


def vector(program: Data, name: str) -> Data:
    return next(v for v in program["vectors"] if v["name"] == name)


def wider_weights(program: Data, _: Data) -> None:
    rows = op(program, "linear")["rows"]
    rows[0] = [8 * weight for weight in rows[0]]


def narrower_state(program: Data, stated: Data) -> None:
    fmt = vector(program, "z_outer")["fmt"]
    fmt["int_bits"] -= 1
    stated["signals"]["z_outer"]["format"] = f"Q{fmt['int_bits']}.{fmt['frac_bits']}"


def narrower_chain(program: Data, stated: Data) -> None:
    fmt = op(program, "cascade")["chain_fmt"]
    fmt["int_bits"] -= 1
    stated["signals"]["chain of z_inner"]["format"] = f"Q{fmt['int_bits']}.{fmt['frac_bits']}"


def coarser_state(program: Data, stated: Data) -> None:
    fmt = vector(program, "z_inner")["fmt"]
    fmt["frac_bits"] -= 2
    stated["signals"]["z_inner"]["format"] = f"Q{fmt['int_bits']}.{fmt['frac_bits']}"


def adaptor_above_2(program: Data, _: Data) -> None:
    adaptor = op(program, "cascade")["sections"][1][1]
    adaptor["coef"] = (2 << adaptor["shift"]) + 1


def adaptor_below_0(program: Data, _: Data) -> None:
    adaptor = op(program, "cascade")["sections"][0][0]
    adaptor["coef"] = -adaptor["coef"]


def shift_of_an_adaptor(program: Data, _: Data) -> None:
    op(program, "cascade")["sections"][2][1]["shift"] += 1


def shift_of_a_row(program: Data, _: Data) -> None:
    op(program, "linear")["shifts"][3] -= 1


def multiplier(program: Data, _: Data) -> None:
    op(program, "linear")["multipliers"][2] = 3


def bias(program: Data, _: Data) -> None:
    op(program, "linear")["biases"][5] = 1 << 28


def window_beyond_its_counter(program: Data, _: Data) -> None:
    op(program, "cascade")["window"] = 1 << 8


def unsigned_state(program: Data, stated: Data) -> None:
    fmt = vector(program, "z_inner")["fmt"]
    fmt["signed"] = False
    stated["signals"]["z_inner"]["format"] = f"UQ{fmt['int_bits']}.{fmt['frac_bits']}"


def louder_input(program: Data, stated: Data) -> None:
    fmt = vector(program, "u")["fmt"]
    fmt["int_bits"], fmt["frac_bits"] = 3, fmt["frac_bits"] - 2
    stated["signals"]["u"]["format"] = f"Q3.{fmt['frac_bits']}"


def rounding_mode(_: Data, stated: Data) -> None:
    stated["rounding"]["cascade"] = "trn; saturates"


def tighter_bound(_: Data, stated: Data) -> None:
    stated["signals"]["z_inner"]["high"] -= 1


def basis(_: Data, stated: Data) -> None:
    stated["signals"]["y"]["basis"] = "interval"


def narrower_accumulator(_: Data, stated: Data) -> None:
    stated["accumulators"][1]["bits"] -= 1


def impossible_prediction(_: Data, stated: Data) -> None:
    stated["predicted_error_lsb"]["roundoff"] = 1e3


def a_prediction_of_text(_: Data, stated: Data) -> None:
    stated["predicted_error_lsb"]["predicted"] = "1"


def a_prediction_beyond_any(_: Data, stated: Data) -> None:
    stated["predicted_error_lsb"]["predicted"] = 10**400


def a_prediction_that_is_none(_: Data, stated: Data) -> None:
    stated["predicted_error_lsb"] = "1"


def no_prediction(_: Data, stated: Data) -> None:
    del stated["predicted_error_lsb"]


def a_list_of_accumulators_cut(_: Data, stated: Data) -> None:
    stated["accumulators"].pop()


def an_accumulator_that_is_none(_: Data, stated: Data) -> None:
    stated["accumulators"][0] = 7


def half_a_prediction(_: Data, stated: Data) -> None:
    del stated["predicted_error_lsb"]["roundoff"]


def a_claim_too_many(_: Data, stated: Data) -> None:
    stated["signals"]["ghost"] = stated["signals"]["y"]


def a_claim_too_few(_: Data, stated: Data) -> None:
    del stated["signals"]["y"]


CORRUPTIONS: dict[Edit, str] = {
    wider_weights: "y: basis is claimed to be 'l1 norm'.*'saturation'",
    narrower_state: "z_outer: basis is claimed to be 'l1 norm'.*'saturation'",
    narrower_chain: "chain of z_inner: basis is claimed to be 'l1 norm'.*'saturation'",
    coarser_state: "z_inner: low is claimed|z_outer: low is claimed",
    adaptor_above_2: "z_outer: basis is claimed to be 'l1 norm'.*'saturation'",
    adaptor_below_0: "z_outer: basis is claimed to be 'l1 norm'.*'saturation'",
    shift_of_an_adaptor: "z_(inner|outer): (low|high|rounding) is claimed",
    shift_of_a_row: "y: basis is claimed to be 'l1 norm'.*'saturation'",
    multiplier: "y: basis is claimed to be 'l1 norm'.*'saturation'",
    bias: "y: basis is claimed to be 'l1 norm'.*'saturation'",
    window_beyond_its_counter: "silence: basis is claimed to be 'count'.*'saturation'",
    unsigned_state: "z_inner: basis is claimed to be 'l1 norm'.*'saturation'",
    louder_input: "z_outer: basis is claimed to be 'l1 norm'.*'saturation'",
    rounding_mode: "program: rounding is claimed",
    tighter_bound: "z_inner: high is claimed",
    basis: "y: basis is claimed to be 'interval'",
    narrower_accumulator: "accumulator of y: bits is claimed",
    impossible_prediction: "y: roundoff of 1000.0 LSB RMS is predicted",
    a_prediction_of_text: "predicted_error_lsb has no predicted that is a number",
    a_prediction_beyond_any: "predicted_error_lsb has no predicted that is a number",
    a_prediction_that_is_none: "predicted_error_lsb has no predicted that is a number",
    no_prediction: "predicted_error_lsb is missing",
    a_list_of_accumulators_cut: "accumulators differ from those of its operations",
    an_accumulator_that_is_none: "accumulator of z_inner: its claim is missing",
    half_a_prediction: "predicted_error_lsb has no roundoff that is a number",
    a_claim_too_many: "ghost: has a claim, but is not in the program",
    a_claim_too_few: "y: the claim of its signals is missing",
}


@pytest.fixture(scope="module")
def design() -> tuple[Data, Data]:
    return stated_of(quantize_memory(parse({"d": 6, "bits": 12})))


@pytest.mark.parametrize("edit", CORRUPTIONS, ids=lambda edit: edit.__name__)
def test_certify_catches(
    edit: Edit, design: tuple[Data, Data], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, stated = copy.deepcopy(design)
    build_dir = write(tmp_path / "out", program, stated)
    certify(build_dir)
    edit(program, stated)
    write(build_dir, program, stated)
    with pytest.raises(CertificateError, match=CORRUPTIONS[edit]):
        certify(build_dir)
    assert refused(capsys, "certify", build_dir)


def test_certify_catches_a_decay_that_is_not(tmp_path: Path) -> None:
    program, stated = stated_of(
        quantize_memory(parse({"d": 12, "realization": "dense", "bits": 10}))
    )
    certify(write(tmp_path / "out", program, stated, decay="not proven"))
    with pytest.raises(
        CertificateError, match="zero_input_decay is 'proven', but no proof follows"
    ):
        certify(write(tmp_path / "out", program, stated, decay="proven"))
    stated["decay"]["m"]["proven"] = True
    with pytest.raises(CertificateError, match="m: proven is claimed to be True"):
        certify(write(tmp_path / "out", program, stated, decay="not proven"))


def test_certify_catches_another_program(design: tuple[Data, Data], tmp_path: Path) -> None:
    program, stated = copy.deepcopy(design)
    build_dir = write(tmp_path / "out", program, stated)
    path = build_dir / "program.json"
    path.write_text(path.read_text().replace('"theta=48', '"theta=49').replace("d=6", "d=7"))
    with pytest.raises(CertificateError, match=r"program\.json does not match its own digest"):
        certify(build_dir)
    write(build_dir, program, stated)
    path = build_dir / "certificate.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 64}))
    with pytest.raises(CertificateError, match="program: digest is claimed to be '000"):
        certify(build_dir)


@pytest.mark.parametrize("name", ["program.json", "certificate.json"])
@pytest.mark.parametrize("content", [None, "", "[]", "{", "{}", '{"vectors": 3, "ops": []}'])
def test_what_is_no_certificate_is_an_error(
    name: str,
    content: str | None,
    design: tuple[Data, Data],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build_dir = write(tmp_path / "out", *design)
    (build_dir / name).unlink()
    if content is not None:
        (build_dir / name).write_text(content)
    assert refused(capsys, "certify", build_dir)


@pytest.mark.parametrize("key", ["rows", "shifts", "sources", "kind", "sections", "chain_fmt"])
@pytest.mark.parametrize("value", [None, -1, "x", [], [[-1]]])
def test_damaged_operations_are_errors_of_one_line(
    key: str, value: Any, design: tuple[Data, Data], tmp_path: Path
) -> None:
    program, stated = copy.deepcopy(design)
    for o in program["ops"]:
        if key in o:
            o[key] = value
    with pytest.raises((CertificateError, ModelFileError)):
        certify(write(tmp_path / "out", program, stated))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_dir = tmp_path / "out"
    made = call(capsys, "generate", "--d", 4, "--require-proof", "-o", build_dir)
    assert made.code == 0
    assert "overflow      impossible for |u| <= 1" in made.out
    said = call(capsys, "certify", build_dir)
    assert said.code == 0
    assert said.out == (build_dir / "certificate.txt").read_text()
    assert said.out.endswith("no recurrent signal can leave its format, no accumulator overflow.\n")
    as_json = call(capsys, "certify", build_dir, "--json").json
    assert as_json["holds"]
    assert as_json["proven"]
    assert call(capsys, "certify", build_dir, "--quiet").out == ""


def test_require_proof_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    model = tmp_path / "model.npz"
    model.write_bytes(to_bytes(network(lmu(rng, 2, kind="simple_rnn", terms=("e_x", "e_m")))))
    line = refused(capsys, "generate", model, "--require-proof", "-o", tmp_path / "out", "--quiet")
    assert "no proof that it stays in its format" in line
    assert not (tmp_path / "out").exists()
    made = call(capsys, "generate", model, "-o", tmp_path / "out", "--quiet")
    assert made.code == 0
    said = call(capsys, "certify", tmp_path / "out")
    assert said.code == 0
    assert "NOT proven for every recurrent signal" in said.out


def test_an_accumulator_that_may_round_is_no_proof(design: tuple[Data, Data]) -> None:
    with pytest.raises(CertificateError, match="program: an accumulator is not exact"):
        require_proof(from_data(Certificate, design[1] | {"unproven": [], "proven": False}))


@pytest.mark.soak
def test_require_proof_tries_one_realization_after_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("generate", "--d", 1, "--theta", 8000, "--bits", 8, "-o", tmp_path / "out", "--json")
    made = call(capsys, *line, "-q", "--require-proof").json
    assert made["realization"] == "cascade"
    assert made["realization_reason"] == "proven free of overflow, which the cheaper dense is not"
    assert made["certificate"]["proven"]
    assert made["spec"]["realization"] == "auto"


def test_require_proof_refuses_after_every_realization(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unproven(_: Certificate) -> None:
        raise CertificateError("z", "no proof")

    monkeypatch.setattr("lmu_hw.api.compilation.check_proof", unproven)
    line = ("generate", "--d", 2, "--theta", 9, "-o", tmp_path / "out", "--require-proof", "-q")
    assert refused(capsys, *line) == "lmu-hw: z: no proof (tried dense and cascade)\n"
    text = refused(capsys, *line, "--realization", "dense")
    assert "(tried dense: --realization auto tries others)" in text
    # what cannot be quantized is no candidate
    text = refused(capsys, *line, "--coef-bits", "4", "--d", "8", "--output", "state")
    assert "(tried cascade)" in text
    assert not (tmp_path / "out").exists()


def test_the_text_says_what_is_not_proven(design: tuple[Data, Data]) -> None:
    stated = copy.deepcopy(design[1])
    stated |= {"proven": False, "unproven": ["z_inner"]}
    assert "z_inner may saturate" in str(from_data(Certificate, stated))


def test_a_certificate_is_frozen_and_reads_back_from_its_json(
    design: tuple[Data, Data], tmp_path: Path
) -> None:
    found = certify(write(tmp_path / "out", *design))
    with pytest.raises(AttributeError):
        found.claims.proven = False  # type: ignore[misc]
    assert found.to_dict() == design[1]
    assert from_data(Certificate, json.loads(json.dumps(found.to_dict()))) == found
    assert found.proven
    assert str(found).endswith(found.verdict)
    table = found._repr_html_()
    assert all(f">{name}</td>" in table for name in found.claims.signals)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("tool", None, "has no 'tool'"),
        ("tool", 3, "is damaged: tool must be text, not 3"),
        ("c_sums", [{"function": "f"}], "has no 'variable'"),
        ("predicted_error_lsb", {"predicted": 0.5, "roundoff": 0.5}, "has no 'budget'"),
    ],
)
def test_what_no_claim_depends_on_is_read_as_well(
    key: str, value: Any, text: str, design: tuple[Data, Data], tmp_path: Path
) -> None:
    program, stated = copy.deepcopy(design)
    stated[key] = value
    if value is None:
        del stated[key]
    with pytest.raises(CertificateError, match=re.escape(text)) as error:
        certify(write(tmp_path / "out", program, stated))
    assert str(error.value).endswith("generate the build directory again")
