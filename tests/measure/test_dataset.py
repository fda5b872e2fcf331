"""Data sets: all accepted shapes, and a one-line error for every other file."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.measure import dataset as module
from lmu_hw.measure.dataset import Dataset, load_dataset, load_recordings
from lmu_hw.models.network import Activation, FloatNetwork
from tests.factories.networks import TANH, cell, network


def net(n_in: int = 2, n_out: int = 3, activation: Activation = TANH) -> FloatNetwork:
    return network(cell(np.random.default_rng(1), "simple_rnn", n_in, n_out, activation))


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).uniform(-1.0, 1.0, shape)


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path / "d.npz", **{name: np.asarray(array) for name, array in arrays.items()})
    return path / "d.npz"


def loaded(path: Path, network: FloatNetwork | None = None, **arrays: Any) -> Dataset:
    return load_dataset(saved(path, **arrays), network or net())


def refused(path: Path, network: FloatNetwork | None = None, **arrays: Any) -> str:
    with pytest.raises(ModelFileError) as info:
        loaded(path, network, **arrays)
    text = str(info.value)
    assert "\n" not in text
    assert str(path / "d.npz") in text
    return text


# shapes


def test_sequences_of_one_length(tmp_path: Path) -> None:
    x = random(4, 7, 2)
    found = loaded(tmp_path, x=x)
    assert len(found) == 4
    assert found.labels is found.targets is None
    assert not found.at_every_step
    np.testing.assert_array_equal(np.stack(found.sequences), x)


def test_one_channel_needs_no_axis_of_its_own(tmp_path: Path) -> None:
    x = random(4, 7)
    found = loaded(tmp_path, net(1), x=x)
    assert [s.shape for s in found.sequences] == [(7, 1)] * 4
    np.testing.assert_array_equal(found.sequences[2][:, 0], x[2])


def test_a_single_sequence(tmp_path: Path) -> None:
    found = loaded(tmp_path, x=random(9, 2), y=random(9, 3))
    assert [s.shape for s in found.sequences] == [(9, 2)]
    assert found.at_every_step


def test_ragged_sequences(tmp_path: Path) -> None:
    x = random(10, 2)
    found = loaded(tmp_path, x=x, offset=[0, 3, 4, 10], y=[2, 0, 1])
    assert [len(s) for s in found.sequences] == [3, 1, 6]
    np.testing.assert_array_equal(np.concatenate(found.sequences), x)
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0, 1]
    one_channel = loaded(tmp_path, net(1), x=x[:, 0], offset=[0, 4, 10])
    assert [s.shape for s in one_channel.sequences] == [(4, 1), (6, 1)]


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "float32", "bool", ">f4"])
def test_numbers_of_any_kind(dtype: str, tmp_path: Path) -> None:
    x = np.array([[[0, 1], [1, 0]]]).astype(dtype)
    found = loaded(tmp_path, x=x, y=np.array([1]).astype(dtype))
    stacked = found.stack(np.array([0]))
    assert stacked.dtype == np.float64
    np.testing.assert_array_equal(stacked, [[[0, 1], [1, 0]]])
    assert found.labels is not None
    assert found.labels.dtype == np.int64


def test_arrays_in_the_order_of_columns(tmp_path: Path) -> None:
    x = random(3, 4, 2)
    found = loaded(tmp_path, x=np.asfortranarray(x))
    np.testing.assert_array_equal(np.stack(found.sequences), x)


# answers


def test_labels_may_be_whole_floats(tmp_path: Path) -> None:
    found = loaded(tmp_path, x=random(4, 7, 2), y=[0.0, 2.0, 1.0, 2.0])
    assert found.labels is not None
    assert found.labels.tolist() == [0, 2, 1, 2]
    assert found.targets is None


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
def test_one_hot_rows_are_labels_and_that_is_said(tmp_path: Path, dtype: Any) -> None:
    y = np.eye(3, dtype=dtype)[[2, 0, 1, 1]]
    for found in (
        loaded(tmp_path, x=random(4, 7, 2), y=y),
        loaded(tmp_path, x=random(10, 2), offset=[0, 3, 4, 9, 10], y=y),
    ):
        assert found.labels is not None
        assert found.labels.tolist() == [2, 0, 1, 1]
        assert found.targets is None
        (note,) = found.notes
        assert note.endswith("d.npz: y (4, 3) is one-hot, taken as labels (4,)")
    # a row of two ones, or of none, or of halves, is a target
    for row in ([1, 1, 0], [0, 0, 0], [0.5, 0.5, 0]):
        y = np.vstack([np.eye(3)[[2, 0, 1]], row])
        found = loaded(tmp_path, x=random(4, 7, 2), y=y)
        assert (found.labels, found.notes) == (None, ())


def test_a_column_of_labels_is_labels_and_that_is_said(tmp_path: Path) -> None:
    found = loaded(tmp_path, x=random(4, 7, 2), y=[[2], [0], [1], [2]])
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0, 1, 2]
    assert found.notes[0].endswith("d.npz: y (4, 1) is a column of labels, taken as labels (4,)")
    assert loaded(tmp_path, x=random(4, 7, 2), y=[2, 0, 1, 2]).notes == ()
    assert "labels y must be from 0 to 2" in refused(tmp_path, x=random(1, 7, 2), y=[[3]])


def test_targets_of_the_last_step(tmp_path: Path) -> None:
    y = random(4, 3)
    found = loaded(tmp_path, x=random(4, 7, 2), y=y)
    assert found.targets is not None
    assert not found.at_every_step
    np.testing.assert_array_equal(np.stack(found.targets)[:, 0], y)
    ragged = loaded(tmp_path, x=random(10, 2), offset=[0, 3, 10], y=y[:2])
    assert ragged.targets is not None
    assert [t.shape for t in ragged.targets] == [(1, 3), (1, 3)]


def test_targets_of_every_step(tmp_path: Path) -> None:
    y = random(4, 7, 3)
    found = loaded(tmp_path, x=random(4, 7, 2), y=y)
    assert found.at_every_step
    assert found.targets is not None
    np.testing.assert_array_equal(np.stack(found.targets), y)
    ragged = loaded(tmp_path, x=random(10, 2), offset=[0, 3, 10], y=y.reshape(-1, 3)[:10])
    assert ragged.targets is not None
    assert [t.shape for t in ragged.targets] == [(3, 3), (7, 3)]
    assert ragged.at_every_step


def test_one_output_needs_no_axis_of_its_own(tmp_path: Path) -> None:
    one = net(2, 1)
    whole = loaded(tmp_path, one, x=random(4, 7, 2), y=[1, 0, 1, 1])
    assert whole.labels is None
    assert whole.targets is not None
    assert [t.shape for t in whole.targets] == [(1, 1)] * 4
    each = loaded(tmp_path, one, x=random(4, 7, 2), y=random(4, 7))
    assert each.targets is not None
    assert [t.shape for t in each.targets] == [(7, 1)] * 4
    ragged = loaded(tmp_path, one, x=random(10, 2), offset=[0, 3, 10], y=random(10))
    assert ragged.targets is not None
    assert [t.shape for t in ragged.targets] == [(3, 1), (7, 1)]


def test_a_target_of_a_single_step_is_of_every_step(tmp_path: Path) -> None:
    assert loaded(tmp_path, x=random(4, 1, 2), y=random(4, 1, 3)).at_every_step


# recordings


def test_recordings_are_the_inputs_of_any_shape(tmp_path: Path) -> None:
    x = random(4, 7, 2)
    for arrays, offset in (
        ({"x": x}, (0, 7, 14, 21, 28)),
        ({"x": x.reshape(28, 2), "offset": [0, 3, 28]}, (0, 3, 28)),
        ({"x": x.reshape(28, 2), "y": [1, 2, 3]}, (0, 28)),
    ):
        found = load_recordings(saved(tmp_path, **arrays), 2)
        assert (found.offset, found.kind) == (offset, "real")
        np.testing.assert_array_equal(found.samples, x.reshape(28, 2), strict=True)
    one = load_recordings(saved(tmp_path, x=x.reshape(4, 14)), 1)
    assert (one.offset, one.samples.shape) == ((0, 14, 28, 42, 56), (56, 1))


def test_recordings_of_words(tmp_path: Path) -> None:
    found = load_recordings(saved(tmp_path, x=np.array([[[1], [-2]]], dtype="i1")), 1, raw=True)
    assert (found.kind, found.samples.dtype, found.samples.tolist()) == ("raw", "i8", [[1], [-2]])
    for x in ([[[1.0]]], np.array([[[2**63]]], dtype="u8"), [[[True]]]):
        with pytest.raises(ModelFileError, match=r"x must hold integers, as raw words are, not "):
            load_recordings(saved(tmp_path, x=x), 1, raw=True)
    with pytest.raises(ModelFileError, match="x has 1 channels but the design takes 2"):
        load_recordings(saved(tmp_path, x=[[[1]]]), 2)


# parts


def test_a_sample_is_spread_evenly_and_keeps_answers_together(tmp_path: Path) -> None:
    x = np.arange(100.0).reshape(100, 1, 1) * np.ones((1, 3, 2))
    found = loaded(tmp_path, x=x, y=np.arange(100) % 3)
    for n in range(1, 100):
        part = found.sample(n)
        numbers = [int(s[0, 0]) for s in part.sequences]
        assert len(numbers) == n == len(set(numbers))
        assert numbers == sorted(numbers)
        assert part.labels is not None
        assert part.labels.tolist() == [k % 3 for k in numbers]
    assert found.sample(100) is found.sample(1000) is found
    assert [int(s[0, 0]) for s in found.sample(3).sequences] == [0, 50, 99]


def test_batches_hold_every_sequence_once_and_one_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = np.cumsum([0, 3, 5, 3, 3, 1, 5, 3])
    found = loaded(tmp_path, x=random(23, 2), offset=offset)
    monkeypatch.setattr(module, "BATCH_VALUES", 12)
    batches = [at.tolist() for at in found.batches()]
    assert sorted(i for at in batches for i in at) == list(range(7))
    assert batches == [[4], [0, 2], [3, 6], [1], [5]]
    for at in found.batches():
        assert found.stack(at).shape[1:] == found.sequences[at[0]].shape


# what is no data set


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": 1}, r"must hold an array x \(N, T, n\), and y; it holds z"),
        ({}, "it holds nothing"),
        ({"x": random(2, 3, 4)}, "x has 4 channels but the network reads 2"),
        ({"x": random(2, 3)}, "x has 1 channels but the network reads 2"),
        ({"x": random(2, 3, 2, 2)}, r"x has shape \(2, 3, 2, 2\) but should be"),
        ({"x": random(7)}, r"x has shape \(7,\) but should be"),
        ({"x": 1.0}, r"x has shape \(\) but should be"),
        ({"x": random(0, 3, 2)}, "at least one step"),
        ({"x": random(3, 0, 2)}, "at least one step"),
        ({"x": random(3, 2, 0)}, "x has 0 channels"),
        ({"x": [[[0.0, np.nan]]]}, "x must hold finite real numbers"),
        ({"x": [[[0.0, -np.inf]]]}, "x must hold finite real numbers"),
        ({"x": [[[0.0, 1e31]]]}, r"x must hold finite real numbers, below 1e\+30"),
        ({"x": [[[0.0, 1j]]]}, "x must hold finite real numbers"),
        ({"x": random(5, 2), "offset": [0, 2, 4]}, "offset must rise from 0 to 5"),
        ({"x": random(5, 2), "offset": [1, 5]}, "offset must rise from 0 to 5"),
        ({"x": random(5, 2), "offset": [0, 3, 3, 5]}, "offset must rise"),
        ({"x": random(5, 2), "offset": [0, 4, 2, 5]}, "offset must rise"),
        ({"x": random(5, 2), "offset": [0, -1, 5]}, "offset must rise"),
        ({"x": random(5, 2), "offset": np.array([0, 2**64 - 1], dtype="u8")}, "offset must rise"),
        ({"x": random(5, 2), "offset": [0.0, 5.0]}, r"with offset \(N \+ 1,\) of integers"),
        ({"x": random(5, 2), "offset": [[0, 5]]}, r"with offset \(N \+ 1,\) of integers"),
        ({"x": random(5, 2), "offset": [0]}, r"with offset \(N \+ 1,\) of integers"),
        ({"x": random(5, 2), "offset": 5}, r"with offset \(N \+ 1,\) of integers"),
        ({"x": random(5, 2, 2), "offset": [0, 5]}, r"x must be \(total, n\), not \(5, 2, 2\)"),
    ],
)
def test_what_x_must_be(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        loaded(tmp_path, **arrays)
    refused(tmp_path, **arrays)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 2, 3], "labels y must be from 0 to 2, not 0 to 3"),
        ([0, 1, 2, -1], "labels y must be from 0 to 2, not -1 to 2"),
        ([0.5, 1, 2, 1], r"y has shape \(4,\) but should be labels \(4,\)"),
        ([0, 1, 2], r"y has shape \(3,\)"),
        (random(4, 2), r"y has shape \(4, 2\) but should be .* \(4, 3\)"),
        (random(4, 7, 2), r"y has shape \(4, 7, 2\)"),
        (random(4, 6, 3), r"y has shape \(4, 6, 3\)"),
        (random(28, 3), r"y has shape \(28, 3\)"),
        (1, r"y has shape \(\)"),
        (random(0), r"y has shape \(0,\)"),
        ([0, 1, np.nan, 2], "y must hold finite real numbers"),
    ],
)
def test_what_y_must_be(y: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        loaded(tmp_path, x=random(4, 7, 2), y=y)


@pytest.mark.parametrize("y", [1, random(9), random(10, 2), [0, 1, 2]])
def test_what_y_of_ragged_data_must_be(y: Any, tmp_path: Path) -> None:
    text = refused(tmp_path, x=random(10, 2), offset=[0, 3, 10], y=y)
    assert "y has shape" in text


class Bomb:
    """Would make a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    bomb = np.empty(2, dtype=object)
    bomb[:] = [Bomb(tmp_path / "boom")] * 2
    np.savez(tmp_path / "d.npz", x=bomb)
    text = refused_file(tmp_path / "d.npz")
    assert "must hold numbers, not object" in text
    (tmp_path / "d.npz").write_bytes(pickle.dumps(bomb))
    refused_file(tmp_path / "d.npz")
    assert not (tmp_path / "boom").exists()


