"""Build directories are written whole or not at all, and replace nothing that is not theirs."""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lmu_hw._support.build_directory import changed_files, read_manifest, sha256_of, write_build_dir
from lmu_hw.errors import EmitError, ModelFileError


def product(**contents: str) -> dict[str, str | bytes]:
    """Return a small build directory, with its manifest."""
    files: dict[str, str | bytes] = {
        "program.json": "{}\n",
        "c/lmu.c": "int x;\n",
        "vectors/in.bin": b"\x00\xff",
    }
    files |= {name.replace("__", "/"): text for name, text in contents.items()}
    return files | {"manifest.json": json.dumps({"tool": "lmu-hw", "files": sha256_of(files)})}


def tree(build_dir: Path) -> dict[str, bytes]:
    """Return every file below a directory, hidden ones too."""
    return {
        p.relative_to(build_dir).as_posix(): p.read_bytes()
        for p in build_dir.rglob("*")
        if p.is_file()
    }


def as_bytes(files: Mapping[str, str | bytes], below: str = "out") -> dict[str, bytes]:
    return {f"{below}/{n}": c.encode() if isinstance(c, str) else c for n, c in files.items()}


def one_line(error: pytest.ExceptionInfo[Exception]) -> None:
    assert "\n" not in str(error.value)


def test_a_new_directory(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "out", product(), force=False)
    assert tree(tmp_path) == as_bytes(product())


def test_parents_are_made(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "a" / "b" / "out", product(), force=False)
    assert tree(tmp_path) == as_bytes(product(), "a/b/out")


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_build_dir(tmp_path / "out", product(), force=False)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "out" / "c").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "out" / "c" / "lmu.c").stat().st_mode) == 0o640


def test_an_unedited_build_directory_is_replaced(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "out", product(extra="1"), force=False)
    write_build_dir(tmp_path / "out", product(c__lmu_c="2"), force=False)
    assert tree(tmp_path) == as_bytes(product(c__lmu_c="2"))


def test_an_empty_directory_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_build_dir(tmp_path / "out", product(), force=False)
    assert tree(tmp_path) == as_bytes(product())


def test_a_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "real", product(), force=False)
    (tmp_path / "out").symlink_to("real")
    write_build_dir(tmp_path / "out", product(extra="1"), force=False)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "extra").read_text() == "1"


@pytest.mark.parametrize("edit", ["change", "remove"])
def test_a_stale_build_directory_needs_force(tmp_path: Path, edit: str) -> None:
    out = tmp_path / "out"
    write_build_dir(out, product(), force=False)
    if edit == "change":
        (out / "c" / "lmu.c").write_text("int mine;\n")
    else:
        (out / "c" / "lmu.c").unlink()
    before = tree(tmp_path)
    with pytest.raises(EmitError, match=r"out was edited \(c/lmu\.c\); --force replaces it$") as e:
        write_build_dir(out, product(), force=False)
    one_line(e)
    assert tree(tmp_path) == before
    write_build_dir(out, product(), force=True)
    assert tree(tmp_path) == as_bytes(product())


def test_other_files_need_force(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_build_dir(out, product(), force=False)
    (out / "c" / "build").mkdir()
    (out / "c" / "build" / "host").write_text("x")  # what make leaves is no obstacle
    write_build_dir(out, product(), force=False)
    (out / "c" / "notes").write_text("x")
    with pytest.raises(EmitError, match=r"out also holds c/notes; --force removes it"):
        write_build_dir(out, product(), force=False)
    assert (out / "c" / "notes").exists()
    write_build_dir(out, product(), force=True)
    assert tree(tmp_path) == as_bytes(product())


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "manifest", [None, "", "[]", "{}", '{"tool": "other", "files": {}}', '{"tool": "lmu-hw"}']
)
def test_a_foreign_directory_is_never_replaced(
    tmp_path: Path, manifest: str | None, force: bool
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("x")
    if manifest is not None:
        (out / "manifest.json").write_text(manifest)
    before = tree(tmp_path)
    with pytest.raises(
        EmitError, match=r"did not write, or a damaged .*choose another directory, or delete it$"
    ) as e:
        write_build_dir(out, product(), force=force)
    one_line(e)
    assert tree(tmp_path) == before


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(EmitError, match=r"out is a file; choose another directory"):
        write_build_dir(tmp_path / "out", product(), force=True)
    with pytest.raises(EmitError, match=r"cannot write .*out/deep: .*; make room or choose") as e:
        write_build_dir(tmp_path / "out" / "deep", product(), force=True)
    one_line(e)
    assert tree(tmp_path) == {"out": b"x"}


@pytest.mark.parametrize("up", [".", ".."])
def test_the_current_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, up: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(
        EmitError, match=r"must not be or contain the current directory; choose a subd"
    ):
        write_build_dir(Path(up), product(), force=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_directory_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EmitError, match="Permission denied"):
        write_build_dir(tmp_path / "out", product(), force=False)


def write_failing(where: str, n: int, error: BaseException, out: Path, times: int = 1) -> None:
    """Write a build directory while the n-th write or rename, from 0, fails ``times`` times."""
    owner, name = (Path, "write_bytes") if where == "write" else (os, "rename")
    real: Any = getattr(owner, name)
    calls = itertools.count()

    def call(*args: Any) -> Any:
        if n <= next(calls) < n + times:
            raise error
        return real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, call)
        write_build_dir(out, product(extra="1"), force=True)


