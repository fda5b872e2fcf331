"""One ``lmu_kernels.h`` for several build directories.

A build directory that shares the file has none of its own. Its manifest lists the file among the
others, by the path from the build directory, and its Makefile has that path as a variable.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .._support.build_directory import MANIFEST, read_manifest, write_error, write_file
from ..errors import EmitError, ModelFileError, SpecError, read_error
from . import KERNELS, kernels_text, source_files

_ID = re.compile(r"LMU_KERNELS_ID (?:!= )?(0x[0-9A-F]{8})")
_PLAIN = re.compile(r"[\w./+,@-]+")
"""Paths that need no quotes in a Makefile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CSources:
    """What a compiler needs for a program.

    Attributes
    ----------
    source : Path
        ``NAME.c``, absolute.
    options : tuple of str
        Options that find its headers.
    """

    source: Path
    options: tuple[str, ...]


def c_sources(c_dir: Path, name: str) -> CSources:
    """Return the C file of a program and the options that find its headers.

    Parameters
    ----------
    c_dir : Path
        Directory ``c`` of a build directory.
    name : str
        Name of the program.

    Raises
    ------
    ModelFileError
        If a file is missing, or shared kernels are not those of the program.
    """
    c_dir = c_dir.resolve()
    for file in source_files(name):
        if file != KERNELS and not (c_dir / file).is_file():
            raise _missing(c_dir / file)
    source, kernels = c_dir / f"{name}.c", kernels_path(c_dir)
    if kernels.parent == c_dir:
        if not kernels.is_file():
            raise _missing(kernels)
        return CSources(source=source, options=("-iquote", str(c_dir)))
    again = f"generate {c_dir.parent} again, with --kernels {kernels.parent}"
    if not kernels.is_file():
        raise ModelFileError(f"cannot read {kernels}, shared by several designs: {again}")
    needed, found = (_ID.search(_read(path)) for path in (source, kernels))
    if needed and (not found or found[1] != needed[1]):
        raise ModelFileError(f"{kernels} is of another version of lmu-hw than {name}.c: {again}")
    return CSources(source=source, options=("-iquote", str(c_dir), "-iquote", str(kernels.parent)))


def kernels_path(c_dir: Path) -> Path:
    """Return the path of the ``lmu_kernels.h`` of a build directory: its own, or a shared one."""
    own, build_dir = c_dir / KERNELS, c_dir.parent
    if own.is_file() or not (build_dir / MANIFEST).is_file():
        return own
    names = [n for n in read_manifest(build_dir)["files"] if PurePosixPath(n).name == KERNELS]
    return Path(os.path.normpath(build_dir / names[0])) if names else own


def shared_path(build_dir: Path, directory: Path) -> str:
    """Return the path of the kernels in a directory, as seen from a build directory.

    Raises
    ------
    SpecError
        If a Makefile cannot hold it.
    """
    places = (os.path.realpath(path) for path in (directory, build_dir))
    path = PurePosixPath(Path(os.path.relpath(*places)).as_posix(), KERNELS).as_posix()
    if not path.startswith("../"):
        raise SpecError(f"--kernels must be outside the build directory {build_dir}: {directory}")
    if not _PLAIN.fullmatch(path):
        raise SpecError(
            f"--kernels must be a path of letters, digits and ./+,@-_ from the build directory, "
            f"because its Makefile holds it, not {path!r}"
        )
    return path


def check_shared(directory: Path, *, force: bool) -> None:
    """Check, before the work starts, that `shared_kernels` will accept a directory.

    Raises
    ------
    EmitError
        If it holds other kernels and ``force`` is false, or is no directory.
    """
    path = directory / KERNELS
    if directory.exists() and not directory.is_dir():
        raise EmitError(f"{directory} is a file; give --kernels a directory")
    if path.exists() and not force and _read(path) != kernels_text():
        raise EmitError(
            f"{path} holds other kernels, of another version of lmu-hw or edited; give --kernels "
            "another directory, or --force to replace it, and generate all its designs again"
        )


@contextlib.contextmanager
def shared_kernels(directory: Path | None, *, force: bool) -> Iterator[None]:
    """Write the kernels into a directory, unless they are there; remove them if the body fails.

    Parameters
    ----------
    directory : Path or None
        None: do nothing.
    force : bool
        Replace other kernels there.

    Raises
    ------
    EmitError
        As `check_shared`, or if writing fails.
    """
    if directory is None:
        yield
        return
    check_shared(directory, force=force)
    path = directory / KERNELS
    if path.exists() and _read(path) == kernels_text():
        yield
        return
    new = not path.exists()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(directory, error) from error
    write_file(path, lambda file: file.write(kernels_text().encode()))
    try:
        yield
    except BaseException:
        if new:
            path.unlink(missing_ok=True)
        raise


def _missing(path: Path) -> ModelFileError:
    return ModelFileError(f"cannot read {path}: no such file; generate the build directory again")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise read_error(path, error) from error
