"""Add kits to a build directory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .. import firmware
from .._support.build_directory import MANIFEST, changed_files, sha256_of, write_build_dir
from .._support.version import __version__
from ..errors import EmitError
from ..kits.catalogue import check_kits, chosen, kit_files
from ..kits.kit import KitDesign
from ..manifest import Manifest, load_manifest
from ..rtl.options import Hardware
from ..rtl.schedule import schedule
from ..verify.load_build import load_program


def add_kits(path: Path, names: str | Sequence[str], *, force: bool) -> Manifest:
    """Add kits to a build directory, which is written again as a whole.

    Parameters
    ----------
    path : Path
    names : str or sequence of str
        Kits that are there already are written again.
    force : bool
        Remove other files from the build directory.

    Returns
    -------
    Manifest
        The new one.

    Raises
    ------
    SpecError
        If a kit is unknown, or the design lacks what it needs.
    EmitError
        If the build directory was edited, is of another version of lmu-hw, or cannot be written.
    """
    kits = chosen(names)
    manifest, program = load_manifest(path), load_program(path)
    if manifest.version != __version__:
        raise EmitError(
            f"{path} was written by lmu-hw {manifest.version}, this is {__version__}: generate it "
            "again, with --kit"
        )
    if changed := changed_files(path, manifest.to_dict()):
        raise EmitError(f"{path} was edited ({changed[0]}): generate it again, with --kit")
    hardware = manifest.hardware if isinstance(manifest.hardware, Hardware) else None
    check_kits(kits, hardware, getattr(manifest.hardware, "refused", None))
    plan = (
        None
        if hardware is None
        else schedule(program, hardware.lanes, state_port=hardware.state_port)
    )
    files: dict[str, str | bytes] = {
        name: (path / name).read_bytes() for name in manifest.files if not name.startswith("../")
    }
    added = kit_files(
        kits,
        KitDesign(
            program=program,
            plan=plan,
            hardware=hardware or Hardware(),
            rtl=_texts(files, "rtl"),
            c=firmware.emit(program, version=__version__),
            vectors=_texts(files, "vectors"),
            version=__version__,
        ),
    )
    new = replace(
        manifest,
        kits=tuple(dict.fromkeys([*(manifest.kits or ()), *(kit.name for kit in kits)])),
        files=dict(sorted({**manifest.files, **sha256_of(added)}.items())),
    )
    files |= {**added, MANIFEST: json.dumps(new.to_dict(), indent=2) + "\n"}
    write_build_dir(path, files, force=force)
    return new


def _texts(files: Mapping[str, str | bytes], directory: str) -> dict[str, str]:
    """Return the files of a directory as texts, by name."""
    return {
        name.removeprefix(f"{directory}/"): content.decode()
        for name, content in files.items()
        if name.startswith(f"{directory}/") and isinstance(content, bytes)
    }
