"""Loading of a build directory: program, hardware options, schedule, unedited files."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from .._support.build_directory import changed_files, read_manifest
from ..errors import ModelFileError, ScheduleError, SpecError, read_error
from ..program.integer_program import Program, from_json
from ..rtl.hardware_plan import HardwarePlan, hardware_plan
from ..rtl.options import Hardware, from_data
from ..rtl.schedule import why_not

SCHEDULE = Path("rtl", "schedule.json")
"""File with the hardware options of a design."""


def load_program(build_dir: Path) -> Program:
    """Read the program of a build directory.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, edited, or not the program of the manifest.
    """
    manifest = read_manifest(build_dir)
    path = build_dir / "program.json"
    try:
        program = from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFileError(f"{build_dir} holds no program.json; generate it again") from error
    except OSError as error:
        raise read_error(path, error) from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is damaged: {error}; generate it again") from error
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    if manifest.get("digest") != program.digest:
        raise ModelFileError(
            f"{path} is not the program that {build_dir}/manifest.json names; generate it again"
        )
    return program


def check_manifest(build_dir: Path, program: Program) -> None:
    """Compare the manifest's figures with the program.

    Raises
    ------
    ModelFileError
        If they differ.
    """
    manifest = read_manifest(build_dir)
    facts = {
        "multiplies_per_step": program.multiplies_per_step,
        "cycles_per_step": _cycles(build_dir, manifest, program),
    }
    for key, fact in facts.items():
        if manifest.get(key) != fact:
            raise ModelFileError(
                f"{build_dir}/manifest.json gives {manifest.get(key)!r} as {key} but the program "
                f"has {fact}; generate it again"
            )


def _cycles(build_dir: Path, manifest: dict[str, Any], program: Program) -> int | None:
    """Return the cycles per step of the hardware in a manifest; None without hardware."""
    if why_not(program):
        return None
    try:
        hardware = from_data(manifest["hardware"])
        plan = hardware_plan(program, hardware)
    except (KeyError, TypeError, SpecError, ScheduleError) as error:
        raise ModelFileError(
            f"{build_dir}/manifest.json does not describe its hardware: {error}; generate it again"
        ) from error
    return plan.cycles_per_step


def edited(build_dir: Path) -> list[str]:
    """Return the files of a build directory that were edited after generation."""
    return changed_files(build_dir, read_manifest(build_dir))


def plan_of(build_dir: Path, program: Program) -> HardwarePlan:
    """Return the plan of the design in a build directory.

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    """
    hardware = hardware_of(build_dir)
    try:
        return hardware_plan(program, hardware)
    except ScheduleError as error:
        raise _bad_schedule(build_dir, error) from error


def hardware_of(build_dir: Path) -> Hardware:
    """Return the hardware options of the design in a build directory.

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    """
    path = build_dir / SCHEDULE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        names = [field.name for field in fields(Hardware) if field.name != "lanes"]
        chosen = {key: data[key] for key in names if key in data}
        # a memory with a style of its own has no lanes
        lanes = {"lanes": data["lanes"]} if "lanes" in data or "parallel" not in data else {}
        return from_data({**lanes, **chosen})
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, KeyError, TypeError, RecursionError, SpecError) as error:
        raise _bad_schedule(build_dir, error) from error


def _bad_schedule(build_dir: Path, error: Exception) -> ModelFileError:
    return ModelFileError(
        f"{build_dir / SCHEDULE} is damaged: {error}; generate the build directory again"
    )
