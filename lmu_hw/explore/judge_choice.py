"""Chooses what an exploration is judged by: data, noise, a signal, or the predicted error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from .._support.name_lookup import member
from .._support.validation import real_array
from ..api.compilation import CALIBRATION_SEQUENCES
from ..api.design import Data, as_dataset
from ..api.sources import Memory, Network
from ..errors import SpecError
from ..measure.dataset import Dataset
from ..memory.spec import check_bandwidth
from .explored_point import Metric
from .explored_source import ExploredMemory, ExploredNetwork, ExploredSource
from .quality import ErrorJudge, Judge, NetworkJudge, WindowJudge, noise

OF_MEMORIES = (Metric.ERROR, Metric.WINDOW)


def source_and_judge(
    source: Memory | Network | Mapping[str, Any] | ExploredSource,
    data: Data | None,
    y: npt.ArrayLike | None,
    calibration: Data | None,
    metric: str | None,
    bandwidth: float | None,
) -> tuple[ExploredMemory | ExploredNetwork, Judge]:
    """Return what is explored and what judges it, from the options of `explore`.

    Raises
    ------
    SpecError
        If they do not go together.
    """
    wanted = None if metric is None else member("metric", metric, Metric)
    if isinstance(source, Network):
        source = ExploredNetwork(network=source, command_words=(f"{source.name}.npz",))
    elif isinstance(source, Memory):
        source = ExploredMemory(keys=_memory_keys(source))
    elif isinstance(source, Mapping):
        source = ExploredMemory(keys=dict(source))
    if isinstance(source, ExploredNetwork):
        if bandwidth is not None:
            raise SpecError("bandwidth must be left out for a network")
        model = source.network.model
        dataset = None if data is None else as_dataset(data, y, model)
        if calibration is not None:
            source = replace(source, calibration=as_dataset(calibration, None, model))
        elif source.calibration is None and dataset is not None:
            source = replace(source, calibration=dataset.sample(CALIBRATION_SEQUENCES))
        return source, network_judge(source, dataset, wanted)
    if not isinstance(source, ExploredMemory):
        raise SpecError(f"source must be a Memory, a Network or keys, not {type(source).__name__}")
    if calibration is not None or y is not None:
        raise SpecError("calibration and y must be left out for a memory")
    return source, memory_judge(source, data, wanted, bandwidth)


def network_judge(
    source: ExploredNetwork, dataset: Dataset | None, metric: Metric | None
) -> NetworkJudge:
    """Return what judges a network: by its data, or by noise where there are none.

    Raises
    ------
    SpecError
        If the data do not have the metric.
    """
    has = Metric.AGREEMENT
    if dataset is not None and dataset.labels is not None:
        has = Metric.ACCURACY
    elif dataset is not None and dataset.targets is not None:
        has = Metric.NRMSE
    metric = metric or has
    if metric not in (has, Metric.AGREEMENT):
        choices = " or ".join(dict.fromkeys((has.value, Metric.AGREEMENT.value)))
        raise SpecError(
            f"metric must be {choices} with these data, not {metric.value}; accuracy needs labels, "
            "nrmse targets"
        )
    if dataset is None:
        dataset = noise(source.network.model.n_in, source.input_peak or 1.0)
    return NetworkJudge(dataset=dataset, metric=metric)


def memory_judge(
    source: ExploredMemory, signal: Any, metric: Metric | None, bandwidth: float | None
) -> Judge:
    """Return what judges a memory: its predicted error, or the window that it holds.

    Raises
    ------
    SpecError
        If the metric is a network's, or has no signal.
    """
    if bandwidth is None:
        bandwidth = source.keys.get("bandwidth")
    if metric is None:
        metric = Metric.ERROR if signal is None and bandwidth is None else Metric.WINDOW
    if metric not in OF_MEMORIES:
        raise SpecError(f"metric must be error or window for a memory, not {metric.value}")
    if metric is Metric.ERROR:
        return ErrorJudge()
    if signal is not None:
        recording = real_array("data", signal)
        if recording.ndim != 1 or len(recording) < 2:
            raise SpecError(f"data must be a signal of shape (n_steps,), not {recording.shape}")
        return WindowJudge(recording=recording)
    return WindowJudge(bandwidth=None if bandwidth is None else check_bandwidth(bandwidth))


def _memory_keys(memory: Memory) -> dict[str, Any]:
    return {
        "d": memory.order,
        "theta": memory.theta,
        "discretizer": memory.discretizer,
        "substeps": memory.substeps,
        "channels": memory.channels,
    }
