"""Write build directories: completely or not at all, and never over files of the user.

A build directory is recognised by its manifest, a JSON object with ``"tool": "lmu-hw"``, whose
``"files"`` gives the sha256 of every other file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import EmitError, ModelFileError, read_error, reason_of

MANIFEST = "manifest.json"
TOOL = "lmu-hw"
ANALOG = "analog"
"""Key that only the manifest of an analog memory has."""
REPORT_PAGE, REPORT_DATA = "report.html", "report.json"
"""Report of a build directory, which its manifest does not list."""
REPORT_MARKS = {
    REPORT_PAGE: b'<meta name="generator" content="lmu-hw ',
    REPORT_DATA: b'"tool": "lmu-hw"',
}
"""What the first thousand bytes of these files hold."""
_BUILT = re.compile(r"[a-z0-9-]+/(build|target)/|rust/Cargo\.lock$")


def write_build_dir(
    target: Path, files: Mapping[str, str | bytes], *, force: bool, marker: str = MANIFEST
) -> None:
    """Write a directory atomically: it appears complete or not at all.

    The files are written to a hidden directory next to the target, which is then renamed to it.
    After an error or Ctrl-C the old directory is unchanged and nothing else is left behind.

    Parameters
    ----------
    target : Path
        The directory; missing parents are created.
    files : mapping of str to str or bytes
        Content for each relative name, with ``/`` as separator; text is encoded as UTF-8. The
        manifest is one of them.
    force : bool
        Replace an existing build directory even if it was edited or holds other files too.
    marker : str
        Name of the manifest.

    Raises
    ------
    EmitError
        If the target is a file, the current directory, or a directory other than a build directory;
        if the build directory was edited and ``force`` is false; or if writing fails.
    """
    assert marker in files
    assert not any(name.startswith("/") or ".." in name.split("/") for name in files)
    try:
        place = Path(os.path.realpath(target))
        _check_replaceable(place, target, force, marker)
        with _parents(place.parent), _temporary(place) as new:
            for name, content in files.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            _swap(new, place)
    except OSError as error:
        raise write_error(target, error) from error


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically: after an error the old file, if any, is unchanged.

    Parameters
    ----------
    path : Path
    write : callable
        Called with the file, open for binary writing.

    Raises
    ------
    EmitError
        If writing fails.
    """
    # in the same directory, so that os.replace is atomic
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.new")
    try:
        try:
            with temporary.open("xb") as file:
                write(file)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def write_report_files(build_dir: Path, page: bytes, data: bytes) -> None:
    """Write the report of a build directory: both files, or none.

    Raises
    ------
    EmitError
        As `check_report`, or if writing fails.
    """
    check_report(build_dir)
    token, contents = secrets.token_hex(4), {REPORT_PAGE: page, REPORT_DATA: data}
    new, old = ({n: build_dir / f".{n}-{token}.{end}" for n in contents} for end in ("new", "old"))
    try:
        for name, content in contents.items():
            new[name].write_bytes(content)
        # from here on renames alone, which need no room
        for name in contents:
            if (build_dir / name).exists():
                os.replace(build_dir / name, old[name])
            os.replace(new[name], build_dir / name)
    except BaseException as error:
        for name in contents:
            if not new[name].exists():
                (build_dir / name).unlink(missing_ok=True)
            if old[name].exists():
                os.replace(old[name], build_dir / name)
        if isinstance(error, OSError):
            raise write_error(build_dir / REPORT_PAGE, error) from error
        raise
    finally:
        for path in (*new.values(), *old.values()):
            path.unlink(missing_ok=True)


def check_report(build_dir: Path) -> None:
    """Check, before the work starts, that `write_report_files` may write.

    Raises
    ------
    EmitError
        If the build directory cannot be written, or holds such files of somebody else.
    """
    for name in (REPORT_PAGE, REPORT_DATA):
        path = build_dir / name
        if (path.exists() or path.is_symlink()) and not is_report(path):
            raise EmitError(f"{path} is not a report of lmu-hw; move it away")
    if not os.access(build_dir, os.W_OK | os.X_OK):
        raise EmitError(f"{build_dir} cannot be written; copy it to a place of your own")


def is_report(path: Path) -> bool:
    """Return whether a file is the page or the data of a report that lmu-hw wrote."""
    if path.is_symlink() or path.name not in (REPORT_PAGE, REPORT_DATA):
        return False
    try:
        with path.open("rb") as file:
            return REPORT_MARKS[path.name] in file.read(1000)
    except OSError:
        return False


def check_file(path: Path, *, force: bool = False) -> None:
    """Check, before the work starts, that `write_file` will be able to write a new file.

    Raises
    ------
    EmitError
        If the path cannot be written, or exists and ``force`` is false.
    """
    if path.is_dir():
        raise EmitError(f"{path} is a directory; name a file")
    if path.exists() and not force:
        raise EmitError(f"{path} exists; choose another name, or give --force")
    if not os.path.isdir(os.path.realpath(path.parent)):
        raise EmitError(f"{path} cannot be written: there is no directory {path.parent}")


