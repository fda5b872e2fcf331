"""Files that no reader accepts: a one-line error names the cause."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lmu_hw.errors import ModelFileError, ToolError
from lmu_hw.models.importers import keras_config, load
from lmu_hw.models.importers.bare_arrays import read_arrays
from lmu_hw.models.importers.hdf5 import read_hdf5
from lmu_hw.models.importers.model_file import read_ranges, to_bytes
from tests.factories import keras_files as kf
from tests.factories.networks import EVERY_KIND

DENSE = kf.layer("Dense", "out", units=2, activation="linear")
WEIGHTS = {"dense": [np.ones((3, 2)), np.ones(2)]}


def keras(path: Path, config: dict[str, Any], **members: bytes) -> Path:
    """Write a .keras archive with the weights of one dense layer, or with other members."""
    inner = BytesIO()
    kf.write_numbered(inner, WEIGHTS)
    held = {"config.json": json.dumps(config).encode(), "model.weights.h5": inner.getvalue()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**held, **members}.items():
            if content:
                archive.writestr(name, content)
    return path


def changed(**options: Any) -> dict[str, Any]:
    """Return a model of one dense layer with other options."""
    return kf.sequential(kf.layer("Dense", "out", **{"units": 2, **options}), width=3)


def test_the_model_that_is_damaged_below(tmp_path: Path) -> None:
    config = kf.sequential(DENSE, width=3)
    assert load(keras(tmp_path / "m.keras", config)).names == ("out",)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (kf.sequential(width=3), "holds no layers; supported are"),
        (kf.sequential(kf.layer("Conv1D", "c"), width=3), "is a Conv1D, which is not supported"),
        (kf.sequential(DENSE, kf.layer("GRU", "g", units=1), width=3), "has 0 arrays but should"),
        (
            kf.sequential(kf.layer("GRU", "g", units=1), DENSE, kf.layer("LSTM", "l"), width=3),
            "has 0 arrays",
        ),
        (changed(activation="gelu"), "has activation 'gelu', must be one of"),
        (changed(activation={"class_name": "gelu", "config": None}), "has activation 'gelu'"),
        (
            kf.sequential(kf.layer("TimeDistributed", "t", layer=kf.layer("GRU", "g")), width=3),
            "must be a TimeDistributed of Dense",
        ),
        (
            kf.sequential(kf.lmu("lmu", kf.layer("ConvCell", "c")), width=3),
            "has a hidden cell 'Conv', must be one of",
        ),
    ],
)
def test_configurations_of_keras(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message) as error:
        load(keras(tmp_path / "m.keras", config))
    assert "\n" not in str(error.value)


def test_a_dense_layer_for_every_step_is_a_dense_layer(tmp_path: Path) -> None:
    config = kf.sequential(kf.layer("TimeDistributed", "out", layer=DENSE), width=3)
    inner = {"config.json": json.dumps(config).encode()}
    file = BytesIO()
    kf.write_numbered(file, {"time_distributed/layer": WEIGHTS["dense"]})
    inner["model.weights.h5"] = file.getvalue()
    assert load(keras(tmp_path / "m.keras", config, **inner)).names == ("out",)


def test_a_width_that_stands_nowhere_is_that_of_the_kernel(tmp_path: Path) -> None:
    config = kf.sequential(DENSE, width=3)
    del config["config"]["layers"][0]
    assert load(keras(tmp_path / "m.keras", config)).layers[0].W.shape == (2, 3)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_an_archive_without_a_member(name: str, tmp_path: Path) -> None:
    path = keras(tmp_path / "m.keras", kf.sequential(DENSE, width=3), **{name: b""})
    with pytest.raises(ModelFileError, match=f"holds no {name}; must be a .keras file"):
        load(path)


def test_a_configuration_that_never_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keras_config, "MAX_JSON", 10)
    with pytest.raises(ModelFileError, match="is longer than any model's configuration"):
        load(keras(tmp_path / "m.keras", kf.sequential(DENSE, width=3)))


def test_a_configuration_beside_weights(tmp_path: Path) -> None:
    weights, spec = tmp_path / "m.weights.h5", tmp_path / "c.json"
    kf.write_numbered(weights, WEIGHTS)
    with pytest.raises(ModelFileError, match=r"cannot read .*c\.json: No such file"):
        load(weights, spec=spec)
    spec.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelFileError, match="is not a text file; give what model"):
        load(weights, spec=spec)
    assert load(weights, spec=keras(tmp_path / "m.keras", kf.sequential(DENSE, width=3)))
    with pytest.raises(ModelFileError, match="does not exist or is not a file"):
        read_hdf5(tmp_path / "none.h5", "none.h5")


def damaged(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "w", (2,), "f8")
    file.create_virtual_dataset("w", layout)


def elsewhere(file: h5py.File) -> None:
    file.create_dataset("w", (2,), "f8", external=[("other.bin", 0, 16)])


@pytest.mark.parametrize("write", [damaged, elsewhere])
def test_arrays_that_lie_in_another_file(
    write: Callable[[h5py.File], None], tmp_path: Path
) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        write(file)
    with pytest.raises(ModelFileError, match="w lies in another file; not read"):
        load(path)


def test_what_is_no_hdf5_file(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(b"no such thing")
    with pytest.raises(ModelFileError, match="is not an HDF5 file, or is damaged"):
        load(path)


def test_a_heap_of_texts_that_never_ends(tmp_path: Path) -> None:
    """libhdf5 itself walks on in place, and no Ctrl-C reaches it."""
    path = tmp_path / "m.h5"
    kf.write_legacy(path, kf.sequential(DENSE, width=3), {"out/out/kernel": np.ones((3, 2))})
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 32] = bytes(16)
    path.write_bytes(content)
    (tmp_path / "many.h5").write_bytes(
        b"GCOL\x01\0\0\0" + b"\x7f" * 8 + (b"\x01" + bytes(15)) * 140_000
    )
    for source in (path, BytesIO(bytes(content)), tmp_path / "many.h5"):
        with pytest.raises(ModelFileError, match="or is damaged: a heap of texts without an end"):
            read_hdf5(source, "m.h5")


def test_arrays_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["text"], file["w"] = np.bytes_(b"x"), np.ones(2)
        file.attrs["keras_version"] = 3
    found = read_hdf5(path, "m.h5")
    assert list(found.arrays) == ["w"]
    assert found.texts == {}


@pytest.mark.parametrize(
    ("module", "suffix"), [("h5py", ".h5"), ("safetensors", ".safetensors"), ("torch", ".pt")]
)
def test_a_package_that_is_missing(
    module: str, suffix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / f"m{suffix}"
    path.write_bytes(b"x" * 100)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ToolError, match=rf"install {module} to read it \(pip install {module}\)"):
        load(path)


def test_arrays_of_other_headers_and_files_that_are_gone(tmp_path: Path) -> None:
    path, file = tmp_path / "m.npz", BytesIO()
    np.lib.format.write_array(file, np.arange(3.0), version=(2, 0))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.npy", file.getvalue())
    assert np.array_equal(read_arrays(path)["w"], np.arange(3.0))
    for suffix, package in {".npz": "numpy", ".pt": "torch", ".safetensors": "safetensors"}.items():
        pytest.importorskip(package)
        with pytest.raises(ModelFileError, match=r"cannot read .*No such file"):
            read_arrays(tmp_path / f"none{suffix}")


def test_a_checkpoint_without_a_state_dict(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save([torch.ones(2)], tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match="must hold a state_dict"):
        load(tmp_path / "m.pt")


def test_a_dense_layer_of_three_axes(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **{"fc.weight": np.ones((2, 2, 2)), "fc.bias": np.ones(2)})
    with pytest.raises(ModelFileError, match=r"fc\.weight has shape \(2, 2, 2\) but should"):
        load(tmp_path / "m.npz")


@pytest.mark.parametrize("ranges", [np.ones((2, 2)), np.ones(1), np.array([1.0, -1.0])])
def test_ranges_that_are_none(ranges: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    path.write_bytes(to_bytes(EVERY_KIND, {"x": (1.0, np.ones(2))}))
    assert read_ranges(path)["x"][0] == 1.0
    assert read_ranges(tmp_path / "m.h5") == {}
    path.write_bytes(to_bytes(EVERY_KIND, {"x": (1.0, np.ones(2))}))
    with np.load(path) as file:
        members = dict(file)
    np.savez(path, **{**members, "ranges/x": ranges})
    with pytest.raises(ModelFileError, match=r"is a damaged model: .*x; import it again"):
        read_ranges(path)
