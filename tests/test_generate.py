"""Build directories: same bytes everywhere, a true manifest, benches that can fail."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.generate import describe, files_of
from lmu_hw.manifest import parse_manifest
from lmu_hw.memory.spec import parse
from lmu_hw.program import vectors
from lmu_hw.program.codec import to_data
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl.schedule import schedule
from lmu_hw.verify.load_build import load_program
from tests.cli.command import call, refused
from tests.factories.builds import break_c, break_verilog, generate, read_files
from tests.tools import require

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build directory with sections of both kinds, a readout and ROM files."""
    return generate(tmp_path_factory.mktemp("generate") / "out", "--d", 9, "--bits", 12)


@pytest.fixture
def copy(build_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(build_dir, tmp_path / "out"))


def test_files_of_a_build_directory(build_dir: Path) -> None:
    names = set(read_files(build_dir))
    assert {"manifest.json", "program.json", "rtl/lmu.v", "rtl/Makefile", "c/lmu.c"} <= names
    assert {"c/lmu.h", "c/Makefile", "vectors/input.hex", "vectors/output.hex"} <= names


def test_manifest(build_dir: Path) -> None:
    manifest = json.loads((build_dir / "manifest.json").read_text())
    program = load_program(build_dir)
    assert manifest["tool"] == "lmu-hw"
    assert manifest["digest"] == program.digest
    assert manifest["spec"]["order"] == 9
    assert manifest["spec"]["theta"] == 72
    assert manifest["realization"] == "cascade"
    assert manifest["multiplies_per_step"] == program.multiplies_per_step
    assert manifest["multiplies_per_step"] == sum(manifest["multiplies"].values())
    assert manifest["cycles_per_step"] == schedule(program).cycles_per_step
    assert manifest["error_lsb"]["kept"] is True
    assert manifest["zero_input_decay"] == "proven"
    for v in program.vectors:
        fmt = manifest["formats"][v.name]
        assert QFormat(fmt["int_bits"], fmt["frac_bits"], fmt["signed"]) == v.fmt
    files = {name: data for name, data in read_files(build_dir).items() if name != "manifest.json"}
    assert manifest["files"] == {k: hashlib.sha256(v).hexdigest() for k, v in files.items()}


def test_vectors_are_the_interpreters(build_dir: Path) -> None:
    program = load_program(build_dir)
    read = vectors.read(program, build_dir / "vectors")
    interpreter = Interpreter(program)
    np.testing.assert_array_equal(interpreter.run(read.inputs[:, None])[:, 0], read.outputs)
    np.testing.assert_array_equal(interpreter.save()[0], read.state)
    assert (
        len(read.inputs)
        == json.loads((build_dir / "manifest.json").read_text())["vectors"]["steps"]
    )
    assert read.outputs.any()


def test_the_same_bytes_in_any_directory_process_and_thread_count(
    build_dir: Path, tmp_path: Path
) -> None:
    code = "import sys; from lmu_hw.cli.main import main; sys.exit(main())"
    for threads, seed, where in (("1", "1", "one"), ("2", "2", "deeper/two")):
        cwd = tmp_path / where
        cwd.mkdir(parents=True)
        env = os.environ | {"OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", code, "generate", "--d", "9", "--bits", "12"]
        subprocess.run([*command, "-o", f"x {threads}/y"], cwd=cwd, env=env, check=True)
        assert read_files(cwd / f"x {threads}" / "y") == read_files(build_dir)


KINDS = ("Nehalem", "Haswell", "SkylakeX", "Sandybridge", "Zen")
"""CPUs for which OpenBLAS has kernels of their own: other orders of summation, other last bits."""