def refused_file(path: Path) -> str:
    with pytest.raises(LMUHWError) as info:
        load_dataset(path, net())
    text = str(info.value)
    assert "\n" not in text
    assert len(text) < 1000
    return text


def test_files_that_are_missing_or_cut_short(tmp_path: Path) -> None:
    whole = saved(tmp_path, x=random(4, 7, 2), y=[0, 1, 2, 0]).read_bytes()
    for size in (0, 1, 30, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "d.npz").write_bytes(whole[:size])
        assert "d.npz" in refused_file(tmp_path / "d.npz")
    assert "No such file" in refused_file(tmp_path / "none.npz")
    assert "directory" in refused_file(tmp_path)


def test_every_byte_that_is_flipped_is_a_data_set_or_a_clean_refusal(tmp_path: Path) -> None:
    path = saved(tmp_path, x=random(2, 2, 2), y=[0, 1])
    whole = bytearray(path.read_bytes())
    outcomes = set()
    for at in range(0, len(whole), 7):
        for value in (0x00, 0xFF, whole[at] ^ 0x10):
            path.write_bytes(bytes(whole[:at]) + bytes([value]) + bytes(whole[at + 1 :]))
            try:
                load_dataset(path, net())
                outcomes.add("read")
            except LMUHWError as error:
                outcomes.add(f"refused{len(str(error).splitlines())}")
    assert outcomes == {"read", "refused1"}


