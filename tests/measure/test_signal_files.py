"""Signal files: a written file reads back the same; errors name the line and the cause."""

from __future__ import annotations

import os
import re
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import wavfile

from lmu_hw.errors import EmitError, ModelFileError, SpecError
from lmu_hw.measure.signal_files import parse_columns, read_signal, write_signal

REALS = st.floats(allow_nan=False, allow_infinity=False)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=5)


def refused(path: Path, text: str, *, columns: int = 1, raw: bool = False) -> None:
    """Assert that reading fails in one line that matches ``text`` to its end."""
    with pytest.raises(ModelFileError, match=text + r"\Z") as error:
        read_signal(path, columns=columns, raw=raw)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)


def read_or_refuse(path: Path, *, raw: bool) -> None:
    """Assert that any content gives finite samples or a refusal of one line."""
    try:
        signal = read_signal(path, columns=1, raw=raw)
    except ModelFileError as error:
        text = str(error)
    else:
        assert signal.samples.shape[1:] == (1,)
        assert len(signal.samples) > 0
        assert np.isfinite(signal.samples).all()
        text = ""
    assert "\n" not in text


def csv(build_dir: Path, text: str | bytes) -> Path:
    path = build_dir / "signal.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def npy(build_dir: Path, array: Any) -> Path:
    path = build_dir / "signal.npy"
    np.save(path, array)
    return path


def wav(build_dir: Path, array: Any, rate: int = 360) -> Path:
    path = build_dir / "signal.wav"
    wavfile.write(path, rate, np.asarray(array))
    return path


def wav24(build_dir: Path, words: list[int], *, extra: bytes = b"") -> Path:
    """Write a 24-bit recording by hand, with another chunk before the samples."""
    data = b"".join(w.to_bytes(3, "little", signed=True) for w in words)
    chunks = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 360, 1080, 3, 24) + extra
    chunks += struct.pack("<4sI", b"data", len(data)) + data + b"\0" * (len(data) % 2)
    path = build_dir / "signal.wav"
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks)
    return path


# Round trips.


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
@given(data=hnp.arrays(np.float64, SHAPES, elements=REALS))
def test_reals_come_back(suffix: str, data: Any) -> None:
    with tempfile.TemporaryDirectory() as build_dir:
        path = Path(build_dir) / f"s{suffix}"
        write_signal(path, data, sample_rate=None)
        signal = read_signal(path, columns=data.shape[1])
    assert signal.kind == "real"
    assert signal.sample_rate is None
    assert signal.samples.dtype == np.float64
    np.testing.assert_array_equal(signal.samples, data)


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
@given(data=hnp.arrays(np.int64, SHAPES))
def test_words_come_back(suffix: str, data: Any) -> None:
    with tempfile.TemporaryDirectory() as build_dir:
        path = Path(build_dir) / f"s{suffix}"
        write_signal(path, data, sample_rate=None)
        signal = read_signal(path, columns=data.shape[1], raw=True)
    assert signal.kind == "raw"
    assert signal.samples.dtype == np.int64
    np.testing.assert_array_equal(signal.samples, data)


@given(bits=st.integers(1, 32), data=st.data())
def test_words_come_back_from_wav(bits: int, data: st.DataObject) -> None:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    words = data.draw(hnp.arrays(np.int64, SHAPES, elements=st.integers(low, high)))
    width = data.draw(st.sampled_from([None, bits]))
    with tempfile.TemporaryDirectory() as build_dir:
        path = Path(build_dir) / "s.wav"
        write_signal(path, words, sample_rate=8000, width=width)
        signal = read_signal(path, columns=words.shape[1], raw=True)
    assert signal.sample_rate == 8000
    np.testing.assert_array_equal(signal.samples, words)