@pytest.mark.parametrize(
    ("request_", "kinds"),
    [
        ("--d 64 --bits 16", KINDS[:2]),
        *(
            pytest.param(request, KINDS, marks=pytest.mark.soak)
            for request in (
                "--d 64 --bits 16",
                "--d 100 --theta 784 --bits 20 --output state",
                "--d 17 --theta 300 --discretizer bilinear --realization dense",
            )
        ),
    ],
)
def test_other_cpus_give_the_same_bytes(
    request_: str, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    code = "import sys; from lmu_hw.cli.main import main; sys.exit(main(sys.argv[1:]))"
    made = {}
    for kind in kinds:
        env = os.environ | {"OPENBLAS_CORETYPE": kind, "PYTHONPATH": str(ROOT)}
        env |= {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"} if kind == "Nehalem" else {}
        command = [sys.executable, "-c", code, "generate", "-q", "-o", kind, *request_.split()]
        run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        # this machine's CPU may lack that kind's instructions
        if run.returncode != -signal.SIGILL:
            assert run.returncode == 0, run.stderr
            made[kind] = read_files(tmp_path / kind)
    assert len(made) >= 2
    assert all(files == made["Nehalem"] for files in made.values())


def test_a_readout_comes_with_a_state_output() -> None:
    files = files_of(quantize_memory(parse({"d": 3, "output": "state"})))
    assert "readout.npy" in files
    assert "readout.npy" in json.loads(files["manifest.json"])["files"]
    assert "readout.npy" not in files_of(quantize_memory(parse({"d": 3})))
    design = quantize_memory(parse({"d": 20, "theta": 300, "output": "state"}))
    data = files_of(design)["readout.npy"]
    assert isinstance(data, bytes)
    readout = np.load(io.BytesIO(data))
    assert readout.dtype == np.float32
    # rounded to 24 bits of the row's largest entry
    error = np.max(np.abs(readout - design.readout), axis=1)
    assert np.all(error <= 2.0**-24 * np.max(np.abs(design.readout), axis=1))


def test_described_without_files() -> None:
    design = quantize_memory(parse({"d": 2, "channels": 2, "output": "taps=0,1"}))
    described = describe(design)
    assert described.spec.taps == (0.0, 1.0)
    json.dumps(to_data(described), allow_nan=False)
    manifest = parse_manifest(json.loads(files_of(design)["manifest.json"]))
    assert manifest.design == described
    assert manifest.words == {role.value: design.program.n_words(role) for role in Role}
    assert manifest.words["input"] == 2


def make(where: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", "-C", str(where)], capture_output=True, text=True, env=env)


def spoil(path: Path, digit: int = 0) -> None:
    """Change the lowest bit of one hex word."""
    lines = path.read_text().splitlines()
    words = [i for i, line in enumerate(lines) if line and not line.startswith("//")]
    at = words[len(words) // 2]
    lines[at] = lines[at][:-1] + f"{int(lines[at][-1], 16) ^ 1:x}"
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.cc
def test_the_host_test_passes_and_can_fail(copy: Path) -> None:
    require("make", "cc|gcc|clang")
    good = make(copy / "c")
    assert good.returncode == 0, good.stdout + good.stderr
    spoil(copy / "vectors" / "output.hex")
    assert make(copy / "c").returncode != 0
    spoil(copy / "vectors" / "output.hex")
    assert make(copy / "c").returncode == 0
    break_c(copy)
    assert make(copy / "c").returncode != 0


@pytest.mark.sim
def test_the_verilog_bench_passes_and_can_fail(copy: Path) -> None:
    require("make", "iverilog", "vvp")
    good = make(copy / "rtl")
    assert good.returncode == 0, good.stdout + good.stderr
    spoil(copy / "vectors" / "output.hex")
    assert make(copy / "rtl").returncode != 0
    spoil(copy / "vectors" / "output.hex")
    assert make(copy / "rtl").returncode == 0
    break_verilog(copy)
    assert make(copy / "rtl").returncode != 0


def test_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "generate", "--d", 3, "-o", tmp_path / "my out")
    assert said.code == 0
    assert said.err == ""
    for text in ("d=3", "theta=24", "realization", "multiplies", "clock cycles", "error budget"):
        assert text in said.out
    assert f"lmu-hw verify '{tmp_path}/my out'" in said.out
    quiet = call(capsys, "generate", "--d", 3, "-o", tmp_path / "my out", "-q")
    assert quiet.out == quiet.err == ""


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    said = call(capsys, "generate", "--d", 3, "-o", out, "--json")
    assert (said.code, said.err) == (0, "")
    manifest = json.loads((out / "manifest.json").read_text())
    assert said.json == {"build_directory": str(out), **manifest}
    assert manifest["realization_reason"]


def test_default_build_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lmu_hw.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert main(["generate", "--d", "1", "-q"]) == 0
    assert (tmp_path / "lmu_out" / "manifest.json").is_file()


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_options_from_a_file(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"d": 4, "theta": 40, "state_bits": "auto", "output": "taps=0,1", "bits": 10}
    path = tmp_path / f"memory.{suffix}"
    toml = "\n".join(f"{k} = {json.dumps(v)}" for k, v in keys.items())
    path.write_text(toml if suffix == "toml" else json.dumps(keys))
    from_file = call(capsys, "generate", path, "-o", tmp_path / "out", "--json").json["spec"]
    assert (from_file["order"], from_file["theta"]) == (4, 40)
    assert from_file["taps"] == [0, 1]
    assert from_file["state_bits"] is None
    over = ("--d", 5, "--output", "memory", "--state-bits", 20, "--coef-bits", "auto")
    spec = call(capsys, "generate", path, *over, "-o", tmp_path / "out", "--json").json["spec"]
    assert (spec["order"], spec["theta"], spec["bits"]) == (5, 40, 10)
    assert (spec["output"], spec["taps"], spec["state_bits"]) == ("memory", [], 20)
    path.write_text(path.read_text().replace("theta", "thetta"))
    line = refused(capsys, "generate", path, "-o", tmp_path / "new")
    assert "unknown key 'thetta': did you mean theta?" in line
    assert not (tmp_path / "new").exists()


def test_a_file_of_order_and_an_option_of_d(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.toml"
    path.write_text("order = 4\n")
    said = call(capsys, "generate", path, "--d", 2, "-o", tmp_path / "out", "--json")
    assert said.json["spec"]["order"] == 2


@pytest.mark.cc
@pytest.mark.sim
@pytest.mark.soak
def test_two_named_designs_in_one_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("make", "iverilog", "cc")
    for name, d in (("gyro", 3), ("gas", 4)):
        assert call(capsys, "generate", "--d", d, "--name", name, "-o", tmp_path / name).code == 0
        assert make(tmp_path / name / "rtl").returncode == 0
        assert make(tmp_path / name / "c").returncode == 0
        said = call(capsys, "verify", tmp_path / name, "--steps", 20, "--json")
        assert said.json["ok"]
        assert set(said.json["backends"]) >= {"icarus", "c"}
    sources = [tmp_path / name / "c" / f"{name}.c" for name in ("gyro", "gas")]
    objects = subprocess.run(["cc", "-r", "-nostdlib", "-o", tmp_path / "both.o", *sources])
    assert objects.returncode == 0
    designs = [tmp_path / name / "rtl" / f"{name}.v" for name in ("gyro", "gas")]
    both = subprocess.run(["iverilog", "-g2005", "-Wall", "-o", tmp_path / "both.vvp", *designs])
    assert both.returncode == 0
