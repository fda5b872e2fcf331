"""Time of training the recurrent layer of the paper: docs/results/recurrent_training.md.

    PYTHONPATH=. python benchmarks/recurrent_training.py [--digits 200] [--rounds 3] [--threads 1]
    PYTHONPATH=. python benchmarks/recurrent_training.py --device cuda --digits 6000

The psMNIST cell (d = 256, n = 212, theta = 784, batches of 100) and a readout, trained by AdamW.
A round trains every variant on the same digits, one after the other, so that the load of the
machine affects all alike. The table gives the median of the ratios within a round. Digits are
those of LMU_HW_DATA, or random numbers where it is not set.
"""

from __future__ import annotations

import argparse
import copy
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from lmu_hw.train import LMU, Dense, Model, SimpleRNN, lstm_like, n_parameters

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "results" / "recurrent_training.md"
BATCH, STEPS, CLASSES, EPOCH = 100, 784, 10, 60_000
PLAIN, FOLDED = "plain loop (`LMU.in_steps`)", "`LMU`"
EXACT = "`LMU` in float64"
TWO = "two products a step, autograd"
GRAPH = '`LMU`, `torch.compile(mode="reduce-overhead")` (CUDA graphs)'
LSTM = "`torch.nn.LSTM` of as many parameters"
Times = dict[str, tuple[float, float]]
"""Wall and processor time of the digits, per variant [s]."""
Scores = Callable[[Tensor], Tensor]


def digits(count: int) -> tuple[Tensor, Tensor, bool]:
    """Return pixels in the paper's order, labels, and whether they are those of real digits."""
    data = os.environ.get("LMU_HW_DATA")
    if not data:
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(count, STEPS, 1, generator=generator)
        return x, torch.randint(CLASSES, (count,), generator=generator), False
    with np.load(Path(data) / "mnist" / "mnist.npz") as mnist:
        pixels, labels = mnist["x_train"][:count], mnist["y_train"][:count]
    with np.load(Path(data) / "mnist" / "psmnist_permutations.npz") as permutations:
        pixels = pixels.reshape(-1, STEPS, 1)[:, permutations["nru_paper"]]
    return torch.tensor(pixels / 255.0).float(), torch.tensor(labels.astype(np.int64)), True


class PlainLoop(nn.Module):
    """The same model, run step by step."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Return the scores."""
        lmu, head = self.model.layers
        assert isinstance(lmu, LMU)
        y, _ = lmu.in_steps(x, last_only=True)
        return head(y)[0][:, 0], None


def variants(device: torch.device) -> dict[str, nn.Module]:
    """Return models with the same first weights."""
    made: dict[str, nn.Module] = {}
    loops = {PLAIN: PlainLoop, TWO: TwoProducts}
    for name in (PLAIN, TWO, FOLDED, *((GRAPH,) if device.type == "cuda" else ())):
        torch.manual_seed(0)
        model = Model(
            [LMU.of_paper(1, 212, 256, float(STEPS)), Dense(212, CLASSES)], every_step=False
        )
        made[name] = loops[name](model) if name in loops else model
    made[LSTM] = lstm_like(made[FOLDED], 1, CLASSES)
    return {name: model.to(device) for name, model in made.items()}


class TwoProducts(PlainLoop):
    """The same model, u in the matrices: ``m' = [m, h] K + p`` and ``h' = f([m', h] V + q)``."""

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Return the scores."""
        lmu, head = self.model.layers
        assert isinstance(lmu, LMU)
        assert isinstance(lmu.cell, SimpleRNN)
        assert lmu.e_x is not None
        assert lmu.e_h is not None
        assert lmu.e_m is not None
        recursion, W = lmu.memory.recursion().to(x), lmu.cell.W.T
        A, B, d = recursion.Abar[0].T, recursion.Bbar, lmu.memory.order
        K = torch.cat([A + lmu.e_m.T @ B, lmu.e_h.T @ B])
        V = torch.cat([W[:d], lmu.cell.U.T])
        m, h = x.new_zeros(len(x), d), x.new_zeros(len(x), lmu.output_size)
        inputs = (x @ (lmu.e_x.T @ B)).unbind(1), (x @ W[d:] + lmu.cell.b).unbind(1)
        for p, q in zip(*inputs, strict=True):
            m = torch.addmm(p, torch.cat([m, h], 1), K)
            h = torch.tanh(torch.addmm(q, torch.cat([m, h], 1), V))
        return head(h[:, None])[0][:, 0], None


class Trainer:
    """Trains a model batch by batch, as `lmu_hw.train.fit` does."""

    def __init__(self, model: nn.Module, compiled: bool) -> None:
        self.parameters = list(model.parameters())
        self.run: Callable[[Tensor], Tensor | tuple[Tensor, object]] = (
            torch.compile(model, mode="reduce-overhead") if compiled else model
        )
        self.optimiser = torch.optim.AdamW(self.parameters, lr=1e-3)

    def train(self, x: Tensor, labels: Tensor) -> list[float]:
        """Train on all batches; return their losses."""
        losses = []
        for part, wanted in zip(x.split(BATCH), labels.split(BATCH), strict=True):
            found = self.run(part)
            loss = nn.functional.cross_entropy(
                found[0] if isinstance(found, tuple) else found, wanted
            )
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimiser.step()
            losses.append(loss.detach())
        return [float(loss) for loss in losses]


def one_round(trainers: dict[str, Trainer], x: Tensor, labels: Tensor) -> tuple[Times, dict]:
    """Train every variant once on all digits."""
    times: Times = {}
    losses = {}
    for name, trainer in trainers.items():
        wall, cpu = time.perf_counter(), time.process_time()
        # the losses are numbers at the end: a GPU has finished
        losses[name] = trainer.train(x, labels)
        times[name] = time.perf_counter() - wall, time.process_time() - cpu
    return times, losses


def gradient_errors(models: dict[str, nn.Module], x: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the largest errors of gradients against the plain loop in float64.

    Those of float32 by variant, and `EXACT`, that of `LMU` in float64. Each is relative to the
    largest element of the parameter's gradient.
    """

    def gradients(model: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        model = copy.deepcopy(model).to(dtype)
        nn.functional.cross_entropy(model(x.to(dtype))[0], labels).backward()
        return [p.grad.double() for p in model.parameters() if p.grad is not None]

    exact = gradients(models[PLAIN], torch.float64)

    def error(name: str, dtype: torch.dtype) -> float:
        found = gradients(models[name], dtype)
        return max(
            float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, exact, strict=True)
        )

    errors = {name: error(name, torch.float32) for name in (PLAIN, FOLDED)}
    return errors | {EXACT: error(FOLDED, torch.float64)}


