"""Accuracy of a network's integer program, beside that of the float network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .._support.array_types import Array
from .._support.workers import n_workers, one_blas_thread, run_parallel
from ..errors import SpecError
from ..firmware.bulk import BulkEngine, available
from ..models import forward
from ..models.network import MAX_VALUE, Activation, scores
from ..program.fixedpoint import from_real
from ..program.integer_program import Role
from ..program.interpreter import Interpreter
from ..program.output_timing import with_output_every
from ..quantize.quantize_network import QuantizedNetwork
from .crosscheck import crosscheck
from .dataset import Dataset
from .evaluation import Agreement, Checked, EngineReport, Evaluation, Metrics
from .output_file import real_outputs
from .signal_error import trace

Advance = Callable[[int], object]

TRACED = 32
"""Most sequences in which every signal is compared with the float network."""
TOGETHER = 250
"""About the number of sequences that a core runs together in floats: arrays stay in its cache."""
FEWEST_TOGETHER = 32
"""Fewest sequences that a core runs together: below, NumPy's call overhead dominates."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outputs:
    """Outputs of a run, in real units.

    Attributes
    ----------
    values : tuple of float64 array, shape (n_steps, n_out)
        One for each sequence; shape (1, n_out) where only the last step is evaluated.
    softmax : bool
        The network ends in a softmax, which is not applied to these values.
    checked : Checked or None
        Comparison of compiled C with the interpreter; None where compiled C did not run.
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
    """Run a network's program and the network itself on data, and compare them.

    Parameters
    ----------
    design : QuantizedNetwork
    dataset : Dataset
    engine : str
        ``c``, ``interpreter``, or ``auto``: compiled C where there is a compiler.
    floats : Outputs, optional
        Outputs of `run_floats`, if known.
    advance : callable
        Called with the number of sequences done since the last call; each counts twice.

    Raises
    ------
    MismatchError
        If compiled C and the interpreter differ in a word of the sample that both run.
    """
    # integers first: wrong compiled C is found early
    integers = run_integers(design, dataset, engine, advance)
    floats = run_floats(design, dataset, advance) if floats is None else floats
    return evaluation_of(design, dataset, floats, integers)


def evaluation_of(
    design: QuantizedNetwork, dataset: Dataset, floats: Outputs, integers: Outputs
) -> Evaluation:
    """Return the comparison of outputs that `run_floats` and `run_integers` have computed."""
    classes = design.network.is_classifier or dataset.labels is not None
    agreement = agreement_of(floats, integers, classes=classes)
    with one_blas_thread():
        signals = trace(design, dataset.sample(TRACED))
    return Evaluation(
        widths=design.widths,
        sequences=len(dataset),
        floats=metrics(dataset, floats),
        integers=metrics(dataset, integers),
        agreement=agreement,
        engine=engine_data(integers.checked),
        trace=signals,
    )


def every_step(dataset: Dataset, design: QuantizedNetwork) -> bool:
    """Return whether the data need the outputs of all steps."""
    if dataset.labels is None and dataset.targets is None:
        return design.network.every_step
    return dataset.at_every_step


def engine_data(checked: Checked | None) -> EngineReport:
    """Return the report of the engine: compiled C if there is a comparison."""
    return EngineReport(name="interpreter" if checked is None else "c", checked=checked)


def run_floats(
    design: QuantizedNetwork, dataset: Dataset, advance: Advance = lambda _: None
) -> Outputs:
    """Run the network in float64, without a final softmax, like its program.

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
        if not np.all(np.abs(y) < MAX_VALUE):
            raise SpecError(f"the network's output grows beyond {MAX_VALUE:g} on this data")
        for i, row in zip(at, y if always else y[:, None], strict=True):
            found[i] = row

    run_parallel(list(dataset.batches(_side_by_side(len(dataset)))), run, advance)
    return Outputs(values=tuple(found), softmax=design.network.is_classifier)


def run_integers(
    design: QuantizedNetwork,
    dataset: Dataset,
    engine: str = "auto",
    advance: Advance = lambda _: None,
) -> Outputs:
    """Run the network's program and return its outputs in real units.

    Raises
    ------
    MismatchError
        If compiled C and the interpreter differ in a word of the sample that both run.
    ToolError
        If C is asked for and there is no compiler.
    """
    # the data decide when outputs are due; this changes no word
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
        # the label of a classifier, the last output, follows from the scores
        real = real_outputs(program, outputs)[:, :, : design.network.n_out]
        for k, i in enumerate(at):
            found[i] = real[:, k]
    softmax = design.network.is_classifier
    return Outputs(values=tuple(found), softmax=softmax, checked=checked)


def _side_by_side(n_sequences: int) -> int:
    """Return how many sequences a core runs together, so that all cores finish together."""
    rounds = max(1, round(n_sequences / (TOGETHER * n_workers())))
    return max(FEWEST_TOGETHER, -(-n_sequences // (rounds * n_workers())))


def _by_steps(batch: np.ndarray, advance: Advance) -> Advance:
    """Return a callback that takes steps of a batch (n, n_steps, n_in) and reports sequences."""
    n, n_steps = batch.shape[:2]
    reported = 0

    def count(step: int) -> None:
        nonlocal reported
        now = n * step // n_steps
        advance(now - reported)
        reported = now

    return count


def metrics(dataset: Dataset, outputs: Outputs) -> Metrics:
    """Return the accuracy against labels or the NRMSE against targets of the data."""
    if dataset.labels is not None:
        n = outputs.values[0].shape[1]
        confusion = np.zeros((n, n), dtype=np.int64)
        np.add.at(confusion, (dataset.labels, outputs.labels()), 1)
        return Metrics(
            accuracy=float(np.trace(confusion) / len(dataset)),
            confusion=tuple(map(tuple, confusion.tolist())),
        )
    if dataset.targets is not None:
        pairs = zip(outputs.values, dataset.targets, strict=True)
        error = power = 0.0
        last = Activation.SOFTMAX if outputs.softmax else Activation.LINEAR
        for got, target in pairs:
            wanted = target.astype(np.float64)
            error += float(np.sum((forward.activate(last, got) - wanted) ** 2))
            power += float(np.sum(wanted**2))
        return Metrics(nrmse=float(np.sqrt(error / power)) if power else float(np.sqrt(error)))
    return Metrics()


def agreement_of(floats: Outputs, integers: Outputs, *, classes: bool) -> Agreement:
    """Return the difference between integer and float outputs."""
    error = power = worst = 0.0
    same = 0
    for a, b in zip(floats.values, integers.values, strict=True):
        error += float(np.sum((a - b) ** 2))
        power += float(np.sum(a**2))
        worst = max(worst, float(np.max(np.abs(a - b))))
        same += int(np.argmax(a[-1]) == np.argmax(b[-1]))
    return Agreement(
        nrmse=float(np.sqrt(error / power)) if power else 0.0,
        largest_difference=worst,
        same_class=same / len(floats.values) if classes else None,
    )
