"""What a generated folder says of its hardware, and the schedule that this makes."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import ModelFileError, ScheduleError, SpecError, read_error
from ..hardware import Hardware, from_data
from ..program import Program
from ..schedule import Schedule, schedule

SCHEDULE = Path("rtl", "schedule.json")
"""Where it says so."""


def plan_of(folder: Path, program: Program) -> Schedule:
    """Return the schedule that the design of a folder was made by.

    Raises
    ------
    ModelFileError
        If the folder is damaged.
    """
    hardware = hardware_of(folder)
    try:
        return schedule(program, hardware.lanes, state_port=hardware.state_port)
    except ScheduleError as error:
        raise _damaged(folder, error) from error


def hardware_of(folder: Path) -> Hardware:
    """Return what was chosen for the design of a folder.

    Raises
    ------
    ModelFileError
        If the folder is damaged.
    """
    path = folder / SCHEDULE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        chosen = {key: data[key] for key in ("streams", "state_port") if key in data}
        return from_data({"lanes": data["lanes"], **chosen})
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, KeyError, TypeError, RecursionError, SpecError) as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> ModelFileError:
    return ModelFileError(f"{folder / SCHEDULE} is damaged: {error}; generate the folder again")
