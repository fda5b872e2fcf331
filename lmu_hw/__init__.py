"""Legendre Memory Units compiled to bit-exact integer programs, Verilog and C.

>>> import lmu_hw as lh
>>> design = lh.compile(lh.Memory(6, theta=40), bits=12)
>>> design.run([100, -100, 0]).outputs.shape
(3, 6)

The public names are listed in ``__all__``; each loads when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._support.version import __version__

if TYPE_CHECKING:
    from . import errors, train
    from ._support.channel import Channel
    from .api.analog_memory import AnalogBuild, AnalogMemory, analog
    from .api.build import Build, open_build
    from .api.compilation import calibrate, compile, tune
    from .api.design import Design
    from .api.memory_choice import choose_memory, compare_delays
    from .api.running import Run
    from .api.sources import Memory, Network, load_data, load_model
    from .explore.exploration import Exploration
    from .explore.exploring import explore
    from .measure.dataset import Dataset
    from .measure.evaluation import Evaluation
    from .measure.tune import DesignPoint
    from .models import network as layers
    from .quantize.word_lengths import Widths
    from .rtl.options import Hardware

__all__ = [
    "AnalogBuild",
    "AnalogMemory",
    "Build",
    "Channel",
    "Dataset",
    "Design",
    "DesignPoint",
    "Evaluation",
    "Exploration",
    "Hardware",
    "Memory",
    "Network",
    "Run",
    "Widths",
    "__version__",
    "analog",
    "calibrate",
    "choose_memory",
    "compare_delays",
    "compile",
    "errors",
    "explore",
    "layers",
    "load_data",
    "load_model",
    "open_build",
    "train",
    "tune",
]

_MODULES = {
    "_support.channel": ("Channel",),
    "api.analog_memory": ("AnalogBuild", "AnalogMemory", "analog"),
    "api.build": ("Build", "open_build"),
    "api.compilation": ("calibrate", "compile", "tune"),
    "api.design": ("Design",),
    "api.memory_choice": ("choose_memory", "compare_delays"),
    "api.running": ("Run",),
    "api.sources": ("Memory", "Network", "load_data", "load_model"),
    "explore.exploration": ("Exploration",),
    "explore.exploring": ("explore",),
    "measure.dataset": ("Dataset",),
    "measure.evaluation": ("Evaluation",),
    "measure.tune": ("DesignPoint",),
    "quantize.word_lengths": ("Widths",),
    "rtl.options": ("Hardware",),
}
_SUBMODULES = {"errors": "errors", "layers": "models.network", "train": "train"}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: importing the package loads no tool."""
    if name in _PLACES:
        return getattr(import_module(f".{_PLACES[name]}", __name__), name)
    if name in _SUBMODULES:
        return import_module(f".{_SUBMODULES[name]}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
