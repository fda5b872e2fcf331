"""Networks trained at one sample rate and run at others: docs/results/windows.md.

    PYTHONPATH=. python benchmarks/sample_rates.py [--data FOLDER] [--out build/sample_rates]

The networks are those of examples/models, without any training. The test data are resampled, the
networks retimed (`Network.retime`, ``--dt-ratio``) and compiled to integers again; beside them run
the same networks without retiming. A run that is stopped goes on where it was. ``--write`` leaves
the resampled data for ``lmu-hw evaluate``.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

import lmu_hw as lh
from benchmarks.results_file import Results, Row, arguments, with_section
from examples import ecg_beats, spoken_digits
from lmu_hw.measure.evaluation import Evaluation
from lmu_hw.train import script

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "examples" / "models"
PAGE = ROOT / "docs" / "results" / "windows.md"
PICTURE = ROOT / "docs" / "images" / "sample_rates.svg"
TITLE = "Another sample rate"
RATIOS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""New time step over the one of training."""
WIDTHS = {"weight_bits": 8}
PARTS = 16
"""Values of a line between samples that a longer step takes the mean of."""
BEATS = 5000
"""About the number of ECG beats that are run."""
Load = Callable[[Namespace], tuple[Tensor, ...]]
TITLES = {"spoken_digits": "spoken digits", "ecg_beats": "ECG beats"}


def recordings(options: Namespace) -> tuple[Tensor, ...]:
    """Return the spoken digits at their own lengths, those to test on last."""
    return spoken_digits.load(Namespace(**vars(options) | {"validate": False}), None)


TASKS: dict[str, Load] = {"spoken_digits": recordings, "ecg_beats": ecg_beats.load}


def resampled(x: np.ndarray, ratio: float) -> np.ndarray:
    """Return sequences (n, n_steps, n_in) with another time step; the last sample stays the last.

    Between samples the signal is a line. A longer step takes its mean over the step, a shorter one
    its value.
    """
    last = x.shape[1] - 1
    times = last - ratio * np.arange(int(last / ratio) + 1)[::-1]
    within = (np.arange(PARTS) + 0.5) / PARTS - 0.5 if ratio > 1.0 else np.zeros(1)
    found = np.zeros((len(x), len(times), x.shape[2]))
    for part in within * ratio:
        at = np.clip(times + part, 0.0, last)
        k = np.minimum(at.astype(int), last - 1)
        share = (at - k)[:, None]
        found += x[:, k] * (1.0 - share) + x[:, k + 1] * share
    return found / len(within)


def evaluated(
    network: lh.Network, ratio: float, data: tuple[np.ndarray, ...], *, retimed: bool
) -> Evaluation:
    """Return the evaluation of a network on data that have another time step.

    Parameters
    ----------
    network : Network
    ratio : float
        New time step over the one of training.
    data : tuple of array
        Sequences to calibrate on, sequences and labels to score, at the rate of training.
    retimed : bool
        Whether the network is told of the other time step.
    """
    calibration, x, labels = data
    compiled = lh.compile(
        network.retime(ratio) if retimed else network,
        widths=WIDTHS,
        calibration=resampled(calibration, ratio),
    )
    return compiled.evaluate(resampled(x, ratio), labels)


def scores(evaluation: Evaluation) -> Row:
    """Return the balanced accuracy of integers and of float64 [%], and how the words compared."""

    def balanced(confusion: tuple[tuple[int, ...], ...] | None) -> float:
        rows = np.array(confusion, dtype=float)
        return 100.0 * float(np.mean(np.diag(rows) / rows.sum(axis=1)))

    return {
        "integers": balanced(evaluation.integers.confusion),
        "floats": balanced(evaluation.floats.confusion),
        "engine": str(evaluation.engine),
    }


