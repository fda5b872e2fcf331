"""Logs of training: a CSV file, and events for TensorBoard where it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .._support.build_directory import write_file
from ..errors import ToolError
from .checkpoint import Epoch

Log = Callable[[Sequence[Epoch]], object]


def logs(csv_file: Path | None, tensorboard: Path | None) -> list[Log]:
    """Return the functions that log the epochs so far, called after each epoch.

    Raises
    ------
    ToolError
        If TensorBoard is asked for and is not installed.
    """
    found: list[Log] = []
    if csv_file is not None:
        found.append(lambda history: _write_csv(csv_file, history))
    if tensorboard is not None:
        writer = _writer(tensorboard)
        found.append(lambda history: _add(writer, history))
    return found


def columns(history: Sequence[Epoch]) -> list[dict[str, float]]:
    """Return the figures of every epoch by name."""
    rows = []
    for k, epoch in enumerate(history, 1):
        row: dict[str, float] = {"epoch": k, "loss": epoch.loss}
        if epoch.validation is not None:
            row["validation"] = epoch.validation
        row |= {"lr": epoch.lr, "seconds": epoch.seconds}
        row |= {f"theta_{i}": theta for i, theta in enumerate(epoch.theta, 1)}
        rows.append(row)
    return rows


def _write_csv(path: Path, history: Sequence[Epoch]) -> None:
    rows = columns(history)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    # all epochs each time: a continued run has the lines of the run before
    write_file(path, lambda file: file.write(text.getvalue().encode()))


def _writer(directory: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ToolError(
            "tensorboard= needs TensorBoard: pip install tensorboard, or log with csv="
        ) from error
    return SummaryWriter(str(directory))  # type: ignore[no-untyped-call]


def _add(writer: Any, history: Sequence[Epoch]) -> None:
    row = columns(history)[-1]
    for name, value in row.items():
        if name != "epoch":
            writer.add_scalar(name, value, int(row["epoch"]))
    writer.flush()
