"""Memories on neurons in nengo and as programs, on the same input: docs/results/spiking_nengo.md.

    python benchmarks/spiking_nengo.py

Nengo runs the exported graph (`nengo_graph.py`). Some minutes; --quick prints the first rows only.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from nengo_graph import run_graph
from spiking_models import start
from spiking_neurons import noise

import lmu_hw as lh
from lmu_hw.interchange.nir_graph import make_graph, neural_network
from lmu_hw.program.fixedpoint import from_real, to_real

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results" / "spiking_nengo.md"
ORDER, THETA, WINDOWS, SEEDS = 6, 256, 18, 24
"""Order, window [samples], windows of an input, inputs."""
NEURONS = (384, 1536, 6144)

Array = np.ndarray


def errors(m: int, model: str, kinds: tuple[str, ...]) -> list[float]:
    """Return the RMS NRMSE of the inputs: of the program, then of each kind of nengo's neurons."""
    memory = lh.Memory(ORDER, theta=THETA)
    neurons = {"neurons": m, "neuron_model": model}
    design = lh.compile(memory, bits=20, realization="spiking", neurons=neurons)
    program = design.program
    rng = np.random.default_rng(0)
    u = np.stack([noise(WINDOWS * THETA, ORDER / 6 / THETA, rng) for _ in range(SEEDS)], axis=1)
    words, _ = from_real(u, program.vector("u").fmt)
    u = to_real(words, program.vector("u").fmt)
    unit = np.sqrt(2.0 * np.arange(ORDER) + 1.0)
    exact = np.stack([memory.simulate(row) for row in u.T], axis=1) / unit

    def nrmse(m: Array) -> float:
        wrong = np.square(m / unit - exact)[2 * THETA :].mean(axis=(0, 2))
        return float(np.sqrt(np.mean(wrong / np.square(exact)[2 * THETA :].mean(axis=(0, 2)))))

    outputs = design.run(words[:, :, None], state=start(program, SEEDS, rng)).outputs
    found = [nrmse(to_real(outputs[:, :, :ORDER], program.vector("y").fmt))]
    network = neural_network(program)
    graph = make_graph(network)
    for kind in kinds:
        states = [run_graph(graph, u[:, [k]], kind, seed=k) for k in range(SEEDS)]
        found.append(nrmse(np.stack(states, axis=1) @ network.readout.T))
    return found


TEXT = f"""\
# Nengo on the same input

The memory d = {ORDER}, theta = {THETA} on m neurons: as a program, and in nengo 4.1, whose own
neurons run the graph that `lmu-hw export` writes. Input: white noise of RMS 0.3 up to one period
in the window, {SEEDS} inputs of {WINDOWS} windows, the first two not counted; the same words for
both. NRMSE against the float64 zoh memory, in orthonormal coordinates. Repeat:
`python benchmarks/spiking_nengo.py`.

"""
NOTES = """
- *Integrate-and-fire*: nengo's `SpikingRectifiedLinear`, phases staggered. *Shared membrane*: the
  two signs of a state share a membrane, as in a program; in nengo each neuron then has a bias of
  half its largest rate. *One each*: populations for either sign with membranes of their own, as in
  the exported graph.
- *At random, once a step at most*: nengo's `StochasticSpiking`, as the Poisson neurons of programs.
- *Poisson*: nengo's `PoissonSpiking`. A neuron may fire more than once in a step: counts have the
  variance H p, and not H p (1 - p) as in programs, whose error is therefore smaller.
"""


def main() -> None:
    """Print the table; write the page unless --quick."""
    if find_spec("nengo") is None:
        print("nengo is not installed: make nengo")
        return
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--quick", action="store_true", help="the first rows, printed only")
    quick = args.parse_args().quick
    lines = [
        "| neurons | m | program | nengo | nengo / program |",
        "|---|---|---|---|---|",
    ]
    for m in NEURONS[:1] if quick else NEURONS:
        ours, shared, own = errors(m, "integrate-fire", ("shared", "integrate-fire"))
        random, once, poisson = errors(m, "poisson", ("random", "poisson"))
        rows = [
            ("integrate-and-fire, shared membrane", ours, shared),
            ("integrate-and-fire, one each", ours, own),
            ("at random, once a step at most", random, once),
            ("Poisson", random, poisson),
        ]
        for name, program, nengo in rows:
            ratio = f"{nengo / program:.2f}"
            lines.append(f"| {name} | {m} | {program:.3g} | {nengo:.3g} | {ratio} |")
            print(lines[-1], flush=True)
    if not quick:
        PAGE.write_text(TEXT + "\n".join(lines) + "\n" + NOTES)


if __name__ == "__main__":
    main()