@given(data=hnp.arrays(np.float32, SHAPES, elements=st.floats(-2, 2, width=32)))
def test_reals_come_back_from_wav(data: Any) -> None:
    with tempfile.TemporaryDirectory() as build_dir:
        path = Path(build_dir) / "s.wav"
        write_signal(path, data.astype(np.float64), sample_rate=360)
        signal = read_signal(path, columns=data.shape[1])
    assert signal.kind == "real"
    np.testing.assert_array_equal(signal.samples, data)


# Reading.


@pytest.mark.parametrize("dtype", ["f2", "f4", "<f8", ">f8", "g", "i1", "u2", ">i4", "u8"])
def test_npy_types(tmp_path: Path, dtype: str) -> None:
    signal = read_signal(npy(tmp_path, np.array([1, 2, 3], dtype=dtype)), columns=1)
    assert signal.samples.tolist() == [[1.0], [2.0], [3.0]]
    assert signal.samples.dtype == np.dtype("=f8")
    assert not signal.samples.flags.writeable


def test_npy_in_fortran_order(tmp_path: Path) -> None:
    data = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    assert read_signal(npy(tmp_path, data), columns=2).samples.tolist() == data.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "1 2\n3 4",
        "1\t2\r\n3\t4\r\n",
        "  1 ,  2\n\n  3 ,4  \n\n",
        "# by hand\nu,v\n# more\n1,2 # first\n3,4\n",
        "u v\n1 2\n3 4\n",
        "\ufeff1,2\n3,4\n",
        "+1.0e0, 2.\n3,4\n",
    ],
)
def test_csv_styles(tmp_path: Path, text: str) -> None:
    assert read_signal(csv(tmp_path, text), columns=2).samples.tolist() == [[1, 2], [3, 4]]


def test_csv_with_a_blank_looking_row_of_spaces(tmp_path: Path) -> None:
    assert read_signal(csv(tmp_path, "1\n   \n2\n"), columns=1).samples.tolist() == [[1], [2]]


def test_suffix_in_capitals(tmp_path: Path) -> None:
    csv(tmp_path, "1\n").rename(tmp_path / "S.CSV")
    assert read_signal(tmp_path / "S.CSV", columns=1).samples.tolist() == [[1]]


@pytest.mark.parametrize(
    ("dtype", "words", "reals"),
    [
        (np.uint8, [0, 128, 255], [-1, 0, 127 / 128]),
        (np.int16, [-32768, 0, 16384], [-1, 0, 0.5]),
        (np.int32, [-(2**31), 0, 2**30], [-1, 0, 0.5]),
    ],
)
def test_pcm_is_scaled(tmp_path: Path, dtype: Any, words: list[int], reals: list[float]) -> None:
    path = wav(tmp_path, np.array(words, dtype=dtype))
    signal = read_signal(path, columns=1)
    assert (signal.kind, signal.sample_rate) == ("pcm", 360.0)
    assert signal.samples.ravel().tolist() == reals
    raw = read_signal(path, columns=1, raw=True).samples.ravel()
    assert raw.tolist() == [w - 128 * (dtype == np.uint8) for w in words]


@pytest.mark.parametrize("extra", [b"", b"LIST\x03\0\0\0abc\0", b"junk\x02\0\0\0ab"])
def test_24_bit_pcm(tmp_path: Path, extra: bytes) -> None:
    words = [-(2**23), -1, 0, 2**22, 2**23 - 1]
    path = wav24(tmp_path, words, extra=extra)
    assert read_signal(path, columns=1, raw=True).samples.ravel().tolist() == words
    reals = read_signal(path, columns=1).samples.ravel()
    assert reals.tolist() == [w / 2**23 for w in words]


def test_float_wav(tmp_path: Path) -> None:
    signal = read_signal(wav(tmp_path, np.array([[0.5, -2.0]])), columns=2)
    assert (signal.kind, signal.samples.tolist()) == ("real", [[0.5, -2.0]])