FAULTS = [("write", 0), ("write", 2), ("rename", 0), ("rename", 1)]


@pytest.mark.parametrize(("where", "n"), FAULTS)
def test_a_full_disk_leaves_the_old_build_directory(tmp_path: Path, where: str, n: int) -> None:
    out = tmp_path / "out"
    write_build_dir(out, product(), force=False)
    error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(EmitError, match=r"out: No space left on device; make room or") as e:
        write_failing(where, n, error, out)
    one_line(e)
    assert tree(tmp_path) == as_bytes(product())
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failed_first_write_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    expected = EmitError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_failing("write", 1, error, tmp_path / "a" / "b" / "out")
    assert os.listdir(tmp_path) == []


def test_an_interrupt_leaves_the_old_build_directory(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "out", product(), force=False)
    with pytest.raises(KeyboardInterrupt):
        write_failing("write", 1, KeyboardInterrupt(), tmp_path / "out")
    assert tree(tmp_path) == as_bytes(product())
    assert os.listdir(tmp_path) == ["out"]


def test_the_old_build_directory_survives_if_it_cannot_be_put_back(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "out", product(), force=False)
    with pytest.raises(EmitError):
        write_failing("rename", 1, OSError(errno.EIO, "broken"), tmp_path / "out", times=2)
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".out-")
    assert left.endswith(".old")
    assert tree(tmp_path) == as_bytes(product(), left)


def test_read_manifest(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "out", product(), force=False)
    manifest = read_manifest(tmp_path / "out")
    assert manifest["tool"] == "lmu-hw"
    assert changed_files(tmp_path / "out", manifest) == []
    (tmp_path / "out" / "program.json").write_text("[]")
    (tmp_path / "out" / "vectors" / "in.bin").unlink()
    assert changed_files(tmp_path / "out", manifest) == ["program.json", "vectors/in.bin"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            None,
            r"out holds no manifest\.json; give a build directory written by 'lmu-hw generate'$",
        ),
        ("", r"manifest\.json is damaged \(.*\); generate the build directory again$"),
        ('{"tool": "lmu', r"manifest\.json is damaged \(.*\); generate the build directory again$"),
        ("\udcff", r"manifest\.json is damaged \(.*\); generate the build directory again$"),
        ("[" * 100_000, r"manifest\.json is damaged \(.*\); generate the build directory again$"),
        ("[]", r"manifest\.json was not written by lmu-hw; generate the build directory again$"),
        (
            '{"tool": "x"}',
            r"manifest\.json was not written by lmu-hw; generate the build directory again$",
        ),
    ],
)
def test_read_manifest_failures(tmp_path: Path, content: str | None, text: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if content is not None:
        (out / "manifest.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ModelFileError, match=text) as e:
        read_manifest(out)
    one_line(e)


def test_read_manifest_of_no_build_directory(tmp_path: Path) -> None:
    with pytest.raises(
        ModelFileError, match=r"nowhere does not exist; give a build directory written by"
    ):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelFileError, match=r"file is a file; give a build directory written by"):
        read_manifest(tmp_path / "file")
    (tmp_path / "out" / "manifest.json").mkdir(parents=True)
    with pytest.raises(ModelFileError, match=r"cannot read .*manifest\.json: Is a directory"):
        read_manifest(tmp_path / "out")
