"""Regressions that fuzzing found, and checks that the fuzzer itself finds faults."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.measure.signal_files import read_signal
from lmu_hw.models.importers import load
from lmu_hw.models.importers.bare_arrays import read_arrays
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.proof.derive import derive
from tests.conftest import ROOT
from tests.factories import keras_files
from tests.factories.network_programs import NETWORKS
from tests.factories.networks import EVERY_KIND
from tests.factories.programs import PROGRAMS
from tests.fuzz import containers, worker
from tests.fuzz.__main__ import fuzz
from tests.fuzz.readers import READERS, Files, Reader

# A short run over all readers; `make fuzz` is the long one.


def test_a_few_inputs_of_every_reader(tmp_path: Path) -> None:
    pytest.importorskip("torch")  # a reader of its own
    command = [sys.executable, "-m", "tests.fuzz", "--inputs", "250", "--jobs", "1"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in READERS)


@pytest.mark.parametrize("name", READERS)
def test_inputs_are_those_of_their_numbers(name: str) -> None:
    if name == "pt":
        pytest.importorskip("torch")
    made = [worker.make(READERS[name], 3, number) for number in (5, 6, 5)]
    assert made[0] == made[2]
    assert name == "pt" or made[0] != made[1]


# A fuzzer is worth something only if it sees what is wrong.


def reader(read: Callable[[Path], object]) -> Reader:
    def make(rng: Random) -> Files:
        return {"f": b"x" * 40 + b"!" + b"y" * 40}

    return Reader(name="test", share=1, make=make, read=read)


def found_by(read: Callable[[Path], object]) -> list[worker.Finding]:
    found: list[worker.Finding] = []
    worker.run(reader(read), 0, range(3), lambda _: None, lambda _, f: found.append(f))
    return found


def refuses(_: Path) -> None:
    raise ModelFileError("one line")


def breaks(build_dir: Path) -> None:
    if b"!" in (build_dir / "f").read_bytes():
        raise KeyError("x")


def warns(_: Path) -> None:
    np.float64(1e300) * np.float64(1e300)


def hangs(_: Path) -> None:
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def takes_memory(_: Path) -> None:
    bytearray(2 * worker.MEMORY)


def believes_a_size(_: Path) -> None:
    try:
        np.empty(2 * worker.MEMORY, np.uint8)
    except MemoryError as error:
        raise ModelFileError("damaged") from error


def test_an_error_of_one_line_is_allowed() -> None:
    assert found_by(refuses) == []


def test_another_error_is_found_once_and_made_small() -> None:
    (found,) = found_by(breaks)
    assert found.kind.startswith("KeyError in")
    assert found.files == {"f": b"!"}


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (warns, "RuntimeWarning"),
        (hangs, "HangError"),
        (takes_memory, "MemoryError"),
        (believes_a_size, "MemoryError"),
    ],
)
def test_what_is_not_allowed_is_found(
    read: Callable[[Path], object], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SECONDS", 0.2)
    (found,) = found_by(read)
    assert found.kind.startswith(kind)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_crash_is_found_and_the_next_input_is_read() -> None:
    def crashes(_: Path) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    tally = fuzz(reader(crashes), 0, range(2), 1)
    assert [number for number, _ in tally.findings.values()] == [0]
    assert [f.kind for _, f in tally.findings.values()] == ["the process ended with -9"]


# What was found.


def put(path: tuple[Any, ...], value: Any) -> Callable[[Any], None]:
    def edit(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return edit


PROGRAM_DAMAGE: dict[str, Callable[[Any], None]] = {
    "an output that nothing writes": lambda d: d["ops"].pop(),
    "a length of a fraction": put(("vectors", 0, "length"), 1.0),
    "a coefficient of a fraction": put(("ops", 0, "sections", 0, 0, "coef"), 0.5),
    "operations that are none": put(("ops", 0), [1]),
    "no operations": put(("ops",), None),
    "a bias of text": put(("ops", 1, "biases", 0), "1"),
    "truth as a shift": put(("ops", 1, "shifts", 0), True),
    "a format that no memory holds": put(
        ("vectors", 1, "fmt"), {"int_bits": 8 - (1 << 40), "frac_bits": 1 << 40, "signed": True}
    ),
    "a vector that no memory holds": put(("vectors", 0, "length"), 1 << 40),
    "an unknown kind": put(("ops", 1, "kind"), ["linear"]),
    "a source of a number": put(("ops", 0, "source"), 3),
}


@pytest.mark.parametrize("damage", PROGRAM_DAMAGE)
def test_nothing_is_derived_from_what_is_no_program(damage: str) -> None:
    data = json.loads(PROGRAMS["readout"].to_json())
    derive(copy.deepcopy(data))
    PROGRAM_DAMAGE[damage](data)
    with pytest.raises(ModelFileError, match=r"program\.json is damaged"):
        derive(data)


@pytest.mark.parametrize("program", {**PROGRAMS, **NETWORKS}.values())
def test_every_program_has_the_shape_of_one(program: Any) -> None:
    derive(json.loads(program.to_json()))


@pytest.mark.parametrize("claimed", [1 << 30, 0xFFFFFFFF])
def test_a_wav_file_that_claims_more_samples_than_it_has(claimed: int, tmp_path: Path) -> None:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 360, 720, 2, 16)
    content = b"WAVE" + form + b"data" + struct.pack("<I", claimed) + bytes(20)
    path = tmp_path / "s.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(content)) + content)
    with pytest.raises(ModelFileError, match=f"claims {claimed} bytes of samples"):
        read_signal(path, columns=1)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000, 10**9)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 4000000000), }",
        "-" * 5000 + "1",
        "(" * 300,
    ],
)
def test_a_header_of_numpy_that_lies(header: str, tmp_path: Path) -> None:
    head = header.encode() + b"\n"
    path = tmp_path / "s.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(16))
    with pytest.raises(ModelFileError, match="is not a complete array of numbers"):
        read_signal(path, columns=1)


def test_an_array_in_a_million_chunks_that_are_not_there(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (1 << 20, 1), "f8", chunks=(1, 1))
    with pytest.raises(ModelFileError, match="w lies in more chunks than a model"):
        load(path)


def test_a_weight_whose_square_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    path.write_bytes(to_bytes(EVERY_KIND))
    with np.load(path) as file:
        members = dict(file)
    members["4/W"] = members["4/W"] * 1e300
    path.write_bytes(
        containers.zipped([(f"{name}.npy", containers.npy(a)) for name, a in members.items()])
    )
    with pytest.raises(LMUHWError, match="W must hold finite float64 numbers, below 1e"):
        load(path)


SIGNALLING = np.array([0x7FA00000] * 6, dtype="<u4").view("<f4")
"""NaN of whose conversion the processor, and so NumPy, tells."""


@pytest.mark.parametrize("suffix", [".npy", ".wav"])
def test_a_nan_that_signals_is_told_of_once(suffix: str, tmp_path: Path) -> None:
    from scipy.io import wavfile

    path = tmp_path / f"s{suffix}"
    if suffix == ".npy":
        np.save(path, SIGNALLING)
    else:
        wavfile.write(path, 360, SIGNALLING)
    with pytest.raises(ModelFileError, match="holds nan at sample 0, column 0"):
        read_signal(path, columns=1)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_weight_that_signals(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"m{suffix}"
    if suffix == ".npz":
        np.savez(path, W_x=SIGNALLING)
    else:
        pytest.importorskip("safetensors")
        header = {"W_x": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}}
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + SIGNALLING.tobytes())
    assert not np.isfinite(read_arrays(path)["W_x"]).any()


def test_a_checkpoint_of_another_protocol(tmp_path: Path) -> None:
    """PyTorch warns of it before it gives up."""
    pytest.importorskip("torch")
    path = tmp_path / "m.pt"
    path.write_bytes(pickle.dumps({}, protocol=2).replace(b"\x80\x02", b"\x80\xdd", 1))
    with pytest.raises(ModelFileError, match="holds more than weights, or is damaged"):
        read_arrays(path)


def test_a_checkpoint_cut_inside_a_word(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with zipfile.ZipFile(io.BytesIO(containers.checkpoint({"w": 70000}))) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    cut = [(n, c[: c.index(b"J") + 3] if n.endswith("data.pkl") else c) for n, c in members]
    path = tmp_path / "m.pt"
    path.write_bytes(containers.zipped(cut))
    with pytest.raises(ModelFileError, match="holds more than weights, or is damaged"):
        read_arrays(path)


def test_biases_of_keras_whose_sum_is_no_number(tmp_path: Path) -> None:
    gru = keras_files.layer("GRU", "g", units=1, activation="tanh", reset_after=True)
    bias = np.array([[np.inf, 0, 0], [-np.inf, 0, 0]])
    weights = {"gru/cell": [np.ones((2, 3)), np.ones((1, 3)), bias]}
    path = tmp_path / "m.keras"
    keras_files.write_keras(path, keras_files.sequential(gru, width=2), weights)
    with pytest.raises(ModelFileError, match="b must hold finite float64 numbers"):
        load(path)


@pytest.mark.parametrize("kind", ["sparse", "quantized", "meta"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_tensor_without_plain_numbers(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    tensor = {
        "sparse": lambda: torch.eye(3).to_sparse(),
        "quantized": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "meta": lambda: torch.empty(3, 4, device="meta"),
    }[kind]()
    path = tmp_path / "m.pt"
    path.write_bytes(containers.checkpoint({"W_x": tensor}))
    with pytest.raises(ModelFileError, match="'W_x' must be a dense tensor of plain numbers"):
        read_arrays(path)
