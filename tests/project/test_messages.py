"""Error messages: one line, no terminal escapes, no advice from other libraries."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from lmu_hw.cli.main import main
from lmu_hw.errors import EmitError, LMUHWError, ModelFileError, plain, read_error, reason_of
from lmu_hw.measure.dataset import load_dataset
from lmu_hw.measure.signal_files import read_signal
from lmu_hw.models.importers import load
from lmu_hw.models.network import Activation, FloatNetwork
from tests.factories.array_files import checkpoint, npy, zipped
from tests.factories.networks import dense

ESCAPE = "\x1b[31mred\x07\x9b"
ADVICE = re.compile(r"torch\.|weights_only|allow_pickle|max_header_size|trust|https?:|Use |Re-run")


class Unknown:
    """A class that no checkpoint may hold."""


def long_header() -> bytes:
    """Return an array whose header NumPy would only read from somebody who trusts it."""
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(19_999) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8)


def sparse(path: Path) -> Path:
    torch = pytest.importorskip("torch")
    return checkpoint(path, {"w": torch.ones(3, 3).to_sparse()})


def junk(path: Path) -> Path:
    path.write_bytes(b"x" * 50)
    return path


def hdf5(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file[f"{ESCAPE}/{ESCAPE}"] = np.ones(3)
    return path


FILES: list[tuple[str, Callable[[Path], Path]]] = [
    ("class.pt", lambda path: checkpoint(path, Unknown())),
    ("junk.pt", junk),
    ("sparse.pt", sparse),
    ("junk.h5", junk),
    ("junk.keras", junk),
    ("junk.safetensors", junk),
    ("names.h5", hdf5),
    ("names.npz", lambda path: zipped(path, {f"{ESCAPE}.npy": npy(np.ones(3))})),
    ("header.npz", lambda path: zipped(path, {"w.npy": long_header()})),
]


@pytest.mark.parametrize(("name", "write"), FILES)
def test_models(name: str, write: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(LMUHWError) as error:
        load(write(tmp_path / name))
    text = str(error.value).replace(str(tmp_path), "")
    assert text.isprintable()
    assert not ADVICE.search(text), text


@pytest.mark.parametrize("content", [long_header(), npy(np.array([{}]))])
def test_recordings(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ModelFileError) as error:
        read_signal(tmp_path / "x.npy", columns=1)
    assert not ADVICE.search(str(error.value)), error.value


def test_data_sets(tmp_path: Path) -> None:
    path = zipped(tmp_path / "d.npz", {f"{ESCAPE}.npy": npy(np.ones(3))})
    network = FloatNetwork(names=("d",), layers=(dense(1, 1, Activation.LINEAR),))
    with pytest.raises(ModelFileError, match=r"it holds \\x1b\[31mred\\x07\\x9b$"):
        load_dataset(path, network)


def test_a_path_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / f"{ESCAPE}.npz"
    with pytest.raises(ModelFileError) as error:
        load(junk(path))
    assert str(error.value).count("red") == 1


def test_errors_are_printable_whoever_reads_them() -> None:
    for error in (LMUHWError(ESCAPE), ModelFileError(ESCAPE), EmitError(ESCAPE)):
        assert str(error) == r"\x1b[31mred\x07\x9b"
    assert plain("θ = 8\n\u202e") == r"θ = 8\n\u202e"


def test_of_a_librarys_message_the_first_sentence_is_kept() -> None:
    text = "Bad header. To load it all the same,\n\x1b[1mtrust the file\x1b[0m."
    assert reason_of(ValueError(text)) == "Bad header"
    assert reason_of(ValueError("\x1b[1mbad\x1b[0m\n header in 2.6 at x.y")) == (
        "bad header in 2.6 at x.y"
    )
    assert reason_of(ValueError()) == "ValueError"
    assert "disk on fire" in str(read_error(Path("x"), OSError("disk on fire. Buy another.")))


def test_a_file_name_is_no_command_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"{ESCAPE}.h5"
    with h5py.File(name, "w") as file:
        file.attrs["model_config"] = (
            '{"class_name": "Sequential", "config": [{"class_name": "Dense", '
            '"config": {"name": "d"}}]}'
        )
        file["model_weights/d/d/kernel"], file["model_weights/d/d/bias"] = np.ones((2, 1)), [0.0]
    assert main(["import", name]) == 0
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert r"wrote \x1b[31mred" in out
