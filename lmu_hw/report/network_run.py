"""A network of a build directory on data: integers beside floats, and where they differ most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..manifest import NetworkManifest
from ..measure.dataset import Dataset
from ..measure.evaluate import Outputs, evaluation_of, run_floats, run_integers
from ..measure.evaluation import Evaluation
from ..models.network import FloatNetwork
from ..program.integer_program import Program
from .built_network import built_network

EXAMPLES = 3
"""Most sequences that are shown as the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstExample:
    """A sequence whose outputs differ much between integers and floats.

    Attributes
    ----------
    sequence : int
        Index in the data set.
    difference : float
        Largest difference of an output [output unit].
    step : int
        Step of that difference, from 0.
    truth : int or None
        Label, if there is one.
    float_class, integer_class : int or None
        Class of the highest score at the last step; None where outputs are no classes.
    """

    sequence: int
    difference: float
    step: int
    truth: int | None = None
    float_class: int | None = None
    integer_class: int | None = None

    @property
    def text(self) -> str:
        """The example in words."""
        head = f"sequence {self.sequence}"
        if self.integer_class is None:
            return f"{head}: largest difference {self.difference:.3g} at step {self.step}"
        labels = "" if self.truth is None else f"label {self.truth}, "
        return f"{head}: {labels}float {self.float_class}, integers {self.integer_class}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NetworkRun:
    """Outputs of a network in float64 and in integers on the same data.

    Attributes
    ----------
    dataset : Dataset
    floats, integers : Outputs
        Scores before a softmax, where the network ends in one.
    evaluation : Evaluation
        The scores of both, and the error of every signal.
    worst : tuple of WorstExample
        Up to `EXAMPLES` sequences, the worst first.
    """

    dataset: Dataset
    floats: Outputs
    integers: Outputs
    evaluation: Evaluation
    worst: tuple[WorstExample, ...]

    @property
    def classes(self) -> bool:
        """Whether outputs are scores of classes."""
        return self.evaluation.agreement.same_class is not None

    def differences(self) -> Array:
        """Return integer less float outputs of all sequences and steps, flattened [output unit]."""
        pairs = zip(self.integers.values, self.floats.values, strict=True)
        return np.concatenate([(a - b).ravel() for a, b in pairs])


def run_network(
    design: NetworkManifest,
    program: Program,
    network: FloatNetwork,
    dataset: Dataset,
    advance: Callable[[int], object] = lambda _: None,
) -> NetworkRun:
    """Run a network in float64 and in integers on data.

    Parameters
    ----------
    design : NetworkManifest
    program : Program
    network : FloatNetwork
        The trained model.
    dataset : Dataset
    advance : callable
        Called with the number of sequences done since the last call; each counts twice.

    Raises
    ------
    ModelFileError
        If the model is not that of the build directory.
    MismatchError
        If compiled C and the interpreter differ in a word.
    """
    quantized = built_network(design, program, network)
    integers = run_integers(quantized, dataset, advance=advance)
    floats = run_floats(quantized, dataset, advance)
    evaluation = evaluation_of(quantized, dataset, floats, integers)
    classes = evaluation.agreement.same_class is not None
    return NetworkRun(
        dataset=dataset,
        floats=floats,
        integers=integers,
        evaluation=evaluation,
        worst=worst_examples(dataset, floats, integers, classes=classes),
    )


def worst_examples(
    dataset: Dataset, floats: Outputs, integers: Outputs, *, classes: bool
) -> tuple[WorstExample, ...]:
    """Return the sequences to look at first.

    Of classes, those that integers and floats tell differently come first, then all others; either
    by the largest difference of an output.
    """
    found = []
    for i, (a, b) in enumerate(zip(integers.values, floats.values, strict=True)):
        wrong = np.abs(a - b).max(axis=1)
        step = int(np.argmax(wrong))
        last = len(dataset.sequences[i]) - 1 if len(a) == 1 else step
        found.append(
            WorstExample(
                sequence=i,
                difference=float(wrong[step]),
                step=last,
                truth=None if dataset.labels is None else int(dataset.labels[i]),
                float_class=int(np.argmax(b[-1])) if classes else None,
                integer_class=int(np.argmax(a[-1])) if classes else None,
            )
        )
    found.sort(key=lambda e: (e.float_class == e.integer_class, -e.difference, e.sequence))
    return tuple(found[:EXAMPLES])