def check_target(target: Path, *, force: bool) -> None:
    """Check, before the work starts, that `write_build_dir` may write to the target.

    Raises
    ------
    EmitError
        If it may not; see `write_build_dir`.
    """
    try:
        _check_replaceable(Path(os.path.realpath(target)), target, force, MANIFEST)
    except OSError as error:
        raise write_error(target, error) from error


def read_manifest(build_dir: Path, *, analog: bool = False) -> dict[str, Any]:
    """Return the manifest of a build directory.

    Parameters
    ----------
    build_dir : Path
    analog : bool
        It may be that of an analog memory, which has no program.

    Raises
    ------
    ModelFileError
        If the directory or its manifest is missing, unreadable or not written by lmu-hw, or of an
        analog memory where that is no use.
    """
    path = build_dir / MANIFEST
    if not build_dir.is_dir():
        what = "is a file" if build_dir.exists() else "does not exist"
        raise ModelFileError(
            f"{build_dir} {what}; give a build directory written by 'lmu-hw generate'"
        )
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{build_dir} holds no {MANIFEST}; give a build directory written by 'lmu-hw generate'"
        ) from error
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is damaged ({reason_of(error)}); generate the build directory again"
        ) from error
    if not _is_manifest(manifest):
        raise ModelFileError(
            f"{path} was not written by lmu-hw; generate the build directory again"
        )
    if ANALOG in manifest and not analog:
        raise ModelFileError(f"{build_dir} is an analog memory: lmu-hw verify is for it")
    return dict(manifest)


def changed_files(build_dir: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the names of recorded files that are missing or differ from their sha256, sorted.

    Parameters
    ----------
    build_dir : Path
    manifest : mapping
        As `read_manifest` returns it.
    """
    return sorted(
        name
        for name, digest in manifest["files"].items()
        if not (build_dir / name).is_file()
        or hashlib.sha256((build_dir / name).read_bytes()).hexdigest() != digest
    )


def sha256_of(files: Mapping[str, str | bytes]) -> dict[str, str]:
    """Return the ``"files"`` entry of a manifest: the sha256 of every file, by name."""
    return {
        name: hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
        for name, text in sorted(files.items())
    }


def write_error(path: Path, error: OSError) -> EmitError:
    """Return the one-line error for a file or directory that could not be written."""
    reason = error.strerror or str(error)
    # the error may name a hidden temporary file, which means nothing to the user
    at = Path(error.filename) if isinstance(error.filename, str) else path
    where = f" at {at}" if at in path.absolute().parents else ""
    return EmitError(f"cannot write {path}: {reason}{where}; make room or choose another place")


def _is_manifest(manifest: Any) -> bool:
    return (
        isinstance(manifest, dict)
        and manifest.get("tool") == TOOL
        and isinstance(manifest.get("files"), dict)
    )


def _check_replaceable(place: Path, target: Path, force: bool, marker: str) -> None:
    """Raise `EmitError` unless ``place`` is free or may be replaced."""
    if place in (cwd := Path.cwd(), *cwd.parents):
        raise EmitError(
            f"{target} must not be or contain the current directory; choose a subdirectory"
        )
    if not place.exists():
        return
    if not place.is_dir():
        raise EmitError(f"{target} is a file; choose another directory")
    if not any(place.iterdir()):
        return
    try:
        manifest = json.loads((place / marker).read_bytes())
    except (OSError, ValueError, RecursionError):
        manifest = None
    if not _is_manifest(manifest):
        raise EmitError(
            f"{target} holds files that lmu-hw did not write, or a damaged {marker}; "
            "choose another directory, or delete it"
        )
    if force:
        return
    known = {marker, *manifest["files"]}
    held = (p.relative_to(place).as_posix() for p in place.rglob("*") if not _is_real_dir(p))
    # outputs of the generated Makefiles and of cargo, and reports, may be replaced
    others = (p for p in set(held) - known if not (_BUILT.match(p) or is_report(place / p)))
    if extra := sorted(others):
        raise EmitError(f"{target} also holds {extra[0]}; --force removes it with the rest")
    # files that it shares with others are not replaced
    if changed := [n for n in changed_files(place, manifest) if not n.startswith("../")]:
        raise EmitError(f"{target} was edited ({changed[0]}); --force replaces it")


def _is_real_dir(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _hidden(place: Path, suffix: str) -> Path:
    return place.with_name(f".{place.name}-{secrets.token_hex(4)}.{suffix}")


@contextlib.contextmanager
def _temporary(place: Path) -> Iterator[Path]:
    """Create a hidden directory next to ``place``; at the end, remove it if it still exists."""
    path = _hidden(place, "new")
    try:
        # not tempfile, whose directories ignore the umask and exclude other users
        path.mkdir()
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _parents(directory: Path) -> Iterator[None]:
    """Create a directory with its parents; remove the new ones if the body fails."""
    missing = [p for p in (directory, *directory.parents) if not p.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _swap(new: Path, place: Path) -> None:
    """Rename ``new`` to ``place``, replacing it; on failure, restore the old directory."""
    old = _hidden(place, "old")
    try:
        if place.exists():
            os.rename(place, old)
        os.rename(new, place)
    except BaseException:
        if old.exists() and not place.exists():
            os.rename(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)
