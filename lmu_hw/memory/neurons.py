"""Options of a memory on spiking neurons."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .._support.validation import check_int
from ..errors import SpecError

MAX_NEURONS_LOG2 = 28
"""Base-2 logarithm of the most neurons of a channel."""
MAX_GENERATORS = 256
MAX_SEED = (1 << 32) - 1
KEYS = ("neurons", "neuron_model", "seed", "generators")
"""Options that only a spiking memory takes."""


class NeuronModel(Enum):
    """When a neuron fires."""

    INTEGRATE_FIRE = "integrate-fire"
    """When its sum of inputs crosses a threshold; phases are staggered over the population."""
    POISSON = "poisson"
    """At random, with a probability in proportion to its input."""


def check_neurons(
    order: int, neurons: Any, model: NeuronModel, seed: Any, generators: Any
) -> tuple[int | None, int]:
    """Check the options of a spiking memory; return the seed and the number of generators.

    Raises
    ------
    SpecError
        If a value is out of range or does not go with the model.
    """
    if neurons is not None:
        check_int("neurons", neurons, 2 * order, 1 << MAX_NEURONS_LOG2)
    if model is NeuronModel.INTEGRATE_FIRE:
        for name, value in (("seed", seed), ("generators", generators)):
            if value is not None:
                raise SpecError(
                    f"{name} must be left out for integrate-and-fire neurons, which draw no random "
                    "numbers, or add --neuron-model poisson"
                )
        return None, 0
    seed = 1 if seed is None else seed
    generators = 1 if generators is None else generators
    check_int("seed", seed, 0, MAX_SEED)
    check_int("generators", generators, 1, MAX_GENERATORS)
    if generators & (generators - 1):
        raise SpecError(f"generators must be a power of two, not {generators}")
    if neurons is not None and generators > neurons // (2 * order):
        raise SpecError(
            f"generators must be at most {neurons // (2 * order)}, the neurons of a population, "
            f"not {generators}: use more --neurons or fewer --generators"
        )
    return seed, generators