def data_of(options: Namespace, load: Load) -> tuple[np.ndarray, ...]:
    """Return a task's sequences to calibrate on, and those to score with labels."""
    x, _, test_x, labels = (part.numpy() for part in load(options))
    step = max(1, len(x) // 256)
    thin = max(1, len(test_x) // BEATS)
    return x[::step].astype(float), test_x[::thin].astype(float), labels[::thin]


def draw(results: Results) -> None:
    """Draw the accuracy against the ratio, for both tasks."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
    figure, axes = pyplot.subplots(1, len(TASKS), figsize=(8, 3), sharey=True)
    for axis, task in zip(axes, TASKS, strict=True):
        for kind, style in (("retimed", "o-"), ("not retimed", "x--")):
            values = [results.rows[f"{task} {kind} {ratio:g}"]["integers"] for ratio in RATIOS]
            axis.semilogx(RATIOS, values, style, base=2, label=kind)
        axis.set(title=TITLES[task], xlabel="time step, relative to training")
        axis.grid(visible=True, alpha=0.3)
        axis.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
    axes[0].set_ylabel("balanced accuracy, integers [%]")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})
    pyplot.close(figure)


def section(results: Results) -> str:
    """Return the section with the figures."""
    lines = []
    for ratio in RATIOS:
        cells = []
        for task in TASKS:
            both = [results.rows[f"{task} {k} {ratio:g}"] for k in ("retimed", "not retimed")]
            cells += [f"{both[0]['floats']:.1f}", *(f"{row['integers']:.1f}" for row in both)]
        lines.append(f"| {ratio:g} | {' | '.join(cells)} |")
    engine = results.rows["spoken_digits retimed 2"]["engine"]
    return f"""A window is a time: a network that was trained at one sample rate runs at another with its windows scaled, theta in
samples divided by the ratio of the time steps, and every weight as it is: `network.retime(ratio)`, or `--dt-ratio` of
`lmu-hw generate`, `tune` and `evaluate`. The two networks below are those of `examples/models`, trained at 10 ms (spoken
digits) and 120 Hz (ECG beats); the test data are resampled, and nothing is trained again. Integers with 8-bit weights,
calibrated on resampled training data. Balanced accuracy is the mean of the classes' shares found; chance is 10 % and
50 %. Repeat, with `LMU_HW_DATA` naming the directory of the data sets: `PYTHONPATH=. python benchmarks/sample_rates.py`.

![Accuracy against the time step](../images/sample_rates.svg)

| time step, relative | digits, retimed, float64 | integers | not retimed, integers | beats, retimed, float64 | integers | not retimed, integers |
|---|---|---|---|---|---|---|
{chr(10).join(lines)}

The new samples lie on lines between the old ones; longer steps take the mean. Without retiming the window of a network
of digits holds a quarter of the time, or four times as much. A step four times as long leaves 28 frames of a digit
instead of 113, which is enough, and 21 samples of a beat instead of 84, with waves up to 15 Hz, which is not: that loss is
the signal's. Every evaluation compares words; at twice the step, {engine}.

From the command line, with the data that `--write` leaves:

```sh
PYTHONPATH=. python benchmarks/sample_rates.py --write
lmu-hw evaluate examples/models/spoken_digits.npz --dt-ratio 2 --weight-bits 8 \\
  --data build/sample_rates/spoken_digits_2.npz --calibrate build/sample_rates/spoken_digits_2_calibration.npz
```

A network whose A and B were trained has no window to scale, and is refused. Recurrent cells (a SimpleRNN, LSTM or GRU, or
e_h) take one step a sample at any rate, which retiming does not change; what that costs was not measured.
"""  # noqa: E501


def write(out: Path, task: str, ratio: float, data: tuple[np.ndarray, ...]) -> None:
    """Write resampled data for the command line."""
    calibration, x, labels = data
    np.savez(out / f"{task}_{ratio:g}.npz", x=resampled(x, ratio), y=labels)
    np.savez(out / f"{task}_{ratio:g}_calibration.npz", x=resampled(calibration, ratio))


def main() -> None:
    """Measure what is not known yet; write the section and the picture."""
    parser = arguments(__doc__, "sample_rates")
    parser.add_argument("--data", type=Path, help="directory of the data; default: LMU_HW_DATA")
    parser.set_defaults(limit=None)
    parser.add_argument("--write", action="store_true", help="write the resampled data too")
    options = parser.parse_args()
    results = Results(options.out / "results.json")
    for task, load in TASKS.items():
        network, data = lh.load_model(MODELS / f"{task}.npz"), data_of(options, load)
        for ratio in RATIOS:
            if options.write:
                write(options.out, task, ratio, data)
            for kind in ("retimed", "not retimed"):

                def measure(kind: str = kind, ratio: float = ratio) -> Row:
                    return scores(evaluated(network, ratio, data, retimed=kind == "retimed"))  # noqa: B023

                results.add(f"{task} {kind} {ratio:g}", measure)
    draw(results)
    PAGE.write_text(with_section(PAGE.read_text(), TITLE, section(results)))


if __name__ == "__main__":
    script.main(main)
