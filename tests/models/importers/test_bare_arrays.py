"""Files of arrays are read exactly, or refused in one line without delay."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import time
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError, ToolError
from lmu_hw.models.importers.bare_arrays import MAX_ARRAYS, STATE_DICT_KEYS, read_arrays, read_npz
from tests.factories.array_files import checkpoint, npy, zipped


def claiming(path: Path, size: int) -> Path:
    """Write an archive whose directory claims a size for its one member."""
    zipped(path, {"a.npy": npy(np.zeros(3))})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24  # uncompressed size in the central directory
    content[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    """Return the one line that refuses a file, which it must do at once."""
    start = time.perf_counter()
    with pytest.raises(ModelFileError) as error:
        read_arrays(path)
    # reading 10 GB would take longer
    assert time.perf_counter() - start < 2.0
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    return text


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", "i4", "u1", "?"])
def test_npz_is_read_as_float64_in_order(
    tmp_path: Path, save: Callable[..., None], dtype: str
) -> None:
    first = np.arange(6).reshape(2, 3).astype(dtype)
    arrays = {"z/e:0": first, "a": np.asfortranarray(first), "scalar": first[1, 1]}
    path = tmp_path / "model.npz"
    save(path, **arrays)
    got = read_arrays(path)
    assert list(got) == list(arrays)
    for name, array in arrays.items():
        assert got[name].dtype == np.float64
        assert np.array_equal(got[name], np.asarray(array, dtype=np.float64))


def test_complex_arrays_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, fft_H=np.zeros(3, complex), A=np.ones(2))
    assert list(read_arrays(path)) == ["A"]


@pytest.mark.parametrize(
    "array", [np.array([{}, 1], object), np.array(["text"]), np.zeros(2, "V8")]
)
def test_what_is_no_number_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    path = zipped(tmp_path / "model.npz", {"evil.npy": npy(array)})
    assert "'evil' must hold numbers" in refusal(path)


def test_a_truncated_archive_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, a=np.arange(50.0))
    whole = path.read_bytes()
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        assert "write it again with numpy.savez" in refusal(path)


def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, a=np.arange(50.0))
    whole, texts = path.read_bytes(), []
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            read_arrays(path)
        except LMUHWError as error:
            texts.append(str(error))
    assert len(texts) > len(whole) // 2
    assert not any("\n" in text for text in texts)


def test_an_archive_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    assert "claims 4095 MiB" in refusal(claiming(tmp_path / "model.npz", 0xFFFFFFFE))


def test_a_compressed_bomb_is_refused(tmp_path: Path) -> None:
    """64 members of 160 MB each: 10 GB, from a file of 10 MB at most."""
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0.npy", bytes(160_000_000))
        start, info = archive.start_dir, archive.infolist()[0]
        for k in range(1, 64):  # the same bytes under more names
            copy = zipfile.ZipInfo(f"{k}.npy")
            for field in ("file_size", "compress_size", "CRC", "compress_type", "header_offset"):
                setattr(copy, field, getattr(info, field))
            archive.filelist.append(copy)
        assert start == archive.start_dir
    assert "MiB of arrays" in refusal(path)


def test_a_header_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    content = npy(np.zeros(3)).replace(b"(3,), }          ", b"(1250000000,), } ")
    assert b"1250000000" in content
    path = zipped(tmp_path / "model.npz", {"a.npy": content})
    assert "not as long as its header says" in refusal(path)


def test_small_words_count_as_the_float64_they_become(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, a=np.zeros(1 << 17, np.int8))
    assert read_npz(path, 1 << 20)["a"].nbytes == 1 << 17
    assert read_arrays(path)["a"].nbytes == 1 << 20
    np.savez_compressed(path, a=np.zeros(1 << 17, np.int8), b=np.zeros(1, np.int8))
    with pytest.raises(ModelFileError, match="must be at most 1; not read"):
        read_npz(path, 1 << 20)


def test_empty_and_scalar_arrays_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, none=np.zeros((0, 3)), one=np.float32(0.5))
    got = read_arrays(path)
    assert got["none"].shape == (0, 3)
    assert got["one"] == 0.5


def test_too_many_arrays_are_refused(tmp_path: Path) -> None:
    one = npy(np.zeros(1))
    path = zipped(tmp_path / "model.npz", {f"{k}.npy": one for k in range(MAX_ARRAYS + 1)})
    assert f"must be at most {MAX_ARRAYS}" in refusal(path)


def test_numbers_that_float64_does_not_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    for exact in (np.int64(2**60), np.uint64(2**63), np.longdouble(0.1).astype(np.float64)):
        np.savez(path, W=np.array([exact]))
        assert read_arrays(path)["W"][0] == exact
    inexact = [np.int64(2**53 + 1)]
    if np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant:
        inexact.append(np.longdouble(1) / 3)
    for number in inexact:
        np.savez(path, W=np.array([number]))
        said = f"'W' is {number.dtype} and does not fit in float64; save it as float64"
        assert said in refusal(path)


def test_missing_and_unknown_files_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.npz")
    assert "must be one of .npz, .safetensors" in refusal(tmp_path / "model.pkl")


def test_safetensors_are_read_with_names_sorted_by_number(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "model.safetensors"
    arrays = {
        f"lmu.{k}.W": np.full((2, 3), k / 3, dtype)
        for k, dtype in [(10, np.float32), (2, np.float64), (1, np.float16), (3, np.int64)]
    }
    numpy.save_file(arrays, path)
    got = read_arrays(path)
    assert list(got) == ["lmu.1.W", "lmu.2.W", "lmu.3.W", "lmu.10.W"]
    for name, array in arrays.items():
        assert got[name].dtype == np.float64
        assert np.array_equal(got[name], array.astype(np.float64))


def safetensors(path: Path, header: dict[str, Any], data: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_bfloat16_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    header = {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    path = safetensors(tmp_path / "model.safetensors", header, bytes(4))
    assert "'w' is BF16; save it as float32" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"short", bytes(100), b"\xff" * 64])
def test_damaged_safetensors_are_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert "write it again with safetensors" in refusal(path)


def test_safetensors_that_claim_gigabytes_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    size = 10 << 30
    header = {"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
    refusal(safetensors(tmp_path / "model.safetensors", header, bytes(64)))


@pytest.mark.parametrize(("name", "package"), [("a.safetensors", "safetensors"), ("a.pt", "torch")])
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ToolError, match=f"pip install {package}"):
        read_arrays(tmp_path / name)


class Tensor:
    """As much of a tensor as is read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def numel(self) -> int:
        return self.array.size

    def is_complex(self) -> bool:
        return self.array.dtype.kind == "c"

    def detach(self) -> Tensor:
        return self

    def to(self, dtype: type) -> Tensor:
        return Tensor(self.array.astype(dtype))

    def numpy(self) -> np.ndarray:
        return self.array


