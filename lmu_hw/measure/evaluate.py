"""What a network's integer program gets right, beside the float network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .._support.array_types import Array
from .._support.workers import n_workers, one_blas_thread, work_on
from ..errors import SpecError
from ..firmware.bulk import BulkEngine, available
from ..models import forward
from ..models.network import LARGEST, Activation, scores
from ..program.fixedpoint import from_real
from ..program.integer_program import Role
from ..program.interpreter import Interpreter
from ..program.output_timing import with_output_every
from ..quantize.quantize_network import QuantizedNetwork
from .crosscheck import Checked, crosscheck
from .dataset import Dataset
from .output_file import real_outputs
from .signal_error import trace

Advance = Callable[[int], object]
Evaluation = dict[str, Any]

TRACED = 32
"""Sequences of which every word is looked at."""
TOGETHER = 250
"""About how many sequences a core runs together in floats: a step's arrays stay in its cache."""
FEWEST_TOGETHER = 32
"""Least of them: below, NumPy's calls cost more than what they do."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Outputs:
    """What came out, sequence by sequence: (n_steps, n_out), or (1, n_out) of the last step.

    ``softmax`` says that the network ends in one, which is left out here. ``checked`` is what the
    interpreter was seen to agree with, where compiled C made the words.
    """

    values: tuple[Array, ...]
    softmax: bool = False
    checked: Checked | None = None

    def labels(self) -> np.ndarray:
        """Return the class of the highest score at each sequence's last step."""
        return np.array([np.argmax(v[-1]) for v in self.values])


def evaluate(
    design: QuantizedNetwork,
    dataset: Dataset,
    *,
    engine: str = "auto",
    floats: Outputs | None = None,
    advance: Advance = lambda _: None,
) -> Evaluation:
    """Return the metrics of a network's program and of the network itself.

    Parameters
    ----------
    design : QuantizedNetwork
    dataset : Dataset
    engine : str
        ``c``, ``interpreter``, or ``auto``: compiled C where there is a compiler.
    floats : Outputs, optional
        What the network gives in floats, if known.
    advance : callable
        Told how many sequences are done, twice each.

    Raises
    ------
    MismatchError
        If compiled C and the interpreter differ in a word of the sample that both run.
    """
    # integers first: compiled C that is wrong is found at once
    integers = run_integers(design, dataset, engine, advance)
    floats = run_floats(design, dataset, advance) if floats is None else floats
    classes = design.network.is_classifier or dataset.labels is not None
    report: dict[str, Any] = {
        "sequences": len(dataset),
        "float": metrics(dataset, floats),
        "integer": metrics(dataset, integers),
        "agreement": _agreement(floats, integers, classes=classes),
        "engine": engine_data(integers.checked),
    }
    with one_blas_thread():
        return report | trace(design, dataset.sample(TRACED))


def every_step(dataset: Dataset, design: QuantizedNetwork) -> bool:
    """Return whether outputs of all steps are wanted."""
    if dataset.labels is None and dataset.targets is None:
        return design.network.every_step
    return dataset.at_every_step


def engine_data(checked: Checked | None) -> dict[str, Any]:
    """Return what ran a program, and what of it the interpreter was seen to agree with."""
    if checked is None:
        return {"name": "interpreter"}
    return {"name": "c", "checked": asdict(checked)}


def run_floats(
    design: QuantizedNetwork, dataset: Dataset, advance: Advance = lambda _: None
) -> Outputs:
    """Run the network in float64; a softmax is left out, as in its program.

    Raises
    ------
    SpecError
        If an output grows beyond the range of floats.
    """
    always = every_step(dataset, design)
    network = replace(scores(design.network), every_step=always)
    found: list[Array] = [np.zeros(0)] * len(dataset)

    def run(at: np.ndarray, advance: Advance) -> None:
        x = dataset.stack(at)
        with np.errstate(over="ignore", invalid="ignore"):
            y = forward.run(network, x, _by_steps(x, advance))
        if not np.all(np.abs(y) < LARGEST):
            raise SpecError(f"the network's output grows beyond {LARGEST:g} on this data")
        for i, row in zip(at, y if always else y[:, None], strict=True):
            found[i] = row

    work_on(list(dataset.batches(_side_by_side(len(dataset)))), run, advance)
    return Outputs(values=tuple(found), softmax=design.network.is_classifier)