# Recordings: parted by blank lines.


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("1\n2\n3\n", (0, 3)),
        ("1\n\n2\n3\n", (0, 1, 3)),
        ("\n\n1\n \t\n\n\n2\n\n3\n\n\n", (0, 1, 2, 3)),
        ("u\n\n1\n# a comment parts nothing\n2\n", (0, 2)),
        ("1\n\n# a comment\n2\n", (0, 1, 2)),
        ("1\r\n\r\n2\r\n", (0, 1, 2)),
        # as spreadsheets write an empty row
        ("1\n,,\n2\n", (0, 1, 2)),
    ],
)
def test_a_blank_line_parts_recordings(tmp_path: Path, text: str, offset: tuple[int, ...]) -> None:
    signal = read_signal(csv(tmp_path, text), columns=1)
    assert signal.offset == offset
    assert signal.samples.ravel().tolist() == [*range(1, offset[-1] + 1)]
    # and so does the slow reader, which alone takes rows parted by spaces and by commas
    rows = re.sub(r"^(\d+)(?=\r?$)", r"\1 0", text, flags=re.MULTILINE)
    head, end = rows.rsplit(" 0", 1)
    slow = read_signal(csv(tmp_path, f"{head},0{end}"), columns=2)
    assert (slow.offset, slow.samples[:, 0].tolist()) == (offset, signal.samples.ravel().tolist())


def test_recordings_of_spreadsheets_and_of_odd_files(tmp_path: Path) -> None:
    signal = read_signal(csv(tmp_path, "a,b\n1,2\n,\n3,4\n5,6\n"), columns=2)
    assert (signal.offset, signal.samples.tolist()) == ((0, 1, 3), [[1, 2], [3, 4], [5, 6]])
    # spaces first, commas later: only the slow reader takes that
    signal = read_signal(csv(tmp_path, "1 2\n\n3,4\n5 6\n"), columns=2)
    assert (signal.offset, signal.samples.tolist()) == ((0, 1, 3), [[1, 2], [3, 4], [5, 6]])


def test_other_files_hold_one_recording(tmp_path: Path) -> None:
    assert read_signal(npy(tmp_path, np.zeros(5)), columns=1).offset == (0, 5)
    assert read_signal(wav(tmp_path, np.zeros((4, 2))), columns=2).offset == (0, 4)


# Chosen columns.


TIMED = "time,ax, ay ,note\n12:00,1,2,start\n12:01,3,4,\n\n12:05,5,6,end # done\n"


@pytest.mark.parametrize(
    ("select", "samples"),
    [
        ("2", [[1], [3], [5]]),
        ("2,3", [[1, 2], [3, 4], [5, 6]]),
        ("3,2", [[2, 1], [4, 3], [6, 5]]),
        ("ax,ay", [[1, 2], [3, 4], [5, 6]]),
        ("ay,2", [[2, 1], [4, 3], [6, 5]]),
        (" ay ", [[2], [4], [6]]),
        ("3,3", [[2, 2], [4, 4], [6, 6]]),
    ],
)
def test_columns_by_number_and_name(tmp_path: Path, select: str, samples: list[Any]) -> None:
    columns = parse_columns(select)
    for raw in (False, True):
        signal = read_signal(csv(tmp_path, TIMED), columns=len(columns), raw=raw, select=columns)
        assert signal.samples.tolist() == samples
        assert signal.offset == (0, 2, 3)


def test_columns_of_any_text_file(tmp_path: Path) -> None:
    for text in ('"a x","b"\n1,2\n', "t a\n1 2\n", "1\t2\n", "u v\n 1  2\n"):
        assert read_signal(csv(tmp_path, text), columns=1, select=(2,)).samples.tolist() == [[2]]
    quoted = csv(tmp_path, '"a x","b"\n1,2\n')
    assert read_signal(quoted, columns=1, select=("a x",)).samples.tolist() == [[1]]
    # names that are asked for make a line of names of any line
    part = csv(tmp_path, "a,2024\n1,2\n")
    assert read_signal(part, columns=1, select=("a",)).samples.tolist() == [[1]]