@pytest.mark.parametrize(
    "wrap", [dict, *((lambda state, key=key: {"epoch": 3, key: state}) for key in STATE_DICT_KEYS)]
)
def test_checkpoints_are_loaded_as_weights_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: Callable[..., Any]
) -> None:
    """A stand-in for torch: the real one is far too large for a test."""
    state = {"b.W": Tensor(np.ones((2, 3), "f4")), "fft_H": Tensor(np.ones(2, complex)), "n": 3}

    def load(path: str, *, map_location: str, weights_only: bool) -> Any:
        assert weights_only
        assert map_location == "cpu"
        return wrap(state)

    torch = types.SimpleNamespace(
        load=load, float64=np.float64, is_tensor=lambda value: isinstance(value, Tensor)
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    path = tmp_path / "model.pt"
    path.write_bytes(b"")
    got = read_arrays(path)
    assert list(got) == ["b.W"]
    assert got["b.W"].dtype == np.float64


def test_a_checkpoint_with_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*args: Any, **kwargs: Any) -> Any:
        raise pickle.UnpicklingError("Weights only load failed\nbecause of os.system")

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))
    path = tmp_path / "model.pt"
    path.write_bytes(b"")
    assert "save model.state_dict() as .safetensors" in refusal(path)


@pytest.mark.parametrize("key", STATE_DICT_KEYS)
def test_a_checkpoint_may_keep_its_arrays_one_level_down(key: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state, momentum = {"b.W": torch.ones(2, 3)}, {"exp_avg": torch.zeros(2, 3)}
    content = {"epoch": 3, key: state, "step": torch.tensor(7), "optimizer": {"state": momentum}}
    got = read_arrays(checkpoint(tmp_path / "m.pt", content))
    assert list(got) == ["b.W"]
    assert np.array_equal(got["b.W"], np.ones((2, 3)))


def test_a_checkpoint_without_known_keys_lists_what_it_holds(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    held = {"epoch": 3, "net\x1b[1mwork": {"W": torch.ones(2)}, "optimizer": {}}
    text = refusal(checkpoint(tmp_path / "m.pt", held))
    assert "under state_dict, model_state_dict, model, net, but holds 'epoch', 'net" in text
    assert "'optimizer'; save model.state_dict()" in text
    assert text.isprintable()
    assert "but holds nothing; save" in refusal(checkpoint(tmp_path / "n.pt", {}))
    assert "'k7', ...; save" in refusal(
        checkpoint(tmp_path / "k.pt", {f"k{k}": 1 for k in range(9)})
    )
    two = {"model": {"W": torch.ones(2)}, "net": {"W": torch.ones(2)}}
    assert "arrays under model and net; save the" in refusal(checkpoint(tmp_path / "t.pt", two))