def test_arrays_of_text_are_named(tmp_path: Path) -> None:
    assert "'y' must hold numbers" in refused(tmp_path, x=random(2, 2, 2), y=["a", "b"])


def test_more_than_memory_holds_is_not_asked_for(tmp_path: Path) -> None:
    """A header that claims petabytes, and a zip that claims gigabytes."""
    path = tmp_path / "d.npz"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 10, 2)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", head.getvalue() + bytes(64))
    assert "damaged" in refused_file(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"")
    # the directory alone says how much there is
    claim = bytearray(path.read_bytes())
    at = claim.index(b"PK\x01\x02") + 24
    claim[at : at + 4] = (0xF0000000).to_bytes(4, "little")
    path.write_bytes(bytes(claim))
    refused_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(5000):
            archive.writestr(f"{k}.npy", b"")
    assert "5000 arrays" in refused_file(path)


def test_small_numbers_that_would_fill_memory_as_floats_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 4096)
    assert "MiB" in refused(tmp_path, x=np.zeros((300, 1, 2), dtype=np.int8))
    assert len(loaded(tmp_path, x=np.zeros((100, 1, 2), dtype=np.int8))) == 100


def test_lengths_that_are_not_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ragged.npz"
    np.savez(path, x=np.zeros((2, 5, 1)), y=np.zeros(2), lengths=np.array([5, 3]))
    with pytest.raises(ModelFileError, match=r"lengths is not read; .* with offset \(N \+ 1,\)"):
        load_recordings(path, 1, raw=False)
