"""How exact the matrix of a memory must be: docs/results/matrix_bits.md.

    PYTHONPATH=. python benchmarks/matrix_bits.py [--data FOLDER] [--out build/matrix_bits]

The task is psMNIST, read after the last pixel by two dense layers. First the diagonal of Abar is
moved by eps, as in the LMU paper; then Abar is rounded to few bits, as a dense matrix and as a
cascade. Each memory is read by layers trained on the exact memory, and by layers trained on itself.
The recurrent cell of the paper, in a small size, is trained on moved diagonals too.

A run that is stopped goes on where it was. ``--validate`` scores training digits kept apart.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import lmu_hw as lh
from benchmarks.matrix_bits_page import (
    CELL_DIGITS,
    CELL_EPOCHS,
    CELL_MOVES,
    KINDS,
    MOVES,
    PAPER_DIGITS,
    PAPER_MOVES,
    PAPER_WIDTHS,
    WIDTHS,
    draw,
    page,
)
from benchmarks.matrix_memories import (
    LARGE,
    SMALL,
    Array,
    Digits,
    Features,
    Rounded,
    float_features,
    moved,
)
from benchmarks.results_file import Results, Row, arguments
from lmu_hw.models.network import LinearMemory
from lmu_hw.train import LMU, Dense, LegendreMemory, Model, SimpleRNN, fit, predict, script
from lmu_hw.train.layer import ENCODERS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results" / "matrix_bits.md"
SEEDS = (0, 1, 2)
HIDDEN, EPOCHS, BATCH, LR = 128, 8, 256, 4e-3
PAPER = ROOT / "examples" / "models" / "psmnist_lmu2019.npz"


class Readouts:
    """Two dense layers on the features of a memory, trained with every seed.

    Parameters
    ----------
    features : callable
    digits : Digits
    checkpoint : Path
        Its name, and one number for each seed.
    """

    def __init__(self, features: Features, digits: Digits, checkpoint: Path) -> None:
        self.digits, m = digits, features(digits.u)
        self._mean, self._scale = m.mean(0), m.std(0) + np.finfo(np.float64).tiny
        x = self._standardized(m)
        self._models = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            layers = [Dense(x.shape[2], HIDDEN, "relu", dropout=0.2), Dense(HIDDEN, 10, "softmax")]
            model = Model(layers, every_step=False)
            path = checkpoint.with_name(f"{checkpoint.name}_{seed}.pt")
            how: Row = {"epochs": EPOCHS, "batch_size": BATCH, "lr": LR, "weight_decay": 0.01}
            how |= {"seed": seed, "checkpoint": path, "quiet": True}
            fit(model, x, digits.y, cross_entropy, **how)
            self._models.append(model)

    def _standardized(self, m: Array) -> torch.Tensor:
        # limited: what a memory that grows gives to layers that never saw it
        values = np.clip((m - self._mean) / self._scale, -1e6, 1e6)
        return torch.tensor(values, dtype=torch.float32)[:, None]

    def score(self, m: Array) -> list[float]:
        """Return the accuracy with every seed [%], on features of the digits to score."""
        x = self._standardized(m)
        return [percent(predict(model, x), self.digits.test_y) for model in self._models]


def percent(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of digits with the highest score at the label [%]."""
    return 100.0 * float((scores.argmax(1) == labels).double().mean())


def cases(size: tuple[int, int]) -> Iterator[tuple[str, Callable[[], tuple[Features, Row]]]]:
    """Yield the memories of a size: a name, and a function that makes features and facts."""

    def diagonal(eps: float) -> tuple[Features, Row]:
        system = moved(size, eps)
        return float_features(system), {"radius": system.spectral_radius()}

    def rounded(kind: str, bits: int) -> tuple[Features, Row]:
        memory = Rounded(kind, bits, size)
        return memory.features, {"stable": memory.stable}

    for eps in MOVES:
        yield f"diagonal {size[0]} {eps:g}", lambda eps=eps: diagonal(eps)
    if size == SMALL:
        for kind in KINDS:
            for bits in WIDTHS:
                yield f"{kind} {bits}", lambda kind=kind, bits=bits: rounded(kind, bits)


