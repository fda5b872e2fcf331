"""An experiment with several seeds: each in a directory of its own, then mean and spread.

A stopped run continues: each seed has its own checkpoints.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from torch import nn

from .._support.build_directory import write_file
from ..errors import SpecError
from .experiment import Task, text_table
from .experiment import run as run_once
from .experiment_picture import draw
from .model import Model

Networks = Callable[[], tuple[Model, nn.Module | None]]


def run(task: Task, build: Networks, options: Namespace, **settings: Any) -> list[dict[str, Any]]:
    """Run an experiment once for each of ``options.seeds``, or for ``options.seed`` alone.

    Parameters
    ----------
    task : Task
    build : callable
        Returns a new model and its rival, or None; called after the seed is set.
    options : Namespace
        Of `~lmu_hw.train.script.arguments`. With several seeds the results of seed 3 go to
        ``seed3`` of ``options.out``; their table, figures and picture go to ``options.out``.
    **settings
        Of `~lmu_hw.train.experiment.run`.

    Returns
    -------
    list of dict
        The report of each seed.

    Raises
    ------
    SpecError
        If a seed occurs twice.
    MismatchError
        If training and the exported program differ in a word.
    """
    seeds = _seeds(options)
    if len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds must differ, not {' '.join(map(str, seeds))}")
    reports: list[dict[str, Any]] = []
    for seed, out in zip(seeds, directories(options), strict=True):
        torch.manual_seed(seed)
        model, rival = build()
        own = Namespace(**{**vars(options), "seed": seed, "out": out})
        reports.append(run_once(task, model, rival, own, **settings))
        if len(seeds) > 1:
            _write(task, reports, options)
    if len(seeds) > 1:
        print(f"mean and standard deviation of {len(seeds)} seeds")
        print(table(reports))
        draw(options.out / f"{task.name}.png", task.name, reports)
    return reports


def directories(options: Namespace) -> list[Path]:
    """Return the directory of the results of each seed."""
    seeds = _seeds(options)
    return [options.out / f"seed{n}" for n in seeds] if len(seeds) > 1 else [options.out]


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return mean and standard deviation of all figures as a text table."""
    rows = {
        label: {name: _shown(*pair) for name, pair in row.items()}
        for label, row in statistics(reports).items()
    }
    return text_table(rows)


def statistics(
    reports: Sequence[Mapping[str, Any]],
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return mean and sample standard deviation of each figure, by row and name."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for label, row in reports[0]["rows"].items():
        values = {
            name: [r["rows"][label][name] for r in reports if name in r["rows"].get(label, {})]
            for name in row
        }
        found[label] = {
            name: (v[0] if len(set(v)) == 1 else fmean(v), stdev(v) if len(v) > 1 else 0.0)
            for name, v in values.items()
        }
    return found


def _seeds(options: Namespace) -> list[int]:
    return options.seeds or [options.seed]


def _shown(mean: float, spread: float) -> str:
    if isinstance(mean, int):
        return str(mean)
    return f"{mean:.4g} +- {spread:.2g}"


def _write(task: Task, reports: Sequence[Mapping[str, Any]], options: Namespace) -> None:
    summary = {
        "task": task.name,
        "seeds": [report["seed"] for report in reports],
        "rows": {
            label: {
                name: {"mean": mean, "standard deviation": spread}
                for name, (mean, spread) in row.items()
            }
            for label, row in statistics(reports).items()
        },
    }
    text = json.dumps(summary, indent=1) + "\n"
    path = options.out / f"{task.name}.json"
    write_file(path, lambda file: file.write(text.encode()))