def test_columns_of_arrays_and_channels(tmp_path: Path) -> None:
    data = np.arange(12.0).reshape(4, 3)
    for path in (npy(tmp_path, data), wav(tmp_path, data)):
        signal = read_signal(path, columns=2, select=(3, 1))
        np.testing.assert_array_equal(signal.samples, data[:, [2, 0]])


@pytest.mark.parametrize(
    ("text", "select", "error"),
    [
        (TIMED, ("az",), "has no column named 'az', only time, ax, ay, note; choose of these.*"),
        (TIMED, (5,), "has 4 columns, numbered from 1, but --columns asks for column 5"),
        (TIMED, ("time",), "line 2, column 1: '12:00' is not a number; correct it"),
        (TIMED.replace("3,4", "3"), (2,), "line 3 has 3 cells but should have 4"),
        (TIMED.replace("3,4,", "3,4"), (2,), "line 3 has 3 cells but should have 4"),
        (TIMED.replace("3,4", "x,4"), (2,), "line 3, column 2: 'x' is not a number; correct it"),
        ("1,2\n", ("ax",), "has no line of names, but --columns asks for 'ax'; give the number.*"),
        ("ax,ax\n1,2\n", ("ax",), "has several columns named 'ax', only ax, ax; choose .*"),
        ("ax\n1,2\n", ("ax",), "has 1 name but 2 columns; give --columns by number"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, text: str, select: Any, error: str) -> None:
    with pytest.raises(ModelFileError, match=error + r"\Z"):
        read_signal(csv(tmp_path, text), columns=1, select=select)


def test_columns_of_files_without_names(tmp_path: Path) -> None:
    for path in (npy(tmp_path, np.zeros((4, 3))), wav(tmp_path, np.zeros((4, 3)))):
        with pytest.raises(ModelFileError, match="has 3 columns, numbered from 1, but --columns"):
            read_signal(path, columns=1, select=(4,))
        with pytest.raises(ModelFileError, match="has no line of names"):
            read_signal(path, columns=1, select=("ax",))


def test_as_many_columns_as_inputs(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"--columns must name 2 columns, .*, not 3"):
        read_signal(csv(tmp_path, TIMED), columns=2, select=(1, 2, 3))


@pytest.mark.parametrize("text", ["", "0", "-1", "1,,2", "a,", "+0", ","])
def test_what_columns_must_be(text: str) -> None:
    with pytest.raises(SpecError, match="--columns must be numbers from 1, or names, as in 1,3"):
        parse_columns(text)


# Refusals common to all kinds of files.


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".wav"])
def test_missing_file_and_directory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"signal{suffix}"
    refused(path, r"cannot read .*: No such file or directory")
    path.mkdir()
    refused(path, r"is a directory; name a \.npy, \.csv or \.wav file")


