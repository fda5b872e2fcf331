"""Output folders: written whole or not at all, and never over somebody's work.

A folder is recognised as ours by its manifest, a JSON object with ``"tool": "lmu-hw"``, whose
``"files"`` gives the sha256 of every other file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import EmitError, ModelFileError, read_error, reason_of

MANIFEST = "manifest.json"
TOOL = "lmu-hw"
BUILT = ("c/build/", "rtl/build/")


def write_build_dir(
    target: Path, files: Mapping[str, str | bytes], *, force: bool, marker: str = MANIFEST
) -> None:
    """Write a folder of files so that it appears whole or not at all.

    The files go to a hidden folder beside the target, which then takes its place by renaming. After
    an error or Ctrl-C the old folder is as it was and nothing else is left.

    Parameters
    ----------
    target : Path
        The folder; its parents are made.
    files : mapping of str to str or bytes
        Contents for each relative name, with ``/`` between folders; text is UTF-8. The manifest is
        one of them.
    force : bool
        Replace an earlier output even where it was edited or holds other files as well.
    marker : str
        Name of the manifest.

    Raises
    ------
    EmitError
        If the target is a file, the current folder, or holds anything but an earlier output; if
        that was edited and ``force`` is false; or if it cannot be written.
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
    """Write a file so that it appears whole or stays as it was.

    Parameters
    ----------
    path : Path
    write : callable
        Gets the file, open for binary writing.

    Raises
    ------
    EmitError
        If it cannot be written.
    """
    # beside the target, so that renaming is enough
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


def check_file(path: Path, *, force: bool = False) -> None:
    """Raise what `write_file` would, or if there is a file, before any work is done for it.

    Raises
    ------
    EmitError
    """
    if path.is_dir():
        raise EmitError(f"{path} is a folder; name a file")
    if path.exists() and not force:
        raise EmitError(f"{path} exists; choose another name, or give --force")
    if not os.path.isdir(os.path.realpath(path.parent)):
        raise EmitError(f"{path} cannot be written: there is no folder {path.parent}")


def check_target(target: Path, *, force: bool) -> None:
    """Raise what `write_folder` would, before any work is done for it.

    Raises
    ------
    EmitError
    """
    try:
        _check_replaceable(Path(os.path.realpath(target)), target, force, MANIFEST)
    except OSError as error:
        raise write_error(target, error) from error


def read_manifest(build_dir: Path) -> dict[str, Any]:
    """Return the manifest of a build directory.

    Parameters
    ----------
    build_dir : Path

    Raises
    ------
    ModelFileError
        If the folder or its manifest is missing, unreadable or not written by lmu-hw.
    """
    path = build_dir / MANIFEST
    if not build_dir.is_dir():
        what = "is a file" if build_dir.exists() else "does not exist"
        raise ModelFileError(f"{build_dir} {what}; give a folder written by 'lmu-hw generate'")
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{build_dir} holds no {MANIFEST}; give a folder written by 'lmu-hw generate'"
        ) from error
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is damaged ({reason_of(error)}); generate the folder again"
        ) from error
    if not _is_manifest(manifest):
        raise ModelFileError(f"{path} was not written by lmu-hw; generate the folder again")
    return dict(manifest)


def changed_files(build_dir: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the recorded files that are missing or differ from their sha256, sorted.

    Parameters
    ----------
    build_dir : Path
    manifest : mapping
        What `read_manifest` returned.
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
    """Return the one-line error for a file or folder that could not be written."""
    reason = error.strerror or str(error)
    # The operating system names the part of the path at fault; a hidden temporary means nothing.
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
    """Raise `EmitError` if something at ``place`` must be kept."""
    if place in (cwd := Path.cwd(), *cwd.parents):
        raise EmitError(f"{target} must not be or hold the current folder; choose a subfolder")
    if not place.exists():
        return
    if not place.is_dir():
        raise EmitError(f"{target} is a file; choose another folder")
    if not any(place.iterdir()):
        return
    try:
        manifest = json.loads((place / marker).read_bytes())
    except (OSError, ValueError, RecursionError):
        manifest = None
    if not _is_manifest(manifest):
        raise EmitError(
            f"{target} holds files that lmu-hw did not write, or a damaged {marker}; "
            "choose another folder, or delete it"
        )
    if force:
        return
    known = {marker, *manifest["files"]}
    held = (p.relative_to(place).as_posix() for p in place.rglob("*") if not _is_real_dir(p))
    # what the folder's own Makefiles build is nobody's work
    if extra := sorted(p for p in set(held) - known if not p.startswith(BUILT)):
        raise EmitError(f"{target} also holds {extra[0]}; --force removes it with the rest")
    if changed := changed_files(place, manifest):
        raise EmitError(f"{target} was edited ({changed[0]}); --force replaces it")


def _is_real_dir(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _hidden(place: Path, what: str) -> Path:
    return place.with_name(f".{place.name}-{secrets.token_hex(4)}.{what}")


@contextlib.contextmanager
def _temporary(place: Path) -> Iterator[Path]:
    """Make a hidden folder beside ``place``; at the end, remove it if it is still there."""
    path = _hidden(place, "new")
    try:
        # Not tempfile: its folders are closed to others whatever the umask.
        path.mkdir()
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _parents(build_dir: Path) -> Iterator[None]:
    """Make a folder with its parents; remove those made if the body fails."""
    missing = [p for p in (build_dir, *build_dir.parents) if not p.exists()]
    try:
        build_dir.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _swap(new: Path, place: Path) -> None:
    """Put ``new`` in the place of ``place``, or do nothing."""
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