def table(rounds: list[Times], models: dict[str, nn.Module]) -> list[str]:
    """Return the rows of the table: times over those of the plain loop."""
    rows = ["| | parameters | time | processor time |", "|---|---|---|---|"]
    for name, model in models.items():
        wall, cpu = (median(t[name][k] / t[PLAIN][k] for t in rounds) for k in (0, 1))
        rows.append(f"| {name} | {n_parameters(model):,} | {wall:.2f} | {cpu:.2f} |")
    return rows


def main() -> None:
    """Run it all; write the page of a run on the CPU."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="cpu")
    options.add_argument("--digits", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--threads", type=int, default=1, help="of PyTorch on the CPU")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("highest")
    device = torch.device(args.device)
    x, labels, are_real = digits(args.digits)
    x, labels = x.to(device), labels.to(device)
    models = variants(device)
    trainers = {name: Trainer(model, name == GRAPH) for name, model in models.items()}
    errors = gradient_errors(models, x[:4], labels[:4])
    print("errors of gradients:", errors)
    start = time.perf_counter()
    _, losses = one_round(trainers, x[:BATCH], labels[:BATCH])
    print(f"first batches, compiling: {time.perf_counter() - start:.1f} s, losses {losses}")
    rounds = []
    for number in range(args.rounds):
        times, losses = one_round(trainers, x, labels)
        rounds.append(times)
        for name, (wall, cpu) in times.items():
            epoch = wall * EPOCH / args.digits
            print(
                f"{number}  {name:62} {wall:7.2f} s, processor {cpu:7.2f} s,"
                f" epoch {epoch:7.1f} s, loss {losses[name][-1]:.5f}",
                flush=True,
            )
        drift = max(abs(a - b) for a, b in zip(losses[PLAIN], losses[FOLDED], strict=True))
        print(f"{number}  largest difference of a loss between plain and folded: {drift:.1e}")
    rows = table(rounds, models)
    print(*rows, sep="\n")
    if device.type == "cpu":
        TABLE.write_text(page(rows, rounds, args, are_real, errors))


def page(
    rows: list[str],
    rounds: list[Times],
    args: argparse.Namespace,
    are_real: bool,
    errors: dict[str, float],
) -> str:
    """Return the text of the page."""
    body, load = "\n".join(rows), f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    kind = "training digits" if are_real else "random sequences of the same shape"
    threads = "one thread" if args.threads == 1 else f"{args.threads} threads"
    plain, folded = (
        median(t[name][1] for t in rounds) * EPOCH / args.digits / 60 for name in (PLAIN, FOLDED)
    )
    return f"""# Speed of training a recurrent layer

Training of the paper's psMNIST cell (d = 256, n = 212, {STEPS} steps, batches of {BATCH}) with
AdamW in PyTorch, on the CPU, {threads}. Each figure is a ratio to the plain loop in the same
round, the median of {len(rounds)} rounds on {args.digits} {kind}. Load average at the end
of the run: {load}; where other programs load the machine, compare processor times.

Repeat: `PYTHONPATH=. LMU_HW_DATA=... python benchmarks/recurrent_training.py`; without data, random
sequences are used. On a GPU (not measured here; with CUDA graphs as one more row, and no page):
`PYTHONPATH=. python benchmarks/recurrent_training.py --device cuda --digits 6000`.

{body}

At this rate an epoch of 60,000 digits takes {plain:.0f} processor minutes by the plain loop and
{folded:.0f} by `LMU`.

Between two steps of the cell the memory is linear. So `LMU` computes what the memory contributes to
15 steps at once, and changes the memory once in 15 steps: 105,000 multiplications a step, where the
plain loop has 165,000 and two products a step have 219,000. Backward through time keeps the outputs
and one state in 15 steps, where autograd keeps tensors of every operation. Most of the time left is
that of products with matrices of 212 and 256 rows.

Gradients equal the plain loop's: over {STEPS} steps in float64 to {errors[EXACT]:.0e} of
a gradient's largest element, with the first weights and 4 sequences. In float32 the same gradients
are off by up to {errors[FOLDED]:.1e} in `LMU` and {errors[PLAIN]:.1e} in the plain loop: float32
itself is the limit, and the two agree to 1e-5 only over 100 steps.
`tests/train/test_folded_layer.py` tests all of it, with the shipped weights too.

LSTM and GRU cells, clipped activations, dropout on feedback and quantisation-aware training run the
plain loop.
"""


if __name__ == "__main__":
    main()