@pytest.mark.parametrize("name", ["signal.mp3", "signal", ".npy"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1\n")
    refused(tmp_path / name, r"must end in \.npy, \.csv or \.wav, not '.*'")


@pytest.mark.parametrize("write", [npy, wav])
def test_wrong_columns(tmp_path: Path, write: Any) -> None:
    path = write(tmp_path, np.zeros((4, 3)))
    text = (
        "has 3 columns but the design takes {}; give one column for each input, or choose with "
        "--columns"
    )
    refused(path, text.format("1 input"))
    refused(path, text.format("2 inputs"), columns=2)
    path = write(tmp_path, np.zeros(4))
    refused(path, r"has 1 column but the design takes 3 inputs; give one .*", columns=3)


def test_wrong_columns_in_text(tmp_path: Path) -> None:
    refused(csv(tmp_path, "1,2,3\n"), r"has 3 columns but the design takes 1 input; give one .*")
    refused(csv(tmp_path, "1 2\n"), r"has 2 columns but the design takes 3 in.*", columns=3)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_not_finite(tmp_path: Path, value: str) -> None:
    data = np.zeros((9, 2))
    data[7, 1] = float(value)
    text = rf"holds {value} at sample 7, column 1 \(both from 0\); replace it by a number"
    refused(npy(tmp_path, data), text, columns=2)
    refused(wav(tmp_path, data), text, columns=2)
    path = csv(tmp_path, f"# u\n0,0\n\n0,{value}\n")
    refused(path, rf"line 4, column 2: '{value}' is not finite; replace it by a .*", columns=2)


# Refusals of arrays.


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.array([1j]), "must hold real numbers, not complex128; convert it"),
        (np.array([True]), "must hold real numbers, not bool; convert it"),
        (np.array(["a"]), "must hold real numbers, not <U1; convert it"),
        (np.array([(1,)], dtype=[("a", "i4")]), "must hold real numbers, not .*; convert it"),
        (np.array(1.0), r"has shape \(\) but should be \(steps,\) or \(steps, 1\)"),
        (np.zeros((2, 1, 1)), r"has shape \(2, 1, 1\) but should be \(steps,\) or .*"),
        (np.zeros((1, 7)), r"has shape \(1, 7\) but should be \(7, 1\); transpose it"),
        (np.zeros(0), "holds no samples; give at least one"),
        (np.zeros((0, 1)), "holds no samples; give at least one"),
    ],
)
def test_npy_refusals(tmp_path: Path, data: Any, text: str) -> None:
    refused(npy(tmp_path, data), text)


def test_npy_of_objects(tmp_path: Path) -> None:
    np.save(tmp_path / "signal.npy", np.array([1, None]), allow_pickle=True)
    refused(
        tmp_path / "signal.npy",
        r"is not a complete array of numbers \(.*\); write it again with .*",
    )


@pytest.mark.parametrize("size", [1, 5, 9, 40, 127, 130, -1])
def test_npy_cut_short(tmp_path: Path, size: int) -> None:
    path = npy(tmp_path, np.arange(10.0))
    path.write_bytes(path.read_bytes()[:size])
    refused(path, r"is not a complete array of numbers \(.*\); write it again with numpy\.save")


def test_npy_that_claims_too_much(tmp_path: Path) -> None:
    path = npy(tmp_path, np.arange(10.0))
    for claim in (b"(99999,), }", b"(9999999999999999999,), }"):
        path.write_bytes(path.read_bytes().replace(b"(10,), }", claim))
        refused(path, r"is not a complete array of numbers \(.*\); write it again with numpy\.save")


def test_empty_files(tmp_path: Path) -> None:
    for suffix, text in [(".npy", "is empty; write .*"), (".wav", "is empty; give a recording")]:
        path = tmp_path / f"signal{suffix}"
        path.write_bytes(b"")
        refused(path, text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.array([1.0]), "must hold integers, as raw words are, not float64; convert it"),
        (np.array([2**63], dtype=np.uint64), f"must hold words of 64 bits signed, not {2**63}"),
    ],
)
def test_npy_raw_refusals(tmp_path: Path, data: Any, text: str) -> None:
    refused(npy(tmp_path, data), text, raw=True)


