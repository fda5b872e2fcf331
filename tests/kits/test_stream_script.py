"""The script ``stream.py`` of boards: files, errors, and frames that are sent again."""

from __future__ import annotations

import binascii
import importlib.util
import shutil
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.kits.board_top import ULX3S
from lmu_hw.kits.catalogue import KITS
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program
from lmu_hw.program.interpreter import Interpreter
from tests.factories.hardware_programs import ALL
from tests.factories.kit_cores import core_design
from tests.factories.kit_designs import write_kit

SYNC, WORDS = 0xA5, 2


class FakePort:
    """A board as a serial port: the interpreter behind frames, as ``frames.v`` describes them."""

    def __init__(self, script: ModuleType, program: Program) -> None:
        self.script, self.interpreter, self.timeout = script, Interpreter(program), 0.0
        self.answers, self.kept, self.number = b"", b"", -1
        self.frames: list[bytes] = []
        self.arrives: list[Callable[[bytes], bytes]] = []  # what becomes of the next answers

    def __enter__(self) -> FakePort:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def reset_input_buffer(self) -> None:
        self.answers = b""

    def read(self, n: int) -> bytes:
        data, self.answers = self.answers[:n], self.answers[n:]
        return data

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)
        assert frame[0] == SYNC
        assert binascii.crc_hqx(frame[1:], 0xFFFF) == 0
        kind, number, payload = frame[1], frame[2], frame[5:-2]
        assert int.from_bytes(frame[3:5], "little") == len(payload) <= self.script.MAX_IN
        answer = b""
        if kind == 0:
            answer = bytes([1]) + self.script.DIGEST
        elif kind == 1:
            self.interpreter.reset()
            self.number = -1
        elif number != self.number:
            self.kept, self.number = self.words(payload, last=kind == 3), number
        if kind >= WORDS:
            answer = self.kept
        head = bytes([kind | 0x80, number]) + len(answer).to_bytes(2, "little")
        whole = bytes([SYNC]) + self.script.with_crc(head + answer)
        self.answers += self.arrives.pop(0)(whole) if self.arrives else whole

    def words(self, payload: bytes, *, last: bool) -> bytes:
        size, wide = self.script.IN_BYTES, self.script.OUT_BYTES
        words = [
            int.from_bytes(payload[i : i + size], "little", signed=True)
            for i in range(0, len(payload), size)
        ]
        inputs = np.array(words).reshape(-1, 1, self.script.N_IN)
        outputs = self.interpreter.run(inputs).ravel().tolist()
        return b"".join(int(word).to_bytes(wide, "little", signed=True) for word in outputs)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    design = core_design(ALL["channels"], n_steps=200)
    return write_kit(KITS[ULX3S.kit], design, tmp_path_factory.mktemp("kit"))


@pytest.fixture
def kit_dir(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / made.name)


@pytest.fixture
def script(kit_dir: Path) -> ModuleType:
    return load(kit_dir)