def run_readouts(options: Namespace, results: Results, size: tuple[int, int]) -> None:
    """Measure all memories of a size."""
    digits = Digits(options, size)
    exact = Readouts(float_features(moved(size, 0.0)), digits, options.out / f"exact {size[0]}")

    for name, make in cases(size):

        def measure(name: str = name, make: Callable[[], tuple[Features, Row]] = make) -> Row:
            features, facts = make()
            m = features(digits.test_u)
            retrained = Readouts(features, digits, options.out / name).score(m)
            rms = float(np.sqrt(np.mean(m**2)))
            return {"kept": exact.score(m), "retrained": retrained, "rms": rms, **facts}

        results.add(name, measure)


def cell(eps: float, seed: int) -> Model:
    """Return the paper's recurrent cell, of 64 units, on a fixed memory with a moved diagonal."""
    order, theta = SMALL
    torch.manual_seed(seed)
    memory = LinearMemory(order=order, theta=theta, trained=moved(SMALL, eps))
    reader = SimpleRNN(order + 1, 64, "tanh")
    lmu = LMU(1, LegendreMemory.of(memory), reader, encoders=ENCODERS, reads_input=True)
    return Model([lmu, Dense(64, 10, "softmax")], every_step=False)


def run_cells(options: Namespace, results: Results) -> None:
    """Train the recurrent cell on the first digits, one seed."""
    digits = Digits(options, SMALL)
    u, y = digits.u[:CELL_DIGITS], digits.y[:CELL_DIGITS]
    x, test_x = (
        torch.tensor(a[:, :, None] / 1024.0, dtype=torch.float32) for a in (u, digits.test_u)
    )
    how: Row = {"epochs": CELL_EPOCHS, "batch_size": 100, "lr": 2e-3}
    for eps in CELL_MOVES:
        name = f"cell {eps:g}"

        def measure(eps: float = eps, name: str = name) -> Row:
            model, path = cell(eps, 0), options.out / f"{name}.pt"
            history = fit(model, x, y, cross_entropy, checkpoint=path, label=name, **how)
            accuracy = percent(predict(model, test_x), digits.test_y)
            return {"accuracy": accuracy, "loss": history[-1].loss}

        results.add(name, measure)


def run_paper(options: Namespace, results: Results) -> None:
    """Move the diagonal below the paper's trained cell, then round it; nothing is trained again."""
    digits = Digits(options, LARGE)
    x, labels = digits.test_u[:PAPER_DIGITS, :, None] / 1020.0, digits.test_y[:PAPER_DIGITS]
    seen = digits.u[:: max(1, len(digits.u) // 200), :, None] / 1020.0
    network = lh.load_model(PAPER)
    lmu, *others = network.model.layers
    assert isinstance(lmu, lh.layers.LMULayer)

    def diagonal(eps: float) -> Row:
        memory = replace(lmu.memory, trained=moved(LARGE, eps))
        layers = (replace(lmu, memory=memory), *others)
        y = replace(network, model=replace(network.model, layers=layers)).predict(x)
        return {"accuracy": percent(torch.tensor(y), labels)}

    def rounded(bits: int) -> Row:
        widths = {"weight_bits": 16, "coef_bits": bits}
        design = lh.compile(network, widths=widths, calibration=seen)
        accuracy = design.evaluate(x, labels.numpy()).integers.accuracy
        assert accuracy is not None, "there are labels"
        return {"accuracy": 100.0 * accuracy}

    for eps in PAPER_MOVES:
        results.add(f"paper {eps:g}", lambda eps=eps: diagonal(eps))
    for bits in PAPER_WIDTHS:
        results.add(f"paper, {bits} bits", lambda bits=bits: rounded(bits))


def main() -> None:
    """Measure what is not known yet; write the page and the picture."""
    parser = arguments(__doc__, "matrix_bits")
    parser.add_argument("--data", type=Path, help="directory of the data; default: LMU_HW_DATA")
    parser.add_argument("--validate", action="store_true", help="score training digits kept apart")
    parser.add_argument("--limit", type=int, help="train and score so few digits, for a trial")
    options = parser.parse_args()
    trial = options.validate or options.limit is not None
    if trial:
        # other digits have other figures: they neither mix with the page's nor replace them
        options.out /= f"{'validation' if options.validate else 'trial'}_{options.limit}"
    torch.set_num_threads(1)
    results = Results(options.out / "results.json")
    for size in (SMALL, LARGE):
        run_readouts(options, results, size)
    run_paper(options, results)
    run_cells(options, results)
    if trial:
        print(page(results))
    else:
        draw(results)
        PAGE.write_text(page(results))


if __name__ == "__main__":
    script.main(main)