# Refusals of text.


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "holds no samples; give at least one"),
        ("# nothing\n\n", "holds no samples; give at least one"),
        ("u\n", "holds no numbers; write them below the names"),
        ("u\nv\n1\n", "line 2, column 1: 'v' is not a number; correct it"),
        ("1\nx\n", "line 2, column 1: 'x' is not a number; correct it"),
        ("u\n1\n\n# c\n1;2\n", "line 5, column 1: '1;2' is not a number; correct it"),
        ("1\n1_0\n", "line 2, column 1: '1_0' is not a number; correct it"),
        ("1\n0x10\n", "line 2, column 1: '0x10' is not a number; correct it"),
        ("1\n1+2j\n", r"line 2, column 1: '1\+2j' is not a number; correct it"),
        ("1\n" + "y" * 500, f"line 2, column 1: '{'y' * 40}' is not a number; correct it"),
        ("1\n1,2\n", "line 2 has 2 cells but should have 1"),
        ("1\n1 2\n", "line 2 has 2 cells but should have 1"),
        ("1\n1e999\n", "line 2, column 1: '1e999' is not finite; replace it by a number"),
        ("nan\n", "line 1, column 1: 'nan' is not finite; replace it by a number"),
        (b"1\n\xff\xfe\n", "is not a text file; write numbers separated by commas"),
        ("1\n\0\n", r"line 2, column 1: '\\x00' is not a number; correct it"),
    ],
)
def test_csv_refusals(tmp_path: Path, text: str | bytes, error: str) -> None:
    refused(csv(tmp_path, text), error)


def test_csv_quotes(tmp_path: Path) -> None:
    """A comma inside quotes separates no cells."""
    path = csv(tmp_path, '"a, raw",b\n"1",2\n\n"3",4\n')
    found = read_signal(path, columns=2)
    assert found.samples.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert found.offset == (0, 1, 2)
    assert read_signal(path, columns=1, select=["a, raw"]).samples.tolist() == [[1.0], [3.0]]
    path = csv(tmp_path, 'x,note,y\n1,"low, noisy",2\n3,fine,4\n')
    assert read_signal(path, columns=2, select=["x", "y"]).samples.tolist() == [[1, 2], [3, 4]]
    refused(
        csv(tmp_path, '1,2\n"3,5",4\n'),
        r"line 2, column 1: '3,5' is not a number; correct it",
        columns=2,
    )
    refused(csv(tmp_path, '1,2\n"3,5"\n'), "line 2 has 1 cell but should have 2", columns=2)


def test_csv_missing_cells(tmp_path: Path) -> None:
    refused(csv(tmp_path, "1,2\n3,\n"), "line 2, column 2: '' is not a number; .*", columns=2)
    refused(csv(tmp_path, "1,2\n3\n"), "line 2 has 1 cell but should have 2", columns=2)


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("1.0", "line 2, column 1: raw words must be integers, not '1.0'"),
        ("1e3", "line 2, column 1: raw words must be integers, not '1e3'"),
        ("nan", "line 2, column 1: raw words must be integers, not 'nan'"),
        (str(2**63), f"line 2, column 1: raw words must fit 64 bits, not '{2**63}'"),
        ("9" * 30, "line 2, column 1: raw words must fit 64 bits, not '9{30}'"),
    ],
)
def test_csv_raw_refusals(tmp_path: Path, cell: str, error: str) -> None:
    refused(csv(tmp_path, f"1\n{cell}\n"), error, raw=True)


# Refusals of recordings.


def test_wav_refusals(tmp_path: Path) -> None:
    path = wav(tmp_path, np.zeros(3))
    refused(path, "must hold integers, as raw words are, not float64; convert it", raw=True)
    refused(wav(tmp_path, np.zeros(0, dtype=np.int16)), ".*; (write it again as PCM|give at .*)")
    path.write_text("no recording at all")
    refused(path, r"is not a complete WAV file \(.*\); write it again as PCM")


def test_wav_cut_short(tmp_path: Path) -> None:
    whole = wav(tmp_path, np.arange(100, dtype=np.int16)).read_bytes()
    for size in range(1, len(whole)):
        path = tmp_path / "cut.wav"
        path.write_bytes(whole[:size])
        refused(path, r"is (not a complete|a damaged) WAV file.*; write it again as PCM")


