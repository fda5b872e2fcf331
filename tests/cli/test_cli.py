"""The command line: exit codes, one-line errors, nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lmu_hw import __version__
from lmu_hw import generate as generate_module
from lmu_hw._support import build_directory
from lmu_hw.api import compilation
from lmu_hw.cli.main import main
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify import selection
from tests.cli.command import call, refused
from tests.factories.builds import generate, read_files

ROOT = Path(__file__).resolve().parents[2]
# A busy machine must not add lines of progress, unless a test waits for them.
CODE = (
    "import os, sys; from lmu_hw._support import progress; "
    "progress.SHOW_AFTER = float(os.environ.get('LMU_HW_TEST_PROGRESS', 3600.0)); "
    "from lmu_hw.cli.main import main; sys.exit(main())"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("cli") / "out", "--d", 3)


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def process(*argv: object, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | env
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=variables,
        # whoever runs the tests in the background has Ctrl-C ignored, which is inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys)
    assert (said.code, said.out) == (2, "")
    for name in ("generate", "verify", "simulate", "doctor", "examples:"):
        assert name in said.err


@pytest.mark.parametrize("command", ["", "generate", "verify", "simulate", "footprint", "doctor"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        main([*command.split(), "--help"])
    assert info.value.code == 0
    out, err = capsys.readouterr()
    assert f"examples:\n  lmu-hw {command}".rstrip() in out
    assert err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        main(["--version"])
    assert info.value.code == 0
    assert capsys.readouterr().out == f"lmu-hw {__version__}\n"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("gnerate --d 8", "unknown command 'gnerate'; did you mean generate?"),
        (
            "compile",
            "give one of generate, verify, certify, simulate, import, inspect, evaluate, tune",
        ),
        ("--json doctor", "--json goes after the command"),
        ("--d 8", "--d goes after the command, as in lmu-hw generate --d"),
        ("--verson", "unknown option --verson; did you mean --version?"),
        ("-", "unknown option -"),
        ("generate --d 8 --bit 16", "unknown option --bit; did you mean --bits?"),
        ("generate --d 8 --thta=3", "unknown option --thta=3; did you mean --theta?"),
        ("generate --d 8 --steps 3", "unknown option --steps"),
        ("generate a.toml b.toml", "unexpected argument 'b.toml'"),
        ("generate --d", "--d: expected one argument"),
        ("verify", "required: DIR"),
        ("simulate x", "required: --input, --output"),
        ("simulate x --input a.npy", "required: --output"),
        ("simulate x --input a --output b --engine wrong", "invalid choice: 'wrong'"),
        ("doctor --jsn", "did you mean --json?"),
        ("doctor here", "unexpected argument 'here'"),
    ],
)
def test_usage(line: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, *line.split())
    assert text in said
    assert "--help)" in said


BAD = [
    ("", "d (order) must be given"),
    ("--d 0", "d (order) must be a whole number from 1 to 1024, not 0"),
    ("--d -3", "d (order) must be a whole number from 1 to 1024, not -3"),
    ("--d 2.5", "not 2.5"),
    ("--d 5000", "not 5000"),
    ("--d abc", "not 'abc'"),
    ("--d nan", "d (order) must be"),
    ("--d 1e400", "d (order) must be"),
    (f"--d {'9' * 5000}", "d (order) must be"),
    ("--d 8 --theta 0.5", "theta must be from 1 to"),
    ("--d 8 --theta 0.0", "theta must be from 1 to"),
    ("--d 8 --theta -1", "theta must be from 1 to"),
    ("--d 8 --theta nan", "theta must be a finite number, not nan"),
    ("--d 8 --theta inf", "theta must be a finite number, not inf"),
    ("--d 8 --theta=-inf", "theta must be a finite number, not -inf"),
    ("--d 8 --theta abc", "theta must be a finite number, not 'abc'"),
    ("--d 8 --theta 1e9", "theta must be from 1 to 1e+06"),
    ("--d 8 --bits 1", "bits must be a whole number from 4 to 24, not 1"),
    ("--d 8 --bits 99", "not 99"),
    ("--d 8 --coef-bits 0", "coef_bits must be"),
    ("--d 8 --state-bits 100", "state_bits must be"),
    ("--d 8 --weight-bits x", "weight_bits must be"),
    ("--d 8 --channels 0", "channels must be"),
    ("--d 8 --output nothing", "output must be one of memory, state, taps"),
    ("--d 8 --output taps", "taps must be given"),
    ("--d 8 --output taps=2", "taps must be fractions of theta from 0 to 1"),
    ("--d 8 --output taps=a", "taps must be numbers"),
    ("--d 8 --realization wave", "realization must be one of auto, cascade, ladder, dense"),
    ("--d 8 --discretizer tustin", "discretizer must be one of zoh, euler, bilinear"),
    ("--d 64 --theta 100 --discretizer euler", "use theta >= 639 or"),
    ("no-such.toml", "cannot read no-such.toml"),
]


@pytest.mark.parametrize(("line", "text"), BAD)
def test_bad_request(
    line: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert text in refused(capsys, "generate", *line.split(), "-o", "deep/out")
    assert refused(capsys, "generate", *line.split(), "-o", "deep/out", "--json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("m.toml", "d = 8\nbit = 3\n", "unknown key 'bit': did you mean bits?"),
        ("m.json", '{"d": 8, "thetta": 3}', "unknown key 'thetta': did you mean theta?"),
        ("m.json", '{"d": 8, "d ": 3}', "unknown key"),
        ("m.toml", "d = \n", "is not a TOML or JSON specification"),
        ("m.json", "{", "is not a TOML or JSON specification"),
        ("m.json", "[8]", "must hold a table"),
        ("m.json", '{"d": NaN}', "d (order) must be"),
        ("m.json", '{"d": true}', "d (order) must be"),
        ("m.json", '{"d": 8, "theta": "9"}', "theta must be"),
        ("m.json", '{"d": 8, "theta": 1e999}', "theta must be"),
        ("m.json", '{"d": 8, "output": 3}', "output must be"),
        ("m.json", '{"d": 8, "output": ["state"]}', "output must be"),
        ("m.json", '{"d": 8, "discretizer": {}}', "discretizer must be"),
        ("m.json", '{"d": 8, "taps": 3}', "taps must be"),
        ("m.json", '{"d": 8, "taps": ["x"]}', "taps must be"),
        ("m.json", "[" * 100_000, "is not a TOML or JSON specification"),
        ("m.toml", "d = 8\nd = 9\n", "is not a TOML or JSON specification"),
    ],
)
def test_bad_file(
    name: str, content: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content)
    assert text in refused(capsys, "generate", tmp_path / name, "-o", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--steps 0", "steps must be a whole number from 1"),
        ("--steps 1.5", "steps must be"),
        ("--steps x", "steps must be"),
        ("--steps 99999999999", "steps must be"),
        ("--seed -1", "seed must be a whole number from 0"),
        ("--seed 1e3", "seed must be"),
        (
            "--backends c-m85",
            "c-m85 cannot be verified: QEMU has no Cortex-M85; footprint compiles",
        ),
        ("--backends wrong", "c-m7, c-m33, c-m55, c-rv32, c-avr, c-uno, not 'wrong'"),
    ],
)
def test_bad_verify(line: str, text: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert text in refused(capsys, "verify", made, *line.split())


def test_a_directory_of_somebody_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for force in ((), ("--force",)):
        line = refused(capsys, "generate", "--d", 2, "-o", tmp_path, *force)
        assert "holds files that lmu-hw did not write" in line
    assert "is a file" in refused(capsys, "generate", "--d", 2, "-o", tmp_path / "notes.txt")
    below = tmp_path / "notes.txt" / "out"
    assert "cannot write" in refused(capsys, "generate", "--d", 2, "-o", below)
    assert read_files(tmp_path) == {"notes.txt": b"mine"}


def test_a_stale_build_directory_needs_force(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_files(copy)
    argv = ("generate", "--d", 3, "-o", copy, "-q")
    assert call(capsys, *argv).code == 0
    assert read_files(copy) == before
    (copy / "c" / "lmu.c").write_text("mine")
    assert "was edited (c/lmu.c); --force replaces it" in refused(capsys, *argv)
    (copy / "c" / "lmu.c").write_bytes(before["c/lmu.c"])
    (copy / "extra").write_text("mine")
    edited = read_files(copy)
    assert "also holds extra; --force removes it" in refused(capsys, *argv)
    assert read_files(copy) == edited
    assert call(capsys, *argv, "--force").code == 0
    assert read_files(copy) == before


@pytest.mark.some(8)
@pytest.mark.parametrize("where", ["quantize", "files", "write", "swap"])
@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), 1, "Permission denied"),
        (MemoryError(), 1, "out of memory"),
    ],
)
def test_a_failed_generate_leaves_the_old_build_directory(
    where: str,
    error: BaseException,
    code: int,
    text: str,
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = 0

    def fail(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        raise error

    target = {
        "quantize": (compilation, "quantize_memory"),
        "files": (generate_module.vectors, "expect"),
        "write": (Path, "write_bytes"),
        "swap": (build_directory, "_swap"),
    }[where]
    before = read_files(copy.parent)
    for out in (copy, copy.parent / "new" / "out"):
        with monkeypatch.context() as patch:
            patch.setattr(*target, fail)
            said = call(capsys, "generate", "--d", 2, "-o", out)
        assert said.code == code
        assert said.out == ""
        assert said.err.startswith("lmu-hw: ")
        assert said.err.count("\n") == 1
        assert text in said.err
    assert calls == 2
    assert read_files(copy.parent) == before
    assert [path.name for path in copy.parent.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "full"), 1)]
)
@pytest.mark.parametrize("engine", [Interpreter, BulkEngine])
def test_a_failed_verify(
    engine: type,
    error: BaseException,
    code: int,
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    if not selection.available()["c"]:
        pytest.skip("no C compiler")
    before = read_files(copy.parent)
    monkeypatch.setattr(engine, "run", fail)
    said = call(capsys, "verify", copy, "--backends", "c", "--json")
    assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert read_files(copy.parent) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    line = refused(capsys, "generate", "--d", 2, "-o", tmp_path / "locked" / "out")
    assert "Permission denied" in line


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    where = tmp_path / "tiny"
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(where)]
    if (
        os.geteuid()
        or not shutil.which("mount")
        or subprocess.run(command, capture_output=True).returncode
    ):
        pytest.skip("may not mount a file system")
    yield where
    subprocess.run(["umount", str(where)], check=True)


def test_a_full_disk(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "generate", "--d", 20, "-o", tiny / "out", "-q")
    assert "No space left on device" in line
    assert "make room" in line
    assert list(tiny.iterdir()) == []


@pytest.mark.some(3)
@pytest.mark.parametrize("name", ["with space", "Größe λ", "-dash", "a'b\"c", "new\nline", "$(x)"])
def test_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = call(capsys, "generate", "--d", 2, f"--out={name}", "--json")
    assert said.json["build_directory"] == name
    assert said.err == ""
    (tmp_path / name / "u.csv").write_text("0.5\n")
    where = tmp_path / name
    argv = ("simulate", where, "--input", where / "u.csv", "--output", where / "m.csv")
    assert call(capsys, *argv).code == 0
    assert refused(capsys, *argv[:2], "--input", where / "none.csv", *argv[4:])


def test_a_link_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert call(capsys, "generate", "--d", 2, "-o", tmp_path / "link", "-q").code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "manifest.json").is_file()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(capsys, "generate", "--d", 2, "-o", tmp_path / "loop", "-q")


@pytest.mark.parametrize("out", ["", ".", "..", "/"])
def test_the_current_directory_is_refused(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refused(capsys, "generate", "--d", 2, "-o", out, "--force")
    assert "choose a subdirectory" in line


def test_json_of_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "doctor", "--json")
    assert (said.code, said.err) == (0, "")
    assert {"name", "ok", "remedy"} <= set(said.json["checks"][0])
    text = call(capsys, "doctor")
    assert text.code == 0
    assert "numpy" in text.out


def test_a_process(made: Path, tmp_path: Path) -> None:
    code, out, err = finish(process("generate", "--d", 3, "-o", "x", "--json", cwd=tmp_path))
    assert (code, err) == (0, "")
    assert json.loads(out)["build_directory"] == "x"
    assert read_files(tmp_path / "x") == read_files(made)
    code, out, err = finish(process("generate", "--d", 0, "-o", "y", cwd=tmp_path))
    assert (code, out) == (1, "")
    assert err == "lmu-hw: d (order) must be a whole number from 1 to 1024, not 0\n"
    code, out, err = finish(process("verify", tmp_path / "none"))
    assert (code, out, err.count("\n")) == (1, "", 1)
    code, out, err = finish(process())
    assert (code, out) == (2, "")


def test_a_process_without_utf8(tmp_path: Path) -> None:
    code, out, err = finish(
        process("generate", "--d", 2, "-o", "λ", cwd=tmp_path, PYTHONIOENCODING="ascii")
    )
    assert (code, err) == (0, "")
    assert "wrote \\u03bb" in out
    code, out, err = finish(process("verify", "ü", cwd=tmp_path, PYTHONIOENCODING="ascii"))
    assert (code, out) == (1, "")
    assert "\\xfc does not exist" in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_stdout_that_takes_nothing(made: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CODE, "doctor", "--json"]
    with open("/dev/full", "w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=env)
    assert run.returncode == 1
    assert run.stderr.startswith("lmu-hw: No space left on device")
    assert run.stderr.count("\n") == 1
    shell = subprocess.run(
        ["sh", "-c", '"$@" | :', "sh", *command], capture_output=True, text=True, env=env
    )
    assert shell.stderr == ""
    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command], capture_output=True, text=True, env=env
    )
    assert (closed.returncode, closed.stderr) == (0, "")


@pytest.mark.parametrize(
    ("sent", "expected", "line"),
    [(signal.SIGINT, 130, "lmu-hw: interrupted"), (signal.SIGTERM, 143, "lmu-hw: terminated")],
)
def test_signals_to_a_process(
    sent: signal.Signals, expected: int, line: str, tmp_path: Path
) -> None:
    # progress appears once the work is on
    started = process("generate", "--d", 500, "-o", tmp_path / "out", LMU_HW_TEST_PROGRESS="1")
    assert started.stderr is not None
    assert "generating" in started.stderr.readline()
    started.send_signal(sent)
    begin = time.monotonic()
    code, out, err = finish(started)
    assert (code, out) == (expected, "")
    assert err.splitlines()[-1] == line
    assert "Traceback" not in err
    assert time.monotonic() - begin < 60
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_the_command_line_is_imported() -> None:
    code = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "lmu_hw.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from lmu_hw.__main__ import entry
sys.exit(entry())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "lmu-hw: interrupted\n")


def test_two_at_the_same_time(tmp_path: Path) -> None:
    both = [process("generate", "--d", 3, "-o", tmp_path / "out", "-q") for _ in range(2)]
    codes = []
    for one in both:
        code, out, err = finish(one)
        codes.append(code)
        assert code in (0, 1)
        assert out == ""
        assert err.count("\n") == code
    assert 0 in codes
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert main(["verify", str(tmp_path / "out"), "--backends", "c", "--steps", "50", "-q"]) in (
        (0,) if selection.available()["c"] else (1,)
    )


def test_a_missed_error_budget_is_said_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = call(capsys, "generate", "--d", 3, "--state-bits", 12, "-o", tmp_path / "out", "--json")
    assert said.json["error_lsb"]["kept"] is False
    assert re.fullmatch(r"lmu-hw: warning: .* over the error budget of 1: .*\n", said.err)