def run_integers(
    design: QuantizedNetwork,
    dataset: Dataset,
    engine: str = "auto",
    advance: Advance = lambda _: None,
) -> Outputs:
    """Run the network's program; outputs in real units.

    Raises
    ------
    MismatchError
        If compiled C and the interpreter differ in a word of the sample that both run.
    ToolError
        If C is asked for and there is no compiler.
    """
    # when outputs are due is the data's choice here, and does not change a word of them
    program = with_output_every(design.program, 1 if every_step(dataset, design) else 0)
    compiled = engine == "c" or (engine == "auto" and available())
    runner = BulkEngine(program) if compiled else Interpreter(program)
    checked = crosscheck(runner, dataset) if isinstance(runner, BulkEngine) else None
    (source,) = program.with_role(Role.INPUT)
    found: list[Array] = [np.zeros(0)] * len(dataset)
    for at in dataset.batches():
        words, _ = from_real(dataset.stack(at), source.fmt)
        if runner.n_streams != len(at):
            if isinstance(runner, BulkEngine):
                runner = runner.with_streams(len(at))
            else:
                runner = Interpreter(program, len(at))
        runner.reset()
        outputs = runner.run(words.transpose(1, 0, 2), _by_steps(words, advance))
        # the label of a classifier, which comes last, follows from its scores
        real = real_outputs(program, outputs)[:, :, : design.network.n_out]
        for k, i in enumerate(at):
            found[i] = real[:, k]
    softmax = design.network.is_classifier
    return Outputs(values=tuple(found), softmax=softmax, checked=checked)


def _side_by_side(n_sequences: int) -> int:
    """Return how many sequences a core runs together, so that all cores end at about one time."""
    rounds = max(1, round(n_sequences / (TOGETHER * n_workers())))
    return max(FEWEST_TOGETHER, -(-n_sequences // (rounds * n_workers())))


def _by_steps(batch: np.ndarray, advance: Advance) -> Advance:
    """Return what counts steps of a batch (n_sequences, n_steps, n_in) as sequences."""
    n, n_steps = batch.shape[:2]
    told = 0

    def count(step: int) -> None:
        nonlocal told
        now = n * step // n_steps
        advance(now - told)
        told = now

    return count


def metrics(dataset: Dataset, outputs: Outputs) -> dict[str, Any]:
    """Return accuracy and confusion (true class by row), or the NRMSE against targets."""
    if dataset.labels is not None:
        n = outputs.values[0].shape[1]
        confusion = np.zeros((n, n), dtype=np.int64)
        np.add.at(confusion, (dataset.labels, outputs.labels()), 1)
        return {
            "accuracy": float(np.trace(confusion) / len(dataset)),
            "confusion": confusion.tolist(),
        }
    if dataset.targets is not None:
        pairs = zip(outputs.values, dataset.targets, strict=True)
        error = power = 0.0
        last = Activation.SOFTMAX if outputs.softmax else Activation.LINEAR
        for got, target in pairs:
            wanted = target.astype(np.float64)
            error += float(np.sum((forward.activate(last, got) - wanted) ** 2))
            power += float(np.sum(wanted**2))
        return {"nrmse": float(np.sqrt(error / power)) if power else float(np.sqrt(error))}
    return {}


def _agreement(floats: Outputs, integers: Outputs, *, classes: bool) -> dict[str, Any]:
    """Return how near the integer outputs are to the float ones."""
    error = power = worst = 0.0
    same = 0
    for a, b in zip(floats.values, integers.values, strict=True):
        error += float(np.sum((a - b) ** 2))
        power += float(np.sum(a**2))
        worst = max(worst, float(np.max(np.abs(a - b))))
        same += int(np.argmax(a[-1]) == np.argmax(b[-1]))
    found: dict[str, Any] = {
        "nrmse": float(np.sqrt(error / power)) if power else 0.0,
        "largest_difference": worst,
    }
    return found | ({"same_class": same / len(floats.values)} if classes else {})