@given(at=st.integers(0, 127), value=st.integers(0, 255), suffix=st.sampled_from([".npy", ".wav"]))
def test_damage_is_never_a_traceback(at: int, value: int, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as build_dir:
        path = Path(build_dir) / f"s{suffix}"
        write_signal(path, np.arange(8), sample_rate=360)
        content = bytearray(path.read_bytes())
        content[at % len(content)] = value
        path.write_bytes(content)
        read_or_refuse(path, raw=False)


@given(text=st.text(alphabet="0123456789+-.,eE#x \t\n\r_naif\0", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as build_dir:
        for raw in (False, True):
            read_or_refuse(csv(Path(build_dir), text), raw=raw)


# Writing.


def test_csv_text(tmp_path: Path) -> None:
    write_signal(tmp_path / "s.csv", [[0.1, -2.0], [1e-300, 3.0]], sample_rate=None)
    assert (tmp_path / "s.csv").read_text() == "0.1,-2.0\n1e-300,3.0\n"
    write_signal(tmp_path / "s.csv", np.array([-5, 7]), sample_rate=None)
    assert (tmp_path / "s.csv").read_text() == "-5\n7\n"


@pytest.mark.parametrize(
    ("words", "width", "dtype"),
    [
        ([0, 127, -128], None, np.uint8),
        ([0, 128], None, np.int16),
        ([0, -129], None, np.int16),
        ([0, 1], 16, np.int16),
        ([0, 32768], None, np.int32),
    ],
)
def test_pcm_width(tmp_path: Path, words: list[int], width: int | None, dtype: Any) -> None:
    write_signal(tmp_path / "s.wav", np.array(words), sample_rate=360.0, width=width)
    assert wavfile.read(tmp_path / "s.wav")[1].dtype == dtype


@pytest.mark.parametrize("rate", [None, 0, -1, 0.5, 2**32, float("nan"), float("inf")])
def test_wav_needs_a_rate(tmp_path: Path, rate: float | None) -> None:
    with pytest.raises(EmitError, match=r"s\.wav needs a whole sample rate, .*; write \.npy"):
        write_signal(tmp_path / "s.wav", [0.5], sample_rate=rate)
    assert os.listdir(tmp_path) == []


def test_wav_words_too_wide(tmp_path: Path) -> None:
    with pytest.raises(EmitError, match=r"holds words of at most 32 bits, not 33; write \.npy or"):
        write_signal(tmp_path / "s.wav", np.array([2**31]), sample_rate=1)


def test_wav_with_too_many_channels(tmp_path: Path) -> None:
    with pytest.raises(EmitError, match=r"s\.wav cannot hold the samples \(.*\); write \.npy"):
        write_signal(tmp_path / "s.wav", np.zeros((1, 70_000)), sample_rate=1)
    assert os.listdir(tmp_path) == []


def test_unwritable(tmp_path: Path) -> None:
    with pytest.raises(EmitError, match=r"must end in \.npy, \.csv or \.wav, not '\.txt'"):
        write_signal(tmp_path / "s.txt", [1.0], sample_rate=None)
    with pytest.raises(EmitError, match=r"cannot write .*s\.csv: No such file or directory; "):
        write_signal(tmp_path / "none" / "s.csv", [1.0], sample_rate=None)
    (tmp_path / "s.csv").mkdir()
    with pytest.raises(EmitError, match=r"cannot write .*s\.csv: Is a directory; "):
        write_signal(tmp_path / "s.csv", [1.0], sample_rate=None)
    assert os.listdir(tmp_path) == ["s.csv"]


def test_a_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    path = tmp_path / "s.npy"
    write_signal(path, [1.0], sample_rate=None)

    def full(self: Path, mode: str) -> Any:
        return open("/dev/full", "wb", buffering=0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(
            EmitError, match=r"cannot write .*s\.npy: No space left on device; make"
        ):
            write_signal(path, np.zeros(100_000), sample_rate=None)
    assert read_signal(path, columns=1).samples.tolist() == [[1.0]]
    assert os.listdir(tmp_path) == ["s.npy"]