def load(kit_dir: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("stream", kit_dir / "stream.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def port(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> FakePort:
    """Return a port that the script opens whatever its name."""
    fake = FakePort(script, ALL["channels"])
    serial = ModuleType("serial")
    serial.Serial = lambda *_, **__: fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "serial", serial)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return fake


@pytest.fixture
def stream(script: ModuleType, port: FakePort, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the script as a function of its arguments: it returns None, or its last line."""

    def call(*arguments: object) -> Any:
        line = ["stream.py", "--port", "p", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", line)
        ended = None
        try:
            script.main()
        except SystemExit as error:
            ended = error.code
        assert "\n" not in str(ended)
        return ended

    return call


def test_the_vectors(stream: Any, port: FakePort, capsys: pytest.CaptureFixture[str]) -> None:
    assert stream() is None
    assert "200 steps, 1200 output words, equal to those expected" in capsys.readouterr().err
    # identify, reset, and as many steps a frame as have room
    assert [len(frame) - 7 for frame in port.frames] == [0, 0, 255, 255, 90]


def test_every_kind_of_file(
    stream: Any, kit_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = vectors.read(ALL["channels"], kit_dir / "vectors")
    np.save(tmp_path / "in.npy", played.inputs)
    np.savetxt(tmp_path / "in.csv", played.inputs, fmt="%d", delimiter=",")
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setparams((3, 2, 1000, 0, "NONE", ""))
        file.writeframes(played.inputs.astype("<i2").tobytes())
    for name in ("in.npy", "in.csv", "in.wav"):
        for out in ("out.npy", "out.csv"):
            given = ("--input", tmp_path / name, "--output", tmp_path / out)
            assert stream(*given, "--expect", kit_dir / "vectors" / "output.hex") is None
        assert np.array_equal(np.load(tmp_path / "out.npy"), played.outputs)
        assert np.array_equal(np.loadtxt(tmp_path / "out.csv", delimiter=","), played.outputs)
    capsys.readouterr()
    assert stream("--input", tmp_path / "in.csv") is None
    assert capsys.readouterr().out == (tmp_path / "out.csv").read_text()


def test_errors_are_one_line(stream: Any, port: FakePort, kit_dir: Path, tmp_path: Path) -> None:
    texts = {
        "none.csv": None,
        "text.csv": "a\n",
        "null.csv": "1,\0\n",
        "floats.csv": "0.5,1,2\n",
        "odd.csv": "1,2\n",
        "large.csv": "1,2,128\n",
        "bad.hex": "zz\n",
        "bad.npy": "1",
        "bad.wav": "1",
    }
    for name, text in texts.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        assert str(stream("--input", tmp_path / name)).startswith("stream.py: "), name
    np.save(tmp_path / "floats.npy", np.zeros((4, 3)))
    assert "must be integers" in stream("--input", tmp_path / "floats.npy")
    assert "word 2 must be from -128 to 127, not 128" in stream("--input", tmp_path / "large.csv")

    output = kit_dir / "vectors" / "output.hex"
    lines = output.read_text().split()
    output.write_text("\n".join([*lines[:40], f"{int(lines[40], 16) ^ 1:02x}", *lines[41:]]))
    assert "output 6, word 4: " in stream()
    output.write_text("\n".join(lines[:-1]))
    assert "1200 output words instead of 1199" in stream()
    output.write_text("\n".join(lines))
    assert "No such file" in stream("--output", tmp_path / "none" / "out.csv")


def test_a_design_that_is_another(stream: Any, script: ModuleType, port: FakePort) -> None:
    other = port.script
    port.script = ModuleType("other")
    port.script.__dict__.update(other.__dict__, DIGEST=bytes(8))
    assert "the board holds the program 0000000000000000, not " in stream()


def test_a_board_that_does_not_answer(stream: Any, port: FakePort) -> None:
    port.arrives = [lambda answer: b""] * 4
    assert "no answer, 4 times: is this the port of the board" in stream()
    # what is not an answer
    port.arrives = [lambda answer: b"\xa5\xa5\xa5"] * 4
    assert "4 times" in stream()


def damaged(at: int) -> Callable[[bytes], bytes]:
    return lambda answer: answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]


@pytest.mark.parametrize(
    "fault",
    [
        lambda answer: b"",
        lambda answer: answer[:-1],
        lambda answer: answer[1:],
        lambda answer: b"\xa5" + answer,
        *(damaged(at) for at in (0, 1, 2, 3, 5, -1)),
    ],
)
def test_an_answer_that_is_damaged(
    fault: Callable[[bytes], bytes],
    stream: Any,
    port: FakePort,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port.arrives = [lambda answer: answer] * 2 + [fault, fault]
    assert stream() is None
    assert "equal to those expected" in (said := capsys.readouterr().err)
    assert said.endswith(", 2 frames sent again\n")
    # the same bytes, with the same number
    assert port.frames[2] == port.frames[3] == port.frames[4] != port.frames[5]


def test_a_request_that_is_refused(
    stream: Any, script: ModuleType, port: FakePort, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(answer: bytes) -> bytes:
        return bytes([SYNC]) + script.with_crc(bytes([0xFF, answer[2], 1, 0, 1]))

    port.arrives = [refused]
    assert stream() is None
    port.arrives = [refused] * 4
    assert "request refused: wrong CRC" in stream()


def test_control_c(stream: Any, port: FakePort) -> None:
    def interrupt(answer: bytes) -> bytes:
        raise KeyboardInterrupt

    port.arrives = [interrupt]
    assert stream() == 130


def test_pyserial_is_missing(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    assert stream() == "pyserial is missing: python -m pip install pyserial"


def test_steps_that_are_longer_than_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit_dir = write_kit(KITS[ULX3S.kit], core_design(ALL["wide_layers"], n_steps=30), tmp_path)
    text = (kit_dir / "stream.py").read_text()
    (kit_dir / "stream.py").write_text(
        text.replace("MAX_IN, MAX_OUT = 512", "MAX_IN, MAX_OUT = 16")
    )
    script = load(kit_dir)
    sent: list[int] = []

    class Counting(FakePort):
        def words(self, payload: bytes, *, last: bool) -> bytes:
            sent.append(len(payload))
            self.left = getattr(self, "left", b"") + payload
            if len(self.left) < script.N_IN:
                return b""
            whole, self.left = self.left, b""
            return super().words(whole, last=last)

    played = vectors.read(ALL["wide_layers"], kit_dir / "vectors")
    board = script.Board(Counting(script, ALL["wide_layers"]), 115200)
    outputs = board.step([int(word) for word in played.inputs.ravel()])
    assert np.array_equal(outputs, played.outputs)
    assert sent == [16, 16, 5] * 30


def test_an_output_that_is_longer_than_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmu_hw.kits.board_top.MOST_BITS", 3)
    with pytest.raises(SpecError, match=r"6 words of 1 bytes.*8 bytes at most"):
        KITS[ULX3S.kit].files(core_design(ALL["channels"], n_steps=4))
