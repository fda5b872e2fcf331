"""The integer program of a psMNIST-size network against NumPy in float32.

Writes docs/results/bulk_speed.md.

    python benchmarks/bulk_speed.py [--sequences 10000] [--steps 784]

d = 256, n = 212, theta = 784, one input, ten classes, random weights: the paper's network. NumPy
runs it with the memory as a dense matrix, in BLAS on all cores. The integer program runs as the
compiled C, on all cores; a sample of sequences runs in the interpreter too and must give the same
words.

It measures the engines that `Design.run` calls, so it calls them itself.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
    SimpleRNNLayer,
)
from lmu_hw.models.network import arrays as network_arrays
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.word_lengths import Widths

ORDER, HIDDEN, THETA, CLASSES = 256, 212, 784, 10
BATCH = 1000
"""Sequences per batch, in both implementations."""
CHECKED = 8
"""Sequences whose words are compared with the interpreter's."""
TABLE = Path(__file__).parent.parent / "docs" / "results" / "bulk_speed.md"


def network(seed: int = 0) -> FloatNetwork:
    """Return the network with random weights of the size that training gives them."""
    rng = np.random.default_rng(seed)

    def weights(n: int, m: int, gain: float = 1.0) -> np.ndarray:
        return gain * rng.standard_normal((n, m)) / np.sqrt(m)

    cell = SimpleRNNLayer(
        W=weights(HIDDEN, ORDER + 1),
        U=weights(HIDDEN, HIDDEN, 0.5),
        b=np.zeros(HIDDEN),
        activation=Activation.TANH,
    )
    layer = LMULayer(
        memory=LinearMemory(order=ORDER, theta=THETA),
        n_in=1,
        e_x=np.ones((1, 1)),
        e_h=weights(1, HIDDEN, 0.3),
        e_m=weights(1, ORDER, 0.1),
        cell=cell,
        reads_input=True,
    )
    head = DenseLayer(
        W=weights(CLASSES, HIDDEN), b=np.zeros(CLASSES), activation=Activation.SOFTMAX
    )
    return FloatNetwork(names=("lmu", "classes"), layers=(layer, head), every_step=False)


def run_plain(net: FloatNetwork, x: np.ndarray, dtype: type[np.floating]) -> np.ndarray:
    """Return the scores of sequences (n, n_steps) computed in NumPy with a dense memory."""
    layer, head = net.layers
    arrays = {name: a.astype(dtype) for name, a in network_arrays(layer)}
    system, d = layer.memory.system(), layer.memory.order  # type: ignore[union-attr]
    A, B = (np.eye(d) + system.A).T.astype(dtype), system.B.astype(dtype)
    e_h, e_m, e_x = (arrays[name].T for name in ("e_h", "e_m", "e_x"))
    W, W_h, b = arrays["cell.W"], arrays["cell.U"].T.copy(), arrays["cell.b"]
    W_m, W_x = W[:, :d].T.copy(), W[:, d:].T.copy()
    scores = []
    for start in range(0, len(x), BATCH):
        batch = x[start : start + BATCH].astype(dtype)
        m, h = np.zeros((len(batch), d), dtype), np.zeros((len(batch), len(b)), dtype)
        for t in range(batch.shape[1]):
            x_t = batch[:, t : t + 1]
            u = x_t @ e_x + h @ e_h + m @ e_m
            m = m @ A + u * B
            h = np.tanh(m @ W_m + x_t @ W_x + h @ W_h + b)
        scores.append(h @ head.W.T.astype(dtype) + head.b.astype(dtype))  # type: ignore[union-attr]
    return np.concatenate(scores)


def run_integers(net: FloatNetwork, x: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Return the scores' words, the time they took without compiling [s], and words compared."""
    design = Calibration(net, x[:64, :, None]).design(Widths(weight_bits=8), title="benchmark")
    program = with_output_every(design.program, 0)
    fmt = program.vector("x").fmt
    engine = BulkEngine(program, BATCH)
    start, outputs = time.perf_counter(), []
    for first in range(0, len(x), BATCH):
        words, _ = from_real(x[first : first + BATCH].T[:, :, None], fmt)
        engine.reset()
        outputs.append(engine.run(words)[-1])
    seconds = time.perf_counter() - start
    got = np.concatenate(outputs)
    sample = np.linspace(0, len(x) - 1, CHECKED).astype(int)
    words, _ = from_real(x[sample].T[:, :, None], fmt)
    expected = Interpreter(program, CHECKED).run(words)[-1]
    if not np.array_equal(got[sample], expected):
        raise SystemExit("the compiled C and the interpreter differ")
    return got, seconds, expected.size


def main() -> None:
    """Run both and write the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sequences", type=int, default=10_000)
    options.add_argument("--steps", type=int, default=784)
    args = options.parse_args()
    args.sequences -= args.sequences % BATCH
    rng = np.random.default_rng(1)
    x = rng.random((args.sequences, args.steps)).astype(np.float32)
    net = network()
    start = time.perf_counter()
    run_plain(net, x, np.float32)
    float_seconds = time.perf_counter() - start
    _, integer_seconds, n_words = run_integers(net, x)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    ratio = integer_seconds / float_seconds
    print(
        f"{args.sequences} sequences of {args.steps} steps: NumPy float32 {float_seconds:.1f} s, "
        f"integers {integer_seconds:.1f} s, ratio {ratio:.2f}, peak memory {peak:.2f} GiB, "
        f"{n_words} words equal to the interpreter's"
    )
    if (args.sequences, args.steps) == (10_000, 784):
        TABLE.write_text(table(ratio, peak))


def table(ratio: float, peak: float) -> str:
    """Return the text of the page."""
    return f"""# Speed of the compiled integer program

How fast `Design.run` and `lmu-hw evaluate` are: the compiled C of an integer program against NumPy.
Network of psMNIST size (d = 256, n = 212, theta = 784, ten classes, 8-bit weights), 10,000
sequences of 784 steps; both rows on all cores of one machine, in the same run. A sample of the
sequences also ran in the interpreter and gave the same words.

Repeat: `python benchmarks/bulk_speed.py`.

| | time, relative |
|---|---|
| NumPy/BLAS float32, dense memory | 1.00 |
| integer program, cascade memory, compiled C | {ratio:.2f} |

Peak memory of the run: {peak:.1f} GiB.
"""


if __name__ == "__main__":
    main()
