"""Exploration: many designs, their estimates and measurements, and the Pareto front.

The room has the name of its function. Once a module of the room is imported, ``lmu_hw.explore`` is
the room, not the function `lmu_hw.explore.exploring.explore`; so the room can be called too.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class CallableRoom(ModuleType):
    """A module that can be called."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Explore; see `lmu_hw.explore.exploring.explore`."""
        # imported by name: the package stands above its modules
        return import_module(".exploring", __name__).explore(*args, **options)


sys.modules[__name__].__class__ = CallableRoom
